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
    /// The block or item that is open, and its kind.
    open: Option<(u64, String)>,
    /// Numbers of parts in the open item; they never go back.
    part: u64,
    summary: u64,
    /// Events that come once.
    seen: Vec<String>,
}

/// Events of a stream that come at most once.
const ONCE: &[&str] =
    &["message_start", "message_delta", "response.created", "response.queued", "response.in_progress"];

impl Order {
    /// Says what becomes of the next event.
    pub(super) fn turn(&mut self, dialect: Dialect, event: &Event) -> Turn {
        let kind = event.kind.as_str();
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

    /// Whether the open block or item has this number.
    fn is_open(&self, number: Option<u64>) -> bool {
        self.open.as_ref().is_some_and(|(open, _)| Some(*open) == number)
    }

    fn opens(&mut self, number: Option<u64>, kind: &str) -> Option<Turn> {
        if self.open.is_some() || number != Some(self.next) || kind.is_empty() {
            return None;
        }
        self.open = Some((self.next, kind.to_owned()));
        self.next = self.next.checked_add(1)?;
        (self.part, self.summary) = (0, 0);
        Some(Turn::Take)
    }

    /// Anthropic: blocks one after another, each with deltas of its kind alone.
    fn messages(&mut self, kind: &str, event: &Event) -> Option<Turn> {
        match kind {
            "message_start" if !event.holds_content => self.begun = true,
            "content_block_start" if self.begun => return self.opens(event.unit, &event.facts.begins),
            "content_block_delta" if self.is_open(event.unit) => {
                let (_, block) = self.open.as_ref()?;
                let fits = match event.facts.delta.as_str() {
                    "text_delta" | "citations_delta" => block == "text",
                    "thinking_delta" | "signature_delta" => block == "thinking",
                    "input_json_delta" => is_call_kind(block),
                    _ => true,
                };
                return fits.then_some(Turn::Take);
            }
            "content_block_stop" if self.is_open(event.unit) => self.open = None,
            "message_delta" if self.begun && self.open.is_none() && !event.holds_content => {}
            "message_stop" if self.begun && self.open.is_none() => {}
            _ => return (!is_word(kind)).then_some(Turn::Drop),
        }
        Some(Turn::Take)
    }

    /// OpenAI responses: items one after another; only the closing response repeats them.
    fn responses(&mut self, kind: &str, event: &Event) -> Option<Turn> {
        match kind {
            "response.created" | "response.in_progress" | "response.queued" => {
                return (!event.holds_content).then_some(Turn::Take);
            }
            "response.completed" | "response.incomplete" => return Some(Turn::Take),
            "response.output_item.added" => return self.opens(event.unit, &event.facts.item),
            "response.output_item.done" if self.is_open(event.unit) => self.open = None,
            "response.output_item.done" => {
                // An item that comes whole.
                self.opens(event.unit, &event.facts.item)?;
                self.open = None;
            }
            _ if !kind.starts_with("response.") || !is_word(kind) => return Some(Turn::Drop),
            _ => {
                let (part, summary) = (event.facts.part, event.facts.summary);
                if !self.is_open(event.unit) || part < self.part || summary < self.summary {
                    return None;
                }
                (self.part, self.summary) = (part, summary);
            }
        }
        Some(Turn::Take)
    }
}
