//! What can go wrong in the log. Every error is cheap to clone, as one failed round answers many callers.

use std::io;
use std::sync::Arc;

/// Why the log could not do what was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LedgerError {
    /// A write or sync failed earlier. Nothing is appended until the process restarts: after a failed fsync the kernel
    /// may have dropped the pages, so trying again could report success for data that never reached the disk.
    #[error("the ledger has stopped: {0}")]
    Stopped(Arc<str>),
    /// The log was closed.
    #[error("the ledger is closed")]
    Closed,
    /// The reservation has no slot left.
    #[error("the reservation has no slot left")]
    NoSlot,
    /// The entry's canonical form is longer than [`crate::MAX_ENTRY_BYTES`].
    #[error("the entry has {bytes} bytes; the limit is {}", crate::MAX_ENTRY_BYTES)]
    EntryTooLarge {
        /// Its length in bytes.
        bytes: usize,
    },
    /// The payload is longer than the configured limit.
    #[error("the payload has {bytes} bytes; the limit is {limit}")]
    PayloadTooLarge {
        /// Its length in bytes.
        bytes: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// The event holds something that has no canonical form: a fraction, or an integer beyond 2^53 - 1.
    #[error("the event has no canonical form: {0}")]
    NotCanonical(Arc<str>),
    /// The action belongs to the ledger itself.
    #[error("the action `{0}` is written by the ledger only")]
    ReservedAction(Arc<str>),
    /// Reading or writing failed.
    #[error("{what}: {source}")]
    Io {
        /// What was being done, with the path.
        what: Arc<str>,
        /// The operating system's answer.
        source: Arc<io::Error>,
    },
    /// The directory is not as it was written. The log does not open for appending.
    #[error("{place} is damaged: {why}")]
    Damaged {
        /// File, and entry where known.
        place: Arc<str>,
        /// What is wrong with it.
        why: Arc<str>,
    },
    /// The directory belongs to another instance or another key.
    #[error("{0}")]
    Foreign(Arc<str>),
    /// Another process has the log open.
    #[error("another process has the ledger in {0} open")]
    Locked(Arc<str>),
    /// The options make no sense.
    #[error("{0}")]
    Options(Arc<str>),
    /// There is no such thing in the log.
    #[error("the ledger has no {0}")]
    NotFound(Arc<str>),
    /// The queue had no room for an entry that the ledger itself wanted to write.
    #[error("the ledger's queue is full")]
    Full,
    /// The signer did not keep up.
    #[error("no checkpoint was signed within {seconds} s")]
    CheckpointTimeout {
        /// How long was waited.
        seconds: u64,
    },
    /// The cryptographic library failed.
    #[error(transparent)]
    Crypto(#[from] stockade_crypto::CryptoError),
}

/// Why no queue slots could be reserved. The gateway answers 503 to both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// All slots are taken: the disk is slower than the traffic.
    #[error("the ledger's queue is full")]
    Full,
    /// The log has stopped or was closed.
    #[error("the ledger has stopped")]
    Stopped,
}

impl LedgerError {
    pub(crate) fn io(what: impl AsRef<str>, source: io::Error) -> Self {
        Self::Io { what: Arc::from(what.as_ref()), source: Arc::new(source) }
    }

    pub(crate) fn damaged(place: impl AsRef<str>, why: impl AsRef<str>) -> Self {
        Self::Damaged { place: Arc::from(place.as_ref()), why: Arc::from(why.as_ref()) }
    }
}
