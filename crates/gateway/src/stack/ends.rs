//! How a request ends without an answer: refused, denied, or not recorded.

use stockade_domain::{Channel, EndReason, FindingKind, FindingRecord, Handling};
use stockade_egress::evidence::{Denied, Ticket};

use super::Call;
use crate::error::Refusal;

impl Call<'_> {
    /// Records a denial, waits for the record, and says no more than the category.
    pub(super) async fn deny(&self, denied: Box<Denied>, findings: Vec<FindingRecord>) -> Refusal {
        let refusal = Refusal::new(denied.code());
        let refusal = match denied.decision().reasons.iter().find_map(|reason| about(reason)) {
            Some(message) => refusal.with_message(message),
            None => refusal,
        };
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

/// What is said of a denial whose reason the caller knows anyway, since it sent the content: so that it can do without.
fn about(reason: &str) -> Option<&'static str> {
    Some(match reason {
        "opaque_content" => {
            "A policy forbids content that cannot be read here: pictures, sound, files, numbers of tokens."
        }
        "referenced_content" => {
            "A policy forbids content that does not pass here: links to files, stored conversations and prompts, search and other \
             tools that the provider runs. Send the content itself."
        }
        "sealed_content" => "A policy forbids content that its provider signed or encrypted.",
        "incomplete_inspection" => {
            "The request could not be inspected to its end, and a policy forbids that."
        }
        _ => return None,
    })
}

/// Findings that a denial was for. What stands in a system prompt is noted as long as something else was the reason.
pub(super) fn blocked(mut found: Vec<FindingRecord>) -> Vec<FindingRecord> {
    let steers = |f: &FindingRecord| matches!(f.kind, FindingKind::Injection | FindingKind::Leak);
    let elsewhere = found.iter().any(|f| steers(f) && f.channel != Channel::System);
    for finding in found.iter_mut().filter(|f| steers(f)) {
        if !elsewhere || finding.channel != Channel::System {
            finding.handling = Handling::Blocked;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_prompt_is_blocked_only_when_nothing_else_was() {
        let finding = |kind, channel| FindingRecord {
            rule: "r".to_owned(),
            kind,
            channel,
            path: String::new(),
            start: 0,
            end: 1,
            handling: Handling::Noted,
        };
        let handled = |found: &[(FindingKind, Channel)]| {
            let found = blocked(found.iter().map(|(kind, channel)| finding(*kind, *channel)).collect());
            found.into_iter().map(|f| f.handling == Handling::Blocked).collect::<Vec<_>>()
        };
        let (system, said) =
            ((FindingKind::Injection, Channel::System), (FindingKind::Injection, Channel::Content));
        assert_eq!(handled(&[system, said]), [false, true]);
        assert_eq!(handled(&[system, (FindingKind::Pii, Channel::Content)]), [true, false]);
    }
}
