//! Payloads: readable text that stands beside an entry, sealed, and can be erased while all proofs stay whole.
//!
//! Each record has its own random salt. The salt is the key of the commitment in the entry and, with the ring's key,
//! gives the record's key: once the salt is overwritten, the text can neither be opened nor guessed at.

mod record;
mod segment;
mod split;
mod store;

use stockade_crypto::{CryptoError, Digest, KeyRing, KeyRole, MacKey, Random, SealingKey, ct_eq, sha256};

use crate::entry::PayloadMark;

pub(crate) use segment::{Cursor, Flaw, Segment};
pub(crate) use store::{Extent, PayloadStore, first_missing};

/// What is left of an entry's payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PayloadState {
    /// The entry never had one.
    None,
    /// It was erased, or its time was over.
    Erased,
    /// Its text.
    Text(Vec<u8>),
}

/// Associated data of the sealing (NIST SP 800-38D).
const AAD: &[u8] = b"stockade ledger payload 1";

/// Seals and opens payloads.
pub(crate) struct Vault(MacKey);

/// A sealed payload on its way to the disk.
pub(crate) struct Sealed {
    pub(crate) salt: Digest,
    /// Nonce, ciphertext and tag.
    pub(crate) bytes: Vec<u8>,
    pub(crate) mark: PayloadMark,
}

impl Vault {
    pub(crate) fn new(keys: &KeyRing) -> Result<Self, CryptoError> {
        Ok(Self(keys.mac_key(KeyRole::PayloadSealing, 1, b"ledger record key")?))
    }

    fn record_key(&self, salt: &Digest) -> Result<SealingKey, CryptoError> {
        SealingKey::new(&self.0.mac(salt))
    }

    pub(crate) fn seal(&self, random: &dyn Random, text: &[u8]) -> Result<Sealed, CryptoError> {
        let mut salt = [0; 32];
        random.fill(&mut salt)?;
        let bytes = self.record_key(&salt)?.seal(random, AAD, text)?;
        let commitment = MacKey::new(&salt).mac(text);
        let mark = PayloadMark { commitment, salt: sha256(&salt), sealed: sha256(&bytes) };
        Ok(Sealed { salt, bytes, mark })
    }

    /// The text, if salt and sealed bytes are those that the entry speaks of.
    pub(crate) fn open(&self, mark: &PayloadMark, salt: &Digest, sealed: &[u8]) -> Option<Vec<u8>> {
        if sha256(salt) != mark.salt || sha256(sealed) != mark.sealed {
            return None;
        }
        let text = self.record_key(salt).ok()?.open(AAD, sealed).ok()?;
        ct_eq(&MacKey::new(salt).mac(&text), &mark.commitment).then_some(text)
    }
}
