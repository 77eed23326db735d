//! The real binary, in directories of its own, over sockets and signals.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod config;
mod control;
mod fingerprints;
mod inspect;
mod support;
mod tls;
mod tokens;
mod up;
mod verbs;
