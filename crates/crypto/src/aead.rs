//! Sealing of stored payloads: AES-256-GCM (NIST SP 800-38D) with a random 96-bit nonce in front of the ciphertext.
//!
//! A key that seals with random nonces must be used for fewer than 2^32 messages (SP 800-38D section 8.3): payload keys
//! are derived per segment and rotate long before.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use crate::CryptoError;
use crate::random::Random;

/// A key for sealing and opening.
pub struct SealingKey(LessSafeKey);

/// The sealed text was altered, or sealed under another key or other associated data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the sealed text does not open under this key")]
pub struct OpenError;

impl SealingKey {
    /// A key from its 32 bytes.
    ///
    /// # Errors
    /// [`CryptoError`] when the library refuses the key, which no 32 bytes explain.
    pub fn new(key: &[u8; 32]) -> Result<Self, CryptoError> {
        Ok(Self(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).map_err(|_| CryptoError)?)))
    }

    /// Seals: nonce (12 bytes), ciphertext, tag (16 bytes).
    ///
    /// # Errors
    /// [`CryptoError`] when there is no randomness, or the text is longer than AES-GCM allows.
    pub fn seal(&self, random: &dyn Random, aad: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let mut nonce = [0_u8; NONCE_LEN];
        random.fill(&mut nonce)?;
        let mut out = Vec::with_capacity(NONCE_LEN.saturating_add(plaintext.len()).saturating_add(16));
        out.extend_from_slice(plaintext);
        self.0
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(aad), &mut out)
            .map_err(|_| CryptoError)?;
        out.splice(0..0, nonce);
        Ok(out)
    }

    /// Opens what [`Self::seal`] made.
    ///
    /// # Errors
    /// [`OpenError`] when anything about it is not as it was sealed.
    pub fn open(&self, aad: &[u8], sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
        let (nonce, rest) = sealed.split_at_checked(NONCE_LEN).ok_or(OpenError)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| OpenError)?;
        let mut text = rest.to_vec();
        let length = self.0.open_in_place(nonce, Aad::from(aad), &mut text).map_err(|_| OpenError)?.len();
        text.truncate(length);
        Ok(text)
    }
}

impl std::fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SealingKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SystemRandom;

    #[test]
    fn opens_only_what_it_sealed() {
        let key = SealingKey::new(&[3; 32]).unwrap();
        let sealed = key.seal(&SystemRandom, b"where", b"text").unwrap();
        assert_eq!(key.open(b"where", &sealed).unwrap(), b"text");
        assert_eq!(key.open(b"elsewhere", &sealed), Err(OpenError));
        for at in 0..sealed.len() {
            let mut bad = sealed.clone();
            bad[at] ^= 1;
            assert_eq!(key.open(b"where", &bad), Err(OpenError), "byte {at}");
            assert_eq!(key.open(b"where", &sealed[..at]), Err(OpenError), "length {at}");
        }
    }
}
