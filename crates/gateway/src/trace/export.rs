//! Sends traces to the collector, some at a time.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use stockade_egress::{Purpose, Report, SystemClient, SystemError, SystemTarget};
use tokio::sync::{mpsc, watch};

use super::otlp::{Resource, encode};
use super::spans::Span;
use super::{Counts, QUEUE};
use crate::Phase;

/// So many spans are sent at one time.
const BATCH: usize = 512;

/// A trace waits no longer than this for others to go with it.
const PATIENCE: Duration = Duration::from_secs(1);

/// After a failure that may pass it is tried again, after so long each time; what is told then is lost.
const AGAIN: [Duration; 3] = [Duration::from_millis(500), Duration::from_secs(2), Duration::from_secs(5)];

/// A failure is told of so often at most, in batches.
const TOLD_OF: u64 = 100;

/// Where traces go.
#[derive(Debug, Clone)]
pub struct ExporterOptions {
    /// The collector's address for traces.
    pub target: SystemTarget,
    /// Header fields that each request to it gets, as a credential.
    pub fields: Vec<(HeaderName, HeaderValue)>,
    /// What this installation is called there.
    pub service: String,
    /// The program's version.
    pub version: &'static str,
}

/// Sends traces until the gateway stops.
pub struct Exporter {
    options: ExporterOptions,
    waiting: mpsc::Receiver<Vec<Span>>,
    counts: Arc<Counts>,
}

impl Exporter {
    pub(super) fn new(
        options: ExporterOptions,
        waiting: mpsc::Receiver<Vec<Span>>,
        counts: Arc<Counts>,
    ) -> Self {
        Self { options, waiting, counts }
    }

    /// Runs until the phase says stop; what waits then is sent once more.
    pub async fn run(mut self, client: SystemClient, mut phase: watch::Receiver<Phase>) {
        let mut failures = 0_u64;
        loop {
            let stops = async { drop(phase.wait_for(|phase| *phase == Phase::Stopping).await) };
            let first = tokio::select! {
                first = self.waiting.recv() => first,
                () = stops => None,
            };
            let stopping = first.is_none();
            let mut spans = first.unwrap_or_default();
            if !stopping {
                let more = async {
                    while spans.len() < BATCH {
                        let Some(next) = self.waiting.recv().await else { break };
                        spans.extend(next);
                    }
                };
                // Whatever has come by then goes.
                let _in_time = tokio::time::timeout(PATIENCE, more).await;
            }
            for _ in 0..QUEUE {
                let Ok(next) = self.waiting.try_recv() else { break };
                spans.extend(next);
                if !stopping && spans.len() >= BATCH {
                    break;
                }
            }
            for batch in spans.chunks(BATCH) {
                self.send(&client, batch, stopping, &mut failures).await;
            }
            if stopping {
                return;
            }
        }
    }

    async fn send(&self, client: &SystemClient, spans: &[Span], once: bool, failures: &mut u64) {
        let count = u64::try_from(spans.len()).unwrap_or(u64::MAX);
        let resource = Resource { service: self.options.service.clone(), version: self.options.version };
        let body = Bytes::from(encode(&resource, spans));
        let mut waits = AGAIN.into_iter().filter(|_| !once);
        loop {
            let report = Report {
                purpose: Purpose::Traces,
                target: self.options.target.clone(),
                media_type: "application/x-protobuf",
                fields: self.options.fields.clone(),
                body: body.clone(),
            };
            let error = match client.report(report).await {
                Ok(_) => {
                    *failures = 0;
                    self.counts.exported.fetch_add(count, Ordering::Relaxed);
                    return;
                }
                Err(error) => error,
            };
            match waits.next().filter(|_| may_pass(&error)) {
                Some(wait) => tokio::time::sleep(wait).await,
                None => {
                    if failures.is_multiple_of(TOLD_OF) {
                        tracing::warn!(%error, target = %self.options.target, "traces could not be sent and are lost");
                    }
                    *failures = failures.saturating_add(1);
                    self.counts.failed.fetch_add(count, Ordering::Relaxed);
                    return;
                }
            }
        }
    }
}

/// Whether it is worth trying again (OTLP 1.x, "Retryable response codes").
const fn may_pass(error: &SystemError) -> bool {
    matches!(
        error,
        SystemError::Exchange(_) | SystemError::Timeout | SystemError::Status(429 | 502 | 503 | 504)
    )
}

impl std::fmt::Debug for Exporter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exporter").field("target", &self.options.target).finish_non_exhaustive()
    }
}

#[cfg(test)]
impl Exporter {
    /// The next trace that waits.
    pub(super) fn next(&mut self) -> Option<Vec<Span>> {
        self.waiting.try_recv().ok()
    }
}
