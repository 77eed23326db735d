//! Traces of requests for an OpenTelemetry collector: which step took how long, and what a request used. Never what it said.
//!
//! A trace is made of what the record is told anyway, by a sink in front of the record's own, and of the times of the steps. It
//! waits in a bounded queue; when that is full it is dropped and counted. No request waits for a trace.

mod context;
mod export;
mod otlp;
mod sink;
mod spans;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use http::HeaderMap;
use parking_lot::Mutex;
use stockade_crypto::Random;
use stockade_domain::{Clock, Intent, Micros, Outcome, RequestId};
use tokio::sync::mpsc;

pub use export::{Exporter, ExporterOptions};

pub(crate) use context::Parent;
pub(crate) use sink::TracedSink;
use spans::Span;

/// So many traces wait to be sent.
const QUEUE: usize = 2_048;

/// So many requests are traced at one time; more are not.
const DRAFTS: usize = 16_384;

/// A trace has at most so many steps.
const STEPS: usize = 16;

/// A step of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Its text was looked at.
    Inspect,
    /// It was decided on, and obligations were carried out.
    Decide,
    /// Upstreams were asked, until one began to answer.
    Upstream,
}

/// How traces are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceOptions {
    /// Of a hundred requests that belong to no trace yet, so many get one.
    pub percent: u8,
    /// Upstreams are told the trace. Its number comes from the caller where the caller has one.
    pub propagates: bool,
}

/// Makes traces.
pub struct Tracer {
    options: TraceOptions,
    drafts: Mutex<HashMap<RequestId, Draft>>,
    queue: mpsc::Sender<Vec<Span>>,
    random: Arc<dyn Random>,
    clock: Arc<dyn Clock>,
    counts: Arc<Counts>,
}

/// What became of spans.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    exported: AtomicU64,
    dropped: AtomicU64,
    failed: AtomicU64,
}

/// A trace that is under way.
struct Draft {
    parent: Parent,
    root: [u8; 8],
    upstream: [u8; 8],
    begun: Micros,
    since: Instant,
    steps: Vec<(Stage, u64, u64)>,
    intent: Option<Box<Intent>>,
}

impl Tracer {
    /// A tracer, and what sends its traces.
    #[must_use]
    pub fn new(
        options: TraceOptions,
        exporter: ExporterOptions,
        random: Arc<dyn Random>,
        clock: Arc<dyn Clock>,
    ) -> (Arc<Self>, Exporter) {
        let (queue, waiting) = mpsc::channel(QUEUE);
        let counts = Arc::new(Counts::default());
        let exporter = Exporter::new(exporter, waiting, Arc::clone(&counts));
        let tracer = Self { options, drafts: Mutex::default(), queue, random, clock, counts };
        (Arc::new(tracer), exporter)
    }

    /// Spans that were sent, that found no room in the queue, and that the collector did not take.
    #[must_use]
    pub fn counts(&self) -> [(&'static str, u64); 3] {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let Counts { exported, dropped, failed } = &*self.counts;
        [("exported", read(exported)), ("dropped", read(dropped)), ("failed", read(failed))]
    }

    /// A request begins. The one that sent it says whether it is traced, where it belongs to a trace already.
    pub(crate) fn begin(&self, request: RequestId, headers: &HeaderMap) {
        let mut drawn = [0; 33];
        // Without randomness there is no name for a trace, and so no trace.
        if self.random.fill(&mut drawn).is_err() {
            return;
        }
        let (own, rest) =
            drawn.split_first_chunk::<16>().map_or(([0; 16], &[][..]), |(own, rest)| (*own, rest));
        let (root, rest) = rest.split_first_chunk::<8>().map_or(([0; 8], &[][..]), |(id, rest)| (*id, rest));
        let (upstream, rest) =
            rest.split_first_chunk::<8>().map_or(([0; 8], &[][..]), |(id, rest)| (*id, rest));
        let draw = rest.first().copied().unwrap_or_default();
        let sampled = u32::from(draw) * 100 < u32::from(self.options.percent) * 256;
        let parent = Parent::read(headers).unwrap_or(Parent { trace: own, span: None, sampled });
        if !parent.sampled {
            return;
        }
        let mut drafts = self.drafts.lock();
        if drafts.len() < DRAFTS {
            let (begun, since) = (self.clock.now(), Instant::now());
            let draft = Draft { parent, root, upstream, begun, since, steps: Vec::new(), intent: None };
            drafts.insert(request, draft);
        }
    }

    /// Whether a request is traced.
    pub(crate) fn has(&self, request: RequestId) -> bool {
        self.drafts.lock().contains_key(&request)
    }

    /// What an upstream is told of the trace (W3C Trace Context, section 3.2).
    pub(crate) fn outgoing(&self, request: RequestId) -> Option<String> {
        if !self.options.propagates {
            return None;
        }
        let drafts = self.drafts.lock();
        drafts.get(&request).map(|draft| draft.parent.told(draft.upstream))
    }

    /// A step has ended now.
    pub(crate) fn step(&self, request: RequestId, step: Stage, begun: Instant) {
        if let Some(draft) = self.drafts.lock().get_mut(&request).filter(|draft| draft.steps.len() < STEPS) {
            let at = |time: Instant| {
                u64::try_from(time.saturating_duration_since(draft.since).as_micros()).unwrap_or(u64::MAX)
            };
            let step = (step, at(begun), at(Instant::now()));
            draft.steps.push(step);
        }
    }

    fn told(&self, intent: &Intent) {
        if let Some(draft) = self.drafts.lock().get_mut(&intent.request) {
            draft.intent = Some(Box::new(intent.clone()));
        }
    }

    fn ended(&self, outcome: &Outcome) {
        let Some(draft) = self.drafts.lock().remove(&outcome.request) else { return };
        let spans = spans::of(&draft, outcome);
        let count = u64::try_from(spans.len()).unwrap_or(u64::MAX);
        if self.queue.try_send(spans).is_err() {
            self.counts.dropped.fetch_add(count, Ordering::Relaxed);
        }
    }

    fn forget(&self, request: RequestId) {
        self.drafts.lock().remove(&request);
    }
}

impl std::fmt::Debug for Tracer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tracer").field("options", &self.options).finish_non_exhaustive()
    }
}
