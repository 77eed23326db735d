//! The keys that are good now, in memory: what the gateway asks on every request.
//!
//! The whole table is replaced when a key or workload changes; a request under way keeps the workload it started with,
//! but hears at once when its key is revoked.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use stockade_crypto::{CryptoError, Digest, KeyRing, KeyRole, MacKey, ct_eq};
use stockade_domain::{Caller, Clock, CredentialKind, KeyId, Micros, Workload};
use stockade_egress::evidence::{Lease, LeaseEnd};
use stockade_gateway::ports::{AuthError, Grant, KeyDirectory};
use tokio::sync::watch;

use super::text::{Presented, ShortId};

/// The version of the key-ring's MAC key that new keys are stored under.
pub(crate) const MAC_VERSION: u32 = 1;

/// A clock that jumps must not keep a stream alive past its key's end, so the wall clock is looked at this often.
const LOOK_AT_CLOCK: Duration = Duration::from_secs(30);

/// All keys, by short id.
pub struct Directory {
    table: ArcSwap<HashMap<ShortId, Arc<Held>>>,
    /// MAC keys by version.
    macs: HashMap<u32, MacKey>,
    /// Stands in for the MAC key of a key that does not exist, so that its absence takes as long as its presence.
    decoy: MacKey,
    clock: Arc<dyn Clock>,
}

/// A key as the directory is told of it.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) id: KeyId,
    pub(crate) short: ShortId,
    pub(crate) mac: Digest,
    pub(crate) mac_version: u32,
    pub(crate) workload: Arc<Workload>,
    pub(crate) expires: Option<Micros>,
    pub(crate) revoked: bool,
}

struct Held {
    record: Record,
    /// Becomes `true` when the key is revoked, for everyone who runs under it.
    ended: watch::Sender<bool>,
    /// Microseconds; 0 when not used since the last [`Directory::take_used`].
    used: AtomicI64,
}

impl Directory {
    /// An empty directory.
    ///
    /// # Errors
    /// [`CryptoError`] when keys cannot be derived.
    pub(crate) fn new(ring: &KeyRing, clock: Arc<dyn Clock>) -> Result<Self, CryptoError> {
        let mac = ring.mac_key(KeyRole::ApiKeyMac, MAC_VERSION, b"")?;
        let decoy = ring.mac_key(KeyRole::ApiKeyMac, 0, b"decoy")?;
        Ok(Self { table: ArcSwap::default(), macs: HashMap::from([(MAC_VERSION, mac)]), decoy, clock })
    }

    /// What is stored of a key's text.
    pub(crate) fn mac(&self, text: &str) -> Digest {
        self.macs.get(&MAC_VERSION).unwrap_or(&self.decoy).mac(text.as_bytes())
    }

    /// Replaces the table. Whoever runs under a key that is now revoked, or gone, hears of it.
    pub(crate) fn replace(&self, records: Vec<Record>) {
        let old = self.table.load();
        let table: HashMap<_, _> = records
            .into_iter()
            .map(|record| {
                let before = old.get(&record.short).filter(|held| held.record.id == record.id);
                let ended = before.map_or_else(|| watch::Sender::new(false), |held| held.ended.clone());
                let used = before.map_or(0, |held| held.used.load(Ordering::Relaxed));
                if record.revoked {
                    ended.send_replace(true);
                }
                (record.short, Arc::new(Held { record, ended, used: AtomicI64::new(used) }))
            })
            .collect();
        for (short, held) in old.iter() {
            if table.get(short).is_none_or(|now| now.record.id != held.record.id) {
                held.ended.send_replace(true);
            }
        }
        self.table.store(Arc::new(table));
    }

    /// When each key was used last, for those used since this was asked before.
    pub(crate) fn take_used(&self) -> Vec<(KeyId, Micros)> {
        let table = self.table.load();
        let used = table.values().filter_map(|held| match held.used.swap(0, Ordering::Relaxed) {
            0 => None,
            at => Some((held.record.id, Micros::from_i64(at))),
        });
        used.collect()
    }

    fn check(&self, held: &Held, now: Micros) -> Result<Grant, AuthError> {
        let record = &held.record;
        if record.revoked {
            return Err(AuthError::Revoked);
        }
        if record.expires.is_some_and(|expires| expires <= now) {
            return Err(AuthError::Expired);
        }
        held.used.store(now.as_i64(), Ordering::Relaxed);
        let caller = Caller {
            workload: Arc::clone(&record.workload),
            key: Some(record.id),
            credential: CredentialKind::ApiKey,
            token: None,
            certificate: None,
            user: None,
            chain: Vec::new(),
        };
        let ended = ended(held.ended.subscribe(), record.expires, Arc::clone(&self.clock));
        Ok(Grant { caller, lease: Lease { expires: record.expires, ended: Box::pin(ended) } })
    }
}

impl KeyDirectory for Directory {
    fn authenticate(&self, presented: &str) -> Result<Grant, AuthError> {
        let presented = Presented::parse(presented).ok_or(AuthError::Malformed)?;
        let table = self.table.load();
        let held = table.get(&presented.id);
        let (key, stored) = match held {
            Some(held) => (self.macs.get(&held.record.mac_version).unwrap_or(&self.decoy), held.record.mac),
            None => (&self.decoy, Digest::default()),
        };
        let same = ct_eq(&key.mac(presented.text.as_bytes()), &stored);
        match held {
            Some(held) if same => self.check(held, self.clock.now()),
            _ => Err(AuthError::Unknown),
        }
    }
}

impl std::fmt::Debug for Directory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Directory({} keys)", self.table.load().len())
    }
}

/// Resolves when the key is revoked, or the token's issuer gone, or when it has run out.
pub(crate) async fn ended(
    mut revoked: watch::Receiver<bool>,
    expires: Option<Micros>,
    clock: Arc<dyn Clock>,
) -> LeaseEnd {
    let ran_out = async {
        let Some(expires) = expires else { return std::future::pending().await };
        loop {
            let left = Duration::from_micros(expires.since(clock.now()));
            if left.is_zero() {
                return;
            }
            tokio::time::sleep(left.min(LOOK_AT_CLOCK)).await;
        }
    };
    tokio::select! {
        () = ran_out => LeaseEnd::Expired,
        // The sender is dropped only with the whole directory: then nothing is good any more.
        _ = revoked.wait_for(|ended| *ended) => LeaseEnd::Revoked,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicI64;

    use stockade_crypto::{RootKey, SystemRandom};
    use stockade_domain::{Audience, Exposure, Label, TenantId, WorkloadId};

    use super::super::text::KeyText;
    use super::*;

    #[derive(Default)]
    struct TestClock(AtomicI64);

    impl Clock for TestClock {
        fn now(&self) -> Micros {
            Micros::from_i64(self.0.load(Ordering::Relaxed))
        }
    }

    fn workload() -> Arc<Workload> {
        Arc::new(Workload {
            id: WorkloadId::new(Micros::from_i64(1), [1; 10]),
            tenant: TenantId::default(),
            name: "playground".parse().unwrap(),
            audience: Audience::Employees,
            exposure: Exposure::Internal,
            owner: String::new(),
            label: Label::default(),
            models: Vec::new(),
            tools: Vec::new(),
            traits: Vec::new(),
        })
    }

    fn setup() -> (Arc<TestClock>, Directory, KeyText, Record) {
        let clock = Arc::new(TestClock::default());
        let ring = KeyRing::new(RootKey::generate(&SystemRandom).unwrap());
        let directory = Directory::new(&ring, Arc::<TestClock>::clone(&clock)).unwrap();
        let text = KeyText::mint(&SystemRandom).unwrap();
        let record = Record {
            id: KeyId::new(Micros::from_i64(1), [2; 10]),
            short: text.short_id().unwrap(),
            mac: directory.mac(text.reveal()),
            mac_version: MAC_VERSION,
            workload: workload(),
            expires: None,
            revoked: false,
        };
        (clock, directory, text, record)
    }

    #[test]
    fn knows_a_key_by_its_whole_text() {
        let (clock, directory, text, record) = setup();
        let other = KeyText::mint(&SystemRandom).unwrap();
        clock.0.store(7, Ordering::Relaxed);
        directory.replace(vec![record.clone()]);
        assert_eq!(directory.authenticate(text.reveal()).unwrap().caller.key, Some(record.id));
        assert_eq!(directory.take_used(), [(record.id, Micros::from_i64(7))]);
        assert!(directory.take_used().is_empty());
        assert_eq!(directory.authenticate(other.reveal()).unwrap_err(), AuthError::Unknown);
        assert_eq!(directory.authenticate("stk_").unwrap_err(), AuthError::Malformed);
    }

    #[test]
    fn the_right_id_with_another_secret_is_unknown_even_when_revoked() {
        let (_, directory, _, record) = setup();
        let other = KeyText::mint(&SystemRandom).unwrap();
        let short = other.short_id().unwrap();
        directory.replace(vec![Record { short, revoked: true, ..record }]);
        assert_eq!(directory.authenticate(other.reveal()).unwrap_err(), AuthError::Unknown);
    }

    #[tokio::test]
    async fn revoking_ends_what_runs() {
        let (_, directory, text, record) = setup();
        directory.replace(vec![record.clone()]);
        let running = directory.authenticate(text.reveal()).unwrap().lease.ended;
        let gone = directory.authenticate(text.reveal()).unwrap().lease.ended;
        directory.replace(vec![Record { revoked: true, ..record }]);
        assert_eq!(running.await, LeaseEnd::Revoked);
        assert_eq!(directory.authenticate(text.reveal()).unwrap_err(), AuthError::Revoked);
        directory.replace(Vec::new());
        gone.await;
        assert_eq!(directory.authenticate(text.reveal()).unwrap_err(), AuthError::Unknown);
    }

    #[tokio::test(start_paused = true)]
    async fn running_out_ends_what_runs_even_when_the_clock_jumps() {
        let (clock, directory, text, record) = setup();
        let expires = Some(Micros::from_i64(3_600_000_000));
        directory.replace(vec![Record { expires, ..record }]);
        let grant = directory.authenticate(text.reveal()).unwrap();
        assert_eq!(grant.lease.expires, expires);
        let mut ended = grant.lease.ended;
        tokio::select! {
            _ = &mut ended => panic!("it has an hour left"),
            () = tokio::time::sleep(Duration::from_secs(40)) => {}
        }
        clock.0.store(3_600_000_000, Ordering::Relaxed);
        let end = tokio::time::timeout(Duration::from_secs(31), ended).await.unwrap();
        assert_eq!(end, LeaseEnd::Expired);
        assert_eq!(directory.authenticate(text.reveal()).unwrap_err(), AuthError::Expired);
    }
}
