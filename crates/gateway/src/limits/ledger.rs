//! The port through which use is kept, and what it says.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

use super::rule::{Claim, CounterKey};

/// Keeps use. All claims of a request are taken, or none: at no moment is settled and reserved use above a limit, however
/// many ask at once.
///
/// In one process it answers from memory ([`Meters`](super::Meters)). An implementation over a network does the same in one
/// step of the server's, and draws ahead what [`UsageLedger::extend`] gives, which is called where nothing can wait.
pub trait UsageLedger: Send + Sync + 'static {
    /// Reserves for a request and its answer of `tokens.least` to `tokens.most` tokens, as many as there is room for.
    fn reserve(&self, claims: Arc<[Claim]>, tokens: Tokens) -> BoxFuture<'static, Result<Reserved, Reached>>;

    /// Reserves for a longer answer: from `held` tokens on at least `least` more, at most `most`. Gives how many.
    ///
    /// # Errors
    /// [`Reached`]: the answer must end.
    fn extend(&self, claims: &[Claim], held: u64, tokens: Tokens) -> Result<u64, Reached>;

    /// The request has ended: what was reserved is given back, what was used is kept.
    fn settle(&self, claims: &[Claim], held: u64, spent: Spent);
}

/// How long an answer may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tokens {
    /// With fewer there is no answer.
    pub least: u64,
    /// More are not needed.
    pub most: u64,
}

/// What a request used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spent {
    /// Tokens, of prompt and answer.
    pub tokens: u64,
    /// Money, in billionths.
    pub money: u64,
}

/// What was reserved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reserved {
    /// So many tokens of answer.
    pub answer: u64,
    /// Where each claim's use stands now.
    pub levels: Vec<Level>,
}

/// A limit that is reached.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the limit `{}` is reached", at.key.limit)]
pub struct Reached {
    /// The limit, and how it stands.
    pub at: Level,
    /// When there may be room; `None` when there never is for this request.
    pub retry: Option<Duration>,
    /// Where the other claims' use stands.
    pub levels: Vec<Level>,
}

/// How the use of one limit stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Level {
    /// Whose, and of what.
    pub key: CounterKey,
    /// The limit.
    pub most: u64,
    /// Used in the window.
    pub used: u64,
    /// Reserved for requests under way.
    pub reserved: u64,
    /// When all of it will be free again, as far as it is settled.
    pub resets: Duration,
}

impl Level {
    /// What is left.
    #[must_use]
    pub fn left(&self) -> u64 {
        self.most.saturating_sub(self.used.saturating_add(self.reserved))
    }
}
