//! The console: what the gateway did, for people.
//!
//! Its daily work is to show text that an attacker wrote. So nothing on a page is markup that came from outside
//! (templates escape, scripts set `textContent`, hidden characters are made visible), the policy of every answer forbids
//! what an injected tag would need, and the pages work without script: filters are links and forms, proofs are checked
//! by a `POST`. Scripts only add what moves.

mod assets;
mod door;
mod pages;
mod present;
mod router;

pub use router::{Options, router};
