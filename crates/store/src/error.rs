//! What can go wrong with the store. Each kind has a stable code, as an operator's next step depends on it.

use std::path::PathBuf;

/// The store could not do what was asked. Nothing of a failed transaction remains.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process or a long transaction holds the database.
    #[error("the database is in use by someone else and did not become free in time")]
    Locked,
    /// The file is not a database, or a damaged one.
    #[error("the database is damaged: {0}")]
    Corrupt(String),
    /// The disk, or the quota on it, is full.
    #[error("the disk is full")]
    DiskFull,
    /// A row with that key exists, or one that it must refer to does not.
    #[error("the change conflicts with what is stored: {0}")]
    Conflict(String),
    /// A newer version of Stockade has written this database.
    #[error(
        "the database has format {found}, this version knows formats up to {known}: use the newer version again"
    )]
    Newer {
        /// The database's format.
        found: i64,
        /// The newest format of this version.
        known: i64,
    },
    /// A valid database, but of another program.
    #[error("{0} is not a database of Stockade")]
    Foreign(PathBuf),
    /// A file is in the way; nothing is overwritten.
    #[error("{0} exists already")]
    Exists(PathBuf),
    /// Reading or writing a file failed.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A stored value is not what its column should hold.
    #[error("a stored value is not valid: {0}")]
    Data(String),
    /// More rows than a query may return.
    #[error("a query returned more than {0} rows")]
    TooMany(usize),
    /// A statement failed for a reason that only a mistake in this program explains.
    #[error("the database refused a statement: {0}")]
    Statement(String),
}

impl StoreError {
    /// The stable code that metrics, logs and the admin API use.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Locked => "store_locked",
            Self::Corrupt(_) => "store_corrupt",
            Self::DiskFull => "store_disk_full",
            Self::Conflict(_) => "store_conflict",
            Self::Newer { .. } => "store_newer",
            Self::Foreign(_) => "store_foreign",
            Self::Exists(_) => "store_exists",
            Self::Io { .. } => "store_io",
            Self::Data(_) => "store_data",
            Self::TooMany(_) => "store_too_many",
            Self::Statement(_) => "store_statement",
        }
    }

    /// Whether the same call may succeed a moment later.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Locked)
    }
}
