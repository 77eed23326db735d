//! Tool calls: decided on whole, name and complete arguments together, before any of one leaves.

use stockade_authz::{FindingCounts, InspectionContext};
use stockade_crypto::sha256;
use stockade_domain::{
    Channel, Direction, Effect, EndReason, Finding, FindingKind, Obligation, Role, SpanRef,
};
use stockade_egress::evidence::Cut;
use stockade_inspect::Context;

use super::AnswerFilter;
use super::lane::Lane;

/// A call of a tool, as far as it was said.
#[derive(Default)]
pub(super) struct ToolCall {
    pub(super) name: String,
    /// The lane of its arguments, where they are a text.
    pub(super) arguments: Option<usize>,
    /// The lane of the values of its arguments, where they are an object.
    pub(super) values: Option<usize>,
    /// Its arguments, where they are an object.
    pub(super) object: String,
    pub(super) decided: bool,
}

/// So many decisions on tool calls stand in the record.
const MAX_DECISIONS: usize = 16;

/// So many calls are remembered as decided.
const MAX_DECIDED: usize = 1_024;

impl AnswerFilter {
    /// A tool call is one unit: name and complete arguments are decided together.
    pub(super) fn decide(&mut self, at: (u64, u64)) -> Result<(), Cut> {
        let Some(call) = self.tools.get_mut(&at) else { return Ok(()) };
        if std::mem::replace(&mut call.decided, true) {
            return Ok(());
        }
        let call = ToolCall { name: call.name.clone(), object: std::mem::take(&mut call.object), ..*call };
        self.decide_call(&call)
    }

    pub(super) fn decide_call(&mut self, call: &ToolCall) -> Result<(), Cut> {
        let lane = call.arguments.and_then(|at| self.lanes.get(at));
        let said = lane.map_or("", Lane::tail);
        // Streams repeat a call when it is complete.
        let digest = sha256(format!("{}\0{said}\0{}", call.name, call.object).as_bytes());
        if !self.decided.contains_key(&digest) {
            let mut context = InspectionContext::default();
            let path = lane.map(|lane| lane.path.clone()).unwrap_or_default();
            for text in [said, &call.object].into_iter().filter(|text| !text.is_empty()) {
                self.hearing.read(text);
                let span = SpanRef { channel: Channel::ToolArgs, role: Role::Assistant, path: &path, text };
                let cx = Context::new(Direction::Response, Channel::ToolArgs, Role::Assistant);
                let report = self.engine.examine(span, &cx);
                context.incomplete |= !report.incomplete.is_empty();
                report.findings.iter().for_each(|finding| count(&mut context, finding));
            }
            let leaks = lane.into_iter().flat_map(Lane::findings).filter(|f| f.kind == FindingKind::Leak);
            leaks.for_each(|finding| count(&mut context, finding));
            let decision = (self.judge)(&call.name, &context);
            let permitted = decision.effect == Effect::Permit;
            let obligations = self.redactor.for_call(&decision);
            if self.tool_decisions.len() < MAX_DECISIONS {
                self.tool_decisions.push(decision);
            }
            if !permitted {
                return Err(self.end("tool_denied", EndReason::Cut));
            }
            if self.decided.len() < MAX_DECIDED {
                self.decided.insert(digest, obligations.clone());
            }
            self.oblige(call, &obligations);
        } else if let Some(obligations) = self.decided.get(&digest).cloned() {
            self.oblige(call, &obligations);
        }
        Ok(())
    }
}

impl AnswerFilter {
    fn oblige(&mut self, call: &ToolCall, obligations: &[Obligation]) {
        for lane in [call.arguments, call.values].into_iter().flatten() {
            if let Some(lane) = self.lanes.get_mut(lane) {
                lane.decide(obligations.to_vec());
            }
        }
    }
}

fn count(context: &mut InspectionContext, finding: &Finding) {
    let FindingCounts { pii, secret, injection, leak } = &mut context.findings;
    let counter = match finding.kind {
        FindingKind::Pii => pii,
        FindingKind::Secret => secret,
        FindingKind::Injection => injection,
        FindingKind::Leak => leak,
    };
    *counter = counter.saturating_add(1);
    if crate::request::is_signal(finding) {
        context.signals.insert(finding.rule_id.as_ref().to_owned());
    }
}
