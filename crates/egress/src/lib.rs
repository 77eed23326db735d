//! The evidence types of a request, and the one way out.
//!
//! A request becomes a chain of values, each of which can only be made from the one before it:
//!
//! ```text
//! Ticket -> Authenticated -> Parsed -> Examined -> Cleared -> Dispatch -> Attempt -> UpstreamResponse -> Filtered
//! ```
//!
//! [`Egress::send`] takes an [`evidence::Attempt`] and nothing else, so a byte of a caller's reaches a model or a tool only
//! after it was authenticated, read, inspected, decided and put into the audit queue. The compile-fail tests of this
//! crate show that the chain cannot be entered from the side.

mod client;
mod connect;
pub mod evidence;
mod system;
mod target;
mod token;

pub use client::{Egress, EgressOptions, SendError, UpstreamBody, UpstreamResponse};
pub use system::{
    Form, Purpose, Report, SystemAnswer, SystemClient, SystemError, SystemRequest, SystemTarget,
};
pub use target::{Credential, LocalUpstream, Target, TargetError, TargetId};
pub use token::{TokenError, TokenSource};
