//! What is asked of policy beside the request itself.

use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;
use stockade_authz::{InspectionContext, Resource};
use stockade_domain::{Action, Caller, Effect};
use stockade_egress::evidence::Permit;

use super::Call;
use super::labels::in_call;
use crate::answer::ToolJudge;
use crate::labels::HighWater;
use crate::ports::Resolved;
use crate::trace::Stage;

impl Call<'_> {
    /// Whether policy lets a caller have content of a kind that cannot be read: what a provider sealed, sound, pictures.
    pub(super) fn passes(&self, permit: &Permit, resolved: &Resolved, what: InspectionContext) -> bool {
        let resource = Resource::Model(&resolved.model);
        let asked = self.gateway.parts.pdp.ask(permit.caller(), permit.action(), resource, &what);
        asked.effect == Effect::Permit
    }

    /// A step has ended.
    pub(super) fn traced(&self, stage: Stage, begun: Instant) {
        if let Some(tracer) = &self.gateway.parts.tracer {
            tracer.step(self.request, stage, begun);
        }
    }

    /// Decides a model's tool calls under the same caller.
    pub(super) fn judge(
        &self,
        caller: Caller,
        resolved: &Resolved,
        known: Arc<Mutex<HighWater>>,
    ) -> ToolJudge {
        let rules = Arc::clone(&self.gateway.parts.labels.rules);
        let pdp = Arc::clone(&self.gateway.parts.pdp);
        let clock = Arc::clone(&self.gateway.parts.clock);
        let model = resolved.model.clone();
        let addr = self.peer;
        Arc::new(move |name, context| {
            let context = InspectionContext { addr, now: clock.now(), ..in_call(context, &known) };
            let label_max = rules.load().tool(name);
            let tool = Resource::Tool { name, model: &model, label_max: &label_max };
            pdp.ask(&caller, Action::CallTool, tool, &context)
        })
    }
}
