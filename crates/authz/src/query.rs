//! The question that is put to the engine.

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use stockade_domain::{Action, Asked, Caller, FindingKind, Label, LabelOrder, Micros};

/// A question: may this caller do this, with that, now?
#[derive(Debug, Clone, Copy)]
pub struct Query<'a> {
    /// Who asks.
    pub caller: &'a Caller,
    /// What for.
    pub action: Action,
    /// On what. It has to fit the action: a model for `invoke`, a tool for `call_tool`, the gateway for all others.
    pub resource: Resource<'a>,
    /// What is known of the request.
    pub context: &'a InspectionContext,
    /// The configured order of labels.
    pub label_order: &'a LabelOrder,
}

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub enum Resource<'a> {
    /// The installation itself.
    Gateway,
    /// A model at its upstream.
    Model(&'a Model),
    /// A tool that a model calls.
    Tool {
        /// The tool's name as the request declares it.
        name: &'a str,
        /// The model that calls it.
        model: &'a Model,
        /// The highest label of a conversation in which it may be called.
        label_max: &'a Label,
    },
}

/// A model as configuration describes it. Another upstream is another question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// The name that callers use.
    #[serde(default)]
    pub name: String,
    /// The upstream's name.
    pub upstream: String,
    /// Where the upstream keeps what it is sent, in the operator's word.
    #[serde(default)]
    pub region: Option<String>,
    /// The built-in sandbox model.
    #[serde(default)]
    pub sandbox: bool,
    /// Protection is switched off. It counts only for the sandbox.
    #[serde(default)]
    pub observe: bool,
    /// The highest label that may be sent to it.
    #[serde(default)]
    pub label_max: Label,
}

/// What is known of a request when the question is put. For `connect`, `list_models`, `read_result` and `export` only
/// the address and the time are handed to policies.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct InspectionContext {
    /// The label of the text that would travel.
    pub label: Label,
    /// What the label comes from: `registered`, `rule:` and its name, `workload`, `conversation`, `answer`.
    pub label_from: BTreeSet<String>,
    /// Ids of injection signals above their threshold in what users, tools and documents say.
    pub signals: BTreeSet<String>,
    /// Ids of injection signals above their threshold in the system prompt.
    pub system_signals: BTreeSet<String>,
    /// What only the course of the conversation shows: `probing`, `crescendo`. Advice, no finding.
    pub course: BTreeSet<String>,
    /// The system prompt is registered for this workload, compared by digest.
    pub registered_system: bool,
    /// How many findings there are, by family.
    pub findings: FindingCounts,
    /// Findings inside identifiers and enum values.
    pub atom_findings: u64,
    /// There is content that inspection cannot read.
    pub opaque: bool,
    /// There are references to content that does not pass the gateway.
    pub reference: bool,
    /// There is content that its provider signed or encrypted.
    pub sealed: bool,
    /// A detector could not finish.
    pub incomplete: bool,
    /// How many tools the request offers to the model.
    pub tools: u64,
    /// An estimate of the prompt's length in tokens.
    pub tokens: u64,
    /// A stream was asked for.
    pub stream: bool,
    /// The client's address; absent where there is none, as on a Unix socket.
    pub addr: Option<IpAddr>,
    /// The time of the question.
    pub now: Micros,
}

/// Findings by family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FindingCounts {
    /// Personal data.
    pub pii: u64,
    /// Credentials.
    pub secret: u64,
    /// Attempts to steer a model, however uncertain.
    pub injection: u64,
    /// What must never leave.
    pub leak: u64,
}

impl InspectionContext {
    /// What the ledger keeps of it: all but address, time and stream, which stand elsewhere or must not.
    #[must_use]
    pub fn record(&self) -> Asked {
        let FindingCounts { pii, secret, injection, leak } = self.findings;
        let kinds = [
            (FindingKind::Pii, pii),
            (FindingKind::Secret, secret),
            (FindingKind::Injection, injection),
            (FindingKind::Leak, leak),
        ];
        Asked {
            label: self.label.clone(),
            label_from: self.label_from.clone(),
            signals: self.signals.clone(),
            system_signals: self.system_signals.clone(),
            course: self.course.clone(),
            findings: kinds.into_iter().filter(|(_, count)| *count > 0).collect(),
            atom_findings: self.atom_findings,
            registered_system: self.registered_system,
            opaque: self.opaque,
            reference: self.reference,
            sealed: self.sealed,
            incomplete: self.incomplete,
            tools: self.tools,
            tokens: self.tokens,
        }
    }

    /// The context of a recorded request; the address is not known any more.
    #[must_use]
    pub fn recorded(asked: &Asked, stream: bool, now: Micros) -> Self {
        let count = |kind: FindingKind| asked.findings.get(&kind).copied().unwrap_or(0);
        Self {
            label: asked.label.clone(),
            label_from: asked.label_from.clone(),
            signals: asked.signals.clone(),
            system_signals: asked.system_signals.clone(),
            course: asked.course.clone(),
            findings: FindingCounts {
                pii: count(FindingKind::Pii),
                secret: count(FindingKind::Secret),
                injection: count(FindingKind::Injection),
                leak: count(FindingKind::Leak),
            },
            atom_findings: asked.atom_findings,
            registered_system: asked.registered_system,
            opaque: asked.opaque,
            reference: asked.reference,
            sealed: asked.sealed,
            incomplete: asked.incomplete,
            tools: asked.tools,
            tokens: asked.tokens,
            stream,
            addr: None,
            now,
        }
    }
}

impl Model {
    /// Whether protection is off: never but for the sandbox, whatever configuration says.
    pub(crate) fn observed(&self) -> bool {
        self.sandbox && self.observe
    }

    /// Whether a workload's list names this model. A model without protection must be named in full.
    pub(crate) fn listed(&self, names: &[String]) -> bool {
        if self.observed() { names.contains(&self.name) } else { listed(names, &self.name) }
    }
}

/// Whether a list names something; `*` at the end of an entry stands for any rest.
pub(crate) fn listed(names: &[String], name: &str) -> bool {
    names.iter().any(|entry| match entry.strip_suffix('*') {
        Some(prefix) => name.starts_with(prefix),
        None => entry == name,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_the_rest_but_never_for_a_model_without_protection() {
        let names = |list: &[&str]| list.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
        assert!(listed(&names(&["a", "demo_*"]), "demo_x") && listed(&names(&["*"]), "x"));
        assert!(!listed(&names(&["demo_*"]), "dem") && !listed(&names(&["a*b"]), "axb") && !listed(&[], ""));
        let model = Model {
            name: "sandbox-observe".to_owned(),
            upstream: "sandbox".to_owned(),
            region: None,
            sandbox: true,
            observe: true,
            label_max: Label::default(),
        };
        assert!(!model.listed(&names(&["*", "sandbox*"])) && model.listed(&names(&["sandbox-observe"])));
    }
}
