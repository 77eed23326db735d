//! What the operator says of labels: their order, rules by which text is told, and who may have how much.

use std::time::Duration;

use stockade_authz::Model;
use stockade_domain::{Finding, Label, LabelOrder};
use stockade_inspect::excerpt::Marking;

use super::rank;

/// How long a conversation is remembered when nothing says otherwise.
const REMEMBERED: Duration = Duration::from_secs(24 * 3_600);

/// Order, rules and clearances.
#[derive(Debug, Clone)]
pub struct LabelRules {
    /// The order of labels.
    pub order: LabelOrder,
    /// Rules, in no order that matters: the highest label counts.
    pub rules: Vec<LabelRule>,
    /// The highest labels that models may have, beside what their upstreams may; `*` at the end of a name stands for any rest.
    pub models: Vec<(String, Label)>,
    /// The same of tools. One that nothing names may have every label.
    pub tools: Vec<(String, Label)>,
    /// How long a conversation and its answers are remembered after they were seen last.
    pub remember: Duration,
}

/// A rule: where one of its signs is, text has the label.
#[derive(Debug, Clone)]
pub struct LabelRule {
    /// Its name, for records and refusals.
    pub name: String,
    /// The label.
    pub label: Label,
    /// The signs.
    pub signs: Vec<Sign>,
}

/// What a rule goes by.
#[derive(Debug, Clone)]
pub enum Sign {
    /// A finding of this family or rule; `*` at the end stands for any rest.
    Finding(String),
    /// A pattern in a text.
    Pattern(Marking),
    /// The result of this tool; `*` at the end stands for any rest.
    Tool(String),
    /// Content that cannot be read here: media, files, stored conversations, what a provider sealed.
    Unread,
}

impl Default for LabelRules {
    fn default() -> Self {
        Self {
            order: LabelOrder::default(),
            rules: Vec::new(),
            models: Vec::new(),
            tools: Vec::new(),
            remember: REMEMBERED,
        }
    }
}

impl LabelRules {
    /// Takes off a model's clearance what its name may not have.
    pub fn cap(&self, model: &mut Model) {
        for (_, label) in self.models.iter().filter(|(pattern, _)| fits(pattern, &model.name)) {
            if rank(&self.order, label) < rank(&self.order, &model.label_max) {
                model.label_max = label.clone();
            }
        }
    }

    /// The highest label that a tool may have; where several patterns fit its name, the lowest.
    #[must_use]
    pub fn tool(&self, name: &str) -> Label {
        let fitting = self.tools.iter().filter(|(pattern, _)| fits(pattern, name)).map(|(_, label)| label);
        fitting.min_by_key(|label| rank(&self.order, label)).cloned().unwrap_or_else(|| self.order.highest())
    }

    pub(super) fn has(&self, is: impl Fn(&Sign) -> bool) -> bool {
        self.rules.iter().flat_map(|rule| &rule.signs).any(is)
    }
}

impl LabelRule {
    pub(super) fn has(&self, is: impl Fn(&Sign) -> bool) -> bool {
        self.signs.iter().any(is)
    }
}

impl Sign {
    pub(super) fn is_finding(&self, finding: &Finding) -> bool {
        matches!(self, Self::Finding(word) if word == finding.kind.as_str() || fits(word, &finding.rule_id))
    }

    /// Whether it is the result of a tool of this name. A result whose call nobody knows may be any tool's.
    pub(super) fn is_result(&self, tool: Option<&str>) -> bool {
        matches!(self, Self::Tool(pattern) if tool.is_none_or(|name| fits(pattern, name)))
    }
}

/// Whether a name fits a pattern, `*` at whose end stands for any rest.
pub(crate) fn fits(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => name.starts_with(prefix),
        None => pattern == name,
    }
}
