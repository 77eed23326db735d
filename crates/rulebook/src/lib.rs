//! Rules are data: one file, one rule, one header that all formats share.
//!
//! The header's text is the single source of `stockade explain`, the docs page, SARIF help and the console page. This
//! crate reads it, lays a user's directory over the built-in rules, and lints both. What a rule *does* stands in the
//! one table beside the header; the engine that runs it gives that table its type and runs the examples.

mod book;
mod header;
mod lint;

pub use book::{MAX_FILE, Origin, Rule, RuleError, Rulebook};
pub use header::{Examples, Header, Status};
pub use lint::{Lint, lint};
