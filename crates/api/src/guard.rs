//! The guard: which requests may come in at all, before anybody asks who sent them.
//!
//! A console on loopback is reachable by every page that the person's browser has open. Three checks keep such a page
//! out: the `Host` is one of ours (against DNS rebinding), the request does not come from another site (Fetch Metadata,
//! <https://www.w3.org/TR/fetch-metadata/>), and its `Origin` is the host that it speaks to (RFC 6454 section 7).

use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use stockade_views::{NewSession, Session, Sessions};

/// The site that a listener serves: its names, and whether it is reached by TLS.
#[derive(Debug, Clone)]
pub struct Site {
    hosts: Vec<String>,
    secure: bool,
}

/// Why a request is turned away at the door. The texts say nothing that a stranger could use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The `Host` is missing, doubled or not one of ours.
    #[error("this server does not answer for the host that was asked for")]
    Host,
    /// Fetch Metadata or `Origin` say that another site sent it.
    #[error("requests from other sites are refused")]
    CrossSite,
    /// It would change something, and nothing says that it comes from our own pages.
    #[error("a request that changes something has to come from a page of this site")]
    NoOrigin,
    /// It would change something, and its token is not the session's.
    #[error("the form is out of date; load the page again")]
    Token,
    /// It would change something, and the person's role lets look only.
    #[error("your role lets you look at this, not change it")]
    Role,
}

/// How long a person may take at the identity provider, in seconds.
const LOGIN_SECONDS: u64 = 600;

/// A header that is there once, or not at all.
enum Single<'a> {
    Absent,
    Value(&'a str),
    Malformed,
}

/// Adds the headers that every answer carries, pages and data alike. Nothing is cached that does not say so itself.
pub fn harden(headers: &mut HeaderMap, content_security_policy: &'static str) {
    const FIXED: [(HeaderName, &str); 7] = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-embedder-policy"), "require-corp"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (
            HeaderName::from_static("permissions-policy"),
            "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        ),
    ];
    for (name, value) in FIXED {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(content_security_policy));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

fn single(headers: &HeaderMap, name: HeaderName) -> Single<'_> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Single::Absent,
        (Some(value), None) => value.to_str().map_or(Single::Malformed, Single::Value),
        (Some(_), Some(_)) => Single::Malformed,
    }
}

/// Whether a browser says that this opens a page, which is what a link from elsewhere does.
fn opens_page(headers: &HeaderMap) -> bool {
    let is = |name: &'static str, wanted: &str| matches!(single(headers, HeaderName::from_static(name)), Single::Value(v) if v == wanted);
    is("sec-fetch-mode", "navigate") && is("sec-fetch-dest", "document")
}

/// A cookie that is there once.
fn read_cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let mut found = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(key, _)| *key == name)
        .map(|(_, value)| value);
    let value = found.next()?;
    (found.next().is_none() && (1..=128).contains(&value.len())).then_some(value)
}

// === impl Site ===

impl Site {
    /// A site that answers for these hosts, each as a browser sends it: `name:port`, the port left out where it is the
    /// scheme's own. `secure` says that the listener speaks TLS.
    #[must_use]
    pub fn new(hosts: impl IntoIterator<Item = impl Into<String>>, secure: bool) -> Self {
        Self { hosts: hosts.into_iter().map(|host| host.into().to_ascii_lowercase()).collect(), secure }
    }

    /// Whether a request may come in.
    ///
    /// # Errors
    /// [`Refusal`] when it may not; nothing of the request was looked at but its head.
    pub fn admit(&self, request: &Parts) -> Result<(), Refusal> {
        let host = self.host(request)?;
        let changes = !matches!(request.method, Method::GET | Method::HEAD);
        let same_origin = match single(&request.headers, HeaderName::from_static("sec-fetch-site")) {
            Single::Absent => false,
            Single::Value("same-origin") => true,
            Single::Value("none") if !changes => false,
            // Strict cookies are not sent with a link from elsewhere, and opening a page changes nothing.
            Single::Value(_) if !changes && opens_page(&request.headers) => false,
            Single::Value(_) | Single::Malformed => return Err(Refusal::CrossSite),
        };
        match single(&request.headers, header::ORIGIN) {
            Single::Value(origin) if self.is_origin(origin, &host) => Ok(()),
            // Our `Referrer-Policy` makes a browser write `null` for our own forms (Fetch, "append a request `Origin`
            // header"). A frame or sandbox that is foreign has no `same-origin` beside it.
            Single::Value("null") if same_origin => Ok(()),
            Single::Absent if same_origin || !changes => Ok(()),
            Single::Absent => Err(Refusal::NoOrigin),
            Single::Value(_) | Single::Malformed => Err(Refusal::CrossSite),
        }
    }

    /// Who is signed in, by the request's cookie.
    #[must_use]
    pub fn session(&self, headers: &HeaderMap, sessions: &dyn Sessions) -> Option<Session> {
        sessions.session(self.cookie(headers)?)
    }

    /// The session cookie's value. Two of the name are as good as none: one of them was planted.
    #[must_use]
    pub fn cookie<'h>(&self, headers: &'h HeaderMap) -> Option<&'h str> {
        read_cookie(headers, self.cookie_name())
    }

    /// The `Set-Cookie` that begins a session; `None` when the value does not fit into a header.
    #[must_use]
    pub fn begin_cookie(&self, session: &NewSession) -> Option<HeaderValue> {
        let seconds = session.expires.since(session.since) / 1_000_000;
        self.set_cookie(&session.cookie, seconds)
    }

    /// The `Set-Cookie` that takes the session's cookie away.
    #[must_use]
    pub fn end_cookie(&self) -> Option<HeaderValue> {
        self.set_cookie("", 0)
    }

    /// The scheme and host that a request names, as its browser writes them.
    ///
    /// # Errors
    /// [`Refusal::Host`] when it is none of ours.
    pub fn origin(&self, request: &Parts) -> Result<String, Refusal> {
        let scheme = if self.secure { "https" } else { "http" };
        self.host(request).map(|host| format!("{scheme}://{host}"))
    }

    /// What a browser keeps while its person is at the identity provider. It is sent with the link back (`Lax`).
    #[must_use]
    pub fn begin_login_cookie(&self, secret: &str) -> Option<HeaderValue> {
        self.write_cookie(self.login_cookie_name(), secret, LOGIN_SECONDS, "Lax")
    }

    /// Takes it away.
    #[must_use]
    pub fn end_login_cookie(&self) -> Option<HeaderValue> {
        self.write_cookie(self.login_cookie_name(), "", 0, "Lax")
    }

    /// What the browser kept.
    #[must_use]
    pub fn login_cookie<'h>(&self, headers: &'h HeaderMap) -> Option<&'h str> {
        read_cookie(headers, self.login_cookie_name())
    }

    fn login_cookie_name(&self) -> &'static str {
        if self.secure { "__Host-stockade-login" } else { "stockade-login" }
    }

    fn set_cookie(&self, value: &str, seconds: u64) -> Option<HeaderValue> {
        self.write_cookie(self.cookie_name(), value, seconds, "Strict")
    }

    fn write_cookie(&self, name: &str, value: &str, seconds: u64, same_site: &str) -> Option<HeaderValue> {
        let secure = if self.secure { "; Secure" } else { "" };
        let cookie =
            format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite={same_site}{secure}");
        let mut header = HeaderValue::try_from(cookie).ok()?;
        header.set_sensitive(true);
        Some(header)
    }

    /// `__Host-` binds a cookie to this host and path (RFC 6265bis section 4.1.3.2), which browsers believe over TLS
    /// only.
    fn cookie_name(&self) -> &'static str {
        if self.secure { "__Host-stockade" } else { "stockade" }
    }

    /// The authority that was asked for: every one that the request names must be ours, and there must be one.
    fn host(&self, request: &Parts) -> Result<String, Refusal> {
        let header = match single(&request.headers, header::HOST) {
            Single::Absent => None,
            Single::Value(host) => Some(host.to_ascii_lowercase()),
            Single::Malformed => return Err(Refusal::Host),
        };
        let target = request.uri.authority().map(|a| a.as_str().to_ascii_lowercase());
        match (header, target) {
            (Some(host), None) | (None, Some(host)) if self.hosts.contains(&host) => Ok(host),
            (Some(host), Some(target)) if host == target && self.hosts.contains(&host) => Ok(host),
            _ => Err(Refusal::Host),
        }
    }

    fn is_origin(&self, origin: &str, host: &str) -> bool {
        let scheme = if self.secure { "https" } else { "http" };
        origin.split_once("://").is_some_and(|(s, h)| s == scheme && h.eq_ignore_ascii_case(host))
    }
}

// === impl Refusal ===

impl Refusal {
    /// The HTTP status.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        match self {
            Self::Host => StatusCode::MISDIRECTED_REQUEST,
            Self::CrossSite | Self::NoOrigin | Self::Token | Self::Role => StatusCode::FORBIDDEN,
        }
    }

    /// The stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Host => "unknown_host",
            Self::CrossSite => "cross_site",
            Self::NoOrigin => "origin_missing",
            Self::Token => "form_token",
            Self::Role => "role",
        }
    }
}
