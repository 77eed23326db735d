//! Labels of text: where a request's label comes from, and what is remembered of conversations that had one.
//!
//! Nothing lowers a label. A request has the highest of: the registered paragraphs in it, the operator's rules, what a trusted
//! workload says, what its conversation had before, and the answers of labelled conversations that it repeats. Where text of
//! a label may go, policy says; see `docs/labels.md`.

mod hear;
mod marks;
mod read;
mod rules;
#[cfg(test)]
pub(crate) mod tests;

use std::collections::BTreeSet;
use std::sync::Arc;

use arc_swap::ArcSwap;
use stockade_crypto::MacKey;
use stockade_domain::{Clock, Label, LabelOrder};
use stockade_inspect::excerpt::{ExcerptKey, Excerpts};

pub use marks::{MarkId, Marks, SavedMark};
pub(crate) use rules::fits;
pub use rules::{LabelRule, LabelRules, Sign};

pub(crate) use hear::Hearing;
pub(crate) use read::{Conversation, Text, read};

/// The trait of workloads whose word on labels and conversations is taken.
pub const TRUSTED: &str = "sets_labels";

/// What labels are known by.
#[derive(Clone)]
pub struct Labels {
    /// The key of all digests.
    pub key: LabelKey,
    /// The order, the operator's rules and clearances; replaced whole when configuration changes.
    pub rules: Arc<ArcSwap<LabelRules>>,
    /// Registered paragraphs; replaced whole when one is added or removed.
    pub registered: Arc<ArcSwap<Excerpts<Label>>>,
    /// What is remembered of conversations.
    pub marks: Arc<Marks>,
}

/// The key of all digests that labels hang on.
#[derive(Clone)]
pub struct LabelKey {
    pub(crate) mac: MacKey,
    /// Of words and paragraphs.
    pub excerpts: ExcerptKey,
}

impl LabelKey {
    /// From the installation's key for labels.
    #[must_use]
    pub fn new(mac: MacKey) -> Self {
        let excerpts = ExcerptKey::new(&mac);
        Self { mac, excerpts }
    }
}

impl LabelKey {
    /// What a text is called by: a digest of the digests of its paragraphs.
    #[must_use]
    pub fn id_of(&self, prints: &str) -> [u8; 16] {
        let tag = self.mac.mac_parts(&[b"text", prints.as_bytes()]);
        tag.first_chunk().copied().unwrap_or_default()
    }
}

impl Labels {
    /// No rules and no registered paragraphs, under a key.
    #[must_use]
    pub fn none(mac: MacKey, clock: Arc<dyn Clock>) -> Self {
        let key = LabelKey::new(mac);
        let registered = Arc::new(ArcSwap::from_pointee(Excerpts::new(key.excerpts.clone())));
        Self { key, rules: Arc::default(), registered, marks: Arc::new(Marks::new(clock)) }
    }
}

impl std::fmt::Debug for LabelKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LabelKey(..)")
    }
}

/// A label that only rises, and what it comes from.
#[derive(Debug, Clone)]
pub(crate) struct HighWater {
    order: LabelOrder,
    label: Label,
    from: BTreeSet<String>,
}

impl HighWater {
    pub(crate) fn new(order: LabelOrder) -> Self {
        Self { order, label: Label::default(), from: BTreeSet::new() }
    }

    /// Takes in a label. One that the order does not name counts as above all others.
    pub(crate) fn raise(&mut self, label: &Label, from: &str) {
        let (now, new) = (rank(&self.order, &self.label), rank(&self.order, label));
        if new > now {
            self.label = label.clone();
            self.from.clear();
        }
        if new >= now && new > rank(&self.order, &Label::default()) {
            self.from.insert(from.to_owned());
        }
    }

    pub(crate) fn label(&self) -> &Label {
        &self.label
    }

    pub(crate) fn from(&self) -> &BTreeSet<String> {
        &self.from
    }

    /// Whether it is above what every text has.
    pub(crate) fn is_raised(&self) -> bool {
        !self.from.is_empty()
    }
}

/// The rank of a label; of one that is not known, above all.
pub(crate) fn rank(order: &LabelOrder, label: &Label) -> i64 {
    order.rank(label).unwrap_or(i64::MAX)
}
