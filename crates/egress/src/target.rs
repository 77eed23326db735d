//! Where a caller's traffic may go: targets that the operator configured, never a URL that came with a request.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::uri::{Authority, Scheme};
use http::{HeaderName, HeaderValue, Response, Uri};

use crate::client::UpstreamBody;
use crate::token::TokenSource;

/// A target's name, as the operator wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TargetId(Arc<str>);

/// One upstream.
#[derive(Clone)]
pub struct Target {
    pub(crate) id: TargetId,
    pub(crate) kind: TargetKind,
}

#[derive(Clone)]
pub(crate) enum TargetKind {
    Http {
        scheme: Scheme,
        authority: Authority,
        prefix: Arc<str>,
        /// Header fields that each request gets: the credential, the version of an API.
        fields: Arc<[(HeaderName, HeaderValue)]>,
        /// A credential that runs out.
        tokens: Option<Arc<dyn TokenSource>>,
    },
    Local(Arc<dyn LocalUpstream>),
}

/// How an upstream is told who asks.
#[derive(Clone, Copy)]
pub enum Credential<'a> {
    /// `Authorization: Bearer` (RFC 6750 section 2.1).
    Bearer(&'a str),
    /// A field of its own, by name: `x-api-key`, `api-key`.
    Field(&'static str, &'a str),
}

/// An upstream inside this process: the sandbox model.
pub trait LocalUpstream: Send + Sync + 'static {
    /// Answers one request; `path` is relative to the API's root, for example `/chat/completions`.
    fn call(&self, path: &str, body: Bytes) -> BoxFuture<'static, Response<UpstreamBody>>;
}

/// Why a base URL cannot be a target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// Not an absolute URL.
    #[error("`{0}` is not an absolute http or https URL")]
    NotAbsolute(String),
    /// Plain HTTP to somewhere else than this machine.
    #[error("`{0}` is plain http and not a loopback address: use https")]
    PlainHttp(String),
    /// The URL carries a user name, password, query or fragment.
    #[error(
        "a base URL has neither credentials nor a query: put the key into `api_key` as an `env:` or `file:` reference"
    )]
    Decorated,
    /// The credential cannot stand in a header.
    #[error("the API key has characters that a header cannot hold")]
    Credential,
}

impl TargetId {
    /// A target by name.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(Arc::from(name))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TargetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Target {
    /// An HTTP upstream. The key goes into `Authorization` and is marked sensitive.
    ///
    /// # Errors
    /// [`TargetError`] says what is wrong with the URL or key.
    pub fn http(id: TargetId, base_url: &str, key: Option<&str>) -> Result<Self, TargetError> {
        Self::http_with(id, base_url, key.map(Credential::Bearer), &[])
    }

    /// An HTTP upstream with a credential of its kind, and header fields that each request gets.
    ///
    /// # Errors
    /// [`TargetError`] says what is wrong with the URL or key.
    pub fn http_with(
        id: TargetId,
        base_url: &str,
        credential: Option<Credential<'_>>,
        constant: &[(&'static str, &'static str)],
    ) -> Result<Self, TargetError> {
        let not_absolute = || TargetError::NotAbsolute(base_url.to_owned());
        if base_url.contains(['?', '#', '@']) {
            return Err(TargetError::Decorated);
        }
        let uri: Uri = base_url.parse().map_err(|_| not_absolute())?;
        let parts = uri.into_parts();
        let scheme = parts.scheme.ok_or_else(not_absolute)?;
        let authority = parts.authority.ok_or_else(not_absolute)?;
        if scheme == Scheme::HTTP {
            if !is_loopback(authority.host()) {
                return Err(TargetError::PlainHttp(base_url.to_owned()));
            }
        } else if scheme != Scheme::HTTPS {
            return Err(not_absolute());
        }
        let prefix =
            parts.path_and_query.map_or(String::new(), |p| p.path().trim_end_matches('/').to_owned());
        let mut fields: Vec<(HeaderName, HeaderValue)> = constant
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        if let Some(credential) = credential {
            let (name, value) = match credential {
                Credential::Bearer(key) => (http::header::AUTHORIZATION, format!("Bearer {key}")),
                Credential::Field(name, key) => (HeaderName::from_static(name), key.to_owned()),
            };
            let mut value = HeaderValue::try_from(value).map_err(|_| TargetError::Credential)?;
            value.set_sensitive(true);
            fields.push((name, value));
        }
        let (prefix, fields) = (Arc::from(prefix), Arc::from(fields));
        Ok(Self { id, kind: TargetKind::Http { scheme, authority, prefix, fields, tokens: None } })
    }

    /// The same upstream, shown a token with each request.
    #[must_use]
    pub fn with_tokens(mut self, source: Arc<dyn TokenSource>) -> Self {
        if let TargetKind::Http { tokens, .. } = &mut self.kind {
            *tokens = Some(source);
        }
        self
    }

    /// An upstream inside this process.
    #[must_use]
    pub fn local(id: TargetId, upstream: Arc<dyn LocalUpstream>) -> Self {
        Self { id, kind: TargetKind::Local(upstream) }
    }

    /// The target's name.
    #[must_use]
    pub fn id(&self) -> &TargetId {
        &self.id
    }

    /// Where it is, for people: scheme and authority, or `in-process`.
    #[must_use]
    pub fn location(&self) -> String {
        match &self.kind {
            TargetKind::Http { scheme, authority, .. } => format!("{scheme}://{authority}"),
            TargetKind::Local(_) => "in-process".to_owned(),
        }
    }

    /// Host and port of an HTTP target; `None` for one inside this process.
    #[must_use]
    pub fn authority(&self) -> Option<(String, u16)> {
        match &self.kind {
            TargetKind::Http { scheme, authority, .. } => {
                let default = if *scheme == Scheme::HTTPS { 443 } else { 80 };
                Some((authority.host().to_owned(), authority.port_u16().unwrap_or(default)))
            }
            TargetKind::Local(_) => None,
        }
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({} at {})", self.id, self.location())
    }
}

/// Whether a host is this machine: `localhost`, a name under it (RFC 6761 section 6.3) or a loopback address.
pub(crate) fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.parse::<IpAddr>()
        .map_or_else(|_| bare == "localhost" || bare.ends_with(".localhost"), |address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_urls_are_checked() {
        let make = |url: &str| Target::http(TargetId::new("x"), url, Some("k"));
        for good in [
            "https://api.example.com/v1",
            "http://127.0.0.1:9/v1/",
            "http://[::1]:9",
            "http://localhost:11434/v1",
        ] {
            assert!(make(good).is_ok(), "{good}");
        }
        assert!(matches!(make("http://10.0.0.1/v1"), Err(TargetError::PlainHttp(_))));
        assert!(matches!(make("http://localhost.evil.example/v1"), Err(TargetError::PlainHttp(_))));
        assert!(matches!(make("https://u:p@api.example.com"), Err(TargetError::Decorated)));
        assert!(matches!(make("/v1"), Err(TargetError::NotAbsolute(_))));
        assert!(matches!(make("ftp://a/v1"), Err(TargetError::NotAbsolute(_))));
        assert!(matches!(
            Target::http(TargetId::new("x"), "https://a", Some("a\nb")),
            Err(TargetError::Credential)
        ));
    }
}
