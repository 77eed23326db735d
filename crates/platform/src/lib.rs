//! Use-cases over the engines, the store and the ledger, one module a capability.
//!
//! - Authorise: [`Roster`] (workloads, keys and registered prompts, and the key directory of the gateway), [`Sessions`],
//!   [`Tokens`] (of programs that read the API), [`Identities`] (tokens of identity providers)
//! - Act: [`Platform`] (open, close, retention, backup), [`Usage`] (use under limits), [`LabelBook`] (labelled texts)
//! - Audit: [`Journal`] (the gateway's audit sink, records of operators), [`Views`] (what people see of it)
//!
//! Nothing here knows a socket or a command line; the binary wires these to both. Calls block unless they are futures.

mod audit;
mod backup;
mod error;
mod history;
mod identities;
mod keys;
mod labels;
mod logins;
mod platform;
mod prompts;
mod roster;
mod seen;
mod sessions;
mod tokens;
mod usage;
mod views;
mod workloads;

pub use audit::{Counts, Feed, Journal, Recorder};
pub use backup::{CopiedFile, Manifest, restore};
pub use error::PlatformError;
pub use history::{Decided, DecidedPage, PolicyUse};
pub use identities::Identities;
pub use keys::{Directory, KeyInfo, KeyState, KeyText, NewKey, PREFIX, ShortId};
pub use labels::{LabelBook, LabelledAs, LabelledInfo};
pub use logins::Logins;
pub use platform::{Environment, Layout, Platform};
pub use prompts::PromptInfo;
pub use roster::Roster;
pub use seen::Nonces;
pub use sessions::{LINK_LIFETIME, SESSION_LIFETIME, Sessions};
pub use tokens::{NewToken, TokenInfo, TokenScope, Tokens};
pub use usage::Usage;
pub use views::Views;
pub use workloads::{PLAYGROUND, WorkloadChange};
