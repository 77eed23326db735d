//! Dialects and the request stack: the policy enforcement point of Stockade.

mod dialect;
mod error;
mod json;
pub mod ports;
mod sandbox;
mod tally;

pub use error::CODES;
pub use sandbox::Sandbox;
