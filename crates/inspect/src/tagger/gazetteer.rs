//! Words that are known to be names, and words that go with names.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::token::word_hash;

/// Classes of a word, as bits.
pub type Classes = u16;

/// A set of words by class. A word may have several: `Paris` is a place and a given name.
#[derive(Debug, Clone, Default)]
pub struct Gazetteer {
    classes: HashMap<u64, Classes, BuildHasherDefault<Hashed>>,
}

/// The names of the classes in the order of their bits.
pub const CLASSES: [&str; 13] = [
    "given", "family", "place", "country", "street", "company", "title", "health", "month", "common", "kin",
    "form", "birth",
];

/// Keys are hashes already.
#[derive(Debug, Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
}

impl Gazetteer {
    /// Reads lines of a class and its words: `given anna bogdan ...`. Lines that begin with `#` are remarks, lines of
    /// another class are left out.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut all = Self::default();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let mut words = line.split_whitespace();
            let Some(bit) = words.next().and_then(|name| CLASSES.iter().position(|class| *class == name))
            else {
                continue;
            };
            words.for_each(|word| all.add(word, bit));
        }
        all
    }

    /// Adds a word to the class of a bit.
    pub fn add(&mut self, word: &str, bit: usize) {
        let class = u32::try_from(bit).ok().and_then(|bit| Classes::from(1_u8).checked_shl(bit)).unwrap_or(0);
        *self.classes.entry(word_hash(&word.to_lowercase())).or_default() |= class;
    }

    pub(crate) fn get(&self, word: u64) -> Classes {
        self.classes.get(&word).copied().unwrap_or(0)
    }
}
