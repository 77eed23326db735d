//! What the built-in policies say to a text on its way to a `public` model.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use serde::Serialize;
use stockade_authz::{Engine, FindingCounts, InspectionContext, Model, Query, Resource};
use stockade_domain::{
    Action, Audience, Caller, Channel, CredentialKind, DecisionRecord, Effect, Exposure, Finding,
    FindingKind, KeyId, Label, LabelOrder, Micros, Obligation, TenantId, Workload, WorkloadId,
};
use stockade_inspect::Report;

use super::super::policy;
use crate::config::Config;

/// An injection signal counts for policies from this confidence on, in thousandths; the gateway's own threshold.
const SIGNAL_THRESHOLD: u16 = 500;

/// How many decisions are kept. When there are more, all are let go: simple, bounded, and rare.
const MAX_KEPT: usize = 4_096;

/// What would happen to a text, from least to most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Level {
    /// It passes as it is.
    Allow,
    /// It passes, and records say what was found.
    Annotate,
    /// It passes with stand-ins or marks in place of what was found.
    Redact,
    /// It does not pass.
    Block,
}

/// Asks the policies for a stand-in caller and model.
pub(super) struct Judge {
    policies: Engine,
    caller: Caller,
    model: Model,
    labels: LabelOrder,
}

/// Decisions that were made already. What policies see of two texts is often the same.
#[derive(Default)]
pub(super) struct Kept(HashMap<Case, Arc<DecisionRecord>>);

/// All that policies get to know of a text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Case {
    system: bool,
    atom: bool,
    incomplete: bool,
    signals: BTreeSet<Arc<str>>,
    /// By kind: personal data, secrets, injections, leaks.
    counts: [u64; 4],
}

// === impl Judge ===

impl Judge {
    pub(super) fn new() -> Result<Self> {
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
        Ok(Self {
            policies: policy::engine(&Config::default())?,
            caller: Caller {
                workload: Arc::new(workload),
                key: Some(KeyId::new(nobody, [0; 10])),
                credential: CredentialKind::ApiKey,
                token: None,
                certificate: None,
                user: None,
                chain: Vec::new(),
            },
            model: Model {
                name: "public".to_owned(),
                upstream: "public".to_owned(),
                region: None,
                sandbox: false,
                observe: false,
                label_max: Label::default(),
            },
            labels: LabelOrder::default(),
        })
    }

    /// The decision on a text with this report.
    pub(super) fn decide(&self, channel: Channel, report: &Report, kept: &mut Kept) -> Arc<DecisionRecord> {
        let case = Case::new(channel, report);
        if let Some(known) = kept.0.get(&case) {
            return Arc::clone(known);
        }
        let context = case.context();
        let query = Query {
            caller: &self.caller,
            action: Action::Invoke,
            resource: Resource::Model(&self.model),
            context: &context,
            label_order: &self.labels,
        };
        let decision = Arc::new(self.policies.decide(&query));
        if kept.0.len() >= MAX_KEPT {
            kept.0.clear();
        }
        kept.0.insert(case, Arc::clone(&decision));
        decision
    }

    /// What a decision comes to for these findings.
    pub(super) fn level(&self, decision: &DecisionRecord, findings: &[Finding]) -> Level {
        if decision.effect == Effect::Deny {
            return Level::Block;
        }
        let replaced = |finding: &Finding| {
            let named = |what: &String| what == finding.kind.as_str() || *what == *finding.ty;
            decision.obligations.iter().any(|obligation| match obligation {
                Obligation::Redact(what) | Obligation::Pseudonymise(what) => named(what),
                Obligation::Strip
                | Obligation::Annotate
                | Obligation::Strict
                | Obligation::Round(_)
                | Obligation::TopK(_)
                | Obligation::LabelOnly => false,
            })
        };
        if findings.iter().any(replaced) {
            Level::Redact
        } else if decision.obligations.contains(&Obligation::Annotate)
            || findings.iter().any(|finding| finding.kind == FindingKind::Injection)
        {
            Level::Annotate
        } else {
            Level::Allow
        }
    }

    /// Id, title and reason of policies.
    pub(super) fn describe(&self, ids: &[String]) -> Vec<(&str, &str, &str)> {
        let known = self.policies.policies().describe();
        known.into_iter().filter(|(id, _, _)| ids.iter().any(|wanted| wanted == id)).collect()
    }
}

impl Case {
    fn new(channel: Channel, report: &Report) -> Self {
        let mut case = Self {
            system: channel == Channel::System,
            atom: channel == Channel::Atom,
            incomplete: !report.incomplete.is_empty(),
            signals: BTreeSet::new(),
            counts: [0; 4],
        };
        for finding in &report.findings {
            let [pii, secret, injection, leak] = &mut case.counts;
            let count = match finding.kind {
                FindingKind::Pii => pii,
                FindingKind::Secret => secret,
                FindingKind::Injection => injection,
                FindingKind::Leak => leak,
            };
            *count = count.saturating_add(1);
            if is_signal(finding) {
                case.signals.insert(Arc::clone(&finding.rule_id));
            }
        }
        case
    }

    /// The same, as the gateway says it to the policies.
    fn context(&self) -> InspectionContext {
        let [pii, secret, injection, leak] = self.counts;
        let signals: BTreeSet<String> = self.signals.iter().map(|id| id.as_ref().to_owned()).collect();
        let (system_signals, signals) =
            if self.system { (signals, BTreeSet::new()) } else { (BTreeSet::new(), signals) };
        InspectionContext {
            signals,
            system_signals,
            findings: FindingCounts { pii, secret, injection, leak },
            atom_findings: if self.atom { pii.saturating_add(secret).saturating_add(leak) } else { 0 },
            incomplete: self.incomplete,
            ..InspectionContext::default()
        }
    }
}

fn is_signal(finding: &Finding) -> bool {
    finding.kind == FindingKind::Injection && finding.confidence.thousandths() >= SIGNAL_THRESHOLD
}

// === impl Level ===

impl Level {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Annotate => "annotate",
            Self::Redact => "redact",
            Self::Block => "block",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
