//! API keys, as keyed MACs.

use stockade_domain::{KeyId, Micros, WorkloadId};

use super::repository;
use crate::db::transaction;
use crate::error::StoreError;
use crate::value::{Row, Value};

repository! {
    /// The repository of API keys.
    Keys
}

/// An API key as it is kept: its secret is not in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id.
    pub id: KeyId,
    /// The part of the key's text by which it is found: 10 characters, unique.
    pub short_id: String,
    /// Keyed MAC of the secret, lower-case hex.
    pub mac: String,
    /// The version of the key ring that the MAC is made with.
    pub ring_version: u32,
    /// The workload that it belongs to.
    pub workload: WorkloadId,
    /// What the operator wrote beside it.
    pub note: String,
    /// When it was made.
    pub created: Micros,
    /// From when on it is no longer valid.
    pub expires: Option<Micros>,
    /// When it was revoked.
    pub revoked: Option<Micros>,
    /// When it was last used, as far as has been written down.
    pub last_used: Option<Micros>,
}

const COLUMNS: &str = "id, short_id, mac, ring_version, workload, note, created, expires, revoked, last_used";

impl ApiKey {
    /// Whether it can be used at a time: neither revoked nor run out.
    #[must_use]
    pub fn is_valid(&self, now: Micros) -> bool {
        self.revoked.is_none() && self.expires.is_none_or(|end| now < end)
    }
}

impl Keys<'_> {
    /// Adds a key.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when its id or short id is taken (draw another), or its workload does not exist.
    pub fn create(&self, key: &ApiKey) -> Result<(), StoreError> {
        let params = [
            Value::show(key.id),
            key.short_id.as_str().into(),
            key.mac.as_str().into(),
            i64::from(key.ring_version).into(),
            Value::show(key.workload),
            key.note.as_str().into(),
            key.created.into(),
            key.expires.into(),
            key.revoked.into(),
            key.last_used.into(),
        ];
        let sql =
            format!("INSERT INTO api_keys ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)");
        self.db.execute(&sql, &params).map(drop)
    }

    /// The key with a short id.
    ///
    /// # Errors
    /// When the database fails or holds something invalid.
    pub fn by_short_id(&self, short_id: &str) -> Result<Option<ApiKey>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM api_keys WHERE short_id = $1");
        self.db.query(&sql, &[short_id.into()])?.first().map(read).transpose()
    }

    /// The key with an id.
    ///
    /// # Errors
    /// When the database fails or holds something invalid.
    pub fn get(&self, id: KeyId) -> Result<Option<ApiKey>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM api_keys WHERE id = $1");
        self.db.query(&sql, &[Value::show(id)])?.first().map(read).transpose()
    }

    /// All keys, or those of one workload, oldest first.
    ///
    /// # Errors
    /// When the database fails or holds something invalid.
    pub fn list(&self, workload: Option<WorkloadId>) -> Result<Vec<ApiKey>, StoreError> {
        let rows = match workload {
            None => self.db.query(&format!("SELECT {COLUMNS} FROM api_keys ORDER BY id"), &[])?,
            Some(id) => {
                let sql = format!("SELECT {COLUMNS} FROM api_keys WHERE workload = $1 ORDER BY id");
                self.db.query(&sql, &[Value::show(id)])?
            }
        };
        rows.iter().map(read).collect()
    }

    /// Revokes a key, durably; `false` when it does not exist or was revoked before. The first time stays.
    ///
    /// # Errors
    /// When the database fails.
    pub fn revoke(&self, id: KeyId, now: Micros) -> Result<bool, StoreError> {
        let sql = "UPDATE api_keys SET revoked = $2 WHERE id = $1 AND revoked IS NULL";
        Ok(self.db.execute(sql, &[Value::show(id), now.into()])? == 1)
    }

    /// Notes when keys were last used, many at once; an earlier time than the noted one changes nothing.
    ///
    /// # Errors
    /// When the database fails; then nothing is noted.
    pub fn touch(&self, uses: &[(KeyId, Micros)]) -> Result<(), StoreError> {
        let sql =
            "UPDATE api_keys SET last_used = $2 WHERE id = $1 AND (last_used IS NULL OR last_used < $2)";
        transaction(self.db, |tx| {
            for (id, time) in uses {
                tx.execute(sql, &[Value::show(id), (*time).into()])?;
            }
            Ok(())
        })
    }
}

fn read(row: &Row) -> Result<ApiKey, StoreError> {
    Ok(ApiKey {
        id: row.parse(0)?,
        short_id: row.text(1)?.to_owned(),
        mac: row.text(2)?.to_owned(),
        ring_version: row.count(3)?,
        workload: row.parse(4)?,
        note: row.text(5)?.to_owned(),
        created: row.time(6)?,
        expires: row.maybe_time(7)?,
        revoked: row.maybe_time(8)?,
        last_used: row.maybe_time(9)?,
    })
}
