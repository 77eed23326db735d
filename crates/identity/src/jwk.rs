//! The keys that an issuer publishes (RFC 7517). A key says what it is meant for; a token does not.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use stockade_crypto::{Curve, PublicKey, sha256};

use crate::algorithm::{Algorithm, Family};
use crate::json::{self, Object};

/// The most keys of one issuer. Entra has about a dozen.
const MAX_KEYS: usize = 256;

/// The keys of one issuer that can check a signature.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeySet {
    pub(crate) keys: Vec<Key>,
    /// Members of the set that cannot: of another kind, for another use, too short.
    pub skipped: usize,
}

/// A text that is no key set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SetError {
    /// Not a JSON object with an array `keys`, each name once.
    #[error("it is not a JSON Web Key Set (RFC 7517 section 5)")]
    Shape,
    /// More members than are read.
    #[error("it has more than {MAX_KEYS} keys")]
    TooMany,
}

/// One key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key {
    kid: Option<String>,
    family: Family,
    /// The only algorithm that it is meant for, if it says so.
    algorithm: Option<Algorithm>,
    /// Whose tokens it signs, where one set serves many (Entra); `{tenantid}` stands for the tenant.
    issuer: Option<String>,
    pub(crate) public: PublicKey,
    /// RFC 7638, SHA-256, base64url.
    pub(crate) thumbprint: String,
}

/// What a token asks for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) kid: Option<&'a str>,
    pub(crate) algorithm: Algorithm,
    pub(crate) issuer: &'a str,
    pub(crate) tenant: Option<&'a str>,
}

impl KeySet {
    /// Reads a set. Members that are of no use are skipped (RFC 7517 section 5).
    ///
    /// # Errors
    /// [`SetError`] when it is no set.
    pub fn parse(text: &[u8]) -> Result<Self, SetError> {
        let mut set = json::object(text).map_err(|_| SetError::Shape)?;
        let Some(Value::Array(members)) = set.remove("keys") else { return Err(SetError::Shape) };
        if members.len() > MAX_KEYS {
            return Err(SetError::TooMany);
        }
        let count = members.len();
        let keys: Vec<Key> = members.iter().filter_map(|member| Key::read(member.as_object()?)).collect();
        Ok(Self { skipped: count.saturating_sub(keys.len()), keys })
    }

    /// How many keys can check a signature.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether none can.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The thumbprints of the keys, sorted.
    #[must_use]
    pub fn thumbprints(&self) -> Vec<String> {
        let mut prints: Vec<String> = self.keys.iter().map(|key| key.thumbprint.clone()).collect();
        prints.sort_unstable();
        prints
    }

    /// The one key that a token may be signed with. Without a `kid` there must be only one candidate: trying keys until
    /// one fits would let the attacker choose.
    pub(crate) fn find(&self, wanted: &Wanted<'_>) -> Option<&Key> {
        let mut fitting = self.keys.iter().filter(|key| key.fits(wanted));
        let first = fitting.next()?;
        if fitting.next().is_some() { None } else { Some(first) }
    }
}

impl Key {
    pub(crate) fn read(member: &Object) -> Option<Self> {
        let text = |name: &str| member.get(name).and_then(Value::as_str);
        let bytes = |name: &str| URL_SAFE_NO_PAD.decode(text(name)?).ok();
        // A published private key signs for anybody. `k` is a secret that no set of public keys holds.
        if member.contains_key("d") || member.contains_key("k") {
            return None;
        }
        let is_for_signatures = member.get("use").is_none_or(|word| word == "sig")
            && member.get("key_ops").is_none_or(|ops| {
                ops.as_array().is_some_and(|ops| ops.iter().any(|operation| operation == "verify"))
            });
        if !is_for_signatures {
            return None;
        }
        let kid = match member.get("kid") {
            None => None,
            Some(Value::String(kid)) => Some(kid.clone()),
            Some(_) => return None,
        };
        let algorithm = match member.get("alg") {
            None => None,
            Some(name) => Some(name.as_str()?.parse().ok()?),
        };
        let (family, public, canonical) = match (text("kty")?, text("crv")) {
            ("RSA", None) => {
                let (n, e) = (bytes("n")?, bytes("e")?);
                let canonical = format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, text("e")?, text("n")?);
                (Family::Rsa, PublicKey::rsa(&n, &e).ok()?, canonical)
            }
            ("EC", Some(name)) => {
                let curve = match name {
                    "P-256" => Curve::P256,
                    "P-384" => Curve::P384,
                    "P-521" => Curve::P521,
                    _ => return None,
                };
                let (x, y) = (bytes("x")?, bytes("y")?);
                let canonical =
                    format!(r#"{{"crv":"{name}","kty":"EC","x":"{}","y":"{}"}}"#, text("x")?, text("y")?);
                (Family::Ec(curve), PublicKey::ec(curve, &x, &y).ok()?, canonical)
            }
            ("OKP", Some("Ed25519")) => {
                let canonical = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, text("x")?);
                (Family::Ed25519, PublicKey::ed25519(&bytes("x")?).ok()?, canonical)
            }
            _ => return None,
        };
        if algorithm.is_some_and(|algorithm: Algorithm| algorithm.family() != family) {
            return None;
        }
        let issuer = text("issuer").map(str::to_owned);
        let thumbprint = URL_SAFE_NO_PAD.encode(sha256(canonical.as_bytes()));
        Some(Self { kid, family, algorithm, issuer, public, thumbprint })
    }

    /// Whether the key is meant for an algorithm.
    pub(crate) fn is_for(&self, algorithm: Algorithm) -> bool {
        self.family == algorithm.family() && self.algorithm.is_none_or(|own| own == algorithm)
    }

    fn fits(&self, wanted: &Wanted<'_>) -> bool {
        wanted.kid.is_none_or(|kid| self.kid.as_deref() == Some(kid))
            && self.is_for(wanted.algorithm)
            && self
                .issuer
                .as_ref()
                .is_none_or(|of| of.replace("{tenantid}", wanted.tenant.unwrap_or_default()) == wanted.issuer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8037 appendix A.2.
    const ED: &str = r#""kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo""#;
    /// RFC 7515 appendix A.3.
    const EC: &str = r#""kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0""#;

    fn set(members: &[String]) -> KeySet {
        KeySet::parse(format!("{{\"keys\":[{}]}}", members.join(",")).as_bytes()).unwrap()
    }

    fn wanted(kid: Option<&str>, algorithm: Algorithm) -> Wanted<'_> {
        Wanted { kid, algorithm, issuer: "https://i/t/v2.0", tenant: Some("t") }
    }

    #[test]
    fn a_thumbprint_is_that_of_rfc_8037() {
        let set = set(&[format!("{{{ED}}}")]);
        assert_eq!(set.thumbprints(), ["kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"]);
    }

    #[test]
    fn a_key_is_used_for_what_it_says_only() {
        for (member, usable) in [
            (format!("{{{EC}}}"), true),
            (format!("{{{EC},\"use\":\"sig\",\"alg\":\"ES256\",\"key_ops\":[\"verify\"]}}"), true),
            (format!("{{{EC},\"use\":\"enc\"}}"), false),
            (format!("{{{EC},\"key_ops\":[\"sign\"]}}"), false),
            (format!("{{{EC},\"key_ops\":\"verify\"}}"), false),
            (format!("{{{EC},\"alg\":\"RS256\"}}"), false),
            (format!("{{{EC},\"alg\":\"ECDH-ES\"}}"), false),
            (format!("{{{EC},\"d\":\"x\"}}"), false),
            (format!("{{{EC},\"kid\":7}}"), false),
            (EC.replace("P-256", "P-384"), false),
            ("{\"kty\":\"oct\",\"k\":\"AAAA\"}".to_owned(), false),
            ("{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}".to_owned(), false),
            ("{}".to_owned(), false),
        ] {
            let member = if member.starts_with('{') { member } else { format!("{{{member}}}") };
            assert_eq!(set(std::slice::from_ref(&member)).len() == 1, usable, "{member}");
        }
    }

    #[test]
    fn one_key_or_none() {
        let keys = set(&[
            format!("{{{ED},\"kid\":\"a\"}}"),
            format!("{{{EC},\"kid\":\"a\"}}"),
            format!("{{{EC},\"kid\":\"b\",\"issuer\":\"https://i/{{tenantid}}/v2.0\"}}"),
            format!("{{{EC},\"kid\":\"c\",\"issuer\":\"https://i/other/v2.0\"}}"),
        ]);
        let found = |kid, algorithm| keys.find(&wanted(kid, algorithm)).is_some();
        // One `kid` for keys of two kinds (RFC 7517 section 4.5): the algorithm tells them apart.
        assert!(found(Some("a"), Algorithm::EdDsa) && found(Some("a"), Algorithm::Es256));
        assert!(!found(Some("a"), Algorithm::Rs256) && !found(Some("A"), Algorithm::EdDsa));
        assert!(found(Some("b"), Algorithm::Es256) && !found(Some("c"), Algorithm::Es256));
        assert!(found(None, Algorithm::EdDsa) && !found(None, Algorithm::Es256));
        assert!(!found(Some("../../etc/passwd"), Algorithm::EdDsa));
    }

    #[test]
    fn what_is_no_set() {
        for bad in ["", "[]", "{}", "{\"keys\":{}}", "{\"keys\":[],\"keys\":[]}", "<html>"] {
            assert_eq!(KeySet::parse(bad.as_bytes()), Err(SetError::Shape), "{bad}");
        }
        let many = format!("{{\"keys\":[{}]}}", vec!["{}"; 257].join(","));
        assert_eq!(KeySet::parse(many.as_bytes()), Err(SetError::TooMany));
        assert!(set(&[]).is_empty());
    }
}
