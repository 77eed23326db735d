//! The database's format and how it got there: numbered SQL texts, applied in order, never backwards, never changed
//! once a version with them has been released.

use stockade_domain::Micros;

use crate::db::{Db, Sql, transaction};
use crate::error::StoreError;
use crate::value::Value;

/// One step of the format.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// Its number, from 1 without gaps.
    pub version: i64,
    /// Statements, each ended by a semicolon at the end of a line.
    pub sql: &'static str,
}

/// All steps, oldest first.
pub const MIGRATIONS: &[Migration] = &[
    Migration { version: 1, sql: include_str!("../migrations/0001_initial.sql") },
    Migration { version: 2, sql: include_str!("../migrations/0002_api_tokens.sql") },
    Migration { version: 3, sql: include_str!("../migrations/0003_usage.sql") },
    Migration { version: 4, sql: include_str!("../migrations/0004_labels.sql") },
    Migration { version: 5, sql: include_str!("../migrations/0005_request_filters.sql") },
];

/// Brings a database to the newest format; gives the format that it had before, 0 for a new one. Each step is one
/// transaction, so a crash in between leaves a format that the next start goes on from.
///
/// # Errors
/// [`StoreError::Newer`] when a newer version wrote the database; it is not touched then.
pub fn migrate(db: &dyn Db, now: Micros) -> Result<i64, StoreError> {
    let before = transaction(db, |sql| {
        sql.execute(
            "CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL PRIMARY KEY, applied BIGINT NOT NULL)",
            &[],
        )?;
        version(sql)
    })?;
    let known = newest();
    if before > known {
        return Err(StoreError::Newer { found: before, known });
    }
    for step in MIGRATIONS.iter().filter(|step| step.version > before) {
        transaction(db, |sql| {
            // Another process may have been faster.
            if version(sql)? >= step.version {
                return Ok(());
            }
            for statement in statements(step.sql) {
                sql.execute(statement, &[])?;
            }
            let params = [Value::Int(step.version), now.into()];
            sql.execute("INSERT INTO schema_version (version, applied) VALUES ($1, $2)", &params)?;
            Ok(())
        })?;
    }
    Ok(before)
}

/// The newest format that this version knows.
pub(crate) fn newest() -> i64 {
    MIGRATIONS.last().map_or(0, |step| step.version)
}

/// The format of a database that has the table of versions.
pub(crate) fn version(sql: &dyn Sql) -> Result<i64, StoreError> {
    let rows = sql.query("SELECT COALESCE(MAX(version), 0) FROM schema_version", &[])?;
    rows.first().map_or(Ok(0), |row| row.int(0))
}

/// The statements of a text: they end with a semicolon at the end of a line, and lines of comment are left out.
fn statements(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive(";\n").map(str::trim).filter(|statement| {
        statement.lines().any(|line| !line.trim().is_empty() && !line.trim_start().starts_with("--"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrations_are_numbered_without_gaps_and_split_into_statements() {
        for (at, step) in MIGRATIONS.iter().enumerate() {
            assert_eq!(usize::try_from(step.version).unwrap(), at + 1);
            assert!(statements(step.sql).all(|statement| statement.ends_with(';')));
        }
        assert_eq!(statements("-- a\nX;\n-- b\n\nY\n  z;\n-- c\n").collect::<Vec<_>>().len(), 2);
    }
}
