//! What the log's threads and handles have in common.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex, RwLock};
use stockade_crypto::Random;
use stockade_domain::{Clock, Micros};

use crate::error::LedgerError;
use crate::payload::{PayloadStore, Vault};
use crate::queue::Queue;
use crate::requests::Requests;
use crate::status::LatencyCounters;
use crate::tiles::TILE_WIDTH;
use crate::vfs::Vfs;
use crate::window::Window;

/// Where the log is and how it behaves.
#[derive(Debug, Clone)]
pub struct Options {
    /// The log's own directory; it is made when it does not exist, its parent must.
    pub directory: PathBuf,
    /// The instance's id: 1 to 64 of `a-z 0-9 -`. Checkpoints have the origin `stockade/<instance id>`.
    pub instance: String,
    /// Room for entries that are reserved, waiting or being written.
    pub queue_slots: usize,
    /// Bytes of entries and payloads in the queue above which nothing more is reserved. What is reserved already may
    /// still come on top.
    pub queue_bytes: usize,
    /// The longest payload in bytes.
    pub max_payload: usize,
    /// Entries of an append segment: a multiple of 256, at most 65,536.
    pub segment_entries: u64,
    /// A payload segment is closed when it has this many bytes.
    pub payload_segment_bytes: u64,
    /// A payload segment is closed when it is this old. Payloads are deleted by whole segments, so this is how much
    /// longer than their retention they may stay.
    pub payload_segment_age: Duration,
    /// The longest time from an entry's being durable to its being under a signed checkpoint, while the disk keeps up.
    pub checkpoint_interval: Duration,
}

/// How far the log has come.
pub(crate) struct Progress {
    /// Entries that are durable.
    pub(crate) durable: u64,
    /// Entries under the checkpoint.
    pub(crate) signed: u64,
    /// When that checkpoint was signed, by this process.
    pub(crate) signed_at: Option<Micros>,
    /// The latest signed note.
    pub(crate) note: Arc<str>,
    /// A checkpoint over so many entries is wanted at once.
    pub(crate) hurry_to: u64,
    /// The publisher sleeps until so many entries are durable, or it is told otherwise.
    pub(crate) wake_at: u64,
    /// The writer has written all that it will ever write.
    pub(crate) written: bool,
    /// The publisher has ended.
    pub(crate) published: bool,
}

pub(crate) struct Shared {
    pub(crate) options: Options,
    pub(crate) vfs: Arc<dyn Vfs>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) queue: Queue,
    pub(crate) window: RwLock<Window>,
    pub(crate) requests: Mutex<Requests>,
    pub(crate) payloads: PayloadStore,
    pub(crate) vault: Vault,
    pub(crate) progress: Mutex<Progress>,
    pub(crate) moved: Condvar,
    /// Wakes the publisher, which need not hear of every round.
    pub(crate) wanted: Condvar,
    pub(crate) latency: LatencyCounters,
    /// Held while an announced erasure is carried out and while the log is verified: nothing is trimmed or tidied
    /// meanwhile. A start after a crash must find the announcement among the frames and finish the work, and a
    /// verification must find the files of the checkpoint that it began with.
    pub(crate) steady: Mutex<()>,
}

impl Options {
    /// The usual options for a directory and an instance.
    #[must_use]
    pub fn new(directory: impl Into<PathBuf>, instance: impl Into<String>) -> Self {
        Self {
            directory: directory.into(),
            instance: instance.into(),
            queue_slots: 32_768,
            queue_bytes: 256 * 1024 * 1024,
            max_payload: 1024 * 1024,
            segment_entries: 16_384,
            payload_segment_bytes: 64 * 1024 * 1024,
            payload_segment_age: Duration::from_secs(3_600),
            checkpoint_interval: Duration::from_millis(800),
        }
    }

    /// The name in checkpoints.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("stockade/{}", self.instance)
    }

    pub(crate) fn check(&self) -> Result<(), LedgerError> {
        let letter = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if self.instance.is_empty() || self.instance.len() > 64 || !self.instance.bytes().all(letter) {
            return Err(LedgerError::Options("an instance id is 1 to 64 of a-z, 0-9 and -".into()));
        }
        if self.segment_entries == 0
            || !self.segment_entries.is_multiple_of(TILE_WIDTH)
            || self.segment_entries > 65_536
        {
            return Err(LedgerError::Options("segment_entries is not a multiple of 256 up to 65,536".into()));
        }
        if self.queue_slots == 0 || self.max_payload > 1 << 30 {
            return Err(LedgerError::Options("queue_slots is 0, or max_payload above 1 GiB".into()));
        }
        Ok(())
    }
}

impl Shared {
    /// Stops the log for good: a write or sync failed, and what is on the disk is not known any more.
    pub(crate) fn stop(&self, why: &str) {
        self.queue.stop(&Arc::from(why));
        let _progress = self.progress.lock();
        self.moved.notify_all();
        self.wanted.notify_all();
    }

    /// The error that callers get once the log has stopped.
    pub(crate) fn failure(&self) -> Option<LedgerError> {
        self.queue.stopped().map(LedgerError::Stopped)
    }

    /// Waits until the log is signed up to `size` entries.
    pub(crate) fn wait_signed(&self, size: u64, patience: Duration) -> Result<(), LedgerError> {
        let end = Instant::now() + patience;
        let mut progress = self.progress.lock();
        while progress.signed < size {
            if let Some(failure) = self.failure() {
                return Err(failure);
            }
            if progress.published {
                return Err(LedgerError::Closed);
            }
            progress.hurry_to = progress.hurry_to.max(size);
            self.wanted.notify_all();
            if self.moved.wait_until(&mut progress, end).timed_out() {
                return Err(LedgerError::CheckpointTimeout { seconds: patience.as_secs() });
            }
        }
        Ok(())
    }
}
