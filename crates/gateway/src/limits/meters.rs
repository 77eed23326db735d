//! Use kept in memory, under one lock: a reservation looks at a few numbers, so nobody waits long.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{self, BoxFuture};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use stockade_domain::{Clock, Micros};

use super::ledger::{Level, Reached, Reserved, Spent, Tokens, UsageLedger};
use super::rule::{Claim, CounterKey, Measure};
use super::window::Used;

/// The use of so many callers, models and limits is kept at one time. Beyond that nothing new begins until some of it has
/// passed: an end user's id is a word of the caller's, and words must not fill the memory.
const MOST_COUNTERS: usize = 200_000;

/// While the numbers stand in the way of nothing but requests under way, they are worth asking again so soon.
const SOON: Duration = Duration::from_secs(1);

/// Use of limits, in memory.
pub struct Meters {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    counters: HashMap<CounterKey, Counter>,
    /// Changed since they were last saved.
    dirty: HashSet<CounterKey>,
}

#[derive(Debug, Default)]
struct Counter {
    used: Used,
    reserved: u64,
    /// The limit, as it was last asked for.
    most: u64,
}

/// The use of one counter, as it is saved. What is reserved counts as used when it is read again: nobody knows how those
/// requests ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedUse {
    used: Used,
    #[serde(default)]
    reserved: u64,
    most: u64,
}

/// What has changed of one counter since it was saved: its use, or `None` when there is none any more.
pub type Change = (CounterKey, Option<SavedUse>);

impl Meters {
    /// No use at all.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, state: Mutex::default() }
    }

    /// Takes over what was saved.
    pub fn restore(&self, saved: impl IntoIterator<Item = (CounterKey, SavedUse)>) {
        let now = self.clock.now();
        let mut state = self.state.lock();
        for (key, SavedUse { mut used, reserved, most }) in saved.into_iter().take(MOST_COUNTERS) {
            if reserved > 0 && key.measure != Measure::Concurrent {
                used.add(key.window, now, reserved);
            }
            state.dirty.insert(key.clone());
            state.counters.insert(key, Counter { used, reserved: 0, most });
        }
    }

    /// What has changed since this was asked before. Use that has passed is forgotten.
    pub fn take_changes(&self) -> Vec<Change> {
        let now = self.clock.now();
        let mut state = self.state.lock();
        let dirty = std::mem::take(&mut state.dirty);
        let change = |key: CounterKey| {
            let counter = state.counters.get(&key).filter(|counter| !counter.is_over(&key, now));
            let saved = counter.map(|counter| SavedUse {
                used: counter.used.clone(),
                reserved: counter.reserved,
                most: counter.most,
            });
            (key, saved)
        };
        dirty.into_iter().map(change).collect()
    }

    /// Says that changes could not be saved: they are told again.
    pub fn put_back(&self, changes: Vec<Change>) {
        self.state.lock().dirty.extend(changes.into_iter().map(|(key, _)| key));
    }

    /// Forgets use that has passed, so that it is told as gone.
    pub fn forget_past(&self) {
        let now = self.clock.now();
        let mut state = self.state.lock();
        let past: Vec<CounterKey> = state
            .counters
            .iter()
            .filter(|(key, counter)| counter.is_over(key, now))
            .map(|(key, _)| key.clone())
            .collect();
        for key in past {
            state.counters.remove(&key);
            state.dirty.insert(key);
        }
    }

    /// How the use of every limit stands, in the order of their names.
    #[must_use]
    pub fn levels(&self) -> Vec<Level> {
        let now = self.clock.now();
        let state = self.state.lock();
        let current = state.counters.iter().filter(|(key, counter)| !counter.is_over(key, now));
        let mut levels: Vec<Level> = current.map(|(key, counter)| counter.level(key, now)).collect();
        drop(state);
        levels.sort_by(|a, b| a.key.cmp(&b.key));
        levels
    }

    fn take(&self, claims: &[Claim], tokens: Tokens) -> Result<Reserved, Reached> {
        let now = self.clock.now();
        let mut state = self.state.lock();
        let answer = state.room(claims, tokens, now)?;
        for claim in claims {
            let counter = state.counter(claim);
            match claim.key.measure {
                // A request that has begun has begun, however it ends.
                Measure::Requests => counter.used.add(claim.key.window, now, claim.fixed),
                _ => counter.reserved = counter.reserved.saturating_add(claim.amount(answer)),
            }
        }
        Ok(Reserved { answer, levels: state.levels(claims, now) })
    }
}

impl UsageLedger for Meters {
    fn reserve(&self, claims: Arc<[Claim]>, tokens: Tokens) -> BoxFuture<'static, Result<Reserved, Reached>> {
        Box::pin(future::ready(self.take(&claims, tokens)))
    }

    fn extend(&self, claims: &[Claim], held: u64, tokens: Tokens) -> Result<u64, Reached> {
        let now = self.clock.now();
        let mut state = self.state.lock();
        // What is asked for is what the longer answer comes to beyond the shorter one.
        let mut more = tokens.most;
        for claim in claims.iter().filter(|claim| claim.rate > 0) {
            let left = state.left(claim, now).saturating_add(claim.amount(held));
            more = more.min(claim.longest(left).unwrap_or(0).saturating_sub(held));
            if more < tokens.least {
                return Err(state.reached(claims, claim, claim.amount(tokens.least), now));
            }
        }
        for claim in claims.iter().filter(|claim| claim.rate > 0) {
            let by = claim.amount(held.saturating_add(more)).saturating_sub(claim.amount(held));
            let counter = state.counter(claim);
            counter.reserved = counter.reserved.saturating_add(by);
        }
        Ok(more)
    }

    fn settle(&self, claims: &[Claim], held: u64, spent: Spent) {
        let now = self.clock.now();
        let mut state = self.state.lock();
        for claim in claims {
            let counter = state.counter(claim);
            let used = match claim.key.measure {
                Measure::Requests => continue,
                Measure::Concurrent => 0,
                Measure::Tokens => spent.tokens,
                Measure::Money => spent.money,
            };
            counter.reserved = counter.reserved.saturating_sub(claim.amount(held));
            if used > 0 {
                counter.used.add(claim.key.window, now, used);
            }
        }
    }
}

impl State {
    /// How long an answer all claims have room for.
    fn room(&self, claims: &[Claim], tokens: Tokens, now: Micros) -> Result<u64, Reached> {
        let mut answer = tokens.most;
        for claim in claims {
            let fits = claim.longest(self.left(claim, now)).filter(|longest| *longest >= tokens.least);
            match fits {
                Some(longest) => answer = answer.min(longest),
                None => return Err(self.reached(claims, claim, claim.amount(tokens.least), now)),
            }
        }
        Ok(answer)
    }

    fn left(&self, claim: &Claim, now: Micros) -> u64 {
        match self.counters.get(&claim.key) {
            Some(counter) => {
                let taken = counter.used.sum(claim.key.window, now).saturating_add(counter.reserved);
                claim.most.saturating_sub(taken)
            }
            None if self.counters.len() >= MOST_COUNTERS => 0,
            None => claim.most,
        }
    }

    fn reached(&self, claims: &[Claim], claim: &Claim, needed: u64, now: Micros) -> Reached {
        let at = self.level(claim, now);
        let retry = (needed <= claim.most).then(|| {
            let counter = self.counters.get(&claim.key);
            let over = at.used.saturating_add(needed).saturating_sub(claim.most);
            let wait = counter
                .filter(|_| over > 0)
                .and_then(|counter| counter.used.until_freed(claim.key.window, now, over))
                .map_or(SOON, Duration::from_micros);
            wait.max(SOON)
        });
        Reached { at, retry, levels: self.levels(claims, now) }
    }

    fn levels(&self, claims: &[Claim], now: Micros) -> Vec<Level> {
        claims.iter().map(|claim| self.level(claim, now)).collect()
    }

    fn level(&self, claim: &Claim, now: Micros) -> Level {
        let level = self.counters.get(&claim.key).map(|counter| counter.level(&claim.key, now));
        let level = level.unwrap_or_else(|| Counter::default().level(&claim.key, now));
        Level { most: claim.most, ..level }
    }

    /// The counter of a claim, which is about to change.
    fn counter(&mut self, claim: &Claim) -> &mut Counter {
        if !self.dirty.contains(&claim.key) {
            self.dirty.insert(claim.key.clone());
        }
        let counter = self.counters.entry(claim.key.clone()).or_default();
        counter.most = claim.most;
        counter
    }
}

impl Counter {
    fn level(&self, key: &CounterKey, now: Micros) -> Level {
        let used = self.used.sum(key.window, now);
        let resets = self.used.until_freed(key.window, now, used.max(1)).unwrap_or(0);
        Level {
            key: key.clone(),
            most: self.most,
            used,
            reserved: self.reserved,
            resets: Duration::from_micros(resets),
        }
    }

    fn is_over(&self, key: &CounterKey, now: Micros) -> bool {
        self.reserved == 0 && self.used.sum(key.window, now) == 0
    }
}

impl std::fmt::Debug for Meters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Meters({} counters)", self.state.lock().counters.len())
    }
}
