//! Follows a text word by word and tells where a known value stands.

use super::set::{MOST_WORDS, Prints, join};
use crate::scan::Span;
use crate::signal::{Unit, units};

/// A word longer than this many bytes is in no value.
const LONGEST: usize = 512;

/// How certain a value is that was found, in thousandths.
const CERTAIN: u16 = 1_000;

/// State between pieces.
#[derive(Debug, Default)]
pub(crate) struct PrintReader {
    word: String,
    /// First original byte of the word, and one past its last.
    start: usize,
    end: usize,
    too_long: bool,
    /// Rows of words with which some value begins, oldest first.
    rows: Vec<Row>,
    found: Vec<Span>,
}

#[derive(Debug)]
struct Row {
    words: Vec<u8>,
    count: usize,
    start: usize,
}

impl PrintReader {
    /// Takes in a text as it stands, which begins at an original offset.
    pub(crate) fn text(&mut self, prints: &Prints, text: &str, offset: usize) {
        for (at, c) in text.char_indices() {
            let start = offset.saturating_add(at);
            self.char(prints, c, start, start.saturating_add(c.len_utf8()));
        }
    }

    /// Takes in a character that stands for the original bytes `start..end`.
    pub(crate) fn char(&mut self, prints: &Prints, c: char, start: usize, end: usize) {
        if c.is_ascii_alphanumeric() {
            return self.part(c.to_ascii_lowercase(), start, end);
        }
        units(c, |unit| match unit {
            Unit::Part(c) => self.part(c, start, end),
            Unit::End => self.end_word(prints),
        });
    }

    /// Ends the text.
    pub(crate) fn finish(&mut self, prints: &Prints) {
        self.end_word(prints);
        self.rows.clear();
    }

    /// The values that were found since the last call.
    pub(crate) fn found(&mut self) -> impl Iterator<Item = Span> + '_ {
        self.found.drain(..)
    }

    /// The first original byte that may belong to a value.
    pub(crate) fn open(&self) -> Option<usize> {
        let word = (!self.word.is_empty()).then_some(self.start);
        self.rows.iter().map(|row| row.start).chain(word).min()
    }

    fn part(&mut self, c: char, start: usize, end: usize) {
        if self.word.is_empty() {
            self.start = start;
        }
        self.end = end;
        if self.word.len() < LONGEST {
            self.word.push(c);
        } else {
            self.too_long = true;
        }
    }

    fn end_word(&mut self, prints: &Prints) {
        if self.word.is_empty() {
            return;
        }
        let word = std::mem::take(&mut self.word);
        if std::mem::take(&mut self.too_long) {
            self.rows.clear();
            return;
        }
        let mut rows = std::mem::take(&mut self.rows);
        rows.push(Row { words: Vec::new(), count: 0, start: self.start });
        for mut row in rows {
            join(&mut row.words, &word);
            row.count = row.count.saturating_add(1);
            if !prints.begins(&row.words) {
                continue;
            }
            let (start, end) = (row.start, self.end);
            self.found.extend(prints.values(&row.words).map(|of| Span {
                start,
                end,
                rule: of.rule,
                confidence: CERTAIN,
            }));
            if row.count < MOST_WORDS {
                self.rows.push(row);
            }
        }
    }
}
