//! Traffic of the installation itself: fetched for a purpose from a closed list, never for a caller and never with
//! anything of a caller's in it.
//!
//! The same dialling rules hold as for upstreams (addresses of metadata services are never dialled, plain HTTP stays on
//! this machine); redirects are not followed, and both the answer's size and its time are bounded.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::uri::Scheme;
use http::{HeaderName, HeaderValue, Method, Request, StatusCode, Uri, header};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;

use crate::client::exchange;
use crate::connect::Connector;
use crate::target::{TargetError, is_loopback};

/// From dialling to the last byte of an answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The metadata service's host.
const METADATA: &str = "169.254.169.254";

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The description of an identity provider (OpenID Connect Discovery 1.0 section 4).
    IssuerMetadata,
    /// The keys that it signs with (RFC 7517 section 5).
    IssuerKeys,
    /// Its answer to a code, where a person signs in at the console (RFC 6749 section 4.1.3).
    IssuerToken,
    /// A token with which the gateway asks an upstream (RFC 6749 section 4.4).
    UpstreamToken,
    /// The same, from the service that tells a machine who it is. The metadata service's address is dialled for this alone.
    ManagedIdentity,
    /// A collector's answer to traces of requests (OTLP 1.x over HTTP).
    Traces,
}

/// Where a request goes: an address that the operator configured, or that a provider he configured names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SystemTarget(Uri);

/// One request.
#[derive(Debug, Clone)]
pub struct SystemRequest {
    /// What for.
    pub purpose: Purpose,
    /// Where to.
    pub target: SystemTarget,
    /// What is sent; a request without one only fetches.
    pub form: Option<Form>,
    /// A header field that the other side insists on.
    pub field: Option<(HeaderName, HeaderValue)>,
}

/// Something that the installation tells another program.
#[derive(Clone)]
pub struct Report {
    /// What for.
    pub purpose: Purpose,
    /// Where to.
    pub target: SystemTarget,
    /// What the body is.
    pub media_type: &'static str,
    /// Header fields that the operator configured, as a credential.
    pub fields: Vec<(HeaderName, HeaderValue)>,
    /// What is told.
    pub body: Bytes,
}

/// A form that is posted (`application/x-www-form-urlencoded`).
#[derive(Clone)]
pub struct Form {
    /// The body, encoded.
    pub body: String,
    /// `Authorization`, where the other side wants to know who asks by that.
    pub authorization: Option<HeaderValue>,
}

/// The way out for the installation's own traffic.
#[derive(Clone)]
pub struct SystemClient {
    client: Client<Connector, Full<Bytes>>,
    /// Reaches the metadata service, and nothing else.
    metadata: Client<Connector, Full<Bytes>>,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SystemAnswer {
    /// The whole body.
    pub body: Bytes,
    /// What the other side says the time is (RFC 9110 section 6.6.1), as it wrote it.
    pub date: Option<String>,
}

/// Why there is no answer. For operators.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SystemError {
    /// No connection, or it broke.
    #[error("{0}")]
    Exchange(String),
    /// It took longer than ten seconds.
    #[error("no whole answer within {} s", TIMEOUT.as_secs())]
    Timeout,
    /// Not 200. Redirects are not followed.
    #[error("answered with status {0}")]
    Status(u16),
    /// Longer than such an answer can be.
    #[error("the answer is longer than {0} bytes")]
    TooLong(usize),
    /// Encoded although `identity` was asked for.
    #[error("the answer is encoded")]
    Encoded,
}

impl Purpose {
    /// The longest answer that is read, in bytes. Large providers have some hundred keys of 1 to 2 KiB with their
    /// certificates.
    const fn limit(self) -> usize {
        match self {
            Self::IssuerMetadata | Self::IssuerToken | Self::UpstreamToken | Self::ManagedIdentity => {
                256 << 10
            }
            Self::IssuerKeys => 1 << 20,
            Self::Traces => 64 << 10,
        }
    }
}

// === impl SystemTarget ===

impl SystemTarget {
    /// An absolute `https` URL, or `http` to this machine.
    ///
    /// # Errors
    /// [`TargetError`] says what is wrong with it.
    pub fn new(url: &str) -> Result<Self, TargetError> {
        let not_absolute = || TargetError::NotAbsolute(url.to_owned());
        if url.contains(['#', '@']) {
            return Err(TargetError::Decorated);
        }
        let uri: Uri = url.parse().map_err(|_| not_absolute())?;
        let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(not_absolute)?;
        match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => {}
            Some(scheme) if *scheme == Scheme::HTTP => {
                if !is_loopback(host) {
                    return Err(TargetError::PlainHttp(url.to_owned()));
                }
            }
            _ => return Err(not_absolute()),
        }
        Ok(Self(uri))
    }

    /// A managed identity's token at the metadata service, which has a fixed address and no TLS. Only a request for
    /// [`Purpose::ManagedIdentity`] gets there.
    ///
    /// # Errors
    /// When the query, which begins with `?`, cannot stand in a URL.
    pub fn metadata_service(query: &str) -> Result<Self, TargetError> {
        let url = format!("http://{METADATA}/metadata/identity/oauth2/token{query}");
        let uri: Uri = url.parse().map_err(|_| TargetError::NotAbsolute(url.clone()))?;
        Ok(Self(uri))
    }

    /// Host and port.
    #[must_use]
    pub fn authority(&self) -> Option<(&str, u16)> {
        let default = if self.0.scheme() == Some(&Scheme::HTTPS) { 443 } else { 80 };
        self.0.host().map(|host| (host, self.0.port_u16().unwrap_or(default)))
    }

    /// Whether it is on this machine, so that plain HTTP is good enough.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        self.0.host().is_some_and(is_loopback)
    }
}

impl std::fmt::Display for SystemTarget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

// === impl SystemClient ===

impl SystemClient {
    pub(crate) fn new(
        client: Client<Connector, Full<Bytes>>,
        metadata: Client<Connector, Full<Bytes>>,
    ) -> Self {
        Self { client, metadata }
    }

    /// Fetches what is at the target, or what it answers to the form.
    ///
    /// # Errors
    /// [`SystemError`]; nothing of a partial answer is given out.
    pub async fn fetch(&self, request: SystemRequest) -> Result<SystemAnswer, SystemError> {
        let limit = request.purpose.limit();
        tokio::time::timeout(TIMEOUT, self.exchange(request, limit))
            .await
            .unwrap_or(Err(SystemError::Timeout))
    }

    /// Tells something; gives what is answered.
    ///
    /// # Errors
    /// [`SystemError`]; nothing of a partial answer is given out.
    pub async fn report(&self, report: Report) -> Result<SystemAnswer, SystemError> {
        let Report { purpose, target, media_type, fields, body } = report;
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = target.0;
        let head = request.headers_mut();
        head.extend(fields);
        head.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
        head.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        head.insert(
            header::USER_AGENT,
            HeaderValue::from_static(concat!("stockade/", env!("CARGO_PKG_VERSION"))),
        );
        tokio::time::timeout(TIMEOUT, self.answer(request, purpose.limit()))
            .await
            .unwrap_or(Err(SystemError::Timeout))
    }

    async fn exchange(&self, request: SystemRequest, limit: usize) -> Result<SystemAnswer, SystemError> {
        let SystemRequest { purpose, target, form, field } = request;
        let is_metadata = purpose == Purpose::ManagedIdentity && target.0.host() == Some(METADATA);
        let mut head = Request::builder()
            .method(if form.is_some() { Method::POST } else { Method::GET })
            .uri(target.0)
            .header(header::ACCEPT, "application/json")
            .header(header::ACCEPT_ENCODING, "identity")
            .header(header::USER_AGENT, concat!("stockade/", env!("CARGO_PKG_VERSION")));
        if let Some((name, value)) = field {
            head = head.header(name, value);
        }
        let mut sent = Full::default();
        if let Some(Form { body, authorization }) = form {
            head = head.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
            if let Some(value) = authorization {
                head = head.header(header::AUTHORIZATION, value);
            }
            sent = Full::new(Bytes::from(body));
        }
        let request = head.body(sent).map_err(|error| SystemError::Exchange(error.to_string()))?;
        let client = if is_metadata { &self.metadata } else { &self.client };
        answered(client.request(request).await.map_err(|error| broken(&error))?, limit).await
    }

    async fn answer(&self, request: Request<Full<Bytes>>, limit: usize) -> Result<SystemAnswer, SystemError> {
        answered(self.client.request(request).await.map_err(|error| broken(&error))?, limit).await
    }
}

/// A whole answer, which must be a good one.
async fn answered<B>(response: http::Response<B>, limit: usize) -> Result<SystemAnswer, SystemError>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: std::error::Error + 'static,
{
    if response.status() != StatusCode::OK {
        return Err(SystemError::Status(response.status().as_u16()));
    }
    let is_encoded = |value: &HeaderValue| !value.as_bytes().eq_ignore_ascii_case(b"identity");
    if response.headers().get_all(header::CONTENT_ENCODING).iter().any(is_encoded) {
        return Err(SystemError::Encoded);
    }
    let date = response.headers().get(header::DATE).and_then(|date| date.to_str().ok()).map(str::to_owned);
    Ok(SystemAnswer { body: read(response.into_body(), limit).await?, date })
}

async fn read<B>(mut body: B, limit: usize) -> Result<Bytes, SystemError>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: std::error::Error + 'static,
{
    let mut out = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|error| broken(&error))?.into_data() else { continue };
        if out.len().saturating_add(data.len()) > limit {
            return Err(SystemError::TooLong(limit));
        }
        out.extend_from_slice(&data);
    }
    Ok(out.freeze())
}

fn broken(error: &(dyn std::error::Error + 'static)) -> SystemError {
    SystemError::Exchange(exchange(error).to_string())
}

impl std::fmt::Debug for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Its fields hold secrets.
        f.debug_struct("Report")
            .field("purpose", &self.purpose)
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Form {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // It holds codes and secrets.
        f.write_str("Form(..)")
    }
}

impl std::fmt::Debug for SystemClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SystemClient")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tls_leaves_this_machine() {
        for good in
            ["https://login.example.com/keys?appid=1", "http://127.0.0.1:9/jwks", "http://localhost/x"]
        {
            assert!(SystemTarget::new(good).is_ok(), "{good}");
        }
        for bad in [
            "http://login.example.com/keys",
            "http://localhost.evil.example/x",
            "https://u:p@login.example.com/",
            "https://login.example.com/#keys",
            "file:///etc/passwd",
            "//login.example.com/keys",
            "login.example.com",
            "",
        ] {
            assert!(SystemTarget::new(bad).is_err(), "{bad}");
        }
    }

    #[tokio::test]
    async fn an_answer_is_read_up_to_its_limit() {
        let body = |n: usize| Full::new(Bytes::from(vec![b'x'; n]));
        assert_eq!(read(body(10), 10).await.map(|b| b.len()), Ok(10));
        assert_eq!(read(body(11), 10).await, Err(SystemError::TooLong(10)));
    }
}
