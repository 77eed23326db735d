//! Policies that are only observed: they are evaluated and recorded, and change nothing.

use proptest::prelude::*;
use stockade_authz::InspectionContext;
use stockade_domain::{Action, Effect, Obligation};

use crate::support::{Question, engine_with};

const FORBID: &str = "@id(\"no-streams\") @mode(\"observe\") @reason(\"no_streams\") forbid (principal, action == \
                      Stockade::Action::\"invoke\", resource) when { context.stream };";

fn streamed() -> Question {
    let mut question = Question::invoke();
    question.context = InspectionContext { stream: true, ..question.context };
    question
}

#[test]
fn what_an_observed_forbid_would_deny_is_permitted_and_said() {
    let engine = engine_with(FORBID);
    let decision = streamed().decide(&engine);
    assert_eq!(decision.effect, Effect::Permit);
    assert!(!decision.policies.contains(&"no-streams".to_owned()));
    let trial = decision.trial.unwrap();
    assert_eq!((trial.effect, trial.policies), (Effect::Deny, vec!["no-streams".to_owned()]));
    assert_eq!(trial.reasons, ["no_streams"]);
    assert_eq!(Question::invoke().decide(&engine).trial, None);
    let explained = streamed().ask(|query| engine.explain(query));
    assert!(explained.forbids.is_empty() && explained.observed.len() == 1);
}

#[test]
fn an_observed_permit_grants_nothing_and_an_observed_floor_asks_for_nothing() {
    let engine = engine_with(
        "@id(\"all\") @mode(\"observe\") permit (principal, action, resource);\n\
         @id(\"strict\") @mode(\"observe\") @floor @obligation(\"strict\") permit (principal, action, resource);",
    );
    let unlisted = Question::invoke().workload(|workload| workload.models.clear());
    let decision = unlisted.decide(&engine);
    assert_eq!(decision.effect, Effect::Deny);
    assert_eq!(decision.trial.unwrap().effect, Effect::Permit);
    let decision = Question::invoke().decide(&engine);
    assert!(!decision.obligations.contains(&Obligation::Strict));
    assert!(decision.trial.unwrap().obligations.contains(&Obligation::Strict));
}

#[test]
fn an_observed_policy_that_fails_denies_nothing() {
    let engine = engine_with(
        "@id(\"broken\") @mode(\"observe\") forbid (principal, action == Stockade::Action::\"invoke\", resource) \
         when { context.tokens * 9223372036854775807 > 1 };",
    );
    let mut question = Question::invoke();
    question.context.tokens = 9;
    let decision = question.decide(&engine);
    assert_eq!(decision.effect, Effect::Permit);
    let trial = decision.trial.unwrap();
    assert_eq!((trial.effect, trial.reasons), (Effect::Deny, vec!["policy_error".to_owned()]));
}

#[test]
fn scopes_and_what_is_read() {
    let engine = engine_with(FORBID);
    let scopes = engine.policies().scopes();
    let scope = scopes.iter().find(|scope| scope.id == "no-streams").unwrap();
    assert!(scope.is_observed && scope.actions == [Action::Invoke]);
    assert!(engine.policies().that_read("stream").contains(&"no-streams"));
    assert!(!engine.policies().that_read("addr").contains(&"no-streams"));
}

proptest! {
    /// Whatever is observed, what is decided is what was decided without it.
    #[test]
    fn observing_changes_no_decision(
        stream: bool,
        opaque: bool,
        secret in 0..3_u64,
        listed: bool,
        condition in prop::sample::select(vec!["context.stream", "context.opaque", "context.findings.secret > 1", "true"]),
        kind in prop::sample::select(vec!["forbid", "permit", "floor"]),
    ) {
        let head = match kind {
            "floor" => "@floor @obligation(\"strict\") permit",
            kind => kind,
        };
        let extra = format!(
            "@id(\"extra\") @mode(\"observe\") {head} (principal, action == Stockade::Action::\"invoke\", resource) when {{ {condition} }};"
        );
        let mut question = Question::invoke();
        question.context.stream = stream;
        question.context.opaque = opaque;
        question.context.findings.secret = secret;
        if !listed {
            question = question.workload(|workload| workload.models.clear());
        }
        let (with, without) = (question.decide(&engine_with(&extra)), question.decide(&engine_with("")));
        prop_assert_eq!((with.effect, with.policies, with.reasons, with.obligations),
                        (without.effect, without.policies, without.reasons, without.obligations));
        // In force, it would have done what the trial says.
        let forced = question.decide(&engine_with(&extra.replace("@mode(\"observe\") ", "")));
        match with.trial {
            Some(trial) => prop_assert_eq!((trial.effect, trial.reasons, trial.obligations),
                                           (forced.effect, forced.reasons, forced.obligations)),
            None => prop_assert_eq!(forced.effect, without.effect),
        }
    }
}
