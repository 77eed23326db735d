//! What a scan says about one artifact.

use std::sync::Arc;

use stockade_domain::Severity;

/// How an artifact is judged. The worst verdict of all its views stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Verdict {
    /// Every callable it names is one that data needs, every structure is what its format allows.
    #[default]
    Clean,
    /// It holds what nobody has vouched for: somebody should look before it is loaded.
    Review,
    /// It acts when it is loaded, or lies to one of its readers.
    Malicious,
}

/// One thing that a rule found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// The rule's id.
    pub rule_id: Arc<str>,
    /// How bad it is; the rule says so.
    pub severity: Severity,
    /// What was found, in one sentence. It may quote the artifact; whoever prints it escapes it.
    pub message: String,
    /// The path inside archives, members joined by `!`; `None` when it is the artifact itself.
    pub member: Option<String>,
    /// Where, in bytes from the start of the artifact or member.
    pub offset: Option<u64>,
    /// Where the rule's facts come from.
    pub references: Arc<[String]>,
}

/// One way in which a loader would read the bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// The loader's format, for example `pickle` or `zip`.
    pub loader: &'static str,
    /// The path inside archives.
    pub member: Option<String>,
}

/// Something that was not analysed. Never the same as clean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incomplete {
    /// What was not analysed.
    pub what: String,
    /// Why not.
    pub why: String,
    /// The path inside archives.
    pub member: Option<String>,
}

/// What an AI-BOM says about the artifact. What the artifact does not tell is absent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facts {
    /// The outermost format.
    pub format: Option<&'static str>,
    /// The model's architecture as the file names it.
    pub architecture: Option<String>,
    /// The model's own name.
    pub name: Option<String>,
    /// The licence as the file names it.
    pub licence: Option<String>,
    /// How many tensors it holds.
    pub tensors: Option<u64>,
    /// How many parameters those have together.
    pub parameters: Option<u64>,
    /// SHA-256 of the chat template, in hexadecimal.
    pub chat_template_sha256: Option<String>,
    /// What wrote it, as it says itself.
    pub producer: Option<String>,
}

/// Digests of the whole artifact, in hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digests {
    /// SHA-256.
    pub sha256: String,
}

/// All that is known about one artifact.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// Every loader that would accept the bytes, outermost first.
    pub views: Vec<View>,
    /// The worst of the findings.
    pub verdict: Verdict,
    /// What was not analysed, and why.
    pub incomplete: Vec<Incomplete>,
    /// What was found, worst first.
    pub issues: Vec<Issue>,
    /// What the artifact says about itself.
    pub facts: Facts,
    /// Only when asked for.
    pub digests: Option<Digests>,
}

// === impl Verdict ===

impl Verdict {
    /// The verdict that a finding of this severity means.
    #[must_use]
    pub fn of(severity: Severity) -> Self {
        match severity {
            Severity::Info | Severity::Low => Self::Clean,
            Severity::Medium => Self::Review,
            Severity::High | Severity::Critical => Self::Malicious,
        }
    }

    /// The word of reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Review => "review",
            Self::Malicious => "malicious",
        }
    }
}
