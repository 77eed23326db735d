//! Texts that a reader reads as one: the parts of a message, the elements of a list, the values of an object.
//!
//! A provider puts text parts one behind the other, so a value that is divided over two of them is whole for the model, and
//! what one part or name says of the next counts (`password: ` in one, the password in the other). They are looked at one by
//! one and, here, once more together; a finding belongs to each part that it touches.

use std::collections::BTreeMap;
use std::ops::Range;

use stockade_domain::{Channel, Finding, FindingKind, Role};
use stockade_egress::evidence::{Message, ParsedSpan};

use crate::label;

/// Spans that are read as one text.
pub(crate) struct Joined {
    how: How,
    pub(crate) channel: Channel,
    pub(crate) role: Role,
    pub(crate) text: String,
    /// The spans, by number, with the place of each in the text.
    parts: Vec<(usize, Range<usize>)>,
}

/// How texts are one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    /// Parts of one text.
    Parts,
    /// Messages of one party: what stands in the first says nothing of what stands in the second, and digits of two are no
    /// number, but what nobody writes by chance is put together again.
    Turns,
    /// Values of an object, each behind its name.
    Object,
}

impl Joined {
    /// What a finding in the whole is in each part that it touches; nothing when the part alone tells it as well.
    pub(crate) fn in_parts(&self, finding: &Finding) -> Vec<(usize, Finding)> {
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
        let is_over_a_seam = touched.len() > 1;
        let counts = match (self.how, finding.kind) {
            (How::Turns, FindingKind::Pii) => false,
            (How::Turns, FindingKind::Injection) => is_over_a_seam,
            // What tries to steer a model says so by itself.
            (How::Object, FindingKind::Injection) => false,
            (How::Parts, FindingKind::Injection) => is_over_a_seam,
            (How::Parts | How::Turns | How::Object, _) => true,
        };
        if counts { touched } else { Vec::new() }
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
    let lists = groups.into_values().filter(|group| group.len() > 1).map(|group| (How::Parts, group));
    let turns = neighbours(message).into_iter().map(|group| (How::Turns, group));
    let objects = objects(message).into_iter().map(|group| (How::Object, group));
    let all = lists.chain(turns).chain(objects);
    all.filter_map(|(how, group)| join(message, &group, how)).collect()
}

/// Values that have names: of the objects that tools are called with, of definitions, of fields outside every table.
fn objects(message: &Message) -> Vec<Vec<usize>> {
    let mut groups: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (number, span) in message.spans.iter().enumerate() {
        if is_value(span) {
            groups.entry(object_of(span)).or_default().push(number);
        }
    }
    groups.into_values().collect()
}

/// Parts of a tool's definition that are values.
const VALUES: [&str; 6] = ["authorization", "const", "default", "examples", "headers", "input_examples"];

/// Whether a text is a value with a name, and not a text of its own as the arguments of a call are in JSON.
fn is_value(span: &ParsedSpan) -> bool {
    match span.channel {
        Channel::ToolArgs => !span.path.ends_with("/arguments") && !span.path.ends_with("/input"),
        Channel::Unlabelled => true,
        Channel::Content => span.path.starts_with("/prompt/variables/"),
        // The rest of a definition says what values are like, and is none.
        Channel::ToolDefinition => span.path.split('/').any(|part| VALUES.contains(&part)),
        _ => false,
    }
}

/// The object that a value stands in: a call, a tool, a field of a message or of the body.
fn object_of(span: &ParsedSpan) -> &str {
    let is_in = |list: &str| span.path.starts_with(list);
    let depth = match span.channel {
        Channel::ToolArgs if is_in("/messages/") => 5,
        _ if ["/messages/", "/input/", "/tools/", "/functions/"].into_iter().any(is_in) => 3,
        _ => 1,
    };
    let end = span.path.match_indices('/').nth(depth).map_or(span.path.len(), |(at, _)| at);
    span.path.get(..end).unwrap_or_default()
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
    // What is said to the model before all messages is read first, wherever in the body it stands.
    let ahead =
        |span: &ParsedSpan| span.path.starts_with("/system") || span.path.starts_with("/instructions");
    let (first, then): (Vec<_>, Vec<_>) = message.spans.iter().enumerate().partition(|(_, span)| ahead(span));
    for (number, span) in first.into_iter().chain(then) {
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

fn join(message: &Message, group: &[usize], how: How) -> Option<Joined> {
    let first = message.spans.get(*group.first()?)?;
    let mut whole =
        Joined { how, channel: first.channel, role: first.role, text: String::new(), parts: Vec::new() };
    let mut previous = None;
    for number in group {
        let span = message.spans.get(*number)?;
        if how == How::Object {
            whole.text.push_str(&label::before(&span.path, previous));
            previous = Some((&span.path, &span.text));
        }
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
        assert_eq!(texts, ["one two", "ab", "\n\"x\": \"a\nb"]);
    }

    #[test]
    fn values_stand_behind_their_names() {
        let body = r#"{"model":"m","max_tokens":1,"metadata":{"password":"p"},"messages":[{"role":"assistant","content":[
            {"type":"tool_use","id":"t","name":"f","input":{"api_key":"k","lines":["a","b"],"n":123456789}}]}]}"#;
        let limits = Limits { depth: 16, leaves: 100 };
        let message = parse(Dialect::Messages, Bytes::from(body), limits).unwrap();
        let mut texts: Vec<String> = joined(&message).into_iter().map(|joined| joined.text).collect();
        texts.sort();
        let call = "\n\"api_key\": \"k\n\"lines\": \"a\nb\n\"n\": \"123456789";
        assert_eq!(texts, [call, "\n\"password\": \"p"]);
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
