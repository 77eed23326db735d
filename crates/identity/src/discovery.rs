//! Where an issuer's keys are: its description says so (OpenID Connect Discovery 1.0 section 4).

use stockade_egress::SystemTarget;

use crate::json;
use crate::keys::FetchError;

/// Below the issuer's address.
const WELL_KNOWN: &str = "/.well-known/openid-configuration";

/// Where the description of an issuer is.
pub(crate) fn metadata_of(issuer: &str) -> Result<SystemTarget, FetchError> {
    let url = format!("{}{WELL_KNOWN}", issuer.trim_end_matches('/'));
    SystemTarget::new(&url).map_err(|error| FetchError::Metadata(error.to_string()))
}

/// Where the keys are, from the description. It must be the description of this issuer, letter for letter, or another
/// issuer could lend its keys (section 4.3); and nobody else's description leads to a program on this machine.
pub(crate) fn keys_of(issuer: &str, description: &[u8]) -> Result<SystemTarget, FetchError> {
    let wrong = |what: &str| FetchError::Metadata(what.to_owned());
    let description = json::object(description).map_err(|_| wrong("it is not a JSON object"))?;
    let text = |name: &str| description.get(name).and_then(serde_json::Value::as_str);
    match text("issuer") {
        Some(said) if said == issuer => {}
        Some(said) => {
            let said: String = said.chars().take(200).collect();
            return Err(FetchError::Metadata(format!("it is of `{said}`")));
        }
        None => return Err(wrong("it names no `issuer`")),
    }
    let keys = text("jwks_uri").ok_or_else(|| wrong("it names no `jwks_uri`"))?;
    let keys =
        SystemTarget::new(keys).map_err(|error| FetchError::Metadata(format!("its `jwks_uri`: {error}")))?;
    let is_local = SystemTarget::new(issuer).is_ok_and(|issuer| issuer.is_loopback());
    if keys.is_loopback() && !is_local {
        return Err(wrong("its `jwks_uri` is on this machine"));
    }
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_description_is() {
        for (issuer, url) in [
            ("https://i.example", "https://i.example/.well-known/openid-configuration"),
            ("https://i.example/t/", "https://i.example/t/.well-known/openid-configuration"),
            ("https://i.example/t/v2.0", "https://i.example/t/v2.0/.well-known/openid-configuration"),
        ] {
            assert_eq!(metadata_of(issuer).unwrap().to_string(), url);
        }
    }

    #[test]
    fn a_description_speaks_for_its_issuer_only() {
        let keys = |issuer: &str, text: &str| keys_of(issuer, text.as_bytes()).map(|t| t.to_string());
        let good = r#"{"issuer":"https://i.example","jwks_uri":"https://keys.example/k"}"#;
        assert_eq!(keys("https://i.example", good).as_deref(), Ok("https://keys.example/k"));
        assert!(keys("https://i.example/", good).is_err());
        for bad in [
            r#"{"issuer":"https://evil.example","jwks_uri":"https://keys.example/k"}"#,
            r#"{"jwks_uri":"https://keys.example/k"}"#,
            r#"{"issuer":"https://i.example"}"#,
            r#"{"issuer":"https://i.example","jwks_uri":"http://keys.example/k"}"#,
            r#"{"issuer":"https://i.example","jwks_uri":"http://127.0.0.1:9/k"}"#,
            r#"{"issuer":"https://i.example","jwks_uri":"https://localhost/k"}"#,
            r#"{"issuer":"https://i.example","jwks_uri":"file:///k"}"#,
            "<html>",
        ] {
            assert!(keys("https://i.example", bad).is_err(), "{bad}");
        }
        let local = r#"{"issuer":"http://127.0.0.1:8","jwks_uri":"http://127.0.0.1:9/k"}"#;
        assert!(keys("http://127.0.0.1:8", local).is_ok());
    }
}
