//! A platform in a directory of its own, with a clock that a test can move.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use stockade_crypto::{KeyRing, RootKey, SystemRandom};
use stockade_domain::{Clock, Micros};
use stockade_platform::{Environment, Layout, Platform};

pub(crate) struct TestClock(AtomicI64);

pub(crate) struct Place {
    pub(crate) directory: tempfile::TempDir,
    pub(crate) clock: Arc<TestClock>,
    ring: KeyRing,
}

impl Clock for TestClock {
    fn now(&self) -> Micros {
        Micros::from_i64(self.0.load(Ordering::Relaxed))
    }
}

impl TestClock {
    pub(crate) fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1_000_000, Ordering::Relaxed);
    }
}

impl Place {
    pub(crate) fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
            clock: Arc::new(TestClock(AtomicI64::new(1_795_176_000_000_000))),
            ring: KeyRing::new(RootKey::generate(&SystemRandom).unwrap()),
        }
    }

    pub(crate) fn environment(&self) -> Environment {
        Environment {
            clock: Arc::<TestClock>::clone(&self.clock),
            random: Arc::new(SystemRandom),
            ring: self.ring.clone(),
            version: "0.0.0",
        }
    }

    pub(crate) fn open(&self) -> Platform {
        self.open_at(self.directory.path())
    }

    pub(crate) fn open_at(&self, path: &Path) -> Platform {
        Platform::open(Layout::new(path), &self.environment()).unwrap().0
    }
}
