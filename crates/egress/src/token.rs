//! Credentials of upstreams that run out: fetched when they are needed, through the installation's own way out.

use futures_util::future::BoxFuture;
use http::HeaderValue;

use crate::system::SystemClient;

/// Who has a token for an upstream.
pub trait TokenSource: Send + Sync + 'static {
    /// What stands in `Authorization` of the next request. It is marked sensitive.
    fn token<'a>(&'a self, system: &'a SystemClient) -> BoxFuture<'a, Result<HeaderValue, TokenError>>;

    /// The upstream did not take the token: the next request needs another one.
    fn refused(&self);
}

/// Why there is no token. For operators; it holds nothing secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no token for the upstream: {0}")]
pub struct TokenError(pub String);
