//! Context words: all of all rules in one automaton, run only over the neighbourhoods that a candidate asks about.

use std::collections::HashMap;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use crate::engine::EngineError;
use crate::rule::Nearby;
use crate::view::{Fold, fold, other};

/// Words are looked for in blocks of this many bytes.
pub(super) const BLOCK: usize = 256;

/// All context words.
#[derive(Default)]
pub(super) struct Words {
    automaton: Option<AhoCorasick>,
    /// By number of the word: whether a letter may stand before it and after it.
    open: Vec<(bool, bool)>,
    longest: usize,
    /// By number of the word: which patterns want it near, how many bytes before a match of the pattern it may begin, and
    /// how many after its first byte.
    wanted: Vec<Vec<(usize, usize, usize)>>,
    /// The most of these bytes before and after.
    farthest: (usize, usize),
}

/// A set of patterns, by number.
pub(super) type PatternSet = Vec<u64>;

/// Collects words before they are compiled.
#[derive(Default)]
pub(super) struct WordList {
    words: Vec<(Vec<u8>, bool, bool)>,
    numbers: HashMap<(Vec<u8>, bool, bool), usize>,
}

/// Words of which one must stand near a match, or none may.
pub(super) struct Context {
    /// A set of word numbers.
    words: Vec<u64>,
    pub(super) before: usize,
    pub(super) after: usize,
}

/// What has been found in one text so far, block by block.
#[derive(Default)]
pub(super) struct Seen {
    blocks: Vec<Option<Vec<Hit>>>,
    /// By block: which patterns have a word near if they begin in it.
    near: Vec<Option<PatternSet>>,
}

#[derive(Clone, Copy)]
struct Hit {
    start: usize,
    end: usize,
    word: usize,
}

impl WordList {
    /// The numbers of a rule's words.
    pub(super) fn add<'n>(&mut self, nearby: &'n Nearby) -> Context {
        let mut set: Vec<u64> = Vec::new();
        let spelled =
            |word: &'n String| spellings(word.trim_matches('*')).into_iter().map(move |n| (word, n));
        for (word, needle) in nearby.words.iter().flat_map(spelled) {
            let entry = (needle, word.starts_with('*'), word.ends_with('*'));
            let next = self.words.len();
            let number = *self.numbers.entry(entry.clone()).or_insert(next);
            if number == next {
                self.words.push(entry);
            }
            put(&mut set, number);
        }
        Context { words: set, before: nearby.before, after: nearby.after }
    }

    /// Compiles the words; `wanting` are the patterns that want one near: number, context, longest match.
    pub(super) fn compile(self, wanting: &[(usize, &Context, usize)]) -> Result<Words, EngineError> {
        if self.words.is_empty() {
            return Ok(Words::default());
        }
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .build(self.words.iter().map(|(needle, _, _)| needle))
            .map_err(|e| EngineError::Size(Box::new(e)))?;
        let longest = self.words.iter().map(|(needle, _, _)| needle.len()).max().unwrap_or(0);
        let open: Vec<_> = self.words.into_iter().map(|(_, left, right)| (left, right)).collect();
        let mut wanted = vec![Vec::new(); open.len()];
        let mut farthest = (0, 0);
        for (pattern, context, most) in wanting {
            let after = most.saturating_add(context.after);
            farthest = (context.before.max(farthest.0), after.max(farthest.1));
            for word in context.words.iter().zip(0_usize..).flat_map(|(bits, at)| {
                (0..64)
                    .filter(move |bit| bits >> bit & 1 == 1)
                    .map(move |bit| at.saturating_mul(64).saturating_add(bit))
            }) {
                if let Some(slot) = wanted.get_mut(word) {
                    slot.push((*pattern, context.before, after));
                }
            }
        }
        Ok(Words { automaton: Some(automaton), open, longest, wanted, farthest })
    }
}

impl Words {
    /// Whether one of the words stands within the window around `start..end`, the match itself left out. What lies
    /// beyond the text's ends is not a letter.
    pub(super) fn near(
        &self,
        seen: &mut Seen,
        text: &[u8],
        context: &Context,
        start: usize,
        end: usize,
    ) -> bool {
        let left = start.saturating_sub(context.before);
        let right = end.saturating_add(context.after).min(text.len());
        self.within(seen, text, context, left, start) || self.within(seen, text, context, end, right)
    }

    /// Which of the patterns that want a word near may have one if they begin at `start`, when that is known: `last` says
    /// that nothing follows the text. What is not in the set has none.
    pub(super) fn possible<'s>(
        &self,
        seen: &'s mut Seen,
        text: &[u8],
        last: bool,
        start: usize,
    ) -> Option<&'s PatternSet> {
        let block = start / BLOCK;
        let from = block.saturating_mul(BLOCK);
        let end = from.saturating_add(BLOCK).saturating_add(self.farthest.1).saturating_add(self.longest);
        if !last && end >= text.len() {
            return None;
        }
        if seen.near.len() <= block {
            seen.near.resize(block.saturating_add(1), None);
        }
        if !matches!(seen.near.get(block), Some(Some(_))) {
            let set = self.gather(seen, text, from, end.min(text.len()));
            *seen.near.get_mut(block)? = Some(set);
        }
        seen.near.get(block)?.as_ref()
    }

    fn gather(&self, seen: &mut Seen, text: &[u8], from: usize, end: usize) -> PatternSet {
        let mut set = PatternSet::new();
        let first = from.saturating_sub(self.farthest.0) / BLOCK;
        let last = end.saturating_sub(1) / BLOCK;
        let next = from.saturating_add(BLOCK);
        for block in first..=last {
            for hit in self.block(seen, text, block) {
                for (pattern, before, after) in self.wanted.get(hit.word).into_iter().flatten() {
                    let reaches =
                        hit.start.saturating_add(*before) >= from && hit.start <= next.saturating_add(*after);
                    if reaches {
                        put(&mut set, *pattern);
                    }
                }
            }
        }
        set
    }

    fn within(&self, seen: &mut Seen, text: &[u8], context: &Context, from: usize, to: usize) -> bool {
        if from >= to {
            return false;
        }
        let last = to.saturating_sub(1) / BLOCK;
        (from / BLOCK..=last).any(|block| {
            let hits = self.block(seen, text, block);
            hits.iter().any(|hit| hit.start >= from && hit.end <= to && context.has(hit.word))
        })
    }

    /// The words that begin in a block.
    fn block<'s>(&self, seen: &'s mut Seen, text: &[u8], block: usize) -> &'s [Hit] {
        if seen.blocks.len() <= block {
            seen.blocks.resize(block.saturating_add(1), None);
        }
        let Some(slot) = seen.blocks.get_mut(block) else { return &[] };
        slot.get_or_insert_with(|| self.scan(text, block))
    }

    fn scan(&self, text: &[u8], block: usize) -> Vec<Hit> {
        let Some(automaton) = &self.automaton else { return Vec::new() };
        let first = block.saturating_mul(BLOCK);
        let next = first.saturating_add(BLOCK);
        let end = next.saturating_add(self.longest).min(text.len());
        let part = text.get(first..end).unwrap_or_default();
        let hits = automaton.find_overlapping_iter(part).filter_map(|hit| {
            let (start, end) = (first.saturating_add(hit.start()), first.saturating_add(hit.end()));
            let word = hit.pattern().as_usize();
            let (open_left, open_right) = self.open.get(word).copied()?;
            let letter =
                |place: Option<usize>| place.and_then(|p| text.get(p)).is_some_and(u8::is_ascii_alphabetic);
            let stands = start < next
                && (open_left || !letter(start.checked_sub(1)))
                && (open_right || !letter(Some(end)));
            stands.then_some(Hit { start, end, word })
        });
        hits.collect()
    }
}

/// A word as the canonical view has it. ASCII is in lower case, which is how it is looked for; a script that has cases
/// is spelled in each.
pub(super) fn spellings(word: &str) -> Vec<Vec<u8>> {
    let canonical = |word: &str| {
        let mut out = Vec::with_capacity(word.len());
        for c in word.chars() {
            match fold(c) {
                Fold::Ascii { bytes, len } => out.extend(bytes.iter().take(usize::from(len))),
                Fold::Other => out.push(other(c)),
                Fold::Drop => {}
            }
        }
        out.make_ascii_lowercase();
        out
    };
    let mut all = vec![canonical(word)];
    if !word.is_ascii() {
        let mut rest = word.chars();
        let first: String = rest.next().into_iter().flat_map(char::to_uppercase).collect();
        for other in
            [word.to_lowercase(), word.to_uppercase(), format!("{first}{}", rest.as_str().to_lowercase())]
        {
            let other = canonical(&other);
            if !all.contains(&other) {
                all.push(other);
            }
        }
    }
    all
}

fn put(set: &mut PatternSet, number: usize) {
    let at = number / 64;
    if set.len() <= at {
        set.resize(at.saturating_add(1), 0);
    }
    if let Some(bits) = set.get_mut(at) {
        *bits |= 1 << (number % 64);
    }
}

/// Whether a pattern is in a set.
pub(super) fn is_in(set: &[u64], number: usize) -> bool {
    set.get(number / 64).is_some_and(|bits| bits >> (number % 64) & 1 == 1)
}

impl Context {
    fn has(&self, word: usize) -> bool {
        is_in(&self.words, word)
    }
}
