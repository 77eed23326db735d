//! Use under limits that outlives the process: saved a moment after it changes, read again at the start.

use std::sync::Arc;

use stockade_domain::Clock;
use stockade_gateway::limits::{Change, CounterKey, Measure, Meters, SavedUse, Window};
use stockade_store::{Store, UsageCounter};

use crate::error::PlatformError;

/// Use under limits.
///
/// What is saved holds what is reserved for requests under way, too. After a crash that is counted as used, since nobody
/// knows how those requests ended: there it errs to the safe side. What changed since it was saved last is forgotten: there
/// it errs to the other side, by no more than the time between two calls of [`Usage::save`].
pub struct Usage {
    meters: Arc<Meters>,
    store: Store,
}

impl Usage {
    pub(crate) fn open(store: Store, clock: Arc<dyn Clock>) -> Result<Self, PlatformError> {
        let meters = Meters::new(clock);
        meters.restore(store.usage_counters().list()?.into_iter().filter_map(read));
        Ok(Self { meters: Arc::new(meters), store })
    }

    /// The use, for the gateway.
    #[must_use]
    pub fn meters(&self) -> &Arc<Meters> {
        &self.meters
    }

    /// Saves what has changed. Blocks.
    ///
    /// # Errors
    /// When the store cannot be written; it is tried again with the next call.
    pub fn save(&self) -> Result<(), PlatformError> {
        let changes = self.meters.take_changes();
        if changes.is_empty() {
            return Ok(());
        }
        let rows: Vec<UsageCounter> = changes.iter().filter_map(written).collect();
        let saved = self.store.usage_counters().write(&rows);
        if saved.is_err() {
            self.meters.put_back(changes);
        }
        Ok(saved?)
    }
}

fn written((key, saved): &Change) -> Option<UsageCounter> {
    let state = saved.as_ref().map(serde_json::to_string).transpose().ok()?;
    Some(UsageCounter {
        limit: key.limit.as_ref().to_owned(),
        measure: key.measure.as_str().to_owned(),
        window: key.window.as_str().to_owned(),
        subject: key.subject.as_ref().to_owned(),
        state,
    })
}

/// Use in words that this version does not know is no use.
fn read(row: UsageCounter) -> Option<(CounterKey, SavedUse)> {
    let measure = Measure::ALL.into_iter().find(|measure| measure.as_str() == row.measure)?;
    let window = Window::ALL.into_iter().find(|window| window.as_str() == row.window)?;
    let saved = serde_json::from_str(&row.state?).ok()?;
    Some((CounterKey { limit: row.limit.into(), measure, window, subject: row.subject.into() }, saved))
}

impl std::fmt::Debug for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Usage").field(&self.meters).finish()
    }
}
