//! The engine from outside, with the built-in rules.

#![expect(clippy::expect_used, clippy::string_slice, reason = "a test that cannot go on fails")]

use std::sync::LazyLock;

use stockade_domain::{Channel, Direction, Finding, FindingKind, Role, SpanRef};
use stockade_inspect::{Context, Engine, Report};
use stockade_rulebook::Rulebook;

mod decoding;
mod excerpts;
mod fingerprints;
mod fuzz;
mod honest;
mod names;
mod pseudonyms;
mod recognizers;
mod signals;
mod streams;

static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
    Engine::new(&Rulebook::new(stockade_rules::FILES)).expect("the built-in rules are good")
});

/// With the tagger of names.
static NAMES: LazyLock<Engine> = LazyLock::new(|| {
    Engine::with_names(&Rulebook::new(stockade_rules::FILES)).expect("the built-in rules are good")
});

fn context(json_escapes: bool) -> Context {
    Context { json_escapes, ..Context::new(Direction::Request, Channel::Content, Role::User) }
}

fn examine(text: &str, json_escapes: bool) -> Report {
    let span = SpanRef { channel: Channel::Content, role: Role::User, path: "/messages/0/content", text };
    ENGINE.examine(span, &context(json_escapes))
}

/// Type and text of each finding that is data, not a sign of an attack.
fn found<'t>(text: &'t str, findings: &[Finding]) -> Vec<(String, &'t str)> {
    let data = findings.iter().filter(|f| f.kind != FindingKind::Injection);
    data.map(|f| (f.ty.to_string(), &text[f.start..f.end])).collect()
}
