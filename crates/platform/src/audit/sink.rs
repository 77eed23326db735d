//! The gateway's port onto the ledger: room for two entries a request, and no waiting.

use std::sync::Arc;

use stockade_domain::{AuditEvent, RequestId};
use stockade_egress::evidence::{AuditError, AuditSink, AuditSlot, Durable, Payload, Unavailable};
use stockade_ledger::Reservation;
use stockade_store::RequestRow;
use tokio::sync::oneshot;

use super::Journal;
use super::row;
use crate::audit::Feed;

/// The journal as the gateway sees it.
pub struct Recorder(pub(crate) Arc<Journal>);

struct Slot {
    journal: Arc<Journal>,
    room: Reservation,
    /// What the intent said, for the row of the outcome.
    begun: Option<RequestRow>,
}

/// What the feed is told when an entry is durable.
enum News {
    Begun(RequestRow),
    Ended(RequestRow, RequestId),
    None,
}

impl AuditSink for Recorder {
    fn reserve(&self, _request: RequestId) -> Result<Box<dyn AuditSlot>, Unavailable> {
        let room = self.0.ledger.reserve(2).map_err(|e| Unavailable(e.to_string()))?;
        Ok(Box::new(Slot { journal: Arc::clone(&self.0), room, begun: None }))
    }

    fn rejected(&self, code: &'static str) {
        self.0.rejected.count(code);
    }
}

impl AuditSlot for Slot {
    fn append(&mut self, event: AuditEvent, payload: Option<Payload>) -> Durable {
        let news = self.news(&event);
        let payload = payload.filter(|_| self.journal.payloads.load(std::sync::atomic::Ordering::Relaxed));
        let feed = Arc::clone(&self.journal.feed);
        let (done, durable) = oneshot::channel();
        self.room.append(&event, payload.as_deref(), move |result| {
            let index = result.map(|receipt| receipt.index).map_err(|e| AuditError(e.to_string()));
            news.tell(&feed, index.as_ref().ok().copied());
            let _nobody_waits = done.send(index);
        });
        Box::pin(
            async move { durable.await.unwrap_or_else(|_| Err(AuditError("the ledger ended".to_owned()))) },
        )
    }
}

impl Slot {
    fn news(&mut self, event: &AuditEvent) -> News {
        match event {
            AuditEvent::Intent(intent) => {
                let row = row::begun(intent);
                self.begun = Some(row.clone());
                News::Begun(row)
            }
            AuditEvent::Outcome(outcome) => match row::ended(self.begun.take(), outcome) {
                Some(row) => News::Ended(row, outcome.request),
                None => News::None,
            },
            _ => News::None,
        }
    }
}

impl News {
    fn tell(self, feed: &Feed, index: Option<u64>) {
        match (self, index) {
            (Self::Begun(row), Some(index)) => {
                feed.begun(Arc::new(RequestRow { intent_index: Some(index), ..row }));
            }
            (Self::Ended(row, id), Some(index)) => {
                let intent_index = feed.open_request(id).and_then(|open| open.intent_index);
                feed.ended(Arc::new(RequestRow { intent_index, outcome_index: Some(index), ..row }));
            }
            (Self::Ended(_, id), None) => feed.vanished(id),
            _ => {}
        }
    }
}
