//! Chat says several things at once: its tool calls may arrive interleaved. Here they are put one after another: the
//! first block that has begun is told as it comes, the others wait until it is complete.

use std::collections::VecDeque;

use super::{Event, Kind};
use crate::translate::Malformed;

/// More calls than any model makes in one answer.
const MAX_CALLS: usize = 1_024;

/// Blocks that may wait. Each change between text and reasoning begins one.
const MAX_WAITING: usize = 4_096;

/// What a piece belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    Text,
    Thinking,
    Refusal,
    Call(usize),
}

/// Blocks in the order in which they began.
#[derive(Debug)]
pub(super) struct Queue {
    blocks: VecDeque<Block>,
    calls: Vec<Call>,
    held: usize,
    cap: usize,
}

#[derive(Debug)]
struct Block {
    key: Key,
    is_open: bool,
    /// Told nothing yet.
    is_blank: bool,
    waiting: String,
    object: Object,
}

/// What is known of a tool call.
#[derive(Debug, Default)]
struct Call {
    index: Option<u64>,
    id: Option<String>,
    name: Option<String>,
    is_closed: bool,
}

/// What one piece says of a tool call.
#[derive(Debug, Default)]
pub(super) struct CallPiece<'a> {
    pub(super) index: Option<u64>,
    pub(super) id: Option<&'a str>,
    pub(super) name: Option<&'a str>,
    pub(super) arguments: &'a str,
    /// It is a call of its own and no piece.
    pub(super) is_whole: bool,
}

/// Follows a JSON object to its end, without looking at what it says.
#[derive(Debug, Default)]
struct Object {
    depth: usize,
    in_string: bool,
    is_escaped: bool,
    is_complete: bool,
}

// === impl Queue ===

impl Queue {
    pub(super) fn new(cap: usize) -> Self {
        Self { blocks: VecDeque::new(), calls: Vec::new(), held: 0, cap }
    }

    pub(super) fn has_calls(&self) -> bool {
        !self.calls.is_empty()
    }

    /// Text of any kind. An empty piece says nothing and begins nothing.
    pub(super) fn text(&mut self, key: Key, text: &str, out: &mut Vec<Event>) -> Result<(), Malformed> {
        if text.is_empty() {
            return Ok(());
        }
        if self.blocks.back().is_none_or(|block| block.key != key) {
            self.begin(key)?;
        }
        self.keep(self.blocks.len().saturating_sub(1), text)?;
        self.tell(out)
    }

    /// A piece of a tool call.
    pub(super) fn call(&mut self, piece: &CallPiece<'_>, out: &mut Vec<Event>) -> Result<(), Malformed> {
        let nth = self.find(piece)?;
        let Some(call) = self.calls.get_mut(nth) else { return Err(Malformed::Shape("a tool call is lost")) };
        for (known, said) in [(&mut call.id, piece.id), (&mut call.name, piece.name)] {
            if let (None, Some(said)) = (&known, said.filter(|said| !said.is_empty())) {
                *known = Some(said.to_owned());
                self.held = self.held.saturating_add(said.len());
            }
        }
        if call.is_closed {
            // Its arguments were one complete object.
            let is_blank = piece.arguments.trim_ascii().is_empty();
            return if is_blank { Ok(()) } else { Err(Malformed::Shape("arguments go on after their end")) };
        }
        let at = self.blocks.iter().position(|block| block.key == Key::Call(nth));
        let Some(at) = at else { return Err(Malformed::Shape("a tool call is lost")) };
        self.keep(at, piece.arguments)?;
        self.tell(out)
    }

    /// Tells all that is left.
    pub(super) fn flush(&mut self, out: &mut Vec<Event>) -> Result<(), Malformed> {
        self.tell(out)?;
        while !self.blocks.is_empty() {
            self.close(out);
            self.tell(out)?;
            if self.blocks.front().is_some_and(|block| !block.is_open) {
                return Err(Malformed::Shape("a tool call has no name"));
            }
        }
        Ok(())
    }

    /// Which call a piece belongs to. Servers differ: some give no index, some give each call the same one, some give
    /// each piece an id of its own.
    fn find(&mut self, piece: &CallPiece<'_>) -> Result<usize, Malformed> {
        let id = piece.id.filter(|id| !id.is_empty());
        let is_named = piece.name.is_some_and(|name| !name.is_empty());
        let is_other =
            |call: &Call| is_named && id.is_some() && call.id.is_some() && call.id.as_deref() != id;
        let found = match (piece.index, id) {
            _ if piece.is_whole => None,
            (Some(index), _) => self.calls.iter().rposition(|call| call.index == Some(index)),
            (None, Some(id)) => self.calls.iter().rposition(|call| call.id.as_deref() == Some(id)),
            (None, None) if is_named => None,
            (None, None) => self.calls.len().checked_sub(1),
        };
        let found = found.filter(|nth| self.calls.get(*nth).is_some_and(|call| !is_other(call)));
        if let Some(nth) = found {
            return Ok(nth);
        }
        if self.calls.len() >= MAX_CALLS {
            return Err(Malformed::TooLarge);
        }
        let nth = self.calls.len();
        self.calls.push(Call { index: piece.index, ..Call::default() });
        self.begin(Key::Call(nth))?;
        Ok(nth)
    }

    fn begin(&mut self, key: Key) -> Result<(), Malformed> {
        if self.blocks.len() >= MAX_WAITING {
            return Err(Malformed::TooLarge);
        }
        self.blocks.push_back(Block::new(key));
        Ok(())
    }

    fn keep(&mut self, at: usize, text: &str) -> Result<(), Malformed> {
        self.held = self.held.saturating_add(text.len());
        if self.held > self.cap {
            return Err(Malformed::TooLarge);
        }
        if let Some(block) = self.blocks.get_mut(at) {
            block.waiting.push_str(text);
            if matches!(block.key, Key::Call(_)) {
                block.object.push(text);
            }
        }
        Ok(())
    }

    /// Tells what the first block holds, and goes on to the next when the first is complete and another has begun.
    fn tell(&mut self, out: &mut Vec<Event>) -> Result<(), Malformed> {
        loop {
            let others = self.blocks.len() > 1;
            let Some(block) = self.blocks.front_mut() else { return Ok(()) };
            if !block.is_open {
                let Some(kind) = block.kind(&self.calls) else { return Ok(()) };
                out.push(Event::Open(kind));
                block.is_open = true;
            }
            if !block.waiting.is_empty() {
                let piece = std::mem::take(&mut block.waiting);
                self.held = self.held.saturating_sub(piece.len());
                block.is_blank = false;
                out.push(Event::Piece(piece));
            }
            let is_complete = !matches!(block.key, Key::Call(_)) || block.object.is_complete;
            if !(others && is_complete) {
                return Ok(());
            }
            self.close(out);
        }
    }

    fn close(&mut self, out: &mut Vec<Event>) {
        let Some(block) = self.blocks.pop_front() else { return };
        if let Key::Call(nth) = block.key {
            if block.is_blank {
                out.push(Event::Piece("{}".to_owned()));
            }
            if let Some(call) = self.calls.get_mut(nth) {
                call.is_closed = true;
            }
        }
        out.push(Event::Close);
    }
}

// === impl Block ===

impl Block {
    fn new(key: Key) -> Self {
        Self { key, is_open: false, is_blank: true, waiting: String::new(), object: Object::default() }
    }

    fn kind(&self, calls: &[Call]) -> Option<Kind> {
        Some(match self.key {
            Key::Text => Kind::Text,
            Key::Thinking => Kind::Thinking,
            Key::Refusal => Kind::Refusal,
            Key::Call(nth) => {
                let call = calls.get(nth)?;
                Kind::Call { id: call.id.clone(), name: call.name.clone()? }
            }
        })
    }
}

// === impl Object ===

impl Object {
    fn push(&mut self, text: &str) {
        for byte in text.bytes() {
            if self.in_string {
                match byte {
                    _ if self.is_escaped => self.is_escaped = false,
                    b'\\' => self.is_escaped = true,
                    b'"' => self.in_string = false,
                    _ => {}
                }
                continue;
            }
            match byte {
                b'"' => self.in_string = true,
                b'{' | b'[' => self.depth = self.depth.saturating_add(1),
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    self.is_complete |= self.depth == 0;
                }
                _ => {}
            }
        }
    }
}
