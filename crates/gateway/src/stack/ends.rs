//! How a request ends without an answer: refused, denied, or not recorded.

use stockade_domain::{EndReason, FindingKind, FindingRecord, Handling};
use stockade_egress::evidence::{Denied, Ticket};

use super::Call;
use crate::error::Refusal;

impl Call<'_> {
    /// Records a denial, waits for the record, and says no more than the category.
    pub(super) async fn deny(&self, denied: Box<Denied>, findings: Vec<FindingRecord>) -> Refusal {
        let refusal = Refusal::new(denied.code());
        match denied.record(refusal.status.as_u16(), findings).await {
            Ok(_) => refusal,
            Err(error) => self.unrecorded(&error.to_string()),
        }
    }

    /// Records that a request of a known caller was refused.
    pub(super) fn refuse(&self, ticket: Ticket, refusal: Refusal) -> Refusal {
        self.end(ticket, refusal, EndReason::Refused)
    }

    pub(super) fn end(&self, mut ticket: Ticket, refusal: Refusal, end: EndReason) -> Refusal {
        let draft = ticket.draft();
        draft.status = refusal.status.as_u16();
        draft.code = Some(refusal.code);
        drop(ticket.close(end));
        refusal
    }

    pub(super) fn unrecorded(&self, error: &str) -> Refusal {
        tracing::error!(error, "a request was answered with 503 because its record failed");
        Refusal::new("ledger_unavailable")
    }
}

/// Findings that a denial was for.
pub(super) fn blocked(found: Vec<FindingRecord>) -> Vec<FindingRecord> {
    let steers = |f: &FindingRecord| matches!(f.kind, FindingKind::Injection | FindingKind::Leak);
    found
        .into_iter()
        .map(|f| if steers(&f) { FindingRecord { handling: Handling::Blocked, ..f } } else { f })
        .collect()
}
