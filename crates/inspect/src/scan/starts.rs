//! Where a pattern could begin: a table over the character before, the character and the one after.

use std::collections::HashMap;

use regex_syntax::hir::{Class as HirClass, Hir, HirKind};

use super::groups::{COUNT, THREE};
use super::pattern::Class;

/// A set of bytes.
pub(super) type Bytes = [u64; 4];

/// A set of groups of patterns, by bit.
pub(super) type Groups = u8;

/// How many characters the table tells apart; those outside ASCII are one.
const SIDE: usize = 128;

/// Which groups of patterns could begin at a place.
pub(super) struct Starts {
    /// By the character before: where its rows begin. Characters before which the same patterns may begin share them.
    kinds: Box<[u32; 256]>,
    /// By character: where its row begins, from the first of its kind on. Characters with which the same patterns go on
    /// share it.
    firsts: Box<[u32; 256]>,
    /// By the next character: the place in the row. Characters that continue the same patterns share it.
    seconds: Box<[u32; 256]>,
    pairs: Vec<Groups>,
    /// By kind and character, where nothing follows.
    singles: Vec<Groups>,
    /// By place in the rows of the first kind and a bit for the third character: whether a pattern of [`THREE`] begins with
    /// them. Most words of prose do not.
    triples: Vec<u128>,
    /// Rows of a kind, and places of a row.
    rows: usize,
    width: usize,
}

/// Patterns of one group before which the same characters must not stand.
struct Family<'a> {
    left: &'a Class,
    group: u8,
    /// By the first character, which may be the second: one bit each.
    rows: Vec<u128>,
}

/// What is collected of all patterns: sets of characters by the sets before them.
#[derive(Default)]
struct Ways {
    /// By family and first characters.
    seconds: HashMap<(usize, u128), u128>,
    /// By first and second characters, of patterns of [`THREE`].
    thirds: HashMap<(u128, u128), u128>,
}

/// A set over the rows of the table.
fn fold(set: &Bytes) -> u128 {
    let all = (0..256).filter(|byte| has(set, *byte));
    all.fold(0, |folded, byte| folded | 1 << side(byte))
}

/// One character of each sort, in the order of their numbers.
fn representatives(numbers: &[usize], count: usize) -> Vec<usize> {
    (0..count).filter_map(|sort| numbers.iter().position(|number| *number == sort)).collect()
}

/// Sorts of characters, as far as they have been told apart.
struct Sorts {
    numbers: Vec<usize>,
    count: usize,
}

impl Sorts {
    /// All of one sort.
    fn new(characters: usize) -> Self {
        Self { numbers: vec![0; characters], count: 1 }
    }

    /// Tells apart those that differ in something.
    fn tell_apart<T: Eq + std::hash::Hash>(&mut self, values: impl Iterator<Item = T> + Clone) {
        if values.clone().zip(values.clone().skip(1)).all(|(a, b)| a == b) {
            return;
        }
        let mut known: HashMap<(usize, T), usize> = HashMap::new();
        for (number, value) in self.numbers.iter_mut().zip(values) {
            let next = known.len();
            *number = *known.entry((*number, value)).or_insert(next);
        }
        self.count = known.len();
    }
}

/// For each byte the number of its sort times a step.
fn steps(sorts: &[usize], step: usize) -> Box<[u32; 256]> {
    let mut table = Box::new([0; 256]);
    for (byte, slot) in table.iter_mut().enumerate() {
        let at = if sorts.len() == SIDE { side(byte) } else { byte };
        let start = sorts.get(at).map_or(0, |sort| sort.saturating_mul(step));
        *slot = u32::try_from(start).unwrap_or(u32::MAX);
    }
    table
}

impl Starts {
    /// From patterns, the characters that must not stand before each, and the group of each.
    pub(super) fn new(patterns: &[Hir], left: &[Class], groups: &[u8]) -> Self {
        // Patterns of one group before which the same characters may stand are taken together: their beginnings are one
        // matrix. There are few such families, however many patterns there are.
        let mut families: Vec<Family<'_>> = Vec::new();
        let mut ways = Ways::default();
        for ((hir, left), group) in patterns.iter().zip(left).zip(groups) {
            let known = families.iter().position(|known| known.group == *group && known.left == left);
            let at = known.unwrap_or_else(|| {
                families.push(Family { left, group: *group, rows: vec![0; SIDE] });
                families.len().saturating_sub(1)
            });
            for sets in beginnings(hir) {
                let [first, second, third] = sets.map(|set| fold(&set));
                *ways.seconds.entry((at, first)).or_default() |= second;
                if THREE & 1 << group != 0 {
                    *ways.thirds.entry((first, second)).or_default() |= third;
                }
            }
        }
        for ((family, first), second) in ways.seconds {
            if let Some(family) = families.get_mut(family) {
                let rows = family.rows.iter_mut().enumerate();
                rows.filter(|(byte, _)| first >> byte & 1 == 1).for_each(|(_, row)| *row |= second);
            }
        }
        let mut thirds = vec![[0_u128; SIDE]; SIDE];
        for ((first, second), third) in ways.thirds {
            for row in thirds.iter_mut().enumerate().filter(|(a, _)| first >> a & 1 == 1).map(|(_, row)| row)
            {
                let places = row.iter_mut().enumerate().filter(|(b, _)| second >> b & 1 == 1);
                places.for_each(|(_, place)| *place |= third);
            }
        }
        Self::compiled(&families, &thirds)
    }

    fn compiled(families: &[Family<'_>], thirds: &[[u128; SIDE]]) -> Self {
        let mut kinds = Sorts::new(256);
        for family in families {
            kinds.tell_apart(family.left.iter());
        }
        let (mut firsts, mut seconds) = (Sorts::new(SIDE), Sorts::new(SIDE));
        let mut rows: Vec<u128> = families.iter().flat_map(|f| f.rows.iter().copied()).collect();
        rows.sort_unstable();
        rows.dedup();
        for row in rows {
            seconds.tell_apart((0..SIDE).map(move |byte| row >> byte & 1));
        }
        for family in families {
            firsts.tell_apart(family.rows.iter());
        }
        for row in thirds {
            seconds.tell_apart(row.iter());
        }
        for byte in 0..SIDE {
            firsts.tell_apart(thirds.iter().map(move |row| row.get(byte)));
        }
        let (Sorts { numbers: kinds, count: kinds_count }, rows, width) =
            (kinds, firsts.count, seconds.count);
        let mut starts = Self {
            kinds: steps(&kinds, rows.saturating_mul(width)),
            firsts: steps(&firsts.numbers, width),
            seconds: steps(&seconds.numbers, 1),
            pairs: Vec::new(),
            singles: Vec::new(),
            triples: vec![0; rows.saturating_mul(width)],
            rows,
            width,
        };
        for (a, row) in thirds.iter().enumerate() {
            for (b, third) in row.iter().enumerate() {
                let place = starts.place(0, a, b);
                if let Some(slot) = starts.triples.get_mut(place) {
                    *slot |= third;
                }
            }
        }
        let firsts = representatives(&firsts.numbers, rows);
        let seconds = representatives(&seconds.numbers, width);
        // Of each family the rows of the first characters that are told apart, over the second ones.
        let compact = |family: &Family<'_>| -> Vec<u128> {
            let row = |first: &usize| family.rows.get(*first).copied().unwrap_or(0);
            let over = |row: u128| {
                let told = seconds.iter().enumerate().filter(|(_, second)| row >> **second & 1 == 1);
                told.fold(0, |all, (at, _)| all | 1 << at)
            };
            firsts.iter().map(|first| over(row(first))).collect()
        };
        let compact: Vec<Vec<u128>> = families.iter().map(compact).collect();
        for before in representatives(&kinds, kinds_count) {
            let mut groups = [const { Vec::new() }; COUNT];
            for (family, rows) in families.iter().zip(&compact) {
                if family.left.get(before) == Some(&false)
                    && let Some(all) = groups.get_mut(usize::from(family.group))
                {
                    all.resize(rows.len(), 0_u128);
                    all.iter_mut().zip(rows).for_each(|(all, row)| *all |= row);
                }
            }
            starts.add(&groups);
        }
        starts
    }

    /// Adds the rows of one kind more, given those of each group.
    fn add(&mut self, groups: &[Vec<u128>; COUNT]) {
        for first in 0..self.rows {
            let rows = groups.iter().map(|rows| rows.get(first).copied().unwrap_or(0));
            let with = |bits: &dyn Fn(u128) -> bool| {
                rows.clone()
                    .enumerate()
                    .filter(|(_, row)| bits(*row))
                    .fold(0, |all, (group, _)| all | 1 << group)
            };
            self.singles.push(with(&|row| row != 0));
            self.pairs.extend((0..self.width).map(|second| with(&|row| row >> second & 1 == 1)));
        }
    }

    /// The place of two characters in the rows that begin at one.
    fn place(&self, from: usize, first: usize, second: usize) -> usize {
        let step = |table: &[u32; 256], at: usize| table.get(at).map_or(0, |step| *step as usize);
        from.saturating_add(step(&self.firsts, first)).saturating_add(step(&self.seconds, second))
    }

    /// The first place in `text[from..until]` at which something of these groups could begin, and which groups.
    pub(super) fn next(
        &self,
        text: &[u8],
        from: usize,
        until: usize,
        alive: Groups,
    ) -> Option<(usize, Groups)> {
        let step =
            |table: &[u32; 256], byte: u8| table.get(usize::from(byte)).map_or(0, |step| *step as usize);
        let until = until.min(text.len());
        let here = text.get(from.checked_sub(1)?..until.saturating_add(1).min(text.len()))?;
        let (kinds, firsts, seconds, pairs) = (&*self.kinds, &*self.firsts, &*self.seconds, &*self.pairs);
        for (at, window) in here.windows(3).enumerate() {
            let [before, byte, next] = window else { break };
            let place = step(firsts, *byte).wrapping_add(step(seconds, *next));
            let pair = step(kinds, *before).wrapping_add(place);
            let mut groups = pairs.get(pair).copied().unwrap_or(Groups::MAX) & alive;
            if groups == 0 {
                continue;
            }
            let at = from.saturating_add(at);
            if groups & THREE != 0
                && let Some(third) = text.get(at.saturating_add(2))
            {
                let row = self.triples.get(place).copied().unwrap_or(u128::MAX);
                groups &= if row >> side(usize::from(*third)) & 1 == 1 { Groups::MAX } else { !THREE };
            }
            if groups != 0 {
                return Some((at, groups));
            }
        }
        // Nothing follows the last character.
        let last = text.len().checked_sub(1).filter(|last| (from..until).contains(last))?;
        let (byte, before) = (text.get(last)?, *text.get(last.checked_sub(1)?)?);
        let row = step(&self.kinds, before).wrapping_add(step(&self.firsts, *byte)) / self.width.max(1);
        let groups = self.singles.get(row).copied().unwrap_or(Groups::MAX);
        (groups & alive != 0).then_some((last, groups & alive))
    }
}

/// The row or column of a character.
const fn side(byte: usize) -> usize {
    if byte < SIDE { byte } else { 0 }
}

pub(super) fn has(set: &Bytes, byte: usize) -> bool {
    set.get(byte / 64).is_some_and(|word| word >> (byte % 64) & 1 == 1)
}

/// The members of a class.
pub(super) fn of(class: &Class) -> Bytes {
    let mut set = [0; 4];
    for (byte, _) in (0..=u8::MAX).zip(class).filter(|(_, member)| **member) {
        merge(&mut set, &single(byte));
    }
    set
}

fn merge(into: &mut Bytes, from: &Bytes) {
    into.iter_mut().zip(from).for_each(|(a, b)| *a |= b);
}

pub(super) const ALL: Bytes = [u64::MAX; 4];

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
