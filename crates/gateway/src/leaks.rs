//! Guards against leaks: which of them a request's obligations ask for, and with what.

use std::sync::Arc;

use arc_swap::ArcSwap;
use stockade_domain::{Micros, Obligation, WorkloadId};
use stockade_inspect::leak::{Canaries, GuardKind, GuardRules, Guards, LinkHosts, PromptWords};

/// What guards are made from.
#[derive(Debug, Clone)]
pub struct Leaks {
    /// The rules, as their files say.
    pub rules: GuardRules,
    /// Makes the words that are planted in system prompts.
    pub canaries: Canaries,
    /// Hosts that answers may lead to; replaced whole when configuration changes.
    pub hosts: Arc<ArcSwap<LinkHosts>>,
}

/// The guards of one request while its obligations are carried out.
pub(crate) struct Setup<'a> {
    leaks: &'a Leaks,
    obligations: &'a [Obligation],
    prompts: Vec<String>,
    guards: Guards,
}

impl Leaks {
    pub(crate) fn setup<'a>(&'a self, obligations: &'a [Obligation]) -> Setup<'a> {
        Setup { leaks: self, obligations, prompts: Vec::new(), guards: Guards::new(self.rules.clone()) }
    }
}

impl Setup<'_> {
    /// Whether an obligation asks for a guard, by the type of what it finds or by the kind of all of them.
    fn asks(&self, kind: GuardKind) -> bool {
        self.leaks.rules.runs(kind)
            && self.obligations.iter().any(|obligation| {
                matches!(obligation, Obligation::Redact(what) if what == kind.as_str() || what == "leak")
            })
    }

    /// A system prompt as the upstream will see it.
    pub(crate) fn prompt(&mut self, text: &str) {
        if self.asks(GuardKind::PromptOverlap) {
            self.prompts.push(text.to_owned());
        }
    }

    /// The line that plants a canary at the end of a system prompt, if one is to stand there. It is watched from now on.
    pub(crate) fn plant(&mut self, workload: &WorkloadId, now: Micros) -> Option<String> {
        if !self.asks(GuardKind::Canary) {
            return None;
        }
        let canary = self.leaks.canaries.canary(workload, now);
        let line = format!("\n\nReference: {}", canary.as_str());
        self.guards = std::mem::take(&mut self.guards).canary(canary);
        Some(line)
    }

    pub(crate) fn into_guards(mut self) -> Guards {
        if self.asks(GuardKind::ForeignLink) {
            self.guards = std::mem::take(&mut self.guards).links(self.leaks.hosts.load_full());
        }
        let words = PromptWords::new(self.prompts.iter().map(String::as_str));
        self.guards.prompt(words)
    }
}
