//! What records hold of a request, and what its pseudonyms hang on.

use http::header;
use stockade_authz::InspectionContext;
use stockade_crypto::{Hasher, to_hex};
use stockade_domain::{Caller, CallerRecord, Channel, Obligation, Role};
use stockade_egress::evidence::{Examined, Tensor};

use super::Call;
use crate::pseudonyms::Pseudonyms;
use crate::redact::{Recording, Redactor};

impl Call<'_> {
    pub(super) fn record_of(&self, caller: &Caller) -> CallerRecord {
        let tenant = caller.workload.tenant.as_str().as_bytes();
        caller.record(|user| {
            let tag = self.gateway.parts.people.mac_parts(&[tenant, user.as_bytes()]);
            to_hex(tag.get(..16).unwrap_or_default())
        })
    }

    pub(super) fn bare_context(&self) -> InspectionContext {
        InspectionContext {
            addr: self.peer,
            now: self.gateway.parts.clock.now(),
            ..InspectionContext::default()
        }
    }

    pub(super) fn about(&self, examined: &Examined) -> serde_json::Value {
        let caller = examined.caller();
        let text = |name: header::HeaderName| {
            self.head
                .headers
                .get(name)
                .and_then(|v| v.to_str().ok())
                .map(|v| v.chars().take(256).collect::<String>())
        };
        let mut about = serde_json::json!({
            "peer": self.peer.map(|p| p.to_string()),
            "user_agent": text(header::USER_AGENT),
            "user": caller.user.as_ref().map(|user| &user.id),
        });
        let tensor = |t: &Tensor| serde_json::json!({"path": t.path, "shape": t.shape, "type": t.kind, "fingerprint": t.fingerprint});
        let tensors: Vec<_> = examined.message().tensors.iter().map(tensor).collect();
        if let Some(about) = about.as_object_mut().filter(|_| !tensors.is_empty()) {
            about.insert("tensors".to_owned(), tensors.into());
        }
        about
    }

    /// What a denied request said, with everything redacted that can be.
    pub(super) fn denied_payload(&self, examined: &Examined) -> Vec<u8> {
        let limit = self.gateway.options.record_limit;
        let about = self.about(examined);
        let obligations = [Obligation::Redact("secret".to_owned()), Obligation::Redact("pii".to_owned())];
        let mut redactor = Redactor::new(&obligations, self.gateway.no_pseudonyms(examined.caller()));
        let mut recording = Recording::new(limit);
        // What could not be inspected cannot be redacted either, so it is not kept.
        let known = limit > 0 && examined.inspection().incomplete.is_empty();
        for (index, span) in examined.message().spans.iter().enumerate().filter(|_| known) {
            if matches!(span.channel, Channel::Atom | Channel::Key | Channel::ToolDefinition) {
                continue;
            }
            let found = examined.findings().iter().filter(|f| f.span == index).map(|f| &f.finding);
            let regions = redactor.regions(found);
            recording.add(span.channel, span.role, &span.path, redactor.edit(&span.text, &regions).1);
        }
        recording.into_payload(about)
    }

    /// The request's pseudonyms. Their scope is the conversation: caller, system prompt and first thing a user said, which
    /// a client sends again with every turn.
    pub(super) fn pseudonyms(&self, examined: &Examined) -> Pseudonyms {
        let caller = examined.caller();
        let mut scope = Hasher::new();
        let mut add = |text: &str| {
            scope.update(&u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
            scope.update(text.as_bytes());
        };
        add(caller.user.as_ref().map_or("", |u| &u.id));
        let spans = &examined.message().spans;
        spans.iter().filter(|s| s.channel == Channel::System).for_each(|s| add(&s.text));
        spans
            .iter()
            .find(|s| s.role == Role::User && s.channel == Channel::Content)
            .into_iter()
            .for_each(|s| add(&s.text));
        self.gateway.pseudonyms(caller, scope.finish())
    }
}
