//! The store as the rest of the program holds it.

use std::path::Path;
use std::sync::Arc;

use stockade_domain::Micros;

use crate::db::Db;
use crate::error::StoreError;
use crate::migrate::migrate;
use crate::repo::keys::Keys;
use crate::repo::labels::{LabelMarks, LabelledTexts};
use crate::repo::prompts::RegisteredPrompts;
use crate::repo::requests::Requests;
use crate::repo::sessions::{Sessions, SigninLinks};
use crate::repo::settings::Settings;
use crate::repo::tokens::ApiTokens;
use crate::repo::usage::UsageCounters;
use crate::repo::workloads::Workloads;
use crate::sqlite::SqliteDb;

/// A database in the newest format, and the repositories over it. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    db: Arc<dyn Db>,
}

impl Store {
    /// Opens, and if need be makes, the embedded database at `path`. Its directory has to exist. Who wants to back it
    /// up while it is in use opens a [`SqliteDb`], keeps it, and hands it to [`Store::new`] as well.
    ///
    /// # Errors
    /// What [`SqliteDb::open`] and [`migrate`] refuse.
    pub fn open(path: &Path, now: Micros) -> Result<Self, StoreError> {
        Self::new(Arc::new(SqliteDb::open(path)?), now)
    }

    /// A store over a database, which is brought to the newest format.
    ///
    /// # Errors
    /// What [`migrate`] refuses.
    pub fn new(db: Arc<dyn Db>, now: Micros) -> Result<Self, StoreError> {
        migrate(db.as_ref(), now)?;
        Ok(Self { db })
    }

    /// Workloads.
    #[must_use]
    pub fn workloads(&self) -> Workloads<'_> {
        Workloads::new(self.db.as_ref())
    }

    /// API keys.
    #[must_use]
    pub fn keys(&self) -> Keys<'_> {
        Keys::new(self.db.as_ref())
    }

    /// The index of requests.
    #[must_use]
    pub fn requests(&self) -> Requests<'_> {
        Requests::new(self.db.as_ref())
    }

    /// Sessions of the console.
    #[must_use]
    pub fn sessions(&self) -> Sessions<'_> {
        Sessions::new(self.db.as_ref())
    }

    /// Links that open a session, once.
    #[must_use]
    pub fn signin_links(&self) -> SigninLinks<'_> {
        SigninLinks::new(self.db.as_ref())
    }

    /// Tokens for the API.
    #[must_use]
    pub fn api_tokens(&self) -> ApiTokens<'_> {
        ApiTokens::new(self.db.as_ref())
    }

    /// Settings that the program keeps for itself.
    #[must_use]
    pub fn settings(&self) -> Settings<'_> {
        Settings::new(self.db.as_ref())
    }

    /// Use under limits.
    #[must_use]
    pub fn usage_counters(&self) -> UsageCounters<'_> {
        UsageCounters::new(self.db.as_ref())
    }

    /// Texts whose paragraphs carry a label.
    #[must_use]
    pub fn labelled_texts(&self) -> LabelledTexts<'_> {
        LabelledTexts::new(self.db.as_ref())
    }

    /// What is remembered of labelled conversations.
    #[must_use]
    pub fn label_marks(&self) -> LabelMarks<'_> {
        LabelMarks::new(self.db.as_ref())
    }

    /// Registered system prompts.
    #[must_use]
    pub fn registered_prompts(&self) -> RegisteredPrompts<'_> {
        RegisteredPrompts::new(self.db.as_ref())
    }
}
