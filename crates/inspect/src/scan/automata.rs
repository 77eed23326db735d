//! Lazy automata that run forward from places where something could begin: over what patterns begin with, in groups, and
//! over what stands behind a lead.
//!
//! A place is looked at when some pattern allows the character before it and begins with the characters at it; the
//! automaton then says, step by step, which patterns matched and whether any could still. That one pass gives both the
//! matches and, at the end of a window, the first place that must be held. A state is a set of patterns that read *the
//! same* stretch, so there are few, however many rules there are. (One unanchored automaton over all rules has a state
//! for every set of stretches that are under way at once, and its reverse for what must be held one for every length.)

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{Mutex, PoisonError};

use regex_automata::hybrid::LazyStateID;
use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::nfa::thompson::{self, NFA, WhichCaptures};
use regex_automata::util::primitives::PatternID;
use regex_automata::util::start;
use regex_automata::{Anchored, MatchError, MatchKind};
use regex_syntax::hir::Hir;

use super::groups::{Ahead, COUNT, Wants, group};
use super::pattern::Class;
use super::starts::{ALL, Bytes, Groups, Starts, has};
use crate::engine::EngineError;

/// The most bytes that one automaton's cache takes, per concurrent use.
const CACHE: usize = 2 * 1024 * 1024;

/// How many caches are kept for later.
const KEPT: usize = 4;

/// The compiled patterns of all recognizers. A pattern's number is its place in the list that they are built from.
pub(crate) struct Automata {
    /// Whole patterns; of those with a lead, the lead. By group.
    heads: [Option<Heads>; COUNT],
    /// What follows the leads, by number of the value.
    values: Option<DFA>,
    /// Where heads could begin.
    starts: Starts,
    /// In boxes: they are large, and taken for each piece of a stream.
    #[expect(clippy::vec_box, reason = "a cache is moved in and out all the time")]
    pool: Mutex<Vec<Box<Caches>>>,
}

/// The heads of one group.
struct Heads {
    dfa: DFA,
    /// Number of the pattern by its number in the automaton, and the characters that must not stand after it.
    numbers: Vec<(usize, Bytes)>,
}

/// The patterns that match where a state says so.
struct Ends {
    /// Characters after which none of them counts.
    barred: Bytes,
    /// By number.
    patterns: Box<[usize]>,
}

/// The lazily built states. Taken for one call, then given back: an idle stream holds none.
pub(crate) struct Caches {
    heads: [Option<Cached>; COUNT],
    values: Option<Cached>,
}

/// A cache and the state that the last search began in, as long as the cache was not cleared since.
struct Cached {
    cache: Cache,
    start: Option<(usize, LazyStateID)>,
    /// What states say that have been met, since the cache was cleared so many times.
    ends: (usize, HashMap<LazyStateID, Ends, BuildHasherDefault<Mixed>>),
}

/// A hasher for numbers of states, which nobody outside chooses.
#[derive(Default)]
struct Mixed(u64);

impl Hasher for Mixed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u32(u32::from(*byte)));
    }

    fn write_u32(&mut self, value: u32) {
        self.0 = (self.0 ^ u64::from(value)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 ^= self.0 >> 32;
    }
}

impl Automata {
    /// From heads with the characters that must not stand before each and what else each wants, and from values.
    pub(super) fn new(
        heads: &[Hir],
        left: &[Class],
        right: &[Bytes],
        wants: &[Wants],
        values: &[Hir],
    ) -> Result<Self, EngineError> {
        let groups: Vec<u8> = heads.iter().zip(wants).map(|(hir, wants)| group(hir, *wants)).collect();
        let mut built = [const { None }; COUNT];
        for (number, slot) in built.iter_mut().enumerate() {
            let members: Vec<(usize, &Hir)> = heads
                .iter()
                .enumerate()
                .zip(&groups)
                .filter(|(_, group)| usize::from(**group) == number)
                .map(|(member, _)| member)
                .collect();
            if !members.is_empty() {
                let hirs: Vec<Hir> = members.iter().map(|(_, hir)| (*hir).clone()).collect();
                let number = |(n, _): &(usize, &Hir)| (*n, right.get(*n).copied().unwrap_or_default());
                *slot =
                    Some(Heads { dfa: build(&hirs, false)?, numbers: members.iter().map(number).collect() });
            }
        }
        Ok(Self {
            heads: built,
            values: if values.is_empty() { None } else { Some(build(values, true)?) },
            starts: Starts::new(heads, left, &groups),
            pool: Mutex::new(Vec::new()),
        })
    }

    /// Runs `work` with caches from the pool.
    pub(crate) fn with_caches<T>(&self, work: impl FnOnce(&mut Caches) -> T) -> T {
        let taken = self.pool.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let fresh =
            |dfa: &DFA| Cached { cache: dfa.create_cache(), start: None, ends: (0, HashMap::default()) };
        let mut caches = taken.unwrap_or_else(|| {
            let heads = self.heads.each_ref().map(|heads| heads.as_ref().map(|heads| fresh(&heads.dfa)));
            Box::new(Caches { heads, values: self.values.as_ref().map(fresh) })
        });
        let result = work(&mut caches);
        let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        if pool.len() < KEPT {
            pool.push(caches);
        }
        result
    }

    /// The first place in `text[from..]` at which something could begin, and which groups of patterns.
    pub(super) fn next_start(&self, ahead: &mut Ahead, text: &[u8], from: usize) -> Option<(usize, Groups)> {
        let mut place = from.max(1);
        while place < text.len() {
            let (alive, until) = ahead.alive(text, place);
            if let Some(found) = self.starts.next(text, place, until, alive) {
                return Some(found);
            }
            place = until.max(place.saturating_add(1));
        }
        None
    }

    /// Calls `found` with head and end of every match of these groups that begins at `from` and may have the character after
    /// it. Says whether the text's end cuts off one that could still come or change its neighbour, and counts the bytes that
    /// were read.
    pub(super) fn heads(
        &self,
        caches: &mut Caches,
        groups: Groups,
        text: &[u8],
        from: usize,
        read: &mut usize,
        mut found: impl FnMut(usize, usize),
    ) -> Result<bool, MatchError> {
        let mut open = false;
        for (number, (heads, cached)) in self.heads.iter().zip(&mut caches.heads).enumerate() {
            let (Some(heads), Some(cached)) = (heads, cached) else { continue };
            if groups >> number & 1 == 0 {
                continue;
            }
            let start = cached.start(&heads.dfa)?;
            let Cached { cache, ends: (when, ends), .. } = cached;
            open |= run(&heads.dfa, cache, start, text, from, read, |cache, state, end| {
                if *when != cache.clear_count() {
                    ends.clear();
                    *when = cache.clear_count();
                }
                let known = ends.entry(state).or_insert_with(|| heads.ends(cache, state));
                if text.get(end).is_none_or(|next| !has(&known.barred, usize::from(*next))) {
                    known.patterns.iter().for_each(|pattern| found(*pattern, end));
                }
            })?;
        }
        Ok(open)
    }

    /// Calls `found` with the end of every match of one value that begins at `from`; for the rest the same.
    pub(super) fn value(
        &self,
        caches: &mut Caches,
        value: usize,
        text: &[u8],
        from: usize,
        mut found: impl FnMut(usize),
    ) -> Result<bool, MatchError> {
        let (Some(dfa), Some(cached)) = (&self.values, &mut caches.values) else { return Ok(false) };
        let Ok(id) = PatternID::new(value) else { return Ok(false) };
        let config = start::Config::new().anchored(Anchored::Pattern(id));
        let start = dfa.start_state(&mut cached.cache, &config).map_err(|_| MatchError::gave_up(from))?;
        run(dfa, &mut cached.cache, start, text, from, &mut 0, |_, _, end| found(end))
    }
}

impl Heads {
    /// What a state says that has matches.
    fn ends(&self, cache: &Cache, state: LazyStateID) -> Ends {
        let matches = 0..self.dfa.match_len(cache, state);
        let patterns = matches.filter_map(|index| {
            let pattern = self.dfa.match_pattern(cache, state, index).as_usize();
            self.numbers.get(pattern)
        });
        let (numbers, barred): (Vec<usize>, Vec<Bytes>) = patterns.copied().unzip();
        let both = |mut all: Bytes, one: Bytes| {
            all.iter_mut().zip(one).for_each(|(all, one)| *all &= one);
            all
        };
        Ends { barred: barred.into_iter().fold(ALL, both), patterns: numbers.into_boxed_slice() }
    }
}

impl Cached {
    fn start(&mut self, dfa: &DFA) -> Result<LazyStateID, MatchError> {
        let cleared = self.cache.clear_count();
        if let Some((when, start)) = self.start
            && when == cleared
        {
            return Ok(start);
        }
        let config = start::Config::new().anchored(Anchored::Yes);
        let start = dfa.start_state(&mut self.cache, &config).map_err(|_| MatchError::gave_up(0))?;
        self.start = Some((self.cache.clear_count(), start));
        Ok(start)
    }
}

/// Runs from a start state over `text[from..]`; a match is reported one byte late, so once more at the end.
fn run(
    dfa: &DFA,
    cache: &mut Cache,
    start: LazyStateID,
    text: &[u8],
    from: usize,
    read: &mut usize,
    mut found: impl FnMut(&Cache, LazyStateID, usize),
) -> Result<bool, MatchError> {
    let gave_up = |_| MatchError::gave_up(from);
    let mut state = start;
    for (at, byte) in text.iter().enumerate().skip(from) {
        state = dfa.next_state(cache, state, *byte).map_err(gave_up)?;
        if state.is_tagged() {
            if state.is_match() {
                found(cache, state, at);
            } else if state.is_dead() {
                *read = read.saturating_add(at.saturating_sub(from));
                return Ok(false);
            }
        }
    }
    *read = read.saturating_add(text.len().saturating_sub(from));
    let last = dfa.next_eoi_state(cache, state).map_err(gave_up)?;
    if last.is_match() {
        found(cache, last, text.len());
        return Ok(true);
    }
    if !state.is_match() {
        return Ok(true);
    }
    // The state tells of a match that ended before the last byte. Whether it also stands for more, its successors know.
    for byte in 0..=u8::MAX {
        if !dfa.next_state(cache, state, byte).map_err(gave_up)?.is_dead() {
            return Ok(true);
        }
    }
    Ok(false)
}

fn build(patterns: &[Hir], each: bool) -> Result<DFA, EngineError> {
    let config = thompson::Config::new()
        .utf8(false)
        .which_captures(WhichCaptures::None)
        .nfa_size_limit(Some(16 * 1024 * 1024));
    let nfa: NFA =
        thompson::Compiler::new().configure(config).build_many_from_hir(patterns).map_err(too_large)?;
    let config = DFA::config()
        .match_kind(MatchKind::All)
        .starts_for_each_pattern(each)
        .cache_capacity(CACHE)
        .skip_cache_capacity_check(false);
    DFA::builder().configure(config).build_from_nfa(nfa).map_err(too_large)
}

fn too_large(error: impl std::error::Error + Send + Sync + 'static) -> EngineError {
    EngineError::Size(Box::new(error))
}
