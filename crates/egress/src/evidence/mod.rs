//! The values that a request must become, in order, before it may leave.
//!
//! Fields are private and constructors take the step before, so holding one of these *is* the proof that the steps
//! before it happened. What a step needs from elsewhere (a decision, the edits) comes through a parameter whose type only
//! the right part can make.

mod audit;
mod authority;
mod cleared;
mod filtered;
mod stages;
mod ticket;

pub use audit::{AuditError, AuditSink, AuditSlot, Durable, Payload, Unavailable};
pub use authority::{Authority, Decision, Minter};
pub use cleared::{
    Admitted, Applied, ApplyObligations, Attempt, Cleared, Denied, Dispatch, NotPermitted, PendingIntent,
    Permit, Recorded, Unmet, admit, clear,
};
pub use filtered::{Cut, FilterStats, Filtered, Held, ResponseFilter, filter};
pub use stages::{
    Authenticated, Examined, Lease, LeaseEnd, Message, Parsed, ParsedSpan, Reference, SpanFinding, Tensor,
};
pub use ticket::{Closing, Ticket};
