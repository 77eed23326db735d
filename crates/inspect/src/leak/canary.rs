//! Words that stand in a system prompt and nowhere else.

use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use stockade_crypto::MacKey;
use stockade_domain::{Micros, WorkloadId};

use super::substring::{APART, Run, Substrings, Symbol};

/// Crockford's base32 in lower case: nothing in it is read as something else.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// A day, in microseconds.
const DAY: i64 = 86_400_000_000;

/// How many characters a canary has: 130 bits.
const LENGTH: usize = 26;

/// So many characters of a canary in a row are taken for it: 60 bits, or 48 where it is written in hexadecimal. No text
/// has them by accident.
const PART: usize = 12;

/// So many are held back on a stream, because they may be the beginning of a part. What leaves otherwise is two letters.
const WAITS: usize = 3;

/// Makes canaries under one key.
#[derive(Debug, Clone)]
pub struct Canaries {
    key: MacKey,
}

/// A word that is planted in a system prompt. It is the same for a workload all day, so that caches stay warm, and says
/// nothing about the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Canary(String);

/// Looks for a canary in a text that may come in pieces: whole or in part, backwards, spaced out, in any case, in
/// hexadecimal or base64.
#[derive(Debug)]
pub(super) struct CanaryWatch {
    /// The canary as it stands, backwards and in hexadecimal, in small letters.
    plain: (Substrings, Run),
    /// Its base64 at each of the three places that it can have in a group.
    base64: (Substrings, Run),
    taken: usize,
}

impl Canaries {
    /// With a key that is used for nothing else.
    #[must_use]
    pub const fn new(key: MacKey) -> Self {
        Self { key }
    }

    /// The canary of a workload on the day (UTC) of a time.
    #[must_use]
    pub fn canary(&self, workload: &WorkloadId, time: Micros) -> Canary {
        let day = time.as_i64().div_euclid(DAY);
        let tag = self.key.mac_parts(&[b"canary", &workload.to_bytes(), &day.to_be_bytes()]);
        let letter = |byte: &u8| ALPHABET.get(usize::from(byte & 31)).copied().map_or('0', char::from);
        Canary(tag.iter().take(LENGTH).map(letter).collect())
    }
}

impl Canary {
    /// The word, for a line such as `Reference: <word>` in the prompt.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn watch(&self) -> CanaryWatch {
        let word = self.0.as_bytes();
        let backwards: Vec<u8> = word.iter().rev().copied().collect();
        let hexadecimal: Vec<u8> = stockade_crypto::to_hex(word).into_bytes();
        let base64 = (0..3).map(|shift| {
            // The first and last group depend on what stands around; they are left out.
            let mut bytes = vec![0; shift];
            bytes.extend_from_slice(word);
            let text = STANDARD_NO_PAD.encode(&bytes);
            let inner = text.as_bytes().get(if shift == 0 { 0 } else { 4 }..text.len().saturating_sub(3));
            inner.unwrap_or_default().to_vec()
        });
        CanaryWatch {
            plain: (known([word.to_vec(), backwards, hexadecimal]), Run::default()),
            base64: (known(base64), Run::default()),
            taken: 0,
        }
    }
}

fn known(forms: impl IntoIterator<Item = Vec<u8>>) -> Substrings {
    let apart = |form: Vec<u8>| form.into_iter().map(Symbol::from).chain([APART]);
    Substrings::new(forms.into_iter().flat_map(apart))
}

impl CanaryWatch {
    pub(super) fn push(&mut self, piece: &str, found: &mut Vec<Range<usize>>) {
        for (at, c) in piece.char_indices() {
            // Signs and spaces between the letters change nothing.
            let Some(byte) = u8::try_from(c).ok().filter(u8::is_ascii_alphanumeric) else { continue };
            let place = self.taken.saturating_add(at);
            let place = place..place.saturating_add(1);
            let small = Symbol::from(byte.to_ascii_lowercase());
            found.extend(self.plain.1.push(&self.plain.0, small, place.clone(), PART));
            found.extend(self.base64.1.push(&self.base64.0, Symbol::from(byte), place, PART));
        }
        self.taken = self.taken.saturating_add(piece.len());
    }

    /// Where what must wait begins: three letters in a row that stand in the canary, and more.
    pub(super) fn hold(&self) -> usize {
        let runs = [&self.plain.1, &self.base64.1];
        let starts = runs.iter().filter_map(|run| run.stretch(WAITS)).map(|run| run.start);
        starts.min().unwrap_or(self.taken)
    }

    pub(super) fn finish(self, found: &mut Vec<Range<usize>>) {
        found.extend(self.plain.1.stretch(PART));
        found.extend(self.base64.1.stretch(PART));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canary() -> Canary {
        Canaries::new(MacKey::new(&[7; 32]))
            .canary(&WorkloadId::new(Micros::from_i64(0), [1; 10]), Micros::from_i64(20_000 * DAY))
    }

    fn found(text: &str) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        let mut watch = canary().watch();
        watch.push(text, &mut found);
        watch.finish(&mut found);
        found
    }

    fn seen(text: &str) -> bool {
        !found(text).is_empty()
    }

    #[test]
    fn a_canary_depends_on_workload_and_day() {
        let canaries = Canaries::new(MacKey::new(&[7; 32]));
        let workload = |n| WorkloadId::new(Micros::from_i64(0), [n; 10]);
        let at = Micros::from_i64;
        let one = canaries.canary(&workload(1), at(DAY));
        assert_eq!(one, canaries.canary(&workload(1), at(2 * DAY - 1)));
        assert_ne!(one, canaries.canary(&workload(2), at(DAY)));
        assert_ne!(one, canaries.canary(&workload(1), at(2 * DAY)));
        assert_eq!(one.as_str().len(), LENGTH);
    }

    #[test]
    fn it_is_seen_in_disguise() {
        let word = canary().as_str().to_owned();
        let spaced: String = word.chars().flat_map(|c| [c, ' ']).collect();
        let backwards: String = word.chars().rev().collect();
        for text in [
            word.clone(),
            word.to_uppercase(),
            spaced,
            backwards,
            word.chars().skip(5).take(PART).collect(),
            stockade_crypto::to_hex(word.as_bytes()),
            stockade_crypto::to_hex(word.as_bytes()).to_uppercase(),
            STANDARD_NO_PAD.encode(format!("the code is {word}!")),
            STANDARD_NO_PAD.encode(format!("he code is {word}!")),
            STANDARD_NO_PAD.encode(format!("e code is {word}!")),
        ] {
            assert!(seen(&format!("so: {text}.")), "{text}");
        }
        assert!(!seen(&word.chars().take(PART - 1).collect::<String>()));
        assert!(!seen("an answer about nothing in particular, with 0123456789abcdefghjkmnpqrstvwxyz in it"));
    }

    #[test]
    fn a_canary_is_one_stretch() {
        let word = canary().as_str().to_owned();
        assert_eq!(found(&format!("<{word}>")), vec![1..27]);
    }
}
