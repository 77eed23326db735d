//! The port through which a request is recorded. The gateway's user implements it over the ledger.

use std::fmt;

use futures_util::future::BoxFuture;
use stockade_domain::{AuditEvent, RequestId};

/// Resolves when the entry is on disk.
pub type Durable = BoxFuture<'static, Result<u64, AuditError>>;

/// Readable detail that goes into the erasable, encrypted payload beside an entry: JSON, already without anything that
/// a filter removed.
pub type Payload = Vec<u8>;

/// The record cannot be made durable. Whoever waits for it must answer fail-closed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the audit record could not be written: {0}")]
pub struct AuditError(pub String);

/// There is no room, or the ledger has stopped: no request may begin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the audit log takes no requests: {0}")]
pub struct Unavailable(pub String);

/// Where requests are recorded.
pub trait AuditSink: Send + Sync + 'static {
    /// Reserves room for an intent and an outcome, so that neither can fail for lack of it later.
    ///
    /// # Errors
    /// [`Unavailable`]: the request must be refused.
    fn reserve(&self, request: RequestId) -> Result<Box<dyn AuditSlot>, Unavailable>;

    /// Counts a request that was refused before its caller was known.
    fn rejected(&self, code: &'static str);
}

/// Reserved room for one request.
pub trait AuditSlot: Send + Sync {
    /// Queues an entry; never blocks. At most two entries (intent, outcome) fit.
    fn append(&mut self, event: AuditEvent, payload: Option<Payload>) -> Durable;
}

impl fmt::Debug for dyn AuditSlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuditSlot(..)")
    }
}
