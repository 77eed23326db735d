//! Proof of possession by DPoP (RFC 9449 section 4): a token that whoever presents a bound token makes for each request.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use stockade_crypto::{Digest, ct_eq, sha256};
use stockade_domain::Micros;

use std::time::Duration;

use crate::algorithm::Algorithm;
use crate::jwk::Key;
use crate::reason::Reason;
use crate::token::Token;

/// How old a proof may be, and how far ahead of our clock. Its `jti` is remembered for as long as both.
pub const PROOF_AGE: Duration = Duration::from_secs(60);
pub(crate) const PROOF_AHEAD: Duration = Duration::from_secs(10);

/// The longest `jti`.
const MAX_JTI: usize = 256;

/// What a proof must be for.
#[derive(Debug, Clone, Copy)]
pub struct Proven<'a> {
    /// The proof, as the `DPoP` field has it.
    pub proof: &'a str,
    /// The request's method.
    pub method: &'a str,
    /// The request's address without query and fragment, in each form that is ours.
    pub addresses: &'a [String],
    /// The token that is presented with it.
    pub token: &'a str,
}

/// A proof that is good, unless it was seen before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Possession {
    /// Thumbprint of the key that was proved to be held (`jkt`).
    pub thumbprint: String,
    /// What must not be seen twice.
    pub once: Digest,
    /// Until when it must be remembered.
    pub until: Micros,
    /// The nonce that it carries (RFC 9449 section 9).
    pub nonce: Option<String>,
}

/// Checks a proof (RFC 9449 section 4.3).
///
/// # Errors
/// [`Reason::Proof`], whatever is wrong with it.
pub fn check(proven: &Proven<'_>, now: Micros) -> Result<Possession, Reason> {
    checked(proven, now).ok_or(Reason::Proof)
}

fn checked(proven: &Proven<'_>, now: Micros) -> Option<Possession> {
    let token = Token::parse(proven.proof).ok()?;
    if token.typ.as_deref() != Some("dpop+jwt") || !Algorithm::ALL.contains(&token.algorithm) {
        return None;
    }
    // The one place where a key that comes with a token is used: whose it is, the access token says.
    let key = Key::read(token.jwk.as_ref()?)?;
    if !key.is_for(token.algorithm)
        || !token.algorithm.verifies(&key.public, token.signed.as_bytes(), &token.signature)
    {
        return None;
    }
    let text = |name: &str| token.claims.get(name).and_then(Value::as_str);
    let jti = text("jti").filter(|jti| (1..=MAX_JTI).contains(&jti.len()))?;
    let issued = token.claims.get("iat").and_then(Value::as_f64).filter(|at| at.is_finite() && *at >= 0.0)?;
    let issued = Micros::from_i64(0).plus(Duration::try_from_secs_f64(issued).ok()?);
    let until = issued.plus(PROOF_AGE);
    let is_now = issued <= now.plus(PROOF_AHEAD) && now < until;
    let hash = URL_SAFE_NO_PAD.encode(sha256(proven.token.as_bytes()));
    let is_of_token = ct_eq(text("ath")?.as_bytes(), hash.as_bytes());
    let is_of_request = text("htm")? == proven.method && is_one_of(text("htu")?, proven.addresses);
    if !is_now || !is_of_token || !is_of_request {
        return None;
    }
    let once = sha256(format!("{}|{jti}", key.thumbprint).as_bytes());
    let nonce = text("nonce").map(str::to_owned);
    Some(Possession { thumbprint: key.thumbprint, once, until, nonce })
}

/// Scheme and host have no case, and a scheme's own port may stand there or not (RFC 3986 section 6.2).
fn is_one_of(htu: &str, addresses: &[String]) -> bool {
    let bare = htu.split(['?', '#']).next().unwrap_or_default();
    let normal = |url: &str| {
        let (scheme, rest) = url.split_once("://")?;
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let scheme = scheme.to_ascii_lowercase();
        let authority = authority.to_ascii_lowercase();
        let own = if scheme == "https" { ":443" } else { ":80" };
        let authority = authority.strip_suffix(own).unwrap_or(&authority).to_owned();
        Some((scheme, authority, path.to_owned()))
    };
    let wanted = normal(bare);
    wanted.is_some() && addresses.iter().any(|address| normal(address) == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_compared_as_addresses() {
        let ours = ["https://Ai.example:443/v1/models".to_owned(), "http://ai.example/v1/models".to_owned()];
        for good in [
            "https://ai.example/v1/models",
            "HTTPS://AI.example:443/v1/models",
            "https://ai.example/v1/models?x=1#y",
            "http://ai.example:80/v1/models",
        ] {
            assert!(is_one_of(good, &ours), "{good}");
        }
        for bad in [
            "https://ai.example/v1",
            "https://ai.example/V1/models",
            "https://ai.example:8443/v1/models",
            "ai.example/v1/models",
            "",
        ] {
            assert!(!is_one_of(bad, &ours), "{bad}");
        }
    }
}
