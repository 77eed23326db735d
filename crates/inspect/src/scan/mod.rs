//! Exact matching on the canonical view, whole or in pieces.
//!
//! A match of a pattern is *any* stretch that fits it, not the leftmost or the longest; what is redacted is the union
//! of all. That is what makes the outcome independent of how a stream was cut.

mod automata;
mod groups;
mod lane;
#[cfg(test)]
mod naive;
mod parse;
mod pattern;
mod region;
mod starts;
mod words;

pub(crate) use lane::{Lane, Span};
pub(crate) use pattern::Patterns;
