//! Cryptography for the rest of Stockade: a small surface over `aws-lc-rs`, which no other crate may use.
//!
//! Keys are derived from one root key by HKDF-SHA-256 (RFC 5869) with a role and a version in the info, so that one
//! role's key says nothing about another's and each can be rotated alone.

mod aead;
mod hash;
mod public;
mod random;
mod ring;
mod sign;

pub use aead::{OpenError, SealingKey};
pub use hash::{Digest, Hasher, MacKey, ct_eq, from_hex, sha256, to_hex};
pub use public::{Curve, Padding, PublicKey, PublicKeyError};
pub use random::{Random, SystemRandom};
pub use ring::{KeyRing, KeyRole, RootKey, RootKeyError};
pub use sign::{SignatureError, SigningKey, VerifyingKey};

/// A primitive of the cryptographic library failed in a way that no input explains (for example no entropy).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the cryptographic library failed")]
pub struct CryptoError;
