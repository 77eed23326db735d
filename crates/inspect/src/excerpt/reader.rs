//! Follows a text and tells which paragraphs stand in it.

use std::collections::{BTreeSet, HashMap, VecDeque};

use super::set::{Excerpts, ROW};
use super::words::Words;

/// Rows of one paragraph belong together when no more words than this lie between the first and the last.
const CLOSE: usize = 96;

/// So many paragraphs are followed at one time; rows of more are passed over until some have fallen behind.
const FOLLOWED: usize = 4_096;

/// Reads a text in pieces.
#[derive(Debug, Clone, Default)]
pub struct ExcerptReader {
    words: Words,
    last: VecDeque<u64>,
    at: usize,
    /// For each paragraph the rows that were seen of it lately, with their places.
    seen: HashMap<u32, VecDeque<(usize, u64)>>,
    found: BTreeSet<u32>,
}

impl ExcerptReader {
    /// Takes in a piece.
    pub fn push<T>(&mut self, set: &Excerpts<T>, piece: &str) {
        let Self { words, last, at, seen, found } = self;
        words.push(&set.key, piece, |word| step(set, word.digest, last, at, seen, found));
    }

    /// The text ends; another may follow, with which the words of this one do not connect by mistake.
    pub fn finish<T>(&mut self, set: &Excerpts<T>) {
        let Self { words, last, at, seen, found } = self;
        words.finish(&set.key, |word| step(set, word.digest, last, at, seen, found));
    }

    /// Forgets the words before: a text begins that goes on from nothing.
    pub fn begin(&mut self) {
        (self.words, self.at) = (Words::default(), 0);
        self.last.clear();
        self.seen.clear();
    }

    /// The places of the paragraphs that were found.
    #[must_use]
    pub fn found(&self) -> &BTreeSet<u32> {
        &self.found
    }

    pub(super) fn into_found(self) -> BTreeSet<u32> {
        self.found
    }
}

fn step<T>(
    set: &Excerpts<T>,
    word: u64,
    last: &mut VecDeque<u64>,
    at: &mut usize,
    seen: &mut HashMap<u32, VecDeque<(usize, u64)>>,
    found: &mut BTreeSet<u32>,
) {
    *at = at.saturating_add(1);
    if last.len() == ROW {
        last.pop_front();
    }
    last.push_back(word);
    if last.len() < ROW {
        return;
    }
    let row = set.key.row(last.make_contiguous());
    let Some(places) = set.rows.get(&row) else { return };
    let behind = at.saturating_sub(CLOSE);
    if seen.len() >= FOLLOWED {
        seen.retain(|_, rows| rows.back().is_some_and(|(place, _)| *place >= behind));
    }
    for place in places.iter().filter(|place| !found.contains(place)).copied().collect::<Vec<_>>() {
        if seen.len() >= FOLLOWED && !seen.contains_key(&place) {
            continue;
        }
        let rows = seen.entry(place).or_default();
        rows.retain(|(place, known)| *place >= behind && *known != row);
        rows.push_back((*at, row));
        if rows.len() >= set.need(place) {
            found.insert(place);
            seen.remove(&place);
        }
    }
}
