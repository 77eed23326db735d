//! Requests that were refused before anybody knew who asked: counted, and written once a second, so that strangers
//! cannot fill the disk.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use stockade_domain::{Micros, RejectionCount, Rejections};

pub(super) struct Rejected(Mutex<State>);

struct State {
    since: Micros,
    counts: BTreeMap<String, u64>,
    /// Since the start, for metrics.
    total: u64,
}

impl Rejected {
    pub(super) fn new(now: Micros) -> Self {
        Self(Mutex::new(State { since: now, counts: BTreeMap::new(), total: 0 }))
    }

    /// One more. Codes are the gateway's own words, so there are few.
    pub(super) fn count(&self, code: &'static str) {
        let mut state = self.0.lock();
        state.total = state.total.saturating_add(1);
        match state.counts.get_mut(code) {
            Some(count) => *count = count.saturating_add(1),
            None => {
                state.counts.insert(code.to_owned(), 1);
            }
        }
    }

    /// The counts since the last time; `None` when there are none.
    pub(super) fn take(&self, now: Micros) -> Option<Rejections> {
        let mut state = self.0.lock();
        let from = std::mem::replace(&mut state.since, now);
        let counts = std::mem::take(&mut state.counts);
        if counts.is_empty() {
            return None;
        }
        let counts = counts.into_iter().map(|(code, count)| RejectionCount { code, count }).collect();
        Some(Rejections { from, to: now, counts })
    }

    /// Counts that could not be written.
    pub(super) fn put_back(&self, event: Rejections) {
        let mut state = self.0.lock();
        state.since = state.since.min(event.from);
        for RejectionCount { code, count } in event.counts {
            let sum = state.counts.entry(code).or_default();
            *sum = sum.saturating_add(count);
        }
    }

    pub(super) fn total(&self) -> u64 {
        self.0.lock().total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_lost_when_a_write_fails() {
        let at = Micros::from_i64;
        let rejected = Rejected::new(at(0));
        assert!(rejected.take(at(1)).is_none());
        rejected.count("invalid_api_key");
        let failed = rejected.take(at(2)).unwrap();
        rejected.count("invalid_api_key");
        rejected.count("unknown_route");
        rejected.put_back(failed);
        let event = rejected.take(at(3)).unwrap();
        assert_eq!((event.from, event.to), (at(1), at(3)));
        let counts: Vec<_> = event.counts.iter().map(|c| (c.code.as_str(), c.count)).collect();
        assert_eq!(counts, [("invalid_api_key", 2), ("unknown_route", 1)]);
        assert_eq!(rejected.total(), 3);
    }
}
