//! Words that stand in a system prompt and nowhere else.

use std::collections::HashSet;
use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use stockade_crypto::MacKey;
use stockade_domain::WorkloadId;

/// Crockford's base32 in lower case: nothing in it is read as something else.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// How many characters a canary has: 130 bits.
const LENGTH: usize = 26;

/// So many characters of a canary in a row are taken for it: 60 bits, or 48 where it is written in hexadecimal. No text
/// has them by accident.
const PART: usize = 12;

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
#[derive(Debug, Clone)]
pub struct CanaryWatch {
    /// Parts of the canary as it stands, backwards and in hexadecimal, in small letters.
    plain: HashSet<[u8; PART]>,
    /// Parts of its base64 at each of the three places that it can have in a group.
    base64: HashSet<[u8; PART]>,
    /// Letters and digits that came last, in small letters and as they were, with the place of each.
    last: [(u8, u8, usize); PART],
    seen: usize,
    taken: usize,
    found: Vec<Range<usize>>,
}

impl Canaries {
    /// With a key that is used for nothing else.
    #[must_use]
    pub const fn new(key: MacKey) -> Self {
        Self { key }
    }

    /// The canary of a workload on a day, counted in days since 1970.
    #[must_use]
    pub fn canary(&self, workload: &WorkloadId, day: i64) -> Canary {
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

    /// Begins to look for it.
    #[must_use]
    pub fn watch(&self) -> CanaryWatch {
        let word = self.0.as_bytes();
        let backwards: Vec<u8> = word.iter().rev().copied().collect();
        let hexadecimal: Vec<u8> = stockade_crypto::to_hex(word).into_bytes();
        let mut plain = HashSet::new();
        for form in [word, &backwards, &hexadecimal] {
            plain.extend(parts(form));
        }
        let mut base64 = HashSet::new();
        for shift in 0..3 {
            // The first and last group depend on what stands around; they are left out.
            let mut bytes = vec![0; shift];
            bytes.extend_from_slice(word);
            let text = STANDARD_NO_PAD.encode(&bytes);
            let inner = text.as_bytes().get(if shift == 0 { 0 } else { 4 }..text.len().saturating_sub(3));
            base64.extend(parts(inner.unwrap_or_default()));
        }
        CanaryWatch { plain, base64, last: [(0, 0, 0); PART], seen: 0, taken: 0, found: Vec::new() }
    }
}

fn parts(form: &[u8]) -> impl Iterator<Item = [u8; PART]> {
    form.windows(PART).filter_map(|part| part.try_into().ok())
}

impl CanaryWatch {
    /// Takes in a piece. Gives whether a part of the canary has been seen, in this piece or before.
    pub fn push(&mut self, piece: &str) -> bool {
        for (at, c) in piece.char_indices() {
            // Signs and spaces between the letters change nothing.
            let Some(byte) = u8::try_from(c).ok().filter(u8::is_ascii_alphanumeric) else { continue };
            let place = self.taken.saturating_add(at);
            self.last.rotate_left(1);
            if let Some(newest) = self.last.last_mut() {
                *newest = (byte.to_ascii_lowercase(), byte, place);
            }
            self.seen = self.seen.saturating_add(1);
            if self.seen >= PART
                && (self.plain.contains(&self.last.map(|(small, ..)| small))
                    || self.base64.contains(&self.last.map(|(_, as_is, _)| as_is)))
            {
                let start = self.last.first().map_or(place, |(.., start)| *start);
                self.add(start..place.saturating_add(1));
            }
        }
        self.taken = self.taken.saturating_add(piece.len());
        !self.found.is_empty()
    }

    /// Where the canary was seen, in bytes of all that was taken in. Stretches that overlap are one.
    #[must_use]
    pub fn found(&self) -> &[Range<usize>] {
        &self.found
    }

    fn add(&mut self, new: Range<usize>) {
        match self.found.last_mut() {
            Some(last) if new.start <= last.end => last.end = last.end.max(new.end),
            _ => self.found.push(new),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use stockade_domain::Micros;

    use super::*;

    fn canary() -> Canary {
        Canaries::new(MacKey::new(&[7; 32])).canary(&WorkloadId::new(Micros::from_i64(0), [1; 10]), 20_000)
    }

    fn seen(text: &str) -> bool {
        canary().watch().push(text)
    }

    #[test]
    fn a_canary_depends_on_workload_and_day() {
        let canaries = Canaries::new(MacKey::new(&[7; 32]));
        let workload = |n| WorkloadId::new(Micros::from_i64(0), [n; 10]);
        let one = canaries.canary(&workload(1), 1);
        assert_eq!(one, canaries.canary(&workload(1), 1));
        assert_ne!(one, canaries.canary(&workload(2), 1));
        assert_ne!(one, canaries.canary(&workload(1), 2));
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

    proptest! {
        #[test]
        fn pieces_do_not_matter(before in "\\PC{0,40}", cut in 1_usize..40) {
            let text = format!("{before} {} é {before}", canary().as_str());
            let mut whole = canary().watch();
            whole.push(&text);
            let mut pieces = canary().watch();
            let mut rest = text.as_str();
            while !rest.is_empty() {
                let (piece, after) = rest.split_at(rest.ceil_char_boundary(cut.min(rest.len())));
                pieces.push(piece);
                rest = after;
            }
            prop_assert_eq!(whole.found(), pieces.found());
            prop_assert!(whole.found().iter().all(|found| text.get(found.clone()).is_some()));
            prop_assert!(!whole.found().is_empty());
        }
    }
}
