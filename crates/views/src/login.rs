//! Signing in by way of an identity provider (OpenID Connect), as the console needs it.

use futures_util::future::BoxFuture;

use crate::session::NewSession;

/// A provider that people can sign in with.
pub trait Login: std::fmt::Debug + Send + Sync + 'static {
    /// What the provider is called on the page.
    fn provider(&self) -> &str;

    /// Begins: where the browser goes, and what it must bring back. `redirect` is where the provider sends it then.
    fn begin<'a>(&'a self, redirect: &'a str) -> BoxFuture<'a, Result<Begun, LoginError>>;

    /// Ends: the query that the provider sent the browser back with, and the secret that the browser kept. What was begun
    /// ends here whatever comes of it: each answer is good once.
    fn finish<'a>(
        &'a self,
        secret: &'a str,
        query: &'a str,
        redirect: &'a str,
    ) -> BoxFuture<'a, Result<NewSession, LoginError>>;
}

/// A login that was begun.
#[derive(Clone, PartialEq, Eq)]
pub struct Begun {
    /// Where the browser goes.
    pub url: String,
    /// What this browser keeps in a cookie, so that no other can finish: `A-Z a-z 0-9 - _`.
    pub secret: String,
}

/// Why nobody was signed in. The texts are safe to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LoginError {
    /// The answer belongs to no login that this browser began, or came too late or twice.
    #[error("this sign-in was not begun here, or took too long; begin again")]
    Unknown,
    /// The provider said no.
    #[error("the identity provider did not sign you in")]
    Denied,
    /// What the provider sent cannot be believed.
    #[error("the identity provider's answer could not be verified")]
    Unverified,
    /// The person is known and has no role here.
    #[error("you have no role in this console; ask its administrator for one")]
    NoRole,
    /// The provider cannot be reached, or the session not be recorded.
    #[error("the identity provider cannot be asked now; try again later")]
    Unavailable,
}

impl std::fmt::Debug for Begun {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Begun(..)")
    }
}
