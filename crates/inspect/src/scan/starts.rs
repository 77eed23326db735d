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
            beginnings(hir).iter().for_each(|sets| starts.add_triples(sets));
        }
        for (number, (hir, group)) in patterns.iter().zip(groups).enumerate() {
            let ways = beginnings(hir);
            for (kind, _) in
                columns.iter().enumerate().filter(|(_, column)| column.get(number) == Some(&false))
            {
                ways.iter().for_each(|sets| starts.add(kind.min(255), sets, 1 << group));
            }
        }
        starts
    }

    fn add(&mut self, kind: usize, [first, second, _]: &[Bytes; 3], bit: Groups) {
        for byte in (0..256).filter(|byte| has(first, *byte)) {
            let row = kind.saturating_mul(SIDE).saturating_add(side(byte));
            if let Some(slot) = self.singles.get_mut(row) {
                *slot |= bit;
            }
            let from = row.saturating_mul(SIDE);
            let pairs = self.pairs.get_mut(from..from.saturating_add(SIDE)).unwrap_or_default();
            for next in (0..256).filter(|next| has(second, *next)) {
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

/// What words begin with: sets of characters at their first places, 3 at most, and how many of these are known. Behind
/// the known ones anything may follow.
type Beginning = ([Bytes; 3], usize);

/// More ways to begin are not told apart.
const WAYS: usize = 2_048;

/// The ways in which a pattern's words begin.
fn beginnings(hir: &Hir) -> Vec<[Bytes; 3]> {
    let ways = ways(hir).unwrap_or_else(|| vec![([ALL; 3], 3)]);
    let full = |(mut sets, known): Beginning| {
        sets.iter_mut().skip(known).for_each(|set| *set = ALL);
        sets
    };
    ways.into_iter().map(full).collect()
}

/// None when there are too many.
fn ways(hir: &Hir) -> Option<Vec<Beginning>> {
    let nothing: Vec<Beginning> = vec![([[0; 4]; 3], 0)];
    let ways = match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => nothing,
        HirKind::Literal(literal) => {
            let mut sets = [[0; 4]; 3];
            sets.iter_mut().zip(literal.0.iter()).for_each(|(set, byte)| *set = single(*byte));
            vec![(sets, literal.0.len().min(3))]
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
            vec![([bytes, [0; 4], [0; 4]], 1)]
        }
        HirKind::Capture(capture) => return ways(&capture.sub),
        HirKind::Alternation(branches) => {
            let mut all = Vec::new();
            for branch in branches {
                all.extend(ways(branch)?);
            }
            all
        }
        HirKind::Concat(parts) => {
            let mut all = nothing;
            for part in parts {
                if all.iter().all(|(_, known)| *known == 3) {
                    break;
                }
                all = joined(&all, &ways(part)?)?;
            }
            all
        }
        HirKind::Repetition(repetition) => {
            let one = ways(&repetition.sub)?;
            let most = repetition.max.unwrap_or(u32::MAX);
            let (mut all, mut so_far) = (Vec::new(), nothing);
            // Four rounds fill three places: a round that adds nothing changes nothing.
            for round in 0..=most.min(4) {
                if round >= repetition.min.min(4) {
                    all.extend(so_far.iter().copied());
                }
                so_far = joined(&so_far, &one)?;
            }
            all
        }
    };
    tidy(ways)
}

/// Every way of the first followed by every way of the second.
fn joined(first: &[Beginning], second: &[Beginning]) -> Option<Vec<Beginning>> {
    let mut all = Vec::new();
    for (sets, known) in first {
        if *known == 3 {
            all.push((*sets, 3));
            continue;
        }
        for (more, count) in second {
            let mut sets = *sets;
            sets.iter_mut().skip(*known).zip(more).for_each(|(set, more)| *set = *more);
            all.push((sets, known.saturating_add(*count).min(3)));
        }
    }
    tidy(all)
}

fn tidy(mut ways: Vec<Beginning>) -> Option<Vec<Beginning>> {
    ways.sort_unstable();
    ways.dedup();
    (ways.len() <= WAYS).then_some(ways)
}
