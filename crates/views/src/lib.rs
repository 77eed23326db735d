//! What the console and the API need to know, as ports.
//!
//! The pages and the REST interface (L5) show the same requests, proofs and sessions; the platform (L4) knows them from
//! the store and the ledger. Arrows point down, so what both speak of stands below both: types without a web framework,
//! a database or a file.

mod detail;
mod installation;
mod list;
mod login;
mod session;
mod status;
mod verification;
mod views;

pub use detail::{MAX_PIECES, Mark, PayloadView, Piece, RequestDetail, SpanView};
pub use installation::{
    Installation, KeyRow, KeyStanding, LEDGER_PAGE, LedgerPage, LedgerRow, Overview, PolicyRow, PolicySheet,
    Question, WorkloadRow,
};
pub use list::{Ending, MAX_PAGE, Page, RequestFilter, RequestRow, UnknownEnding};
pub use login::{Begun, Login, LoginError};
pub use session::{LinkError, NewSession, Reader, Role, Session, Sessions, Tokens};
pub use status::StatusSummary;
pub use verification::{Check, CheckResult, CheckStep, EntryKind, Verification};
pub use views::{ViewError, Views};
