//! The list of requests: one line each, filtered, in pages, newest first.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use stockade_domain::{Effect, EndReason, FindingKind, Micros, RequestId};

/// The most rows that a page holds.
pub const MAX_PAGE: usize = 100;

/// Where a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ending {
    /// It is still under way.
    Open,
    /// It has ended, and how.
    Ended(EndReason),
    /// The process ended before the request did, so nobody knows how it would have ended.
    Interrupted,
}

/// A word that is not an [`Ending`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a way in which a request ends")]
pub struct UnknownEnding;

/// Which requests to list. An empty filter lists all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestFilter {
    /// Only this workload's, by exact name.
    pub workload: Option<String>,
    /// Only those that were permitted, or only those that were denied.
    pub effect: Option<Effect>,
    /// Only those that stand like this.
    pub end: Option<Ending>,
    /// Only those that are older than this one: the cursor of the page before. Ids sort by time.
    pub before: Option<RequestId>,
    /// How many rows at most; read it with [`RequestFilter::page_size`].
    pub limit: usize,
}

/// Part of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows, newest first.
    pub rows: Vec<T>,
    /// The cursor of the next (older) page; `None` when this is the last.
    pub next: Option<RequestId>,
}

/// One request in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestRow {
    /// The request.
    pub id: RequestId,
    /// When its first byte arrived.
    pub time: Micros,
    /// The workload's name; the id where the name is not known any more.
    pub workload: String,
    /// The model that was asked for, as the client wrote it; may be empty.
    pub model: String,
    /// Surface, for example `openai.chat`.
    pub surface: String,
    /// Whether a stream was asked for.
    pub stream: bool,
    /// The decision; `None` when the request was refused before one was made.
    pub effect: Option<Effect>,
    /// Where it stands.
    pub end: Ending,
    /// The HTTP status that the client got; 0 when it got none, or none yet.
    pub status: u16,
    /// Findings of both directions, by kind.
    pub findings: BTreeMap<FindingKind, u64>,
    /// How many of them were replaced by a mark or a pseudonym.
    pub redactions: u64,
    /// Microseconds from the first byte of the request to its end; 0 while it is under way.
    pub duration_us: u64,
    /// The ledger index of the intent entry.
    pub intent: Option<u64>,
    /// The ledger index of the outcome (or `interrupted`) entry.
    pub outcome: Option<u64>,
}

// === impl Ending ===

impl Ending {
    /// All of them, in the order in which a person looks for them.
    pub const ALL: [Self; 13] = [
        Self::Open,
        Self::Ended(EndReason::Completed),
        Self::Ended(EndReason::Denied),
        Self::Ended(EndReason::Cut),
        Self::Ended(EndReason::Limited),
        Self::Ended(EndReason::Refused),
        Self::Ended(EndReason::ClientAborted),
        Self::Ended(EndReason::UpstreamFailed),
        Self::Ended(EndReason::Revoked),
        Self::Ended(EndReason::Expired),
        Self::Ended(EndReason::Shutdown),
        Self::Ended(EndReason::Internal),
        Self::Interrupted,
    ];

    /// The word used in URLs, the API and the store; for an end the same as in the ledger.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Ended(EndReason::Completed) => "completed",
            Self::Ended(EndReason::Denied) => "denied",
            Self::Ended(EndReason::Refused) => "refused",
            Self::Ended(EndReason::ClientAborted) => "client_aborted",
            Self::Ended(EndReason::UpstreamFailed) => "upstream_failed",
            Self::Ended(EndReason::Cut) => "cut",
            Self::Ended(EndReason::Limited) => "limited",
            Self::Ended(EndReason::Revoked) => "revoked",
            Self::Ended(EndReason::Expired) => "expired",
            Self::Ended(EndReason::Shutdown) => "shutdown",
            Self::Ended(EndReason::Internal) => "internal",
            Self::Interrupted => "interrupted",
        }
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Ending {
    type Err = UnknownEnding;

    fn from_str(text: &str) -> Result<Self, UnknownEnding> {
        Self::ALL.into_iter().find(|ending| ending.as_str() == text).ok_or(UnknownEnding)
    }
}

// === impl RequestFilter ===

impl RequestFilter {
    /// How many rows to give: at least one, at most [`MAX_PAGE`].
    #[must_use]
    pub fn page_size(&self) -> usize {
        self.limit.clamp(1, MAX_PAGE)
    }

    /// Whether a row belongs in the list; the cursor and the limit are the page's affair.
    #[must_use]
    pub fn admits(&self, row: &RequestRow) -> bool {
        self.workload.as_ref().is_none_or(|name| *name == row.workload)
            && self.effect.is_none_or(|effect| Some(effect) == row.effect)
            && self.end.is_none_or(|end| end == row.end)
    }
}

impl Default for RequestFilter {
    fn default() -> Self {
        Self { workload: None, effect: None, end: None, before: None, limit: 50 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_round_trip() {
        for ending in Ending::ALL {
            assert_eq!(ending.as_str().parse(), Ok(ending));
        }
        assert_eq!("OPEN".parse::<Ending>(), Err(UnknownEnding));
    }

    #[test]
    fn a_page_is_never_empty_by_request_and_never_too_long() {
        for (limit, size) in [(0, 1), (7, 7), (usize::MAX, MAX_PAGE)] {
            assert_eq!(RequestFilter { limit, ..RequestFilter::default() }.page_size(), size);
        }
    }
}
