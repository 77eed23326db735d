//! The use-cases put together over one data directory.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::Mutex;
use stockade_crypto::{KeyRing, Random, to_hex};
use stockade_domain::Clock;
use stockade_ledger::{Ledger, Options as LedgerOptions, RealVfs, Recovery};
use stockade_store::{SqliteDb, Store};

use crate::audit::{Feed, Indexer, Journal, Recorder};
use crate::error::PlatformError;
use crate::labels::LabelBook;
use crate::roster::Roster;
use crate::sessions::Sessions;
use crate::tokens::Tokens;
use crate::usage::Usage;
use crate::views::Views;

/// The setting that names this installation in its ledger's origin.
const INSTANCE: &str = "instance.id";

/// Where things are in a data directory.
#[derive(Debug, Clone)]
pub struct Layout {
    root: PathBuf,
}

/// What the use-cases need from outside.
#[derive(Clone)]
pub struct Environment {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// Keys.
    pub ring: KeyRing,
    /// The program's version, for people.
    pub version: &'static str,
}

/// An opened data directory. The caller holds its lock.
pub struct Platform {
    /// Who may call.
    pub roster: Arc<Roster>,
    /// What is recorded.
    pub journal: Arc<Journal>,
    /// Who may look.
    pub sessions: Arc<Sessions>,
    /// Which programs may look.
    pub tokens: Arc<Tokens>,
    /// What is used of limits.
    pub usage: Arc<Usage>,
    /// What text is labelled by.
    pub labels: Arc<LabelBook>,
    /// What they see.
    pub views: Views,
    pub(crate) layout: Layout,
    pub(crate) db: Arc<SqliteDb>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) version: &'static str,
    indexer: Mutex<Option<JoinHandle<()>>>,
}

// === impl Layout ===

impl Layout {
    /// The layout of a directory.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The directory.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The database.
    #[must_use]
    pub fn store(&self) -> PathBuf {
        self.root.join("store.db")
    }

    /// The ledger's directory.
    #[must_use]
    pub fn ledger(&self) -> PathBuf {
        self.root.join("ledger")
    }
}

// === impl Platform ===

impl Platform {
    /// Opens a data directory, or makes a new one in an empty directory.
    ///
    /// # Errors
    /// When store or ledger refuse to open: damaged, of another instance or key, or of a newer version.
    pub fn open(layout: Layout, env: &Environment) -> Result<(Self, Recovery), PlatformError> {
        let Environment { clock, random, ring, version } = env.clone();
        let db = Arc::new(SqliteDb::open(&layout.store())?);
        let store = Store::new(Arc::<SqliteDb>::clone(&db), clock.now())?;
        let mut drawn = [0; 8];
        random.fill(&mut drawn)?;
        let instance = store.settings().get_or_set(INSTANCE, &to_hex(&drawn))?;
        let options = LedgerOptions::new(layout.ledger(), instance);
        let (ledger, recovery) =
            Ledger::open(options, Arc::new(RealVfs), Arc::clone(&clock), Arc::clone(&random), &ring)?;
        let (feed, waiting) = Feed::new();
        let indexer = Indexer::new(ledger.clone(), store.clone(), waiting)?;
        let indexer = std::thread::Builder::new()
            .name("request-index".to_owned())
            .spawn(move || indexer.run())
            .map_err(PlatformError::io("starting the thread of the request index"))?;
        let journal = Arc::new(Journal::new(ledger, Arc::clone(&clock), feed));
        let roster = Arc::new(Roster::open(
            store.clone(),
            Arc::clone(&journal),
            &ring,
            Arc::clone(&random),
            Arc::clone(&clock),
        )?);
        let tokens = Tokens::open(
            store.clone(),
            Arc::clone(&journal),
            &ring,
            Arc::clone(&random),
            Arc::clone(&clock),
        )?;
        let sessions =
            Sessions::open(&ring, random, Arc::clone(&clock), store.clone(), Arc::clone(&journal))?;
        let usage = Arc::new(Usage::open(store.clone(), Arc::clone(&clock))?);
        let labels = LabelBook::open(store.clone(), Arc::clone(&journal), &ring, Arc::clone(&clock))?;
        let views = Views::new(store, Arc::clone(&journal), Arc::clone(&roster), version);
        let platform = Self {
            roster,
            journal,
            sessions: Arc::new(sessions),
            tokens: Arc::new(tokens),
            usage,
            labels: Arc::new(labels),
            views,
            layout,
            db,
            clock,
            version,
            indexer: Mutex::new(Some(indexer)),
        };
        Ok((platform, recovery))
    }

    /// The gateway's port for records.
    #[must_use]
    pub fn recorder(&self) -> Recorder {
        Recorder(Arc::clone(&self.journal))
    }

    /// Erases recorded text that is older than its retention; how many entries' places that spanned. Blocks.
    ///
    /// # Errors
    /// When the erasure cannot be recorded or carried out.
    pub fn enforce_retention(&self, retention: Duration) -> Result<u64, PlatformError> {
        let retention = i64::try_from(retention.as_micros()).unwrap_or(i64::MAX);
        let before = stockade_domain::Micros::from_i64(self.clock.now().as_i64().saturating_sub(retention));
        Ok(self.journal.ledger().erase_payloads_before(before)?)
    }

    /// Writes what is still in memory, and closes the ledger. Blocks. Nothing can be recorded afterwards.
    ///
    /// # Errors
    /// When the ledger had stopped before, so that not everything is signed.
    pub fn close(&self) -> Result<(), PlatformError> {
        let kept =
            [self.roster.note_uses(), self.journal.write_rejections(), self.usage.save(), self.labels.save()];
        let closed = self.journal.ledger().close();
        self.end_index();
        closed?;
        kept.into_iter().collect()
    }

    /// Lets the index write what it was told, and ends its thread, which has the ledger open too.
    fn end_index(&self) {
        self.journal.feed().close();
        if let Some(indexer) = self.indexer.lock().take() {
            // A thread that panicked has said so; its work is made up for at the next start.
            let _ended = indexer.join();
        }
    }
}

impl Drop for Platform {
    fn drop(&mut self) {
        self.end_index();
    }
}

impl std::fmt::Debug for Platform {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Platform").field("layout", &self.layout).finish_non_exhaustive()
    }
}
