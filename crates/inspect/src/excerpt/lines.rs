//! Lines of a text as digests of their words, in whatever pieces the text comes: for texts that come again as they were.

use super::ExcerptKey;
use super::words::{Word, Words};

/// The digest of a line's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WordDigest {
    /// The digest.
    pub digest: u64,
    /// Words of the line.
    pub words: usize,
    /// Letters and digits of it; an ideograph counts as three.
    pub letters: usize,
}

/// Reads a text in pieces and gives its lines.
#[derive(Debug, Clone, Default)]
pub struct LineReader {
    reader: Words,
    /// The digest of all words of the line so far.
    line: Line,
}

#[derive(Debug, Clone, Copy, Default)]
struct Line {
    digest: u64,
    words: usize,
    letters: usize,
}

impl LineReader {
    /// Takes in a piece.
    pub fn push(&mut self, key: &ExcerptKey, piece: &str, mut give: impl FnMut(WordDigest)) {
        for part in piece.split_inclusive('\n') {
            let line = &mut self.line;
            self.reader.push(key, part, |word| line.add(key, word));
            if part.ends_with('\n') {
                self.finish(key, &mut give);
            }
        }
    }

    /// Ends the text.
    pub fn finish(&mut self, key: &ExcerptKey, mut give: impl FnMut(WordDigest)) {
        let line = &mut self.line;
        self.reader.finish(key, |word| line.add(key, word));
        let Line { digest, words, letters } = std::mem::take(&mut self.line);
        if words > 0 {
            give(WordDigest { digest, words, letters });
        }
    }
}

impl Line {
    fn add(&mut self, key: &ExcerptKey, word: Word) {
        self.digest = key.row(&[self.digest, word.digest]);
        self.words = self.words.saturating_add(1);
        self.letters = self.letters.saturating_add(word.weight);
    }
}
