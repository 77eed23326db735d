//! How many tokens of an issuer were accepted, and why others were not.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::reason::Reason;

/// Counters since the start.
#[derive(Debug)]
pub struct Tally {
    accepted: AtomicU64,
    refused: [AtomicU64; Reason::ALL.len()],
}

impl Default for Tally {
    fn default() -> Self {
        Self { accepted: AtomicU64::new(0), refused: std::array::from_fn(|_| AtomicU64::new(0)) }
    }
}

impl Tally {
    /// One more was accepted.
    pub fn accept(&self) {
        self.accepted.fetch_add(1, Ordering::Relaxed);
    }

    /// One more was not.
    pub fn refuse(&self, reason: Reason) {
        let at = Reason::ALL.iter().position(|known| *known == reason);
        if let Some(counter) = at.and_then(|at| self.refused.get(at)) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The counts by their words, those that are not zero; `accepted` always.
    #[must_use]
    pub fn counts(&self) -> Vec<(&'static str, u64)> {
        let refused = Reason::ALL.iter().zip(&self.refused);
        let refused = refused.map(|(reason, count)| (reason.as_str(), count.load(Ordering::Relaxed)));
        std::iter::once(("accepted", self.accepted.load(Ordering::Relaxed)))
            .chain(refused.filter(|(_, count)| *count > 0))
            .collect()
    }
}
