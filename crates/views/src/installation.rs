//! What stands around the requests: workloads, keys, policies, the ledger.

use futures_util::future::BoxFuture;
use stockade_domain::{Action, DecisionRecord, KeyId, Label, Micros, RequestId};

use crate::views::ViewError;

/// How many entries of the ledger stand on a page.
pub const LEDGER_PAGE: u64 = 50;

/// What can be seen of the installation itself, and the two things that a person does there: ask the policies, and revoke
/// a key.
pub trait Installation: Send + Sync + 'static {
    /// Every workload with what it did lately.
    fn overview(&self) -> BoxFuture<'_, Result<Overview, ViewError>>;

    /// The names of the workloads.
    fn names(&self) -> BoxFuture<'_, Result<Vec<String>, ViewError>>;

    /// Every key, oldest first. No secret is in it.
    fn keys(&self) -> BoxFuture<'_, Result<Vec<KeyRow>, ViewError>>;

    /// Revokes a key, in the name of somebody; requests that run under it end now.
    fn revoke(&self, key: KeyId, who: String) -> BoxFuture<'_, Result<(), ViewError>>;

    /// The policies that decide now.
    fn policies(&self) -> PolicySheet;

    /// What the policies that decide now would say; nothing is sent and nothing recorded.
    fn ask(&self, question: Question) -> BoxFuture<'_, Result<DecisionRecord, ViewError>>;

    /// A page of the ledger, newest first, below an index.
    fn ledger(&self, before: Option<u64>) -> BoxFuture<'_, Result<LedgerPage, ViewError>>;
}

/// Every workload with what it did lately.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overview {
    /// By name.
    pub workloads: Vec<WorkloadRow>,
    /// From when on requests are counted.
    pub since: Micros,
    /// There were more requests than are counted: the counts are those of the newest.
    pub capped: bool,
}

/// One workload: what was declared, and what it did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorkloadRow {
    /// Its name.
    pub name: String,
    /// Who its answers are for.
    pub audience: String,
    /// From where it can be reached.
    pub exposure: String,
    /// Who answers for it.
    pub owner: String,
    /// The highest label of its content.
    pub label: String,
    /// Models that it may use.
    pub models: Vec<String>,
    /// Tools that its models may call.
    pub tools: Vec<String>,
    /// Keys that can be used.
    pub keys: u64,
    /// Requests that were counted.
    pub seen: u64,
    /// Those in which an attempt to steer a model was found.
    pub attacked: u64,
    /// Those that policy denied.
    pub denied: u64,
    /// Those in which something was replaced.
    pub protected: u64,
    /// The last one.
    pub last: Option<Micros>,
}

/// A key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRow {
    /// Its id.
    pub id: KeyId,
    /// The part of its text by which it is recognised.
    pub short_id: String,
    /// Its workload's name.
    pub workload: String,
    /// What was written beside it.
    pub note: String,
    /// Where it stands.
    pub state: KeyStanding,
    /// When it was made.
    pub created: Micros,
    /// When it runs out.
    pub expires: Option<Micros>,
    /// When it was used last, to about ten seconds.
    pub last_used: Option<Micros>,
}

/// Where a key stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyStanding {
    /// It can be used.
    Good,
    /// It has run out.
    Expired,
    /// It was revoked.
    Revoked,
}

/// The policies that decide.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PolicySheet {
    /// SHA-256 over the set, lower-case hex: what records name.
    pub hash: String,
    /// By file and line.
    pub policies: Vec<PolicyRow>,
    /// Labels, lowest first.
    pub labels: Vec<String>,
}

/// One policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyRow {
    /// Its id.
    pub id: String,
    /// One line for people.
    pub title: String,
    /// Why it exists.
    pub why: String,
    /// `permit`, `forbid` or `floor`.
    pub kind: &'static str,
    /// What it demands, refuses with or waives.
    pub says: Vec<String>,
    /// Its file.
    pub file: String,
    /// The line there, from 1.
    pub line: usize,
    /// Its text in Cedar.
    pub text: String,
}

/// A question to the policies, as a person can put it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The workload that would ask.
    pub workload: String,
    /// The end user that it would ask for; empty for none.
    pub user: String,
    /// What for.
    pub action: Action,
    /// The model, by the name that callers use.
    pub model: String,
    /// The tool, for `call_tool`.
    pub tool: String,
    /// The label of the text; the lowest when there is none.
    pub label: Option<Label>,
    /// How many findings of personal data, secrets, attempts to steer and leaks there would be.
    pub findings: [u64; 4],
    /// Something could not be read, or not to its end.
    pub incomplete: bool,
}

/// A page of the ledger.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LedgerPage {
    /// The key that verifies checkpoints, as C2SP `signed-note` writes it.
    pub verifier: String,
    /// The latest checkpoint, a C2SP signed note.
    pub checkpoint: String,
    /// Entries, newest first.
    pub entries: Vec<LedgerRow>,
    /// The index to go on below; none at the beginning of the log.
    pub next: Option<u64>,
}

/// An entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerRow {
    /// Its number.
    pub index: u64,
    /// When, where the entry says.
    pub time: Option<Micros>,
    /// `intent`, `outcome`, `interrupted`, `refused`, `admin` or `unknown`.
    pub kind: &'static str,
    /// The request that it is of.
    pub request: Option<RequestId>,
    /// What it says, in a line; from outside.
    pub text: String,
    /// Its leaf hash (RFC 6962 section 2.1), lower-case hex.
    pub leaf: String,
}
