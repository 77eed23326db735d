//! A request's place in the audit queue, from its first byte to its outcome.

use std::sync::Arc;
use std::time::Instant;

use stockade_domain::{
    AuditEvent, CallerRecord, Charge, Clock, DecisionRecord, EndReason, Inspection, Intent, Micros, Outcome,
    RequestId, Usage,
};

use super::audit::{AuditSink, AuditSlot, Durable, Payload, Unavailable};
use crate::target::TargetId;

/// Opened before anything of a request is looked at. It holds reserved room in the audit queue; dropped without a
/// closing word it records that the client left, so that no path out of the gateway is silent.
pub struct Ticket {
    request: RequestId,
    opened: Instant,
    opened_at: Micros,
    clock: Arc<dyn Clock>,
    sink: Arc<dyn AuditSink>,
    slot: Box<dyn AuditSlot>,
    caller: Option<CallerRecord>,
    intent_written: bool,
    closed: bool,
    draft: Closing,
    attempts: Vec<TargetId>,
}

/// What is known of the end of a request. Filled in as it becomes known, so that an early end still tells it.
#[derive(Debug, Clone, Default)]
pub struct Closing {
    /// The HTTP status that the client got; 0 for none.
    pub status: u16,
    /// A stable error code.
    pub code: Option<&'static str>,
    /// What inspection saw in the answer.
    pub inspection: Option<Inspection>,
    /// Decisions on tool calls of the answer.
    pub tool_decisions: Vec<DecisionRecord>,
    /// Tokens, when the upstream said.
    pub usage: Option<Usage>,
    /// What it was charged.
    pub charge: Option<Charge>,
    /// Bytes of body received.
    pub bytes_in: u64,
    /// Bytes of body sent.
    pub bytes_out: u64,
    /// Microseconds to the first byte of the answer's body.
    pub first_byte_us: u64,
    /// Readable detail of the answer.
    pub payload: Option<Payload>,
}

impl Ticket {
    /// Opens a ticket.
    ///
    /// # Errors
    /// [`Unavailable`] when the audit log has no room or has stopped: the request must be refused.
    pub fn open(
        request: RequestId,
        sink: Arc<dyn AuditSink>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Unavailable> {
        let slot = sink.reserve(request)?;
        Ok(Self {
            request,
            opened: Instant::now(),
            opened_at: clock.now(),
            clock,
            sink,
            slot,
            caller: None,
            intent_written: false,
            closed: false,
            draft: Closing::default(),
            attempts: Vec::new(),
        })
    }

    /// The request's id.
    #[must_use]
    pub fn request(&self) -> RequestId {
        self.request
    }

    /// When the request came in.
    #[must_use]
    pub fn opened_at(&self) -> Micros {
        self.opened_at
    }

    /// Microseconds since the request came in, by the monotonic clock.
    #[must_use]
    pub fn elapsed_us(&self) -> u64 {
        u64::try_from(self.opened.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// What is known so far of the request's end.
    pub fn draft(&mut self) -> &mut Closing {
        &mut self.draft
    }

    /// Refuses a request whose caller is not known: counted, not recorded one by one.
    pub fn reject(mut self, code: &'static str) {
        self.closed = true;
        self.sink.rejected(code);
    }

    /// Writes the outcome. The future resolves when it is on disk; nobody has to wait for it.
    pub fn close(mut self, end: EndReason) -> Durable {
        self.finish(end)
    }

    pub(super) fn identify(&mut self, caller: CallerRecord) {
        self.caller = Some(caller);
    }

    pub(super) fn note_attempt(&mut self, target: &TargetId) {
        self.attempts.push(target.clone());
    }

    pub(super) fn write_intent(&mut self, intent: Intent, payload: Option<Payload>) -> Durable {
        self.intent_written = true;
        self.slot.append(AuditEvent::Intent(Box::new(intent)), payload)
    }

    pub(super) fn now(&self) -> Micros {
        self.clock.now()
    }

    fn finish(&mut self, end: EndReason) -> Durable {
        self.closed = true;
        let draft = std::mem::take(&mut self.draft);
        let outcome = Outcome {
            request: self.request,
            time: self.clock.now(),
            end,
            code: draft.code.map(str::to_owned),
            status: draft.status,
            attempts: self.attempts.iter().map(|t| t.as_str().to_owned()).collect(),
            caller: if self.intent_written { None } else { self.caller.take() },
            inspection: draft.inspection,
            tool_decisions: draft.tool_decisions,
            usage: draft.usage,
            charge: draft.charge,
            bytes_in: draft.bytes_in,
            bytes_out: draft.bytes_out,
            first_byte_us: draft.first_byte_us,
            duration_us: self.elapsed_us(),
        };
        self.slot.append(AuditEvent::Outcome(Box::new(outcome)), draft.payload)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if self.closed {
            return;
        }
        if self.caller.is_some() {
            drop(self.finish(EndReason::ClientAborted));
        } else {
            self.sink.rejected("client_aborted");
        }
    }
}

impl std::fmt::Debug for Ticket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Ticket({})", self.request)
    }
}
