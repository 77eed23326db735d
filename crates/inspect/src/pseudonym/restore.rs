//! Turning stand-ins back in a stream.

use std::sync::Arc;

use super::map::{PseudonymMap, Standing};
use super::surroundings::Surroundings;
use super::trie::Here;
use crate::view::Window;

/// Finds stand-ins in a stream and says what may leave.
#[derive(Debug)]
pub struct Restorer {
    map: Arc<PseudonymMap>,
    finder: Finder,
}

/// How far a text has been searched.
#[derive(Debug)]
pub(super) struct Finder {
    window: Window,
    /// The first place that has not been decided.
    decided: usize,
    surroundings: Surroundings,
}

/// A stand-in to be replaced by its original.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restoration {
    /// First byte, counted in the stream.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// The type of the original, for the record.
    pub ty: Arc<str>,
    /// What to put there.
    pub original: Arc<str>,
}

/// What one piece brought.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RestoreStep {
    /// Stand-ins to replace, by place; all end at or before `safe`.
    pub restorations: Vec<Restoration>,
    /// Stand-ins that stay, because they stand in an address.
    pub refused: usize,
    /// How many bytes of all input so far may leave, replaced where they are to be.
    pub safe: usize,
}

/// Whether a stand-in ends where it seems to.
enum Edge {
    Clear,
    Blurred,
    /// It depends on what follows.
    Open,
}

impl Restorer {
    /// Over the stand-ins of a request.
    #[must_use]
    pub fn new(map: Arc<PseudonymMap>) -> Self {
        Self { map, finder: Finder::new() }
    }

    /// Takes in a piece of the text.
    pub fn push(&mut self, piece: &str) -> RestoreStep {
        let found = self.finder.take(&self.map, piece, false);
        self.step(found)
    }

    /// Ends the stream: all the rest may leave.
    #[must_use]
    pub fn finish(mut self) -> RestoreStep {
        let found = self.finder.take(&self.map, "", true);
        self.step(found)
    }

    fn step(&self, found: Vec<Standing>) -> RestoreStep {
        let mut step = RestoreStep { safe: self.finder.decided(), ..RestoreStep::default() };
        for Standing { start, end, ty, original, in_address } in found {
            if in_address {
                step.refused = step.refused.saturating_add(1);
            } else {
                step.restorations.push(Restoration { start, end, ty, original });
            }
        }
        step
    }
}

impl Finder {
    pub(super) fn new() -> Self {
        Self { window: Window::default(), decided: Window::FIRST, surroundings: Surroundings::default() }
    }

    /// The original offset up to which everything is certain.
    fn decided(&self) -> usize {
        self.window.start_of(self.decided)
    }

    /// Takes in a piece and gives the stand-ins that are certain.
    pub(super) fn take(&mut self, map: &PseudonymMap, piece: &str, last: bool) -> Vec<Standing> {
        self.window.push(piece);
        let (base, text) = self.window.kept();
        let mut at = self.decided.saturating_sub(base);
        let mut found = Vec::new();
        while at < text.len() {
            let before = at.checked_sub(1).and_then(|b| text.get(b)).copied();
            let (mut open, mut next) = (false, at.saturating_add(1));
            for (trie, address) in [(&map.exact, true), (&map.spaced, false)] {
                if before.is_some_and(|b| blurs_left(b, address)) {
                    continue;
                }
                match trie.at(text, at) {
                    Here::Nothing => {}
                    Here::Open => open |= !last,
                    Here::Word(number, end) => match right_edge(text, end, address, last) {
                        Edge::Blurred => {}
                        Edge::Open => open = true,
                        Edge::Clear => {
                            let place = |at: usize| base.saturating_add(at);
                            found.extend(map.pairs.get(number).map(|pair| Standing {
                                start: self.window.start_of(place(at)),
                                end: self.window.end_of(place(end.saturating_sub(1))),
                                ty: Arc::clone(&pair.ty),
                                original: Arc::clone(&pair.original),
                                in_address: self.surroundings.in_address(),
                            }));
                            next = end;
                        }
                    },
                }
            }
            if open {
                break;
            }
            for (place, byte) in (base.saturating_add(at)..).zip(text.get(at..next).unwrap_or_default()) {
                self.surroundings.read(*byte, self.window.is_ascii(place));
            }
            at = next;
        }
        self.decided = base.saturating_add(at);
        self.window.forget(self.decided.saturating_sub(1));
        found
    }
}

/// Whether a byte before makes it another word.
fn blurs_left(byte: u8, address: bool) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || (address && matches!(byte, b'.' | b'+' | b'-' | b'%'))
}

fn right_edge(text: &[u8], end: usize, address: bool, last: bool) -> Edge {
    match (text.get(end), text.get(end.saturating_add(1))) {
        (None, _) if last => Edge::Clear,
        (None, _) => Edge::Open,
        (Some(b), _) if b.is_ascii_alphanumeric() || *b == b'_' => Edge::Blurred,
        (Some(b'-' | b'@'), _) if address => Edge::Blurred,
        // A full stop ends a sentence, or goes on as another domain.
        (Some(b'.'), Some(b)) if address && b.is_ascii_alphanumeric() => Edge::Blurred,
        (Some(b'.'), None) if address && !last => Edge::Open,
        _ => Edge::Clear,
    }
}
