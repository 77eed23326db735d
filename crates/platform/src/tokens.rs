//! Tokens by which programs of the operator read the API: scoped, running out, revocable at once, and each in the record.
//!
//! They have the form of API keys, so that scanners know them, and are MACed under a context of their own: a key of a
//! workload opens nothing here, and a token asks no model.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use stockade_crypto::{Digest, KeyRing, KeyRole, MacKey, Random, ct_eq, from_hex, to_hex};
use stockade_domain::{Clock, Micros};
use stockade_store::{ApiToken, Store, StoreError};
use stockade_views::Reader;

use crate::audit::Journal;
use crate::error::PlatformError;
use crate::keys::{KeyState, KeyText, MAC_VERSION, MAX_NOTE, PREFIX, Presented, ShortId};

/// The longest life of a token: a year.
const LONGEST: Duration = Duration::from_secs(366 * 86_400);

/// What a token may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenScope {
    /// Who asked what of whom, what was decided and found, and the proofs; no recorded text.
    Records,
    /// Recorded text too. Each look at one is an entry of the record.
    Text,
}

/// A token, for operators.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenInfo {
    /// The ten characters after `stk_`.
    pub short_id: String,
    /// What it may see.
    pub scope: TokenScope,
    /// What the operator wrote beside it.
    pub note: String,
    /// Whether it is good.
    pub state: KeyState,
    /// When it was made.
    pub created: Micros,
    /// When it runs out.
    pub expires: Micros,
}

/// A token that was just made. Its text is shown once.
#[derive(Debug)]
pub struct NewToken {
    /// Its text.
    pub text: KeyText,
    /// What is kept of it.
    pub info: TokenInfo,
}

/// The tokens of an installation.
pub struct Tokens {
    store: Store,
    journal: Arc<Journal>,
    random: Arc<dyn Random>,
    clock: Arc<dyn Clock>,
    mac: MacKey,
    known: ArcSwap<HashMap<ShortId, Held>>,
    changes: Mutex<()>,
}

struct Held {
    mac: Digest,
    scope: TokenScope,
    expires: Micros,
    revoked: bool,
}

impl Tokens {
    /// Loads the tokens.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(crate) fn open(
        store: Store,
        journal: Arc<Journal>,
        ring: &KeyRing,
        random: Arc<dyn Random>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, PlatformError> {
        let mac = ring.mac_key(KeyRole::ApiKeyMac, MAC_VERSION, b"api tokens")?;
        let tokens =
            Self { store, journal, random, clock, mac, known: ArcSwap::default(), changes: Mutex::new(()) };
        tokens.reload()?;
        Ok(tokens)
    }

    /// Makes a token.
    ///
    /// # Errors
    /// [`PlatformError::Invalid`] for a note or a life that cannot be taken, or when it cannot be recorded.
    pub fn create(
        &self,
        scope: TokenScope,
        lifetime: Duration,
        note: &str,
        actor: &str,
    ) -> Result<NewToken, PlatformError> {
        if note.len() > MAX_NOTE || note.chars().any(char::is_control) {
            return Err(PlatformError::Invalid(format!("a note is one line of at most {MAX_NOTE} bytes")));
        }
        if lifetime.is_zero() || lifetime > LONGEST {
            return Err(PlatformError::Invalid("a token is good for a year at most".to_owned()));
        }
        let _changing = self.changes.lock();
        let text = KeyText::mint(self.random.as_ref())?;
        let short = text.short_id().ok_or(stockade_crypto::CryptoError)?;
        let now = self.clock.now();
        let token = ApiToken {
            short_id: short.to_string(),
            mac: to_hex(&self.mac.mac(text.reveal().as_bytes())),
            ring_version: MAC_VERSION,
            scope: scope.as_str().to_owned(),
            note: note.to_owned(),
            created: now,
            expires: now.plus(lifetime),
            revoked: None,
        };
        let detail = [
            ("token", token.short_id.clone()),
            ("scope", token.scope.clone()),
            ("expires", token.expires.to_string()),
        ];
        self.journal.admin("token.create", actor, detail)?;
        self.store.api_tokens().create(&token).map_err(|error| match error {
            StoreError::Conflict(_) => PlatformError::Conflict("the drawn id is taken: try again".to_owned()),
            other => other.into(),
        })?;
        self.reload()?;
        let info = self.info(&token).ok_or(stockade_crypto::CryptoError)?;
        Ok(NewToken { text, info })
    }

    /// All tokens, oldest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn list(&self) -> Result<Vec<TokenInfo>, PlatformError> {
        Ok(self.store.api_tokens().list()?.iter().filter_map(|token| self.info(token)).collect())
    }

    /// Revokes a token by the ten characters after `stk_`. `false` when it was revoked before.
    ///
    /// # Errors
    /// [`PlatformError::NotFound`] without such a token. One that was revoked stays so even when the record fails.
    pub fn revoke(&self, id: &str, actor: &str) -> Result<bool, PlatformError> {
        let _changing = self.changes.lock();
        let id = id.strip_prefix(PREFIX).unwrap_or(id);
        if !self.store.api_tokens().list()?.iter().any(|token| token.short_id == id) {
            return Err(PlatformError::NotFound("token with that id".to_owned()));
        }
        let first = self.store.api_tokens().revoke(id, self.clock.now())?;
        self.reload()?;
        if first {
            self.journal.admin("token.revoke", actor, [("token", id.to_owned())])?;
        }
        Ok(first)
    }

    /// Takes over what the store has. A token that cannot be read in full is none.
    fn reload(&self) -> Result<(), PlatformError> {
        let held = |token: &ApiToken| {
            let scope = TokenScope::named(&token.scope)?;
            let mac = from_hex(&token.mac)?.try_into().ok()?;
            let known = token.ring_version == MAC_VERSION;
            let held = Held { mac, scope, expires: token.expires, revoked: token.revoked.is_some() };
            known.then_some((ShortId::parse(&token.short_id)?, held))
        };
        let all = self.store.api_tokens().list()?;
        self.known.store(Arc::new(all.iter().filter_map(held).collect()));
        Ok(())
    }

    fn info(&self, token: &ApiToken) -> Option<TokenInfo> {
        let state = match token.revoked {
            Some(_) => KeyState::Revoked,
            None if self.clock.now() < token.expires => KeyState::Good,
            None => KeyState::Expired,
        };
        Some(TokenInfo {
            short_id: token.short_id.clone(),
            scope: TokenScope::named(&token.scope)?,
            note: token.note.clone(),
            state,
            created: token.created,
            expires: token.expires,
        })
    }
}

impl stockade_views::Tokens for Tokens {
    fn reader(&self, presented: &str) -> Option<Reader> {
        let presented = Presented::parse(presented)?;
        let known = self.known.load();
        let held = known.get(&presented.id)?;
        let good = ct_eq(&held.mac, &self.mac.mac(presented.text.as_bytes()));
        if !good || held.revoked || held.expires <= self.clock.now() {
            return None;
        }
        Some(match held.scope {
            TokenScope::Records => Reader::OfRecords,
            TokenScope::Text => Reader::OfText(format!("token:{}", presented.id)),
        })
    }
}

impl TokenScope {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Records => "records",
            Self::Text => "text",
        }
    }

    fn named(word: &str) -> Option<Self> {
        [Self::Records, Self::Text].into_iter().find(|scope| scope.as_str() == word)
    }
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tokens(..)")
    }
}
