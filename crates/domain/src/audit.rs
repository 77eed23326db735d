//! What the ledger says about a request: an intent before it is answered, an outcome after.
//!
//! Entries hold ids, counts, commitments and keyed pseudonyms only. Anything readable (text, addresses, header values)
//! goes into the erasable payload that stands beside the entry.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::asked::{Asked, Trial, is_zero};
use crate::caller::CallerRecord;
use crate::decision::{Action, Effect, Obligation};
use crate::finding::FindingKind;
use crate::id::RequestId;
use crate::span::{Channel, Direction};
use crate::time::Micros;

/// How many findings an entry lists one by one; the rest is only counted. Keeps an entry under the ledger's 16 KiB.
pub const MAX_RECORDED_FINDINGS: usize = 32;

/// One entry of the ledger.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum AuditEvent {
    /// A request was decided and, if permitted, is about to be answered.
    Intent(Box<Intent>),
    /// A request has ended.
    Outcome(Box<Outcome>),
    /// A request whose outcome was never written because the process ended; written at the next start.
    Interrupted(Interrupted),
    /// Requests that were refused before their caller was known, counted.
    Rejections(Rejections),
    /// Something an operator or the system did: keys, workloads, configuration, views of recorded text.
    Admin {
        /// When.
        time: Micros,
        /// A stable word, for example `key.create`.
        action: String,
        /// Who: `cli`, `system`, or a console session's pseudonym.
        actor: String,
        /// Ids and counts that say what it touched.
        detail: BTreeMap<String, String>,
    },
}

/// When the answer's first byte may leave, and when the request may be dispatched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IntentMode {
    /// Dispatched at once; no byte of an answer leaves before the intent is durable.
    Overlap,
    /// Dispatched only after the intent is durable.
    Strict,
}

/// A decision as the ledger keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecisionRecord {
    /// Permit or deny.
    pub effect: Effect,
    /// Ids of the policies that decided.
    pub policies: Vec<String>,
    /// SHA-256 over the policy set, lower-case hex.
    pub policy_hash: String,
    /// Stable reason codes, for example `default_deny`.
    pub reasons: Vec<String>,
    /// What had to be done.
    pub obligations: Vec<Obligation>,
    /// What it was decided on, where a model was asked for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub asked: Option<Box<Asked>>,
    /// What it would have been with policies that are only observed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub trial: Option<Box<Trial>>,
}

impl DecisionRecord {
    /// The reason of a denial where a policy could not be evaluated.
    pub const POLICY_ERROR: &str = "policy_error";

    /// The reason of a denial where text has a higher label than where it would go.
    pub const LABEL_TOO_HIGH: &str = "label_too_high";

    /// The stable code of a denial: whether policy said no, or could not be asked.
    #[must_use]
    pub fn denial_code(&self) -> &'static str {
        if self.reasons.iter().any(|reason| reason == Self::POLICY_ERROR) {
            Self::POLICY_ERROR
        } else if self.reasons.iter().any(|reason| reason == Self::LABEL_TOO_HIGH) {
            Self::LABEL_TOO_HIGH
        } else {
            "policy_denied"
        }
    }
}

/// A detector that ran, on how many spans and bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DetectorRun {
    /// The detector's id.
    pub detector: String,
    /// On how many spans.
    pub spans: u64,
    /// On how many bytes.
    pub bytes: u64,
}

/// What was done with a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Handling {
    /// Only noted.
    Noted,
    /// Replaced by a mark.
    Redacted,
    /// Replaced by a pseudonym.
    Pseudonymised,
    /// The request or answer was stopped for it.
    Blocked,
}

/// A finding as the ledger keeps it: where and what, never the text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindingRecord {
    /// The rule's id.
    pub rule: String,
    /// Its family.
    pub kind: FindingKind,
    /// The channel that it stood in.
    pub channel: Channel,
    /// Its place, as a JSON Pointer whose free-form keys are left out (`*`).
    pub path: String,
    /// First byte in the span.
    pub start: u64,
    /// One past the last byte.
    pub end: u64,
    /// What was done.
    pub handling: Handling,
}

/// What inspection did to one direction of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inspection {
    /// Which way the text travelled.
    pub direction: Direction,
    /// Bytes of text by channel.
    pub channels: BTreeMap<Channel, u64>,
    /// What ran on how much.
    pub ran: Vec<DetectorRun>,
    /// What could not run to the end, as `detector:reason`.
    pub incomplete: Vec<String>,
    /// The first [`MAX_RECORDED_FINDINGS`] findings.
    pub findings: Vec<FindingRecord>,
    /// How many findings there were, by `kind`.
    pub counts: BTreeMap<FindingKind, u64>,
    /// Pseudonyms turned back into their originals in this direction.
    pub restored: u64,
}

impl Inspection {
    /// The record of a direction in which there was no text to look at.
    #[must_use]
    pub fn nothing(direction: Direction) -> Self {
        Self {
            direction,
            channels: BTreeMap::new(),
            ran: Vec::new(),
            incomplete: Vec::new(),
            findings: Vec::new(),
            counts: BTreeMap::new(),
            restored: 0,
        }
    }
}

/// Written before a request is answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Intent {
    /// The request.
    pub request: RequestId,
    /// When the decision was made.
    pub time: Micros,
    /// Who asked.
    pub caller: CallerRecord,
    /// What for.
    pub action: Action,
    /// Surface, for example `openai.chat`.
    pub surface: String,
    /// The model as it was resolved; empty where there is none.
    pub model: String,
    /// Upstreams that the permit names, in the order they may be tried.
    pub targets: Vec<String>,
    /// Whether a stream was asked for.
    pub stream: bool,
    /// Overlap or strict.
    pub mode: IntentMode,
    /// The decision.
    pub decision: DecisionRecord,
    /// What inspection saw in the request.
    pub inspection: Inspection,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// The answer went out whole.
    Completed,
    /// Policy said no.
    Denied,
    /// The request was malformed, too large or undecodable.
    Refused,
    /// The client left first.
    ClientAborted,
    /// The upstream failed or answered what cannot be understood.
    UpstreamFailed,
    /// The answer was cut because of what was in it.
    Cut,
    /// The answer was ended because a limit of use was reached.
    Limited,
    /// The key was revoked while the answer was under way.
    Revoked,
    /// The key ran out while the answer was under way. Entries older than this word say `revoked`.
    Expired,
    /// The server stopped.
    Shutdown,
    /// The ledger or another part that must work did not.
    Internal,
}

/// Tokens as the upstream reports them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens of the prompt.
    pub prompt_tokens: u64,
    /// Tokens of the answer.
    pub completion_tokens: u64,
    /// Tokens of the prompt that came from a cache of the provider's; they are among the prompt's.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub cached_tokens: u64,
}

/// What a request was charged where use is limited or has a price.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Charge {
    /// Tokens, of prompt and answer.
    pub tokens: u64,
    /// Tokens that were reserved before it was sent, and while its answer went on.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub reserved: u64,
    /// Money, in billionths of the unit that the operator's prices are in.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub money: u64,
    /// The tokens were counted here because the upstream did not say.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub counted: bool,
    /// The limit that the request or its answer came up against.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reached: Option<String>,
}

/// Written when a request has ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The request.
    pub request: RequestId,
    /// When it ended.
    pub time: Micros,
    /// How.
    pub end: EndReason,
    /// A stable code when it is an error, for example `policy_denied`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub code: Option<String>,
    /// The HTTP status that the client got; 0 when it got none.
    pub status: u16,
    /// Upstreams that were tried, in order.
    pub attempts: Vec<String>,
    /// Who asked, when there was no intent entry.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub caller: Option<CallerRecord>,
    /// What inspection saw in the answer.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub inspection: Option<Inspection>,
    /// Decisions on the tool calls of the answer.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub tool_decisions: Vec<DecisionRecord>,
    /// Tokens, when the upstream said.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub usage: Option<Usage>,
    /// What it was charged, where use is limited or has a price.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub charge: Option<Charge>,
    /// Bytes of body received from the client.
    pub bytes_in: u64,
    /// Bytes of body sent to the client.
    pub bytes_out: u64,
    /// Microseconds from the first byte of the request to the first byte of the answer's body.
    pub first_byte_us: u64,
    /// Microseconds from the first byte of the request to its end.
    pub duration_us: u64,
}

/// Written at start for a request whose outcome is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interrupted {
    /// The request.
    pub request: RequestId,
    /// When it was noticed.
    pub time: Micros,
}

/// Refusals with one code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectionCount {
    /// The stable code, for example `invalid_api_key`.
    pub code: String,
    /// How many.
    pub count: u64,
}

/// Refusals before identity, in one interval. Strangers cannot fill the disk: one entry a second at most.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejections {
    /// The interval's begin.
    pub from: Micros,
    /// The interval's end.
    pub to: Micros,
    /// Counts by code.
    pub counts: Vec<RejectionCount>,
}
