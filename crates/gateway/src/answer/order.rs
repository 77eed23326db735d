//! The order of typed events: what begins, goes on and ends when.
//!
//! A client puts an answer together by the numbers in its events. An upstream that numbers them otherwise than the
//! protocol says could show the client another answer than the one that was looked at, so such a stream is no answer.
//! Events of kinds that are not known are left out: clients pass over them.

use super::event::Event;
use crate::dialect::{Dialect, is_call_kind, is_word};

/// What becomes of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// It is read.
    Take,
    /// It is left out.
    Drop,
    /// The stream is malformed.
    Break,
}

/// How far a stream has come.
#[derive(Debug, Default)]
pub(super) struct Order {
    begun: bool,
    /// The number of the next block or item.
    next: u64,
    /// The blocks or items that are open, with their kinds: one, or one and calls beside it.
    open: Vec<Open>,
    /// Events that come once.
    seen: Vec<String>,
}

/// A block or item that is open.
#[derive(Debug)]
struct Open {
    number: u64,
    kind: String,
    /// Numbers of the parts in it that came last; they never go back.
    part: u64,
    summary: u64,
}

/// So many calls are open at once.
const MAX_OPEN: usize = 128;

/// Events of a stream that come at most once.
const ONCE: &[&str] = &["message_start", "response.created"];

impl Order {
    /// Says what becomes of the next event.
    pub(super) fn turn(&mut self, dialect: Dialect, event: &Event) -> Turn {
        let kind = event.kind.as_str();
        // Some clients read the text of an event that begins a block, and others do not: it is empty, as providers send it.
        if (kind == "content_block_start" || kind.ends_with(".added")) && event.begins_with_text() {
            return Turn::Break;
        }
        if ONCE.contains(&kind) {
            if self.seen.iter().any(|seen| seen == kind) {
                return Turn::Break;
            }
            self.seen.push(kind.to_owned());
        }
        let turn = match dialect {
            Dialect::Messages => self.messages(kind, event),
            Dialect::Responses => self.responses(kind, event),
            _ => Some(Turn::Take),
        };
        turn.unwrap_or(Turn::Break)
    }

    fn at(&mut self, number: Option<u64>) -> Option<&mut Open> {
        self.open.iter_mut().find(|open| Some(open.number) == number)
    }

    fn closes(&mut self, number: Option<u64>) -> Option<Turn> {
        self.at(number)?;
        self.open.retain(|open| Some(open.number) != number);
        Some(Turn::Take)
    }

    /// A block or item begins. Texts follow each other; calls may go on side by side, since each is put together by its number.
    fn opens(&mut self, number: Option<u64>, kind: &str) -> Option<Turn> {
        let number = number.filter(|number| *number >= self.next)?;
        let is_beside = is_call_kind(kind) && self.open.iter().all(|open| is_call_kind(&open.kind));
        if kind.is_empty() || !(self.open.is_empty() || is_beside) || self.open.len() >= MAX_OPEN {
            return None;
        }
        self.open.push(Open { number, kind: kind.to_owned(), part: 0, summary: 0 });
        self.next = number.checked_add(1)?;
        Some(Turn::Take)
    }

    /// Anthropic: blocks one after another, each with deltas of its kind alone.
    fn messages(&mut self, kind: &str, event: &Event) -> Option<Turn> {
        match kind {
            "message_start" if !event.holds_content => self.begun = true,
            "content_block_start" if self.begun && self.open.is_empty() && event.unit == Some(self.next) => {
                return self.opens(event.unit, &event.facts.begins);
            }
            "content_block_delta" => {
                let block = self.at(event.unit)?.kind.as_str();
                let fits = match event.facts.delta.as_str() {
                    "text_delta" | "citations_delta" => block == "text",
                    "thinking_delta" | "signature_delta" => block == "thinking",
                    "input_json_delta" => is_call_kind(block),
                    _ => true,
                };
                return fits.then_some(Turn::Take);
            }
            "content_block_stop" => return self.closes(event.unit),
            "message_delta" if self.begun && self.open.is_empty() && !event.holds_content => {}
            "message_stop" if self.begun && self.open.is_empty() => {}
            _ => return (!is_word(kind)).then_some(Turn::Drop),
        }
        Some(Turn::Take)
    }

    /// OpenAI responses: items one after another, calls also side by side; only the closing response repeats them.
    fn responses(&mut self, kind: &str, event: &Event) -> Option<Turn> {
        match kind {
            "response.created" | "response.in_progress" | "response.queued" => {
                (!event.holds_content).then_some(Turn::Take)
            }
            "response.completed" | "response.incomplete" => Some(Turn::Take),
            "response.output_item.added" => self.opens(event.unit, &event.facts.item),
            "response.output_item.done" if self.at(event.unit).is_some() => self.closes(event.unit),
            "response.output_item.done" => {
                // An item that comes whole.
                self.opens(event.unit, &event.facts.item)?;
                self.closes(event.unit)
            }
            _ if !kind.starts_with("response.") || !is_word(kind) => Some(Turn::Drop),
            _ => {
                let (part, summary) = (event.facts.part, event.facts.summary);
                let open = self.at(event.unit)?;
                if part < open.part || summary < open.summary {
                    return None;
                }
                (open.part, open.summary) = (part, summary);
                Some(Turn::Take)
            }
        }
    }
}
