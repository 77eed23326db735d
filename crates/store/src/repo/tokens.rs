//! Tokens by which programs of the operator read the API, as keyed MACs.

use stockade_domain::Micros;

use super::repository;
use crate::error::StoreError;
use crate::value::Row;

repository! {
    /// The repository of tokens for the API.
    ApiTokens
}

/// A token as it is kept: its secret is not in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiToken {
    /// The part of its text by which it is found: 10 characters, unique.
    pub short_id: String,
    /// Keyed MAC of its text, lower-case hex.
    pub mac: String,
    /// The version of the key ring that the MAC is made with.
    pub ring_version: u32,
    /// What it may see, as a word.
    pub scope: String,
    /// What the operator wrote beside it.
    pub note: String,
    /// When it was made.
    pub created: Micros,
    /// From when on it is no longer valid.
    pub expires: Micros,
    /// When it was revoked.
    pub revoked: Option<Micros>,
}

const COLUMNS: &str = "short_id, mac, ring_version, scope, note, created, expires, revoked";

impl ApiTokens<'_> {
    /// Adds a token.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when its short id is taken: draw another.
    pub fn create(&self, token: &ApiToken) -> Result<(), StoreError> {
        let params = [
            token.short_id.as_str().into(),
            token.mac.as_str().into(),
            i64::from(token.ring_version).into(),
            token.scope.as_str().into(),
            token.note.as_str().into(),
            token.created.into(),
            token.expires.into(),
            token.revoked.into(),
        ];
        let sql = format!("INSERT INTO api_tokens ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)");
        self.db.execute(&sql, &params).map(drop)
    }

    /// All tokens, oldest first.
    ///
    /// # Errors
    /// When the database fails or holds something invalid.
    pub fn list(&self) -> Result<Vec<ApiToken>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM api_tokens ORDER BY created, short_id");
        self.db.query(&sql, &[])?.iter().map(read).collect()
    }

    /// Revokes a token, durably; `false` when it does not exist or was revoked before. The first time stays.
    ///
    /// # Errors
    /// When the database fails.
    pub fn revoke(&self, short_id: &str, now: Micros) -> Result<bool, StoreError> {
        let sql = "UPDATE api_tokens SET revoked = $2 WHERE short_id = $1 AND revoked IS NULL";
        Ok(self.db.execute(sql, &[short_id.into(), now.into()])? == 1)
    }
}

fn read(row: &Row) -> Result<ApiToken, StoreError> {
    Ok(ApiToken {
        short_id: row.text(0)?.to_owned(),
        mac: row.text(1)?.to_owned(),
        ring_version: row.count(2)?,
        scope: row.text(3)?.to_owned(),
        note: row.text(4)?.to_owned(),
        created: row.time(5)?,
        expires: row.time(6)?,
        revoked: row.maybe_time(7)?,
    })
}
