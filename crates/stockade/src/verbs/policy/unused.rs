//! `stockade policy unused`: policies that never had a say in what was recorded.

use std::process::ExitCode;

use anyhow::Result;
use serde::Serialize;
use stockade_authz::{Engine, Scope};
use stockade_domain::Action;
use stockade_platform::PolicyUse;

use super::replay::ago;
use crate::config::Span;
use crate::control::{Client, Request};
use crate::home::HomeArgs;
use crate::output::{OutputArgs, Verdict};
use crate::verbs::short;

/// What was found.
#[derive(Debug, Serialize)]
struct Found<'a> {
    decisions: u64,
    /// The oldest decision that was looked at.
    from: Option<String>,
    unused: Vec<Line<'a>>,
    /// They are only observed, and would have had no say either.
    unused_observed: Vec<Line<'a>>,
    /// They decide nothing but what is recorded only where it is denied.
    untold: Vec<Line<'a>>,
}

#[derive(Debug, Serialize)]
struct Line<'a> {
    id: &'a str,
    title: &'a str,
}

pub(super) fn run(
    home: &HomeArgs,
    output: OutputArgs,
    engine: &Engine,
    since: Option<Span>,
) -> Result<ExitCode> {
    let home = home.resolve()?;
    let used: PolicyUse = Client::reach(&home)?.ask(Request::PolicyUse { since: since.map(ago) })?;
    let (mut unused, mut unused_observed, mut untold) = (Vec::new(), Vec::new(), Vec::new());
    for scope in engine.policies().scopes() {
        let Scope { id, title, actions, is_observed } = scope;
        let had_a_say = used.decided.contains_key(id) || used.observed.contains_key(id);
        let list = if had_a_say {
            continue;
        } else if actions == [Action::Connect] {
            &mut untold
        } else if is_observed {
            &mut unused_observed
        } else {
            &mut unused
        };
        list.push(Line { id, title });
    }
    let none = unused.is_empty() && unused_observed.is_empty();
    let found =
        Found { decisions: used.decisions, from: used.from.map(short), unused, unused_observed, untold };
    output.one(&found, human)?;
    Ok(if none { Verdict::Clean } else { Verdict::Findings }.into())
}

fn human(found: &Found<'_>) -> String {
    let from = found.from.as_ref().map_or_else(String::new, |from| format!(" since {from}"));
    let mut lines = vec![format!("{} decisions{from}", found.decisions)];
    for (heading, list) in [
        ("never had a say", &found.unused),
        ("only observed, and would never have had a say", &found.unused_observed),
        ("cannot be told: of `connect` only denials are recorded", &found.untold),
    ] {
        if !list.is_empty() {
            lines.push(format!("{heading}:"));
            lines.extend(list.iter().map(|line| format!("  {:<40} {}", line.id, line.title)));
        }
    }
    lines.join("\n")
}
