//! The writer: the one thread that appends.
//!
//! No timer: it writes and syncs as soon as there is something, and what arrives meanwhile makes the next round. Payloads
//! and frames of a round are synced side by side; a start cuts off frames that lost their payload that way. A failed write or sync ends it for good; it is never tried again, as the kernel may by then have thrown the pages away.

use std::io;
use std::sync::{Arc, mpsc};
use std::time::Instant;

use crate::error::LedgerError;
use crate::frame::{self, SegmentHeader, SegmentKind};
use crate::layout;
use crate::queue::{Batch, Receipt, Waiting};
use crate::room::Tail;
use crate::shared::Shared;
use crate::vfs::{OpenMode, VfsFile};
use crate::window::FrameSegment;

/// Stops the log when a thread of it ends by a panic, for example in a caller's completion: appends must fail, not hang.
pub(crate) struct StopOnPanic<'a>(pub(crate) &'a Shared);

impl Drop for StopOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.stop("a thread of the log panicked");
            let mut progress = self.0.progress.lock();
            (progress.written, progress.published) = (true, true);
            self.0.moved.notify_all();
            self.0.wanted.notify_all();
        }
    }
}

/// How much room is made at the end of the segment that is written to, in bytes.
const AHEAD: u64 = 2 * 1024 * 1024;

/// A buffer for frames that is longer than this is given back after a round.
const SPARE: usize = 1024 * 1024;

/// What the writer has at hand.
struct Hand<'a> {
    shared: &'a Shared,
    beside: Beside,
    /// The append segment that is written to: its first index and its end.
    tail: Option<(u64, Tail)>,
}

/// Runs until the queue is closed and empty, or a round fails.
pub(crate) fn run(shared: &Shared) {
    let _guard = StopOnPanic(shared);
    let mut batch = Batch::default();
    let mut hand = Hand { shared, beside: Beside::new(), tail: None };
    while shared.queue.take(&mut batch) {
        let mut waiting = std::mem::take(&mut batch.waiting);
        let result = hand.commit(batch.first, &mut batch.bytes, &waiting);
        // Before the answers: who hears that its entry is durable finds its room free again.
        shared.queue.written(&waiting);
        match result {
            Ok(()) => acknowledge(shared, batch.first, waiting.drain(..)),
            Err(e) => {
                let why: Arc<str> = Arc::from(format!("writing the log failed: {e}"));
                shared.stop(&why);
                for waiting in waiting.drain(..) {
                    (waiting.done)(Err(LedgerError::Stopped(why.clone())));
                }
            }
        }
        batch.waiting = waiting;
        batch.bytes.clear();
        batch.bytes.shrink_to(SPARE);
    }
    if shared.failure().is_none()
        && let Err(e) = hand.close()
    {
        shared.stop(&format!("closing the log failed: {e}"));
    }
    shared.progress.lock().written = true;
    shared.moved.notify_all();
    shared.wanted.notify_all();
}

impl Hand<'_> {
    /// Makes a batch durable in rounds that do not cross the end of a segment: payloads with the first of them.
    fn commit(&mut self, first: u64, bytes: &mut [u8], waiting: &[Waiting]) -> io::Result<()> {
        let started = Instant::now();
        let shared = self.shared;
        let indexed = (first..).zip(waiting);
        let sealed = indexed.filter_map(|(index, w)| w.payload.as_ref().map(|p| (index, p)));
        let mut payloads = shared.payloads.write(sealed)?;
        let mut rest = bytes;
        let mut taken = 0_usize;
        let mut index = first;
        let mut left = waiting;
        while !left.is_empty() {
            let room = shared.options.segment_entries.saturating_sub(index % shared.options.segment_entries);
            let count = usize::try_from(room).unwrap_or(usize::MAX).min(left.len());
            let (round, later) = left.split_at_checked(count).unwrap_or((left, &[]));
            let end = round.last().map_or(0, |w| w.end).saturating_sub(taken);
            let (now, after) = rest.split_at_mut_checked(end).unwrap_or_default();
            let lengths = seal_round(index, now, round, taken);
            let tail = self.segment_for(index)?;
            tail.append(now)?;
            let frames = tail.file().clone();
            match payloads.take() {
                Some(payloads) => self.beside.sync_both(payloads, &*frames)?,
                None => frames.sync_data()?,
            }
            if let Some(segment) = shared.window.write().segments.back_mut() {
                lengths.into_iter().for_each(|length| segment.push(length));
            }
            (rest, left) = (after, later);
            taken = taken.saturating_add(end);
            index = index.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        }
        shared.latency.record(started.elapsed());
        Ok(())
    }

    /// The segment that the entry goes into, made if the entry is the first of one.
    fn segment_for(&mut self, index: u64) -> io::Result<&mut Tail> {
        let shared = self.shared;
        let last = shared.window.read().segments.back().map(|s| (s.first, s.file.clone(), s.end()));
        let last = last
            .filter(|(first, ..)| !index.is_multiple_of(shared.options.segment_entries) || *first == index);
        let (first, file, end) = match last {
            Some(last) => last,
            None => {
                if let Some((_, before)) = self.tail.take() {
                    before.close()?;
                }
                let created = shared.clock.now().as_i64();
                let segment = create_segment(&*shared.vfs, &shared.options.directory, index, created)?;
                let made = (segment.first, segment.file.clone(), segment.end());
                shared.window.write().segments.push_back(segment);
                made
            }
        };
        match self.tail.take() {
            Some(tail) if tail.0 == first => Ok(&mut self.tail.insert(tail).1),
            _ => Ok(&mut self.tail.insert((first, Tail::new(file, u64::from(end), AHEAD))).1),
        }
    }

    fn close(&mut self) -> io::Result<()> {
        self.shared.payloads.close()?;
        self.tail.take().map_or(Ok(()), |(_, tail)| tail.close())
    }
}

/// Fills in round and checksum of the frames of a round; their lengths. `taken` is where their bytes begin in the batch.
fn seal_round(first: u64, bytes: &mut [u8], round: &[Waiting], taken: usize) -> Vec<usize> {
    let mut lengths = Vec::with_capacity(round.len());
    let (mut rest, mut begin) = (bytes, taken);
    for waiting in round {
        let length = waiting.end.saturating_sub(begin);
        let (one, after) = rest.split_at_mut_checked(length).unwrap_or_default();
        frame::seal(one, first);
        lengths.push(length);
        (rest, begin) = (after, waiting.end);
    }
    lengths
}

/// A thread that syncs payloads while the writer syncs frames: the device takes both in one go.
struct Beside {
    jobs: mpsc::SyncSender<Arc<dyn VfsFile>>,
    done: mpsc::Receiver<io::Result<()>>,
}

impl Beside {
    fn new() -> Self {
        let (jobs, work) = mpsc::sync_channel::<Arc<dyn VfsFile>>(1);
        let (answer, done) = mpsc::sync_channel(1);
        // Without the thread its end of the channel is gone, and the writer does both in turn.
        let _thread = std::thread::Builder::new().name("ledger-payloads".to_owned()).spawn(move || {
            while let Ok(file) = work.recv() {
                if answer.send(file.sync_data()).is_err() {
                    break;
                }
            }
        });
        Self { jobs, done }
    }

    fn sync_both(&self, payloads: Arc<dyn VfsFile>, frames: &dyn VfsFile) -> io::Result<()> {
        if let Err(mpsc::SendError(payloads)) = self.jobs.send(payloads) {
            payloads.sync_data()?;
            return frames.sync_data();
        }
        let here = frames.sync_data();
        let beside = self.done.recv().unwrap_or_else(|_| Err(io::Error::other("a sync panicked")));
        beside.and(here)
    }
}

/// Makes an append segment. Its header is durable before any frame is written, so that a damaged header of a segment
/// with frames is known for damage.
pub(crate) fn create_segment(
    vfs: &dyn crate::vfs::Vfs,
    directory: &std::path::Path,
    first: u64,
    created: i64,
) -> io::Result<FrameSegment> {
    let file = vfs.open(&layout::frames_path(directory, first), OpenMode::Create)?;
    file.write_at(&SegmentHeader { kind: SegmentKind::Frames, first, created }.encode(), 0)?;
    file.sync_data()?;
    vfs.sync_dir(&directory.join(layout::FRAMES))?;
    Ok(FrameSegment::new(first, file))
}

fn acknowledge(shared: &Shared, first: u64, waiting: impl ExactSizeIterator<Item = Waiting>) {
    let mut answers = Vec::with_capacity(waiting.len());
    let mut index = first;
    {
        let mut requests = shared.requests.lock();
        for waiting in waiting {
            requests.note(waiting.subject, index);
            answers.push((waiting.done, Receipt { index, leaf_hash: waiting.leaf }));
            index = index.saturating_add(1);
        }
    }
    let wakes = {
        let mut progress = shared.progress.lock();
        progress.durable = index;
        let wakes = index >= progress.wake_at;
        if wakes {
            progress.wake_at = u64::MAX;
        }
        wakes
    };
    if wakes {
        shared.wanted.notify_one();
    }
    for (done, receipt) in answers {
        done(Ok(receipt));
    }
}
