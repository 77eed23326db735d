//! The gate before one upstream: so many requests at one time, a bounded queue before it, and turns among workloads.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use stockade_domain::WorkloadId;
use tokio::sync::oneshot;

use super::FlowOptions;
use super::pace::{Pace, Sign, Sort};

/// The gate of one upstream.
#[derive(Debug)]
pub(super) struct Gate {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    pace: Pace,
    under_way: usize,
    /// Who waits, by workload, oldest first.
    queues: BTreeMap<WorkloadId, VecDeque<Waiter>>,
    /// The workload whose turn was last.
    last: Option<WorkloadId>,
    waiting: usize,
    shed: u64,
}

type Waiter = oneshot::Sender<Pass>;

/// A place at an upstream, until it is dropped.
#[derive(Debug)]
pub(crate) struct Pass {
    /// None when it was handed to somebody who had left.
    gate: Option<Arc<Gate>>,
    since: Instant,
}

/// How a gate stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GateLevel {
    /// Requests that may be under way.
    pub limit: usize,
    /// Requests that are.
    pub under_way: usize,
    /// Requests that wait.
    pub waiting: usize,
    /// Requests that were sent away since the start.
    pub shed: u64,
}

/// There was no place in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shed;

impl Gate {
    pub(super) fn new(options: &FlowOptions) -> Arc<Self> {
        let state = State {
            pace: Pace::new(options.bounds, Instant::now()),
            under_way: 0,
            queues: BTreeMap::new(),
            last: None,
            waiting: 0,
            shed: 0,
        };
        Arc::new(Self { state: Mutex::new(state) })
    }

    /// Waits for a place, no longer than the options say.
    pub(super) async fn enter(
        self: &Arc<Self>,
        workload: WorkloadId,
        options: &FlowOptions,
    ) -> Result<Pass, Shed> {
        let waiter = {
            let mut state = self.state.lock();
            if state.waiting == 0 && state.under_way < state.pace.limit() {
                state.under_way = state.under_way.saturating_add(1);
                return Ok(Pass::new(Arc::clone(self)));
            }
            state.pace.wanted(Instant::now());
            let waiter = state.line_up(workload, options.queue);
            state.call(self);
            waiter
        };
        let pass = match waiter {
            Some(waiter) => tokio::time::timeout(options.patience, waiter).await.ok().and_then(Result::ok),
            None => None,
        };
        pass.ok_or_else(|| {
            let mut state = self.state.lock();
            state.shed = state.shed.saturating_add(1);
            Shed
        })
    }

    pub(super) fn is_ailing(&self) -> bool {
        self.state.lock().pace.is_ailing(Instant::now())
    }

    pub(super) fn level(&self) -> GateLevel {
        let state = self.state.lock();
        GateLevel {
            limit: state.pace.limit(),
            under_way: state.under_way,
            waiting: state.waiting,
            shed: state.shed,
        }
    }

    /// Whether the queue is full, and this workload has more than its share of it: there is no use in reading what it sends.
    pub(super) fn turns_away(&self, workload: WorkloadId, queue: usize) -> bool {
        let mut state = self.state.lock();
        if state.waiting < queue {
            return false;
        }
        state.forget_gone();
        let queues = state.queues.len().max(1);
        let own = state.queues.get(&workload).map_or(0, VecDeque::len);
        state.waiting >= queue && own.saturating_mul(queues) >= state.waiting
    }
}

impl State {
    /// A place in the queue. Where it is full, the newest of the workload with most in it makes room for one with fewer.
    fn line_up(&mut self, workload: WorkloadId, queue: usize) -> Option<oneshot::Receiver<Pass>> {
        if self.waiting >= queue {
            self.forget_gone();
        }
        if self.waiting >= queue {
            let own = self.queues.get(&workload).map_or(0, VecDeque::len);
            let (_, longest) = self.queues.iter_mut().max_by_key(|(_, waiters)| waiters.len())?;
            if longest.len() <= own.saturating_add(1) {
                return None;
            }
            // Its receiver hears that nobody will call any more.
            longest.pop_back();
            self.waiting = self.waiting.saturating_sub(1);
        }
        let (sender, receiver) = oneshot::channel();
        self.queues.entry(workload).or_default().push_back(sender);
        self.waiting = self.waiting.saturating_add(1);
        Some(receiver)
    }

    /// Lets in whom there is room for, one of each workload in turn.
    fn call(&mut self, gate: &Arc<Gate>) {
        while self.waiting > 0 && self.under_way < self.pace.limit() {
            let after = self.last.and_then(|last| {
                use std::ops::Bound::{Excluded, Unbounded};
                self.queues.range((Excluded(last), Unbounded)).next().map(|(workload, _)| *workload)
            });
            let Some(workload) = after.or_else(|| self.queues.keys().next().copied()) else { break };
            self.last = Some(workload);
            let Some(waiters) = self.queues.get_mut(&workload) else { break };
            let waiter = waiters.pop_front();
            if waiters.is_empty() {
                self.queues.remove(&workload);
            }
            let Some(waiter) = waiter else { continue };
            self.waiting = self.waiting.saturating_sub(1);
            match waiter.send(Pass::new(Arc::clone(gate))) {
                Ok(()) => self.under_way = self.under_way.saturating_add(1),
                // It has left, and the pass was never counted.
                Err(mut pass) => pass.gate = None,
            }
        }
    }

    fn forget_gone(&mut self) {
        for waiters in self.queues.values_mut() {
            waiters.retain(|waiter| !waiter.is_closed());
        }
        self.queues.retain(|_, waiters| !waiters.is_empty());
        self.waiting = self.queues.values().map(VecDeque::len).sum();
    }
}

impl Pass {
    fn new(gate: Arc<Gate>) -> Self {
        Self { gate: Some(gate), since: Instant::now() }
    }

    /// The request leaves this process.
    pub(crate) fn sent(&mut self) {
        let now = Instant::now();
        let own = now.saturating_duration_since(self.since);
        self.since = now;
        self.took(Sort::Own, own.as_secs_f64());
    }

    /// A stream has begun, or an answer without generation is there.
    pub(crate) fn begun(&self, sort: Sort) {
        self.took(sort, self.since.elapsed().as_secs_f64());
    }

    /// A whole answer of so many tokens is there.
    pub(crate) fn whole(&self, tokens: u64) {
        let batches = 1.0 + tokens as f64 / BATCH;
        self.took(Sort::Whole, self.since.elapsed().as_secs_f64() / batches);
    }

    /// The upstream failed, or has too much to do.
    pub(crate) fn trouble(&self) {
        self.note(Sign::Trouble);
    }

    fn took(&self, sort: Sort, seconds: f64) {
        self.note(Sign::Took(sort, seconds));
    }

    fn note(&self, sign: Sign) {
        if let Some(gate) = &self.gate {
            let mut state = gate.state.lock();
            let under_way = state.under_way;
            state.pace.note(sign, under_way, Instant::now());
        }
    }
}

/// Answers are compared by their time for so many tokens. A prompt takes time too, so the shortest count as one such batch.
const BATCH: f64 = 50.0;

#[cfg(test)]
impl Default for Pass {
    fn default() -> Self {
        Self { gate: None, since: Instant::now() }
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        if let Some(gate) = self.gate.take() {
            let mut state = gate.state.lock();
            state.under_way = state.under_way.saturating_sub(1);
            state.call(&gate);
        }
    }
}

/// How long a client that was sent away is told to wait.
pub(crate) const AGAIN: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use stockade_domain::Micros;

    use super::super::Bounds;
    use super::*;

    fn workload(n: u8) -> WorkloadId {
        WorkloadId::new(Micros::from_i64(1), [n; 10])
    }

    fn options(most: usize, queue: usize) -> FlowOptions {
        FlowOptions { bounds: Bounds { least: 1, most }, queue, patience: Duration::from_secs(5) }
    }

    #[tokio::test(start_paused = true)]
    async fn workloads_take_turns_and_a_crowd_makes_room() {
        let options = options(1, 4);
        let gate = Gate::new(&options);
        let first = gate.enter(workload(1), &options).await.unwrap();
        let order = Arc::new(Mutex::new(Vec::new()));
        let enter = |n: u8| {
            let (gate, order) = (Arc::clone(&gate), Arc::clone(&order));
            tokio::spawn(async move {
                let pass = gate.enter(workload(n), &options).await;
                if pass.is_ok() {
                    order.lock().push(n);
                }
                pass.is_ok()
            })
        };
        let crowd: Vec<_> = (0..4).map(|_| enter(1)).collect();
        tokio::task::yield_now().await;
        assert_eq!(gate.level(), GateLevel { limit: 1, under_way: 1, waiting: 4, shed: 0 });
        assert!(gate.turns_away(workload(1), 4) && !gate.turns_away(workload(2), 4));
        let other = enter(2);
        tokio::task::yield_now().await;
        assert_eq!(gate.enter(workload(1), &options).now_or_never().unwrap().unwrap_err(), Shed);
        drop(first);
        let mut entered = 0;
        for one in crowd {
            entered += usize::from(one.await.unwrap());
        }
        assert!(other.await.unwrap());
        assert_eq!((entered, order.lock().as_slice()), (3, [1, 2, 1, 1].as_slice()));
        assert_eq!(gate.level().under_way, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_ever_and_whoever_leaves_takes_no_place() {
        let options = options(1, 4);
        let gate = Gate::new(&options);
        let held = gate.enter(workload(1), &options).await.unwrap();
        assert_eq!(gate.enter(workload(1), &options).await.unwrap_err(), Shed);
        let gone = gate.enter(workload(1), &options).now_or_never();
        assert!(gone.is_none());
        drop(held);
        assert_eq!((gate.level().under_way, gate.level().waiting), (0, 0));
        assert!(gate.enter(workload(2), &options).now_or_never().unwrap().is_ok());
    }
}
