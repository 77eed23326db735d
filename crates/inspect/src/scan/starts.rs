//! Where a pattern could begin: a table over the character before, the character and the one after.

use regex_syntax::hir::{Class as HirClass, Hir, HirKind};

use super::groups::PLAIN;
use super::pattern::Class;

/// A set of bytes.
type Bytes = [u64; 4];

/// A set of groups of patterns, by bit.
pub(super) type Groups = u8;

/// How many characters the table tells apart; those outside ASCII are one.
const SIDE: usize = 128;

/// Which groups of patterns could begin at a place.
pub(super) struct Starts {
    /// The kind of each character before: those before which the same patterns may begin are of one kind.
    kinds: Box<[u8; 256]>,
    /// By kind, character and next character.
    pairs: Vec<Groups>,
    /// By kind and character, where nothing follows.
    singles: Vec<Groups>,
    /// By three characters, one bit each: whether a pattern of [`PLAIN`] begins with them. Most words of prose do not.
    triples: Vec<u64>,
}

impl Starts {
    /// From patterns, the characters that must not stand before each, and the group of each.
    pub(super) fn new(patterns: &[Hir], left: &[Class], groups: &[u8]) -> Self {
        let mut kinds = Box::new([0_u8; 256]);
        let mut columns: Vec<Vec<bool>> = Vec::new();
        for (before, kind) in kinds.iter_mut().enumerate() {
            let column: Vec<bool> =
                left.iter().map(|left| left.get(before).copied().unwrap_or(false)).collect();
            let known = columns.iter().position(|known| *known == column).unwrap_or_else(|| {
                columns.push(column);
                columns.len().saturating_sub(1)
            });
            // More kinds than fit share the last, to which everything is added.
            *kind = u8::try_from(known).unwrap_or(u8::MAX);
        }
        let count = columns.len().min(256);
        let mut starts = Self {
            kinds,
            pairs: vec![0; count.saturating_mul(SIDE).saturating_mul(SIDE)],
            singles: vec![0; count.saturating_mul(SIDE)],
            triples: vec![0; SIDE.saturating_mul(SIDE).saturating_mul(SIDE) / 64],
        };
        for (hir, _) in patterns.iter().zip(groups).filter(|(_, group)| **group == PLAIN) {
            starts.add_triples(&beginning(hir));
        }
        for (kind, column) in columns.iter().enumerate() {
            for ((hir, forbidden), group) in patterns.iter().zip(column).zip(groups) {
                if !forbidden {
                    starts.add(kind.min(255), hir, 1 << group);
                }
            }
        }
        starts
    }

    fn add(&mut self, kind: usize, hir: &Hir, bit: Groups) {
        let [first, second, _] = beginning(hir);
        for byte in (0..256).filter(|byte| has(&first, *byte)) {
            let row = kind.saturating_mul(SIDE).saturating_add(side(byte));
            if let Some(slot) = self.singles.get_mut(row) {
                *slot |= bit;
            }
            let from = row.saturating_mul(SIDE);
            let pairs = self.pairs.get_mut(from..from.saturating_add(SIDE)).unwrap_or_default();
            for next in (0..256).filter(|next| has(&second, *next)) {
                if let Some(slot) = pairs.get_mut(side(next)) {
                    *slot |= bit;
                }
            }
        }
    }

    fn add_triples(&mut self, [first, second, third]: &[Bytes; 3]) {
        let thirds: Vec<usize> = (0..256).filter(|byte| has(third, *byte)).map(side).collect();
        for a in (0..256).filter(|byte| has(first, *byte)).map(side) {
            for b in (0..256).filter(|byte| has(second, *byte)).map(side) {
                for c in &thirds {
                    let at = triple(a, b, *c);
                    if let Some(word) = self.triples.get_mut(at / 64) {
                        *word |= 1 << (at % 64);
                    }
                }
            }
        }
    }

    /// The first place in `text[from..]` at which something could begin, and which groups.
    pub(super) fn next(&self, text: &[u8], from: usize) -> Option<(usize, Groups)> {
        // The edge stands before every text: nothing is looked for at it.
        let mut place = from.max(1);
        let mut kind = self.kind(*text.get(place.checked_sub(1)?)?);
        let mut rest = text.get(place..)?.iter().copied();
        let mut byte = rest.next()?;
        for next in rest {
            let at = (kind.saturating_mul(SIDE).saturating_add(side(usize::from(byte))))
                .saturating_mul(SIDE)
                .saturating_add(side(usize::from(next)));
            let mut groups = self.pairs.get(at).copied().unwrap_or(Groups::MAX);
            if groups != 0 {
                if let Some(third) = text.get(place.saturating_add(2)) {
                    let at =
                        triple(side(usize::from(byte)), side(usize::from(next)), side(usize::from(*third)));
                    let begins = self.triples.get(at / 64).is_none_or(|word| word >> (at % 64) & 1 == 1);
                    groups &= !(u8::from(!begins) << PLAIN);
                }
                if groups != 0 {
                    return Some((place, groups));
                }
            }
            kind = self.kind(byte);
            byte = next;
            place = place.saturating_add(1);
        }
        let at = kind.saturating_mul(SIDE).saturating_add(side(usize::from(byte)));
        let groups = self.singles.get(at).copied().unwrap_or(Groups::MAX);
        (groups != 0).then_some((place, groups))
    }

    fn kind(&self, before: u8) -> usize {
        usize::from(self.kinds.get(usize::from(before)).copied().unwrap_or(0))
    }
}

/// The place of three rows in the table of triples.
const fn triple(a: usize, b: usize, c: usize) -> usize {
    (a << 14) | (b << 7) | c
}

/// The row or column of a character.
const fn side(byte: usize) -> usize {
    if byte < SIDE { byte } else { 0 }
}

fn has(set: &Bytes, byte: usize) -> bool {
    set.get(byte / 64).is_some_and(|word| word >> (byte % 64) & 1 == 1)
}

fn merge(into: &mut Bytes, from: &Bytes) {
    into.iter_mut().zip(from).for_each(|(a, b)| *a |= b);
}

const ALL: Bytes = [u64::MAX; 4];

fn single(byte: u8) -> Bytes {
    let mut set = [0; 4];
    if let Some(word) = set.get_mut(usize::from(byte / 64)) {
        *word |= 1 << (byte % 64);
    }
    set
}

/// The characters that a pattern's words have at their first three places: all, where a word may be over.
fn beginning(hir: &Hir) -> [Bytes; 3] {
    let mut sets = [[0; 4]; 3];
    let ends = walk(hir, &mut sets, vec![0]);
    let shortest = ends.first().copied().unwrap_or(0);
    sets.iter_mut().skip(shortest).for_each(|set| *set = ALL);
    sets
}

/// Adds the characters that words of `hir` have at the first places when they begin at one of the places `from`; gives
/// the places at which they end, 3 standing for all further.
fn walk(hir: &Hir, both: &mut [Bytes; 3], from: Vec<usize>) -> Vec<usize> {
    let mut ends: Vec<usize> = Vec::new();
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => ends = from,
        HirKind::Literal(literal) => {
            for start in from {
                let mut at = start;
                for byte in literal.0.iter() {
                    if let Some(set) = both.get_mut(at) {
                        merge(set, &single(*byte));
                    }
                    at = at.saturating_add(1).min(3);
                }
                ends.push(at);
            }
        }
        HirKind::Class(class) => {
            let mut bytes = [0; 4];
            match class {
                HirClass::Bytes(class) => {
                    for range in class.iter() {
                        (range.start()..=range.end()).for_each(|b| merge(&mut bytes, &single(b)));
                    }
                }
                HirClass::Unicode(_) => bytes = ALL,
            }
            for at in from {
                if let Some(set) = both.get_mut(at) {
                    merge(set, &bytes);
                }
                ends.push(at.saturating_add(1).min(3));
            }
        }
        HirKind::Capture(capture) => return walk(&capture.sub, both, from),
        HirKind::Alternation(branches) => {
            for branch in branches {
                ends.extend(walk(branch, both, from.clone()));
            }
        }
        HirKind::Concat(parts) => {
            ends = parts.iter().fold(from, |places, part| walk(part, both, places));
        }
        HirKind::Repetition(repetition) => {
            let most = repetition.max.unwrap_or(u32::MAX);
            let mut places = from;
            let mut round = 0;
            // Four rounds bring any place to 3: a round that consumes nothing changes nothing.
            while round < most.min(4) {
                if round >= repetition.min {
                    ends.extend(places.iter().copied());
                }
                places = walk(&repetition.sub, both, places);
                round = round.saturating_add(1);
            }
            ends.extend(places);
        }
    }
    ends.sort_unstable();
    ends.dedup();
    ends
}
