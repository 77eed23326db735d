//! From an examined request to the attempts that may leave.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use stockade_domain::{
    Action, Caller, CallerRecord, DecisionRecord, Direction, Effect, EndReason, FindingRecord, Inspection,
    Intent, IntentMode, Micros, Obligation, RequestId,
};

use super::audit::{AuditError, Durable, Payload};
use super::authority::{Authority, Decision, Seal};
use super::stages::{Authenticated, Examined, Lease, Message};
use super::ticket::Ticket;
use crate::target::{Target, TargetId};

/// Carries out obligations on a request. The gateway implements it; [`clear`] checks that nothing was left out.
pub trait ApplyObligations {
    /// Carries out all of them, or says which it cannot.
    ///
    /// # Errors
    /// [`Unmet`]: the request is denied.
    fn apply(self, obligations: &[Obligation], examined: &Examined) -> Result<Applied, Unmet>;
}

/// A body on which obligations were carried out.
#[derive(Debug)]
pub struct Applied {
    /// The edited bytes.
    pub body: Bytes,
    /// The obligations that were carried out.
    pub met: Vec<Obligation>,
    /// The findings with what was done about each, for the record.
    pub findings: Vec<FindingRecord>,
    /// Readable detail after editing.
    pub payload: Option<Payload>,
}

/// An obligation that cannot be met.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the obligation `{0}` cannot be met")]
pub struct Unmet(pub Obligation);

/// What was decided, for as long as the answer runs. Private fields, no `Clone`: there is one per cleared request.
#[derive(Debug)]
pub struct Permit {
    request: RequestId,
    caller: Caller,
    action: Action,
    targets: Vec<TargetId>,
    decision: DecisionRecord,
    expires: Option<Micros>,
    seal: Arc<Seal>,
}

/// A request that may leave. [`clear`] is its only constructor.
#[derive(Debug)]
pub struct Cleared {
    ticket: Ticket,
    permit: Permit,
    lease: Lease,
    message: Message,
    body: Bytes,
    intent: Box<Intent>,
    payload: Option<Payload>,
}

/// A request that may not leave, with the ticket to record it.
#[derive(Debug)]
pub struct Denied {
    ticket: Ticket,
    intent: Box<Intent>,
    code: &'static str,
    payload: Option<Payload>,
}

/// A cleared request on its way out. Consumed by the filter; each attempt borrows it.
#[derive(Debug)]
pub struct Dispatch {
    pub(super) ticket: Ticket,
    pub(super) permit: Permit,
    pub(super) lease: Lease,
    message: Message,
    body: Bytes,
}

/// An intent that is in the audit queue and not yet known to be on disk.
#[must_use = "no answer may leave before the intent is durable"]
pub struct PendingIntent {
    request: RequestId,
    durable: Durable,
}

/// Proof that the intent of one request is on disk.
#[derive(Debug)]
pub struct Recorded {
    pub(super) request: RequestId,
}

/// One try at one upstream.
#[derive(Debug)]
pub struct Attempt<'a> {
    permit: &'a Permit,
    target: &'a Target,
    message: &'a Message,
    body: &'a Bytes,
}

/// The permit does not name this upstream: another upstream needs another decision.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the permit does not name the upstream `{0}`")]
pub struct NotPermitted(pub TargetId);

/// A caller that may do what it asks for, where nothing leaves: connect, list.
#[derive(Debug)]
pub struct Admitted {
    authenticated: Authenticated,
    intent: Box<Intent>,
}

/// Decides what needs no upstream: whether a caller may connect at all, or list models.
///
/// # Errors
/// [`Denied`] when the decision is not this authority's or says no.
pub fn admit(
    authority: &Authority,
    authenticated: Authenticated,
    decision: Decision,
    action: Action,
    surface: &'static str,
    record: CallerRecord,
) -> Result<Admitted, Box<Denied>> {
    let Decision { record: decision, seal } = decision;
    let made = authority.made(&seal);
    let permitted = made && decision.effect == Effect::Permit;
    let intent = Box::new(Intent {
        request: authenticated.request(),
        time: authenticated.ticket.now(),
        caller: record,
        action,
        surface: surface.to_owned(),
        model: String::new(),
        targets: Vec::new(),
        stream: false,
        mode: IntentMode::Strict,
        decision,
        inspection: Inspection::nothing(Direction::Request),
    });
    if permitted {
        Ok(Admitted { authenticated, intent })
    } else {
        let code = if made { intent.decision.denial_code() } else { DecisionRecord::POLICY_ERROR };
        Err(Box::new(Denied { ticket: authenticated.ticket, intent, code, payload: None }))
    }
}

/// Decides whether a request may leave.
///
/// # Errors
/// [`Denied`] when the decision is not this authority's, says no, or asks for what was not done.
pub fn clear(
    authority: &Authority,
    examined: Examined,
    decision: Decision,
    targets: Vec<TargetId>,
    record: CallerRecord,
    obligations: impl ApplyObligations,
) -> Result<Cleared, Box<Denied>> {
    let Decision { record: decision, seal } = decision;
    let strict = decision.obligations.contains(&Obligation::Strict);
    let applied = match decision.effect {
        _ if !authority.made(&seal) => Err(DecisionRecord::POLICY_ERROR),
        Effect::Deny => Err(decision.denial_code()),
        Effect::Permit if targets.is_empty() => Err("policy_denied"),
        Effect::Permit => match obligations.apply(&decision.obligations, &examined) {
            Ok(applied) if decision.obligations.iter().all(|o| applied.met.contains(o)) => Ok(applied),
            Ok(_) | Err(Unmet(_)) => Err("obligation_unmet"),
        },
    };
    // The ledger cannot forget: a model's name with something in it that has no business there is not written down.
    let unnamed = examined
        .findings
        .iter()
        .any(|f| examined.message().spans.get(f.span).is_some_and(|s| s.path == "/model"));
    let Examined { from, inspection, .. } = examined;
    let (ticket, caller, lease, message) =
        (from.from.ticket, from.from.caller, from.from.lease, from.message);
    let mut intent = Box::new(Intent {
        request: ticket.request(),
        time: ticket.now(),
        caller: record,
        action: message.action,
        surface: message.surface.to_owned(),
        model: if unnamed { "[redacted]".to_owned() } else { message.model.clone() },
        targets: targets.iter().map(|t| t.as_str().to_owned()).collect(),
        stream: message.stream,
        mode: if strict { IntentMode::Strict } else { IntentMode::Overlap },
        decision: decision.clone(),
        inspection,
    });
    match applied {
        Ok(applied) => {
            intent.inspection.findings = applied.findings;
            let permit = Permit {
                request: ticket.request(),
                caller,
                action: message.action,
                targets,
                decision,
                expires: lease.expires,
                seal,
            };
            Ok(Cleared {
                ticket,
                permit,
                lease,
                message,
                body: applied.body,
                intent,
                payload: applied.payload,
            })
        }
        Err(code) => {
            intent.decision.effect = Effect::Deny;
            if code != "policy_denied" && !intent.decision.reasons.iter().any(|reason| reason == code) {
                intent.decision.reasons.push(code.to_owned());
            }
            Err(Box::new(Denied { ticket, intent, code, payload: None }))
        }
    }
}

// === impl Admitted ===

impl Admitted {
    /// Goes on to the next stage; what is decided there is recorded there.
    #[must_use]
    pub fn proceed(self) -> Authenticated {
        self.authenticated
    }

    /// Records an answer that the gateway gives itself; resolves when decision and outcome are on disk.
    pub fn answer(self, status: u16, bytes_out: u64) -> Durable {
        let mut ticket = self.authenticated.ticket;
        let intent = ticket.write_intent(*self.intent, None);
        let draft = ticket.draft();
        draft.status = status;
        draft.bytes_out = bytes_out;
        let outcome = ticket.close(EndReason::Completed);
        Box::pin(async move {
            intent.await?;
            outcome.await
        })
    }
}

// === impl Cleared ===

impl Cleared {
    /// Puts the intent into the audit queue and hands out the dispatch.
    ///
    /// Under the obligation `strict` this waits until the intent is on disk. Otherwise it returns at once, and the
    /// [`PendingIntent`] is waited for while the upstream works.
    ///
    /// # Errors
    /// [`AuditError`] when, under `strict`, the intent could not be written: nothing was dispatched.
    pub async fn dispatch(mut self) -> Result<(Dispatch, PendingIntent), AuditError> {
        let strict = self.intent.mode == IntentMode::Strict;
        let request = self.ticket.request();
        let mut durable = self.ticket.write_intent(*self.intent, self.payload);
        if strict {
            match durable.await {
                Ok(index) => durable = Box::pin(std::future::ready(Ok(index))),
                Err(error) => {
                    self.ticket.draft().code = Some("ledger_unavailable");
                    drop(self.ticket.close(EndReason::Internal));
                    return Err(error);
                }
            }
        }
        let dispatch = Dispatch {
            ticket: self.ticket,
            permit: self.permit,
            lease: self.lease,
            message: self.message,
            body: self.body,
        };
        Ok((dispatch, PendingIntent { request, durable }))
    }
}

// === impl PendingIntent ===

impl PendingIntent {
    /// Waits until the intent is on disk.
    ///
    /// # Errors
    /// [`AuditError`]: the answer must be thrown away.
    pub async fn durable(self) -> Result<Recorded, AuditError> {
        let request = self.request;
        self.durable.await.map(|_| Recorded { request })
    }
}

// === impl Denied ===

impl Denied {
    /// The stable code of the denial.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// The decision behind it.
    #[must_use]
    pub fn decision(&self) -> &DecisionRecord {
        &self.intent.decision
    }

    /// Readable detail for the record.
    pub fn attach(&mut self, payload: Payload) {
        self.payload = Some(payload);
    }

    /// Records what was asked and that it was denied; resolves when both entries are on disk. `findings` say what the
    /// denial was for.
    pub fn record(mut self, status: u16, findings: Vec<FindingRecord>) -> Durable {
        self.intent.inspection.findings = findings;
        let intent = self.ticket.write_intent(*self.intent, self.payload);
        let draft = self.ticket.draft();
        draft.status = status;
        draft.code = Some(self.code);
        let outcome = self.ticket.close(EndReason::Denied);
        Box::pin(async move {
            intent.await?;
            outcome.await
        })
    }
}

// === impl Dispatch ===

impl Dispatch {
    /// Begins one attempt at a target; it is noted before it is made.
    ///
    /// # Errors
    /// [`NotPermitted`] when the permit does not name the target.
    pub fn attempt<'a>(&'a mut self, target: &'a Target) -> Result<Attempt<'a>, NotPermitted> {
        if !self.permit.targets.contains(target.id()) {
            return Err(NotPermitted(target.id().clone()));
        }
        self.ticket.note_attempt(target.id());
        Ok(Attempt { permit: &self.permit, target, message: &self.message, body: &self.body })
    }

    /// The request as it was read.
    #[must_use]
    pub fn message(&self) -> &Message {
        &self.message
    }

    /// The permit.
    #[must_use]
    pub fn permit(&self) -> &Permit {
        &self.permit
    }

    /// Gives the ticket back, to record why there is no answer.
    #[must_use]
    pub fn into_ticket(self) -> Ticket {
        self.ticket
    }
}

// === impl Attempt ===

impl Attempt<'_> {
    pub(crate) fn permit(&self) -> &Permit {
        self.permit
    }

    pub(crate) fn target(&self) -> &Target {
        self.target
    }

    pub(crate) fn path(&self) -> &str {
        &self.message.path
    }

    /// Whether it only fetches something.
    pub(crate) fn fetches(&self) -> bool {
        self.message.fetches
    }

    pub(crate) fn fields(&self) -> &[(HeaderName, HeaderValue)] {
        &self.message.fields
    }

    pub(crate) fn body(&self) -> &Bytes {
        self.body
    }
}

// === impl Permit ===

impl Permit {
    /// The request that it is for.
    #[must_use]
    pub fn request(&self) -> RequestId {
        self.request
    }

    /// Who it was given to.
    #[must_use]
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// What it allows.
    #[must_use]
    pub fn action(&self) -> Action {
        self.action
    }

    /// Whether it names an upstream.
    #[must_use]
    pub fn names(&self, target: &TargetId) -> bool {
        self.targets.contains(target)
    }

    /// What must be done.
    #[must_use]
    pub fn obligations(&self) -> &[Obligation] {
        &self.decision.obligations
    }

    /// The hash of the policies that decided.
    #[must_use]
    pub fn policy_hash(&self) -> &str {
        &self.decision.policy_hash
    }

    /// When it runs out.
    #[must_use]
    pub fn expires(&self) -> Option<Micros> {
        self.expires
    }

    pub(crate) fn is_from(&self, authority: &Authority) -> bool {
        authority.made(&self.seal)
    }
}
