//! Public keys of others, and what they signed: RSA, ECDSA and Ed25519 as JSON Web Signatures use them (RFC 7518
//! section 3, RFC 8037).

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, ED25519,
    EcdsaVerificationAlgorithm, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384,
    RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512,
    RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey,
};

use crate::sign::SignatureError;

/// The bits of the smallest RSA modulus that is taken (RFC 7518 section 3.3), and of the largest.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2_048..=8_192;

/// The longest public exponent, in bytes. Everyone uses 65,537; larger ones only make checking slow.
const MAX_EXPONENT: usize = 4;

/// A public key of somebody else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey(Kind);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
    /// The point, uncompressed (SEC 1 section 2.3.3).
    Ec {
        curve: Curve,
        point: Vec<u8>,
    },
    Ed25519([u8; 32]),
}

/// A curve of NIST's; each is used with one hash (RFC 7518 section 3.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Curve {
    /// With SHA-256.
    P256,
    /// With SHA-384.
    P384,
    /// With SHA-512.
    P521,
}

/// Padding and hash of an RSA signature (RFC 8017 section 8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Padding {
    /// RSASSA-PKCS1-v1_5 with SHA-256, 384 or 512.
    Pkcs1(u16),
    /// RSASSA-PSS with SHA-256, 384 or 512, and a salt as long as the hash.
    Pss(u16),
}

/// A key that is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PublicKeyError {
    /// The modulus is shorter than 2,048 bits or longer than 8,192.
    #[error("an RSA key has between 2048 and 8192 bits")]
    RsaSize,
    /// The exponent is even, 1, or longer than 32 bits.
    #[error("the RSA key's exponent is not an odd number from 3 to 2^32")]
    RsaExponent,
    /// A coordinate has another length than its curve's.
    #[error("the point has another length than its curve asks for")]
    PointLength,
}

impl PublicKey {
    /// An RSA key of its modulus and exponent, big-endian.
    ///
    /// # Errors
    /// [`PublicKeyError`] for sizes that are not taken.
    pub fn rsa(n: &[u8], e: &[u8]) -> Result<Self, PublicKeyError> {
        let (n, e) = (without_zeros(n), without_zeros(e));
        let unused = n.first().map_or(0, |byte| byte.leading_zeros());
        let bits = n.len().saturating_mul(8).saturating_sub(usize::try_from(unused).unwrap_or(0));
        if !RSA_BITS.contains(&bits) {
            return Err(PublicKeyError::RsaSize);
        }
        let is_odd = e.last().is_some_and(|byte| byte & 1 == 1);
        if !is_odd || e == [1] || e.len() > MAX_EXPONENT {
            return Err(PublicKeyError::RsaExponent);
        }
        Ok(Self(Kind::Rsa { n: n.to_vec(), e: e.to_vec() }))
    }

    /// A key on one of NIST's curves, of its coordinates, each as long as the curve's field (RFC 7518 section 6.2.1.2).
    /// Whether the point is on the curve shows when it verifies.
    ///
    /// # Errors
    /// [`PublicKeyError::PointLength`].
    pub fn ec(curve: Curve, x: &[u8], y: &[u8]) -> Result<Self, PublicKeyError> {
        let length = curve.field_length();
        if x.len() != length || y.len() != length {
            return Err(PublicKeyError::PointLength);
        }
        let point = [&[4], x, y].concat();
        Ok(Self(Kind::Ec { curve, point }))
    }

    /// An Ed25519 key of its 32 bytes (RFC 8037 section 2).
    ///
    /// # Errors
    /// [`PublicKeyError::PointLength`].
    pub fn ed25519(x: &[u8]) -> Result<Self, PublicKeyError> {
        x.try_into().map(|x| Self(Kind::Ed25519(x))).map_err(|_| PublicKeyError::PointLength)
    }

    /// Checks an RSA signature.
    ///
    /// # Errors
    /// [`SignatureError`] when it is not this key's, or the key is of another kind.
    pub fn verify_rsa(
        &self,
        padding: Padding,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        let Kind::Rsa { n, e } = &self.0 else { return Err(SignatureError) };
        let parameters = padding.parameters().ok_or(SignatureError)?;
        RsaPublicKeyComponents { n, e }.verify(parameters, message, signature).map_err(|_| SignatureError)
    }

    /// Checks an ECDSA signature: both numbers, each as long as the curve's field, one after the other.
    ///
    /// # Errors
    /// [`SignatureError`] when it is not this key's, or the key is on another curve.
    pub fn verify_ec(&self, on: Curve, message: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
        match &self.0 {
            Kind::Ec { curve, point } if *curve == on => {
                UnparsedPublicKey::new(on.algorithm(), point).verify(message, signature)
            }
            _ => return Err(SignatureError),
        }
        .map_err(|_| SignatureError)
    }

    /// Checks an Ed25519 signature.
    ///
    /// # Errors
    /// [`SignatureError`] when it is not this key's, or the key is of another kind.
    pub fn verify_ed25519(&self, message: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
        let Kind::Ed25519(x) = &self.0 else { return Err(SignatureError) };
        UnparsedPublicKey::new(&ED25519, x).verify(message, signature).map_err(|_| SignatureError)
    }
}

impl Curve {
    /// The length of a coordinate, in bytes.
    #[must_use]
    pub const fn field_length(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }

    fn algorithm(self) -> &'static EcdsaVerificationAlgorithm {
        match self {
            Self::P256 => &ECDSA_P256_SHA256_FIXED,
            Self::P384 => &ECDSA_P384_SHA384_FIXED,
            Self::P521 => &ECDSA_P521_SHA512_FIXED,
        }
    }
}

impl Padding {
    fn parameters(self) -> Option<&'static RsaParameters> {
        Some(match self {
            Self::Pkcs1(256) => &RSA_PKCS1_2048_8192_SHA256,
            Self::Pkcs1(384) => &RSA_PKCS1_2048_8192_SHA384,
            Self::Pkcs1(512) => &RSA_PKCS1_2048_8192_SHA512,
            Self::Pss(256) => &RSA_PSS_2048_8192_SHA256,
            Self::Pss(384) => &RSA_PSS_2048_8192_SHA384,
            Self::Pss(512) => &RSA_PSS_2048_8192_SHA512,
            Self::Pkcs1(_) | Self::Pss(_) => return None,
        })
    }
}

fn without_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SigningKey;

    #[test]
    fn small_and_odd_keys_are_not_taken() {
        let big = |bits: usize| [vec![0x80], vec![1; bits / 8 - 1]].concat();
        assert!(PublicKey::rsa(&big(2_048), &[1, 0, 1]).is_ok());
        // A modulus that only looks long.
        assert_eq!(
            PublicKey::rsa(&[vec![0; 128], big(1_024)].concat(), &[1, 0, 1]),
            Err(PublicKeyError::RsaSize)
        );
        let mut short = big(2_048);
        if let Some(first) = short.first_mut() {
            *first = 0x7f;
        }
        assert_eq!(PublicKey::rsa(&short, &[1, 0, 1]), Err(PublicKeyError::RsaSize));
        assert_eq!(PublicKey::rsa(&big(8_200), &[1, 0, 1]), Err(PublicKeyError::RsaSize));
        for e in [&[1][..], &[], &[0, 1], &[2], &[1, 0, 0, 0, 1]] {
            assert_eq!(PublicKey::rsa(&big(2_048), e), Err(PublicKeyError::RsaExponent), "{e:?}");
        }
        assert_eq!(PublicKey::ec(Curve::P256, &[0; 31], &[0; 32]), Err(PublicKeyError::PointLength));
        assert_eq!(PublicKey::ed25519(&[0; 33]), Err(PublicKeyError::PointLength));
    }

    #[test]
    fn a_key_checks_signatures_of_its_own_kind_only() {
        let key = SigningKey::from_seed(&[7; 32]).unwrap();
        let public = PublicKey::ed25519(key.verifying_key().as_bytes()).unwrap();
        let signature = key.sign(b"m");
        assert!(public.verify_ed25519(b"m", &signature).is_ok());
        assert!(public.verify_ed25519(b"n", &signature).is_err());
        assert!(public.verify_rsa(Padding::Pkcs1(256), b"m", &signature).is_err());
        assert!(public.verify_ec(Curve::P256, b"m", &signature).is_err());
        // A point that is on no curve, and zeros for a signature (CVE-2022-21449).
        let off = PublicKey::ec(Curve::P256, &[1; 32], &[2; 32]).unwrap();
        assert!(off.verify_ec(Curve::P256, b"m", &[0; 64]).is_err());
    }
}
