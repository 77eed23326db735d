//! Patterns in groups, each with a cheap question that is asked before its automaton is run.

use memchr::memchr;
use regex_syntax::hir::{Class as HirClass, Hir, HirKind};

use super::starts::Groups;
use crate::run::{Set, alphanumeric_and, next_run};

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

/// Nothing is asked but that a word of its context stands near.
pub(super) const NEAR: u8 = 4;
/// The same with a run.
pub(super) const NEAR_RUN: u8 = 5;

/// Digits of a card in groups: some number of them passes the check.
pub(super) const CARD: u8 = 6;

/// How many groups there are.
pub(super) const COUNT: usize = 7;

/// Groups of which the first three characters are looked up.
pub(super) const THREE: Groups = 1 << PLAIN | 1 << NEAR | 1 << CARD;

/// Groups whose patterns all want a word near.
pub(super) const CONTEXT: Groups = 1 << NEAR | 1 << NEAR_RUN;

/// What is known about the text ahead, so that it is not looked at twice.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    /// From where on a long run of token characters is under way, and from where on no longer.
    run: (usize, usize),
    /// The next `@` and the next colon, once looked for; valid up to themselves.
    marks: [Option<usize>; 2],
}

/// What a match of a pattern must have beyond its shape.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Wants {
    /// A word near.
    pub(super) context: bool,
    /// The check of a card number.
    pub(super) card: bool,
}

/// Which group a pattern is in.
pub(super) fn group(hir: &Hir, Wants { context, card }: Wants) -> u8 {
    let run = token_run(hir).0 >= LONG;
    if card && !context && is_spaced_digits(hir) {
        CARD
    } else if context && run {
        NEAR_RUN
    } else if context {
        NEAR
    } else if run {
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
    /// The groups that could begin at a place, and up to where that holds.
    pub(super) fn alive(&mut self, text: &[u8], place: usize) -> (Groups, usize) {
        const RUNS: Groups = 1 << RUN | 1 << NEAR_RUN;
        let (mut groups, mut until) = (Groups::MAX, text.len());
        if place >= self.run.1 {
            self.run = run_from(text, place);
        }
        if place < self.run.0 {
            groups &= !RUNS;
            until = until.min(self.run.0);
        } else {
            until = until.min(self.run.1);
        }
        for (slot, (group, byte, far)) in
            self.marks.iter_mut().zip([(AT, b'@', FAR_AT), (COLON, b':', FAR_COLON)])
        {
            let next = match *slot {
                Some(known) if known >= place => known,
                _ => {
                    let found = memchr(byte, text.get(place..).unwrap_or_default());
                    // Where there is none, one could still follow the text.
                    let next = found.map_or(text.len(), |at| place.saturating_add(at));
                    *slot = Some(next);
                    next
                }
            };
            let first = next.saturating_sub(far);
            if place < first {
                groups &= !(1 << group);
                until = until.min(first);
            } else {
                until = until.min(next.saturating_add(1));
            }
        }
        (groups, until)
    }
}

/// The next places at which a long run is under way: one that reaches the end of the text could go on.
fn run_from(text: &[u8], place: usize) -> (usize, usize) {
    let (start, end) = next_run(text, place, LONG, &TOKEN);
    if end >= text.len() { (start, text.len()) } else { (start, end.saturating_sub(LONG).saturating_add(1)) }
}

/// Letters, digits and what tokens, paths and numbers are joined with.
const TOKEN: Set = alphanumeric_and(b"_+/~.-=");

fn is_token(byte: u8) -> bool {
    TOKEN.get(usize::from(byte)) == Some(&true)
}

/// Whether a pattern is made of digits, spaces and hyphens alone.
fn is_spaced_digits(hir: &Hir) -> bool {
    let good = |byte: u8| byte.is_ascii_digit() || matches!(byte, b' ' | b'-');
    match hir.kind() {
        HirKind::Empty => true,
        HirKind::Look(_) | HirKind::Class(HirClass::Unicode(_)) => false,
        HirKind::Literal(literal) => literal.0.iter().copied().all(good),
        HirKind::Class(HirClass::Bytes(class)) => {
            class.iter().all(|range| (range.start()..=range.end()).all(good))
        }
        HirKind::Capture(capture) => is_spaced_digits(&capture.sub),
        HirKind::Repetition(repetition) => is_spaced_digits(&repetition.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().all(is_spaced_digits),
    }
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
