//! Words of several classes close together.

use super::lexicon::Compiled;

/// How far before a pattern a word that takes it back is looked for, in half words.
const UNLESS: u64 = 6;

/// A word or phrase that means something.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Meaning {
    pub(super) classes: u128,
    /// First byte, of the phrase if it is one.
    pub(super) start: usize,
    /// First byte of its last word.
    pub(super) word: usize,
    pub(super) end: usize,
    pub(super) position: u64,
    /// Its letters are not in place.
    pub(super) misspelt: bool,
}

/// How many words that mean something are looked back over.
const BACK: usize = 24;

/// The last words and phrases that mean something.
#[derive(Debug)]
pub(super) struct Meanings {
    /// A ring, as long as a power of two.
    ring: [Meaning; BACK.next_power_of_two()],
    count: usize,
}

/// A completed pattern: where it begins, and whether one of its words is misspelt.
pub(super) struct Complete {
    pub(super) begin: usize,
    pub(super) misspelt: bool,
}

impl Default for Meanings {
    fn default() -> Self {
        Self { ring: [Meaning::default(); _], count: 0 }
    }
}

impl Meanings {
    pub(super) fn add(&mut self, meaning: Meaning) {
        let place = self.count % self.ring.len();
        if let Some(slot) = self.ring.get_mut(place) {
            *slot = meaning;
        }
        self.count = self.count.wrapping_add(1);
    }

    fn newest_first(&self) -> impl Iterator<Item = &Meaning> {
        (1..=BACK).filter_map(|back| self.ring.get(self.count.wrapping_sub(back) % self.ring.len()))
    }

    /// The classes of all of them.
    pub(super) fn classes(&self) -> u128 {
        self.newest_first().fold(0, |all, meaning| all | meaning.classes)
    }
}

/// The pattern whose one class the newest word has, when the others came before it; those, the last first.
pub(super) fn complete(
    pattern: &Compiled,
    newest: &Meaning,
    class: u128,
    earlier: &Meanings,
) -> Option<Complete> {
    // One bit for each class that is still to be found.
    let all =
        1_u32.checked_shl(u32::try_from(pattern.classes.len()).unwrap_or(0)).unwrap_or(0).wrapping_sub(1);
    let own = pattern.classes.iter().rposition(|c| *c == class)?;
    let mut missing = all & !(1 << own);
    let mut first = *newest;
    let mut begin = newest.start;
    let mut misspelt = newest.misspelt;
    let near = |m: &&Meaning| m.classes != 0 && newest.position.saturating_sub(m.position) <= pattern.within;
    for meaning in earlier.newest_first().take_while(near) {
        if missing == 0 {
            break;
        }
        if meaning.end > first.word {
            continue;
        }
        let fits = |(at, class): &(usize, &u128)| {
            missing & (1 << at) != 0
                && meaning.classes & **class != 0
                && (pattern.any_order || missing >> at == 1)
        };
        if let Some((at, _)) = pattern.classes.iter().enumerate().find(fits) {
            missing &= !(1 << at);
            first = *meaning;
            begin = begin.min(meaning.start);
            misspelt |= meaning.misspelt;
        }
    }
    let taken_back = |m: &Meaning| {
        m.classes & pattern.unless != 0
            && m.end <= begin
            && first.position.saturating_sub(m.position) <= UNLESS
    };
    let between = |m: &Meaning| m.classes & pattern.without != 0 && m.start >= begin && m.end <= newest.start;
    (missing == 0 && !earlier.newest_first().any(|m| taken_back(m) || between(m)))
        .then_some(Complete { begin, misspelt })
}
