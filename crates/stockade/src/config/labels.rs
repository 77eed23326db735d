//! Labels: their order, the rules by which text is told, and who may have how much.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stockade_domain::{Label, LabelOrder};
use stockade_gateway::labels::{LabelRule, LabelRules, Sign};
use stockade_inspect::excerpt::Marking;

use super::place::Place;
use super::schema::{Config, UpstreamConfig};
use super::sense::{Sense, Senseless, first, is_name};
use super::units::Span;

/// Labels that are spoken of without a configuration: what requests carry, and from where on built-in policies ask for
/// more. An order without them would leave those policies without effect.
const SPOKEN_OF: [&str; 2] = ["public", "confidential"];

/// So many rules there are at most: each is tried on each text.
const MOST_RULES: usize = 256;

/// Labels of text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct LabelsConfig {
    /// From the lowest to the highest; `public` and `confidential`, of which built-in policies speak, are among them.
    #[schemars(with = "Vec<String>")]
    pub(crate) order: Vec<Label>,
    /// How long a labelled conversation and its answers are remembered after they were seen last.
    pub(crate) remember: Span,
    /// Rules by which text has a label; the highest counts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) rules: Vec<LabelRuleConfig>,
    /// The highest label that upstreams of a region may have, beside their own `label_max`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, String>")]
    pub(crate) regions: BTreeMap<String, Label>,
    /// The same of models, by name; `*` at the end stands for any rest.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, String>")]
    pub(crate) models: BTreeMap<String, Label>,
    /// The highest label of a conversation in which a tool may be called, by the tool's name; `*` at the end stands for any rest.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, String>")]
    pub(crate) tools: BTreeMap<String, Label>,
}

/// A rule: where one of its signs is, text has the label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LabelRuleConfig {
    /// Its name, for records and refusals.
    pub(crate) name: String,
    /// The label.
    #[schemars(with = "String")]
    pub(crate) label: Label,
    /// Findings of inspection: `pii`, `secret`, `injection`, `leak`, or ids of rules; `*` at the end stands for any rest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) findings: Vec<String>,
    /// Regular expressions, searched in each text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) patterns: Vec<String>,
    /// Tools whose results have the label; `*` at the end stands for any rest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) tools: Vec<String>,
    /// Content that cannot be read here has the label: media, files, links, stored conversations, sealed reasoning.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) unread: bool,
}

impl Default for LabelsConfig {
    fn default() -> Self {
        let rules = LabelRules::default();
        Self {
            order: rules.order.iter().cloned().collect(),
            remember: Span(rules.remember),
            rules: Vec::new(),
            regions: BTreeMap::new(),
            models: BTreeMap::new(),
            tools: BTreeMap::new(),
        }
    }
}

impl LabelsConfig {
    pub(super) fn check(&self) -> Sense {
        let at = || Place::of("labels.order");
        if let Some(missing) =
            SPOKEN_OF.iter().find(|name| !self.order.iter().any(|label| label.as_str() == **name))
        {
            return Err(Senseless::new(
                at(),
                format!("`{missing}` is not in the order"),
                "requests are `public` until something says more, and built-in policies ask for more from `confidential` on: \
                 keep both, and put your own labels around them",
            ));
        }
        first(
            &self.order,
            |label| !is_name(label.as_str()),
            |item, label| {
                Senseless::new(
                    at().item(item),
                    format!("`{label}` is no name for a label"),
                    "letters, digits, `-`, `_` and `.`",
                )
            },
        )?;
        let twice = |(item, label)| self.order.iter().take(item).any(|earlier| earlier == label);
        if let Some((item, label)) =
            self.order.iter().enumerate().find(|(item, label)| twice((*item, *label)))
        {
            return Err(Senseless::new(
                at().item(item),
                format!("`{label}` stands twice in the order"),
                "each label once, the lowest first",
            ));
        }
        if self.remember.0.is_zero() {
            return Err(Senseless::new(
                Place::of("labels.remember"),
                "a conversation that is forgotten at once never has a label",
                "give it hours, for example `\"24h\"`",
            ));
        }
        for (key, table) in [("regions", &self.regions), ("models", &self.models), ("tools", &self.tools)] {
            for (name, label) in table {
                self.is_known(&Place::of(&format!("labels.{key}")), label)?;
                let bare = name.strip_suffix('*').filter(|_| key != "regions").unwrap_or(name);
                if name.is_empty() || bare.contains('*') || name.chars().any(char::is_control) {
                    return Err(Senseless::new(
                        Place::of(&format!("labels.{key}")),
                        format!("{name:?} names nothing"),
                        "a name; of models and tools `*` at its end stands for any rest",
                    ));
                }
            }
        }
        self.rules().map(drop)
    }

    /// Whether a region's clearance is known. Where none is named, regions are words for policies only.
    pub(super) fn knows_region(&self, region: &str) -> bool {
        self.regions.is_empty() || self.regions.contains_key(region)
    }

    /// Whether a label is one of the order.
    pub(super) fn is_known(&self, at: &Place, label: &Label) -> Sense {
        if self.order.contains(label) {
            return Ok(());
        }
        let known: Vec<_> = self.order.iter().map(|label| format!("`{label}`")).collect();
        let help = format!("the labels are {}", known.join(", "));
        Err(Senseless::new(at.clone(), format!("`{label}` is not one of the labels"), help))
    }

    fn rules(&self) -> Result<Vec<LabelRule>, Senseless> {
        if self.rules.len() > MOST_RULES {
            let message = format!("there are more than {MOST_RULES} rules");
            return Err(Senseless::new(
                Place::of("labels.rules"),
                message,
                "put several signs into one rule",
            ));
        }
        let mut names = BTreeSet::new();
        let mut rules = Vec::new();
        for (item, rule) in self.rules.iter().enumerate() {
            let at = |key| Place::of("labels.rules").item(item).key(key);
            if !is_name(&rule.name) {
                let message = format!("`{}` is no name for a rule", rule.name);
                return Err(Senseless::new(at("name"), message, "letters, digits, `-`, `_` and `.`"));
            }
            if !names.insert(&rule.name) {
                let message = format!("there are two rules `{}`", rule.name);
                return Err(Senseless::new(at("name"), message, "call one of them something else"));
            }
            self.is_known(&at("label"), &rule.label)?;
            rules.push(LabelRule {
                name: rule.name.clone(),
                label: rule.label.clone(),
                signs: rule.signs(&at)?,
            });
        }
        Ok(rules)
    }
}

impl LabelRuleConfig {
    fn signs(&self, at: &dyn Fn(&'static str) -> Place) -> Result<Vec<Sign>, Senseless> {
        for (key, words) in [("findings", &self.findings), ("tools", &self.tools)] {
            let wrong = |word: &&String| word.is_empty() || word.trim_end_matches('*').contains('*');
            if let Some(word) = words.iter().find(wrong) {
                let help = "a name; `*` at its end stands for any rest";
                return Err(Senseless::new(at(key), format!("`{word}` fits nothing"), help));
            }
        }
        let mut signs: Vec<Sign> = self.findings.iter().cloned().map(Sign::Finding).collect();
        signs.extend(self.tools.iter().cloned().map(Sign::Tool));
        for pattern in &self.patterns {
            let made = Marking::new(pattern).map_err(|error| {
                let help = "see <https://docs.rs/regex/latest/regex/#syntax>; in single quotes TOML takes `\\` as it is";
                Senseless::new(at("patterns"), format!("`{pattern}` is no pattern: {error}"), help)
            })?;
            signs.push(Sign::Pattern(made));
        }
        signs.extend(self.unread.then_some(Sign::Unread));
        if signs.is_empty() {
            let message = format!("the rule `{}` has no sign", self.name);
            return Err(Senseless::new(
                at("name"),
                message,
                "give it `findings`, `patterns`, `tools` or `unread = true`",
            ));
        }
        Ok(signs)
    }
}

impl Config {
    /// The order of labels.
    pub(crate) fn label_order(&self) -> LabelOrder {
        LabelOrder::new(self.labels.order.clone())
    }

    /// What the gateway is told of labels.
    pub(crate) fn label_rules(&self) -> Result<LabelRules, Senseless> {
        let pairs = |table: &BTreeMap<String, Label>| {
            table.iter().map(|(name, label)| (name.clone(), label.clone())).collect()
        };
        Ok(LabelRules {
            order: self.label_order(),
            rules: self.labels.rules()?,
            models: pairs(&self.labels.models),
            tools: pairs(&self.labels.tools),
            remember: self.labels.remember.0,
        })
    }

    /// The highest label that an upstream may have: its own, and no more than its region's.
    pub(crate) fn clearance(&self, upstream: &UpstreamConfig) -> Label {
        let order = self.label_order();
        let region = upstream.region.as_ref().and_then(|region| self.labels.regions.get(region));
        let rank = |label: &Label| order.rank(label).unwrap_or(i64::MAX);
        let own = &upstream.label_max;
        region.filter(|label| rank(label) < rank(own)).unwrap_or(own).clone()
    }
}
