//! The root key and the keys that are derived from it.

use aws_lc_rs::hkdf;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::aead::SealingKey;
use crate::hash::MacKey;
use crate::random::Random;
use crate::sign::SigningKey;
use crate::{CryptoError, from_hex, to_hex};

/// What a derived key is for. The words are part of the derivation: they never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyRole {
    /// MAC over the secret part of API keys.
    ApiKeyMac,
    /// Pseudonyms in content, and of people in records.
    Pseudonym,
    /// The ledger's checkpoint signatures.
    LedgerSigning,
    /// Sealing of recorded payloads.
    PayloadSealing,
    /// Console sessions and sign-in links.
    Session,
    /// Digests of an operator's own values.
    Fingerprint,
}

/// The root key: 32 random bytes in a file outside the data directory.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct RootKey([u8; 32]);

/// Why a text is not a root key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a root key file is one line: `stockade-root-key-1 ` and 64 lower-case hexadecimal digits")]
pub struct RootKeyError;

/// Derives the keys of all roles.
#[derive(Clone)]
pub struct KeyRing {
    root: RootKey,
}

const HEADER: &str = "stockade-root-key-1 ";

impl KeyRole {
    const fn info(self) -> &'static str {
        match self {
            Self::ApiKeyMac => "api-key-mac",
            Self::Pseudonym => "pseudonym",
            Self::LedgerSigning => "ledger-signing",
            Self::PayloadSealing => "payload-sealing",
            Self::Session => "session",
            Self::Fingerprint => "fingerprint",
        }
    }
}

// === impl RootKey ===

impl RootKey {
    /// A new root key.
    ///
    /// # Errors
    /// [`CryptoError`] when there is no randomness.
    pub fn generate(random: &dyn Random) -> Result<Self, CryptoError> {
        let mut bytes = [0; 32];
        random.fill(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// The one line of its file, newline included.
    #[must_use]
    pub fn to_file(&self) -> String {
        format!("{HEADER}{}\n", to_hex(&self.0))
    }

    /// Reads the line of its file.
    ///
    /// # Errors
    /// [`RootKeyError`] when it is anything else.
    pub fn from_file(text: &str) -> Result<Self, RootKeyError> {
        let hex = text.trim_end_matches(['\n', '\r']).strip_prefix(HEADER).ok_or(RootKeyError)?;
        let mut bytes = from_hex(hex).ok_or(RootKeyError)?;
        let key = bytes.as_slice().try_into().map(Self).map_err(|_| RootKeyError);
        bytes.zeroize();
        key
    }
}

impl std::fmt::Debug for RootKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RootKey(..)")
    }
}

// === impl KeyRing ===

impl KeyRing {
    /// A ring over a root key.
    #[must_use]
    pub fn new(root: RootKey) -> Self {
        Self { root }
    }

    /// The 32 bytes for a role, version and context (RFC 5869; the salt names this product).
    ///
    /// # Errors
    /// [`CryptoError`] when the library fails.
    fn derive(&self, role: KeyRole, version: u32, context: &[u8]) -> Result<[u8; 32], CryptoError> {
        let length = u64::try_from(context.len()).unwrap_or(u64::MAX).to_be_bytes();
        let info: [&[u8]; 4] = [role.info().as_bytes(), &version.to_be_bytes(), &length, context];
        let mut out = [0; 32];
        hkdf::Salt::new(hkdf::HKDF_SHA256, b"stockade key ring 1")
            .extract(&self.root.0)
            .expand(&info, hkdf::HKDF_SHA256)
            .and_then(|okm| okm.fill(&mut out))
            .map_err(|_| CryptoError)?;
        Ok(out)
    }

    /// A MAC key.
    ///
    /// # Errors
    /// [`CryptoError`] when the library fails.
    pub fn mac_key(&self, role: KeyRole, version: u32, context: &[u8]) -> Result<MacKey, CryptoError> {
        let mut bytes = self.derive(role, version, context)?;
        let key = MacKey::new(&bytes);
        bytes.zeroize();
        Ok(key)
    }

    /// A sealing key.
    ///
    /// # Errors
    /// [`CryptoError`] when the library fails.
    pub fn sealing_key(
        &self,
        role: KeyRole,
        version: u32,
        context: &[u8],
    ) -> Result<SealingKey, CryptoError> {
        let mut bytes = self.derive(role, version, context)?;
        let key = SealingKey::new(&bytes);
        bytes.zeroize();
        key
    }

    /// A signing key.
    ///
    /// # Errors
    /// [`CryptoError`] when the library fails.
    pub fn signing_key(
        &self,
        role: KeyRole,
        version: u32,
        context: &[u8],
    ) -> Result<SigningKey, CryptoError> {
        let mut bytes = self.derive(role, version, context)?;
        let key = SigningKey::from_seed(&bytes);
        bytes.zeroize();
        key
    }
}

impl std::fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeyRing(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SystemRandom;

    #[test]
    fn file_round_trips_and_refuses_others() {
        let key = RootKey::generate(&SystemRandom).unwrap();
        let text = key.to_file();
        assert_eq!(RootKey::from_file(&text).unwrap().0, key.0);
        for bad in ["", "stockade-root-key-1 00", text.trim_start_matches('s'), &text.to_uppercase()] {
            assert!(RootKey::from_file(bad).is_err());
        }
    }

    #[test]
    fn roles_versions_and_contexts_are_apart() {
        let ring = KeyRing::new(RootKey([9; 32]));
        let of = |role, version, context: &[u8]| ring.derive(role, version, context).unwrap();
        let base = of(KeyRole::Session, 1, b"a");
        assert_eq!(base, of(KeyRole::Session, 1, b"a"));
        assert_ne!(base, of(KeyRole::Pseudonym, 1, b"a"));
        assert_ne!(base, of(KeyRole::Session, 2, b"a"));
        assert_ne!(base, of(KeyRole::Session, 1, b"b"));
    }
}
