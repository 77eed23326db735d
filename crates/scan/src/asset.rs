//! What a scan finds: entities with all their occurrences, and what is dangerous about them.

use serde::{Deserialize, Serialize};
use stockade_domain::Severity;

use crate::node::Place;

/// What an entity is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A library that speaks to models, runs them or builds with them.
    Sdk,
    /// A model, by its id.
    Model,
    /// Where a model is asked, by its URL.
    ModelEndpoint,
    /// A program that lets a model choose what to do.
    Agent,
    /// A server of tools by the Model Context Protocol.
    McpServer,
    /// A store of embeddings.
    VectorStore,
    /// Data to train or to measure with.
    Dataset,
    /// A file that holds a model.
    ModelArtifact,
    /// Text that steers a model.
    PromptTemplate,
    /// Something that checks what goes into or comes out of a model.
    Guardrail,
    /// A server that runs models.
    InferenceServer,
    /// A credential.
    Secret,
}

/// What part of a tree a file belongs to. What is only in tests, documentation or vendored code counts less.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// What is built and run.
    #[default]
    Product,
    /// Tests and their data.
    Test,
    /// Documentation and examples.
    Docs,
    /// Somebody else's code, copied.
    Vendored,
}

/// One place in which an entity occurs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Occurrence {
    /// The file, below the root, with `/`.
    pub path: String,
    /// The line, from 1.
    pub line: usize,
    /// First byte in the file.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// Which detector saw it.
    pub detector: String,
    /// How sure it is, in thousandths.
    pub confidence: u16,
    /// What part of the tree the file belongs to.
    pub scope: Scope,
}

/// An entity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asset {
    /// Stable while kind and name are.
    pub id: String,
    /// What it is.
    pub kind: Kind,
    /// What it is called.
    pub name: String,
    /// The workload that it belongs to.
    pub workload: String,
    /// What part of the tree knows it: the first of product, test, docs and vendored.
    pub scope: Scope,
    /// How sure the surest detector is, in thousandths.
    pub confidence: u16,
    /// What else is known, by name: `version`, `ecosystem`, `declared`, `used`, `url`, `gateway`, ...
    #[serde(default, skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    pub facts: std::collections::BTreeMap<String, String>,
    /// Where it occurs.
    pub occurrences: Vec<Occurrence>,
}

/// One sighting, before sightings are merged into entities.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sighting {
    pub(crate) kind: Kind,
    pub(crate) name: String,
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) line: usize,
    pub(crate) detector: String,
    pub(crate) confidence: u16,
    pub(crate) scope: Scope,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) facts: Vec<(String, String)>,
}

/// What is dangerous, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The rule's stable id.
    pub rule_id: String,
    /// How bad it is.
    pub severity: Severity,
    /// The file, below the root, with `/`.
    pub path: String,
    /// The line, from 1.
    pub line: usize,
    /// First byte in the file.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// What was found, in one sentence.
    pub message: String,
    /// What to do about it.
    pub fix: String,
    /// URLs and ids of frameworks.
    pub references: Vec<String>,
    /// The same while the finding is, whatever line it moves to.
    pub fingerprint: String,
    /// What part of the tree the file belongs to.
    pub scope: Scope,
    /// Why it does not count, where it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suppressed: Option<Suppression>,
}

/// Why a finding does not count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suppression {
    /// `inline`, `baseline` or `accepted`.
    pub by: String,
    /// The reason that was given.
    pub reason: String,
    /// Who answers for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Until when, as a date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
}

/// The sureness of a detector that read a declaration or resolved a name.
pub(crate) const SURE: u16 = 950;

/// The sureness of a detector that went by convention.
pub(crate) const LIKELY: u16 = 700;

// === impl Kind ===

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 12] = [
        Self::Sdk,
        Self::Model,
        Self::ModelEndpoint,
        Self::Agent,
        Self::McpServer,
        Self::VectorStore,
        Self::Dataset,
        Self::ModelArtifact,
        Self::PromptTemplate,
        Self::Guardrail,
        Self::InferenceServer,
        Self::Secret,
    ];

    /// The word used in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sdk => "sdk",
            Self::Model => "model",
            Self::ModelEndpoint => "model_endpoint",
            Self::Agent => "agent",
            Self::McpServer => "mcp_server",
            Self::VectorStore => "vector_store",
            Self::Dataset => "dataset",
            Self::ModelArtifact => "model_artifact",
            Self::PromptTemplate => "prompt_template",
            Self::Guardrail => "guardrail",
            Self::InferenceServer => "inference_server",
            Self::Secret => "secret",
        }
    }
}

// === impl Scope ===

impl Scope {
    /// What part of a tree a path belongs to, by the names that people use.
    #[must_use]
    pub fn of(path: &str) -> Self {
        let lower = path.to_ascii_lowercase();
        let mut parts: Vec<&str> = lower.split('/').collect();
        let file = parts.pop().unwrap_or_default();
        let any = |names: &[&str]| parts.iter().any(|part| names.contains(part));
        if any(&[
            "vendor",
            "vendored",
            "third_party",
            "third-party",
            "node_modules",
            "site-packages",
            "external",
            "bower_components",
        ]) {
            return Self::Vendored;
        }
        let stem = file.split('.').next().unwrap_or_default();
        let test_file = stem.starts_with("test_")
            || stem.ends_with("_test")
            || stem.ends_with("_spec")
            || stem == "conftest"
            || file.contains(".test.")
            || file.contains(".spec.")
            || [".java", ".cs", ".kt"].iter().any(|end| {
                path.strip_suffix(end).is_some_and(|name| name.ends_with("Test") || name.ends_with("Tests"))
            });
        let test_project = parts.iter().any(|part| part.ends_with(".tests") || part.ends_with(".test"));
        if test_file
            || test_project
            || any(&[
                "test",
                "tests",
                "__tests__",
                "testing",
                "testdata",
                "fixtures",
                "spec",
                "specs",
                "e2e",
                "mocks",
                "__mocks__",
            ])
        {
            return Self::Test;
        }
        // Instruction files for agents are not documentation: they are read by a model.
        let instructs =
            matches!(file, "agents.md" | "claude.md" | "gemini.md" | "skill.md" | "copilot-instructions.md")
                || parts.iter().any(|part| {
                    matches!(*part, ".claude" | ".cursor" | ".github" | ".windsurf" | ".clinerules" | ".roo")
                });
        // Packages of Java are often called `com.example`; below the sources a name says nothing.
        let sources =
            parts.iter().position(|part| matches!(*part, "src" | "lib" | "app")).unwrap_or(parts.len());
        let above = parts.get(..sources).unwrap_or_default();
        let prose = [".md", ".rst", ".adoc", ".mdx"].iter().any(|end| file.ends_with(end)) && !instructs;
        let about = |names: &[&str]| above.iter().any(|part| names.contains(part));
        if prose
            || about(&[
                "docs",
                "doc",
                "documentation",
                "examples",
                "example",
                "samples",
                "sample",
                "cookbook",
                "tutorials",
            ])
        {
            return Self::Docs;
        }
        Self::Product
    }
}

// === impl Sighting ===

impl Sighting {
    pub(crate) fn new(
        kind: Kind,
        name: impl Into<String>,
        at: Place,
        detector: &str,
        confidence: u16,
    ) -> Self {
        Self {
            kind,
            name: name.into(),
            start: at.start,
            end: at.end,
            line: 0,
            detector: detector.to_owned(),
            confidence,
            scope: Scope::Product,
            facts: Vec::new(),
        }
    }

    pub(crate) fn fact(mut self, name: &str, value: impl Into<String>) -> Self {
        self.facts.push((name.to_owned(), value.into()));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_have_scopes() {
        for (path, scope) in [
            ("src/app.py", Scope::Product),
            ("tests/test_app.py", Scope::Test),
            ("pkg/app_test.go", Scope::Test),
            ("src/FooTest.java", Scope::Test),
            ("src/latest.java", Scope::Product),
            ("src/main/java/com/example/A.java", Scope::Product),
            ("docs/a.py", Scope::Docs),
            ("README.md", Scope::Docs),
            ("AGENTS.md", Scope::Product),
            ("vendor/x/y.go", Scope::Vendored),
        ] {
            assert_eq!(Scope::of(path), scope, "{path}");
        }
    }
}
