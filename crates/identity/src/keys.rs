//! An issuer's keys, kept in memory and fetched when they are old or when a token names one that is not there.
//!
//! - *Single flight*: however many tokens wait, one fetch is under way.
//! - *Bounded*: strangers can name keys that do not exist; how often that leads to a fetch is limited, and a name that was
//!   looked for in vain is not looked for again for a while.
//! - *Stale while the issuer is down*, up to a bound, after which its tokens are refused.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use parking_lot::Mutex;
use stockade_egress::{Purpose, SystemClient, SystemError, SystemRequest, SystemTarget};
use tokio::sync::{Mutex as Flight, OwnedMutexGuard};
use tokio::time::Instant;

use crate::discovery;
use crate::jwk::{Key, KeySet, SetError, Wanted};
use crate::options::IssuerOptions;
use crate::reason::Reason;

/// So many fetches may follow each other at once ...
const BURST: u32 = 4;

/// ... and then one in this time.
const ONE_EACH: Duration = Duration::from_secs(10);

/// How long a `kid` that was looked for in vain is not looked for again, and how many are remembered.
const MISSING_FOR: Duration = Duration::from_secs(60);
const MAX_MISSING: usize = 256;

/// Told of what happens to an issuer's keys, so that it can be recorded.
pub trait Observer: Send + Sync + 'static {
    /// Called off the request path, one call at a time for each issuer. May block for as long as a record takes.
    fn keys(&self, issuer: &str, event: &KeysEvent);
}

/// What happens to keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeysEvent {
    /// Other keys than before are in force, by their thumbprints.
    Changed(Vec<String>),
    /// They could not be fetched.
    Failed(FetchError),
}

/// Why keys could not be fetched. For operators.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// The issuer's description is not usable.
    #[error("the issuer's description: {0}")]
    Metadata(String),
    /// What is at the address of the keys is not usable.
    #[error("the issuer's keys: {0}")]
    Set(#[from] SetError),
    /// They did not come.
    #[error("the issuer's keys: {0}")]
    Exchange(#[from] SystemError),
}

/// How it stands with an issuer's keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeysStatus {
    /// How many are in force.
    pub keys: usize,
    /// How old they are; `None` when there never were any.
    pub age: Option<Duration>,
    /// Fetches that worked, since the start.
    pub fetched: u64,
    /// Fetches that did not.
    pub failed: u64,
    /// Why the last one did not, if it did not.
    pub error: Option<String>,
}

/// The keys of one issuer.
pub(crate) struct Keys {
    options: Arc<IssuerOptions>,
    client: SystemClient,
    observer: Arc<dyn Observer>,
    current: ArcSwapOption<Fetched>,
    /// Held while a fetch is under way.
    flight: Arc<Flight<Budget>>,
    /// Fetches that ended, so that who waited for one does not begin another.
    fetched: AtomicU64,
    failed: AtomicU64,
    error: Mutex<Option<String>>,
    missing: Mutex<HashMap<String, Instant>>,
}

#[derive(Debug)]
struct Fetched {
    set: KeySet,
    at: Instant,
}

/// A bucket of fetches that may be made.
#[derive(Debug)]
struct Budget {
    left: u32,
    since: Instant,
}

impl Budget {
    fn take(&mut self, now: Instant) -> bool {
        while self.left < BURST && now.duration_since(self.since) >= ONE_EACH {
            self.left = self.left.saturating_add(1);
            self.since += ONE_EACH;
        }
        if self.left == BURST {
            self.since = now;
        }
        let taken = self.left.checked_sub(1);
        self.left = taken.unwrap_or(0);
        taken.is_some()
    }
}

impl Keys {
    pub(crate) fn new(
        options: Arc<IssuerOptions>,
        client: SystemClient,
        observer: Arc<dyn Observer>,
    ) -> Arc<Self> {
        let budget = Budget { left: BURST, since: Instant::now() };
        Arc::new(Self {
            options,
            client,
            observer,
            current: ArcSwapOption::empty(),
            flight: Arc::new(Flight::new(budget)),
            fetched: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            error: Mutex::new(None),
            missing: Mutex::new(HashMap::new()),
        })
    }

    /// The key that a token asks for. Whether a key that is not there is worth a fetch, the caller knows: not for a token
    /// that would be refused anyway.
    pub(crate) async fn find(self: &Arc<Self>, wanted: &Wanted<'_>, may_ask: bool) -> Result<Key, Reason> {
        let seen = self.attempts();
        let Some(current) = self.fresh_enough(seen).await else { return Err(Reason::KeysUnavailable) };
        if let Some(key) = current.set.find(wanted) {
            return Ok(key.clone());
        }
        if !may_ask || self.is_missing(wanted) {
            return Err(Reason::UnknownKey);
        }
        self.refresh(seen).await;
        match self.usable().and_then(|current| current.set.find(wanted).cloned()) {
            Some(key) => Ok(key),
            // Perhaps it is there, and the issuer is not.
            None if self.error.lock().is_some() => Err(Reason::KeysUnavailable),
            None => {
                self.note_missing(wanted);
                Err(Reason::UnknownKey)
            }
        }
    }

    /// Fetches the keys now, as far as the budget lets it.
    pub(crate) async fn warm(self: &Arc<Self>) {
        self.refresh(self.attempts()).await;
    }

    pub(crate) fn status(&self) -> KeysStatus {
        let current = self.current.load();
        KeysStatus {
            keys: current.as_ref().map_or(0, |current| current.set.len()),
            age: current.as_ref().map(|current| current.at.elapsed()),
            fetched: self.fetched.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
            error: self.error.lock().clone(),
        }
    }

    fn attempts(&self) -> u64 {
        self.fetched.load(Ordering::Acquire).saturating_add(self.failed.load(Ordering::Acquire))
    }

    fn usable(&self) -> Option<Arc<Fetched>> {
        self.current.load_full().filter(|current| current.at.elapsed() < self.options.stale)
    }

    /// Keys that are not too old. Old ones are fetched again beside the request; very old ones are waited for, unless the
    /// issuer was down a moment ago.
    async fn fresh_enough(self: &Arc<Self>, seen: u64) -> Option<Arc<Fetched>> {
        let Some(current) = self.usable() else {
            self.refresh(seen).await;
            return self.usable();
        };
        let age = current.at.elapsed();
        if age < self.options.refresh {
            return Some(current);
        }
        let is_down = self.error.lock().is_some();
        if age < self.options.refresh.saturating_mul(2) || is_down {
            self.refresh_beside(seen);
            return Some(current);
        }
        self.refresh(seen).await;
        self.usable()
    }

    /// Waits until a fetch has ended that began after `seen` was counted. It runs on when who waits for it goes away.
    async fn refresh(self: &Arc<Self>, seen: u64) {
        let this = Arc::clone(self);
        let fetch = tokio::spawn(async move {
            let flight = Arc::clone(&this.flight).lock_owned().await;
            this.attempt(flight, seen).await;
        });
        // It can only fail when the runtime ends.
        let _ended = fetch.await;
    }

    fn refresh_beside(self: &Arc<Self>, seen: u64) {
        if let Ok(flight) = Arc::clone(&self.flight).try_lock_owned() {
            let this = Arc::clone(self);
            drop(tokio::spawn(async move { this.attempt(flight, seen).await }));
        }
    }

    async fn attempt(self: Arc<Self>, mut flight: OwnedMutexGuard<Budget>, seen: u64) {
        if self.attempts() != seen || !flight.take(Instant::now()) {
            return;
        }
        let began = Instant::now();
        let event = match fetch(&self.options, &self.client).await {
            Ok(Published { set, .. }) => {
                *self.error.lock() = None;
                let before = self.current.load_full().map(|old| old.set.thumbprints());
                let prints = set.thumbprints();
                self.current.store(Some(Arc::new(Fetched { set, at: began })));
                self.fetched.fetch_add(1, Ordering::Release);
                (before.as_ref() != Some(&prints)).then_some(KeysEvent::Changed(prints))
            }
            Err(error) => {
                *self.error.lock() = Some(error.to_string());
                self.failed.fetch_add(1, Ordering::Release);
                Some(KeysEvent::Failed(error))
            }
        };
        let Some(event) = event else { return };
        if matches!(event, KeysEvent::Changed(_)) {
            self.missing.lock().clear();
        }
        let this = Arc::clone(&self);
        // Who waits needs the keys, not the record of them; the next fetch waits for the record.
        drop(tokio::task::spawn_blocking(move || {
            this.observer.keys(&this.options.name, &event);
            drop(flight);
        }));
    }

    fn is_missing(&self, wanted: &Wanted<'_>) -> bool {
        let kid = wanted.kid.unwrap_or_default();
        self.missing.lock().get(kid).is_some_and(|since| since.elapsed() < MISSING_FOR)
    }

    fn note_missing(&self, wanted: &Wanted<'_>) {
        let mut missing = self.missing.lock();
        if missing.len() >= MAX_MISSING {
            missing.retain(|_, since| since.elapsed() < MISSING_FOR);
        }
        // When so many are asked for in vain, the budget bounds what the others cost.
        if missing.len() < MAX_MISSING {
            missing.insert(wanted.kid.unwrap_or_default().to_owned(), Instant::now());
        }
    }
}

/// What an issuer publishes now.
#[derive(Debug, Clone)]
pub struct Published {
    /// Its keys.
    pub set: KeySet,
    /// Where they are.
    pub keys_at: SystemTarget,
    /// What time it is there, as it wrote it.
    pub date: Option<String>,
}

/// Fetches an issuer's keys, by way of its description unless the configuration says where they are.
///
/// # Errors
/// [`FetchError`].
pub async fn fetch(options: &IssuerOptions, client: &SystemClient) -> Result<Published, FetchError> {
    let keys_at = match &options.jwks_uri {
        Some(target) => target.clone(),
        None => {
            let target = discovery::metadata_of(&options.issuer)?;
            let request = SystemRequest { purpose: Purpose::IssuerMetadata, target, form: None, field: None };
            let described = client.fetch(request).await;
            let described = described.map_err(|error| FetchError::Metadata(error.to_string()))?;
            discovery::keys_of(&options.issuer, &described.body)?
        }
    };
    let request =
        SystemRequest { purpose: Purpose::IssuerKeys, target: keys_at.clone(), form: None, field: None };
    let answer = client.fetch(request).await?;
    Ok(Published { set: KeySet::parse(&answer.body)?, keys_at, date: answer.date })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_burst_and_then_one_each() {
        let mut budget = Budget { left: BURST, since: Instant::now() };
        let mut taken = 0;
        for _ in 0..100 {
            taken += u32::from(budget.take(Instant::now()));
        }
        assert_eq!(taken, BURST);
        tokio::time::advance(ONE_EACH - Duration::from_secs(1)).await;
        assert!(!budget.take(Instant::now()));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(budget.take(Instant::now()) && !budget.take(Instant::now()));
        tokio::time::advance(ONE_EACH * 1_000).await;
        taken = 0;
        for _ in 0..100 {
            taken += u32::from(budget.take(Instant::now()));
        }
        assert_eq!(taken, BURST);
    }
}
