//! The use-cases over a real directory.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod backup;
mod clock;
mod records;
mod roster;
mod sessions;
mod support;
