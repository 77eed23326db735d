//! What a decision costs: `cargo run --release -p stockade-authz --example decide_cost`.
//!
//! Prints the mean and the median of 20 rounds of 5,000 decisions each, by the default policies.
#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::error::Error;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use stockade_authz::{Engine, InspectionContext, Model, PolicySet, Query, Resource};
use stockade_domain::{
    Action, Audience, Caller, CredentialKind, Exposure, KeyId, Label, LabelOrder, Micros, TenantId, Workload,
    WorkloadId,
};

const ROUNDS: u32 = 20;
const PER_ROUND: u32 = 5_000;

fn main() -> Result<(), Box<dyn Error>> {
    let engine = Engine::new(PolicySet::load(&[
        ("access.cedar", include_str!("../../../rules/cedar/access.cedar")),
        ("content.cedar", include_str!("../../../rules/cedar/content.cedar")),
        ("floor.cedar", include_str!("../../../rules/cedar/floor.cedar")),
        ("labels.cedar", include_str!("../../../rules/cedar/labels.cedar")),
        ("sandbox.cedar", include_str!("../../../rules/cedar/sandbox.cedar")),
    ])?)?;
    let now = Micros::from_i64(1_795_176_000_000_000);
    let caller = Caller {
        workload: Arc::new(Workload {
            id: WorkloadId::new(now, [1; 10]),
            tenant: TenantId::default(),
            name: "app".parse()?,
            audience: Audience::Employees,
            exposure: Exposure::Internal,
            owner: "team".to_owned(),
            label: Label::new("confidential"),
            models: vec!["gpt".to_owned(), "claude".to_owned()],
            tools: vec!["demo_*".to_owned()],
            traits: vec!["allows_opaque".to_owned()],
        }),
        key: Some(KeyId::new(now, [2; 10])),
        credential: CredentialKind::ApiKey,
        token: None,
        certificate: None,
        user: None,
        chain: Vec::new(),
    };
    let model = Model {
        name: "gpt".to_owned(),
        upstream: "openai".to_owned(),
        region: None,
        sandbox: false,
        observe: false,
        label_max: Label::new("confidential"),
    };
    let context = InspectionContext {
        addr: Some("127.0.0.1".parse()?),
        now,
        tokens: 800,
        ..InspectionContext::default()
    };
    let suspicious = InspectionContext {
        signals: ["injection.override".to_owned()].into(),
        opaque: true,
        ..context.clone()
    };
    let label_order = &LabelOrder::default();
    println!("{} policies, {PER_ROUND} decisions a round, {ROUNDS} rounds", engine.policies().len());
    for (name, action, resource, context) in [
        ("connect", Action::Connect, Resource::Gateway, &context),
        ("invoke, permitted", Action::Invoke, Resource::Model(&model), &context),
        ("invoke, denied", Action::Invoke, Resource::Model(&model), &suspicious),
        (
            "call_tool, permitted",
            Action::CallTool,
            Resource::Tool { name: "demo_x", model: &model, label_max: &model.label_max },
            &context,
        ),
    ] {
        let query = Query { caller: &caller, action, resource, context, label_order };
        let mut rounds: Vec<f64> = (0..ROUNDS)
            .map(|_| {
                let begin = Instant::now();
                for _ in 0..PER_ROUND {
                    black_box(engine.decide(black_box(&query)));
                }
                begin.elapsed().as_secs_f64() * 1e6 / f64::from(PER_ROUND)
            })
            .collect();
        rounds.sort_by(f64::total_cmp);
        let mean = rounds.iter().sum::<f64>() / f64::from(ROUNDS);
        let median = rounds.get(rounds.len() / 2).copied().unwrap_or_default();
        println!("{name:<22} mean {mean:6.2} us   median {median:6.2} us");
    }
    Ok(())
}
