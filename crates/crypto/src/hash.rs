//! SHA-256 (FIPS 180-4) and HMAC-SHA-256 (RFC 2104).

use aws_lc_rs::{constant_time, digest, hmac};

/// The 32 bytes of a SHA-256 digest or HMAC-SHA-256 tag.
pub type Digest = [u8; 32];

/// SHA-256 in pieces.
#[derive(Clone)]
pub struct Hasher(digest::Context);

/// A key for HMAC-SHA-256.
#[derive(Clone)]
pub struct MacKey(hmac::Key);

/// SHA-256 of a text in one piece.
#[must_use]
pub fn sha256(data: &[u8]) -> Digest {
    to_array(digest::digest(&digest::SHA256, data).as_ref())
}

/// Compares in time that depends on the lengths only.
#[must_use]
pub fn ct_eq(a: &[u8], b: &[u8]) -> bool {
    constant_time::verify_slices_are_equal(a, b).is_ok()
}

/// Lower-case hexadecimal.
#[must_use]
pub fn to_hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |n: u8| char::from(DIGITS.get(usize::from(n)).copied().unwrap_or(b'0'));
    bytes.iter().flat_map(|b| [digit(b >> 4), digit(b & 15)]).collect()
}

/// Reads lower-case hexadecimal; `None` for anything else.
#[must_use]
pub fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |b: u8| match b {
        b'0'..=b'9' => Some(b - b'0'),
        b'a'..=b'f' => Some(b - b'a' + 10),
        _ => None,
    };
    let bytes = text.as_bytes();
    if !bytes.len().is_multiple_of(2) {
        return None;
    }
    bytes
        .chunks_exact(2)
        .map(|pair| match pair {
            [high, low] => Some((digit(*high)? << 4) | digit(*low)?),
            _ => None,
        })
        .collect()
}

fn to_array(bytes: &[u8]) -> Digest {
    let mut out = [0; 32];
    for (to, from) in out.iter_mut().zip(bytes) {
        *to = *from;
    }
    out
}

// === impl Hasher ===

impl Hasher {
    /// An empty hash.
    #[must_use]
    pub fn new() -> Self {
        Self(digest::Context::new(&digest::SHA256))
    }

    /// Adds a piece.
    pub fn update(&mut self, data: &[u8]) {
        self.0.update(data);
    }

    /// The digest of all pieces.
    #[must_use]
    pub fn finish(self) -> Digest {
        to_array(self.0.finish().as_ref())
    }
}

impl Default for Hasher {
    fn default() -> Self {
        Self::new()
    }
}

// === impl MacKey ===

impl MacKey {
    /// A MAC key from its bytes.
    #[must_use]
    pub fn new(key: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    /// The tag over the parts, each preceded by its length, so that no two lists of parts collide.
    #[must_use]
    pub fn mac_parts(&self, parts: &[&[u8]]) -> Digest {
        let mut context = hmac::Context::with_key(&self.0);
        for part in parts {
            context.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            context.update(part);
        }
        to_array(context.sign().as_ref())
    }

    /// The plain HMAC of one text (RFC 2104).
    #[must_use]
    pub fn mac(&self, data: &[u8]) -> Digest {
        to_array(hmac::sign(&self.0, data).as_ref())
    }

    /// Whether `tag` is the HMAC of `data`; constant time.
    #[must_use]
    pub fn verify(&self, data: &[u8], tag: &[u8]) -> bool {
        hmac::verify(&self.0, data, tag).is_ok()
    }
}

impl std::fmt::Debug for MacKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MacKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_fips_180_and_rfc_4231() {
        assert_eq!(
            to_hex(&sha256(b"abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        let mut pieces = Hasher::new();
        pieces.update(b"a");
        pieces.update(b"bc");
        assert_eq!(pieces.finish(), sha256(b"abc"));
        let tag = MacKey::new(b"Jefe").mac(b"what do ya want for nothing?");
        assert_eq!(to_hex(&tag), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }

    #[test]
    fn parts_do_not_run_together() {
        let key = MacKey::new(&[1; 32]);
        assert_ne!(key.mac_parts(&[b"ab", b"c"]), key.mac_parts(&[b"a", b"bc"]));
    }

    #[test]
    fn hex_round_trips_and_refuses_the_rest() {
        assert_eq!(from_hex("00ff10"), Some(vec![0, 255, 16]));
        for bad in ["0", "0G", "FF"] {
            assert_eq!(from_hex(bad), None);
        }
    }
}
