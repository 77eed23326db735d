//! Artifacts: files that a machine-learning framework loads. What would loading them do?
//!
//! Formats are told by content, never by name: every loader that would accept the bytes has its view analysed, and the
//! worst verdict stands. Nothing is executed, nothing is imported, and weights are not read.

mod archive;
mod budget;
mod config;
mod detect;
mod gguf;
mod graph;
mod hdf5;
mod json;
mod keras;
mod native;
mod numpy;
mod pickle;
mod policy;
mod proto;
mod read;
mod report;
mod rule;
mod safetensors;
mod scanner;
mod skops;
mod source;
mod template;
mod torch;
mod ubjson;
mod xml;
mod zip;

pub(crate) use detect::config_name as is_config;
pub use detect::looks_like_artifact;
pub use policy::{Body, Policy, PolicyError};
pub use read::ReadAt;
pub use report::{Digests, Facts, Incomplete, Issue, Report, Verdict, View};
pub use scanner::{Options, scan};
