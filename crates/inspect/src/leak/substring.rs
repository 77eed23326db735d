//! Which stretches of a text, however it comes in, stand in another text that was known before.
//!
//! A suffix automaton (Blumer and others, "The smallest automaton recognizing the subwords of a text", 1985) over symbols:
//! letters of a canary, or words of a prompt. After each symbol it knows the longest end of what was read that stands in
//! the known text, in constant time on average, so that a stream can hold back exactly that.

use std::collections::{HashMap, VecDeque};
use std::ops::Range;

/// A letter, or the hash of a word. [`APART`] stands in no text.
pub(super) type Symbol = u64;

/// Keeps known texts apart: no stretch goes from one into the next.
pub(super) const APART: Symbol = u64::MAX;

const ROOT: u32 = 0;

/// Everything that stands in the known texts.
#[derive(Debug, Default)]
pub(super) struct Substrings {
    states: Vec<State>,
    edges: HashMap<(u32, Symbol), u32>,
}

#[derive(Debug, Default, Clone)]
struct State {
    /// The longest stretch that leads here, in symbols.
    len: usize,
    /// Where the longest end of it that occurs elsewhere too leads; none at the root.
    link: Option<u32>,
    symbols: Vec<Symbol>,
}

/// Where a text stands in the automaton.
#[derive(Debug, Default)]
pub(super) struct Run {
    state: u32,
    /// The first byte of each symbol of the longest stretch that the text ends with, and one past the last.
    symbols: VecDeque<Range<usize>>,
}

impl Substrings {
    pub(super) fn new(symbols: impl IntoIterator<Item = Symbol>) -> Self {
        let mut new = Self { states: vec![State::default()], edges: HashMap::new() };
        let mut last = ROOT;
        for symbol in symbols {
            last = new.extend(last, symbol);
        }
        // Only building needs to know which edges a state has.
        new.states.iter_mut().for_each(|state| state.symbols = Vec::new());
        new
    }

    fn state(&self, at: u32) -> State {
        self.get(at).cloned().unwrap_or_default()
    }

    fn get(&self, at: u32) -> Option<&State> {
        usize::try_from(at).ok().and_then(|at| self.states.get(at))
    }

    fn push(&mut self, state: State) -> u32 {
        let at = u32::try_from(self.states.len()).unwrap_or(u32::MAX);
        self.states.push(state);
        at
    }

    fn set_link(&mut self, at: u32, link: u32) {
        if let Some(state) = usize::try_from(at).ok().and_then(|at| self.states.get_mut(at)) {
            state.link = Some(link);
        }
    }

    fn set_edge(&mut self, from: u32, symbol: Symbol, to: u32) {
        if self.edges.insert((from, symbol), to).is_none()
            && let Some(state) = usize::try_from(from).ok().and_then(|at| self.states.get_mut(at))
        {
            state.symbols.push(symbol);
        }
    }

    /// Adds a symbol after the state of the whole text so far.
    fn extend(&mut self, last: u32, symbol: Symbol) -> u32 {
        let len = self.get(last).map_or(0, |state| state.len).saturating_add(1);
        let new = self.push(State { len, link: Some(ROOT), symbols: Vec::new() });
        let mut at = Some(last);
        while let Some(from) = at {
            let Some(to) = self.edges.get(&(from, symbol)).copied() else {
                self.set_edge(from, symbol, new);
                at = self.get(from).and_then(|state| state.link);
                continue;
            };
            let shorter = self.get(from).map_or(0, |state| state.len).saturating_add(1);
            if self.get(to).is_some_and(|state| state.len == shorter) {
                self.set_link(new, to);
            } else {
                let copy = self.split(to, shorter);
                self.set_link(to, copy);
                self.set_link(new, copy);
                let mut at = Some(from);
                while let Some(from) = at.filter(|from| self.edges.get(&(*from, symbol)) == Some(&to)) {
                    self.set_edge(from, symbol, copy);
                    at = self.get(from).and_then(|state| state.link);
                }
            }
            break;
        }
        new
    }

    /// A state of its own for the shorter stretches of a state.
    fn split(&mut self, of: u32, len: usize) -> u32 {
        let State { link, symbols, .. } = self.state(of);
        let copy = self.push(State { len, link, symbols: Vec::new() });
        for symbol in symbols {
            if let Some(to) = self.edges.get(&(of, symbol)).copied() {
                self.set_edge(copy, symbol, to);
            }
        }
        copy
    }
}

impl Run {
    /// Takes in the next symbol of the text with its place. Gives the stretch that it ended, if that was one of `least`
    /// symbols and more.
    pub(super) fn push(
        &mut self,
        known: &Substrings,
        symbol: Symbol,
        place: Range<usize>,
        least: usize,
    ) -> Option<Range<usize>> {
        let mut ended = None;
        loop {
            if let Some(to) = known.edges.get(&(self.state, symbol)) {
                self.state = *to;
                self.symbols.push_back(place);
                return ended;
            }
            if ended.is_none() {
                ended = self.stretch(least);
            }
            let Some(link) = known.get(self.state).and_then(|state| state.link) else {
                self.symbols.clear();
                return ended;
            };
            self.state = link;
            let keep = known.get(link).map_or(0, |state| state.len);
            let drop = self.symbols.len().saturating_sub(keep);
            self.symbols.drain(..drop);
        }
    }

    /// The stretch that the text ends with, if it has `least` symbols and more.
    pub(super) fn stretch(&self, least: usize) -> Option<Range<usize>> {
        let (first, last) = (self.symbols.front()?, self.symbols.back()?);
        (self.symbols.len() >= least).then_some(first.start..last.end)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Every stretch that is found, as a union.
    fn found(known: &[Symbol], text: &[Symbol], least: usize) -> Vec<Range<usize>> {
        let known = Substrings::new(known.iter().copied());
        let mut run = Run::default();
        let mut out: Vec<Range<usize>> = Vec::new();
        for (at, symbol) in text.iter().enumerate() {
            out.extend(run.push(&known, *symbol, at..at + 1, least));
        }
        out.extend(run.stretch(least));
        union(out)
    }

    fn union(stretches: Vec<Range<usize>>) -> Vec<Range<usize>> {
        let mut out: Vec<Range<usize>> = Vec::new();
        for next in stretches {
            match out.last_mut() {
                Some(last) if next.start <= last.end => last.end = last.end.max(next.end),
                _ => out.push(next),
            }
        }
        out
    }

    proptest! {
        #[test]
        fn it_finds_what_a_search_of_every_window_finds(
            known in prop::collection::vec(0_u64..4, 0..40),
            text in prop::collection::vec(0_u64..4, 0..60),
            least in 1_usize..6,
        ) {
            let windows = (0..text.len().saturating_sub(least - 1))
                .filter(|at| known.windows(least).any(|w| w == &text[*at..at + least]))
                .map(|at| at..at + least)
                .collect();
            prop_assert_eq!(found(&known, &text, least), union(windows));
        }
    }
}
