//! API keys: made, listed, revoked, and checked on every request.

mod directory;
mod text;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use stockade_crypto::to_hex;
use stockade_domain::{KeyId, Micros, WorkloadName};
use stockade_store::{ApiKey, StoreError};

pub use directory::Directory;
pub(crate) use directory::{MAC_VERSION, Record, ended as lease_ended};
pub(crate) use text::Presented;
pub use text::{KeyText, PREFIX, ShortId};

use crate::error::PlatformError;
use crate::roster::Roster;

/// The longest note, in bytes.
pub(crate) const MAX_NOTE: usize = 200;

/// The longest time that a key runs out after: a hundred years.
const LONGEST: Duration = Duration::from_secs(100 * 366 * 86_400);

/// Where a key stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyState {
    /// It can be used.
    Good,
    /// It has run out.
    Expired,
    /// It was revoked.
    Revoked,
}

/// A key as people see it: its secret is not in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyInfo {
    /// Its id.
    pub id: KeyId,
    /// The part of its text by which it is found.
    pub short_id: String,
    /// The name of its workload.
    pub workload: String,
    /// What the operator wrote beside it.
    pub note: String,
    /// Where it stands.
    pub state: KeyState,
    /// When it was made.
    pub created: Micros,
    /// When it runs out.
    pub expires: Option<Micros>,
    /// When it was used last, to about ten seconds.
    pub last_used: Option<Micros>,
}

/// A key that was just made, with the text that is shown once.
#[derive(Debug)]
pub struct NewKey {
    /// What is kept of it.
    pub info: KeyInfo,
    /// Its text.
    pub text: KeyText,
}

impl Roster {
    /// Makes a key for a workload. The record is durable before the key can be used.
    ///
    /// # Errors
    /// [`PlatformError::NotFound`] without such a workload; when record or store fail, no key was made.
    pub fn create_key(
        &self,
        workload: &WorkloadName,
        lifetime: Option<Duration>,
        note: &str,
        actor: &str,
    ) -> Result<NewKey, PlatformError> {
        if note.len() > MAX_NOTE || note.chars().any(char::is_control) {
            return Err(PlatformError::Invalid(format!("a note is one line of at most {MAX_NOTE} bytes")));
        }
        if lifetime.is_some_and(|lifetime| lifetime.is_zero()) {
            return Err(PlatformError::Invalid("a key that has run out already is of no use".to_owned()));
        }
        if lifetime.is_some_and(|lifetime| lifetime > LONGEST) {
            let message =
                "a key that is good for more than a hundred years is one that never runs out: say so";
            return Err(PlatformError::Invalid(message.to_owned()));
        }
        let _changing = self.changing();
        let workload = self.workload(workload)?;
        let now = self.clock.now();
        let text = KeyText::mint(self.random.as_ref())?;
        let short = text.short_id().ok_or(stockade_crypto::CryptoError)?;
        let key = ApiKey {
            id: KeyId::new(now, self.ten_random()?),
            short_id: short.to_string(),
            mac: to_hex(&self.directory().mac(text.reveal())),
            ring_version: MAC_VERSION,
            workload: workload.id,
            note: note.to_owned(),
            created: now,
            expires: lifetime.map(|lifetime| now.plus(lifetime)),
            revoked: None,
            last_used: None,
        };
        let expires = key.expires.map_or_else(|| "never".to_owned(), |at| at.to_string());
        let detail =
            [("key", key.id.to_string()), ("workload", workload.id.to_string()), ("expires", expires)];
        self.journal.admin("key.create", actor, detail)?;
        self.store.keys().create(&key).map_err(|error| match error {
            // Ten characters out of 62 came twice: 1 in 10^17.
            StoreError::Conflict(_) => PlatformError::Conflict("the drawn id is taken: try again".to_owned()),
            other => other.into(),
        })?;
        self.reload()?;
        Ok(NewKey { info: self.info(key), text })
    }

    /// All keys, oldest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn list_keys(&self) -> Result<Vec<KeyInfo>, PlatformError> {
        self.note_uses()?;
        Ok(self.store.keys().list(None)?.into_iter().map(|key| self.info(key)).collect())
    }

    /// Revokes a key, by its id or short id. Requests that run under it end now. `false` when it was revoked before.
    ///
    /// # Errors
    /// [`PlatformError::NotFound`] without such a key. A key that was revoked stays so even when the record fails.
    pub fn revoke_key(&self, id: &str, actor: &str) -> Result<bool, PlatformError> {
        let _changing = self.changing();
        let key = match id.parse::<KeyId>() {
            Ok(id) => self.store.keys().get(id)?,
            Err(_) => self.store.keys().by_short_id(id)?,
        };
        let key = key.ok_or_else(|| PlatformError::NotFound("key with that id".to_owned()))?;
        let first = self.store.keys().revoke(key.id, self.clock.now())?;
        self.reload()?;
        if first {
            let detail = [("key", key.id.to_string()), ("workload", key.workload.to_string())];
            self.journal.admin("key.revoke", actor, detail)?;
        }
        Ok(first)
    }

    fn info(&self, key: ApiKey) -> KeyInfo {
        let state = match key.revoked {
            Some(_) => KeyState::Revoked,
            None if key.is_valid(self.clock.now()) => KeyState::Good,
            None => KeyState::Expired,
        };
        KeyInfo {
            id: key.id,
            short_id: key.short_id,
            workload: self.name_of(key.workload),
            note: key.note,
            state,
            created: key.created,
            expires: key.expires,
            last_used: key.last_used,
        }
    }
}

impl KeyState {
    /// The word for people.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
        }
    }
}
