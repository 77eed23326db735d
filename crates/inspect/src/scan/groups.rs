//! Patterns in groups, each with a cheap question that is asked before its automaton is run.

use memchr::memchr;
use regex_syntax::hir::{Class as HirClass, Hir, HirKind};

use super::starts::Groups;

/// How long a run of token characters is at least where a pattern of [`RUN`] begins. Words of prose are shorter.
const LONG: usize = 14;

/// How far ahead an `@` is looked for: a local part has 64 characters.
const FAR_AT: usize = 72;

/// How far ahead a colon is looked for: names of schemes are short.
const FAR_COLON: usize = 24;

/// Nothing is asked.
pub(super) const PLAIN: u8 = 0;
/// Begins with a run of token characters.
pub(super) const RUN: u8 = 1;
/// Has an `@` near its beginning.
pub(super) const AT: u8 = 2;
/// Has a colon near its beginning.
pub(super) const COLON: u8 = 3;

/// How many groups there are.
pub(super) const COUNT: usize = 4;

/// What is known about the text ahead, so that it is not looked at twice.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    /// Up to here runs the last run of token characters that was followed.
    run: usize,
    /// The next `@` and the next colon, once looked for; valid up to themselves.
    marks: [Option<usize>; 2],
}

/// Which group a pattern is in.
pub(super) fn group(hir: &Hir) -> u8 {
    if token_run(hir).0 >= LONG {
        RUN
    } else if before(hir, b'@').is_some_and(|most| most <= FAR_AT) {
        AT
    } else if before(hir, b':').is_some_and(|most| most <= FAR_COLON) {
        COLON
    } else {
        PLAIN
    }
}

impl Ahead {
    /// Of the groups that could begin at a place, those that the text ahead leaves.
    pub(super) fn leaves(&mut self, groups: Groups, text: &[u8], place: usize) -> Groups {
        let mut left = groups;
        if groups & 1 << RUN != 0 && !self.runs(text, place) {
            left &= !(1 << RUN);
        }
        for (mark, (group, byte, far)) in
            [(AT, b'@', FAR_AT), (COLON, b':', FAR_COLON)].into_iter().enumerate()
        {
            if groups & 1 << group != 0 && !self.marked(text, place, byte, far, mark) {
                left &= !(1 << group);
            }
        }
        left
    }

    /// Whether a long run begins here, or one that reaches the end of the text.
    fn runs(&mut self, text: &[u8], place: usize) -> bool {
        if self.run <= place {
            let run = text.get(place..).unwrap_or_default().iter().take_while(|b| is_token(**b)).count();
            self.run = place.saturating_add(run);
        }
        self.run >= text.len() || self.run.saturating_sub(place) >= LONG
    }

    /// Whether the byte stands not far ahead, or the text ends before that is known.
    fn marked(&mut self, text: &[u8], place: usize, byte: u8, far: usize, mark: usize) -> bool {
        let Some(slot) = self.marks.get_mut(mark) else { return true };
        let next = match *slot {
            Some(known) if known >= place => known,
            _ => {
                let found = memchr(byte, text.get(place..).unwrap_or_default());
                let next = found.map_or(text.len(), |at| place.saturating_add(at));
                *slot = Some(next);
                next
            }
        };
        next.saturating_sub(place) <= far
    }
}

/// Letters, digits and what tokens, paths and numbers are joined with.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'+' | b'/' | b'~' | b'.' | b'-' | b'=')
}

/// How many token characters every word of a pattern begins with, and whether there is nothing else in it.
fn token_run(hir: &Hir) -> (usize, bool) {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => (0, true),
        HirKind::Literal(literal) => {
            let run = literal.0.iter().take_while(|b| is_token(**b)).count();
            (run, run == literal.0.len())
        }
        HirKind::Class(HirClass::Bytes(class)) => {
            let all = class.iter().all(|range| (range.start()..=range.end()).all(is_token));
            (usize::from(all), all)
        }
        HirKind::Class(HirClass::Unicode(_)) => (0, false),
        HirKind::Capture(capture) => token_run(&capture.sub),
        HirKind::Alternation(branches) => {
            branches.iter().map(token_run).reduce(|a, b| (a.0.min(b.0), a.1 && b.1)).unwrap_or((0, false))
        }
        HirKind::Concat(parts) => {
            let mut total = 0_usize;
            for part in parts {
                let (run, all) = token_run(part);
                total = total.saturating_add(run);
                if !all {
                    return (total, false);
                }
            }
            (total, true)
        }
        HirKind::Repetition(repetition) => {
            let (run, all) = token_run(&repetition.sub);
            let least = usize::try_from(repetition.min).unwrap_or(usize::MAX);
            if all {
                (run.saturating_mul(least), true)
            } else if least > 0 {
                (run, false)
            } else {
                (0, false)
            }
        }
    }
}

/// The most characters that stand before the first `byte` of any word, when every word has one there.
fn before(hir: &Hir, byte: u8) -> Option<usize> {
    match hir.kind() {
        HirKind::Literal(literal) => literal.0.iter().position(|b| *b == byte),
        HirKind::Capture(capture) => before(&capture.sub, byte),
        HirKind::Alternation(branches) => {
            branches.iter().map(|branch| before(branch, byte)).reduce(|a, b| Some(a?.max(b?))).flatten()
        }
        HirKind::Concat(parts) => {
            let mut total = 0_usize;
            for part in parts {
                if let Some(here) = before(part, byte) {
                    return Some(total.saturating_add(here));
                }
                total = total.saturating_add(part.properties().maximum_len()?);
            }
            None
        }
        HirKind::Repetition(repetition) if repetition.min > 0 => before(&repetition.sub, byte),
        _ => None,
    }
}
