//! The tamper-evident log: every decision is durable before it matters, and nobody can alter it unseen.
//!
//! Entries are canonical JSON under an RFC 6962 Merkle tree in the C2SP tlog-tiles layout, with signed checkpoints at
//! most a second behind. `docs/ledger.md` has the format, precise enough to write another verifier.
//!
//! - Append: [`Ledger`], [`Reservation`], [`Receipt`], [`Options`]
//! - Prove and verify: [`Ledger::prove`], [`verify_bundle`], [`verify`]
//! - Export: [`Ledger::export`], [`export_directory`]
//! - The disk: [`Vfs`], [`RealVfs`]

mod canonical;
mod copy;
mod entry;
mod error;
mod export;
mod frame;
mod layout;
mod ledger;
mod merkle;
mod note;
mod payload;
mod proof;
mod publisher;
mod queue;
mod read;
mod recover;
mod requests;
mod room;
mod shared;
mod status;
#[cfg(feature = "testing")]
pub mod testing;
mod tiles;
pub mod verify;
mod vfs;
mod window;
mod writer;

pub use entry::{Entry, MAX_ENTRY_BYTES};
pub use error::{LedgerError, Unavailable};
pub use export::{Entries, export_directory};
pub use ledger::{Ledger, Recovery, Reservation};
pub use note::{Checkpoint, NoteError, parse_verifier_key};
pub use payload::PayloadState;
pub use proof::{Bundle, Proved, ProvedEntry, verify_bundle};
pub use queue::Receipt;
pub use read::is_signed_by;
pub use requests::Places;
pub use shared::Options;
pub use status::{Latency, Status};
pub use vfs::{DirEntry, OpenMode, RealVfs, Vfs, VfsFile};
