//! The writer: the one thread that appends.
//!
//! No timer: it writes and syncs as soon as there is something, and what arrives meanwhile makes the next round. A
//! failed write or sync ends it for good; it is never tried again, as the kernel may by then have thrown the pages away.

use std::io;
use std::sync::Arc;
use std::time::Instant;

use crate::error::LedgerError;
use crate::frame::{self, SegmentHeader, SegmentKind};
use crate::layout;
use crate::queue::{Batch, Receipt, Waiting};
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
        }
    }
}

/// Runs until the queue is closed and empty, or a round fails.
pub(crate) fn run(shared: &Shared) {
    let _guard = StopOnPanic(shared);
    let mut batch = Batch::default();
    while shared.queue.take(&mut batch) {
        let mut waiting = std::mem::take(&mut batch.waiting);
        let result = commit(shared, batch.first, &mut batch.bytes, &waiting);
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
    }
    shared.progress.lock().written = true;
    shared.moved.notify_all();
}

/// Makes a batch durable: payloads first, then frames, in rounds that do not cross the end of a segment.
fn commit(shared: &Shared, first: u64, bytes: &mut [u8], waiting: &[Waiting]) -> io::Result<()> {
    let started = Instant::now();
    let indexed = (first..).zip(waiting);
    shared.payloads.append(indexed.filter_map(|(index, w)| w.payload.as_ref().map(|p| (index, p))))?;
    let mut rest = bytes;
    let mut taken = 0_usize;
    let mut index = first;
    let mut left = waiting;
    while !left.is_empty() {
        let file = segment_for(shared, index)?;
        let room = shared.options.segment_entries.saturating_sub(index % shared.options.segment_entries);
        let count = usize::try_from(room).unwrap_or(usize::MAX).min(left.len());
        let (round, later) = left.split_at_checked(count).unwrap_or((left, &[]));
        let end = round.last().map_or(0, |w| w.end).saturating_sub(taken);
        let (now, after) = rest.split_at_mut_checked(end).unwrap_or_default();
        write_round(shared, &*file, index, now, round, taken)?;
        (rest, left) = (after, later);
        taken = taken.saturating_add(end);
        index = index.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
    }
    shared.latency.record(started.elapsed());
    Ok(())
}

/// The segment that the entry goes into, made if the entry is the first of one.
fn segment_for(shared: &Shared, index: u64) -> io::Result<Arc<dyn VfsFile>> {
    if let Some(last) = shared.window.read().segments.back()
        && (!index.is_multiple_of(shared.options.segment_entries) || last.first == index)
    {
        return Ok(last.file.clone());
    }
    let created = shared.clock.now().as_i64();
    let segment = create_segment(&*shared.vfs, &shared.options.directory, index, created)?;
    let file = segment.file.clone();
    shared.window.write().segments.push_back(segment);
    Ok(file)
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

/// Writes and syncs frames. `taken` is where their bytes begin in the batch.
fn write_round(
    shared: &Shared,
    file: &dyn VfsFile,
    first: u64,
    bytes: &mut [u8],
    round: &[Waiting],
    taken: usize,
) -> io::Result<()> {
    let mut lengths = Vec::with_capacity(round.len());
    let (mut rest, mut begin) = (&mut *bytes, taken);
    for waiting in round {
        let length = waiting.end.saturating_sub(begin);
        let (one, after) = rest.split_at_mut_checked(length).unwrap_or_default();
        frame::seal(one, first);
        lengths.push(length);
        (rest, begin) = (after, waiting.end);
    }
    let offset = shared.window.read().segments.back().map_or(0, FrameSegment::end);
    file.write_at(bytes, u64::from(offset))?;
    file.sync_data()?;
    let mut window = shared.window.write();
    if let Some(segment) = window.segments.back_mut() {
        lengths.into_iter().for_each(|length| segment.push(length));
    }
    Ok(())
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
    shared.progress.lock().durable = index;
    shared.moved.notify_all();
    for (done, receipt) in answers {
        done(Ok(receipt));
    }
}
