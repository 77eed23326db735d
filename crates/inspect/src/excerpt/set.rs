//! Paragraphs as digests, and the set of those that are looked for.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::ExcerptKey;
use super::reader::ExcerptReader;
use super::words::{Word, Words};

/// So many words make a row.
pub(super) const ROW: usize = 5;

/// Of so many neighbouring rows one is kept.
const NEIGHBOURS: usize = 4;

/// A paragraph of fewer words is a heading or a phrase that many texts have.
const FEWEST_WORDS: usize = 6;

/// So is one of fewer letters and digits.
const FEWEST_LETTERS: usize = 24;

/// So many rows of a paragraph, close together, are an excerpt of it; a short paragraph needs all that it has.
const ENOUGH: usize = 3;

/// A paragraph as digests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Print(Vec<u64>);

/// What a text was split into.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SplitText {
    /// Its paragraphs.
    pub prints: Vec<Print>,
    /// How many paragraphs were too short to be known by.
    pub short: usize,
}

/// Paragraphs that are looked for, each with what it stands for.
#[derive(Debug, Clone)]
pub struct Excerpts<T> {
    pub(super) key: ExcerptKey,
    pub(super) rows: HashMap<u64, Vec<u32>>,
    known: Vec<(usize, T)>,
}

/// Splits a text into paragraphs at empty lines, and makes digests of them.
#[must_use]
pub fn split(key: &ExcerptKey, text: &str) -> SplitText {
    let mut out = SplitText::default();
    let mut words: Vec<Word> = Vec::new();
    let mut end = |words: &mut Vec<Word>| {
        let letters: usize = words.iter().map(|word| word.weight).sum();
        if words.len() >= FEWEST_WORDS && letters >= FEWEST_LETTERS {
            out.prints.push(Print::new(key, words));
        } else if !words.is_empty() {
            out.short = out.short.saturating_add(1);
        }
        words.clear();
    };
    for line in text.lines() {
        if line.trim().is_empty() {
            end(&mut words);
            continue;
        }
        let mut reader = Words::default();
        reader.push(key, line, |word| words.push(word));
        reader.finish(key, |word| words.push(word));
    }
    end(&mut words);
    out
}

impl Print {
    fn new(key: &ExcerptKey, words: &[Word]) -> Self {
        let digests: Vec<u64> = words.iter().map(|word| word.digest).collect();
        let rows: Vec<u64> = digests.windows(ROW).map(|row| key.row(row)).collect();
        let mut kept: Vec<u64> = match rows.len() < NEIGHBOURS {
            true => rows.iter().min().copied().into_iter().collect(),
            false => rows.windows(NEIGHBOURS).filter_map(|rows| rows.iter().min().copied()).collect(),
        };
        kept.sort_unstable();
        kept.dedup();
        Self(kept)
    }

    /// How many digests it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it has none, and so is never found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<T> Excerpts<T> {
    /// None yet.
    #[must_use]
    pub fn new(key: ExcerptKey) -> Self {
        Self { key, rows: HashMap::new(), known: Vec::new() }
    }

    /// Adds a paragraph.
    pub fn insert(&mut self, print: &Print, means: T) {
        let Ok(place) = u32::try_from(self.known.len()) else { return };
        if print.is_empty() {
            return;
        }
        for row in &print.0 {
            self.rows.entry(*row).or_default().push(place);
        }
        self.known.push((print.len().min(ENOUGH), means));
    }

    /// Whether there is nothing to look for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// How many paragraphs there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// What paragraphs of a whole text stand for, each once, in the order in which they were added.
    pub fn found_in(&self, text: &str) -> impl Iterator<Item = &T> {
        let mut reader = ExcerptReader::default();
        if !self.is_empty() {
            reader.push(self, text);
            reader.finish(self);
        }
        reader.into_found().into_iter().filter_map(|place| self.meaning(place))
    }

    /// What the paragraph at a place stands for.
    #[must_use]
    pub fn meaning(&self, place: u32) -> Option<&T> {
        self.at(place).map(|(_, means)| means)
    }

    pub(super) fn need(&self, place: u32) -> usize {
        self.at(place).map_or(usize::MAX, |(need, _)| *need)
    }

    fn at(&self, place: u32) -> Option<&(usize, T)> {
        self.known.get(usize::try_from(place).ok()?)
    }
}
