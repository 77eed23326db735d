//! Copies of the whole database: taken while it is in use, and put back while it is not.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use super::error::{failed, io};
use super::{APPLICATION_ID, SqliteDb, check, connect, private_file};
use crate::error::StoreError;
use crate::migrate::newest;

/// What a restore did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestoreOutcome {
    /// The format of the restored database; an older one is brought up to date when it is opened.
    pub version: i64,
    /// Where the database that was there before has been kept.
    pub kept: Option<PathBuf>,
}

impl SqliteDb {
    /// Writes a copy of the database to `to`: one moment of it, while others go on reading and writing. The copy stands
    /// alone, has mode 0600, has been checked and is durable when the call returns. Nothing is overwritten.
    ///
    /// # Errors
    /// [`StoreError::Exists`] when there is a file at `to`; what reading, writing and checking can meet. Then there is
    /// no file at `to`.
    pub fn backup(&self, to: &Path) -> Result<(), StoreError> {
        if exists(to)? {
            return Err(StoreError::Exists(to.to_owned()));
        }
        self.read(|reader| copy(reader, to))
    }

    /// Puts a backup in the place of the database at `to`, which nobody may have open: the caller holds the lock of the
    /// data directory. The database that was there is kept beside it as `<name>.before-restore`.
    ///
    /// # Errors
    /// [`StoreError::Foreign`], [`StoreError::Corrupt`] or [`StoreError::Newer`] when `from` is not a sound backup that
    /// this version can read; [`StoreError::Locked`] when someone is
    /// reading or writing it at this moment; [`StoreError::Exists`] when one is
    /// kept from an earlier restore. In all these cases nothing has changed.
    pub fn restore(from: &Path, to: &Path) -> Result<RestoreOutcome, StoreError> {
        let source = connect(from, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let version = sound(&source, from)?;
        let kept = exists(to)?.then(|| beside(to, "before-restore"));
        if let Some(kept) = &kept {
            if exists(kept)? {
                return Err(StoreError::Exists(kept.clone()));
            }
            settle(to)?;
        }
        let ready = beside(to, "restoring");
        remove(&ready)?;
        copy(&source, &ready)?;
        // What is left of a write-ahead log belongs to the old file and would be played into the new one. It goes first,
        // so that a crash in between leaves no log without its database.
        for companion in ["-wal", "-shm"] {
            let old = with_suffix(to, companion);
            match &kept {
                Some(kept) if exists(&old)? => rename(&old, &with_suffix(kept, companion))?,
                _ => remove(&old)?,
            }
        }
        if let Some(kept) = &kept {
            rename(to, kept)?;
        }
        rename(&ready, to)?;
        sync_directory(to)?;
        Ok(RestoreOutcome { version, kept })
    }
}

/// Copies a database to a new file that appears whole or not at all.
fn copy(from: &Connection, to: &Path) -> Result<(), StoreError> {
    let partial = beside(to, "partial");
    remove(&partial)?;
    let written = write_copy(from, &partial);
    let placed = written.and_then(|()| {
        rename(&partial, to)?;
        sync_directory(to)
    });
    if placed.is_err() {
        // The first error is the one to tell.
        let _ = fs::remove_file(&partial);
    }
    placed
}

fn write_copy(from: &Connection, partial: &Path) -> Result<(), StoreError> {
    private_file(partial)?;
    let mut target = connect(partial, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    {
        // All pages in one step: a read transaction on one moment, which in WAL mode holds up no writer. In several
        // steps every write in between would start the copy again.
        let backup = Backup::new(from, &mut target).map_err(failed)?;
        match backup.step(-1).map_err(failed)? {
            StepResult::Done => {}
            StepResult::Busy | StepResult::Locked => return Err(StoreError::Locked),
            _ => return Err(StoreError::Statement("the copy did not come to its end".to_owned())),
        }
    }
    // The copy inherits WAL mode; a backup is one file.
    let mode: String =
        target.pragma_update_and_check(None, "journal_mode", "DELETE", |row| row.get(0)).map_err(failed)?;
    if mode != "delete" {
        return Err(StoreError::Statement(format!("the journal mode of the copy is `{mode}`")));
    }
    sound(&target, partial)?;
    target.close().map_err(|(_, error)| failed(error))?;
    File::open(partial).and_then(|file| file.sync_all()).map_err(|source| io(partial, source))
}

/// Whether a file is a sound database of ours that this version can read; gives its format.
fn sound(connection: &Connection, path: &Path) -> Result<i64, StoreError> {
    let id: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0)).map_err(failed)?;
    if id != APPLICATION_ID {
        return Err(StoreError::Foreign(path.to_owned()));
    }
    // The store makes tables and indexes only. Anything that runs when they are used was put there by someone else.
    let active =
        "SELECT COUNT(*) FROM sqlite_schema WHERE type NOT IN ('table', 'index') OR sql LIKE '%VIRTUAL%'";
    let active: i64 = connection.query_row(active, [], |row| row.get(0)).map_err(failed)?;
    if active != 0 {
        return Err(StoreError::Foreign(path.to_owned()));
    }
    if let Some(first) = check(connection)?.first() {
        return Err(StoreError::Corrupt(first.clone()));
    }
    let version = "SELECT COALESCE(MAX(version), 0) FROM schema_version";
    let found: i64 = connection.query_row(version, [], |row| row.get(0)).map_err(failed)?;
    let known = newest();
    if found > known { Err(StoreError::Newer { found, known }) } else { Ok(found) }
}

/// Brings what stands in the write-ahead log into the database file, so that the file alone is the whole of it. A
/// damaged database is left as it is: it is kept anyway.
fn settle(path: &Path) -> Result<(), StoreError> {
    let result = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE).and_then(|connection| {
        let busy: i64 =
            connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).map_err(failed)?;
        if busy == 0 { Ok(()) } else { Err(StoreError::Locked) }
    });
    match result {
        Err(StoreError::Corrupt(_)) => Ok(()),
        other => other,
    }
}

fn exists(path: &Path) -> Result<bool, StoreError> {
    // A dangling link is in the way as well.
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(source) => Err(io(path, source)),
    }
}

fn rename(from: &Path, to: &Path) -> Result<(), StoreError> {
    fs::rename(from, to).map_err(|source| io(from, source))
}

fn remove(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => Err(io(path, source)),
        _ => Ok(()),
    }
}

/// A rename is durable once its directory is (POSIX `fsync`, rationale).
fn sync_directory(path: &Path) -> Result<(), StoreError> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(directory).and_then(|file| file.sync_all()).map_err(|source| io(directory, source))
}

fn beside(path: &Path, what: &str) -> PathBuf {
    with_suffix(path, &format!(".{what}"))
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
