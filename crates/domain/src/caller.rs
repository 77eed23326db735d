//! Who calls: a workload, optionally an end user behind it, and the chain of delegation between them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::id::{KeyId, WorkloadId};
use crate::workload::Workload;

/// How the caller proved who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CredentialKind {
    /// A Stockade API key.
    ApiKey,
}

/// A person behind a workload, as that workload asserts it. It is believed only where policy trusts the workload to
/// assert users.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EndUser {
    /// The workload's own identifier of the person.
    pub id: String,
}

/// An authenticated caller.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The workload that the credential belongs to.
    pub workload: Arc<Workload>,
    /// The key that was used.
    pub key: KeyId,
    /// How it authenticated.
    pub credential: CredentialKind,
    /// The person it acts for, when it says so and is trusted to.
    pub user: Option<EndUser>,
    /// Other workloads that the call passed through, nearest first.
    pub chain: Vec<WorkloadId>,
}

/// A caller as the ledger keeps it: ids, and of a person only a keyed pseudonym.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallerRecord {
    /// The workload's id.
    pub workload: WorkloadId,
    /// The key's id.
    pub key: KeyId,
    /// How it authenticated.
    pub credential: CredentialKind,
    /// Keyed pseudonym of the end user (HMAC-SHA-256, lower-case hex, first 32 characters).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub user: Option<String>,
    /// The chain of delegation, nearest first.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub chain: Vec<WorkloadId>,
}

impl Caller {
    /// The record of this caller; `pseudonym` maps an end user's id to its keyed pseudonym.
    #[must_use]
    pub fn record(&self, pseudonym: impl FnOnce(&str) -> String) -> CallerRecord {
        CallerRecord {
            workload: self.workload.id,
            key: self.key,
            credential: self.credential,
            user: self.user.as_ref().map(|u| pseudonym(&u.id)),
            chain: self.chain.clone(),
        }
    }
}
