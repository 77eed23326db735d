//! The log as a whole: on the real disk and on a simulated one.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by a panic"
)]

mod basics;
mod common;
mod damage;
mod faults;
mod golden;
mod kill;
mod power;
mod proofs;
mod tamper;
