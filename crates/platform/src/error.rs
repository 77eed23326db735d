//! What can go wrong in a use-case, with a stable code that the command line and metrics use.

use stockade_crypto::CryptoError;
use stockade_ledger::LedgerError;
use stockade_store::StoreError;

/// A use-case could not be carried out. The message is for operators.
#[derive(Debug, thiserror::Error)]
pub enum PlatformError {
    /// The store could not do its part.
    #[error("the store: {0}")]
    Store(#[from] StoreError),
    /// The record could not be written, so nothing was done.
    #[error("the ledger: {0}")]
    Ledger(#[from] LedgerError),
    /// The ledger takes no entries at the moment.
    #[error("the ledger: {0}")]
    Unavailable(#[from] stockade_ledger::Unavailable),
    /// The cryptographic library failed.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
    /// There is no such thing.
    #[error("there is no {0}")]
    NotFound(String),
    /// A name that is taken.
    #[error("{0}")]
    Conflict(String),
    /// A value that cannot be taken.
    #[error("{0}")]
    Invalid(String),
    /// A file could not be read or written.
    #[error("{what}: {source}")]
    Io {
        /// What was being done, with the path.
        what: String,
        /// The operating system's answer.
        source: std::io::Error,
    },
    /// A copy or directory is not as it was written.
    #[error("{0}")]
    Damaged(String),
}

impl PlatformError {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Store(error) => error.code(),
            Self::Ledger(_) => "ledger_failed",
            Self::Unavailable(_) => "ledger_unavailable",
            Self::Crypto(_) => "crypto_failed",
            Self::NotFound(_) => "not_found",
            Self::Conflict(_) => "conflict",
            Self::Invalid(_) => "invalid",
            Self::Io { .. } => "io",
            Self::Damaged(_) => "damaged",
        }
    }

    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}
