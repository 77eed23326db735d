//! The API from outside: who gets in, what comes out, what it promises.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod answers;
mod contract;
mod guard;
mod sample;
