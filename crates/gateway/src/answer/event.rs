//! One JSON message of an answer (a stream's event, or the whole body) as the walker sees it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use bytes::Bytes;
use stockade_domain::{Channel, Usage};

use crate::dialect::{ChatChunk, ChatResponse, KNOWN_KEYS, Named, Table, is_atom, segments};
use crate::json::{JsonError, LeafKind, Limits, walk};
use crate::request::is_long;

/// What the gateway does with one leaf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// Text that flows through a lane. The key names the lane.
    Text { lane: LaneKey, channel: Channel, text: String, raw: Range<usize> },
    /// An atom: looked at on its own. At one place of one choice it is the same in every event.
    Atom { lane: LaneKey, text: String, raw: Range<usize> },
    /// Replaced by a constant that says nothing.
    Blank { raw: Range<usize>, with: &'static str },
}

/// Names a lane: the choice it belongs to, the tool call, and the place of the text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct LaneKey {
    pub(super) choice: Option<u64>,
    pub(super) tool: Option<u64>,
    /// The pointer, with `*` for positions in lists of pieces.
    pub(super) place: String,
}

/// A message, read.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) data: Bytes,
    pub(super) parts: Vec<Part>,
    /// Choices that it speaks of.
    pub(super) choices: BTreeSet<u64>,
    /// Choices that it ends.
    pub(super) finished: BTreeSet<u64>,
    /// Log probabilities by choice: where they stand, and whether they say something else than the text does.
    pub(super) logprobs: Vec<(u64, Range<usize>)>,
    /// The upstream reports an error in place of an answer.
    pub(super) is_error: bool,
    /// It is an object with a list of choices.
    pub(super) has_choices: bool,
    /// It is an object.
    pub(super) is_object: bool,
    pub(super) usage: Option<Usage>,
    /// Envelope fields that a made-up last event repeats.
    pub(super) id: Option<String>,
    pub(super) model: Option<String>,
    pub(super) created: Option<u64>,
}

/// Which table names the leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Chunk,
    Whole,
}

/// Lists of bytes that say just what the token beside them says.
struct Honest(BTreeSet<String>);

impl Honest {
    fn of(leaves: &[RawLeaf]) -> Self {
        let mut bytes: BTreeMap<&str, Vec<Option<u8>>> = BTreeMap::new();
        for leaf in leaves.iter().filter(|l| l.kind == LeafKind::Number) {
            if let Some((list, _)) = leaf.path.rsplit_once('/').filter(|(list, _)| list.ends_with("/bytes")) {
                bytes.entry(list).or_default().push(leaf.text.parse().ok());
            }
        }
        let says = |token: &RawLeaf| {
            let list = format!("{}/bytes", token.path.strip_suffix("/token")?);
            let said = bytes.get(list.as_str())?;
            said.iter().copied().eq(token.text.bytes().map(Some)).then_some(list)
        };
        Self(leaves.iter().filter(|l| l.kind == LeafKind::String).filter_map(says).collect())
    }
}

struct RawLeaf {
    path: String,
    kind: LeafKind,
    text: String,
    raw: Range<usize>,
}

/// Reads a message.
pub(super) fn read(data: Bytes, shape: Shape, limits: Limits) -> Result<Event, JsonError> {
    let mut leaves = Vec::new();
    walk(&data, limits, |leaf| {
        let wanted = match leaf.kind {
            LeafKind::Key => KNOWN_KEYS.binary_search(&leaf.text.as_ref()).is_err() || leaf.path == "/error",
            LeafKind::Container => matches!(leaf.path, "" | "/choices") || leaf.path.ends_with("/logprobs"),
            LeafKind::Literal => false,
            LeafKind::String | LeafKind::Number => true,
        };
        if wanted {
            let (path, text) = (leaf.path.to_owned(), leaf.text.into_owned());
            leaves.push(RawLeaf { path, kind: leaf.kind, text, raw: leaf.raw });
        }
    })?;
    let mut event = Event {
        data,
        parts: Vec::with_capacity(leaves.len()),
        choices: BTreeSet::new(),
        finished: BTreeSet::new(),
        logprobs: Vec::new(),
        is_error: false,
        has_choices: false,
        is_object: false,
        usage: None,
        id: None,
        model: None,
        created: None,
    };
    let indices = Indices::of(&leaves);
    let honest = Honest::of(&leaves);
    for leaf in leaves {
        let element_of = leaf.path.rsplit_once('/').map(|(list, _)| list);
        if leaf.kind == LeafKind::Number && element_of.is_some_and(|list| honest.0.contains(list)) {
            continue;
        }
        event.take(leaf, shape, &indices);
    }
    Ok(event)
}

/// The `index` fields: a choice or tool call is known by them, not by its position in the list.
struct Indices(BTreeMap<String, u64>);

impl Indices {
    fn of(leaves: &[RawLeaf]) -> Self {
        let index = |leaf: &RawLeaf| {
            let parent = leaf.path.strip_suffix("/index")?;
            let value = leaf.text.parse().ok()?;
            (leaf.kind == LeafKind::Number).then(|| (parent.to_owned(), value))
        };
        Self(leaves.iter().filter_map(index).collect())
    }

    fn get(&self, path: &str, position: &str) -> u64 {
        self.0.get(path).copied().or_else(|| position.parse().ok()).unwrap_or(0)
    }
}

impl Event {
    fn take(&mut self, leaf: RawLeaf, shape: Shape, indices: &Indices) {
        let path = segments(&leaf.path);
        let (choice, tool) = owner(&path, indices);
        self.choices.extend(choice);
        let named = match shape {
            Shape::Chunk => ChatChunk.name(&path),
            Shape::Whole => ChatResponse.name(&path),
        };
        match (leaf.kind, path.as_slice()) {
            (LeafKind::Key, ["error"]) => return self.is_error = true,
            (LeafKind::Container, []) => {
                return self.is_object = self.data.get(leaf.raw.start) == Some(&b'{');
            }
            (LeafKind::Container, ["choices"]) => {
                return self.has_choices = self.data.get(leaf.raw.start) == Some(&b'[');
            }
            (LeafKind::Container, _) => return self.logprobs.extend(choice.map(|c| (c, leaf.raw))),
            (LeafKind::Number, _) => return self.number(leaf, choice, tool, shape),
            (LeafKind::String, ["id"]) if is_atom(&leaf.text) => self.id = Some(leaf.text.clone()),
            (LeafKind::String, ["model"]) if is_atom(&leaf.text) => self.model = Some(leaf.text.clone()),
            // Some providers send an empty one with every piece.
            (LeafKind::String, ["choices", _, "finish_reason"]) if !leaf.text.is_empty() => {
                self.finished.extend(choice);
            }
            _ => {}
        }
        let part = match named {
            _ if leaf.kind == LeafKind::Key => self.text(&leaf, Channel::Key, choice, tool, shape),
            Named::Atom if is_atom(&leaf.text) => {
                let lane = LaneKey { choice, tool, place: lane_place(&leaf.path) };
                Part::Atom { lane, text: leaf.text, raw: leaf.raw }
            }
            Named::Opaque(_) => Part::Blank { raw: leaf.raw, with: "\"\"" },
            Named::Text(channel) => self.text(&leaf, channel, choice, tool, shape),
            Named::Atom | Named::Reference(_) | Named::Carrier => {
                self.text(&leaf, Channel::Unlabelled, choice, tool, shape)
            }
        };
        self.parts.push(part);
    }

    fn text(
        &self,
        leaf: &RawLeaf,
        channel: Channel,
        choice: Option<u64>,
        tool: Option<u64>,
        shape: Shape,
    ) -> Part {
        // A list of tokens is one text in pieces, in a whole body too, and so are the parts of a message.
        let place = match shape {
            Shape::Whole if !leaf.path.contains("/logprobs/") && !is_part(&leaf.path) => leaf.path.clone(),
            Shape::Chunk | Shape::Whole => lane_place(&leaf.path),
        };
        let place = if leaf.kind == LeafKind::Key { format!("{place}#key") } else { place };
        let lane = LaneKey { choice, tool, place };
        Part::Text { lane, channel, text: leaf.text.clone(), raw: leaf.raw.clone() }
    }

    /// Numbers: counts stay, long ones are text, elements of lists are opaque and say nothing afterwards.
    fn number(&mut self, leaf: RawLeaf, choice: Option<u64>, tool: Option<u64>, shape: Shape) {
        let path = segments(&leaf.path);
        match path.as_slice() {
            ["created"] if leaf.text.len() <= TIME_DIGITS => self.created = leaf.text.parse().ok(),
            ["usage", "prompt_tokens"] if !is_long(&leaf.text) => {
                self.usage.get_or_insert_default().prompt_tokens = leaf.text.parse().unwrap_or(0);
            }
            ["usage", "completion_tokens"] if !is_long(&leaf.text) => {
                self.usage.get_or_insert_default().completion_tokens = leaf.text.parse().unwrap_or(0);
            }
            [.., "logprob" | "index" | "start_index" | "end_index"] if !is_long_integer(&leaf.text) => {}
            [.., last] if last.bytes().all(|b| b.is_ascii_digit()) => {
                self.parts.push(Part::Blank { raw: leaf.raw, with: "0" });
            }
            _ if is_long(&leaf.text) && !leaf.text.contains(['.', 'e', 'E']) => {
                let part = self.text(&leaf, Channel::Unlabelled, choice, tool, shape);
                self.parts.push(part);
            }
            _ => {}
        }
    }
}

/// Whether a text is a part of a message's content.
fn is_part(path: &str) -> bool {
    path.strip_suffix("/text")
        .and_then(|list| list.rsplit_once('/'))
        .is_some_and(|(list, _)| list.ends_with("/content"))
}

/// A time in seconds has ten digits until the year 2286.
const TIME_DIGITS: usize = 10;

fn is_long_integer(text: &str) -> bool {
    is_long(text) && !text.contains('.')
}

/// The choice and tool call that a path belongs to.
fn owner(path: &[&str], indices: &Indices) -> (Option<u64>, Option<u64>) {
    let ["choices", position, rest @ ..] = path else { return (None, None) };
    let choice = indices.get(&format!("/choices/{position}"), position);
    let tool = match rest {
        [message @ ("delta" | "message"), "tool_calls", at, ..] => {
            Some(indices.get(&format!("/choices/{position}/{message}/tool_calls/{at}"), at))
        }
        [_, "function_call", ..] => Some(u64::MAX),
        _ => None,
    };
    (Some(choice), tool)
}

/// Pieces of one text stand at different positions of a list from event to event; the lane is the same.
fn lane_place(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    let segments = segments(path);
    let under_top = segments.contains(&"top_logprobs");
    let last_index = segments.iter().rposition(|s| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit()));
    for (at, segment) in segments.iter().enumerate() {
        let index = !segment.is_empty() && segment.bytes().all(|b| b.is_ascii_digit());
        out.push('/');
        // The rank among the alternatives stays: the lane of a rank is read across positions.
        out.push_str(if index && !(under_top && Some(at) == last_index) { "*" } else { segment });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { depth: 64, leaves: 10_000 };

    #[test]
    fn choices_and_tools_are_known_by_their_index_field() {
        let data =
            br#"{"choices":[{"index":3,"delta":{"tool_calls":[{"index":2,"function":{"arguments":"x"}}]}}]}"#;
        let event = read(Bytes::from_static(data), Shape::Chunk, LIMITS).unwrap();
        let Part::Text { lane, channel, .. } = &event.parts[0] else { panic!() };
        assert_eq!((lane.choice, lane.tool, *channel), (Some(3), Some(2), Channel::ToolArgs));
    }

    #[test]
    fn what_is_not_text_says_nothing() {
        let data = br#"{"x":[1,2],"choices":[{"index":0,"delta":{"audio":{"data":"AAAA"}},"logprobs":{"content":[{"bytes":[65]}]}}],"n":4111111111111111}"#;
        let event = read(Bytes::from_static(data), Shape::Chunk, LIMITS).unwrap();
        let blanks = event.parts.iter().filter(|p| matches!(p, Part::Blank { .. })).count();
        assert_eq!(blanks, 4);
        assert!(event.parts.iter().any(|p| matches!(p, Part::Text { text, .. } if text.starts_with("4111"))));
        assert_eq!(event.logprobs.len(), 1);
    }

    #[test]
    fn ranks_of_alternatives_are_lanes_of_their_own() {
        assert_eq!(
            lane_place("/choices/0/logprobs/content/5/top_logprobs/2/token"),
            "/choices/*/logprobs/content/*/top_logprobs/2/token"
        );
        assert_eq!(lane_place("/choices/0/delta/content"), "/choices/*/delta/content");
    }
}
