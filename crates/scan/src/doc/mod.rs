//! Documents as trees of values with their places: JSON, YAML, TOML, HCL, Bicep, XML, Dockerfiles, dotenv.
//!
//! The readers take what the tools that use the files take (comments and trailing commas in JSON, for one); each is bounded
//! in depth, and in what an alias or a template may grow to.

pub(crate) mod bicep;
pub(crate) mod docker;
pub(crate) mod dotenv;
pub(crate) mod hcl;
pub(crate) mod json;
pub(crate) mod toml;
pub(crate) mod xml;
pub(crate) mod yaml;

/// Why a document was not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DocumentError {
    /// It is not of its format.
    #[error("not valid at byte {0}")]
    Syntax(usize),
    /// It is nested deeper than anybody needs.
    #[error("nested too deeply at byte {0}")]
    Deep(usize),
    /// It has more values than anybody needs.
    #[error("more than a million values")]
    Large,
}

/// The most values that a document may have.
const MAX_NODES: usize = 1_000_000;
