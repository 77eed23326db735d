//! Three lazy automata over all patterns: forward for ends, backward for starts, backward over the prefix closures for
//! what must be held.

use std::sync::{Mutex, PoisonError};

use regex_automata::hybrid::dfa::{Cache, DFA, OverlappingState};
use regex_automata::nfa::thompson::{self, NFA, WhichCaptures};
use regex_automata::util::primitives::PatternID;
use regex_automata::{Anchored, Input, MatchError, MatchKind};
use regex_syntax::hir::Hir;

use super::closure::{for_ends, prefixes};
use super::pattern::Class;
use crate::engine::EngineError;

/// The most bytes that one automaton's cache takes, per concurrent use.
const CACHE: usize = 1024 * 1024;

/// How many caches are kept for later.
const KEPT: usize = 4;

/// The compiled patterns of all recognizers. A pattern's number is its place in the list that they are built from.
pub(crate) struct Automata {
    forward: DFA,
    backward: DFA,
    closure: DFA,
    pool: Mutex<Vec<Caches>>,
}

/// The lazily built states. Taken for one call, then given back: an idle stream holds none.
pub(crate) struct Caches {
    forward: Cache,
    backward: Cache,
    closure: Cache,
}

impl Automata {
    /// From patterns, and the characters that must not stand before each.
    pub(super) fn new(patterns: &[Hir], left: &[Class]) -> Result<Self, EngineError> {
        let ends: Vec<Hir> = patterns.iter().zip(left).map(|(hir, left)| for_ends(hir, left)).collect();
        let closures: Vec<Hir> = patterns.iter().map(prefixes).collect();
        Ok(Self {
            forward: build(&ends, false)?,
            backward: build(patterns, true)?,
            closure: build(&closures, true)?,
            pool: Mutex::new(Vec::new()),
        })
    }

    /// Runs `work` with caches from the pool.
    pub(crate) fn with_caches<T>(&self, work: impl FnOnce(&mut Caches) -> T) -> T {
        let taken = self.pool.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut caches = taken.unwrap_or_else(|| Caches {
            forward: self.forward.create_cache(),
            backward: self.backward.create_cache(),
            closure: self.closure.create_cache(),
        });
        let result = work(&mut caches);
        let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        if pool.len() < KEPT {
            pool.push(caches);
        }
        result
    }

    /// Calls `found` with pattern and end of every match that begins in `text[from..]`, and perhaps of some more. The byte
    /// before `from` is there to be looked at.
    pub(super) fn ends(
        &self,
        caches: &mut Caches,
        text: &[u8],
        from: usize,
        mut found: impl FnMut(&mut Cache, usize, usize) -> Result<(), MatchError>,
    ) -> Result<(), MatchError> {
        let Caches { forward, backward, .. } = caches;
        let input = Input::new(text).range(from.saturating_sub(1)..);
        let mut state = OverlappingState::start();
        loop {
            self.forward.try_search_overlapping_fwd(forward, &input, &mut state)?;
            let Some(hit) = state.get_match() else { return Ok(()) };
            found(backward, hit.pattern().as_usize(), hit.offset())?;
        }
    }

    /// Calls `found` with every start in `text[from..end]` from which the pattern matches up to `end`.
    pub(super) fn starts(
        &self,
        cache: &mut Cache,
        text: &[u8],
        pattern: usize,
        from: usize,
        end: usize,
        mut found: impl FnMut(usize),
    ) -> Result<(), MatchError> {
        let Ok(id) = PatternID::new(pattern) else { return Ok(()) };
        let input = Input::new(text).range(from..end).anchored(Anchored::Pattern(id));
        let mut state = OverlappingState::start();
        loop {
            self.backward.try_search_overlapping_rev(cache, &input, &mut state)?;
            let Some(hit) = state.get_match() else { return Ok(()) };
            found(hit.offset());
        }
    }

    /// The first place in `text[from..]` from which the rest could still grow into a match, or already is one.
    pub(super) fn hold(&self, caches: &mut Caches, text: &[u8], from: usize) -> Result<usize, MatchError> {
        let input = Input::new(text).range(from..).anchored(Anchored::Yes);
        let found = self.closure.try_search_rev(&mut caches.closure, &input)?;
        Ok(found.map_or(text.len(), |hit| hit.offset()))
    }
}

fn build(patterns: &[Hir], reverse: bool) -> Result<DFA, EngineError> {
    let config = thompson::Config::new()
        .reverse(reverse)
        .utf8(false)
        .which_captures(WhichCaptures::None)
        .nfa_size_limit(Some(4 * 1024 * 1024));
    let nfa: NFA =
        thompson::Compiler::new().configure(config).build_many_from_hir(patterns).map_err(too_large)?;
    let config = DFA::config()
        .match_kind(MatchKind::All)
        .starts_for_each_pattern(reverse)
        .cache_capacity(CACHE)
        .skip_cache_capacity_check(false);
    DFA::builder().configure(config).build_from_nfa(nfa).map_err(too_large)
}

fn too_large(error: impl std::error::Error + Send + Sync + 'static) -> EngineError {
    EngineError::Size(Box::new(error))
}
