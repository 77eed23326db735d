//! What goes on now: requests under way, and a bounded broadcast for whoever watches.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::Mutex;
use stockade_domain::{Effect, EndReason, FindingKind, RequestId};
use stockade_store::RequestRow;
use tokio::sync::{broadcast, mpsc};

/// How many rows a slow listener may fall behind before it misses some.
const LIVE: usize = 1_024;

/// How many ended requests may wait for the index. What does not fit is read from the ledger again.
const WAITING: usize = 16_384;

/// Rows as they become durable. Told on the ledger's writer thread, so nothing here waits.
pub struct Feed {
    open: Mutex<BTreeMap<RequestId, Arc<RequestRow>>>,
    live: broadcast::Sender<Arc<RequestRow>>,
    ended: Mutex<Option<mpsc::Sender<Arc<RequestRow>>>>,
    lost: Arc<AtomicBool>,
    totals: Totals,
}

/// The queue of ended requests for the index.
pub(crate) struct Waiting {
    pub(super) ended: mpsc::Receiver<Arc<RequestRow>>,
    /// Rows did not fit: the index has a gap.
    pub(super) lost: Arc<AtomicBool>,
}

/// Counters since the start.
#[derive(Debug, Default)]
struct Totals {
    permitted: AtomicU64,
    denied: AtomicU64,
    undecided: AtomicU64,
    redacted: AtomicU64,
    duration_us: AtomicU64,
    findings: [AtomicU64; 4],
    ends: [AtomicU64; END_REASONS.len()],
}

/// Requests since the start, for metrics.
#[derive(Debug, Clone, Default)]
pub struct Counts {
    /// Permitted requests that have ended.
    pub permitted: u64,
    /// Denied requests.
    pub denied: u64,
    /// Requests that were refused before a decision, of known callers.
    pub undecided: u64,
    /// Requests refused before their caller was known.
    pub rejected: u64,
    /// Findings that were replaced.
    pub redacted: u64,
    /// Sum of the durations of ended requests, in microseconds.
    pub duration_us: u64,
    /// Findings by kind.
    pub findings: Vec<(FindingKind, u64)>,
    /// Requests by how they ended.
    pub ends: Vec<(EndReason, u64)>,
    /// Requests under way.
    pub open: u64,
}

/// Every way to end.
const END_REASONS: [EndReason; 11] = [
    EndReason::Completed,
    EndReason::Denied,
    EndReason::Refused,
    EndReason::ClientAborted,
    EndReason::UpstreamFailed,
    EndReason::Cut,
    EndReason::Limited,
    EndReason::Revoked,
    EndReason::Expired,
    EndReason::Shutdown,
    EndReason::Internal,
];

const KINDS: [FindingKind; 4] =
    [FindingKind::Pii, FindingKind::Secret, FindingKind::Injection, FindingKind::Leak];

impl Feed {
    /// A feed, and the queue of ended requests for the index.
    pub(crate) fn new() -> (Arc<Self>, Waiting) {
        let (sender, ended) = mpsc::channel(WAITING);
        let lost = Arc::new(AtomicBool::new(false));
        let feed = Self {
            open: Mutex::default(),
            live: broadcast::Sender::new(LIVE),
            ended: Mutex::new(Some(sender)),
            lost: Arc::clone(&lost),
            totals: Totals::default(),
        };
        (Arc::new(feed), Waiting { ended, lost })
    }

    /// Ends the queue for the index.
    pub(crate) fn close(&self) {
        self.ended.lock().take();
    }

    /// Rows as requests begin and end.
    #[must_use]
    pub fn watch(&self) -> broadcast::Receiver<Arc<RequestRow>> {
        self.live.subscribe()
    }

    /// Requests under way, newest first.
    #[must_use]
    pub fn open(&self) -> Vec<Arc<RequestRow>> {
        self.open.lock().values().rev().cloned().collect()
    }

    /// One request under way.
    #[must_use]
    pub fn open_request(&self, id: RequestId) -> Option<Arc<RequestRow>> {
        self.open.lock().get(&id).cloned()
    }

    /// Counters since the start.
    pub(super) fn counts(&self, rejected: u64) -> Counts {
        let read = |n: &AtomicU64| n.load(Ordering::Relaxed);
        let totals = &self.totals;
        Counts {
            permitted: read(&totals.permitted),
            denied: read(&totals.denied),
            undecided: read(&totals.undecided),
            rejected,
            redacted: read(&totals.redacted),
            duration_us: read(&totals.duration_us),
            findings: KINDS.into_iter().zip(totals.findings.iter().map(read)).collect(),
            ends: END_REASONS.into_iter().zip(totals.ends.iter().map(read)).collect(),
            open: u64::try_from(self.open.lock().len()).unwrap_or(u64::MAX),
        }
    }

    /// A request's intent is durable.
    pub(super) fn begun(&self, row: Arc<RequestRow>) {
        self.open.lock().insert(row.id, Arc::clone(&row));
        let _nobody_watches = self.live.send(row);
    }

    /// A request's outcome is durable.
    pub(super) fn ended(&self, row: Arc<RequestRow>) {
        self.open.lock().remove(&row.id);
        self.totals.add(&row);
        let _nobody_watches = self.live.send(Arc::clone(&row));
        let sent = self.ended.lock().as_ref().is_some_and(|ended| ended.try_send(row).is_ok());
        if !sent {
            self.lost.store(true, Ordering::Release);
        }
    }

    /// A request's outcome could not be written.
    pub(super) fn vanished(&self, id: RequestId) {
        self.open.lock().remove(&id);
    }
}

impl std::fmt::Debug for Feed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Feed").field("totals", &self.totals).finish_non_exhaustive()
    }
}

impl Totals {
    fn add(&self, row: &RequestRow) {
        let decided = match row.effect {
            _ if row.counts.contains_key(super::UNDECIDED) => &self.undecided,
            Effect::Permit => &self.permitted,
            Effect::Deny => &self.denied,
        };
        decided.fetch_add(1, Ordering::Relaxed);
        self.duration_us.fetch_add(row.duration_us, Ordering::Relaxed);
        let count = |name: &str| row.counts.get(name).copied().unwrap_or(0);
        self.redacted.fetch_add(count(super::REDACTED), Ordering::Relaxed);
        for (kind, sum) in KINDS.iter().zip(&self.findings) {
            sum.fetch_add(count(kind.as_str()), Ordering::Relaxed);
        }
        let end = END_REASONS.iter().position(|reason| Some(*reason) == row.end);
        if let Some(sum) = end.and_then(|at| self.ends.get(at)) {
            sum.fetch_add(1, Ordering::Relaxed);
        }
    }
}
