//! Words of a text, in pieces.

use super::ExcerptKey;
use crate::signal::{Unit, units};

/// Letters and digits of a word beyond this many bytes do not count: a run without an end is no word that a person wrote.
const LONGEST: usize = 256;

/// A word that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) digest: u64,
    /// Letters and digits; an ideograph says as much as three letters.
    pub(super) weight: usize,
}

/// Reads words from pieces of a text.
#[derive(Debug, Clone, Default)]
pub(super) struct Words {
    word: String,
    weight: usize,
    /// A backslash came last: a letter after it may be an escape of JSON (RFC 8259 section 7) and no letter.
    escaped: bool,
}

impl Words {
    pub(super) fn push(&mut self, key: &ExcerptKey, piece: &str, mut give: impl FnMut(Word)) {
        for c in piece.chars() {
            self.char(key, c, &mut give);
        }
    }

    fn char(&mut self, key: &ExcerptKey, c: char, give: &mut impl FnMut(Word)) {
        if std::mem::take(&mut self.escaped) && matches!(c, 'n' | 'r' | 't') {
            return self.end(key, give);
        }
        self.escaped = c == '\\';
        if c.is_ascii_alphanumeric() {
            return self.letter(c.to_ascii_lowercase());
        }
        units(c, |unit| match unit {
            Unit::Part(c) => self.letter(c),
            Unit::End => self.end(key, give),
        });
    }

    fn letter(&mut self, c: char) {
        self.weight = self.weight.saturating_add(if u32::from(c) >= 0x2e80 { 3 } else { 1 });
        if self.word.len() < LONGEST {
            self.word.push(c);
        }
    }

    /// Ends the text.
    pub(super) fn finish(&mut self, key: &ExcerptKey, mut give: impl FnMut(Word)) {
        self.escaped = false;
        self.end(key, &mut give);
    }

    fn end(&mut self, key: &ExcerptKey, give: &mut impl FnMut(Word)) {
        if self.word.is_empty() {
            return;
        }
        give(Word { digest: key.word(self.word.as_bytes()), weight: self.weight });
        self.word.clear();
        self.weight = 0;
    }
}
