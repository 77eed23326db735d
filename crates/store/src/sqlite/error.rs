//! From SQLite's result codes (<https://sqlite.org/rescode.html>) to what an operator can act on.

use std::path::Path;

use rusqlite::ErrorCode;

use crate::error::StoreError;

pub(super) fn failed(error: rusqlite::Error) -> StoreError {
    let rusqlite::Error::SqliteFailure(cause, detail) = &error else {
        return StoreError::Statement(error.to_string());
    };
    let text = detail.clone().unwrap_or_else(|| cause.to_string());
    match cause.code {
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => StoreError::Locked,
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => StoreError::Corrupt(text),
        ErrorCode::DiskFull => StoreError::DiskFull,
        ErrorCode::ConstraintViolation => StoreError::Conflict(text),
        ErrorCode::SystemIoFailure
        | ErrorCode::CannotOpen
        | ErrorCode::ReadOnly
        | ErrorCode::PermissionDenied => {
            StoreError::Io { path: "the database".into(), source: std::io::Error::other(text) }
        }
        _ => StoreError::Statement(text),
    }
}

pub(super) fn io(path: &Path, source: std::io::Error) -> StoreError {
    if source.kind() == std::io::ErrorKind::StorageFull {
        return StoreError::DiskFull;
    }
    StoreError::Io { path: path.to_owned(), source }
}
