//! The protocol on the control socket: one JSON line asks, one JSON line answers, then the connection is over.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use stockade_domain::{Micros, RequestId};
use stockade_gateway::limits::{Level, Measure};
use stockade_platform::{KeyInfo, TokenInfo, TokenScope, WorkloadChange};

/// The version of the protocol. Client and server are usually one binary; after an upgrade they may not be.
pub(crate) const VERSION: u32 = 1;

/// The longest line in either direction, in bytes.
pub(crate) const MAX_LINE: usize = 4 << 20;

/// A question.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "snake_case")]
pub(crate) enum Request {
    /// Makes a key; answers [`MadeKey`].
    KeyCreate { workload: String, lifetime_s: Option<u64>, note: String },
    /// Answers a list of [`KeyInfo`].
    KeyList,
    /// Answers [`Revoked`].
    KeyRevoke { id: String },
    /// Answers the workload.
    WorkloadCreate { name: String, change: WorkloadChange },
    /// Answers the workload.
    WorkloadSet { name: String, change: WorkloadChange },
    /// Answers a list of workloads.
    WorkloadList,
    /// Answers the workload.
    WorkloadShow { name: String },
    /// Answers a [`PromptInfo`](stockade_platform::PromptInfo).
    PromptRegister { workload: String, text: String, note: String },
    /// Answers a list of [`PromptInfo`](stockade_platform::PromptInfo).
    PromptList,
    /// Answers the [`PromptInfo`](stockade_platform::PromptInfo) that is no more.
    PromptRemove { workload: String, digest: String },
    /// Answers a [`LabelledInfo`](stockade_platform::LabelledInfo).
    LabelAdd { name: String, label: String, text: String },
    /// Answers a list of [`LabelledInfo`](stockade_platform::LabelledInfo).
    LabelList,
    /// Answers the [`LabelledInfo`](stockade_platform::LabelledInfo) that is no more.
    LabelRemove { text: String },
    /// Answers a [`LabelledAs`](stockade_platform::LabelledAs).
    LabelCheck { text: String },
    /// Makes a token for the API; answers [`MadeToken`].
    TokenCreate { scope: TokenScope, lifetime_s: u64, note: String },
    /// Answers a list of [`TokenInfo`].
    TokenList,
    /// Answers [`Revoked`].
    TokenRevoke { id: String },
    /// Makes a sign-in link; answers [`Link`].
    SignIn,
    /// Answers the proof bundle, as text.
    Prove { request: RequestId },
    /// What goes through the gateway, and what of it is a workload's; answers [`Traffic`].
    Traffic { workload: String },
    /// What was decided, newest first; answers a [`DecidedPage`](stockade_platform::DecidedPage).
    Decided { below: Option<u64>, since: Option<Micros> },
    /// Which policies had a say; answers a [`PolicyUse`](stockade_platform::PolicyUse).
    PolicyUse { since: Option<Micros> },
    /// Answers a list of [`LimitUse`].
    Limits,
    /// Writes a copy into a directory; answers its manifest.
    Backup { to: PathBuf },
}

/// A question on its way.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Question {
    pub(crate) v: u32,
    pub(crate) request: Request,
}

/// An answer on its way.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Answer {
    pub(crate) v: u32,
    pub(crate) result: Result<Value, Refusal>,
}

/// Why there is no answer. The message is for the operator who asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Refusal {
    /// A stable code.
    pub(crate) code: String,
    pub(crate) message: String,
}

/// A key that was made, with its text. It has no `Debug`: the text is a secret.
#[derive(Serialize, Deserialize)]
pub(crate) struct MadeKey {
    pub(crate) info: KeyInfo,
    pub(crate) text: String,
}

/// A token that was made, with its text. It has no `Debug`: the text is a secret.
#[derive(Serialize, Deserialize)]
pub(crate) struct MadeToken {
    pub(crate) info: TokenInfo,
    pub(crate) text: String,
}

/// Whether a key or token was revoked now (or had been before).
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Revoked {
    pub(crate) now: bool,
}

/// A sign-in link. It has no `Debug`: its token is a secret.
#[derive(Serialize, Deserialize)]
pub(crate) struct Link {
    pub(crate) url: String,
}

/// What goes through the gateway.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Traffic {
    /// The gateway's base URL.
    pub(crate) gateway: String,
    /// Whether there is a workload of that name.
    pub(crate) known: bool,
    /// The models that it asked for lately.
    pub(crate) models: Vec<String>,
    /// Hosts of the upstreams, with their ports.
    pub(crate) upstreams: Vec<String>,
}

/// How the use of a limit stands. Money is in billionths.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct LimitUse {
    pub(crate) limit: String,
    /// Whose use it is; `-` when nobody has used anything.
    pub(crate) subject: String,
    pub(crate) measure: String,
    /// Over which time; none for requests at one time.
    pub(crate) window: Option<String>,
    pub(crate) most: u64,
    pub(crate) used: u64,
    pub(crate) reserved: u64,
    pub(crate) left: u64,
    /// Until all that is settled is free again.
    pub(crate) resets_s: u64,
}

impl LimitUse {
    pub(crate) fn of(level: &Level) -> Self {
        let key = &level.key;
        Self {
            limit: key.limit.as_ref().to_owned(),
            subject: key.subject.as_ref().to_owned(),
            measure: key.measure.as_str().to_owned(),
            window: (key.measure != Measure::Concurrent).then(|| key.window.as_str().to_owned()),
            most: level.most,
            used: level.used,
            reserved: level.reserved,
            left: level.left(),
            resets_s: level.resets.as_secs().saturating_add(u64::from(level.resets.subsec_nanos() > 0)),
        }
    }
}

impl Refusal {
    pub(crate) fn new(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into() }
    }
}

impl Answer {
    pub(crate) fn of(result: Result<Value, Refusal>) -> Self {
        Self { v: VERSION, result }
    }

    /// The line, newline included.
    pub(crate) fn to_line(&self) -> Vec<u8> {
        let mut line = serde_json::to_vec(self).unwrap_or_default();
        line.push(b'\n');
        line
    }
}
