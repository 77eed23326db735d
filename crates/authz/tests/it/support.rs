//! The default policies, and questions to put to them.

use std::sync::Arc;

use stockade_authz::{Engine, InspectionContext, Model, PolicySet, Query, Resource};
use stockade_domain::{
    Action, Audience, Caller, CredentialKind, DecisionRecord, EndUser, Exposure, KeyId, Label, LabelOrder,
    Micros, TenantId, Workload, WorkloadId,
};

/// The default policies, as `(name, text)`.
pub(crate) const DEFAULTS: [(&str, &str); 5] = [
    ("access.cedar", include_str!("../../../../rules/cedar/access.cedar")),
    ("content.cedar", include_str!("../../../../rules/cedar/content.cedar")),
    ("floor.cedar", include_str!("../../../../rules/cedar/floor.cedar")),
    ("labels.cedar", include_str!("../../../../rules/cedar/labels.cedar")),
    ("sandbox.cedar", include_str!("../../../../rules/cedar/sandbox.cedar")),
];

/// An engine for the default policies and one more file.
pub(crate) fn engine_with(extra: &str) -> Engine {
    let mut files = DEFAULTS.to_vec();
    files.push(("extra.cedar", extra));
    Engine::new(PolicySet::load(&files).unwrap()).unwrap()
}

/// One question, owned, so that a test can change a part of it.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    pub(crate) caller: Caller,
    pub(crate) action: Action,
    pub(crate) model: Model,
    pub(crate) tool: Option<String>,
    pub(crate) context: InspectionContext,
    pub(crate) labels: LabelOrder,
}

impl Question {
    /// A workload that asks a model which it lists.
    pub(crate) fn invoke() -> Self {
        let now = Micros::from_i64(1_795_176_000_000_000);
        let workload = Workload {
            id: WorkloadId::new(now, [1; 10]),
            tenant: TenantId::default(),
            name: "app".parse().unwrap(),
            audience: Audience::Employees,
            exposure: Exposure::Internal,
            owner: "team".to_owned(),
            label: Label::new("restricted"),
            models: vec!["gpt".to_owned()],
            tools: vec!["demo_*".to_owned()],
            traits: Vec::new(),
        };
        Self {
            caller: Caller {
                workload: Arc::new(workload),
                key: Some(KeyId::new(now, [2; 10])),
                credential: CredentialKind::ApiKey,
                token: None,
                certificate: None,
                user: None,
                chain: Vec::new(),
            },
            action: Action::Invoke,
            model: Model {
                name: "gpt".to_owned(),
                upstream: "openai".to_owned(),
                region: None,
                sandbox: false,
                observe: false,
                label_max: Label::new("restricted"),
            },
            tool: None,
            context: InspectionContext {
                addr: Some("127.0.0.1".parse().unwrap()),
                now,
                ..InspectionContext::default()
            },
            labels: LabelOrder::default(),
        }
    }

    pub(crate) fn workload(mut self, change: impl FnOnce(&mut Workload)) -> Self {
        change(Arc::make_mut(&mut self.caller.workload));
        self
    }

    pub(crate) fn user(mut self, id: &str) -> Self {
        self.caller.user = Some(EndUser::asserted(id));
        self
    }

    pub(crate) fn ask<T>(&self, answer: impl FnOnce(&Query<'_>) -> T) -> T {
        let resource = match (self.action, &self.tool) {
            (Action::Invoke, _) => Resource::Model(&self.model),
            (Action::CallTool, Some(name)) => {
                Resource::Tool { name, model: &self.model, label_max: &self.model.label_max }
            }
            _ => Resource::Gateway,
        };
        answer(&Query {
            caller: &self.caller,
            action: self.action,
            resource,
            context: &self.context,
            label_order: &self.labels,
        })
    }

    pub(crate) fn decide(&self, engine: &Engine) -> DecisionRecord {
        self.ask(|query| engine.decide(query))
    }
}
