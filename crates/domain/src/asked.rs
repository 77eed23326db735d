//! What a decision was made on, and what it would have been otherwise, as the ledger keeps it: words and counts, no text.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Not;

use serde::{Deserialize, Serialize};

use crate::decision::{Effect, Obligation};
use crate::finding::FindingKind;
use crate::label::Label;

/// What policies were told of a request, so that other policies can be asked about it later. The address of a caller is
/// not among it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Asked {
    /// The label of the text that would travel.
    pub label: Label,
    /// What the label comes from, where it is above the lowest.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub label_from: BTreeSet<String>,
    /// Ids of injection signals in what users, tools and documents say.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub signals: BTreeSet<String>,
    /// Ids of injection signals in the system prompt.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub system_signals: BTreeSet<String>,
    /// What only the course of the conversation shows.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub course: BTreeSet<String>,
    /// Findings by family.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub findings: BTreeMap<FindingKind, u64>,
    /// Findings inside identifiers and enum values.
    #[serde(skip_serializing_if = "is_zero")]
    pub atom_findings: u64,
    /// The system prompt is registered.
    #[serde(skip_serializing_if = "Not::not")]
    pub registered_system: bool,
    /// There is content that cannot be read.
    #[serde(skip_serializing_if = "Not::not")]
    pub opaque: bool,
    /// There is content that does not pass the gateway.
    #[serde(skip_serializing_if = "Not::not")]
    pub reference: bool,
    /// There is content that its provider signed or encrypted.
    #[serde(skip_serializing_if = "Not::not")]
    pub sealed: bool,
    /// A detector could not finish.
    #[serde(skip_serializing_if = "Not::not")]
    pub incomplete: bool,
    /// How many tools were offered.
    #[serde(skip_serializing_if = "is_zero")]
    pub tools: u64,
    /// The estimated length of the prompt, in tokens.
    #[serde(skip_serializing_if = "is_zero")]
    pub tokens: u64,
}

/// What would have been decided if policies that are only observed were in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trial {
    /// The observed policies that had a say.
    pub policies: Vec<String>,
    /// Permit or deny.
    pub effect: Effect,
    /// Stable reason codes.
    pub reasons: Vec<String>,
    /// What would have had to be done.
    pub obligations: Vec<Obligation>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
pub(crate) fn is_zero(count: &u64) -> bool {
    *count == 0
}
