//! How alike two texts are, by their longer words, in bounded memory.

use crate::signal::{Unit, units};

/// Words that are kept of a text: those with the smallest hashes, which is a fair choice from any two texts.
const KEPT: usize = 48;

/// The shortest word that says what a text is about.
const LONG: usize = 4;

/// The smallest hashes of a text's words, sorted.
#[derive(Debug, Clone, Default)]
pub(super) struct Sketch(Vec<u64>);

impl Sketch {
    pub(super) fn of(text: &str) -> Self {
        let mut hashes = Vec::new();
        let (mut hash, mut length) = (EMPTY, 0_usize);
        // The letter before, in scripts that put no spaces between words: there pairs of letters are compared.
        let mut before = None;
        for c in text.chars() {
            units(c, |unit| match unit {
                Unit::Part(c) if is_alone(c) => {
                    if let Some(before) = before.replace(c) {
                        hashes.push(spread(with(with(EMPTY, before), c)));
                    }
                }
                Unit::Part(c) => {
                    hash = with(hash, c);
                    length = length.saturating_add(1);
                    before = None;
                }
                Unit::End => {
                    if length >= LONG {
                        hashes.push(spread(hash));
                    }
                    (hash, length) = (EMPTY, 0);
                }
            });
        }
        if length >= LONG {
            hashes.push(spread(hash));
        }
        hashes.sort_unstable();
        hashes.dedup();
        hashes.truncate(KEPT);
        Self(hashes)
    }

    /// The share of words that both have, in hundredths of the shorter one's; 0 where one says too little.
    pub(super) fn likeness(&self, other: &Self) -> u32 {
        let least = self.0.len().min(other.0.len());
        if least < 2 {
            return 0;
        }
        let common = self.0.iter().filter(|hash| other.0.binary_search(hash).is_ok()).count();
        u32::try_from(common.saturating_mul(100).checked_div(least).unwrap_or(0)).unwrap_or(0)
    }
}

const EMPTY: u64 = 0xcbf2_9ce4_8422_2325;

fn with(hash: u64, c: char) -> u64 {
    (hash ^ u64::from(u32::from(c))).wrapping_mul(0x0000_0100_0000_01b3)
}

fn spread(hash: u64) -> u64 {
    (hash ^ (hash >> 31)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

fn is_alone(c: char) -> bool {
    matches!(u32::from(c), 0x0e00..=0x0eff | 0x1000..=0x109f | 0x1780..=0x17ff | 0x2e80..=0x9fff | 0xf900..=0xfaff)
}
