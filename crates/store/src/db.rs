//! The seam between the repositories and a database.

use crate::error::StoreError;
use crate::value::{Row, Value};

/// How many rows a query may return. A query that can find more has a `LIMIT`; one that does not is a mistake, and is
/// told so instead of filling memory.
pub const MAX_ROWS: usize = 100_000;

/// Statements, inside or outside a transaction. Parameters are `$1`, `$2`, ... and may be used more than once.
pub trait Sql {
    /// Runs a statement that returns no rows; gives the number of rows that it changed. Outside a transaction it is
    /// one of its own, durable when the call returns.
    ///
    /// # Errors
    /// Every kind of [`StoreError`] but those about files.
    fn execute(&self, sql: &str, params: &[Value]) -> Result<u64, StoreError>;

    /// Runs a statement that returns rows, at most [`MAX_ROWS`]. Outside a transaction it may only read.
    ///
    /// # Errors
    /// Every kind of [`StoreError`] but those about files.
    fn query(&self, sql: &str, params: &[Value]) -> Result<Vec<Row>, StoreError>;
}

/// A database.
pub trait Db: Sql + Send + Sync {
    /// Runs `work` in one transaction that other writers wait for: all of it happens, durably, or nothing does when
    /// `work` returns an error or panics. `work` must use the handle that it is given, not the database.
    ///
    /// # Errors
    /// The error of `work`, or of the commit.
    fn transaction(&self, work: &mut dyn FnMut(&dyn Sql) -> Result<(), StoreError>)
    -> Result<(), StoreError>;

    /// The same, but a power loss soon after may take it away again, whole and with all that came after it: for what can be
    /// made again from elsewhere. It does not wait for the disk.
    ///
    /// # Errors
    /// Those of [`Db::transaction`].
    fn transaction_soon(
        &self,
        work: &mut dyn FnMut(&dyn Sql) -> Result<(), StoreError>,
    ) -> Result<(), StoreError>;
}

/// [`Db::transaction`] for work that gives a value.
pub(crate) fn transaction<T>(
    db: &dyn Db,
    mut work: impl FnMut(&dyn Sql) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let mut value = None;
    db.transaction(&mut |sql| {
        value = Some(work(sql)?);
        Ok(())
    })?;
    value.ok_or_else(|| StoreError::Statement("the transaction did not run".to_owned()))
}
