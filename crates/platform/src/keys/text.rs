//! The text of an API key: `stk_` + 10 characters id + `_` + 32 random bytes in base62 (43) + CRC-32 in base62 (6).
//!
//! The prefix lets secret scanners recognise a key that got into a repository, and the checksum lets them, and us, drop
//! a mistyped or invented one without asking anybody. Neither adds to the secret's 256 bits.

use std::fmt;

use stockade_crypto::{CryptoError, Random};
use zeroize::Zeroizing;

/// What every key begins with.
pub const PREFIX: &str = "stk_";

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const ID_LEN: usize = 10;
const SECRET_LEN: usize = 43;
const SUM_LEN: usize = 6;
const LEN: usize = PREFIX.len() + ID_LEN + 1 + SECRET_LEN + SUM_LEN;

/// A new key's text: shown once, then only its MAC is kept. Wiped when dropped.
pub struct KeyText {
    text: Zeroizing<String>,
}

/// The short id inside a key's text. It finds the key's record and is not secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShortId([u8; ID_LEN]);

/// A presented text that has the form of a key.
#[derive(Clone, Copy)]
pub(crate) struct Presented<'a> {
    /// Which key it claims to be.
    pub(crate) id: ShortId,
    /// What the MAC is over: all of it.
    pub(crate) text: &'a str,
}

impl KeyText {
    /// Draws a new key.
    ///
    /// # Errors
    /// [`CryptoError`] when there is no randomness.
    pub(crate) fn mint(random: &dyn Random) -> Result<Self, CryptoError> {
        let mut secret = Zeroizing::new([0_u8; 32]);
        random.fill(secret.as_mut())?;
        let mut text = Zeroizing::new(String::with_capacity(LEN));
        text.push_str(PREFIX);
        text.push_str(ShortId::draw(random)?.as_str());
        text.push('_');
        push_base62(&secret, &mut text);
        let sum = checksum(text.as_bytes());
        text.extend(sum.map(char::from));
        Ok(Self { text })
    }

    /// The whole text. Only for the one place that shows or writes it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.text
    }

    /// The short id in it.
    #[must_use]
    pub fn short_id(&self) -> Option<ShortId> {
        Presented::parse(&self.text).map(|p| p.id)
    }
}

impl fmt::Debug for KeyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyText(..)")
    }
}

// === impl ShortId ===

impl ShortId {
    /// Ten characters, each drawn evenly: bytes of 248 and above, which would favour the first eight, are thrown away.
    fn draw(random: &dyn Random) -> Result<Self, CryptoError> {
        let mut out = [b'0'; ID_LEN];
        let mut pool = [0_u8; 32];
        let mut at = 0;
        while at < ID_LEN {
            random.fill(&mut pool)?;
            for byte in pool.into_iter().filter(|b| *b < 248) {
                if let (Some(slot), Some(c)) = (out.get_mut(at), ALPHABET.get(usize::from(byte % 62))) {
                    *slot = *c;
                    at += 1;
                }
            }
        }
        Ok(Self(out))
    }

    /// Reads ten characters of base62.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes: [u8; ID_LEN] = text.as_bytes().try_into().ok()?;
        bytes.iter().all(u8::is_ascii_alphanumeric).then_some(Self(bytes))
    }

    /// The characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Only ASCII gets in.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for ShortId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

// === impl Presented ===

impl<'a> Presented<'a> {
    /// Checks form and checksum. What fails here was never a key of ours, so it may answer early.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        if text.len() != LEN {
            return None;
        }
        let (id, rest) = text.strip_prefix(PREFIX)?.split_at_checked(ID_LEN)?;
        let secret = rest.strip_prefix('_')?;
        let (body, sum) = text.as_bytes().split_at_checked(LEN - SUM_LEN)?;
        let whole = secret.bytes().all(|b| b.is_ascii_alphanumeric()) && checksum(body) == sum;
        whole.then_some(())?;
        Some(Self { id: ShortId::parse(id)?, text })
    }
}

/// The number that the bytes are, most significant first, in exactly 43 digits (62^43 > 2^256).
fn push_base62(bytes: &[u8; 32], out: &mut String) {
    let mut number = Zeroizing::new(*bytes);
    let mut digits = Zeroizing::new([b'0'; SECRET_LEN]);
    for slot in digits.iter_mut().rev() {
        let mut rest = 0_u32;
        for byte in number.iter_mut() {
            let value = (rest << 8) | u32::from(*byte);
            *byte = u8::try_from(value / 62).unwrap_or(0);
            rest = value % 62;
        }
        *slot = digit(rest);
    }
    out.extend(digits.iter().map(|d| char::from(*d)));
}

/// Six digits of base62, most significant first (62^6 > 2^32).
fn checksum(body: &[u8]) -> [u8; SUM_LEN] {
    let mut rest = crc32fast::hash(body);
    let mut out = [b'0'; SUM_LEN];
    for slot in out.iter_mut().rev() {
        *slot = digit(rest % 62);
        rest /= 62;
    }
    out
}

fn digit(value: u32) -> u8 {
    usize::try_from(value).ok().and_then(|at| ALPHABET.get(at)).copied().unwrap_or(b'0')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use stockade_crypto::SystemRandom;

    use super::*;

    #[test]
    fn a_minted_key_has_the_documented_form() {
        let key = KeyText::mint(&SystemRandom).unwrap();
        assert_eq!(key.reveal().len(), 64);
        assert!(key.reveal().starts_with("stk_"));
        assert_eq!(key.reveal().as_bytes()[14], b'_');
        assert_eq!(Presented::parse(key.reveal()).unwrap().id, key.short_id().unwrap());
        assert_eq!(format!("{key:?}"), "KeyText(..)");
    }

    #[test]
    fn any_changed_character_is_noticed() {
        let key = KeyText::mint(&SystemRandom).unwrap();
        for at in 0..LEN {
            let mut bad = key.reveal().as_bytes().to_vec();
            bad[at] = if bad[at] == b'a' { b'b' } else { b'a' };
            assert!(Presented::parse(std::str::from_utf8(&bad).unwrap()).is_none(), "character {at}");
        }
    }

    #[test]
    fn base62_keeps_every_bit() {
        let mut out = String::new();
        push_base62(&[0xff; 32], &mut out);
        assert_eq!(out.len(), 43);
        let mut number = [0_u8; 33];
        for c in out.bytes() {
            let mut carry = u32::try_from(ALPHABET.iter().position(|a| *a == c).unwrap()).unwrap();
            for byte in number.iter_mut().rev() {
                let value = u32::from(*byte) * 62 + carry;
                *byte = (value & 255) as u8;
                carry = value >> 8;
            }
        }
        assert_eq!(number[0], 0);
        assert_eq!(number[1..], [0xff; 32]);
    }

    proptest! {
        #[test]
        fn nothing_else_is_taken_for_a_key(text in "\\PC{0,80}") {
            prop_assert!(Presented::parse(&text).is_none());
        }
    }
}
