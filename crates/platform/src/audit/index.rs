//! The index of requests: follows the ledger, off the path of requests, and fills its own gaps from it.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use stockade_domain::{AuditEvent, RequestId};
use stockade_ledger::Ledger;
use stockade_store::{RequestRow, Store};
use tokio::sync::mpsc;

use super::feed::Waiting;
use super::row;
use crate::error::PlatformError;

/// How many rows go into one transaction, and how long a row waits for others.
const BATCH: usize = 512;
const WAIT: Duration = Duration::from_millis(200);

/// How much later than others the index gets a processor.
const NICE: i32 = 10;

/// Writes the index.
pub(crate) struct Indexer {
    ledger: Ledger,
    store: Store,
    lost: Arc<AtomicBool>,
    ended: mpsc::Receiver<Arc<RequestRow>>,
    /// Every outcome below this entry is in the index.
    next: u64,
}

impl Indexer {
    /// An indexer that goes on where the last one stopped.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(crate) fn new(ledger: Ledger, store: Store, waiting: Waiting) -> Result<Self, PlatformError> {
        let next = store.requests().complete()?;
        let Waiting { ended, lost } = waiting;
        Ok(Self { ledger, store, lost, ended, next })
    }

    /// Runs until the feed is closed and all it was told is written. Blocks: give it a thread.
    pub(crate) fn run(mut self) {
        // Of this thread only, on Linux: requests go first. Where it cannot be set, it is as it was.
        let _as_it_was = rustix::process::nice(NICE);
        if let Err(error) = self.catch_up() {
            tracing::warn!(%error, "the request index could not be brought up to date");
        }
        while let Some(first) = self.ended.blocking_recv() {
            std::thread::sleep(WAIT);
            let mut rows = vec![first];
            while rows.len() < BATCH
                && let Ok(row) = self.ended.try_recv()
            {
                rows.push(row);
            }
            if let Err(error) = self.write(&rows) {
                tracing::warn!(%error, rows = rows.len(), "rows of the request index could not be written");
            }
        }
    }

    fn write(&mut self, rows: &[Arc<RequestRow>]) -> Result<(), PlatformError> {
        if self.lost.swap(false, Ordering::AcqRel) {
            return self.catch_up();
        }
        let rows: Vec<_> = rows.iter().map(|row| RequestRow::clone(row)).collect();
        let last = rows.iter().filter_map(|row| row.outcome_index).max().unwrap_or(0);
        self.put(&rows, last.saturating_add(1))
    }

    /// Writes rows, after which the index is complete up to an entry.
    fn put(&mut self, rows: &[RequestRow], next: u64) -> Result<(), PlatformError> {
        let next = next.max(self.next);
        if !rows.is_empty() || next > self.next {
            self.store.requests().write(rows, Some(next))?;
            self.next = next;
        }
        Ok(())
    }

    /// Reads what the ledger has beyond the watermark.
    fn catch_up(&mut self) -> Result<(), PlatformError> {
        let mut begun: HashMap<RequestId, RequestRow> = HashMap::new();
        let mut rows = Vec::new();
        let end = self.ledger.size();
        for index in self.next..end {
            let Some(entry) = self.ledger.entry(index)? else { break };
            match entry.event() {
                Some(AuditEvent::Intent(intent)) => {
                    begun.insert(
                        intent.request,
                        RequestRow { intent_index: Some(index), ..row::begun(&intent) },
                    );
                }
                Some(AuditEvent::Outcome(outcome)) => {
                    // An outcome that names its caller has no intent: looking for one would read the whole log.
                    let intent = match outcome.caller {
                        Some(_) => None,
                        None => self.begun(&mut begun, outcome.request)?,
                    };
                    let row = row::ended(intent, &outcome);
                    rows.extend(row.map(|row| RequestRow { outcome_index: Some(index), ..row }));
                }
                Some(AuditEvent::Interrupted(interrupted)) => {
                    let row = self.begun(&mut begun, interrupted.request)?;
                    rows.extend(row.map(|mut row| {
                        row.counts.insert(row::INTERRUPTED.to_owned(), 1);
                        RequestRow { outcome_index: Some(index), ..row }
                    }));
                }
                _ => {}
            }
            if rows.len() >= BATCH {
                self.put(&std::mem::take(&mut rows), index.saturating_add(1))?;
            }
        }
        self.put(&rows, end)
    }

    /// What a request's intent said; read from the ledger when it lies before the watermark.
    fn begun(
        &self,
        seen: &mut HashMap<RequestId, RequestRow>,
        request: RequestId,
    ) -> Result<Option<RequestRow>, PlatformError> {
        if let Some(row) = seen.remove(&request) {
            return Ok(Some(row));
        }
        let Some(index) = self.ledger.find(request)?.intent else { return Ok(None) };
        let event = self.ledger.entry(index)?.and_then(|entry| entry.event());
        Ok(match event {
            Some(AuditEvent::Intent(intent)) => {
                Some(RequestRow { intent_index: Some(index), ..row::begun(&intent) })
            }
            _ => None,
        })
    }
}
