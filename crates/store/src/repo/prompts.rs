//! System prompts that an operator has registered for a workload. Only their digests are kept.

use stockade_domain::{Micros, WorkloadId};

use super::repository;
use crate::error::StoreError;
use crate::value::Value;

repository! {
    /// The repository of registered system prompts.
    RegisteredPrompts
}

/// A registered system prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisteredPrompt {
    /// The workload that may send it.
    pub workload: WorkloadId,
    /// SHA-256 of its text, lower-case hex.
    pub digest: String,
    /// What the operator wrote beside it.
    pub note: String,
    /// When it was registered.
    pub created: Micros,
}

impl RegisteredPrompts<'_> {
    /// Registers a prompt; one that is registered already gets the new note.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the workload does not exist.
    pub fn register(&self, prompt: &RegisteredPrompt) -> Result<(), StoreError> {
        let sql = "INSERT INTO registered_prompts (workload, digest, note, created) VALUES ($1, $2, $3, $4) \
                   ON CONFLICT (workload, digest) DO UPDATE SET note = excluded.note";
        let params = [
            Value::show(prompt.workload),
            prompt.digest.as_str().into(),
            prompt.note.as_str().into(),
            prompt.created.into(),
        ];
        self.db.execute(sql, &params).map(drop)
    }

    /// Takes a registration back; `false` when there was none.
    ///
    /// # Errors
    /// When the database fails.
    pub fn remove(&self, workload: WorkloadId, digest: &str) -> Result<bool, StoreError> {
        let sql = "DELETE FROM registered_prompts WHERE workload = $1 AND digest = $2";
        Ok(self.db.execute(sql, &[Value::show(workload), digest.into()])? == 1)
    }

    /// All registrations, by workload and digest: few, and kept in memory by whoever asks on the request path.
    ///
    /// # Errors
    /// When the database fails or holds something invalid.
    pub fn list(&self) -> Result<Vec<RegisteredPrompt>, StoreError> {
        let sql = "SELECT workload, digest, note, created FROM registered_prompts ORDER BY workload, digest";
        let rows = self.db.query(sql, &[])?;
        let read = rows.iter().map(|row| {
            let (digest, note) = (row.text(1)?.to_owned(), row.text(2)?.to_owned());
            Ok(RegisteredPrompt { workload: row.parse(0)?, digest, note, created: row.time(3)? })
        });
        read.collect()
    }
}
