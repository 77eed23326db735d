//! JOSE headers: RFC 7515 section 4.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// base64url of a JSON object whose `alg` is a string.
pub(super) fn header(text: &[u8]) -> Option<i16> {
    let json = URL_SAFE_NO_PAD.decode(text).ok()?;
    let header: serde_json::Value = serde_json::from_slice(&json).ok()?;
    header.get("alg")?.as_str().map(|_| 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wants_an_algorithm() {
        let encode = |json: &str| URL_SAFE_NO_PAD.encode(json);
        assert!(header(encode(r#"{"alg":"ES256","kid":"1"}"#).as_bytes()).is_some());
        for bad in [
            encode(r#"{"typ":"JWT"}"#),
            encode(r#"{"alg":1}"#),
            encode("[]"),
            "e".to_owned(),
            "++".to_owned(),
        ] {
            assert!(header(bad.as_bytes()).is_none(), "{bad}");
        }
    }
}
