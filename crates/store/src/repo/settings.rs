//! What the program keeps for itself: the instance's id and the like. What an operator sets stands in `stockade.toml`.

use super::repository;
use crate::db::{Sql, transaction};
use crate::error::StoreError;

repository! {
    /// The repository of settings.
    Settings
}

impl Settings<'_> {
    /// The value of a setting.
    ///
    /// # Errors
    /// When the database fails.
    pub fn get(&self, name: &str) -> Result<Option<String>, StoreError> {
        let rows = self.db.query("SELECT value FROM settings WHERE name = $1", &[name.into()])?;
        rows.first().map(|row| row.text(0).map(str::to_owned)).transpose()
    }

    /// Sets a value, replacing another.
    ///
    /// # Errors
    /// When the database fails.
    pub fn set(&self, name: &str, value: &str) -> Result<(), StoreError> {
        set(self.db, name, value)
    }

    /// The value of a setting, which is set to `first` if it has none: for what is drawn once and then stays.
    ///
    /// # Errors
    /// When the database fails.
    pub fn get_or_set(&self, name: &str, first: &str) -> Result<String, StoreError> {
        transaction(self.db, |tx| {
            let sql = "INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
            tx.execute(sql, &[name.into(), first.into()])?;
            let rows = tx.query("SELECT value FROM settings WHERE name = $1", &[name.into()])?;
            let row =
                rows.first().ok_or_else(|| StoreError::Data(format!("the setting `{name}` is gone")))?;
            Ok(row.text(0)?.to_owned())
        })
    }
}

/// Sets a value, replacing another.
pub(super) fn set(sql: &(impl Sql + ?Sized), name: &str, value: &str) -> Result<(), StoreError> {
    let upsert = "INSERT INTO settings (name, value) VALUES ($1, $2) \
                  ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    sql.execute(upsert, &[name.into(), value.into()]).map(drop)
}
