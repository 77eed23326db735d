//! The policy decision point: the one place that turns what the policies say into a decision that clears a request.

use std::sync::Arc;

use arc_swap::ArcSwap;
use stockade_domain::{Action, Caller, DecisionRecord, LabelOrder};
use stockade_egress::evidence::{Decision, Minter};

use crate::engine::Engine;
use crate::query::{InspectionContext, Query, Resource};

/// Decides for every surface. Holds the minter of one egress client; policies are replaced whole, under running traffic.
#[derive(Debug)]
pub struct Pdp {
    current: ArcSwap<Rules>,
    minter: Minter,
}

/// What decisions are made by.
#[derive(Debug)]
pub struct Rules {
    /// The policies.
    pub engine: Engine,
    /// The order of labels.
    pub labels: LabelOrder,
}

impl Pdp {
    /// A decision point over checked policies.
    #[must_use]
    pub fn new(rules: Rules, minter: Minter) -> Self {
        Self { current: ArcSwap::from_pointee(rules), minter }
    }

    /// Puts other policies in place of the ones there are. Requests under way keep the decision that they have.
    pub fn replace(&self, rules: Rules) {
        self.current.store(Arc::new(rules));
    }

    /// What decisions are made by now.
    #[must_use]
    pub fn rules(&self) -> Arc<Rules> {
        self.current.load_full()
    }

    /// A decision that can clear a request.
    #[must_use]
    pub fn decide(
        &self,
        caller: &Caller,
        action: Action,
        resource: Resource<'_>,
        context: &InspectionContext,
    ) -> Decision {
        let mut record = self.ask(caller, action, resource, context);
        if let Resource::Model(_) = resource {
            record.asked = Some(Box::new(context.record()));
        }
        self.minter.decision(record)
    }

    /// What the policies say, where no request leaves: on headers alone, on lists, on a model's tool calls.
    #[must_use]
    pub fn ask(
        &self,
        caller: &Caller,
        action: Action,
        resource: Resource<'_>,
        context: &InspectionContext,
    ) -> DecisionRecord {
        let rules = self.current.load();
        rules.engine.decide(&Query { caller, action, resource, context, label_order: &rules.labels })
    }
}
