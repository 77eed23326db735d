//! Numbers of an answer: which of them count something, which could be somebody's, and which say nothing.

use stockade_domain::Channel;

use super::event::{Event, Part, RawLeaf, Shape};
use super::parts::{argument, text};
use crate::dialect::{Family, Named, Place, segments};
use crate::read::is_long;

/// A float of 64 bits needs no more characters: sign, 17 digits, point, exponent.
const FLOAT_DIGITS: usize = 26;

/// A time in seconds has ten digits until the year 2286.
const TIME_DIGITS: usize = 10;

impl Event {
    /// Numbers: counts stay, long ones are text, elements of lists are opaque and say nothing afterwards.
    pub(super) fn number(&mut self, leaf: RawLeaf, named: Named, place: Place, shape: Shape) {
        let path = segments(&leaf.path);
        let is_ollama = shape.dialect.family() == Family::Ollama;
        match path.as_slice() {
            ["created"] | ["response", "created_at"] if leaf.text.len() <= TIME_DIGITS => {
                self.created = leaf.text.parse().ok();
            }
            ["created_at" | "completed_at"] | ["response", "completed_at"]
                if leaf.text.len() <= TIME_DIGITS => {}
            ["sequence_number"] if !is_long(&leaf.text) => self.sequence = leaf.text.parse().ok(),
            ["usage", rest @ ..] | ["message" | "response", "usage", rest @ ..] if !is_long(&leaf.text) => {
                self.uses(rest, leaf.text.parse().unwrap_or(0));
            }
            // Nanoseconds have many digits, and three of them say how long something took.
            [name] if is_ollama && name.ends_with("_duration") && is_long(&leaf.text) => {
                self.parts.push(Part::Blank { raw: leaf.raw, with: coarse(&leaf.text).into() });
            }
            [count @ ("prompt_eval_count" | "eval_count")] if is_ollama && !is_long(&leaf.text) => {
                let name = if *count == "eval_count" { "completion_tokens" } else { "prompt_tokens" };
                self.uses(&[name], leaf.text.parse().unwrap_or(0));
            }
            // It goes as a whole, or not at all.
            ["context", _] if is_ollama => {}
            [.., "logprob" | "index" | "start_index" | "end_index"] if !is_long_integer(&leaf.text) => {}
            // Log probabilities of legacy completions.
            ["choices", _, "logprobs", "token_logprobs" | "text_offset" | "top_logprobs", ..]
                if !is_long_integer(&leaf.text) => {}
            // A model's numbers: a fraction has as many digits as a float needs.
            _ if matches!(named, Named::Vector | Named::Prediction)
                && leaf.text.len() <= FLOAT_DIGITS
                && !is_long_integer(&leaf.text) => {}
            _ if named == Named::Argument && !is_long(&leaf.text) => {}
            [.., last] if last.bytes().all(|b| b.is_ascii_digit()) && named != Named::Argument => {
                self.parts.push(Part::Blank { raw: leaf.raw, with: "0".into() });
            }
            _ if is_long_integer(&leaf.text) => {
                self.parts.push(match named {
                    Named::Argument => argument(leaf, place, shape, None),
                    _ => text(leaf, Channel::Unlabelled, place, shape),
                });
            }
            _ => {}
        }
    }
}

/// Whether so much stands before the point that it could be somebody's number: tables with gaps write `.0` behind it.
fn is_long_integer(text: &str) -> bool {
    is_long(text.split(['.', 'e', 'E']).next().unwrap_or_default())
}

/// A long whole number with all but its first three digits as zeros; anything else, and what is longer than the largest
/// number of 64 bits, is zero.
fn coarse(text: &str) -> String {
    if text.parse::<u64>().is_err() {
        return "0".to_owned();
    }
    text.chars().enumerate().map(|(at, digit)| if at < 3 { digit } else { '0' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits_of_a_long_time_are_told() {
        assert_eq!(coarse("4935886791"), "4930000000");
        assert_eq!(coarse("4012888888881881.5"), "0");
        assert_eq!(coarse("99999999999999999999999"), "0");
    }
}
