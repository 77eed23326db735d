//! One reading of a text on its way through the automata.

use regex_automata::MatchError;

use super::automata::Caches;
use super::groups::{Ahead, CARD, CONTEXT};
use super::pattern::{Class, Patterns, Purpose};
use super::region::Progress;
use super::starts::Groups;
use super::words::{BLOCK, Seen, is_in};
use crate::validate::{Validator, accepts, card_ends, card_may_end};
use crate::view::Window;

/// A validated match in original offsets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span {
    /// First original byte.
    pub(crate) start: usize,
    /// One past the last.
    pub(crate) end: usize,
    /// Number of the rule.
    pub(crate) rule: usize,
    /// In thousandths.
    pub(crate) confidence: u16,
}

/// A reading: its window, and how far it has been decided.
///
/// Everything that begins before `decided` is known: no match that begins there can still begin, end or change.
#[derive(Clone)]
pub(crate) struct Lane {
    pub(crate) window: Window,
    decided: usize,
    regions: Vec<Progress>,
}

/// What is found at one place.
#[derive(Default)]
struct Candidates {
    /// Pattern and end, as the automaton tells them.
    heads: Vec<(usize, usize)>,
    /// What its validator and context accepted.
    good: Vec<Candidate>,
    /// Accepted matches that make those within them superfluous: pattern and end.
    covered: Vec<(usize, usize)>,
}

/// A match that counts if its place is decided.
struct Candidate {
    pattern: usize,
    start: usize,
    end: usize,
    confidence: u16,
}

/// The text at hand, and what is known about it.
struct Sight<'a> {
    patterns: &'a Patterns,
    text: &'a [u8],
    /// Nothing follows.
    last: bool,
    seen: Seen,
    wanting: Wanting,
}

/// The block that was read last for patterns that want a word near: how many bytes were, and from how many places.
#[derive(Debug, Default)]
struct Wanting {
    block: usize,
    read: usize,
    places: usize,
}

/// Once so many bytes of a block have been read for patterns that want a word near, it is looked up which words are there:
/// that costs about as much.
const MANY: usize = 4 * BLOCK;

/// From so many places on in a block, the next is taken for one like it.
const PLACES: usize = BLOCK / 16;

/// What it costs to judge a match, in bytes read.
const JUDGED: usize = 8;

impl Span {
    pub(super) fn new(rule: usize, start: usize, end: usize, confidence: u16) -> Self {
        Self { start, end, rule, confidence }
    }
}

impl Lane {
    pub(crate) fn new(patterns: &Patterns) -> Self {
        let regions = patterns.regions.iter().map(|_| Progress::default()).collect();
        Self { window: Window::default(), decided: Window::FIRST, regions }
    }

    /// The original offset before which nothing more can be found, open regions left aside.
    pub(crate) fn decided(&self) -> usize {
        self.window.start_of(self.decided)
    }

    /// The original offsets from which open regions withhold.
    pub(crate) fn open(&self) -> impl Iterator<Item = usize> {
        self.regions.iter().filter_map(Progress::open_from)
    }

    /// Number of the rule and original offset of regions that outgrew their cap.
    pub(crate) fn overflows(&self, patterns: &Patterns) -> impl Iterator<Item = (usize, usize)> {
        let both = self.regions.iter().zip(&patterns.regions);
        both.filter_map(|(progress, region)| Some((region.rule, progress.overflow()?)))
    }

    /// Decides as much of the window as can be; `last` says that nothing follows. What is found goes to `out`.
    pub(crate) fn advance(
        &mut self,
        patterns: &Patterns,
        caches: &mut Caches,
        last: bool,
        out: &mut Vec<Span>,
    ) -> Result<(), MatchError> {
        let (base, text) = self.window.kept();
        let from = self.decided.saturating_sub(base);
        let mut sight = Sight { patterns, text, last, seen: Seen::default(), wanting: Wanting::default() };
        let mut candidates = Candidates::default();
        let mut ahead = Ahead::default();
        let mut place = from;
        let decided = loop {
            let next = patterns.automata.next_start(&mut ahead, text, place);
            let Some((start, groups)) = next else { break text.len() };
            if !sight.look(caches, start, groups, &mut candidates)? {
                break start;
            }
            for candidate in candidates.good.drain(..) {
                take(&mut self.regions, &self.window, patterns, base, &candidate, out);
            }
            place = start.saturating_add(1);
        };
        self.decided = base.saturating_add(decided);
        for (progress, region) in self.regions.iter_mut().zip(&patterns.regions) {
            progress.sort();
            progress.advance(region, &self.window, self.decided, last, out);
        }
        self.window.forget(self.decided.saturating_sub(patterns.before));
        Ok(())
    }
}

impl Sight<'_> {
    /// Collects what begins at a place; false when that is not decided yet.
    fn look(
        &mut self,
        caches: &mut Caches,
        start: usize,
        groups: Groups,
        candidates: &mut Candidates,
    ) -> Result<bool, MatchError> {
        let Patterns { automata, patterns, words, .. } = self.patterns;
        let Candidates { heads, good, covered } = candidates;
        good.clear();
        heads.clear();
        let mut groups = groups;
        let possible = if groups & CONTEXT != 0 && self.is_dense(start, 0) {
            words.possible(&mut self.seen, self.text, self.last, start)
        } else {
            None
        };
        if possible.is_some_and(Vec::is_empty) {
            groups &= !CONTEXT;
            if groups == 0 {
                return Ok(true);
            }
        }
        let text = self.text;
        let before = start.checked_sub(1).and_then(|at| text.get(at)).copied();
        let mut cards = u64::MAX;
        if groups & 1 << CARD != 0 {
            let (ends, cut) = card_ends(text.get(start..).unwrap_or_default());
            cards = ends;
            if ends == 0 && (self.last || !cut) {
                groups &= !(1 << CARD);
                if groups == 0 {
                    return Ok(true);
                }
            }
        }
        let mut read = 0;
        let open = automata.heads(caches, groups, text, start, &mut read, |number, end| {
            let Some(pattern) = patterns.get(number) else { return };
            if pattern.context.is_some() && possible.is_some_and(|set| !is_in(set, number)) {
                return;
            }
            if pattern.validator == Validator::Card && !card_may_end(cards, end.saturating_sub(start)) {
                return;
            }
            let right = text.get(end).is_none_or(|next| !has(&pattern.right, *next));
            if (right || pattern.value.is_some()) && before.is_none_or(|byte| !has(&pattern.left, byte)) {
                heads.push((number, end));
            }
        })?;
        if groups & CONTEXT != 0 {
            let dense = self.is_dense(start, read.saturating_add(heads.len().saturating_mul(JUDGED)));
            if let Some(set) =
                if dense { words.possible(&mut self.seen, text, self.last, start) } else { None }
            {
                let wanting = |number: usize| patterns.get(number).is_some_and(|p| p.context.is_some());
                heads.retain(|(number, _)| !wanting(*number) || is_in(set, *number));
            }
        }
        if open && !self.last {
            return Ok(false);
        }
        if heads.is_empty() {
            return Ok(true);
        }
        // Of one pattern the longest match first: it makes the shorter ones superfluous, and the longest lead counts.
        heads.sort_unstable_by(|a, b| b.cmp(a));
        let mut lead = None;
        for (number, end) in heads.iter().copied() {
            let Some(pattern) = patterns.get(number) else { continue };
            let Some(value) = pattern.value else {
                if !self.judge(number, start, end, good, covered) {
                    return Ok(false);
                }
                continue;
            };
            if lead == Some(number) {
                continue;
            }
            lead = Some(number);
            let mut ends = Vec::new();
            let open = automata.value(caches, value, text, end, |end| {
                if text.get(end).is_none_or(|next| !has(&pattern.right, *next)) {
                    ends.push(end);
                }
            })?;
            if open && !self.last {
                return Ok(false);
            }
            for value_end in ends.into_iter().rev() {
                if !self.judge(number, end, value_end, good, covered) {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// Counts what was read at a start; whether that has become much in its block.
    fn is_dense(&mut self, start: usize, read: usize) -> bool {
        let (block, wanting) = (start / BLOCK, &mut self.wanting);
        if wanting.block != block {
            let goes_on = wanting.block.saturating_add(1) == block && wanting.places >= PLACES;
            let read = if goes_on && wanting.read >= MANY { MANY } else { 0 };
            *wanting = Wanting { block, read, places: 0 };
        }
        wanting.places = wanting.places.saturating_add(usize::from(read == 0));
        wanting.read = wanting.read.saturating_add(read);
        wanting.read >= MANY
    }

    /// Adds a match if its validator and its context accept it; false when that is not known yet.
    fn judge(
        &mut self,
        number: usize,
        start: usize,
        end: usize,
        good: &mut Vec<Candidate>,
        covered: &mut Vec<(usize, usize)>,
    ) -> bool {
        let Some(pattern) = self.patterns.patterns.get(number) else { return true };
        let alike = pattern.is_found_alike();
        if alike && covered.iter().any(|(known, until)| *known == number && end <= *until) {
            return true;
        }
        let matched = self.text.get(start..end).unwrap_or_default();
        let Some(change) = accepts(pattern.validator, matched) else { return true };
        for (context, wanted) in [(&pattern.context, true), (&pattern.without, false)] {
            let Some(context) = context else { continue };
            if !self.last && end.saturating_add(context.after) >= self.text.len() {
                return false;
            }
            if self.patterns.words.near(&mut self.seen, self.text, context, start, end) != wanted {
                return true;
            }
        }
        let confidence = pattern.confidence.saturating_add_signed(change).min(1_000);
        good.push(Candidate { pattern: number, start, end, confidence });
        if alike {
            covered.retain(|(known, _)| *known != number);
            covered.push((number, end));
        }
        true
    }
}

/// Hands on what is decided.
fn take(
    regions: &mut [Progress],
    window: &Window,
    patterns: &Patterns,
    base: usize,
    candidate: &Candidate,
    out: &mut Vec<Span>,
) {
    let Some(pattern) = patterns.patterns.get(candidate.pattern) else { return };
    let start = base.saturating_add(candidate.start);
    let end = base.saturating_add(candidate.end);
    match pattern.purpose {
        Purpose::Find(rule) => {
            let last_byte = window.end_of(end.saturating_sub(1));
            out.push(Span::new(rule, window.start_of(start), last_byte, candidate.confidence));
        }
        Purpose::Open(region) => {
            if let Some(progress) = regions.get_mut(region) {
                progress.opener(start, end);
            }
        }
        Purpose::Close(region) => {
            if let Some(progress) = regions.get_mut(region) {
                progress.closer(start, end);
            }
        }
    }
}

fn has(class: &Class, byte: u8) -> bool {
    class.get(usize::from(byte)).copied().unwrap_or(false)
}
