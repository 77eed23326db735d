//! The step in which a request gets its label, and the way to an upstream that may have it.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use http::HeaderMap;
use parking_lot::Mutex;
use stockade_authz::{InspectionContext, Resource};
use stockade_domain::{Caller, DecisionRecord, Effect, Label, WorkloadId};
use stockade_egress::evidence::{Examined, Message};

use super::limit::Room;
use super::{Asked, Call, Step};
use crate::error::{Refusal, Wait};
use crate::flow::AGAIN;
use crate::labels::{self, Conversation, Hearing, HighWater, TRUSTED, Text, rank};
use crate::ports::Resolved;

/// Where a trusted workload says what label its text has ...
const LABEL: &str = "x-stockade-label";

/// ... and which conversation it belongs to.
const CONVERSATION: &str = "x-stockade-conversation";

/// The longest name of a conversation, in bytes.
const LONGEST_NAME: usize = 128;

/// What is known of a request's label.
pub(super) struct Labelled {
    text: Text,
    conversation: Conversation,
    /// Rises further while the answer runs.
    pub(super) known: Arc<Mutex<HighWater>>,
}

/// What a workload says of its text.
struct Said {
    label: Option<Label>,
    conversation: Option<String>,
}

impl Call<'_> {
    /// The label of a request, for policy to decide on.
    pub(super) fn label(
        &self,
        examined: Examined,
        context: &mut InspectionContext,
    ) -> Step<(Examined, Labelled)> {
        let parts = &self.gateway.parts;
        let caller = examined.caller();
        let said = match self.said(caller) {
            Ok(said) => said,
            Err(refusal) => return Err(self.refuse(examined.into_ticket(), refusal)),
        };
        let text = Text::of(&parts.labels.key, caller);
        let conversation = match &said.conversation {
            Some(name) => text.named(name),
            None => text.opened(caller, examined.message()),
        };
        let mut known = HighWater::new(parts.labels.rules.load().order.clone());
        if let Some(label) = &said.label {
            known.raise(label, "workload");
        }
        let (message, findings) = (examined.message(), examined.findings());
        super::aside(message.body.len(), || {
            labels::read(&parts.labels, &text, message, findings, conversation, &mut known);
        });
        if known.is_raised() {
            self.gateway.metrics.labelled(known.label().as_str());
            if conversation.0.is_some_and(|id| parts.labels.marks.has_room(id).is_err()) {
                let refusal = Refusal { wait: Wait::For(AGAIN), ..Refusal::new("labels_full") };
                return Err(self.refuse(examined.into_ticket(), refusal));
            }
        }
        context.label = known.label().clone();
        context.label_from = known.from().clone();
        Ok((examined, Labelled { text, conversation, known: Arc::new(Mutex::new(known)) }))
    }

    /// The request goes on: from now on its conversation has the label.
    pub(super) fn remember(&self, labelled: &Labelled) {
        let labels = &self.gateway.parts.labels;
        let known = labelled.known.lock();
        if known.is_raised() {
            let rules = labels.rules.load();
            let ids: Vec<_> = labelled.conversation.0.into_iter().collect();
            labels.marks.raise(&ids, known.label(), &rules.order, rules.remember);
        }
    }

    /// What hears the answer.
    pub(super) fn hearing(&self, labelled: Labelled) -> Hearing {
        let Labelled { text, conversation, known } = labelled;
        Hearing::new(&self.gateway.parts.labels, text, conversation, known)
    }

    /// A model that is asked to use a tool which its provider runs hands on what it was told: it may have no more than the tool.
    pub(super) fn cap_by_hosted_tools(&self, asked: &mut Asked, message: &Message) {
        let rules = self.gateway.parts.labels.rules.load();
        if rules.tools.is_empty() || message.references.is_empty() {
            return;
        }
        let texts: HashMap<&str, &str> =
            message.spans.iter().map(|span| (span.path.as_str(), span.text.as_str())).collect();
        for reference in &message.references {
            // A tool by its type or name, or a field that stands for one, such as `web_search_options`.
            let said =
                ["type", "name"].map(|key| texts.get(format!("{}/{key}", reference.path).as_str()).copied());
            let field = reference.path.rsplit('/').next().filter(|_| reference.kind != "anthropic-beta");
            for name in said.into_iter().flatten().chain(field) {
                let most = rules.tool(name);
                for resolved in std::iter::once(&mut asked.resolved).chain(&mut asked.others) {
                    if rank(&rules.order, &most) < rank(&rules.order, &resolved.model.label_max) {
                        resolved.model.label_max = most.clone();
                    }
                }
            }
        }
    }

    /// Which of a route's other upstreams is asked, where the first may not have the label and that one may.
    pub(super) fn cleared_for(
        &self,
        asked: &Asked,
        examined: &Examined,
        context: &InspectionContext,
    ) -> Option<usize> {
        let order = self.gateway.parts.labels.rules.load().order.clone();
        let reaches =
            |resolved: &Resolved| rank(&order, &resolved.model.label_max) >= rank(&order, &context.label);
        if reaches(&asked.resolved) {
            return None;
        }
        let may = |other: &Resolved| reaches(other) && self.is_permitted(examined, context, other);
        asked.others.iter().position(may)
    }

    /// Asks another upstream of the route first. Without a place at it the request stays where it is, and is denied there.
    pub(super) async fn reroute(
        &self,
        mut asked: Asked,
        other: Option<usize>,
        workload: WorkloadId,
        room: &mut Room,
    ) -> Asked {
        let Some(at) = other.filter(|at| *at < asked.others.len()) else { return asked };
        let other = asked.others.remove(at);
        match self.gateway.flow.enter(other.target.id(), workload).await {
            Ok(pass) => {
                room.pass = pass;
                asked.resolved = other;
            }
            Err(_) => asked.others.insert(at, other),
        }
        asked
    }

    fn is_permitted(&self, examined: &Examined, context: &InspectionContext, resolved: &Resolved) -> bool {
        let resource = Resource::Model(&resolved.model);
        let action = examined.message().action;
        self.gateway.parts.pdp.ask(examined.caller(), action, resource, context).effect == Effect::Permit
    }

    /// What is said of a denial for a label: which, whence, and what is allowed.
    pub(super) fn about_label(
        &self,
        decision: &DecisionRecord,
        caller: &Caller,
        model: &Resolved,
    ) -> Option<String> {
        decision.reasons.iter().find(|reason| *reason == DecisionRecord::LABEL_TOO_HIGH)?;
        let asked = decision.asked.as_deref()?;
        let order = self.gateway.parts.labels.rules.load().order.clone();
        let (label, model_max, own) = (&asked.label, &model.model.label_max, &caller.workload.label);
        let mut message = format!("This request is labelled `{label}`{}", whence(&asked.label_from));
        if rank(&order, label) > rank(&order, model_max) {
            let name = &model.model.name;
            message.push_str(&format!("; the model `{name}` may have `{model_max}` at most"));
        }
        if rank(&order, label) > rank(&order, own) {
            message.push_str(&format!("; this workload may handle `{own}` at most"));
        }
        message.push_str(". Ask a model that may have it, or begin a conversation without that text.");
        Some(message)
    }

    /// What the workload says of its text. The word of one that is not trusted is refused, not passed over: whoever says that
    /// a text is confidential relies on it.
    fn said(&self, caller: &Caller) -> Result<Said, Refusal> {
        let headers = &self.head.headers;
        let (label, conversation) = (one(headers, LABEL)?, one(headers, CONVERSATION)?);
        if label.is_none() && conversation.is_none() {
            return Ok(Said { label: None, conversation: None });
        }
        if !caller.workload.traits.iter().any(|word| word == TRUSTED) {
            return Err(Refusal::new("label_untrusted"));
        }
        let rules = self.gateway.parts.labels.rules.load();
        let label = label.map(Label::new);
        if let Some(unknown) = label.as_ref().filter(|label| rules.order.rank(label).is_err()) {
            let known: Vec<_> = rules.order.iter().map(|known| format!("`{known}`")).collect();
            // The word is the caller's own, and no longer than a name.
            let message = format!("`{LABEL}: {unknown}` is no label here; there are {}", known.join(", "));
            return Err(Refusal::new("invalid_request").with_message(message));
        }
        Ok(Said { label, conversation: conversation.map(str::to_owned) })
    }
}

/// A field that stands once or not at all, of visible ASCII.
fn one<'h>(headers: &'h HeaderMap, name: &'static str) -> Result<Option<&'h str>, Refusal> {
    let mut values = headers.get_all(name).iter();
    match (values.next().map(|value| value.to_str()), values.next()) {
        (None, _) => Ok(None),
        (Some(Ok(text)), None) if (1..=LONGEST_NAME).contains(&text.len()) => Ok(Some(text)),
        _ => Err(Refusal::new("invalid_request").with_message(format!(
            "`{name}` is one field of at most {LONGEST_NAME} visible ASCII characters"
        ))),
    }
}

/// Where a label comes from, in words.
fn whence(from: &BTreeSet<String>) -> String {
    let words: Vec<String> = from
        .iter()
        .map(|word| match word.as_str() {
            "registered" => "a registered text in it".to_owned(),
            "workload" => "what the workload says".to_owned(),
            "conversation" => "what came before in its conversation".to_owned(),
            "answer" => "an answer of a labelled conversation in it".to_owned(),
            other => match other.strip_prefix("rule:") {
                Some(rule) => format!("the rule `{rule}`"),
                None => other.to_owned(),
            },
        })
        .collect();
    if words.is_empty() { String::new() } else { format!(" because of {}", words.join(" and ")) }
}

/// The context of a question on a tool call of an answer.
pub(super) fn in_call(context: &InspectionContext, known: &Mutex<HighWater>) -> InspectionContext {
    let known = known.lock();
    InspectionContext { label: known.label().clone(), label_from: known.from().clone(), ..context.clone() }
}
