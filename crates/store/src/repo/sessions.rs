//! The console's sessions, and the links that open one. Both are known by a hash: what opens them is not in the store.

use stockade_domain::Micros;

use super::repository;
use crate::error::StoreError;

repository! {
    /// The repository of console sessions.
    Sessions
}

repository! {
    /// The repository of sign-in links.
    SigninLinks
}

impl Sessions<'_> {
    /// Opens a session.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the hash is there already.
    pub fn create(&self, hash: &str, created: Micros, expires: Micros) -> Result<(), StoreError> {
        let sql = "INSERT INTO sessions (hash, created, expires) VALUES ($1, $2, $3)";
        self.db.execute(sql, &[hash.into(), created.into(), expires.into()]).map(drop)
    }

    /// Whether a session is open at a time.
    ///
    /// # Errors
    /// When the database fails.
    pub fn is_open(&self, hash: &str, now: Micros) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM sessions WHERE hash = $1 AND created <= $2 AND expires > $2";
        Ok(!self.db.query(sql, &[hash.into(), now.into()])?.is_empty())
    }

    /// All sessions: hash, begin and end. A server keeps them in memory.
    ///
    /// # Errors
    /// When the database fails or holds something invalid.
    pub fn list(&self) -> Result<Vec<(String, Micros, Micros)>, StoreError> {
        let rows = self.db.query("SELECT hash, created, expires FROM sessions ORDER BY created", &[])?;
        rows.iter().map(|row| Ok((row.text(0)?.to_owned(), row.time(1)?, row.time(2)?))).collect()
    }

    /// Ends a session; `false` when there is none.
    ///
    /// # Errors
    /// When the database fails.
    pub fn end(&self, hash: &str) -> Result<bool, StoreError> {
        Ok(self.db.execute("DELETE FROM sessions WHERE hash = $1", &[hash.into()])? == 1)
    }

    /// Ends all sessions; gives how many.
    ///
    /// # Errors
    /// When the database fails.
    pub fn end_all(&self) -> Result<u64, StoreError> {
        self.db.execute("DELETE FROM sessions", &[])
    }

    /// Forgets sessions that have run out; gives how many.
    ///
    /// # Errors
    /// When the database fails.
    pub fn forget_expired(&self, now: Micros) -> Result<u64, StoreError> {
        self.db.execute("DELETE FROM sessions WHERE expires <= $1", &[now.into()])
    }
}

impl SigninLinks<'_> {
    /// Notes a link that was given out.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the hash is there already.
    pub fn create(&self, hash: &str, created: Micros, expires: Micros) -> Result<(), StoreError> {
        let sql = "INSERT INTO signin_links (hash, created, expires) VALUES ($1, $2, $3)";
        self.db.execute(sql, &[hash.into(), created.into(), expires.into()]).map(drop)
    }

    /// Uses a link up. `true` for one caller only, however many try at the same time, and only while it is valid.
    ///
    /// # Errors
    /// When the database fails; then the link must be taken as not valid.
    pub fn consume(&self, hash: &str, now: Micros) -> Result<bool, StoreError> {
        let sql = "UPDATE signin_links SET used = $2 \
                   WHERE hash = $1 AND used IS NULL AND created <= $2 AND expires > $2";
        Ok(self.db.execute(sql, &[hash.into(), now.into()])? == 1)
    }

    /// Forgets links that have run out; gives how many.
    ///
    /// # Errors
    /// When the database fails.
    pub fn forget_expired(&self, now: Micros) -> Result<u64, StoreError> {
        self.db.execute("DELETE FROM signin_links WHERE expires <= $1", &[now.into()])
    }
}
