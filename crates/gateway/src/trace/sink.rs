//! A sink in front of the record's own, which hears what the record is told.

use std::sync::Arc;

use stockade_domain::{AuditEvent, RequestId};
use stockade_egress::evidence::{AuditSink, AuditSlot, Durable, Payload, Unavailable};

use super::Tracer;

/// The record, and what listens to it.
pub(crate) struct TracedSink {
    inner: Arc<dyn AuditSink>,
    tracer: Arc<Tracer>,
}

struct TracedSlot {
    inner: Box<dyn AuditSlot>,
    tracer: Arc<Tracer>,
    request: RequestId,
}

impl TracedSink {
    pub(crate) fn new(inner: Arc<dyn AuditSink>, tracer: Arc<Tracer>) -> Self {
        Self { inner, tracer }
    }
}

impl AuditSink for TracedSink {
    fn reserve(&self, request: RequestId) -> Result<Box<dyn AuditSlot>, Unavailable> {
        let slot = self.inner.reserve(request);
        if !self.tracer.has(request) {
            return slot;
        }
        match slot {
            Ok(inner) => Ok(Box::new(TracedSlot { inner, tracer: Arc::clone(&self.tracer), request })),
            Err(error) => {
                self.tracer.forget(request);
                Err(error)
            }
        }
    }

    fn rejected(&self, code: &'static str) {
        self.inner.rejected(code);
    }
}

impl AuditSlot for TracedSlot {
    fn append(&mut self, event: AuditEvent, payload: Option<Payload>) -> Durable {
        match &event {
            AuditEvent::Intent(intent) => self.tracer.told(intent),
            AuditEvent::Outcome(outcome) => self.tracer.ended(outcome),
            _ => {}
        }
        self.inner.append(event, payload)
    }
}

impl Drop for TracedSlot {
    /// Whoever was refused before it was known who it is has no trace.
    fn drop(&mut self) {
        self.tracer.forget(self.request);
    }
}
