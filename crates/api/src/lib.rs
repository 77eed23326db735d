//! The REST interface for programs, and the guard at the door that the console's pages stand behind too.
//!
//! Every answer is JSON, an error is a problem document (RFC 9457) with a stable `code`, and `/openapi.json` describes
//! all of it. The caller is whoever is signed in at the console, on the same origin, or a program with a token.

mod error;
mod guard;
mod openapi;
mod query;
mod routes;
mod tag;
pub mod wire;

pub use error::{ApiError, Problem};
pub use guard::{Refusal, Site, harden};
pub use openapi::document;
pub use query::{BadParameter, ListQuery};
pub use routes::router;
pub use tag::{fresh_request_id, within};
