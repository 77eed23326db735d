//! Counters and their Prometheus text form. Labels come from closed sets only, never from a request.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

/// Upper bounds of the duration histogram, in microseconds.
const BOUNDS: [u64; 12] = [
    500,
    1_000,
    2_500,
    5_000,
    10_000,
    25_000,
    100_000,
    500_000,
    1_000_000,
    5_000_000,
    30_000_000,
    120_000_000,
];

/// The gateway's metrics.
#[derive(Debug, Default)]
pub struct Metrics {
    refused: Refused,
    answered: AtomicU64,
    in_flight: AtomicI64,
    connections: AtomicI64,
    examine: Histogram,
    head: Histogram,
    limited: Mutex<BTreeMap<String, u64>>,
    labelled: Mutex<BTreeMap<String, u64>>,
}

/// A counter for each code, in their order.
#[derive(Debug)]
struct Refused([AtomicU64; crate::error::CODES.len()]);

impl Default for Refused {
    fn default() -> Self {
        Self(std::array::from_fn(|_| AtomicU64::new(0)))
    }
}

#[derive(Debug, Default)]
struct Histogram {
    buckets: [AtomicU64; BOUNDS.len()],
    count: AtomicU64,
    sum_us: AtomicU64,
}

/// Counts something for as long as it lives.
#[derive(Debug)]
pub(crate) struct InFlight<'a>(&'a AtomicI64);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Metrics {
    pub(crate) fn request(&self) -> InFlight<'_> {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        InFlight(&self.in_flight)
    }

    pub(crate) fn connection(&self) -> InFlight<'_> {
        self.connections.fetch_add(1, Ordering::Relaxed);
        InFlight(&self.connections)
    }

    pub(crate) fn refused(&self, code: &str) {
        let at = crate::error::CODES.iter().position(|(_, known, _)| *known == code);
        if let Some(counter) = at.and_then(|at| self.refused.0.get(at)) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn answered(&self, head: Duration) {
        self.answered.fetch_add(1, Ordering::Relaxed);
        self.head.observe(head);
    }

    /// A request or an answer came up against a limit of use. Names of limits are the operator's.
    pub(crate) fn limited(&self, limit: &str) {
        let mut limited = self.limited.lock();
        match limited.get_mut(limit) {
            Some(count) => *count = count.saturating_add(1),
            None => {
                limited.insert(limit.to_owned(), 1);
            }
        }
    }

    /// A request has a label above the lowest. Names of labels are the operator's.
    pub(crate) fn labelled(&self, label: &str) {
        let mut labelled = self.labelled.lock();
        match labelled.get_mut(label) {
            Some(count) => *count = count.saturating_add(1),
            None => {
                labelled.insert(label.to_owned(), 1);
            }
        }
    }

    pub(crate) fn examined(&self, took: Duration) {
        self.examine.observe(took);
    }

    /// How many connections are open.
    #[must_use]
    pub fn open_connections(&self) -> i64 {
        self.connections.load(Ordering::Relaxed)
    }

    /// The metrics in Prometheus' text exposition format.
    #[must_use]
    pub fn render(&self) -> String {
        let mut out = String::new();
        let read = |c: &AtomicU64| c.load(Ordering::Relaxed);
        let _ = writeln!(
            out,
            "# HELP stockade_gateway_answers_total Requests that got an upstream's or a local answer."
        );
        let _ = writeln!(out, "# TYPE stockade_gateway_answers_total counter");
        let _ = writeln!(out, "stockade_gateway_answers_total {}", read(&self.answered));
        let _ =
            writeln!(out, "# HELP stockade_gateway_refusals_total Requests that got an error, by its code.");
        let _ = writeln!(out, "# TYPE stockade_gateway_refusals_total counter");
        for ((_, code, _), counter) in crate::error::CODES.iter().zip(&self.refused.0) {
            let _ = writeln!(out, "stockade_gateway_refusals_total{{code=\"{code}\"}} {}", read(counter));
        }
        let name = "stockade_limit_reached_total";
        let _ = writeln!(out, "# HELP {name} Requests refused for a limit of use.");
        let _ = writeln!(out, "# TYPE {name} counter");
        for (limit, count) in self.limited.lock().iter() {
            let _ = writeln!(out, "{name}{{limit=\"{limit}\"}} {count}");
        }
        let name = "stockade_label_requests_total";
        let _ = writeln!(out, "# HELP {name} Requests whose text has a label above the lowest, by label.");
        let _ = writeln!(out, "# TYPE {name} counter");
        for (label, count) in self.labelled.lock().iter() {
            let _ = writeln!(out, "{name}{{label=\"{label}\"}} {count}");
        }
        for (name, help, gauge) in [
            (
                "requests_in_flight",
                "Requests whose head was read and whose answer has not begun.",
                &self.in_flight,
            ),
            ("connections", "Open connections.", &self.connections),
        ] {
            let _ = writeln!(out, "# HELP stockade_gateway_{name} {help}");
            let _ = writeln!(out, "# TYPE stockade_gateway_{name} gauge");
            let _ = writeln!(out, "stockade_gateway_{name} {}", gauge.load(Ordering::Relaxed));
        }
        self.examine.render(&mut out, "examine_seconds", "Inspection of one request.");
        self.head.render(&mut out, "answer_head_seconds", "From a request's head to its answer's head.");
        out
    }
}

impl Histogram {
    fn observe(&self, took: Duration) {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        if let Some(bucket) = BOUNDS.iter().position(|b| us <= *b).and_then(|at| self.buckets.get(at)) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        self.count.fetch_add(1, Ordering::Relaxed);
        self.sum_us.fetch_add(us, Ordering::Relaxed);
    }

    fn render(&self, out: &mut String, name: &str, help: &str) {
        let _ = writeln!(out, "# HELP stockade_gateway_{name} {help}");
        let _ = writeln!(out, "# TYPE stockade_gateway_{name} histogram");
        let mut total = 0_u64;
        for (bound, bucket) in BOUNDS.iter().zip(&self.buckets) {
            total = total.saturating_add(bucket.load(Ordering::Relaxed));
            let seconds = Duration::from_micros(*bound).as_secs_f64();
            let _ = writeln!(out, "stockade_gateway_{name}_bucket{{le=\"{seconds}\"}} {total}");
        }
        let count = self.count.load(Ordering::Relaxed);
        let sum = Duration::from_micros(self.sum_us.load(Ordering::Relaxed)).as_secs_f64();
        let _ = writeln!(out, "stockade_gateway_{name}_bucket{{le=\"+Inf\"}} {count}");
        let _ = writeln!(out, "stockade_gateway_{name}_sum {sum}");
        let _ = writeln!(out, "stockade_gateway_{name}_count {count}");
    }
}
