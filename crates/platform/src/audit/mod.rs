//! The record of everything: requests by way of the gateway's port, and what operators do.

mod feed;
mod index;
mod rejections;
mod row;
mod sink;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use stockade_domain::{AuditEvent, Clock};
use stockade_ledger::Ledger;

pub use feed::{Counts, Feed};
pub(crate) use index::Indexer;
pub(crate) use row::{INTERRUPTED, REDACTED, STREAM, UNDECIDED, of as row_of};
pub use sink::Recorder;

use crate::error::PlatformError;
use rejections::Rejected;

/// Writes to the ledger and tells the feed.
pub struct Journal {
    ledger: Ledger,
    clock: Arc<dyn Clock>,
    feed: Arc<Feed>,
    rejected: Rejected,
    /// Whether readable text is recorded.
    payloads: AtomicBool,
}

impl Journal {
    pub(crate) fn new(ledger: Ledger, clock: Arc<dyn Clock>, feed: Arc<Feed>) -> Self {
        let rejected = Rejected::new(clock.now());
        Self { ledger, clock, feed, rejected, payloads: AtomicBool::new(true) }
    }

    /// The ledger.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// What goes on now.
    #[must_use]
    pub fn feed(&self) -> &Arc<Feed> {
        &self.feed
    }

    /// Whether readable text is recorded from now on.
    pub fn record_payloads(&self, yes: bool) {
        self.payloads.store(yes, Ordering::Relaxed);
    }

    /// Records what an operator or the system does, and waits until that is on disk. Blocks.
    ///
    /// # Errors
    /// When it is not on disk: then it must not be done.
    pub fn admin<'a>(
        &self,
        action: &str,
        actor: &str,
        detail: impl IntoIterator<Item = (&'a str, String)>,
    ) -> Result<u64, PlatformError> {
        let detail: BTreeMap<_, _> = detail.into_iter().map(|(k, v)| (k.to_owned(), v)).collect();
        let event = AuditEvent::Admin {
            time: self.clock.now(),
            action: action.to_owned(),
            actor: actor.to_owned(),
            detail,
        };
        Ok(self.ledger.reserve(1)?.append_blocking(&event, None)?.index)
    }

    /// Counters since the start.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.feed.counts(self.rejected.total())
    }

    /// Writes the refusals since the last time, if there were any, as one entry. Called once a second. Blocks.
    ///
    /// # Errors
    /// When it is not on disk; the counts are kept for the next time.
    pub fn write_rejections(&self) -> Result<(), PlatformError> {
        let Some(event) = self.rejected.take(self.clock.now()) else { return Ok(()) };
        let written = match self.ledger.reserve(1) {
            Ok(mut room) => room
                .append_blocking(&AuditEvent::Rejections(event.clone()), None)
                .map_err(PlatformError::from),
            Err(error) => Err(error.into()),
        };
        match written {
            Ok(_) => Ok(()),
            Err(error) => {
                self.rejected.put_back(event);
                Err(error)
            }
        }
    }
}

impl std::fmt::Debug for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Journal").field("ledger", &self.ledger).finish_non_exhaustive()
    }
}
