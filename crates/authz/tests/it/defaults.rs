//! What the default policies decide, say and look like.

use std::collections::BTreeSet;

use stockade_authz::{CaseFile, Engine, PolicySet};
use stockade_domain::{Action, Effect, Label, LabelOrder};

use crate::support::{DEFAULTS, Question, engine_with};

fn cases() -> CaseFile {
    CaseFile::parse("default.toml", include_str!("../../../../rules/cedar/tests/default.toml")).unwrap()
}

#[test]
fn every_case_is_decided_as_written() {
    let results = cases().run(&engine_with(""));
    assert!(results.len() > 30);
    let failed: Vec<_> = results.iter().filter(|r| !r.differences.is_empty()).collect();
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn every_default_policy_decides_in_some_case() {
    let engine = engine_with("");
    let seen: BTreeSet<String> = cases().run(&engine).into_iter().flat_map(|r| r.decision.policies).collect();
    let all: BTreeSet<String> =
        engine.policies().describe().into_iter().map(|(id, ..)| id.to_owned()).collect();
    assert_eq!(seen, all);
}

#[test]
fn every_default_policy_says_what_and_why() {
    let set = PolicySet::load(&DEFAULTS).unwrap();
    for (id, title, why) in set.describe() {
        assert!(!title.is_empty() && why.ends_with('.'), "{id}");
    }
}

#[test]
fn the_examples_of_the_docs_page_work() {
    let page = include_str!("../../../../docs/policies.md");
    let block = |language: &str| {
        let (_, rest) = page.split_once(&format!("```{language}\n")).unwrap();
        rest.split_once("```").unwrap().0
    };
    let results =
        CaseFile::parse("docs/policies.md", block("toml")).unwrap().run(&engine_with(block("cedar")));
    assert!(results.len() == 1 && results.iter().all(|r| r.differences.is_empty()), "{results:#?}");
}

#[test]
fn explain_tells_the_same_story_as_decide() {
    let (file, engine) = (cases(), engine_with(""));
    for case in &file.cases {
        let told = file.explain(case, &engine).unwrap();
        let mut ids: Vec<String> = match told.decision.effect {
            Effect::Permit => told
                .permits
                .iter()
                .chain(told.floor.iter().map(|f| &f.policy))
                .map(|p| p.id.clone())
                .collect(),
            Effect::Deny => told.forbids.iter().map(|p| p.id.clone()).collect(),
        };
        let mut decided = told.decision.policies.clone();
        ids.sort();
        ids.dedup();
        decided.sort();
        assert_eq!(ids, decided, "{}", case.name);
    }
}

#[test]
fn explain_shows_waivers_and_what_a_forbid_outweighed() {
    let (file, engine) = (cases(), engine_with(""));
    let explain = |name: &str| {
        let case = file.cases.iter().find(|case| case.name == name).unwrap();
        file.explain(case, &engine).unwrap()
    };
    let observed = explain("observe lets everything through and says what it waived").to_string();
    assert!(
        observed.contains("floor: redact:secret by floor-redact-secrets, waived by sandbox-observe"),
        "{observed}"
    );
    let blocked = explain("an injection in a document");
    assert_eq!(blocked.permits[0].id, "invoke-listed-models");
    assert!(blocked.to_string().contains("forbidden by prompt-injection (content.cedar:"), "{blocked}");
    assert_eq!(blocked.context["signals"][0], "injection.override");
    assert!(explain("a label that nobody configured").to_string().contains("cosmic"));
}

#[test]
fn explain_is_safe_to_print_and_to_serialise() {
    let hostile = Question::invoke().user("\u{1b}[2J\u{202e}evil");
    let told = hostile.ask(|query| engine_with("").explain(query));
    assert!(!told.to_string().contains(['\u{1b}', '\u{202e}']));
    assert!(serde_json::to_string(&told).unwrap().contains("asserted-user"));
}

#[test]
fn a_policy_that_fails_denies_although_another_permits() {
    // `rank * 9e18` overflows for any rank above 1: Cedar would leave the policy out and go on.
    let engine = engine_with(
        r#"@id("overflow") forbid (principal, action == Stockade::Action::"invoke", resource)
           when { context.label.rank * 9223372036854775807 > 1 };"#,
    );
    let mut question = Question::invoke();
    assert_eq!(question.decide(&engine).effect, Effect::Permit);
    question.context.label = Label::new("restricted");
    let record = question.decide(&engine);
    assert_eq!(
        (record.effect, record.reasons, record.policies),
        (Effect::Deny, vec!["policy_error".to_owned()], vec!["overflow".to_owned()])
    );
    let told = question.ask(|query| engine.explain(query));
    assert!(told.errors[0].why.contains("overflow"), "{told}");
}

#[test]
fn a_floor_policy_that_fails_denies_too() {
    let engine = engine_with(
        r#"@id("overflow") @floor @obligation("strict")
           permit (principal, action == Stockade::Action::"invoke", resource)
           when { context.label.rank * 9223372036854775807 > 1 };"#,
    );
    let mut question = Question::invoke();
    question.context.label = Label::new("restricted");
    assert_eq!(question.decide(&engine).reasons, ["policy_error"]);
}

#[test]
fn an_empty_set_denies_everything() {
    let engine = Engine::new(PolicySet::load(&[]).unwrap()).unwrap();
    for action in [Action::Connect, Action::Invoke, Action::ListModels, Action::Export] {
        let record = Question { action, ..Question::invoke() }.decide(&engine);
        assert_eq!((record.effect, record.reasons), (Effect::Deny, vec!["default_deny".to_owned()]));
    }
}

#[test]
fn odd_times_and_addresses_do_not_stop_a_decision() {
    let engine = engine_with("");
    for (addr, now) in [(Some("::ffff:10.0.0.1"), 0), (Some("fe80::1"), -1), (None, 4_102_444_800_000_000)] {
        let mut question = Question::invoke();
        question.context.addr = addr.map(|a| a.parse().unwrap());
        question.context.now = stockade_domain::Micros::from_i64(now);
        assert_eq!(question.decide(&engine).effect, Effect::Permit);
    }
    // A clock in the year 300,000 has no form in Cedar: no answer rather than a wrong one.
    let mut question = Question::invoke();
    question.context.now = stockade_domain::Micros::from_i64(i64::MAX);
    assert_eq!(question.decide(&engine).reasons, ["policy_error"]);
}

#[test]
fn a_change_of_model_labels_or_workload_is_seen_at_once() {
    let engine = engine_with("");
    let mut question = Question::invoke();
    question.context.label = Label::new("internal");
    assert_eq!(question.decide(&engine).effect, Effect::Permit);

    question.model.label_max = Label::new("public");
    assert_eq!(question.decide(&engine).reasons, ["label_too_high"]);
    // The same labels in another order.
    question.labels = LabelOrder::new(["internal", "public", "restricted"].map(Label::new).to_vec());
    assert_eq!(question.decide(&engine).effect, Effect::Permit);
    question.labels = LabelOrder::new(["restricted", "internal"].map(Label::new).to_vec());
    assert_eq!(question.decide(&engine).reasons, ["unknown_label"]);
    question.labels = LabelOrder::default();
    question.model.label_max = Label::new("restricted");
    assert_eq!(question.decide(&engine).effect, Effect::Permit);

    let unlisted = question.workload(|w| w.models.clear());
    assert_eq!(unlisted.decide(&engine).reasons, ["default_deny"]);
}
