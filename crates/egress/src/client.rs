//! The one client for callers' traffic.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri, header};
use http_body::{Body, Frame};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::{Instant, Sleep};

use crate::connect::Connector;
use crate::evidence::{Attempt, Authority, Minter};
use crate::system::SystemClient;
use crate::target::{Target, TargetKind};
use crate::token::TokenError;

/// A body on its way back from an upstream.
pub type UpstreamBody = UnsyncBoxBody<Bytes, SendError>;

/// Times that bound an exchange with an upstream.
#[derive(Debug, Clone, Copy)]
pub struct EgressOptions {
    /// Until a connection stands, TLS included.
    pub connect_timeout: Duration,
    /// Until the head of the answer is there.
    pub head_timeout: Duration,
    /// Between two pieces of the answer's body.
    pub idle_timeout: Duration,
}

/// The one way out.
pub struct Egress {
    client: Client<Connector, Full<Bytes>>,
    system: SystemClient,
    authority: Arc<Authority>,
    options: EgressOptions,
}

/// The longest wait that an upstream is believed to ask for, in seconds.
const MAX_RETRY_AFTER: u64 = 3_600;

/// An upstream's answer. Its headers are read here and nowhere else: only what a filter asks for goes on.
pub struct UpstreamResponse {
    status: StatusCode,
    content_type: Option<HeaderValue>,
    content_encoding: Option<HeaderValue>,
    retry_after: Option<HeaderValue>,
    body: UpstreamBody,
}

/// Why an upstream gave no (whole) answer. The messages are for operators, never for callers.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The permit was made by another authority than this client's, or has run out.
    #[error("the permit is not valid here")]
    Permit,
    /// No connection, or it broke.
    #[error("the exchange with the upstream failed: {0}")]
    Exchange(String),
    /// It took too long.
    #[error("the upstream did not answer in time")]
    Timeout,
    /// There is no token to show it.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The request could not be put into HTTP.
    #[error("the request cannot be expressed in HTTP: {0}")]
    Build(String),
}

impl Default for EgressOptions {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            head_timeout: Duration::from_secs(300),
            idle_timeout: Duration::from_secs(120),
        }
    }
}

// === impl Egress ===

impl Egress {
    /// A client and the minter whose decisions it accepts. The minter goes to the policy engine and nowhere else.
    ///
    /// # Errors
    /// When the cryptographic provider offers no TLS version (which no input explains).
    pub fn new(options: EgressOptions) -> Result<(Self, Minter), rustls::Error> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut roots = rustls::RootCertStore::empty();
        // A machine without a certificate store can still use loopback upstreams: TLS then fails on its own.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let mut tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        let connector = Connector::new(Arc::new(tls), options.connect_timeout);
        let metadata = Client::builder(TokioExecutor::new()).build(connector.clone().into_metadata());
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(60))
            .http1_max_headers(128)
            .build(connector);
        let (authority, minter) = Authority::pair();
        let system = SystemClient::new(client.clone(), metadata);
        Ok((Self { client, system, authority, options }, minter))
    }

    /// The authority whose decisions this client accepts; [`crate::evidence::clear`] asks for it.
    #[must_use]
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// The way out for traffic that is no caller's.
    #[must_use]
    pub fn system(&self) -> SystemClient {
        self.system.clone()
    }

    /// Sends one attempt of a cleared request.
    ///
    /// # Errors
    /// [`SendError`]; the caller of the gateway learns only that the upstream failed.
    pub async fn send(&self, attempt: Attempt<'_>) -> Result<UpstreamResponse, SendError> {
        if !attempt.permit().is_from(&self.authority) {
            return Err(SendError::Permit);
        }
        let target = attempt.target();
        let body = attempt.body().clone();
        let response = match &target.kind {
            TargetKind::Local(upstream) => upstream.call(attempt.path(), body).await,
            TargetKind::Http { tokens, .. } => {
                let token = match tokens {
                    Some(tokens) => Some(tokens.token(&self.system).await?),
                    None => None,
                };
                let mut request = build(target, attempt.path(), attempt.fields(), body)?;
                if attempt.fetches() {
                    *request.method_mut() = Method::GET;
                    request.headers_mut().remove(header::CONTENT_TYPE);
                }
                if let Some(token) = token {
                    request.headers_mut().insert(header::AUTHORIZATION, token);
                }
                let response = tokio::time::timeout(self.options.head_timeout, self.client.request(request))
                    .await
                    .map_err(|_| SendError::Timeout)?
                    .map_err(|error| exchange(&error))?;
                if let Some(tokens) =
                    tokens.as_ref().filter(|_| response.status() == StatusCode::UNAUTHORIZED)
                {
                    tokens.refused();
                }
                response.map(|body| body.map_err(|e| exchange(&e)).boxed_unsync())
            }
        };
        let (head, body) = response.into_parts();
        Ok(UpstreamResponse {
            status: head.status,
            content_type: single(&head.headers, &header::CONTENT_TYPE),
            content_encoding: single(&head.headers, &header::CONTENT_ENCODING),
            retry_after: single(&head.headers, &header::RETRY_AFTER),
            body: IdleTimeout::new(body, self.options.idle_timeout).boxed_unsync(),
        })
    }
}

impl std::fmt::Debug for Egress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Egress").field("options", &self.options).finish_non_exhaustive()
    }
}

/// A request made anew: none of the caller's headers travel on but checked words that say how the body is meant. `Accept-Encoding: identity` because the answer must be
/// read (RFC 9110 section 12.5.3).
fn build(
    target: &Target,
    path: &str,
    meant: &[(HeaderName, HeaderValue)],
    body: Bytes,
) -> Result<Request<Full<Bytes>>, SendError> {
    let TargetKind::Http { scheme, authority, prefix, fields, .. } = &target.kind else {
        return Err(SendError::Build("not an HTTP target".to_owned()));
    };
    let uri = Uri::builder()
        .scheme(scheme.clone())
        .authority(authority.clone())
        .path_and_query(format!("{prefix}{path}"))
        .build()
        .map_err(|e| SendError::Build(e.to_string()))?;
    let mut request = Request::post(uri)
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::ACCEPT_ENCODING, "identity")
        .header(header::USER_AGENT, concat!("stockade/", env!("CARGO_PKG_VERSION")))
        .body(Full::new(body))
        .map_err(|e| SendError::Build(e.to_string()))?;
    for (name, value) in fields.iter().chain(meant) {
        request.headers_mut().insert(name.clone(), value.clone());
    }
    Ok(request)
}

fn single(headers: &HeaderMap, name: &HeaderName) -> Option<HeaderValue> {
    headers.get(name).cloned()
}

/// The whole chain of causes, for the operator's log.
pub(crate) fn exchange(error: &(dyn std::error::Error + 'static)) -> SendError {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    if text.contains("in time") { SendError::Timeout } else { SendError::Exchange(text) }
}

// === impl UpstreamResponse ===

impl UpstreamResponse {
    /// The upstream's status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The media type without parameters, lower case.
    #[must_use]
    pub fn media_type(&self) -> Option<String> {
        let text = self.content_type.as_ref()?.to_str().ok()?;
        Some(text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
    }

    /// Whether the body came encoded although `identity` was asked for.
    #[must_use]
    pub fn is_encoded(&self) -> bool {
        self.content_encoding.as_ref().is_some_and(|v| !v.as_bytes().eq_ignore_ascii_case(b"identity"))
    }

    /// The seconds that the upstream asks to wait (RFC 9110 section 10.2.3), at least one and at most an hour; a date is
    /// not read.
    #[must_use]
    pub fn retry_after(&self) -> Option<u64> {
        let seconds: u64 = self.retry_after.as_ref()?.to_str().ok()?.trim().parse().ok()?;
        Some(seconds.clamp(1, MAX_RETRY_AFTER))
    }

    /// Whether an answer that is an error says that the request is too long for the model: what a caller can mend by itself.
    /// Nothing else of the answer is told; of a body that is long or slow in coming, only the beginning counts.
    pub async fn is_too_long(self) -> bool {
        const MOST: usize = 16 << 10;
        const WAIT: Duration = Duration::from_secs(2);
        let mut body = self.body;
        let mut read = Vec::new();
        let _ = tokio::time::timeout(WAIT, async {
            while let Some(Ok(frame)) = body.frame().await {
                if let Ok(data) = frame.into_data() {
                    read.extend_from_slice(data.get(..data.len().min(MOST)).unwrap_or_default());
                }
                if read.len() >= MOST {
                    break;
                }
            }
        })
        .await;
        // OpenAI's code; Anthropic's words.
        let said = String::from_utf8_lossy(&read);
        ["context_length_exceeded", "prompt is too long"].iter().any(|words| said.contains(words))
    }

    pub(crate) fn into_body(self) -> UpstreamBody {
        self.body
    }
}

impl std::fmt::Debug for UpstreamResponse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UpstreamResponse").field("status", &self.status).finish_non_exhaustive()
    }
}

/// A body that fails when no piece comes for too long.
struct IdleTimeout {
    inner: UpstreamBody,
    limit: Duration,
    sleep: Pin<Box<Sleep>>,
    armed: bool,
}

impl IdleTimeout {
    fn new(inner: UpstreamBody, limit: Duration) -> Self {
        Self { inner, limit, sleep: Box::pin(tokio::time::sleep(limit)), armed: false }
    }
}

impl Body for IdleTimeout {
    type Data = Bytes;
    type Error = SendError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, SendError>>> {
        let this = &mut *self;
        if let Poll::Ready(frame) = Pin::new(&mut this.inner).poll_frame(cx) {
            this.armed = false;
            return Poll::Ready(frame);
        }
        if !this.armed {
            this.armed = true;
            this.sleep.as_mut().reset(Instant::now() + this.limit);
        }
        match this.sleep.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Some(Err(SendError::Timeout))),
            Poll::Pending => Poll::Pending,
        }
    }
}
