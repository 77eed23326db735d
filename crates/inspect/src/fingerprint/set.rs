//! Values as digests: how they are made, kept in a rule file and loaded.

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use stockade_crypto::{MacKey, sha256};

use super::digest::Sip;
use crate::signal::{Unit, units};

/// The fewest letters and digits of a value: shorter ones stand in ordinary text by accident.
const SHORTEST: usize = 6;

/// The most words of a value.
pub(super) const MOST_WORDS: usize = 12;

/// The longest value as it is read, in bytes.
const LONGEST: usize = 512;

/// How many bytes of a digest are kept.
const KEPT: usize = 16;

/// What stands between the words of a value when it is digested.
const BETWEEN: u8 = b' ';

/// The key of digests. Whoever has it and the digests can try values; keep it apart from them.
#[derive(Clone)]
pub struct FingerprintKey {
    mac: MacKey,
    sip: Sip,
    check: [u8; 8],
}

/// Digests of values, as a rule file keeps them.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fingerprints {
    /// Tells which key they were made with, in hexadecimal.
    key: String,
    /// In base64: for each value 16 bytes of its HMAC-SHA-256, sorted.
    values: String,
    /// In base64: 8 bytes for each beginning of a value that is some of its words, sorted.
    beginnings: String,
}

/// Why values cannot be made into digests, or digests cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FingerprintError {
    /// The key is too short to be one.
    #[error("a key has at least 16 bytes")]
    ShortKey,
    /// A value is so short that it stands in ordinary text by accident.
    #[error("value {0} has fewer than {SHORTEST} letters and digits")]
    ShortValue(usize),
    /// A value has too many words or bytes.
    #[error("value {0} has more than {MOST_WORDS} words or {LONGEST} bytes")]
    LongValue(usize),
    /// There is no value.
    #[error("there is no value")]
    Nothing,
    /// Rules have digests, and no key was given.
    #[error("the rule has digests of values, and there is no key for them")]
    NoKey,
    /// The digests were made with another key.
    #[error("the digests were made with another key")]
    OtherKey,
    /// The digests are no base64, or cut off.
    #[error("the digests are damaged")]
    Damaged,
}

/// The digests of all rules, ready to be looked for.
pub(crate) struct Prints {
    key: FingerprintKey,
    /// Digests of values and beginnings, short.
    short: HashSet<u64>,
    values: Vec<([u8; KEPT], Printed)>,
}

/// What a value that was found is a finding of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Printed {
    pub(crate) rule: usize,
}

// === impl FingerprintKey ===

impl FingerprintKey {
    /// From bytes that are secret and drawn at random, at least 16.
    ///
    /// # Errors
    /// [`FingerprintError::ShortKey`].
    pub fn new(bytes: &[u8]) -> Result<Self, FingerprintError> {
        if bytes.len() < 16 {
            return Err(FingerprintError::ShortKey);
        }
        let of = |what: &str| {
            let mut all = Vec::with_capacity(bytes.len().saturating_add(what.len()));
            all.extend_from_slice(what.as_bytes());
            all.extend_from_slice(bytes);
            sha256(&all)
        };
        let short = MacKey::new(&of("stockade fingerprint 1")).mac(b"short");
        let half = |from: usize| {
            let part =
                short.get(from..from.saturating_add(8)).and_then(|part| <[u8; 8]>::try_from(part).ok());
            u64::from_le_bytes(part.unwrap_or_default())
        };
        let mac = MacKey::new(&of("stockade fingerprint 1"));
        let check = mac.mac(b"check").get(..8).and_then(|c| <[u8; 8]>::try_from(c).ok()).unwrap_or_default();
        Ok(Self { mac, sip: Sip::new([half(0), half(8)]), check })
    }

    pub(super) fn short(&self, words: &[u8]) -> u64 {
        self.sip.of(words)
    }

    fn long(&self, words: &[u8]) -> [u8; KEPT] {
        self.mac
            .mac_parts(&[b"value", words])
            .get(..KEPT)
            .and_then(|d| <[u8; KEPT]>::try_from(d).ok())
            .unwrap_or_default()
    }

    fn id(&self) -> String {
        stockade_crypto::to_hex(&self.check)
    }
}

impl std::fmt::Debug for FingerprintKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FingerprintKey").field("id", &self.id()).finish_non_exhaustive()
    }
}

// === impl Fingerprints ===

impl Fingerprints {
    /// Makes digests of values. A value is trimmed; of an empty one nothing is made. Errors name values by their place,
    /// from 1.
    ///
    /// # Errors
    /// [`FingerprintError`] when a value is too short or long to be looked for, or when there is none.
    pub fn new<'a>(
        key: &FingerprintKey,
        values: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, FingerprintError> {
        let (mut long, mut short) = (Vec::new(), Vec::new());
        for (number, value) in (1..).zip(values) {
            let value = value.trim();
            if value.is_empty() {
                continue;
            }
            if value.len() > LONGEST {
                return Err(FingerprintError::LongValue(number));
            }
            let words = words(value);
            if words.iter().map(|word| word.chars().count()).sum::<usize>() < SHORTEST {
                return Err(FingerprintError::ShortValue(number));
            }
            if words.len() > MOST_WORDS {
                return Err(FingerprintError::LongValue(number));
            }
            let mut so_far = Vec::new();
            for word in &words {
                join(&mut so_far, word);
                short.push(key.short(&so_far).to_be_bytes());
            }
            long.push(key.long(&so_far));
        }
        if long.is_empty() {
            return Err(FingerprintError::Nothing);
        }
        long.sort_unstable();
        long.dedup();
        short.sort_unstable();
        short.dedup();
        Ok(Self {
            key: key.id(),
            values: STANDARD.encode(long.concat()),
            beginnings: STANDARD.encode(short.concat()),
        })
    }

    /// How many different values there are.
    #[must_use]
    pub fn len(&self) -> usize {
        STANDARD.decode(&self.values).map_or(0, |bytes| bytes.len() / KEPT)
    }

    /// Whether there is no value.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The `[recognizer.fingerprints]` table of a rule file.
    #[must_use]
    pub fn to_toml(&self) -> String {
        format!(
            "[recognizer.fingerprints]\nkey = \"{}\"\nvalues = \"{}\"\nbeginnings = \"{}\"\n",
            self.key, self.values, self.beginnings
        )
    }
}

// === impl Prints ===

impl Prints {
    /// The digests of rules, by the number of each rule.
    pub(crate) fn new<'a>(
        key: &FingerprintKey,
        rules: impl IntoIterator<Item = (usize, &'a Fingerprints)>,
    ) -> Result<Self, (usize, FingerprintError)> {
        let mut prints = Self { key: key.clone(), short: HashSet::new(), values: Vec::new() };
        for (rule, of) in rules {
            prints.add(rule, of).map_err(|error| (rule, error))?;
        }
        prints.values.sort_unstable();
        Ok(prints)
    }

    fn add(&mut self, rule: usize, of: &Fingerprints) -> Result<(), FingerprintError> {
        if of.key != self.key.id() {
            return Err(FingerprintError::OtherKey);
        }
        let decode = |text: &str| STANDARD.decode(text).map_err(|_| FingerprintError::Damaged);
        let (values, beginnings) = (decode(&of.values)?, decode(&of.beginnings)?);
        if values.len() % KEPT != 0 || beginnings.len() % 8 != 0 {
            return Err(FingerprintError::Damaged);
        }
        let values = values.chunks_exact(KEPT).filter_map(|value| <[u8; KEPT]>::try_from(value).ok());
        self.values.extend(values.map(|value| (value, Printed { rule })));
        let beginnings = beginnings.chunks_exact(8).filter_map(|b| <[u8; 8]>::try_from(b).ok());
        self.short.extend(beginnings.map(u64::from_be_bytes));
        Ok(())
    }

    /// Whether some value begins with these words.
    pub(super) fn begins(&self, words: &[u8]) -> bool {
        self.short.contains(&self.key.short(words))
    }

    /// The rules that have these words as a value.
    pub(super) fn values(&self, words: &[u8]) -> impl Iterator<Item = Printed> + '_ {
        let digest = self.key.long(words);
        let from = self.values.partition_point(|(known, _)| *known < digest);
        self.values
            .iter()
            .skip(from)
            .take_while(move |(known, _)| *known == digest)
            .map(|(_, printed)| *printed)
    }
}

/// Adds a word to those of a value.
pub(super) fn join(words: &mut Vec<u8>, word: &str) {
    if !words.is_empty() {
        words.push(BETWEEN);
    }
    words.extend_from_slice(word.as_bytes());
}

/// The words of a value, folded.
fn words(value: &str) -> Vec<String> {
    let mut out = vec![String::new()];
    for c in value.chars() {
        units(c, |unit| match unit {
            Unit::Part(c) => {
                if let Some(word) = out.last_mut() {
                    word.push(c);
                }
            }
            Unit::End => {
                if out.last().is_some_and(|word| !word.is_empty()) {
                    out.push(String::new());
                }
            }
        });
    }
    out.retain(|word| !word.is_empty());
    out
}
