//! What the labels say, held against what words are known to be.

use super::feature::Sentence;
use super::gazetteer::{CLASSES, Classes};
use super::model::{Kind, Stretch};
use super::token::{Shape, Token, sign_hash, suffix_hash};

const GIVEN: Classes = class("given");
const FAMILY: Classes = class("family");
const PLACE: Classes = class("place") | class("country");
const HEALTH: Classes = class("health");
const COMPANY: Classes = class("company") | class("form");
/// Words of everyday language, and those that stand before names: `Dear Dr. Meyer` is about Meyer.
const ORDINARY: Classes = class("common") | class("kin") | class("title") | class("month");

/// The bit of a class.
const fn class(name: &str) -> Classes {
    let mut at = 0;
    let mut rest: &[&str] = &CLASSES;
    while let Some((first, others)) = rest.split_first() {
        if same(first.as_bytes(), name.as_bytes()) {
            return 1 << at;
        }
        at += 1;
        rest = others;
    }
    0
}

const fn same(mut a: &[u8], mut b: &[u8]) -> bool {
    while let (Some((x, xs)), Some((y, ys))) = (a.split_first(), b.split_first()) {
        if *x != *y {
            return false;
        }
        (a, b) = (xs, ys);
    }
    a.is_empty() && b.is_empty()
}

/// The stretch as it is reported: a person without the ordinary words around the name. `None` for what only looks like a
/// name: ordinary words, or words in small letters that no list knows.
pub(super) fn trimmed(sentence: &Sentence, stretch: Stretch) -> Option<Stretch> {
    let token = |at: usize| Some((sentence.tokens().get(at)?, sentence.classes().get(at).copied()?));
    let Stretch { mut first, mut end, kind, .. } = stretch;
    if kind == Kind::Person {
        let plain = |at: usize| {
            token(at).is_some_and(|(token, class)| {
                token.shape == Shape::Sign || class & ORDINARY != 0 && class & (GIVEN | FAMILY) == 0
            })
        };
        while first < end && plain(first) {
            first = first.saturating_add(1);
        }
        while end > first && end.checked_sub(1).is_some_and(plain) {
            end = end.saturating_sub(1);
        }
    }
    let known = match kind {
        Kind::Person => GIVEN | FAMILY,
        Kind::Place => PLACE,
        Kind::Organisation => COMPANY | FAMILY | PLACE,
        Kind::Address | Kind::Birth | Kind::Health => 0,
    };
    let tokens = || (first..end).filter_map(token);
    let in_small = tokens().all(|(token, _)| matches!(token.shape, Shape::Lower | Shape::Sign | Shape::Line));
    let listed = known == 0 || tokens().any(|(_, class)| class & known != 0);
    let of_its_kind = match kind {
        Kind::Health => tokens().any(|(token, class)| class & HEALTH != 0 || is_medical(token)),
        Kind::Address => tokens().any(|(token, _)| token.is_letters()),
        _ => true,
    };
    let foreign = tokens().any(|(token, _)| token.shape == Shape::Foreign);
    let broken = kind != Kind::Address && tokens().any(|(token, _)| token.shape == Shape::Line);
    let real = first < end
        && of_its_kind
        && (listed || !in_small)
        && !foreign
        && !broken
        && !in_locator(sentence, first, end);
    real.then_some(Stretch { first, end, ..stretch })
}

/// Endings of diseases and procedures, and stems that the WHO reserves for kinds of medicines.
const MEDICAL: [&str; 14] = [
    "itis", "osis", "emia", "athy", "lgia", "tomy", "noma", "pril", "rtan", "atin", "zole", "ycin", "llin",
    "olol",
];

fn is_medical(token: &Token) -> bool {
    let [.., four] = token.suffixes;
    MEDICAL.iter().any(|ending| suffix_hash(ending) == four)
}

/// How far, in tokens, a stretch is followed to both sides without white space.
const RUN: usize = 16;

/// Whether tokens stand in an e-mail address or a URL: what has a form is found by its form.
fn in_locator(sentence: &Sentence, first: usize, end: usize) -> bool {
    let sign = |at: usize| {
        sentence.tokens().get(at).filter(|token| token.shape == Shape::Sign).map(|token| token.word)
    };
    let (at_sign, slash) = (sign_hash('@'), sign_hash('/'));
    let ends = ['(', ')', ',', ';', '"', '\'', '<', '>', '|', '=', '[', ']', '{', '}'].map(sign_hash);
    let touches = |at: usize| {
        let pair =
            at.checked_sub(1).and_then(|before| sentence.tokens().get(before)).zip(sentence.tokens().get(at));
        pair.is_some_and(|(before, after)| before.end == after.start)
    };
    let stops = |at: usize| sign(at).is_some_and(|word| ends.contains(&word));
    let after = (end..end.saturating_add(RUN)).take_while(|at| touches(*at) && !stops(*at));
    let before = (first.saturating_sub(RUN)..first)
        .rev()
        .take_while(|at| touches(at.saturating_add(1)) && !stops(*at));
    let is = |at: usize, what: u64| sign(at) == Some(what);
    after.clone().any(|at| is(at, at_sign))
        || before.clone().any(|at| is(at, at_sign) && touches(at) && !at.checked_sub(1).is_some_and(stops))
        || before
            .clone()
            .any(|at| is(at, slash) && touches(at) && at.checked_sub(1).is_some_and(|at| is(at, slash)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_has_a_bit_of_its_own() {
        let bits: Vec<Classes> = CLASSES.iter().map(|name| class(name)).collect();
        assert!(bits.iter().all(|bit| bit.count_ones() == 1));
        assert_eq!(bits.iter().fold(0, |all, bit| all | bit).count_ones(), 13);
    }
}
