//! What happens when more is asked for than can be done: each upstream gets as much as it takes well, the rest waits for a
//! while in a queue with bounds, workloads take turns, and who cannot be served in time is told so early.

mod gate;
mod pace;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use stockade_domain::WorkloadId;
use stockade_egress::TargetId;

use gate::Gate;

pub use gate::GateLevel;
pub use pace::Bounds;

pub(crate) use gate::{AGAIN, Pass, Shed};
pub(crate) use pace::Sort;

/// The code of what is answered to whom there is no place for.
pub(crate) const OVERLOADED: &str = "overloaded";

/// Bounds of the flow to each upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlowOptions {
    /// Requests under way.
    pub bounds: Bounds,
    /// Requests that wait.
    pub queue: usize,
    /// How long one waits.
    pub patience: Duration,
}

/// The gates of all upstreams.
#[derive(Debug)]
pub(crate) struct Flow {
    options: FlowOptions,
    /// By the operator's names: as many as there are upstreams.
    gates: Mutex<HashMap<TargetId, Arc<Gate>>>,
}

/// Who is sent away because there is too much to do hears so no sooner than this: clients that come back at once would
/// otherwise take the time of those that are served. Nothing but the connection, whose number is bounded, waits.
const HELD: Duration = Duration::from_secs(1);

/// Waits before a client is told that there is too much to do.
pub(crate) async fn hold_back(code: &'static str, waited: Duration) {
    if code == OVERLOADED {
        tokio::time::sleep(HELD.saturating_sub(waited)).await;
    }
}

impl Default for FlowOptions {
    fn default() -> Self {
        Self { bounds: Bounds { least: 16, most: 4_096 }, queue: 1_024, patience: Duration::from_secs(10) }
    }
}

impl Flow {
    pub(crate) fn new(options: FlowOptions) -> Self {
        Self { options, gates: Mutex::default() }
    }

    /// Waits for a place at an upstream.
    pub(crate) async fn enter(&self, target: &TargetId, workload: WorkloadId) -> Result<Pass, Shed> {
        let gate = {
            let mut gates = self.gates.lock();
            match gates.get(target) {
                Some(gate) => Arc::clone(gate),
                None => Arc::clone(gates.entry(target.clone()).or_insert_with(|| Gate::new(&self.options))),
            }
        };
        gate.enter(workload, &self.options).await
    }

    /// Whether every queue is so full that a further request of this workload is not worth reading.
    pub(crate) fn turns_away(&self, workload: WorkloadId) -> bool {
        let gates = self.gates.lock();
        !gates.is_empty() && gates.values().all(|gate| gate.turns_away(workload, self.options.queue))
    }

    /// Whether an upstream failed a short while ago.
    pub(crate) fn is_ailing(&self, target: &TargetId) -> bool {
        self.gates.lock().get(target).is_some_and(|gate| gate.is_ailing())
    }

    /// How each gate stands, by upstream.
    pub(crate) fn levels(&self) -> Vec<(TargetId, GateLevel)> {
        let gates = self.gates.lock();
        let mut levels: Vec<_> = gates.iter().map(|(id, gate)| (id.clone(), gate.level())).collect();
        levels.sort_by(|a, b| a.0.cmp(&b.0));
        levels
    }
}
