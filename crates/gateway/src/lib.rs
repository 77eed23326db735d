//! Dialects and the request stack: the policy enforcement point of Stockade.
//!
//! `stack` is the place to begin: a request's way from its first byte to its filtered answer reads there from top to
//! bottom. The gateway knows no store, no ledger and no file; what it needs comes in through [`Parts`].

mod answer;
mod connections;
mod course;
mod dialect;
mod error;
mod explain;
pub mod flow;
mod guard;
mod joined;
mod json;
mod label;
pub mod labels;
mod leaks;
pub mod limits;
mod metrics;
mod ndjson;
pub mod ports;
mod predict;
mod pseudonyms;
mod read;
mod redact;
mod request;
mod sandbox;
mod seals;
mod server;
mod sse;
mod stack;
mod strict;
mod tally;
pub mod trace;
mod translate;
mod translated;

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use stockade_authz::Pdp;
use stockade_crypto::{MacKey, Random};
use stockade_domain::{Caller, Clock, FindingKind};
use stockade_egress::Egress;
use stockade_inspect::{Engine, Pseudonymiser, Reach};
use tokio::sync::watch;

pub use error::CODES;
pub use guard::Hosts;
pub use leaks::Leaks;
pub use metrics::Metrics;
pub use redact::{Piece, RecordedSpan};
pub use sandbox::Sandbox;
pub use server::{Phase, SharedTls};

use ports::{AuditSink, Catalog, KeyDirectory, PromptRegistry, TokenDirectory};
use pseudonyms::Pseudonyms;

/// What a gateway is made from.
pub struct Parts {
    /// API keys.
    pub keys: Arc<dyn KeyDirectory>,
    /// Tokens of identity providers.
    pub tokens: Arc<dyn TokenDirectory>,
    /// Where requests are recorded.
    pub audit: Arc<dyn AuditSink>,
    /// Who decides.
    pub pdp: Arc<Pdp>,
    /// What inspects; replaced whole when its rules change. Whether it reads texts to their end is settled at the start.
    pub engine: Arc<ArcSwap<Engine>>,
    /// What guards answers against leaks.
    pub leaks: Leaks,
    /// The way out; its minter is the decision point's.
    pub egress: Egress,
    /// What limits use.
    pub limits: limits::Limits,
    /// What text is labelled by.
    pub labels: labels::Labels,
    /// The models that exist; replaced whole when configuration changes.
    pub catalog: Arc<ArcSwap<Catalog>>,
    /// Registered system prompts.
    pub prompts: Arc<dyn PromptRegistry>,
    /// Pseudonyms in content.
    pub pseudonymiser: Arc<Pseudonymiser>,
    /// Pseudonyms of people in records.
    pub people: MacKey,
    /// What traces requests, where that is wanted.
    pub tracer: Option<Arc<trace::Tracer>>,
    /// Host names that are answered to.
    pub hosts: Hosts,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness, for request ids.
    pub random: Arc<dyn Random>,
}

/// Bounds.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// A request's body, and a whole answer, in bytes.
    pub body: usize,
    /// How long a request's body may take.
    pub body_timeout: Duration,
    /// Nesting of JSON.
    pub json_depth: usize,
    /// Values of one JSON text.
    pub json_leaves: usize,
    /// The block of header fields, in bytes.
    pub header_block: usize,
    /// One event of a stream, in bytes.
    pub event: usize,
    /// Connections at once.
    pub connections: usize,
    /// Text that the record of one direction may hold, in bytes; 0 records none.
    pub record_limit: usize,
    /// Bounds of the flow to each upstream.
    pub flow: flow::FlowOptions,
}

/// The gateway.
pub struct Gateway {
    pub(crate) parts: Parts,
    pub(crate) options: Options,
    pub(crate) metrics: Metrics,
    pub(crate) flow: flow::Flow,
    /// Some detector of what is redacted needs the whole text: streams then wait for the end of each text.
    pub(crate) reads_whole: bool,
    phase: watch::Receiver<Phase>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            body: 32 << 20,
            body_timeout: stack::BODY_TIMEOUT,
            json_depth: 128,
            json_leaves: 262_144,
            header_block: 32 << 10,
            event: 8 << 20,
            connections: 16_384,
            record_limit: 64 << 10,
            flow: flow::FlowOptions::default(),
        }
    }
}

// === impl Gateway ===

impl Gateway {
    /// A gateway; the phase tells its running answers when to end.
    #[must_use]
    pub fn new(mut parts: Parts, options: Options, phase: watch::Receiver<Phase>) -> Arc<Self> {
        let is_redacted = |kind| matches!(kind, FindingKind::Pii | FindingKind::Secret);
        let reads_whole =
            parts.engine.load().detectors().iter().any(|d| d.reach == Reach::Whole && is_redacted(d.kind));
        if let Some(tracer) = &parts.tracer {
            parts.audit = Arc::new(trace::TracedSink::new(parts.audit, Arc::clone(tracer)));
        }
        let flow = flow::Flow::new(options.flow);
        Arc::new(Self { parts, options, metrics: Metrics::default(), flow, reads_whole, phase })
    }

    /// Counters.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// What traces requests.
    #[must_use]
    pub fn tracer(&self) -> Option<&trace::Tracer> {
        self.parts.tracer.as_deref()
    }

    /// How the flow to each upstream stands.
    #[must_use]
    pub fn flows(&self) -> Vec<(stockade_egress::TargetId, flow::GateLevel)> {
        self.flow.levels()
    }

    /// Whether a request names this gateway and comes from no foreign web page; for listeners beside the gateway's own.
    #[must_use]
    pub fn is_addressed(&self, uri: &http::Uri, headers: &http::HeaderMap) -> bool {
        self.parts.hosts.check(uri, headers).is_ok()
    }

    /// Whether requests are taken.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        *self.phase.borrow() == Phase::Running
    }

    /// Resolves when running answers must end.
    pub(crate) fn stopping(&self) -> BoxFuture<'static, ()> {
        let mut phase = self.phase.clone();
        async move {
            if phase.wait_for(|p| *p == Phase::Stopping).await.is_err() {
                // Nobody can say stop any more.
                std::future::pending::<()>().await;
            }
        }
        .boxed()
    }

    pub(crate) fn random_tail(&self) -> [u8; 10] {
        let mut tail = [0; 10];
        // Without randomness ids still differ by time; keys and nonces are drawn elsewhere and do fail.
        let _ = self.parts.random.fill(&mut tail);
        tail
    }

    pub(crate) fn pseudonyms(&self, caller: &Caller, scope: [u8; 32]) -> Pseudonyms {
        Pseudonyms::new(Arc::clone(&self.parts.pseudonymiser), caller.workload.id, scope)
    }

    pub(crate) fn no_pseudonyms(&self, caller: &Caller) -> Pseudonyms {
        self.pseudonyms(caller, [0; 32])
    }
}

impl std::fmt::Debug for Gateway {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gateway").field("options", &self.options).finish_non_exhaustive()
    }
}
