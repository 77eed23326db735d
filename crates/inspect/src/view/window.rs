//! The part of the canonical view that is still needed, with the way back to original offsets.

use std::collections::VecDeque;

use super::fold::{Fold, fold, other};

/// Stands before the first character of a text; no character becomes it.
pub(crate) const EDGE: u8 = 0xff;

/// How many bytes nobody needs any more are kept before the window is moved.
const SLACK: usize = 4096;

/// Canonical bytes from some place of the stream on. Places in it count from the begin of the stream; place 0 is
/// [`EDGE`], so that the first character has a neighbour like any other.
///
/// ASCII maps one to one, so only what is not ASCII leaves a mark; between marks offsets run in step.
#[derive(Debug, Clone)]
pub(crate) struct Window {
    /// Place of the first byte that is kept.
    base: usize,
    bytes: Vec<u8>,
    marks: VecDeque<Mark>,
    /// A place and its original offset, before all marks.
    anchor: (usize, usize),
    /// Original bytes taken in.
    taken: usize,
}

/// Canonical bytes `at..at + width` come from the original bytes `start..end`.
#[derive(Debug, Clone, Copy)]
struct Mark {
    at: usize,
    width: usize,
    start: usize,
    end: usize,
}

impl Default for Window {
    fn default() -> Self {
        let edge = Mark { at: 0, width: 1, start: 0, end: 0 };
        Self { base: 0, bytes: vec![EDGE], marks: VecDeque::from([edge]), anchor: (0, 0), taken: 0 }
    }
}

impl Window {
    /// The place of the first character.
    pub(crate) const FIRST: usize = 1;

    /// One past the last place.
    pub(crate) fn end(&self) -> usize {
        self.base.saturating_add(self.bytes.len())
    }

    /// Original bytes taken in.
    pub(crate) fn taken(&self) -> usize {
        self.taken
    }

    /// The bytes that are kept, and the place of the first.
    pub(crate) fn kept(&self) -> (usize, &[u8]) {
        (self.base, &self.bytes)
    }

    /// The byte at a place, if it is kept.
    pub(crate) fn byte(&self, place: usize) -> Option<u8> {
        self.bytes.get(place.checked_sub(self.base)?).copied()
    }

    /// Takes in a text as it stands.
    pub(crate) fn push(&mut self, text: &str) {
        let mut rest = text;
        while !rest.is_empty() {
            let run = ascii_run(rest.as_bytes());
            let (plain, after) = rest.split_at_checked(run).unwrap_or((rest, ""));
            self.bytes.extend_from_slice(plain.as_bytes());
            self.taken = self.taken.saturating_add(plain.len());
            let mut chars = after.chars();
            if let Some(c) = chars.next() {
                self.push_char(c, c.len_utf8());
            }
            rest = chars.as_str();
        }
    }

    /// Takes in one character that stands for `length` original bytes.
    pub(crate) fn push_char(&mut self, c: char, length: usize) {
        let start = self.taken;
        let at = self.end();
        self.taken = start.saturating_add(length);
        let width = match fold(c) {
            Fold::Ascii { bytes, len } => {
                self.bytes.extend(bytes.iter().take(usize::from(len)));
                usize::from(len)
            }
            Fold::Other => {
                self.bytes.push(other(c));
                1
            }
            Fold::Drop => 0,
        };
        if width == 1 && length == 1 {
            return;
        }
        match self.marks.back_mut() {
            Some(last) if width == 0 && last.width == 0 && last.at == at => last.end = self.taken,
            _ => self.marks.push_back(Mark { at, width, start, end: self.taken }),
        }
    }

    /// The original offset at which the character at `place` begins; for the end of the window, what has been taken in.
    pub(crate) fn start_of(&self, place: usize) -> usize {
        if place >= self.end() {
            return self.taken;
        }
        match self.mark(place) {
            Some(mark) if place < mark.at.saturating_add(mark.width) => mark.start,
            Some(mark) => mark.end.saturating_add(place.saturating_sub(mark.at).saturating_sub(mark.width)),
            None => self.anchor.1.saturating_add(place.saturating_sub(self.anchor.0)),
        }
    }

    /// One past the last original byte of the character at `place`.
    pub(crate) fn end_of(&self, place: usize) -> usize {
        match self.mark(place) {
            Some(mark) if place < mark.at.saturating_add(mark.width) => mark.end,
            _ => self.start_of(place).saturating_add(1),
        }
    }

    /// Whether the character at `place` is written in ASCII, and does not only look so.
    pub(crate) fn is_ascii(&self, place: usize) -> bool {
        self.marks.is_empty() || self.end_of(place) == self.start_of(place).saturating_add(1)
    }

    /// Forgets what stands before `place`, sooner or later.
    pub(crate) fn forget(&mut self, place: usize) {
        let drop = place.saturating_sub(self.base).min(self.bytes.len());
        if drop < SLACK {
            return;
        }
        self.bytes.drain(..drop);
        self.base = self.base.saturating_add(drop);
        while let Some(mark) = self.marks.front()
            && mark.at.saturating_add(mark.width) <= self.base
            && mark.at < self.base
        {
            self.anchor = (mark.at.saturating_add(mark.width), mark.end);
            self.marks.pop_front();
        }
    }

    fn mark(&self, place: usize) -> Option<&Mark> {
        let after = self.marks.partition_point(|mark| mark.at <= place);
        self.marks.get(after.checked_sub(1)?)
    }
}

/// How many bytes at the beginning are ASCII that stands for itself: no controls but for those that lay text out.
pub(crate) fn ascii_run(bytes: &[u8]) -> usize {
    let plain = |byte: u8| byte.wrapping_sub(b' ') < 0x5f || matches!(byte, b'\t' | b'\n' | b'\r');
    if !bytes.first().is_some_and(|first| plain(*first)) {
        return 0;
    }
    // Without a branch for each byte: a block at a time.
    let whole = |block: &&[u8]| block.iter().fold(true, |all, byte| all & plain(*byte));
    let blocks = bytes.chunks(64).take_while(whole).count().saturating_mul(64).min(bytes.len());
    let tail = bytes.get(blocks..).unwrap_or_default();
    blocks.saturating_add(tail.iter().take_while(|b| plain(**b)).count())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn maps_back_after_forgetting(parts in proptest::collection::vec("[a-c]{0,700}|é|密|\u{200b}{1,3}|⑩|\u{0}|\u{7f}\t", 0..60)) {
            let text = parts.concat();
            let (mut whole, mut moving) = (Window::default(), Window::default());
            whole.push(&text);
            for part in &parts {
                moving.push(part);
                moving.forget(moving.end().saturating_sub(5));
            }
            prop_assert_eq!(whole.end(), moving.end());
            for place in moving.base..whole.end() {
                prop_assert_eq!(whole.byte(place), moving.byte(place));
                prop_assert_eq!(whole.start_of(place), moving.start_of(place));
                prop_assert_eq!(whole.end_of(place), moving.end_of(place));
            }
            prop_assert_eq!(moving.start_of(moving.end()), text.len());
        }
    }
}
