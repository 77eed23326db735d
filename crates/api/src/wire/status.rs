//! How the installation is.

use serde::Serialize;
use stockade_views::StatusSummary;
use utoipa::ToSchema;

/// How the installation is.
#[derive(Debug, Serialize, ToSchema)]
pub struct Status {
    /// The running version.
    pub version: String,
    /// How many requests are under way.
    pub open_requests: u64,
    /// The ledger.
    pub ledger: Ledger,
}

/// How the ledger is.
#[derive(Debug, Serialize, ToSchema)]
pub struct Ledger {
    /// Its origin, the name that its checkpoints carry.
    pub origin: String,
    /// How many entries it holds.
    pub entries: u64,
    /// How many of them a signed checkpoint covers.
    pub signed: u64,
    /// When that checkpoint was signed (RFC 3339, UTC); absent before the first.
    pub signed_at: Option<String>,
    /// Why it takes no entries any more; absent when all is well. The gateway then refuses every request.
    pub stopped: Option<String>,
}

impl From<StatusSummary> for Status {
    fn from(status: StatusSummary) -> Self {
        Self {
            version: status.version,
            open_requests: status.open,
            ledger: Ledger {
                origin: status.origin,
                entries: status.entries,
                signed: status.signed,
                signed_at: status.signed_at.map(|at| at.to_string()),
                stopped: status.stopped,
            },
        }
    }
}
