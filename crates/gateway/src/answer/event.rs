//! One JSON message of an answer (a stream's event, or the whole body) as the walker sees it.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;

use bytes::Bytes;
use stockade_domain::{Channel, Usage};

use super::honest::Honest;
use super::parts::{argument, text};
use crate::dialect::{
    AnswerTable, Dialect, Family, KNOWN_KEYS, Named, Place, Seen, is_atom, is_seal, is_unreadable, is_vector,
    is_word, second, segments, starred,
};
use crate::json::{JsonError, LeafKind, Limits, walk};

/// What the gateway does with one leaf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// Text that flows through a lane. The key names the lane.
    Text {
        lane: LaneKey,
        channel: Channel,
        text: String,
        raw: Range<usize>,
        is: Piece,
        /// Of a value in the object that a tool is called with: what stands before it there.
        lead: Option<String>,
        /// It begins a part of the lane's text: a block, an item, an element.
        begins: bool,
    },
    /// An atom: looked at on its own. At one place of one choice it is the same in every event.
    Atom { lane: LaneKey, text: String, raw: Range<usize> },
    /// Replaced by a constant that says nothing.
    Blank { raw: Range<usize>, with: Cow<'static, str> },
    /// Sealed content of a unit: it goes whole, or it is dropped.
    Sealed { lane: LaneKey, raw: Range<usize> },
}

/// How a text stands to the others of its lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece {
    /// A piece: others may follow.
    Part,
    /// Complete with what stands at the same place of the same event.
    Whole,
}

/// Names a lane: the choice it belongs to, the block or tool call, and the place of the text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct LaneKey {
    pub(super) choice: Option<u64>,
    pub(super) unit: Option<u64>,
    /// The unit is a tool call.
    pub(super) is_call: bool,
    /// The pointer, with `*` for positions in lists of pieces.
    pub(super) place: String,
}

/// A message, read.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) data: Bytes,
    /// Its `type`, where events have one.
    pub(super) kind: String,
    /// Kinds and numbers that tell where in its stream it belongs.
    pub(super) facts: Facts,
    /// It has content where the protocol begins without.
    pub(super) holds_content: bool,
    /// It asks for a tool where nothing is called.
    pub(super) has_stray_call: bool,
    pub(super) parts: Vec<Part>,
    /// Choices that it speaks of.
    pub(super) choices: BTreeSet<u64>,
    /// Choices that it ends.
    pub(super) finished: BTreeSet<u64>,
    /// A block or item that it ends, or begins.
    pub(super) unit: Option<u64>,
    /// Objects that tools are called with: choice, unit, and where the object stands.
    pub(super) arguments: Vec<(u64, u64, Range<usize>)>,
    /// Log probabilities by choice: where they stand, and whether they say something else than the text does.
    pub(super) logprobs: Vec<(u64, Range<usize>)>,
    /// The upstream reports an error in place of an answer.
    pub(super) is_error: bool,
    /// It has what makes an answer of it.
    pub(super) is_answer: bool,
    /// It is an object.
    pub(super) is_object: bool,
    /// The stream says that it is complete.
    pub(super) is_last: bool,
    pub(super) usage: Option<Usage>,
    /// Envelope fields that a made-up last event repeats.
    pub(super) id: Option<String>,
    pub(super) model: Option<String>,
    pub(super) created: Option<u64>,
    /// The same, where it is written as a date and a time.
    pub(super) time: Option<String>,
    /// The number of the event in its stream.
    pub(super) sequence: Option<u64>,
}

/// Kinds and numbers of an event.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// The kind of the block that it begins.
    pub(super) begins: String,
    /// The kind of its delta.
    pub(super) delta: String,
    /// The kind of its item.
    pub(super) item: String,
    /// The number of the content part.
    pub(super) part: u64,
    /// The number of the part of a summary.
    pub(super) summary: u64,
}

/// Which messages are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) dialect: Dialect,
    /// Events of a stream, or one whole body.
    pub(super) is_stream: bool,
    /// Policy lets through what cannot be read: sound and pictures go on as they came.
    pub(super) passes_opaque: bool,
}

/// A leaf that outlives the walk.
pub(super) struct RawLeaf {
    pub(super) path: String,
    pub(super) kind: LeafKind,
    pub(super) text: String,
    pub(super) raw: Range<usize>,
}

/// Reads a message.
pub(super) fn read(data: Bytes, shape: Shape, limits: Limits) -> Result<Event, JsonError> {
    let mut leaves = Vec::new();
    walk(&data, limits, |leaf| {
        let wanted = match leaf.kind {
            LeafKind::Key => KNOWN_KEYS.binary_search(&leaf.text.as_ref()).is_err() || leaf.path == "/error",
            LeafKind::Container => is_telling(leaf.path),
            LeafKind::Literal => leaf.path == "/done",
            LeafKind::String | LeafKind::Number => true,
        };
        if wanted {
            let (path, text) = (leaf.path.to_owned(), leaf.text.into_owned());
            leaves.push(RawLeaf { path, kind: leaf.kind, text, raw: leaf.raw });
        }
    })?;
    let seen = seen(&leaves, shape);
    let mut event = Event {
        data,
        kind: if shape.dialect.has_typed_events() { seen.kind("").to_owned() } else { String::new() },
        facts: facts(&leaves, &seen),
        holds_content: false,
        has_stray_call: false,
        parts: Vec::with_capacity(leaves.len()),
        choices: BTreeSet::new(),
        finished: BTreeSet::new(),
        unit: seen.indices.get("").or_else(|| seen.indices.get("/output_index")).copied(),
        arguments: Vec::new(),
        logprobs: Vec::new(),
        is_error: false,
        is_answer: false,
        is_object: false,
        is_last: false,
        usage: None,
        id: None,
        model: None,
        created: None,
        time: None,
        sequence: None,
    };
    if shape.dialect.has_typed_events() {
        event.typed(shape);
    }
    if shape.dialect.family() == Family::Ollama {
        // One answer, in order.
        event.choices.insert(0);
    }
    let table = shape.dialect.answer(shape.is_stream);
    let honest = Honest::of(&leaves);
    let mut previous: Option<(String, String)> = None;
    for leaf in leaves {
        let element_of = leaf.path.rsplit_once('/').map(|(list, _)| list);
        if leaf.kind == LeafKind::Number && element_of.is_some_and(|list| honest.is(list)) {
            continue;
        }
        let is_key = leaf.kind == LeafKind::Key;
        let names = leaf.path.ends_with("/name") || leaf.path.ends_with("/key");
        let this = names.then(|| (leaf.path.clone(), leaf.text.clone()));
        event.take(leaf, shape, table, &seen, previous.as_ref());
        // Between a name and its value stands the key of the value.
        previous = if is_key { previous } else { this };
    }
    Ok(event)
}

fn facts(leaves: &[RawLeaf], seen: &Seen) -> Facts {
    let number = |key: &str| {
        let leaf = leaves.iter().find(|leaf| leaf.path == key && leaf.kind == LeafKind::Number);
        leaf.and_then(|leaf| leaf.text.parse().ok()).unwrap_or(0)
    };
    Facts {
        begins: seen.kind("/content_block").to_owned(),
        delta: seen.kind("/delta").to_owned(),
        item: seen.kind("/item").to_owned(),
        part: number("/content_index"),
        summary: number("/summary_index"),
    }
}

/// Containers whose being there says something.
fn is_telling(path: &str) -> bool {
    matches!(path, "" | "/choices" | "/data" | "/output" | "/content" | "/error" | "/response/error")
        || matches!(path, "/message" | "/embedding" | "/embeddings" | "/context" | "/logprobs")
        || path.ends_with("/logprobs")
        || path.ends_with("/arguments")
        || path.ends_with("/input")
        || path.ends_with("/action")
}

/// A choice, block or call is known by its number, not by its position in the list; and a block by its type.
fn seen(leaves: &[RawLeaf], shape: Shape) -> Seen {
    let mut seen = Seen::default();
    for leaf in leaves {
        match leaf.kind {
            LeafKind::Number => {
                let key = leaf
                    .path
                    .strip_suffix("/index")
                    .or_else(|| (leaf.path == "/output_index").then_some(leaf.path.as_str()));
                if let (Some(key), Ok(value)) = (key, leaf.text.parse()) {
                    seen.indices.insert(key.to_owned(), value);
                }
            }
            LeafKind::String if shape.dialect != Dialect::Chat => {
                if let Some(object) = leaf.path.strip_suffix("/type") {
                    seen.types.insert(object.to_owned(), leaf.text.clone());
                }
            }
            _ => {}
        }
    }
    seen
}

impl Event {
    /// What the type of an event says about the stream.
    fn typed(&mut self, shape: Shape) {
        // One answer, in order.
        self.choices.insert(0);
        let kind = self.kind.as_str();
        self.is_error = matches!(kind, "error" | "response.failed");
        if !shape.is_stream {
            return;
        }
        self.is_answer = !kind.is_empty() && is_atom(kind);
        self.is_last = matches!(kind, "message_stop" | "response.completed" | "response.incomplete");
        if self.is_last {
            self.finished.insert(0);
        }
    }

    /// Whether it begins a text that goes on in other events, and says some of it already.
    pub(super) fn begins_with_text(&self) -> bool {
        self.parts.iter().any(|part| match part {
            Part::Text {
                channel: Channel::Content | Channel::Reasoning | Channel::Refusal,
                text,
                is,
                ..
            } => *is == Piece::Part && !text.is_empty(),
            _ => false,
        })
    }

    /// Whether it says that a block or item is complete.
    pub(super) fn ends_unit(&self) -> Option<u64> {
        self.unit.filter(|_| matches!(self.kind.as_str(), "content_block_stop" | "response.output_item.done"))
    }

    fn take(
        &mut self,
        leaf: RawLeaf,
        shape: Shape,
        table: &dyn AnswerTable,
        seen: &Seen,
        previous: Option<&(String, String)>,
    ) {
        let path = segments(&leaf.path);
        let place = table.place(&self.kind, &path, seen);
        self.choices.extend(place.choice);
        let named = table.name(&self.kind, &path, seen);
        let calls = matches!(named, Named::Argument | Named::Text(Channel::ToolName | Channel::ToolArgs));
        self.has_stray_call |=
            shape.dialect.has_typed_events() && calls && !place.is_call && leaf.kind != LeafKind::Key;
        self.holds_content |= match path.as_slice() {
            ["message" | "delta", "content", ..] => shape.dialect == Dialect::Messages && shape.is_stream,
            ["response", "output", _, ..] => !self.is_last,
            _ => false,
        };
        match (leaf.kind, path.as_slice()) {
            (LeafKind::Key, ["error"]) => {
                self.is_error |= !shape.dialect.has_typed_events();
                return;
            }
            (LeafKind::Literal, _) => return self.literal(&leaf, shape),
            (LeafKind::String, ["created_at"]) if shape.dialect.family() == Family::Ollama => {
                if let Some(time) = second(&leaf.text) {
                    let with = format!("\"{time}\"").into();
                    self.time = Some(time);
                    return self.parts.push(Part::Blank { raw: leaf.raw, with });
                }
            }
            // Some servers put their JSON into a string.
            (LeafKind::String, []) => {
                self.is_answer |= shape.dialect.is_predict();
                self.is_object |= shape.dialect.is_predict();
            }
            (LeafKind::String, ["response"]) => {
                self.is_answer |= shape.dialect == Dialect::OllamaGenerate;
            }
            (LeafKind::Container, _) => return self.container(&leaf, &path, &place, named, shape),
            (LeafKind::Number, _) => return self.number(leaf, named, place, shape),
            (LeafKind::String, ["id"] | ["message" | "response", "id"]) if is_atom(&leaf.text) => {
                self.id = Some(leaf.text.clone());
            }
            (LeafKind::String, ["model"] | ["message" | "response", "model"]) if is_atom(&leaf.text) => {
                self.model = Some(leaf.text.clone());
            }
            // Some providers send an empty one with every piece.
            (LeafKind::String, ["choices", _, "finish_reason"]) if !leaf.text.is_empty() => {
                self.finished.extend(place.choice);
            }
            _ => {}
        }
        let part = match named {
            _ if leaf.kind == LeafKind::Key => text(leaf, Channel::Key, place, shape),
            Named::Atom if is_word(&leaf.text) => return,
            Named::Atom if is_atom(&leaf.text) => {
                let is_list = shape.dialect.has_typed_events();
                let at = if is_list { leaf.path.clone() } else { lane_place(&leaf.path) };
                Part::Atom { lane: LaneKey::new(&place, at), text: leaf.text, raw: leaf.raw }
            }
            Named::Opaque(_) if shape.passes_opaque && is_unreadable(&leaf.text) => return,
            Named::Opaque(_) => Part::Blank { raw: leaf.raw, with: "\"\"".into() },
            Named::Echo => Part::Blank { raw: leaf.raw, with: "null".into() },
            Named::Sealed(_) if is_seal(&leaf.text) => {
                Part::Sealed { lane: LaneKey::new(&place, leaf.path), raw: leaf.raw }
            }
            Named::Vector if is_vector(&leaf.text) => return,
            Named::Text(channel) => text(leaf, channel, place, shape),
            Named::Argument => argument(leaf, place, shape, previous),
            Named::Prediction => text(leaf, Channel::Content, place, shape),
            Named::Atom | Named::Reference(_) | Named::Carrier | Named::Sealed(_) | Named::Vector => {
                text(leaf, Channel::Unlabelled, place, shape)
            }
        };
        self.parts.push(part);
    }

    /// Whether an answer of Ollama's is complete.
    fn literal(&mut self, leaf: &RawLeaf, shape: Shape) {
        if shape.dialect.family() == Family::Ollama {
            self.is_answer |= shape.is_stream;
            self.is_last |= shape.is_stream && leaf.text == "true";
            if self.is_last {
                self.finished.insert(0);
            }
        }
    }

    fn container(&mut self, leaf: &RawLeaf, path: &[&str], place: &Place, named: Named, shape: Shape) {
        let begins_with = |byte: u8| self.data.get(leaf.raw.start) == Some(&byte);
        match path {
            [] => {
                self.is_object = begins_with(b'{');
                self.is_answer |= shape.dialect == Dialect::CountTokens || shape.dialect.is_predict();
                // Some models answer with a list.
                self.is_object |= shape.dialect.is_predict();
            }
            ["message"] if shape.dialect == Dialect::OllamaChat => self.is_answer |= begins_with(b'{'),
            // Tokens are dropped whole: a list of zeros would be another conversation.
            ["context"] if shape.dialect.family() == Family::Ollama && !shape.passes_opaque => {
                self.parts.push(Part::Blank { raw: leaf.raw.clone(), with: "null".into() });
            }
            ["error"] => self.is_error = true,
            ["response", "error"] => self.is_error |= shape.dialect == Dialect::Responses,
            [key] if *key == shape.dialect.body_of_answer() && !shape.is_stream => {
                self.is_answer |= begins_with(b'[');
            }
            ["choices"] => self.is_answer |= begins_with(b'['),
            [.., "logprobs"] => self.logprobs.extend(place.choice.map(|c| (c, leaf.raw.clone()))),
            [.., "input" | "action" | "arguments"] if named == Named::Argument && place.is_call => {
                if let (Some(choice), Some(unit)) = (place.choice, place.unit) {
                    self.arguments.push((choice, unit, leaf.raw.clone()));
                }
            }
            _ => {}
        }
    }
}

impl LaneKey {
    pub(super) fn new(place: &Place, at: String) -> Self {
        Self { choice: place.choice, unit: place.unit, is_call: place.is_call, place: at }
    }

    /// The tool call that the text is of.
    pub(super) fn call(&self) -> Option<(u64, u64)> {
        self.choice.zip(self.unit).filter(|_| self.is_call)
    }
}

/// Pieces of one text stand at different positions of a list from event to event; the lane is the same.
pub(super) fn lane_place(path: &str) -> String {
    starred(&segments(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHUNK: Shape = Shape { dialect: Dialect::Chat, is_stream: true, passes_opaque: false };
    const LIMITS: Limits = Limits { depth: 64, leaves: 10_000 };

    #[test]
    fn choices_and_tools_are_known_by_their_index_field() {
        let data =
            br#"{"choices":[{"index":3,"delta":{"tool_calls":[{"index":2,"function":{"arguments":"x"}}]}}]}"#;
        let event = read(Bytes::from_static(data), CHUNK, LIMITS).unwrap();
        let Part::Text { lane, channel, .. } = &event.parts[0] else { panic!() };
        assert_eq!((lane.choice, lane.unit, *channel), (Some(3), Some(2), Channel::ToolArgs));
    }

    #[test]
    fn what_is_not_text_says_nothing() {
        let data = br#"{"x":[1,2],"choices":[{"index":0,"delta":{"audio":{"data":"AAAA"}},"logprobs":{"content":[{"bytes":[65]}]}}],"n":4111111111111111}"#;
        let event = read(Bytes::from_static(data), CHUNK, LIMITS).unwrap();
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
