//! Which requests are open, and where the entries of recent ones stand.

use std::collections::{HashMap, VecDeque};

use serde::{Deserialize, Serialize};
use stockade_domain::RequestId;

use crate::canonical::Encoder;
use crate::entry::Subject;

/// How many requests are remembered; older ones are found by reading the log.
const REMEMBERED: usize = 65_536;

/// Where a request's entries stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Places {
    /// Index of the intent entry.
    pub intent: Option<u64>,
    /// Index of the outcome (or `interrupted`) entry.
    pub outcome: Option<u64>,
}

/// Requests as the durable part of the log tells of them.
#[derive(Debug, Default)]
pub(crate) struct Requests {
    open: HashMap<RequestId, u64>,
    recent: HashMap<RequestId, Places>,
    order: VecDeque<RequestId>,
    size: u64,
}

/// The file `open-intents`: which requests were open when the log had `size` entries. It spares a start the reading of
/// the whole log, and can be made again from it.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OpenIntents {
    /// Request and index of its intent, by index.
    pub(crate) intents: Vec<(RequestId, u64)>,
    pub(crate) size: u64,
    pub(crate) v: u8,
}

impl Requests {
    /// Takes note of the entry at `index`. Telling it again of entries that it knows changes nothing in the end, as
    /// long as all that follow are told again too.
    pub(crate) fn note(&mut self, subject: Subject, index: u64) {
        self.size = self.size.max(index.saturating_add(1));
        let (request, opens) = match subject {
            Subject::Opens(request) => (request, true),
            Subject::Ends(request) => (request, false),
            _ => return,
        };
        let places = self.recent.entry(request).or_insert_with(|| {
            self.order.push_back(request);
            Places::default()
        });
        if opens {
            places.intent = Some(index);
            self.open.insert(request, index);
        } else {
            places.outcome = Some(index);
            self.open.remove(&request);
        }
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.recent.remove(&oldest);
        }
    }

    /// Where the entries of a recent request stand.
    pub(crate) fn recent(&self, request: &RequestId) -> Option<Places> {
        self.recent.get(request).copied()
    }

    /// Requests without an outcome, in the order of their intents.
    pub(crate) fn open(&self) -> Vec<(RequestId, u64)> {
        let mut open: Vec<_> = self.open.iter().map(|(request, index)| (*request, *index)).collect();
        open.sort_by_key(|(_, index)| *index);
        open
    }

    /// How many requests have no outcome.
    pub(crate) fn open_count(&self) -> usize {
        self.open.len()
    }

    pub(crate) fn snapshot(&self) -> OpenIntents {
        OpenIntents { intents: self.open(), size: self.size, v: 1 }
    }

    pub(crate) fn restore(snapshot: OpenIntents) -> Self {
        Self { open: snapshot.intents.into_iter().collect(), size: snapshot.size, ..Self::default() }
    }
}

impl OpenIntents {
    /// The file's bytes.
    pub(crate) fn encode(&self) -> Vec<u8> {
        Encoder::default().encode(self).map(<[u8]>::to_vec).unwrap_or_default()
    }

    /// Reads the file; `None` when it is not what [`Self::encode`] writes.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let read: Self = serde_json::from_slice(bytes).ok()?;
        (read.v == 1 && read.encode() == bytes).then_some(read)
    }
}
