//! The vocabulary that every layer of Stockade shares.
//!
//! Nothing here performs IO, reads a clock or draws randomness: values come in, values go out. A type
//! belongs here when at least two crates that must not see each other need to speak of it.

mod asked;
mod audit;
mod caller;
mod decision;
mod finding;
mod id;
mod label;
mod reference;
mod span;
mod time;
mod untrusted;
mod workload;

pub use asked::{Asked, Trial};
pub use audit::{
    AuditEvent, Charge, DecisionRecord, DetectorRun, EndReason, FindingRecord, Handling, Inspection, Intent,
    IntentMode, Interrupted, MAX_RECORDED_FINDINGS, Outcome, RejectionCount, Rejections, Usage,
};
pub use caller::{
    Caller, CallerRecord, CertificateFacts, CredentialKind, EndUser, TokenFacts, TokenRecord, UserProof,
};
pub use decision::{Action, Effect, Obligation, ObligationError};
pub use finding::{Confidence, Finding, FindingKind, Incomplete, Ran, Severity};
pub use id::{FindingId, IdError, IncidentId, KeyId, RequestId, TenantId, WorkloadId};
pub use label::{Label, LabelOrder, UnknownLabel};
pub use reference::{Framework, FrameworkRef, FrameworkRefError};
pub use span::{Channel, Direction, Role, Span, SpanRef};
pub use time::{Clock, Micros};
pub use untrusted::Untrusted;
pub use workload::{Audience, Exposure, Workload, WorkloadName, WorkloadNameError};
