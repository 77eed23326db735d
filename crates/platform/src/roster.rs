//! Workloads and keys as the store has them, and the memory that the request path asks.
//!
//! One lock serialises changes: record, then store, then memory. Whoever asks sees the state before or after, whole.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use parking_lot::{Mutex, MutexGuard};
use stockade_crypto::{Digest, KeyRing, Random, from_hex};
use stockade_domain::{Clock, Workload, WorkloadId};
use stockade_gateway::ports::PromptRegistry;
use stockade_store::{ApiKey, Store};

use crate::audit::Journal;
use crate::error::PlatformError;
use crate::keys::{Directory, Record, ShortId};

/// Who may call.
pub struct Roster {
    pub(crate) store: Store,
    pub(crate) journal: Arc<Journal>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) clock: Arc<dyn Clock>,
    directory: Arc<Directory>,
    known: ArcSwap<Known>,
    changes: Mutex<()>,
}

/// What the request path asks besides keys.
#[derive(Default)]
struct Known {
    workloads: HashMap<WorkloadId, Arc<Workload>>,
    names: HashMap<String, Arc<Workload>>,
    prompts: std::collections::HashSet<(WorkloadId, Digest)>,
}

impl Roster {
    /// Loads everything into memory.
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
        let directory = Arc::new(Directory::new(ring, Arc::clone(&clock))?);
        let known = ArcSwap::default();
        let roster = Self { store, journal, random, clock, directory, known, changes: Mutex::new(()) };
        roster.reload()?;
        Ok(roster)
    }

    /// The keys, for the gateway.
    #[must_use]
    pub fn directory(&self) -> Arc<Directory> {
        Arc::clone(&self.directory)
    }

    /// The name of a workload; its id when it is not known any more.
    #[must_use]
    pub fn name_of(&self, id: WorkloadId) -> String {
        self.known.load().workloads.get(&id).map_or_else(|| id.to_string(), |w| w.name.to_string())
    }

    /// The workload of that name, from memory.
    #[must_use]
    pub fn known_workload(&self, name: &str) -> Option<Arc<Workload>> {
        self.known.load().names.get(name).map(Arc::clone)
    }

    /// Writes down when keys were used. Called now and then, off the request path.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn note_uses(&self) -> Result<(), PlatformError> {
        let used = self.directory.take_used();
        if used.is_empty() { Ok(()) } else { Ok(self.store.keys().touch(&used)?) }
    }

    /// Held while a change is recorded, stored and taken over.
    pub(crate) fn changing(&self) -> MutexGuard<'_, ()> {
        self.changes.lock()
    }

    /// Takes over what the store has. Under the lock of [`Self::changing`].
    pub(crate) fn reload(&self) -> Result<(), PlatformError> {
        let workloads: HashMap<_, _> = self
            .store
            .workloads()
            .list()?
            .into_iter()
            .map(|w| (w.workload.id, Arc::new(w.workload)))
            .collect();
        let prompts = self.store.registered_prompts().list()?;
        let prompts = prompts.into_iter().filter_map(|p| Some((p.workload, digest(&p.digest)?))).collect();
        let records = self.store.keys().list(None)?;
        // A key that cannot be read in full is no key: it is left out, so it authenticates nobody.
        self.directory.replace(records.iter().filter_map(|key| record(key, &workloads)).collect());
        let names = workloads.values().map(|w| (w.name.to_string(), Arc::clone(w))).collect();
        self.known.store(Arc::new(Known { workloads, names, prompts }));
        Ok(())
    }

    pub(crate) fn ten_random(&self) -> Result<[u8; 10], PlatformError> {
        let mut bytes = [0; 10];
        self.random.fill(&mut bytes)?;
        Ok(bytes)
    }
}

impl PromptRegistry for Roster {
    fn is_registered(&self, workload: WorkloadId, digest: &[u8; 32]) -> bool {
        self.known.load().prompts.contains(&(workload, *digest))
    }
}

impl std::fmt::Debug for Roster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Roster").field("directory", &self.directory).finish_non_exhaustive()
    }
}

fn record(key: &ApiKey, workloads: &HashMap<WorkloadId, Arc<Workload>>) -> Option<Record> {
    Some(Record {
        id: key.id,
        short: ShortId::parse(&key.short_id)?,
        mac: digest(&key.mac)?,
        mac_version: key.ring_version,
        workload: Arc::clone(workloads.get(&key.workload)?),
        expires: key.expires,
        revoked: key.revoked.is_some(),
    })
}

fn digest(hex: &str) -> Option<Digest> {
    from_hex(hex)?.try_into().ok()
}
