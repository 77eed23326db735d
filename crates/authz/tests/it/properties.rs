//! What holds for every request, not only for the ones that somebody thought of.

use std::sync::OnceLock;

use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use proptest::sample::select;
use stockade_authz::{Engine, FindingCounts, InspectionContext};
use stockade_domain::{Action, Effect, Label, Micros};

use crate::support::{Question, engine_with};

const TRAITS: [&str; 5] =
    ["asserts_users", "allows_opaque", "allows_references", "allows_sealed", "registered_only"];

fn defaults() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| engine_with(""))
}

fn label() -> impl Strategy<Value = Label> {
    select(vec!["public", "internal", "confidential", "restricted", "unheard-of"]).prop_map(Label::new)
}

fn context() -> impl Strategy<Value = InspectionContext> {
    let words = || btree_set("[a-z.]{1,12}", 0..3);
    let flags = any::<[bool; 6]>();
    let counts = [0..3_u64, 0..3_u64, 0..3_u64, 0..2_u64];
    (
        label(),
        words(),
        (words(), words()),
        flags,
        counts,
        (0..2_u64, 0..3_u64, any::<u64>()),
        any::<Option<std::net::IpAddr>>(),
    )
        .prop_map(
            |(
                label,
                signals,
                (system_signals, course),
                flags,
                counts,
                (atom_findings, tools, tokens),
                addr,
            )| {
                let [opaque, reference, sealed, incomplete, registered_system, stream] = flags;
                let [pii, secret, injection, leak] = counts;
                let findings = FindingCounts { pii, secret, injection, leak };
                InspectionContext {
                    label,
                    label_from: course.clone(),
                    signals,
                    system_signals,
                    course,
                    registered_system,
                    findings,
                    atom_findings,
                    opaque,
                    reference,
                    sealed,
                    incomplete,
                    tools,
                    tokens,
                    stream,
                    addr,
                    now: Micros::from_i64(1_795_176_000_000_000),
                }
            },
        )
}

prop_compose! {
    fn question()(
        context in context(),
        action in select(vec![Action::Connect, Action::Invoke, Action::Embed, Action::Predict, Action::CallTool, Action::ListModels, Action::Export]),
        [workload_label, label_max] in [label(), label()],
        traits in vec(select(TRAITS.to_vec()), 0..4),
        models in vec(select(vec!["gpt", "g*", "*", "other"]), 0..3),
        tool in select(vec!["demo_x", "search"]),
        [sandbox, observe, user] in any::<[bool; 3]>(),
    ) -> Question {
        let mut question = Question::invoke().workload(|w| {
            w.label = workload_label.clone();
            w.traits = traits.iter().map(|t| (*t).to_owned()).collect();
            w.models = models.iter().map(|m| (*m).to_owned()).collect();
        });
        if user { question = question.user("somebody"); }
        question.action = action;
        question.tool = Some(tool.to_owned());
        question.context = context;
        question.model.sandbox = sandbox;
        question.model.observe = observe;
        question.model.label_max = label_max;
        question
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_permit_where_a_forbid_matches(question in question()) {
        let told = question.ask(|query| defaults().explain(query));
        if !told.forbids.is_empty() || told.permits.is_empty() || !told.errors.is_empty() {
            prop_assert_eq!(told.decision.effect, Effect::Deny);
            prop_assert!(!told.decision.reasons.is_empty());
            prop_assert!(told.decision.obligations.is_empty());
        } else {
            prop_assert_eq!(told.decision.effect, Effect::Permit);
            let mut matched: Vec<_> = told.permits.iter().chain(told.floor.iter().map(|f| &f.policy)).collect();
            matched.sort_by(|a, b| a.id.cmp(&b.id));
            let mut decided = told.decision.policies.clone();
            decided.sort();
            prop_assert_eq!(matched.into_iter().map(|p| p.id.clone()).collect::<Vec<_>>(), decided);
        }
    }

    #[test]
    fn what_was_asked_before_does_not_matter(questions in vec(question(), 2..5)) {
        for question in &questions {
            let fresh = Engine::new(defaults().policies().clone()).unwrap();
            prop_assert_eq!(question.decide(defaults()), question.decide(&fresh));
        }
    }

    #[test]
    fn what_was_not_inspected_passes_only_in_observe(question in question()) {
        let mut question = question;
        question.context.incomplete = true;
        let inspected = matches!(question.action, Action::Invoke | Action::CallTool);
        let observed = question.model.sandbox && question.model.observe;
        let record = question.decide(defaults());
        prop_assert!(record.effect == Effect::Deny || !inspected || observed);
    }

    #[test]
    fn a_permit_without_waiver_carries_the_floor(question in question()) {
        let record = question.decide(defaults());
        let inspected = matches!(question.action, Action::Invoke | Action::CallTool);
        if record.effect == Effect::Permit && inspected && record.reasons.is_empty() {
            let has = |word: &str| record.obligations.iter().any(|o| o.to_string() == word);
            prop_assert!(has("redact:secret") && has("pseudonymise:pii"));
            prop_assert!(has("strict") || question.context.tools == 0 || question.action == Action::CallTool);
        }
        let sorted = record.obligations.is_sorted_by(|a, b| a < b) && record.reasons.is_sorted_by(|a, b| a < b);
        prop_assert!(sorted);
    }

    #[test]
    fn a_waiver_on_a_policy_that_does_not_match_changes_nothing(question in question()) {
        static WAIVING: OnceLock<Engine> = OnceLock::new();
        let engine = WAIVING.get_or_init(|| engine_with(
            r#"@id("elsewhere") @waive("redact:secret|pseudonymise:pii|strict|annotate")
               permit (principal, action, resource) when { principal.workload.name == "another" };"#));
        let (with, without) = (question.decide(engine), question.decide(defaults()));
        prop_assert_eq!(with.effect, without.effect);
        prop_assert_eq!((with.policies, with.reasons, with.obligations),
            (without.policies, without.reasons, without.obligations));
    }

    #[test]
    fn another_permit_cannot_lower_the_floor(question in question()) {
        static WIDER: OnceLock<Engine> = OnceLock::new();
        let engine = WIDER.get_or_init(|| engine_with(r#"@id("all") permit (principal, action, resource);"#));
        let (wide, narrow) = (question.decide(engine), question.decide(defaults()));
        if narrow.effect == Effect::Permit {
            prop_assert_eq!(wide.effect, Effect::Permit);
            prop_assert_eq!(wide.obligations, narrow.obligations);
        }
        if !narrow.policies.is_empty() {
            prop_assert_eq!(wide.effect, narrow.effect);
        }
    }

    #[test]
    fn a_refused_signal_stays_refused_when_more_is_found(question in question(), more in "[a-z.]{1,12}") {
        let mut worse = question.clone();
        worse.context.signals.insert(more);
        worse.context.findings.leak += 1;
        worse.context.opaque = true;
        if question.decide(defaults()).effect == Effect::Deny {
            prop_assert_eq!(worse.decide(defaults()).effect, Effect::Deny);
        }
    }

    #[test]
    fn the_same_question_gets_the_same_answer(question in question()) {
        prop_assert_eq!(question.decide(defaults()), question.decide(defaults()));
    }
}
