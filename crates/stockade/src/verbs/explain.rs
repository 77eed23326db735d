//! `stockade explain ID`: what a rule, a policy or an error code means, and what to do.

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Args;
use serde::Serialize;
use stockade_rulebook::Header;

use super::{policy, rules};
use crate::config::Config;
use crate::output::{self, OutputArgs, Verdict};

/// Explains a rule, a policy or an error code
#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// The id, for example `email`, `prompt-injection` or `policy_denied`
    id: String,
}

/// What there is to say.
#[derive(Serialize)]
struct Said {
    id: String,
    kind: &'static str,
    title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    severity: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "String::is_empty")]
    why: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    fix: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    references: Vec<String>,
}

pub(crate) fn run(output: OutputArgs, args: &ExplainArgs) -> Result<ExitCode> {
    let id = args.id.as_str();
    let Some(said) = rule(id)?.or(of_policy(id)?).or_else(|| code(id)) else {
        let meant = nearest(id)?.map_or_else(String::new, |known| format!("; did you mean `{known}`?"));
        bail!("nothing has the id `{id}`{meant} `stockade rules list` and docs/errors.md name what there is");
    };
    output.one(&said, shown)?;
    Ok(Verdict::Clean.into())
}

/// The id that is most like one that nothing has.
fn nearest(id: &str) -> Result<Option<String>> {
    let rules = rules::headers(&rules::book())?.into_iter().map(|(_, header)| header.id);
    let policies = policy::engine(&Config::default())?;
    let policies =
        policies.policies().describe().into_iter().map(|(id, _, _)| id.to_owned()).collect::<Vec<_>>();
    let codes = stockade_gateway::CODES.iter().map(|(_, code, _)| (*code).to_owned());
    let all: Vec<String> = rules.chain(policies).chain(codes).collect();
    Ok(output::nearest(id, all.iter().map(String::as_str)).map(str::to_owned))
}

fn rule(id: &str) -> Result<Option<Said>> {
    let headers = rules::headers(&rules::book())?;
    Ok(headers.into_iter().find(|(_, header)| header.id == id).map(|(_, header)| Said::from(header)))
}

fn of_policy(id: &str) -> Result<Option<Said>> {
    let engine = policy::engine(&Config::default())?;
    let found = engine.policies().describe().into_iter().find(|(known, _, _)| *known == id);
    Ok(found.map(|(id, title, why)| Said {
        id: id.to_owned(),
        kind: "policy",
        title: title.to_owned(),
        severity: None,
        status: None,
        why: why.to_owned(),
        fix: String::new(),
        references: Vec::new(),
    }))
}

fn code(id: &str) -> Option<Said> {
    let (status, code, text) = stockade_gateway::CODES.iter().find(|(_, code, _)| *code == id)?;
    Some(Said {
        id: (*code).to_owned(),
        kind: "error code",
        title: (*text).to_owned(),
        severity: None,
        status: Some(*status),
        why: String::new(),
        fix: String::new(),
        references: Vec::new(),
    })
}

impl From<Header> for Said {
    fn from(header: Header) -> Self {
        let frameworks = header.atlas.iter().chain(&header.owasp).map(|r| r.as_str().to_owned());
        Self {
            references: header.references.iter().cloned().chain(frameworks).collect(),
            id: header.id,
            kind: "rule",
            title: header.title,
            severity: Some(rules::word(header.severity)),
            status: None,
            why: header.why,
            fix: header.fix,
        }
    }
}

fn shown(said: &Said) -> String {
    let mut lines = vec![format!("{} ({}): {}", said.id, said.kind, said.title)];
    let mut add = |name: &str, text: &str| {
        if !text.is_empty() {
            lines.push(format!("  {name:<9} {text}"));
        }
    };
    add("severity", said.severity.as_deref().unwrap_or_default());
    add("status", &said.status.map_or_else(String::new, |status| status.to_string()));
    add("why", &said.why);
    add("fix", &said.fix);
    add("see", &said.references.join(", "));
    lines.join("\n")
}
