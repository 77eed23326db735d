//! The scanner through its public surface.

mod rules;
mod trees;
