//! Who may talk to a listener at all: loopback is not a boundary, a browser is on it too.

use http::{HeaderMap, Uri, header};

/// Host names that a listener answers to.
#[derive(Debug, Clone, Default)]
pub struct Hosts {
    names: Vec<String>,
}

impl Hosts {
    /// The names of this machine, and those that the operator gave (without port, lower case).
    #[must_use]
    pub fn new(extra: impl IntoIterator<Item = String>) -> Self {
        let own = ["localhost", "127.0.0.1", "[::1]", "stockade.localhost"].map(str::to_owned);
        Self { names: own.into_iter().chain(extra.into_iter().map(|n| n.to_ascii_lowercase())).collect() }
    }

    /// Checks `Host` (RFC 9110 section 7.2; DNS rebinding), `Origin` and `Sec-Fetch-Site`.
    pub(crate) fn check(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), &'static str> {
        let mut hosts = headers.get_all(header::HOST).iter();
        let host = match (uri.authority(), hosts.next(), hosts.next()) {
            (_, _, Some(_)) => return Err("foreign_host"),
            (Some(authority), None, None) => authority.as_str().to_owned(),
            (authority, Some(host), None) => {
                let host = host.to_str().map_err(|_| "foreign_host")?;
                if authority.is_some_and(|a| a.as_str() != host) {
                    return Err("foreign_host");
                }
                host.to_owned()
            }
            (None, None, None) => return Err("foreign_host"),
        };
        let name = without_port(&host).to_ascii_lowercase();
        if !self.names.contains(&name) {
            return Err("foreign_host");
        }
        if headers.contains_key(header::ORIGIN) {
            return Err("foreign_origin");
        }
        match headers.get("sec-fetch-site").map(header::HeaderValue::as_bytes) {
            None | Some(b"same-origin" | b"none") => Ok(()),
            Some(_) => Err("foreign_origin"),
        }
    }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) && !name.is_empty() => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(fields: &[(&'static str, &'static str)]) -> Result<(), &'static str> {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, header::HeaderValue::from_static(value));
        }
        Hosts::new(["ai.example.com".to_owned()]).check(&Uri::from_static("/v1/models"), &headers)
    }

    #[test]
    fn answers_to_its_own_names_and_to_no_web_page() {
        for host in ["127.0.0.1:8470", "localhost", "[::1]:8470", "AI.example.com"] {
            assert_eq!(check(&[("host", host)]), Ok(()), "{host}");
        }
        assert_eq!(check(&[]), Err("foreign_host"));
        assert_eq!(check(&[("host", "evil.example")]), Err("foreign_host"));
        assert_eq!(check(&[("host", "localhost.evil.example")]), Err("foreign_host"));
        assert_eq!(check(&[("host", "localhost"), ("host", "localhost")]), Err("foreign_host"));
        assert_eq!(
            check(&[("host", "localhost"), ("origin", "https://evil.example")]),
            Err("foreign_origin")
        );
        assert_eq!(check(&[("host", "localhost"), ("sec-fetch-site", "cross-site")]), Err("foreign_origin"));
    }
}
