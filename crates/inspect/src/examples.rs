//! The rules' own examples, run by the engine that runs the rules.
//!
//! A credential that fits its provider's format would set off every scanner that reads the tree. Examples therefore say
//! `{{hex:32}}` where a credential has 32 hexadecimal digits; the characters are drawn when the example is run.

use std::sync::Arc;

use stockade_domain::{Channel, Direction, Finding, Role, SpanRef};
use stockade_rulebook::Header;

use crate::engine::{Context, Engine};

/// An example that does not come out as its rule says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExampleFailure {
    /// The rule.
    pub id: Arc<str>,
    /// The example's text.
    pub text: String,
    /// Whether the rule should have found something.
    pub expected: bool,
}

impl Engine {
    /// Runs the examples of all rules. Those of a word list count when any rule of its family finds something.
    #[must_use]
    pub fn examples(&self) -> Vec<ExampleFailure> {
        let rules = self.inner.rules.iter();
        let lists = self.inner.word_lists.iter();
        rules
            .flat_map(|rule| {
                self.run_examples(&rule.id, &rule.header, rule.in_data, |f| f.rule_id == rule.id)
            })
            .chain(lists.flat_map(|list| {
                let id = Arc::from(list.header.id.as_str());
                self.run_examples(&id, &list.header, list.in_data, |f| f.ty == list.family)
            }))
            .collect()
    }

    fn run_examples(
        &self,
        id: &Arc<str>,
        header: &Header,
        in_data: bool,
        is: impl Fn(&Finding) -> bool,
    ) -> Vec<ExampleFailure> {
        let cx = if in_data {
            Context::new(Direction::Request, Channel::ToolResult, Role::Tool)
        } else {
            Context::new(Direction::Request, Channel::Content, Role::User)
        };
        let finds = |text: &str| {
            let text = &expand_example(text);
            let span = SpanRef { channel: cx.channel, role: cx.role, path: "", text };
            self.examine(span, &cx).findings.iter().any(&is)
        };
        let examples = &header.examples;
        let both =
            examples.matching.iter().map(|t| (t, true)).chain(examples.no_match.iter().map(|t| (t, false)));
        both.filter(|(text, expected)| finds(text) != *expected)
            .map(|(text, expected)| ExampleFailure { id: Arc::clone(id), text: text.clone(), expected })
            .collect()
    }
}

/// Alphabets by the name that examples give them.
const ALPHABETS: &[(&str, &[u8])] = &[
    ("hex", b"0123456789abcdef"),
    ("digits", b"0123456789"),
    ("letters", b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"),
    ("lowernum", b"abcdefghijklmnopqrstuvwxyz234567"),
    ("upnum", b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"),
    ("base32", b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"),
    ("bech32", b"QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L"),
    ("base62", b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"),
    ("base64", b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"),
    ("base64url", b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
];

/// The most characters that one place of an example stands for.
const MOST: usize = 4096;

/// The text with every `{{alphabet:length}}` replaced by characters that look drawn at random and are the same each
/// time. `{{uuid:n}}` is `n` UUIDs of version 4. What is no such place stays as it is.
#[must_use]
pub fn expand_example(text: &str) -> String {
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        let place = after.split_once("}}").and_then(|(place, tail)| {
            let (name, length) = place.split_once(':')?;
            Some((name, length.parse().ok().filter(|n| *n <= MOST)?, tail))
        });
        rest = match place {
            Some((name, length, tail)) if draw(name, length, &mut seed, &mut out) => tail,
            _ => {
                out.push_str("{{");
                after
            }
        };
    }
    out.push_str(rest);
    out
}

/// Adds drawn characters; false when the alphabet is not known.
fn draw(name: &str, length: usize, seed: &mut u64, out: &mut String) -> bool {
    if name == "uuid" {
        for _ in 0..length {
            for (part, count) in [("", 8), ("-", 4), ("-4", 3), ("-a", 3), ("-", 12)] {
                out.push_str(part);
                draw("hex", count, seed, out);
            }
        }
        return true;
    }
    let Some((_, alphabet)) = ALPHABETS.iter().find(|(known, _)| *known == name) else { return false };
    for _ in 0..length {
        // An xorshift generator (G. Marsaglia, 2003): any noise will do, as long as it is always the same.
        *seed ^= *seed << 13;
        *seed ^= *seed >> 7;
        *seed ^= *seed << 17;
        let at = usize::try_from(*seed >> 33).unwrap_or(0) % alphabet.len().max(1);
        out.push(alphabet.get(at).copied().map_or('0', char::from));
    }
    true
}
