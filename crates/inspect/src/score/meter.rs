//! Counts what the model knows of a text, word by word, in bounded memory.

use super::model::{MODEL, WEIGHTS};

/// Words of a block.
const BLOCK: u32 = 24;

/// Blocks of the stretch that is judged at a time.
const STRETCH: usize = 4;

/// A text of fewer words is not judged.
const FEWEST: u32 = 3;

/// The most features that are collected for training.
const COLLECTED: usize = 1 << 16;

/// Judges a text by its most suspicious stretch.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    /// Sum of weights, number of features and of words: of this block and those before it, newest first.
    blocks: [Block; STRETCH],
    worst: Option<f32>,
    /// The features themselves, when they are wanted.
    collected: Option<Vec<u32>>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Block {
    sum: i32,
    features: u32,
    words: u32,
}

impl Meter {
    /// One that gives the features of a text instead of judging it.
    pub(crate) fn collecting() -> Self {
        Self { collected: Some(Vec::new()), ..Self::default() }
    }

    /// The features that were collected.
    pub(crate) fn into_features(self) -> Vec<u32> {
        self.collected.unwrap_or_default()
    }

    /// Sees a word, given the hashes of the two before it.
    #[inline]
    pub(crate) fn word(&mut self, word: u64, letters: &[u32], before: [u64; 2]) {
        let [last, earlier] = before;
        // A number is a number, whichever.
        let word = if letters.iter().all(|l| (0x30..=0x39).contains(l)) { 0x6e } else { word };
        self.feature(mix(word, 1));
        self.feature(mix(word ^ last.rotate_left(17), 2));
        self.feature(mix(word ^ earlier.rotate_left(31), 3));
        if let Some(stem) = letters.get(..5).filter(|_| letters.len() > 6) {
            let stem =
                stem.iter().fold(0x51_u64, |hash, l| (hash ^ u64::from(*l)).wrapping_mul(0x0100_0000_01b3));
            self.feature(mix(stem, 4));
        }
        let [block, ..] = &mut self.blocks;
        block.words = block.words.saturating_add(1);
        if block.words >= BLOCK {
            self.judge();
            self.blocks.rotate_right(1);
            let [block, ..] = &mut self.blocks;
            *block = Block::default();
        }
    }

    /// How likely the text is an attack, in thousandths.
    pub(crate) fn finish(mut self) -> u16 {
        self.judge();
        self.worst.map_or(0, |logit| MODEL.probability(logit))
    }

    #[inline]
    fn feature(&mut self, hash: u64) {
        let at = usize::try_from(hash >> 32).unwrap_or(0) & (WEIGHTS - 1);
        if let Some(collected) = &mut self.collected {
            if collected.len() < COLLECTED {
                collected.push(u32::try_from(at).unwrap_or(0));
            }
            return;
        }
        let [block, ..] = &mut self.blocks;
        block.sum = block.sum.saturating_add(i32::from(MODEL.weight(at)));
        block.features = block.features.saturating_add(1);
    }

    fn judge(&mut self) {
        let all = self.blocks.iter().fold(Block::default(), |all, block| Block {
            sum: all.sum.saturating_add(block.sum),
            features: all.features.saturating_add(block.features),
            words: all.words.saturating_add(block.words),
        });
        if all.words >= FEWEST {
            let logit = MODEL.logit(all.sum, all.features);
            self.worst = Some(self.worst.map_or(logit, |worst| worst.max(logit)));
        }
    }
}

fn mix(hash: u64, kind: u64) -> u64 {
    let hash = (hash ^ kind.wrapping_mul(0xd6e8_feb8_6659_fd93)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (hash ^ (hash >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9)
}
