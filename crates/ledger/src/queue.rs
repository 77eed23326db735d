//! The queue in front of the disk: room is reserved first, so that an append never fails for lack of it and never waits.

use std::sync::Arc;

use parking_lot::{Condvar, Mutex};
use stockade_crypto::Digest;

use crate::entry::Subject;
use crate::error::{LedgerError, Unavailable};
use crate::frame;
use crate::payload::Sealed;

/// What an append is told once it is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    /// The entry's place in the log, counted from 0.
    pub index: u64,
    /// Its leaf hash (RFC 6962 section 2.1).
    pub leaf_hash: Digest,
}

/// Called once, on the writer's thread: it must be quick and must not wait for the ledger.
pub(crate) type Done = Box<dyn FnOnce(Result<Receipt, LedgerError>) + Send>;

/// An entry whose frame lies in the batch's bytes.
pub(crate) struct Waiting {
    /// End of its frame in the batch's bytes.
    pub(crate) end: usize,
    /// Bytes of entry and payload.
    pub(crate) bytes: usize,
    pub(crate) leaf: Digest,
    pub(crate) subject: Subject,
    pub(crate) payload: Option<Sealed>,
    pub(crate) done: Done,
}

/// Entries that go to the disk together.
#[derive(Default)]
pub(crate) struct Batch {
    /// Index of the first entry.
    pub(crate) first: u64,
    /// Frames, without round and checksum.
    pub(crate) bytes: Vec<u8>,
    pub(crate) waiting: Vec<Waiting>,
}

struct State {
    batch: Batch,
    next: u64,
    free: usize,
    /// Bytes of entries and payloads that wait or are being written.
    bytes: usize,
    /// The writer sleeps and must be woken.
    idle: bool,
    closed: bool,
    stopped: Option<Arc<str>>,
}

pub(crate) struct Queue {
    state: Mutex<State>,
    work: Condvar,
    slots: usize,
    max_bytes: usize,
}

impl Queue {
    /// A queue with room for `slots` entries that takes no more of them above `max_bytes`; the first one gets the index
    /// `next`.
    pub(crate) fn new(slots: usize, max_bytes: usize, next: u64) -> Self {
        let batch = Batch { first: next, ..Batch::default() };
        let state = State { batch, next, free: slots, bytes: 0, idle: false, closed: false, stopped: None };
        Self { state: Mutex::new(state), work: Condvar::new(), slots, max_bytes }
    }

    pub(crate) fn reserve(&self, slots: usize) -> Result<(), Unavailable> {
        let mut state = self.state.lock();
        if state.closed || state.stopped.is_some() {
            return Err(Unavailable::Stopped);
        }
        if state.bytes >= self.max_bytes {
            return Err(Unavailable::Full);
        }
        state.free = state.free.checked_sub(slots).ok_or(Unavailable::Full)?;
        Ok(())
    }

    pub(crate) fn release(&self, slots: usize) {
        if slots > 0 {
            let mut state = self.state.lock();
            state.free = state.free.saturating_add(slots).min(self.slots);
        }
    }

    /// Gives back what a batch took up.
    pub(crate) fn written(&self, waiting: &[Waiting]) {
        let mut state = self.state.lock();
        state.free = state.free.saturating_add(waiting.len()).min(self.slots);
        let bytes = waiting.iter().fold(0_usize, |sum, one| sum.saturating_add(one.bytes));
        state.bytes = state.bytes.saturating_sub(bytes);
    }

    /// Puts an entry into the queue, using up one reserved slot. Gives back whom to tell when the log has stopped.
    pub(crate) fn push(&self, entry: &[u8], waiting: Waiting) -> Result<(), (Done, LedgerError)> {
        let mut state = self.state.lock();
        let refused = match &state.stopped {
            Some(why) => Some(LedgerError::Stopped(why.clone())),
            None => state.closed.then_some(LedgerError::Closed),
        };
        if let Some(error) = refused {
            return Err((waiting.done, error));
        }
        let seq = state.next;
        state.next = seq.saturating_add(1);
        frame::push(&mut state.batch.bytes, seq, entry);
        let end = state.batch.bytes.len();
        let bytes = entry.len().saturating_add(waiting.payload.as_ref().map_or(0, |p| p.bytes.len()));
        state.bytes = state.bytes.saturating_add(bytes);
        state.batch.waiting.push(Waiting { end, bytes, ..waiting });
        if state.idle {
            state.idle = false;
            self.work.notify_one();
        }
        Ok(())
    }

    /// Waits for entries and swaps them for the spare batch, whose buffers are used again. `false` when the queue is
    /// closed and empty, or stopped.
    pub(crate) fn take(&self, spare: &mut Batch) -> bool {
        let mut state = self.state.lock();
        loop {
            if state.stopped.is_some() {
                return false;
            }
            if !state.batch.waiting.is_empty() {
                spare.bytes.clear();
                spare.waiting.clear();
                spare.first = state.next;
                std::mem::swap(&mut state.batch, spare);
                return true;
            }
            if state.closed {
                return false;
            }
            state.idle = true;
            self.work.wait(&mut state);
            state.idle = false;
        }
    }

    /// Refuses everything from now on and answers what waits.
    pub(crate) fn stop(&self, why: &Arc<str>) {
        let mut state = self.state.lock();
        state.stopped.get_or_insert_with(|| why.clone());
        let abandoned = std::mem::take(&mut state.batch);
        self.work.notify_one();
        drop(state);
        for waiting in abandoned.waiting {
            (waiting.done)(Err(LedgerError::Stopped(why.clone())));
        }
    }

    /// Takes no more entries; those in the queue are still written.
    pub(crate) fn close(&self) {
        self.state.lock().closed = true;
        self.work.notify_one();
    }

    /// The index that the next entry gets.
    pub(crate) fn next(&self) -> u64 {
        self.state.lock().next
    }

    /// Slots that are reserved or in use.
    pub(crate) fn in_use(&self) -> usize {
        self.slots.saturating_sub(self.state.lock().free)
    }

    pub(crate) fn stopped(&self) -> Option<Arc<str>> {
        self.state.lock().stopped.clone()
    }
}
