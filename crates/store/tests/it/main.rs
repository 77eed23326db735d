//! The repositories over every driver, and databases of every earlier format.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on has failed")]

mod conformance;
mod golden;
mod samples;
mod sqlite;
