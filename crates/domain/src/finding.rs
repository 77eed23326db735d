//! What an inspection found, what ran, and what could not.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The family of a finding; Cedar's context counts findings by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// Personal data.
    Pii,
    /// A credential.
    Secret,
    /// An attempt to steer a model.
    Injection,
    /// Something that must not leave: a canary, a system prompt.
    Leak,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Fix when convenient.
    Low,
    /// Fix soon.
    Medium,
    /// Fix now.
    High,
    /// Stop and fix.
    Critical,
}

/// How sure a detector is, in thousandths: 0 to 1000. An integer, so that it has one form in the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Confidence(u16);

/// One place in one span at which a rule matched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule's stable id.
    pub rule_id: Arc<str>,
    /// Its family.
    pub kind: FindingKind,
    /// What was found, for example `email` or `aws_access_key`; the word of `redact:<kind>` and `pseudonymise:<kind>`.
    pub ty: Arc<str>,
    /// First byte, counted in the original UTF-8 text of the span (of the whole stream for a streamed channel).
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// How sure the detector is.
    pub confidence: Confidence,
    /// How bad it is.
    pub severity: Severity,
}

/// A detector that looked at a text to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    /// The detector's id.
    pub detector: Arc<str>,
    /// How many bytes of original text it saw.
    pub bytes: usize,
}

/// A detector that could not look at all of a text. That denies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incomplete {
    /// The detector's id.
    pub detector: Arc<str>,
    /// Why, as a stable word: `too_long`, `too_deep`, `over_budget`, `undecodable`.
    pub reason: Arc<str>,
}

impl FindingKind {
    /// The word used in records, metrics and output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pii => "pii",
            Self::Secret => "secret",
            Self::Injection => "injection",
            Self::Leak => "leak",
        }
    }
}

impl fmt::Display for FindingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Confidence {
    /// Certain.
    pub const FULL: Self = Self(1_000);

    /// From thousandths; more than 1000 is taken as 1000.
    #[must_use]
    pub const fn from_thousandths(value: u16) -> Self {
        Self(if value > 1_000 { 1_000 } else { value })
    }

    /// In thousandths.
    #[must_use]
    pub const fn thousandths(self) -> u16 {
        self.0
    }
}
