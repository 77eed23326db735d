//! The crate, through its public face.

mod artifact;
mod artifact_rules;
mod rules;
mod trees;
