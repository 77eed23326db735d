//! How the installation is, in a line.

use stockade_domain::Micros;

/// What the console's header and the API's status say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusSummary {
    /// The running version.
    pub version: String,
    /// The ledger's origin, for example `stockade/wl0k…`.
    pub origin: String,
    /// How many entries the ledger holds.
    pub entries: u64,
    /// How many of them a signed checkpoint covers.
    pub signed: u64,
    /// When that checkpoint was signed; `None` when it is older than the running process.
    pub signed_at: Option<Micros>,
    /// Why the ledger takes no entries any more; the gateway then refuses every request.
    pub stopped: Option<String>,
    /// How many requests are under way.
    pub open: u64,
}
