//! The embedded driver: SQLite in WAL mode, one connection that writes and a few that read.
//!
//! Every commit but those of [`Db::transaction_soon`] is durable when the call returns (`synchronous = FULL`,
//! <https://sqlite.org/pragma.html#pragma_synchronous>).
//! Readers never wait for the writer, nor the writer for them.

mod backup;
mod error;

use std::fs::{OpenOptions, Permissions};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use parking_lot::Mutex;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OpenFlags, ToSql, TransactionBehavior};

pub use backup::RestoreOutcome;

use crate::db::{Db, MAX_ROWS, Sql};
use crate::error::StoreError;
use crate::value::{Row, Value};
use error::{failed, io};

/// How long a call waits for another process or thread to finish writing.
const BUSY: Duration = Duration::from_secs(5);

/// How many reading connections are kept for the next call.
const IDLE_READERS: usize = 4;

/// The write-ahead log is cut back to this size after a checkpoint, in bytes.
const WAL_LIMIT: u32 = 64 << 20;

/// Marks the file as ours (`PRAGMA application_id`): "STKD".
const APPLICATION_ID: i32 = 0x5354_4b44;

/// The embedded database.
pub struct SqliteDb {
    path: PathBuf,
    writer: Mutex<Connection>,
    readers: Mutex<Vec<Connection>>,
}

/// When a commit is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Durable {
    /// When the call returns.
    Now,
    /// With the next one that is durable at once, or the next checkpoint.
    Soon,
}

impl Durable {
    const fn pragma(self) -> &'static str {
        match self {
            Self::Now => "FULL",
            Self::Soon => "NORMAL",
        }
    }
}

/// Statements on one connection.
struct Statements<'a>(&'a Connection);

impl SqliteDb {
    /// Opens, and if need be makes, the database at `path`. The file can be read and written by its owner only,
    /// whatever the umask; SQLite gives its companions (`-wal`, `-shm`) the same mode.
    ///
    /// # Errors
    /// When the file is damaged, locked, of another program, or cannot be opened. The format is not looked at: that is
    /// for [`crate::migrate`].
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        private_file(path)?;
        let writer = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        claim(&writer, path)?;
        let mode: String =
            writer.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0)).map_err(failed)?;
        if mode != "wal" {
            return Err(StoreError::Statement(format!("the journal mode is `{mode}`, not `wal`")));
        }
        for (name, value) in [("synchronous", "FULL"), ("foreign_keys", "ON"), ("secure_delete", "ON")] {
            writer.pragma_update(None, name, value).map_err(failed)?;
        }
        let limit = writer.pragma_update_and_check(None, "journal_size_limit", WAL_LIMIT, |_| Ok(()));
        limit.map_err(failed)?;
        Ok(Self { path: path.to_owned(), writer: Mutex::new(writer), readers: Mutex::new(Vec::new()) })
    }

    /// Looks at every page; an empty answer is a sound database. It reads the whole file.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn check(&self) -> Result<Vec<String>, StoreError> {
        self.read(check)
    }

    /// Runs `work` on a connection that cannot write.
    fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let idle = self.readers.lock().pop();
        let reader = match idle {
            Some(reader) => reader,
            None => {
                let reader = connect(&self.path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
                reader.pragma_update(None, "query_only", "ON").map_err(failed)?;
                reader
            }
        };
        let result = work(&reader);
        let mut idle = self.readers.lock();
        if idle.len() < IDLE_READERS {
            idle.push(reader);
        }
        result
    }

    fn write<T>(
        &self,
        when: Durable,
        work: impl FnOnce(&mut Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut writer = self.writer.try_lock_for(BUSY).ok_or(StoreError::Locked)?;
        // Set each time: what the last writer needed does not matter.
        writer.pragma_update(None, "synchronous", when.pragma()).map_err(failed)?;
        work(&mut writer)
    }

    fn transact(
        &self,
        when: Durable,
        work: &mut dyn FnMut(&dyn Sql) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.write(when, |writer| {
            // Immediate: a transaction that reads first cannot fail later because another wrote in between. Dropping
            // it, on an error or a panic, rolls back.
            let transaction =
                writer.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
            work(&Statements(&transaction))?;
            transaction.commit().map_err(failed)
        })
    }
}

impl Sql for SqliteDb {
    fn execute(&self, sql: &str, params: &[Value]) -> Result<u64, StoreError> {
        self.write(Durable::Now, |writer| Statements(writer).execute(sql, params))
    }

    fn query(&self, sql: &str, params: &[Value]) -> Result<Vec<Row>, StoreError> {
        self.read(|reader| Statements(reader).query(sql, params))
    }
}

impl Db for SqliteDb {
    fn transaction(
        &self,
        work: &mut dyn FnMut(&dyn Sql) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.transact(Durable::Now, work)
    }

    fn transaction_soon(
        &self,
        work: &mut dyn FnMut(&dyn Sql) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.transact(Durable::Soon, work)
    }
}

impl Sql for Statements<'_> {
    fn execute(&self, sql: &str, params: &[Value]) -> Result<u64, StoreError> {
        let mut statement = self.0.prepare_cached(sql).map_err(failed)?;
        bind(&mut statement, params)?;
        let changed = statement.raw_execute().map_err(failed)?;
        Ok(u64::try_from(changed).unwrap_or(u64::MAX))
    }

    fn query(&self, sql: &str, params: &[Value]) -> Result<Vec<Row>, StoreError> {
        let mut statement = self.0.prepare_cached(sql).map_err(failed)?;
        bind(&mut statement, params)?;
        let columns = statement.column_count();
        let mut rows = statement.raw_query();
        let mut out = Vec::new();
        while let Some(row) = rows.next().map_err(failed)? {
            if out.len() == MAX_ROWS {
                return Err(StoreError::TooMany(MAX_ROWS));
            }
            let values = (0..columns).map(|at| value(row.get_ref(at).map_err(failed)?));
            out.push(Row::new(values.collect::<Result<_, _>>()?));
        }
        Ok(out)
    }
}

/// `$1` is a *name* to SQLite, which numbers names by where they first stand; so each is bound by its name.
fn bind(statement: &mut rusqlite::CachedStatement<'_>, params: &[Value]) -> Result<(), StoreError> {
    if statement.parameter_count() != params.len() {
        let (wanted, given) = (statement.parameter_count(), params.len());
        return Err(StoreError::Statement(format!("{wanted} parameters are wanted, {given} are given")));
    }
    for (number, param) in (1_usize..).zip(params) {
        let index = statement.parameter_index(&format!("${number}")).map_err(failed)?;
        let index = index.ok_or_else(|| StoreError::Statement(format!("there is no parameter ${number}")))?;
        statement.raw_bind_parameter(index, param).map_err(failed)?;
    }
    Ok(())
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Int(number) => ValueRef::Integer(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
        }))
    }
}

fn value(value: ValueRef<'_>) -> Result<Value, StoreError> {
    match value {
        ValueRef::Null => Ok(Value::Null),
        ValueRef::Integer(number) => Ok(Value::Int(number)),
        ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Value::Text(text.to_owned())),
            Err(_) => Err(StoreError::Data("a text is not UTF-8".to_owned())),
        },
        ValueRef::Real(_) | ValueRef::Blob(_) => {
            Err(StoreError::Data("a value is of a type that the store does not use".to_owned()))
        }
    }
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, StoreError> {
    // No URI names: a path is a path. Each connection is used by one thread at a time.
    let connection =
        Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX).map_err(failed)?;
    connection.busy_timeout(BUSY).map_err(failed)?;
    // A hostile file must not run code through views, triggers or defaults (https://sqlite.org/security.html).
    connection.pragma_update(None, "trusted_schema", "OFF").map_err(failed)?;
    connection.pragma_update(None, "cell_size_check", "ON").map_err(failed)?;
    connection.pragma_update(None, "mmap_size", 0).or_else(no_rows).map_err(failed)?;
    Ok(connection)
}

/// Some pragmas answer with the value that they set; that is no failure.
fn no_rows(error: rusqlite::Error) -> rusqlite::Result<()> {
    if matches!(error, rusqlite::Error::ExecuteReturnedResults) { Ok(()) } else { Err(error) }
}

/// Marks a new file as ours; refuses that of another program.
fn claim(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let id: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0)).map_err(failed)?;
    if id == APPLICATION_ID {
        return Ok(());
    }
    let objects: i64 =
        connection.query_row("SELECT COUNT(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(failed)?;
    if id != 0 || objects != 0 {
        return Err(StoreError::Foreign(path.to_owned()));
    }
    connection.pragma_update(None, "application_id", APPLICATION_ID).map_err(failed)
}

fn check(connection: &Connection) -> Result<Vec<String>, StoreError> {
    let mut statement = connection.prepare("PRAGMA integrity_check(20)").map_err(failed)?;
    let lines = statement.query_map([], |row| row.get::<_, String>(0)).map_err(failed)?;
    let lines: Vec<String> = lines.collect::<Result<_, _>>().map_err(failed)?;
    Ok(lines.into_iter().filter(|line| line != "ok").collect())
}

/// Makes the file if it is not there, and takes it away from everyone but its owner.
fn private_file(path: &Path) -> Result<(), StoreError> {
    let mut options = OpenOptions::new();
    let file = options.read(true).write(true).create(true).truncate(false).mode(0o600).open(path);
    let file = file.map_err(|source| io(path, source))?;
    let mode = file.metadata().map_err(|source| io(path, source))?.permissions().mode();
    if mode & 0o077 != 0 {
        file.set_permissions(Permissions::from_mode(0o600)).map_err(|source| io(path, source))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
