//! What the labels say, held against what words are known to be.

use super::feature::Sentence;
use super::gazetteer::{CLASSES, Classes};
use super::model::{Kind, Stretch};
use super::token::Shape;

const GIVEN: Classes = class("given");
const FAMILY: Classes = class("family");
const PLACE: Classes = class("place") | class("country");
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
    let foreign = tokens().any(|(token, _)| token.shape == Shape::Foreign);
    let broken = kind != Kind::Address && tokens().any(|(token, _)| token.shape == Shape::Line);
    (first < end && (listed || !in_small) && !foreign && !broken).then_some(Stretch { first, end, ..stretch })
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
