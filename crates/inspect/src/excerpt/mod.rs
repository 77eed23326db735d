//! Paragraphs that are known by keyed digests and found again in other texts: whole or as an excerpt, in any order, wrapped,
//! quoted or spaced in another way, with a word changed here and there.
//!
//! A paragraph is a row of words, folded as text is folded for reading. Of each five words in a row there is a keyed digest
//! (SipHash-2-4), and of those some are kept: the lowest of every four neighbours ("winnowing": S. Schleimer, D. S. Wilkerson,
//! A. Aiken, "Winnowing: local algorithms for document fingerprinting", SIGMOD 2003). So eight words in a row always
//! hold one that is kept. A text holds a paragraph when it has enough of them close together. Without the key the digests
//! say nothing about the words.

mod lines;
mod marking;
mod reader;
mod set;
mod words;

pub use lines::{LineReader, WordDigest};
pub use marking::{Marking, plain};
pub use reader::ExcerptReader;
pub use set::{Excerpts, Print, SplitText, split};

use stockade_crypto::MacKey;

use crate::fingerprint::Sip;

/// The key of digests. Whoever has it and the digests can try texts; keep it apart from them.
#[derive(Clone)]
pub struct ExcerptKey(Sip);

impl ExcerptKey {
    /// A key that is derived from another.
    #[must_use]
    pub fn new(mac: &MacKey) -> Self {
        let drawn = mac.mac(b"excerpts 1");
        let half = |from: usize| {
            let part =
                drawn.get(from..from.saturating_add(8)).and_then(|part| <[u8; 8]>::try_from(part).ok());
            u64::from_le_bytes(part.unwrap_or_default())
        };
        Self(Sip::new([half(0), half(8)]))
    }

    /// The digest of a word.
    fn word(&self, letters: &[u8]) -> u64 {
        self.0.of(letters)
    }

    /// The digest of words in a row.
    fn row(&self, words: &[u64]) -> u64 {
        let mut bytes = Vec::with_capacity(words.len().saturating_mul(8));
        words.iter().for_each(|word| bytes.extend_from_slice(&word.to_le_bytes()));
        self.0.of(&bytes)
    }
}

impl std::fmt::Debug for ExcerptKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ExcerptKey(..)")
    }
}
