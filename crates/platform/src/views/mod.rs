//! What people see of requests: the ports of the console and the API over index, feed and ledger.

mod check;
mod installation;
mod payload;
mod rows;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use stockade_domain::{AuditEvent, Intent, Outcome, RequestId};
use stockade_ledger::{LedgerError, Places};
use stockade_store::Store;
use stockade_views::{
    MAX_PIECES, Page, PayloadView, Reader, RequestDetail, RequestFilter, RequestRow, StatusSummary,
    Verification, ViewError,
};
use tokio::sync::broadcast::error::RecvError;

use crate::audit::Journal;
use crate::error::PlatformError;
use crate::roster::Roster;

/// The records, for people who look.
#[derive(Clone)]
pub struct Views(Arc<Inner>);

struct Inner {
    store: Store,
    journal: Arc<Journal>,
    roster: Arc<Roster>,
    version: &'static str,
}

impl Views {
    /// Views over what there is; `version` is the program's.
    #[must_use]
    pub(crate) fn new(
        store: Store,
        journal: Arc<Journal>,
        roster: Arc<Roster>,
        version: &'static str,
    ) -> Self {
        Self(Arc::new(Inner { store, journal, roster, version }))
    }

    /// The models that a workload asked for lately, each once, by name. Blocks; looks at a bounded number of requests.
    ///
    /// # Errors
    /// When the records cannot be read.
    pub fn models_asked(&self, workload: &str) -> Result<Vec<String>, PlatformError> {
        const PAGES: usize = 20;
        let mut models = std::collections::BTreeSet::new();
        let mut before = None;
        for _ in 0..PAGES {
            let limit = usize::MAX;
            let filter =
                RequestFilter { workload: Some(workload.to_owned()), effect: None, end: None, before, limit };
            let page = rows::page(&self.0, &filter)?;
            models.extend(page.rows.into_iter().map(|row| row.model));
            before = page.next;
            if before.is_none() {
                break;
            }
        }
        Ok(models.into_iter().filter(|model| !model.is_empty()).collect())
    }

    /// Does blocking work where it may block.
    fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T, ViewError> + Send + 'static,
    ) -> BoxFuture<'static, Result<T, ViewError>> {
        let inner = Arc::clone(&self.0);
        Box::pin(async move {
            let done = tokio::task::spawn_blocking(move || work(&inner)).await;
            done.unwrap_or_else(|error| Err(ViewError::Unavailable(Box::new(error))))
        })
    }
}

impl stockade_views::Views for Views {
    fn requests(&self, filter: RequestFilter) -> BoxFuture<'_, Result<Page<RequestRow>, ViewError>> {
        self.work(move |inner| rows::page(inner, &filter).map_err(unavailable))
    }

    fn request(
        &self,
        id: RequestId,
        reader: Reader,
    ) -> BoxFuture<'_, Result<Option<RequestDetail>, ViewError>> {
        self.work(move |inner| inner.detail(id, &reader).map_err(unavailable))
    }

    fn verify(&self, id: RequestId) -> BoxFuture<'_, Result<Verification, ViewError>> {
        self.work(move |inner| check::verify(inner.journal.ledger(), id))
    }

    fn proof(&self, id: RequestId) -> BoxFuture<'_, Result<Vec<u8>, ViewError>> {
        self.work(move |inner| match inner.journal.ledger().prove(id) {
            Ok(bundle) => Ok(bundle.to_file()),
            Err(LedgerError::NotFound(_)) => Err(ViewError::NotFound),
            Err(LedgerError::CheckpointTimeout { .. }) => Err(ViewError::NotSigned),
            Err(error) => Err(unavailable(error)),
        })
    }

    fn live(&self) -> BoxStream<'static, RequestRow> {
        let inner = Arc::clone(&self.0);
        let rows = self.0.journal.feed().watch();
        stream::unfold((rows, inner), |(mut rows, inner)| async move {
            loop {
                match rows.recv().await {
                    Ok(row) => {
                        let row = rows::view(&inner.roster, &row);
                        return Some((row, (rows, inner)));
                    }
                    // A listener that is too slow misses rows; the page's list has them.
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return None,
                }
            }
        })
        .boxed()
    }

    fn status(&self) -> BoxFuture<'_, Result<StatusSummary, ViewError>> {
        self.work(|inner| Ok(inner.status()))
    }
}

impl std::fmt::Debug for Views {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Views(..)")
    }
}

impl Inner {
    fn status(&self) -> StatusSummary {
        let ledger = self.journal.ledger();
        let status = ledger.status();
        StatusSummary {
            version: self.version.to_owned(),
            origin: ledger.options().origin(),
            entries: status.size,
            signed: status.signed,
            signed_at: status.signed_at,
            stopped: status.stopped,
            open: u64::try_from(status.open_intents).unwrap_or(u64::MAX),
        }
    }

    fn detail(&self, id: RequestId, reader: &Reader) -> Result<Option<RequestDetail>, PlatformError> {
        let Some((row, places)) = self.find(id)? else { return Ok(None) };
        let mut interrupted = false;
        let intent = self.event(places.intent)?.and_then(|event| match event {
            AuditEvent::Intent(intent) => Some(*intent),
            _ => None,
        });
        let outcome = self.event(places.outcome)?.and_then(|event| match event {
            AuditEvent::Outcome(outcome) => Some(*outcome),
            AuditEvent::Interrupted(_) => {
                interrupted = true;
                None
            }
            _ => None,
        });
        let row = match row {
            Some(row) => row,
            None => {
                match rows::from_entries(&self.roster, intent.as_ref(), outcome.as_ref(), interrupted, places)
                {
                    Some(row) => row,
                    None => return Ok(None),
                }
            }
        };
        let (request, response) = match reader {
            Reader::OfRecords => (PayloadView::Withheld, PayloadView::Withheld),
            Reader::OfText(who) => self.payloads(id, places, intent.as_ref(), outcome.as_ref(), who)?,
        };
        Ok(Some(RequestDetail { row, intent, outcome, request, response }))
    }

    /// A request's line, if the index or the feed has one, and where its entries stand.
    fn find(&self, id: RequestId) -> Result<Option<(Option<RequestRow>, Places)>, PlatformError> {
        let open = self.journal.feed().open_request(id).map(|row| stockade_store::RequestRow::clone(&row));
        let row = match open {
            Some(row) => Some(row),
            None => self.store.requests().get(id)?,
        };
        if let Some(row) = row {
            let places = Places { intent: row.intent_index, outcome: row.outcome_index };
            return Ok(Some((Some(rows::view(&self.roster, &row)), places)));
        }
        // Not indexed yet, or forgotten by the index: the ledger knows.
        let places = self.journal.ledger().find(id)?;
        Ok((places != Places::default()).then_some((None, places)))
    }

    fn event(&self, index: Option<u64>) -> Result<Option<AuditEvent>, PlatformError> {
        let Some(index) = index else { return Ok(None) };
        Ok(self.journal.ledger().entry(index)?.and_then(|entry| entry.event()))
    }

    /// The recorded texts. That they were looked at is itself recorded, first; without that record nothing is shown.
    fn payloads(
        &self,
        id: RequestId,
        places: Places,
        intent: Option<&Intent>,
        outcome: Option<&Outcome>,
        who: &str,
    ) -> Result<(PayloadView, PayloadView), PlatformError> {
        let read = |index: Option<u64>, there: bool| match index.filter(|_| there) {
            Some(index) => self.journal.ledger().payload(index).map(|state| payload::view(state, MAX_PIECES)),
            None => Ok(PayloadView::None),
        };
        let request = read(places.intent, intent.is_some())?;
        let response = read(places.outcome, outcome.is_some())?;
        let shown = |view: &PayloadView| matches!(view, PayloadView::Recorded { .. });
        if shown(&request) || shown(&response) {
            self.journal.admin("payload.view", who, [("request", id.to_string())])?;
        }
        Ok((request, response))
    }
}

fn unavailable(error: impl std::error::Error + Send + Sync + 'static) -> ViewError {
    ViewError::Unavailable(Box::new(error))
}
