//! Texts that a reader reads as one: the parts of a message, the elements of a list.
//!
//! A provider puts text parts one behind the other, so a value that is divided over two of them is whole for the model.
//! They are looked at one by one and, here, once more together; a finding that goes over a seam belongs to each part that
//! it touches.

use std::collections::BTreeMap;
use std::ops::Range;

use stockade_domain::{Channel, Finding, Role};
use stockade_egress::evidence::{Message, ParsedSpan};

/// Spans that are read as one text.
pub(crate) struct Joined {
    pub(crate) channel: Channel,
    pub(crate) role: Role,
    pub(crate) text: String,
    /// The spans, by number, with the place of each in the text.
    parts: Vec<(usize, Range<usize>)>,
}

impl Joined {
    /// What a finding in the whole is in each part, when it goes over a seam.
    pub(crate) fn over_a_seam(&self, finding: &Finding) -> Vec<(usize, Finding)> {
        // The parts lie in order, one after another.
        let first = self.parts.partition_point(|(_, place)| place.end <= finding.start);
        let touched: Vec<_> = self
            .parts
            .iter()
            .skip(first)
            .take_while(|(_, place)| place.start < finding.end)
            .map(|(span, place)| {
                let start = finding.start.max(place.start).saturating_sub(place.start);
                let end = finding.end.min(place.end).saturating_sub(place.start);
                (*span, Finding { start, end, ..finding.clone() })
            })
            .collect();
        if touched.len() > 1 { touched } else { Vec::new() }
    }
}

/// The texts of a message that are read as one, each of two parts and more.
pub(crate) fn joined(message: &Message) -> Vec<Joined> {
    let mut groups: BTreeMap<(&str, &str), Vec<usize>> = BTreeMap::new();
    for (number, span) in message.spans.iter().enumerate() {
        if let Some(place) = list_of(span) {
            groups.entry(place).or_default().push(number);
        }
    }
    let lists = groups.into_values().filter(|group| group.len() > 1);
    lists.chain(neighbours(message)).filter_map(|group| join(message, &group)).collect()
}

/// What one party says in messages one after another: providers put these together before a model reads them, and so does
/// translation, which passes over reasoning and what says nothing. Results of tools are each a text of their own, and so
/// are the elements of a list of texts to embed or to complete.
fn neighbours(message: &Message) -> Vec<Vec<usize>> {
    if !matches!(message.surface, "openai.chat" | "openai.responses" | "anthropic.messages") {
        return Vec::new();
    }
    let mut runs: Vec<Vec<usize>> = Vec::new();
    let mut last: Option<(Role, &str)> = None;
    let mut is_run = false;
    for (number, span) in message.spans.iter().enumerate() {
        match span.channel {
            Channel::Content | Channel::System | Channel::Refusal if span.role != Role::Tool => {}
            Channel::ToolArgs | Channel::ToolResult | Channel::ToolName => {
                last = None;
                continue;
            }
            _ => continue,
        }
        if span.text.is_empty() {
            continue;
        }
        let turn = turn_of(span);
        let goes_on = last.is_some_and(|(role, _)| role == span.role);
        if goes_on && let Some(run) = runs.last_mut() {
            run.push(number);
            is_run |= last.is_some_and(|(_, before)| before != turn);
        } else {
            if !is_run {
                runs.pop();
            }
            is_run = false;
            runs.push(vec![number]);
        }
        last = Some((span.role, turn));
    }
    if !is_run {
        runs.pop();
    }
    runs
}

/// Where the message or prompt that a text stands in begins.
fn turn_of(span: &ParsedSpan) -> &str {
    let end = span.path.match_indices('/').nth(2).map_or(span.path.len(), |(at, _)| at);
    let turn = span.path.get(..end).unwrap_or_default();
    // A refusal stands beside the content that it ends.
    if span.channel == Channel::Refusal { &span.path } else { turn }
}

fn join(message: &Message, group: &[usize]) -> Option<Joined> {
    let first = message.spans.get(*group.first()?)?;
    let mut whole =
        Joined { channel: first.channel, role: first.role, text: String::new(), parts: Vec::new() };
    for number in group {
        let span = message.spans.get(*number)?;
        let start = whole.text.len();
        whole.text.push_str(&span.text);
        whole.parts.push((*number, start..whole.text.len()));
    }
    Some(whole)
}

/// The list that a text stands in, and where in its elements. Messages and tools are each a text of their own.
fn list_of(span: &ParsedSpan) -> Option<(&str, &str)> {
    let is_read = matches!(
        span.channel,
        Channel::Content | Channel::System | Channel::ToolResult | Channel::Reasoning | Channel::Unlabelled
    );
    if !is_read {
        return None;
    }
    let mut end = span.path.len();
    while let Some(at) = span.path.get(..end).and_then(|path| path.rfind('/')) {
        let segment = span.path.get(at.saturating_add(1)..end).unwrap_or_default();
        if !segment.is_empty() && segment.bytes().all(|b| b.is_ascii_digit()) {
            let list = span.path.get(..at).unwrap_or_default();
            let inside = span.path.get(end..).unwrap_or_default();
            return (!matches!(list, "/messages" | "/tools" | "/functions" | "/input" | "/prompt"))
                .then_some((list, inside));
        }
        end = at;
    }
    None
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::dialect::Dialect;
    use crate::json::Limits;
    use crate::read::parse;

    #[test]
    fn parts_of_a_message_are_one_text_and_messages_are_not() {
        let body = r#"{"model":"m","x":["a","b"],"messages":[{"role":"user","content":[{"type":"text","text":"one "},
            {"type":"text","text":"two"}]},{"role":"assistant","content":"three"},{"role":"user","content":"four"}]}"#;
        let message = parse(Dialect::Chat, Bytes::from(body), Limits { depth: 16, leaves: 100 }).unwrap();
        let texts: Vec<String> = joined(&message).into_iter().map(|joined| joined.text).collect();
        assert_eq!(texts, ["one two", "ab"]);
    }

    #[test]
    fn messages_of_one_party_in_a_row_are_one_text_too() {
        let body = r#"{"model":"m","messages":[{"role":"user","content":"a"},{"role":"user","content":"b"},
            {"role":"assistant","content":"c"},{"role":"tool","content":"d"},{"role":"tool","content":"e"},
            {"role":"user","content":"f"},{"role":"user","content":[{"type":"text","text":"g"}]}]}"#;
        let message = parse(Dialect::Chat, Bytes::from(body), Limits { depth: 16, leaves: 100 }).unwrap();
        let texts: Vec<String> = joined(&message).into_iter().map(|joined| joined.text).collect();
        assert_eq!(texts, ["ab", "fg"]);
    }
}
