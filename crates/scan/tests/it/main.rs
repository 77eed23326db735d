//! The crate, through its public face.

#![expect(clippy::unwrap_used, clippy::string_slice, reason = "a test that cannot go on has failed")]

mod artifact;
mod artifact_rules;
mod rules;
mod trees;
