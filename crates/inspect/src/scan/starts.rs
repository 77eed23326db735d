//! Where a pattern could begin: a table over the character before, the character and the one after.

use regex_syntax::hir::{Class as HirClass, Hir, HirKind};

use super::groups::THREE;
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
    /// By two characters and a bit for the third: whether a pattern of [`THREE`] begins with them. Most words of prose do
    /// not.
    triples: Vec<u128>,
}

/// Patterns of one group before which the same characters must not stand.
struct Family<'a> {
    left: &'a Class,
    group: u8,
    /// By the first character, which may be the second: one bit each.
    rows: Vec<u128>,
}

impl<'a> Family<'a> {
    fn new(left: &'a Class, group: u8) -> Self {
        Self { left, group, rows: vec![0; SIDE] }
    }

    fn add(&mut self, first: u128, second: u128) {
        for (byte, row) in self.rows.iter_mut().enumerate() {
            *row |= if first >> byte & 1 == 1 { second } else { 0 };
        }
    }
}

fn add_triples(triples: &mut [u128], first: u128, second: u128, third: u128) {
    for (a, rows) in triples.chunks_mut(SIDE).enumerate().filter(|(a, _)| first >> a & 1 == 1) {
        debug_assert!(a < SIDE, "one row for each character");
        for (b, row) in rows.iter_mut().enumerate() {
            *row |= if second >> b & 1 == 1 { third } else { 0 };
        }
    }
}

/// A set over the rows of the table.
fn fold(set: &Bytes) -> u128 {
    let all = (0..256).filter(|byte| has(set, *byte));
    all.fold(0, |folded, byte| folded | 1 << side(byte))
}

impl Starts {
    /// From patterns, the characters that must not stand before each, and the group of each.
    pub(super) fn new(patterns: &[Hir], left: &[Class], groups: &[u8]) -> Self {
        // Patterns of one group before which the same characters may stand are taken together: their beginnings are one
        // matrix. There are few such families, however many patterns there are.
        let mut families: Vec<Family<'_>> = Vec::new();
        let mut triples = vec![0_u128; SIDE.saturating_mul(SIDE)];
        for ((hir, left), group) in patterns.iter().zip(left).zip(groups) {
            let known = families.iter().position(|known| known.group == *group && known.left == left);
            let at = known.unwrap_or_else(|| {
                families.push(Family::new(left, *group));
                families.len().saturating_sub(1)
            });
            let Some(family) = families.get_mut(at) else { continue };
            for sets in beginnings(hir) {
                let [first, second, third] = sets.map(|set| fold(&set));
                family.add(first, second);
                if THREE & 1 << group != 0 {
                    add_triples(&mut triples, first, second, third);
                }
            }
        }
        let mut kinds = Box::new([0_u8; 256]);
        let mut columns: Vec<Vec<bool>> = Vec::new();
        for (before, kind) in kinds.iter_mut().enumerate() {
            let column = families.iter().map(|f| f.left.get(before).copied().unwrap_or(false)).collect();
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
            triples,
        };
        for (kind, column) in columns.iter().enumerate() {
            for (family, barred) in families.iter().zip(column) {
                if !barred {
                    starts.add(kind.min(255), family);
                }
            }
        }
        starts
    }

    fn add(&mut self, kind: usize, family: &Family<'_>) {
        let bit = 1 << family.group;
        for (byte, row) in family.rows.iter().enumerate().filter(|(_, row)| **row != 0) {
            let at = kind.saturating_mul(SIDE).saturating_add(byte);
            if let Some(slot) = self.singles.get_mut(at) {
                *slot |= bit;
            }
            let from = at.saturating_mul(SIDE);
            let pairs = self.pairs.get_mut(from..from.saturating_add(SIDE)).unwrap_or_default();
            for (next, slot) in pairs.iter_mut().enumerate() {
                *slot |= if *row >> next & 1 == 1 { bit } else { 0 };
            }
        }
    }

    /// The first place in `text[from..until]` at which something of these groups could begin, and which groups.
    pub(super) fn next(
        &self,
        text: &[u8],
        from: usize,
        until: usize,
        alive: Groups,
    ) -> Option<(usize, Groups)> {
        // The edge stands before every text: nothing is looked for at it.
        let from = from.max(1);
        let mut before = *text.get(from.checked_sub(1)?)?;
        let here = text.get(from..until.min(text.len()))?;
        let after = text.get(from.saturating_add(1)..)?;
        for (at, (byte, next)) in here.iter().zip(after).enumerate() {
            let row = self.kind(before) << 14 | side(usize::from(*byte)) << 7;
            before = *byte;
            let next = side(usize::from(*next));
            let mut groups = self.pairs.get(row | next).copied().unwrap_or(Groups::MAX) & alive;
            if groups == 0 {
                continue;
            }
            let place = from.saturating_add(at);
            if groups & THREE != 0
                && let Some(third) = after.get(at.saturating_add(1))
            {
                let at = side(usize::from(*byte)) << 7 | next;
                let begins = self.triples.get(at).is_none_or(|row| row >> side(usize::from(*third)) & 1 == 1);
                groups &= if begins { Groups::MAX } else { !THREE };
            }
            if groups != 0 {
                return Some((place, groups));
            }
        }
        // Nothing follows the last character.
        let byte = here.last().filter(|_| until >= text.len())?;
        let last = text.len().checked_sub(1)?;
        let kind = self.kind(*text.get(last.checked_sub(1)?)?);
        let groups = self.singles.get(kind << 7 | side(usize::from(*byte))).copied().unwrap_or(Groups::MAX);
        (groups & alive != 0).then_some((last, groups & alive))
    }

    fn kind(&self, before: u8) -> usize {
        usize::from(self.kinds.get(usize::from(before)).copied().unwrap_or(0))
    }
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
