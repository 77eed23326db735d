//! Sensitivity labels and their order.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A sensitivity label by name. Its rank comes from the [`LabelOrder`] of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Label(Arc<str>);

/// The labels of an installation, from the lowest to the highest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelOrder(Vec<Label>);

/// A label that the configuration does not name. It is never taken for a low one: callers deny.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownLabel(pub String);

impl Label {
    /// A label by name.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(Arc::from(name))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Label {
    fn default() -> Self {
        Self::new("public")
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl LabelOrder {
    /// An order from the lowest to the highest label; an empty list is replaced by the built-in order.
    #[must_use]
    pub fn new(lowest_first: Vec<Label>) -> Self {
        if lowest_first.is_empty() { Self::default() } else { Self(lowest_first) }
    }

    /// The rank of a label, 0 for the lowest.
    ///
    /// # Errors
    /// [`UnknownLabel`] when the configuration does not name it.
    pub fn rank(&self, label: &Label) -> Result<i64, UnknownLabel> {
        self.0
            .iter()
            .position(|known| known == label)
            .and_then(|at| i64::try_from(at).ok())
            .ok_or_else(|| UnknownLabel(label.as_str().to_owned()))
    }

    /// The highest label: what content of unknown origin carries.
    #[must_use]
    pub fn highest(&self) -> Label {
        self.0.last().cloned().unwrap_or_default()
    }

    /// The labels, lowest first.
    pub fn iter(&self) -> impl Iterator<Item = &Label> {
        self.0.iter()
    }
}

impl Default for LabelOrder {
    /// `public < internal < confidential < restricted`.
    fn default() -> Self {
        Self(["public", "internal", "confidential", "restricted"].map(Label::new).to_vec())
    }
}

impl fmt::Display for UnknownLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the label `{}` is not one of the configured labels", self.0)
    }
}

impl std::error::Error for UnknownLabel {}
