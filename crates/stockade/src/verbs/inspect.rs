//! `stockade inspect`: what inspection sees in a text, and what the built-in policies would say to it.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use clap::Args;
use serde::Serialize;
use stockade_authz::{InspectionContext, Model, Query, Resource};
use stockade_domain::{
    Action, Audience, Caller, Channel, CredentialKind, DecisionRecord, Direction, Effect, Exposure, Finding,
    FindingKind, KeyId, Label, LabelOrder, Micros, Role, SpanRef, TenantId, Untrusted, Workload, WorkloadId,
};
use stockade_inspect::{Context, Engine};

use super::{policy, rules};
use crate::config::Config;
use crate::output::{OutputArgs, Verdict, table};

/// Shows what inspection sees in a text
#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    /// The file to look at, `-` or nothing for standard input
    file: Option<PathBuf>,
    /// Look at this text instead
    #[arg(long, value_name = "TEXT", conflicts_with = "file")]
    text: Option<String>,
}

/// The longest text, in bytes.
const MAX_TEXT: u64 = 64 << 20;

/// An injection signal counts for policies from this confidence on, in thousandths; the gateway's own threshold.
const SIGNAL_THRESHOLD: u16 = 500;

#[derive(Serialize)]
struct Seen {
    verdict: &'static str,
    reasons: Vec<String>,
    obligations: Vec<String>,
    findings: Vec<Found>,
    score: u16,
    /// Detectors that could not look at all of it.
    incomplete: Vec<String>,
}

#[derive(Serialize)]
struct Found {
    rule: String,
    kind: FindingKind,
    #[serde(rename = "type")]
    ty: String,
    start: usize,
    end: usize,
    line: usize,
    confidence: u16,
    text: String,
}

pub(crate) fn run(output: OutputArgs, args: &InspectArgs) -> Result<ExitCode> {
    let text = match &args.text {
        Some(text) => text.clone(),
        None => super::read_text(args.file.as_deref(), MAX_TEXT)?,
    };
    let engine = Engine::new(&rules::book()).context("compiling the rules")?;
    let cx = Context::new(Direction::Request, Channel::Content, Role::User);
    let span = SpanRef { channel: cx.channel, role: cx.role, path: "", text: &text };
    let report = engine.examine(span, &cx);
    let decision = decide(&report.findings, !report.incomplete.is_empty())?;
    let blocked = decision.effect == Effect::Deny;
    let seen = Seen {
        verdict: if blocked { "block" } else { "pass" },
        reasons: decision.reasons,
        obligations: decision.obligations.iter().map(ToString::to_string).collect(),
        findings: report.findings.iter().map(|finding| found(finding, &text)).collect(),
        score: report.score,
        incomplete: report.incomplete.iter().map(|i| format!("{}:{}", i.detector, i.reason)).collect(),
    };
    output.one(&seen, shown)?;
    Ok(match seen.incomplete.is_empty() {
        false => Verdict::Incomplete,
        true if blocked => Verdict::Findings,
        true => Verdict::Clean,
    }
    .into())
}

/// What the built-in policies say to a user's text on its way to a `public` model.
fn decide(findings: &[Finding], incomplete: bool) -> Result<DecisionRecord> {
    let engine = policy::engine(&Config::default())?;
    let mut context = InspectionContext { incomplete, ..InspectionContext::default() };
    for finding in findings {
        let count = match finding.kind {
            FindingKind::Pii => &mut context.findings.pii,
            FindingKind::Secret => &mut context.findings.secret,
            FindingKind::Injection => &mut context.findings.injection,
            FindingKind::Leak => &mut context.findings.leak,
        };
        *count = count.saturating_add(1);
        if finding.kind == FindingKind::Injection && finding.confidence.thousandths() >= SIGNAL_THRESHOLD {
            context.signals.insert(finding.rule_id.as_ref().to_owned());
        }
    }
    let nobody = Micros::from_i64(0);
    let workload = Workload {
        id: WorkloadId::new(nobody, [0; 10]),
        tenant: TenantId::default(),
        name: "inspect".parse().context("the name of the stand-in workload")?,
        audience: Audience::Employees,
        exposure: Exposure::Internal,
        owner: String::new(),
        label: Label::default(),
        models: vec!["*".to_owned()],
        tools: Vec::new(),
        traits: Vec::new(),
    };
    let caller = Caller {
        workload: Arc::new(workload),
        key: KeyId::new(nobody, [0; 10]),
        credential: CredentialKind::ApiKey,
        user: None,
        chain: Vec::new(),
    };
    let model = Model {
        name: "public".to_owned(),
        upstream: "public".to_owned(),
        sandbox: false,
        observe: false,
        label_max: Label::default(),
    };
    let query = Query {
        caller: &caller,
        action: Action::Invoke,
        resource: Resource::Model(&model),
        context: &context,
        label_order: &LabelOrder::default(),
    };
    Ok(engine.decide(&query))
}

fn found(finding: &Finding, text: &str) -> Found {
    let before = text.get(..finding.start).unwrap_or_default();
    Found {
        rule: finding.rule_id.as_ref().to_owned(),
        kind: finding.kind,
        ty: finding.ty.as_ref().to_owned(),
        start: finding.start,
        end: finding.end,
        line: before.matches('\n').count().saturating_add(1),
        confidence: finding.confidence.thousandths(),
        text: excerpt(text.get(finding.start..finding.end).unwrap_or_default()),
    }
}

/// The first characters of what was found.
fn excerpt(text: &str) -> String {
    const CHARS: usize = 60;
    let mut out: String = text.chars().take(CHARS).collect();
    if text.chars().nth(CHARS).is_some() {
        out.push('…');
    }
    out
}

fn shown(seen: &Seen) -> String {
    let mut lines = Vec::new();
    if !seen.findings.is_empty() {
        let row = |f: &Found| {
            let place = format!("{}:{}..{}", f.line, f.start, f.end);
            [f.rule.clone(), f.kind.to_string(), place, f.confidence.to_string(), f.text.clone()]
        };
        lines.push(table(["RULE", "KIND", "LINE:BYTES", "SURE", "TEXT"], seen.findings.iter().map(row)));
    }
    for lack in &seen.incomplete {
        lines.push(format!("NOT LOOKED AT to the end: {}", Untrusted::new(lack).for_log()));
    }
    let why = if seen.reasons.is_empty() { String::new() } else { format!(" ({})", seen.reasons.join(", ")) };
    lines.push(format!(
        "{}{why}: {} findings, injection score {}",
        seen.verdict,
        seen.findings.len(),
        seen.score
    ));
    if seen.verdict == "pass" {
        lines.push(format!("with {}", seen.obligations.join(", ")));
    }
    lines.join("\n")
}
