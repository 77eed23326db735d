//! A token in compact form (RFC 7515 section 7.1), taken apart and read, not yet believed.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::algorithm::Algorithm;
use crate::json::{self, Object};
use crate::reason::Reason;

/// The longest token that is looked at, in bytes.
pub const MAX_TOKEN: usize = 16 << 10;

/// The longest `kid`.
const MAX_KID: usize = 256;

/// Header parameters that change what a token means. Who does not understand them must refuse it (RFC 7515 section
/// 4.1.11, RFC 7797, RFC 7516 sections 4.1.2 and 4.1.3, RFC 7519 section 5.2). Parameters that say where a key is (`jku`,
/// `jwk`, `x5u`, `x5c`) are not among them: they are never followed.
const NOT_UNDERSTOOD: [&str; 5] = ["crit", "b64", "zip", "enc", "cty"];

/// A token.
#[derive(Debug)]
pub(crate) struct Token<'a> {
    /// What is signed: the first two parts with the dot between.
    pub(crate) signed: &'a str,
    pub(crate) algorithm: Algorithm,
    pub(crate) kid: Option<String>,
    pub(crate) typ: Option<String>,
    /// The key that the token brings itself: nothing believes it but the check of a DPoP proof, which is about it.
    pub(crate) jwk: Option<Object>,
    pub(crate) claims: Object,
    pub(crate) signature: Vec<u8>,
}

impl<'a> Token<'a> {
    pub(crate) fn parse(text: &'a str) -> Result<Self, Reason> {
        if text.len() > MAX_TOKEN {
            return Err(Reason::TooLong);
        }
        let (signed, signature) = text.rsplit_once('.').ok_or(Reason::Malformed)?;
        let (header, claims) = signed.split_once('.').ok_or(Reason::Malformed)?;
        let mut header = json::object(&decode(header)?)?;
        let algorithm = string(&header, "alg")?.ok_or(Reason::Malformed)?;
        let algorithm = algorithm.parse().map_err(|()| Reason::Algorithm)?;
        if NOT_UNDERSTOOD.iter().any(|name| header.contains_key(*name)) {
            return Err(Reason::Header);
        }
        let kid = string(&header, "kid")?.map(str::to_owned);
        if kid.as_ref().is_some_and(|kid| kid.len() > MAX_KID) {
            return Err(Reason::Malformed);
        }
        let typ = string(&header, "typ")?.map(str::to_owned);
        let jwk = match header.remove("jwk") {
            Some(Value::Object(jwk)) => Some(jwk),
            _ => None,
        };
        // A second dot in the claims, as the five parts of an encrypted token have it, is no base64url.
        let claims = json::object(&decode(claims)?)?;
        let signature = decode(signature)?;
        Ok(Self { signed, algorithm, kid, typ, jwk, claims, signature })
    }
}

/// Base64url without padding and without stray bits: each value has one spelling, so no two texts are one token.
fn decode(part: &str) -> Result<Vec<u8>, Reason> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| Reason::Malformed)
}

fn string<'o>(object: &'o Object, name: &str) -> Result<Option<&'o str>, Reason> {
    match object.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Reason::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn encode(text: &str) -> String {
        URL_SAFE_NO_PAD.encode(text)
    }

    fn with_header(header: &str) -> Result<(), Reason> {
        Token::parse(&format!("{}.{}.c2ln", encode(header), encode("{}"))).map(|_| ())
    }

    #[test]
    fn headers_that_are_not_taken() {
        assert_eq!(with_header(r#"{"alg":"RS256","kid":"1","typ":"JWT"}"#), Ok(()));
        // Where a key is said to be is not looked at.
        assert_eq!(with_header(r#"{"alg":"ES256","jku":"https://evil.example","jwk":{},"x5u":1}"#), Ok(()));
        for (header, reason) in [
            (r#"{"alg":"none"}"#, Reason::Algorithm),
            (r#"{"alg":"None"}"#, Reason::Algorithm),
            (r#"{"alg":"HS256"}"#, Reason::Algorithm),
            (r#"{"alg":"rs256"}"#, Reason::Algorithm),
            (r#"{"alg":""}"#, Reason::Algorithm),
            (r#"{"alg":["RS256"]}"#, Reason::Malformed),
            (r"{}", Reason::Malformed),
            (r#"{"alg":"RS256","alg":"none"}"#, Reason::DuplicateName),
            (r#"{"alg":"RS256","crit":["exp"]}"#, Reason::Header),
            (r#"{"alg":"RS256","crit":[]}"#, Reason::Header),
            (r#"{"alg":"RS256","b64":false,"crit":["b64"]}"#, Reason::Header),
            (r#"{"alg":"RS256","b64":true}"#, Reason::Header),
            (r#"{"alg":"RS256","zip":"DEF"}"#, Reason::Header),
            (r#"{"alg":"RS256","cty":"JWT"}"#, Reason::Header),
            (r#"{"alg":"RS256","kid":1}"#, Reason::Malformed),
            (r#"{"alg":"RS256","typ":{}}"#, Reason::Malformed),
        ] {
            assert_eq!(with_header(header), Err(reason), "{header}");
        }
    }

    #[test]
    fn one_spelling_each() {
        let header = encode(r#"{"alg":"RS256"}"#);
        let good = format!("{header}.{}.c2ln", encode("{}"));
        assert!(Token::parse(&good).is_ok());
        for bad in [
            good.replace(".c2ln", ".c2ln="),
            good.replace(".c2ln", ".c2ln "),
            // The same byte as `cw`, with a stray bit set.
            good.replace(".c2ln", ".cx"),
            format!("{good}.x.y"),
            format!("{header}.{}", encode("{}")),
            format!(" {good}"),
            format!("{header}..c2ln"),
            String::new(),
            "..".to_owned(),
        ] {
            assert_eq!(Token::parse(&bad).err(), Some(Reason::Malformed), "{bad}");
        }
        assert_eq!(Token::parse(&"e".repeat(MAX_TOKEN + 1)).err(), Some(Reason::TooLong));
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in "[eyJ.A-Za-z0-9_=-]{0,200}") {
            let _ = Token::parse(&text);
        }
    }
}
