//! A word as it is read: its hash, and its letters for readings that tolerate more.

/// How many letters of a word are kept.
pub(super) const KEPT: usize = 32;

/// The shortest and longest stem, in letters.
pub(super) const STEM: std::ops::RangeInclusive<usize> = 4..=14;

/// The shortest word in which misplaced letters are tolerated.
const SHORTEST_TYPO: usize = 5;

/// A word's hash. Words are compared by it alone: a collision is a false sign at worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct WordHash(pub(super) u64);

/// A word that is being read.
#[derive(Debug, Clone)]
pub(super) struct Word {
    pub(super) hash: WordHash,
    /// First original byte.
    pub(super) start: usize,
    /// All letters, also those that are not kept.
    pub(super) len: usize,
    /// How many of them are digits.
    pub(super) digits: usize,
    /// It has letters of ASCII, and look-alikes of such letters from other scripts.
    pub(super) latin: bool,
    pub(super) twins: bool,
    letters: [u32; KEPT],
}

/// Letters of ASCII in lower case and digits; 0 for what is neither.
const FOLDED: [u8; 256] = {
    let mut folded = [0; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        if byte.is_ascii_alphanumeric() {
            #[expect(clippy::indexing_slicing, reason = "a byte is a place in a table of 256")]
            {
                folded[byte as usize] = byte.to_ascii_lowercase();
            }
        }
        byte += 1;
    }
    folded
};

impl WordHash {
    /// No letters.
    pub(super) const EMPTY: Self = Self(0xcbf2_9ce4_8422_2325);

    /// With one letter more (FNV-1a over code points).
    pub(super) const fn with(self, letter: u32) -> Self {
        Self((self.0 ^ letter as u64).wrapping_mul(0x0000_0100_0000_01b3))
    }

    /// Of a word's letters.
    pub(super) fn of(letters: impl IntoIterator<Item = u32>) -> Self {
        letters.into_iter().fold(Self::EMPTY, Self::with)
    }

    /// Well mixed bits, for tables.
    pub(super) const fn spread(self) -> u64 {
        (self.0 ^ (self.0 >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }
}

impl Word {
    pub(super) const EMPTY: Self = Self {
        hash: WordHash::EMPTY,
        start: 0,
        len: 0,
        digits: 0,
        latin: false,
        twins: false,
        letters: [0; KEPT],
    };

    /// One letter more.
    #[inline]
    pub(super) fn push(&mut self, letter: u32) {
        self.hash = self.hash.with(letter);
        if let Some(slot) = self.letters.get_mut(self.len) {
            *slot = letter;
        }
        self.len = self.len.saturating_add(1);
        self.digits = self.digits.saturating_add(usize::from(letter < 0x3a));
    }

    /// Takes in the letters and digits that a text of ASCII begins with; gives how many.
    #[inline]
    pub(super) fn extend(&mut self, text: &[u8]) -> usize {
        let (mut hash, mut taken, mut digits) = (self.hash, 0_usize, 0_usize);
        for byte in text {
            let letter = FOLDED.get(usize::from(*byte)).copied().unwrap_or(0);
            if letter == 0 {
                break;
            }
            hash = hash.with(u32::from(letter));
            if let Some(slot) = self.letters.get_mut(self.len.wrapping_add(taken)) {
                *slot = u32::from(letter);
            }
            digits += usize::from(letter < 0x3a);
            taken += 1;
        }
        self.hash = hash;
        self.len = self.len.saturating_add(taken);
        self.digits = self.digits.saturating_add(digits);
        taken
    }

    /// No letters; those that were kept stay where they are, unseen.
    #[inline]
    pub(super) fn clear(&mut self) {
        (self.hash, self.len, self.digits, self.latin, self.twins) = (WordHash::EMPTY, 0, 0, false, false);
    }

    /// The letters that are kept.
    pub(super) fn letters(&self) -> &[u32] {
        self.letters.get(..self.len.min(KEPT)).unwrap_or_default()
    }
}

/// What stays the same when the inner letters of a word change places. None for words that are too short, too long or
/// not of letters.
pub(super) fn jumble(letters: &[u32]) -> Option<u64> {
    if !(SHORTEST_TYPO..=KEPT).contains(&letters.len()) {
        return None;
    }
    let (first, rest) = letters.split_first()?;
    let (last, inner) = rest.split_last()?;
    let mut sum = 0_u64;
    for letter in inner {
        if *letter < 0x3a {
            return None;
        }
        sum = sum.wrapping_add(mix(*letter));
    }
    Some(around(*first, *last, sum))
}

/// The same of a word with each of its inner letters left out in turn.
pub(super) fn jumbles_without_one(letters: &[u32]) -> impl Iterator<Item = u64> + '_ {
    let inner = letters.get(1..letters.len().saturating_sub(1)).unwrap_or_default();
    let (first, last) = (letters.first().copied().unwrap_or(0), letters.last().copied().unwrap_or(0));
    let sum = inner.iter().fold(0_u64, |sum, letter| sum.wrapping_add(mix(*letter)));
    inner.iter().map(move |letter| around(first, last, sum.wrapping_sub(mix(*letter))))
}

/// What the letters of ASCII add.
const MIXED: [u64; 128] = {
    let mut mixed = [0; 128];
    let mut letter = 0_u32;
    while letter < 128 {
        #[expect(clippy::indexing_slicing, reason = "below the length, and this runs at build time")]
        {
            mixed[letter as usize] = stirred(letter);
        }
        letter += 1;
    }
    mixed
};

fn mix(letter: u32) -> u64 {
    let known = usize::try_from(letter).ok().and_then(|at| MIXED.get(at));
    known.copied().unwrap_or_else(|| stirred(letter))
}

const fn stirred(letter: u32) -> u64 {
    let spread = (letter as u64).wrapping_add(0x51).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (spread ^ (spread >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9)
}

fn around(first: u32, last: u32, sum: u64) -> u64 {
    sum ^ u64::from(first).wrapping_mul(0x94d0_49bb_1331_11eb)
        ^ u64::from(last).wrapping_mul(0xd6e8_feb8_6659_fd93)
}
