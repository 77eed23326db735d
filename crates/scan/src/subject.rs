//! What rules speak of: calls, resources, containers, documents, each a name and a tree of values.

use crate::asset::Sighting;
use crate::node::{Node, Place};

/// What kind of thing a subject is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum On {
    /// A call in source code; its values are the arguments.
    Call,
    /// An assignment in source code; its value is `value`.
    Assign,
    /// A resource of infrastructure as code, by its type.
    Resource,
    /// A container, by its image.
    Container,
    /// A document of configuration, by its path.
    Document,
    /// A server of tools in some configuration, by its name.
    McpServer,
    /// A file, by its path; its text is `text`.
    Text,
}

/// One subject.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Subject {
    pub(crate) on: On,
    /// What patterns of rules are compared with.
    pub(crate) name: String,
    pub(crate) node: Node,
    /// For a call: what it stands in.
    pub(crate) within: Vec<String>,
    pub(crate) at: Place,
}

/// A package that a manifest or lock file names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Declared {
    pub(crate) ecosystem: &'static str,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) at: Place,
    /// In a lock file: it is there, but nobody here asked for it by name.
    pub(crate) locked: bool,
}

/// What the readers of one file say.
#[derive(Debug, Default)]
pub(crate) struct Read {
    pub(crate) sightings: Vec<Sighting>,
    pub(crate) subjects: Vec<Subject>,
    pub(crate) declared: Vec<Declared>,
    pub(crate) tests: Vec<Place>,
    /// It depends on other files too.
    pub(crate) joined: bool,
    /// Why the file was not read for what it says, where that is as it should be.
    pub(crate) skipped: Option<&'static str>,
    /// Why not all of the file was read.
    pub(crate) incomplete: Option<String>,
}

impl Subject {
    pub(crate) fn new(on: On, name: impl Into<String>, node: Node) -> Self {
        Self { on, name: name.into(), at: node.at, node, within: Vec::new() }
    }
}
