//! How tokens are signed. Only signatures by key pairs have a name here: `none` and the symmetric algorithms cannot be
//! configured, so no public key can ever be taken for a secret (RFC 8725 section 2.1).

use std::fmt;
use std::str::FromStr;

use stockade_crypto::{Curve, Padding, PublicKey};

/// A signature algorithm (RFC 7518 section 3.1, RFC 8037 section 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512,
    /// RSASSA-PSS with SHA-256.
    Ps256,
    /// RSASSA-PSS with SHA-384.
    Ps384,
    /// RSASSA-PSS with SHA-512.
    Ps512,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// ECDSA on P-521 with SHA-512.
    Es512,
    /// Ed25519, written `EdDSA` or, since RFC 9864, `Ed25519`.
    EdDsa,
}

/// A kind of key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    Rsa,
    Ec(Curve),
    Ed25519,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
        Self::Es256,
        Self::Es384,
        Self::Es512,
        Self::EdDsa,
    ];

    /// What issuers may use unless the configuration says otherwise: what RFC 8414's and OpenID's providers sign with.
    pub const DEFAULT: [Self; 5] = [Self::Rs256, Self::Ps256, Self::Es256, Self::Es384, Self::EdDsa];

    /// Its name (IANA, "JSON Web Signature and Encryption Algorithms").
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
            Self::EdDsa => "EdDSA",
        }
    }

    pub(crate) const fn family(self) -> Family {
        match self {
            Self::Rs256 | Self::Rs384 | Self::Rs512 | Self::Ps256 | Self::Ps384 | Self::Ps512 => Family::Rsa,
            Self::Es256 => Family::Ec(Curve::P256),
            Self::Es384 => Family::Ec(Curve::P384),
            Self::Es512 => Family::Ec(Curve::P521),
            Self::EdDsa => Family::Ed25519,
        }
    }

    pub(crate) fn verifies(self, key: &PublicKey, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Rs256 => key.verify_rsa(Padding::Pkcs1(256), message, signature),
            Self::Rs384 => key.verify_rsa(Padding::Pkcs1(384), message, signature),
            Self::Rs512 => key.verify_rsa(Padding::Pkcs1(512), message, signature),
            Self::Ps256 => key.verify_rsa(Padding::Pss(256), message, signature),
            Self::Ps384 => key.verify_rsa(Padding::Pss(384), message, signature),
            Self::Ps512 => key.verify_rsa(Padding::Pss(512), message, signature),
            Self::Es256 => key.verify_ec(Curve::P256, message, signature),
            Self::Es384 => key.verify_ec(Curve::P384, message, signature),
            Self::Es512 => key.verify_ec(Curve::P521, message, signature),
            Self::EdDsa => key.verify_ed25519(message, signature),
        }
        .is_ok()
    }
}

impl FromStr for Algorithm {
    type Err = ();

    /// Names are case-sensitive (RFC 7515 section 4.1.1).
    fn from_str(name: &str) -> Result<Self, ()> {
        if name == "Ed25519" {
            return Ok(Self::EdDsa);
        }
        Self::ALL.into_iter().find(|algorithm| algorithm.as_str() == name).ok_or(())
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
