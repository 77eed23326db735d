//! What comes from the machine: the time, randomness, environment variables.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use stockade_crypto::{KeyRing, SystemRandom};
use stockade_domain::{Clock, Micros};
use stockade_platform::Environment;

/// The machine's wall clock.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Micros {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_micros());
        Micros::from_i64(i64::try_from(since).unwrap_or(i64::MAX))
    }
}

/// The surroundings of the use-cases.
pub(crate) fn environment(ring: KeyRing) -> Environment {
    Environment {
        clock: Arc::new(SystemClock),
        random: Arc::new(SystemRandom),
        ring,
        version: env!("CARGO_PKG_VERSION"),
    }
}

/// Environment variables that are text; others cannot name a setting.
pub(crate) fn env_vars() -> Vec<(String, String)> {
    std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?))).collect()
}
