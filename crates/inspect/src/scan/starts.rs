//! Where a pattern could begin: a table over the character before, the character and the one after.

use regex_syntax::hir::{Class as HirClass, Hir, HirKind};

use super::pattern::Class;

/// A set of bytes.
type Bytes = [u64; 4];

/// Pairs of characters at which something could begin, and pairs that something begins with.
pub(super) struct Starts {
    /// By the character before: the characters that may come at a beginning.
    after: Box<[Bytes; 256]>,
    /// By the first character: the second ones; all, when one character is enough.
    then: Box<[Bytes; 256]>,
}

impl Starts {
    pub(super) fn new(patterns: &[Hir], left: &[Class]) -> Self {
        let mut starts = Self { after: Box::new([[0; 4]; 256]), then: Box::new([[0; 4]; 256]) };
        for (hir, left) in patterns.iter().zip(left) {
            let (first, second) = two(hir);
            for (before, row) in starts.after.iter_mut().enumerate() {
                if !left.get(before).copied().unwrap_or(false) {
                    merge(row, &first);
                }
            }
            for (byte, row) in starts.then.iter_mut().enumerate() {
                if has(&first, byte) {
                    merge(row, &second);
                }
            }
        }
        starts
    }

    /// The first place in `text[from..]` at which something could begin. The last byte always could if its first does.
    pub(super) fn next(&self, text: &[u8], from: usize) -> Option<usize> {
        let mut before = from.checked_sub(1).and_then(|at| text.get(at)).copied();
        for (at, byte) in text.iter().enumerate().skip(from) {
            let at_edge = before.is_none();
            let row = self.after.get(usize::from(before.unwrap_or_default()));
            let begins = at_edge || row.is_some_and(|row| has(row, usize::from(*byte)));
            if begins {
                let then = self.then.get(usize::from(*byte));
                let next = text.get(at.saturating_add(1));
                if next.is_none_or(|next| then.is_some_and(|row| has(row, usize::from(*next)))) {
                    return Some(at);
                }
            }
            before = Some(*byte);
        }
        None
    }
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

/// The first characters of a pattern's words, and their second ones: all, where a word of one character exists.
fn two(hir: &Hir) -> (Bytes, Bytes) {
    let mut both = [[0; 4]; 2];
    let rest = walk(hir, &mut both, vec![0]);
    let [first, mut second] = both;
    // A word that ended after one character lets anything follow.
    if rest.iter().any(|at| *at < 2) {
        second = ALL;
    }
    (first, second)
}

/// Adds the characters that words of `hir` have at the places 0 and 1 when they begin at one of the places `from`;
/// gives the places at which they end, 2 standing for all further.
fn walk(hir: &Hir, both: &mut [Bytes; 2], from: Vec<usize>) -> Vec<usize> {
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
                    at = at.saturating_add(1).min(2);
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
                ends.push(at.saturating_add(1).min(2));
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
            // Three rounds bring any place to 2: a round that consumes nothing changes nothing.
            while round < most.min(3) {
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
