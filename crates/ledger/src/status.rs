//! Figures for metrics.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use stockade_domain::Micros;

/// Number of buckets of [`Latency`]: the last one begins at about 34 s.
const BUCKETS: usize = 26;

/// How the log is doing.
#[derive(Debug, Clone, Default)]
pub struct Status {
    /// Entries that were taken, durable or on their way.
    pub size: u64,
    /// Entries that are durable.
    pub durable: u64,
    /// Entries under the latest signed checkpoint.
    pub signed: u64,
    /// When that checkpoint was signed; `None` when an earlier process did it.
    pub signed_at: Option<Micros>,
    /// Queue slots that are reserved or in use.
    pub slots_in_use: usize,
    /// Requests without an outcome.
    pub open_intents: usize,
    /// Why the log has stopped, if it has.
    pub stopped: Option<String>,
    /// Rounds so far: one write and sync each.
    pub rounds: u64,
    /// Duration of rounds, write and sync together.
    pub sync_latency: Latency,
}

/// A histogram of durations with buckets of powers of two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Latency {
    /// `counts[n]` durations took at least 2^n and less than 2^(n+1) microseconds (the first: less than 2).
    pub counts: [u64; BUCKETS],
    /// Sum of all durations in microseconds.
    pub sum_us: u64,
}

/// The counters behind [`Latency`].
#[derive(Debug, Default)]
pub(crate) struct LatencyCounters {
    counts: [AtomicU64; BUCKETS],
    sum_us: AtomicU64,
    pub(crate) rounds: AtomicU64,
}

impl LatencyCounters {
    pub(crate) fn record(&self, duration: Duration) {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        let bucket = usize::try_from(micros.max(1).ilog2()).unwrap_or(BUCKETS);
        if let Some(count) = self.counts.get(bucket.min(BUCKETS.saturating_sub(1))) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.sum_us.fetch_add(micros, Ordering::Relaxed);
        self.rounds.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> Latency {
        let mut out = Latency { sum_us: self.sum_us.load(Ordering::Relaxed), ..Latency::default() };
        for (to, from) in out.counts.iter_mut().zip(&self.counts) {
            *to = from.load(Ordering::Relaxed);
        }
        out
    }
}

impl Latency {
    /// The upper bound in microseconds of the bucket that holds a quantile (0.0 to 1.0); 0 when nothing was measured.
    #[must_use]
    pub fn quantile_us(&self, quantile: f64) -> u64 {
        let total: u64 = self.counts.iter().sum();
        if total == 0 {
            return 0;
        }
        let wanted = (quantile.clamp(0.0, 1.0) * total as f64).ceil() as u64;
        let mut seen = 0_u64;
        for (bucket, count) in self.counts.iter().enumerate() {
            seen = seen.saturating_add(*count);
            if seen >= wanted.max(1) {
                return 2_u64.saturating_pow(u32::try_from(bucket).unwrap_or(63).saturating_add(1));
            }
        }
        u64::MAX
    }
}
