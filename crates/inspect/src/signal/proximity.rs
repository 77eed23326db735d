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

/// A completed pattern: where it begins, and whether one of its words is misspelt.
pub(super) struct Complete {
    pub(super) begin: usize,
    pub(super) misspelt: bool,
}

/// The pattern whose one class the newest word has, when the others came before it; those, the last first.
pub(super) fn complete(
    pattern: &Compiled,
    newest: &Meaning,
    class: u128,
    earlier: &[Meaning],
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
    for meaning in earlier.iter().take_while(near) {
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
    (missing == 0 && !earlier.iter().any(|m| taken_back(m) || between(m)))
        .then_some(Complete { begin, misspelt })
}
