//! The common header.

use serde::Deserialize;
use stockade_domain::{FrameworkRef, Severity};

/// How far a rule can be relied on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// New; its findings may change.
    Preview,
    /// Settled.
    Stable,
    /// Still runs; something better exists.
    Deprecated,
    /// Runs no more. The id stays, so that old reports can be explained.
    Removed,
}

/// What a rule must and must not find. The engine that runs the rule runs these too.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Examples {
    /// Texts in which the rule finds something.
    #[serde(rename = "match", default)]
    pub matching: Vec<String>,
    /// Texts in which it finds nothing.
    #[serde(default)]
    pub no_match: Vec<String>,
}

/// What every rule says about itself, whatever its format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Stable for ever; lower-case words joined by `-`. It equals the file's name without its ending.
    pub id: String,
    /// One line for lists.
    pub title: String,
    /// How bad a finding is.
    pub severity: Severity,
    /// How far to rely on it.
    pub status: Status,
    /// The version that brought it, `major.minor.patch`.
    pub since: String,
    /// Why it matters, for a reader who does not know.
    pub why: String,
    /// What to do about a finding.
    pub fix: String,
    /// Where the facts come from, as URLs.
    pub references: Vec<String>,
    /// Techniques of MITRE ATLAS.
    pub atlas: Vec<FrameworkRef>,
    /// Risks of the OWASP Top 10 for LLM applications.
    pub owasp: Vec<FrameworkRef>,
    /// What it must and must not find.
    pub examples: Examples,
}
