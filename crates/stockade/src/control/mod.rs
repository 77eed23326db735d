//! How the command line reaches an installation: through the running server's socket, or, where none runs, by opening the
//! data directory under its lock. Both go through [`Service`], so a verb cannot tell the difference.

mod client;
mod protocol;
mod server;
mod service;

pub(crate) use client::{Client, connect};
pub(crate) use protocol::{LimitUse, Link, MadeKey, MadeToken, Request, Revoked, Traffic};
pub(crate) use server::serve;
pub(crate) use service::Serving;
