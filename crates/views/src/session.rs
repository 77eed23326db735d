//! Who may look: sessions that begin with a one-time link from the command line.

use stockade_domain::Micros;

/// The sessions of people at the console. Every call answers from memory.
pub trait Sessions: Send + Sync + 'static {
    /// Uses up a sign-in link's token and begins a session. A token works once, for ten minutes.
    ///
    /// # Errors
    /// [`LinkError`]: the token is not good (any more). Nothing is said about which tokens exist.
    fn consume_link(&self, token: &str) -> Result<NewSession, LinkError>;

    /// The session that a cookie's value belongs to, when it has not ended or run out.
    fn session(&self, cookie: &str) -> Option<Session>;

    /// Ends the session, at once.
    fn end(&self, cookie: &str);
}

/// The tokens by which programs of the operator read the API. Every call answers from memory.
pub trait Tokens: Send + Sync + 'static {
    /// Who presents a token, when it is good now.
    fn reader(&self, presented: &str) -> Option<Reader>;
}

/// Who looks at a request, and how far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reader {
    /// A program that may see records, and no text.
    OfRecords,
    /// Whoever may see recorded text; each look at one is recorded under this name.
    OfText(String),
}

/// A session that has just begun.
#[derive(Clone, PartialEq, Eq)]
pub struct NewSession {
    /// The value of the cookie: a secret of at least 128 bits in `A-Z a-z 0-9 - _`.
    pub cookie: String,
    /// When it ends by itself.
    pub expires: Micros,
    /// When it began; with `expires` this gives the cookie's age.
    pub since: Micros,
}

/// What a person may do at the console and with the API. Of several roles the one counts that stands first here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Everything.
    Admin,
    /// See everything, recorded text included, each look at it recorded; change nothing.
    Auditor,
    /// See requests, decisions and proofs, and change what pages let one change; no text.
    Operator,
    /// See requests, decisions and proofs; no text.
    Viewer,
}

/// A session that is good.
#[derive(Clone, PartialEq, Eq)]
pub struct Session {
    /// What the person may do.
    pub role: Role,
    /// The person in records: `console` for whoever used a link of the command line, else a keyed pseudonym.
    pub who: String,
    /// The token that a state-changing request of this session has to carry, in `A-Z a-z 0-9 - _`.
    pub csrf: String,
    /// When it began.
    pub since: Micros,
    /// When it ends by itself.
    pub expires: Micros,
}

/// A sign-in link that cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// Unknown, used or run out: the three are not told apart.
    #[error("the sign-in link was used or has run out")]
    Spent,
    /// Too many tries in a short time.
    #[error("too many sign-in attempts")]
    TooMany,
}

impl Role {
    /// All of them, in the order in which they count.
    pub const ALL: [Self; 4] = [Self::Admin, Self::Auditor, Self::Operator, Self::Viewer];

    /// The word used in configuration and records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Auditor => "auditor",
            Self::Admin => "admin",
        }
    }

    /// Whether what pages let one change may be changed.
    #[must_use]
    pub const fn changes(self) -> bool {
        matches!(self, Self::Operator | Self::Admin)
    }

    /// Whether recorded text may be seen.
    #[must_use]
    pub const fn sees_text(self) -> bool {
        matches!(self, Self::Auditor | Self::Admin)
    }
}

impl std::str::FromStr for Role {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|role| role.as_str() == word).ok_or(())
    }
}

impl Session {
    /// How far this person sees.
    #[must_use]
    pub fn reader(&self) -> Reader {
        if self.role.sees_text() { Reader::OfText(self.who.clone()) } else { Reader::OfRecords }
    }
}

impl Reader {
    /// A person who is signed in at the console.
    #[must_use]
    pub fn console() -> Self {
        Self::OfText("console".to_owned())
    }
}

impl std::fmt::Debug for NewSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewSession").field("expires", &self.expires).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("expires", &self.expires).finish_non_exhaustive()
    }
}
