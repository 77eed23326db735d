//! What a tool is called with, once its call was decided on.

use std::sync::Arc;

use stockade_domain::{FindingKind, Handling, Obligation};

use super::{Lane, Release};
use crate::redact::Redactor;

impl Lane {
    /// What a tool is called with was decided on: this is asked for from now on, of all of it. Nothing of it has left.
    pub(in crate::answer) fn decide(&mut self, obligations: Vec<Obligation>) {
        if !self.finished && matches!(self.release, Release::Whole | Release::Held) {
            self.decided = Some(obligations);
        }
    }

    /// Pseudonyms of what the tool is to have itself.
    pub(super) fn restore_waived(&mut self, redactor: &Redactor) {
        let Some(mut restorer) = redactor.pseudonyms().restorer() else { return };
        let steps = [restorer.push(&self.tail), restorer.finish()];
        for restoration in steps.into_iter().flat_map(|step| step.restorations) {
            let waived = redactor.handling_of(FindingKind::Pii.as_str(), &restoration.ty) == Handling::Noted;
            // Arguments that come as text are JSON, so what is put there is spelled as JSON spells it.
            let spelled = if self.release == Release::Whole {
                spelled_in_json(&restoration.original)
            } else {
                Arc::clone(&restoration.original)
            };
            if waived {
                let place =
                    restoration.start.saturating_add(self.base)..restoration.end.saturating_add(self.base);
                self.restores.push((place, spelled));
            }
        }
    }
}

/// A text as it stands inside a JSON string (RFC 8259, section 7).
fn spelled_in_json(text: &str) -> Arc<str> {
    let quoted = crate::json::encode_string(text);
    let inner = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default();
    Arc::from(String::from_utf8_lossy(inner))
}
