//! What Stockade remembers between requests: workloads, API keys, the index of requests, sessions, settings.
//!
//! The SQL is written once, in the subset that SQLite and PostgreSQL share (text ids, integer microseconds, JSON as
//! text, `$1` parameters, `ON CONFLICT`, `RETURNING`), behind the small [`Db`] trait. A driver is all that a further
//! database needs, and `tests/it/conformance.rs` says when it is right. The store holds no readable request content and
//! no secret in clear: keys, sessions and links are kept as keyed hashes that the layer above computes.
//!
//! Calls block. A server makes them on a thread for blocking work, and off the path of a request.

mod db;
mod error;
mod migrate;
mod repo;
mod sqlite;
mod store;
mod value;

pub use db::{Db, MAX_ROWS, Sql};
pub use error::StoreError;
pub use migrate::{MIGRATIONS, Migration, migrate};
pub use repo::keys::{ApiKey, Keys};
pub use repo::labels::{LabelMark, LabelMarks, LabelledText, LabelledTexts};
pub use repo::prompts::{RegisteredPrompt, RegisteredPrompts};
pub use repo::requests::{Recent, RequestFilter, RequestRow, Requests};
pub use repo::sessions::{Sessions, SigninLinks};
pub use repo::settings::Settings;
pub use repo::tokens::{ApiToken, ApiTokens};
pub use repo::usage::{UsageCounter, UsageCounters};
pub use repo::workloads::{StoredWorkload, Workloads};
pub use sqlite::{RestoreOutcome, SqliteDb};
pub use store::Store;
pub use value::{Row, Value};
