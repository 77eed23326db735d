//! Append segments at a start: read whole, cut after the last good frame, made durable.

use std::io;
use std::path::Path;
use std::sync::Arc;

use stockade_crypto::Digest;

use crate::entry::Facts;
use crate::error::LedgerError;
use crate::frame::{self, HEADER_BYTES, SegmentHeader, SegmentKind};
use crate::layout;
use crate::merkle::leaf_hash;
use crate::payload::first_missing;
use crate::publisher::push_bundled;
use crate::tiles::TILE_WIDTH;
use crate::vfs::{OpenMode, Vfs, VfsFile, read_range};
use crate::window::{FrameSegment, Window};

/// What the append segments hold.
pub(super) struct Found {
    pub(super) window: Window,
    /// Index of the first entry.
    pub(super) first: u64,
    pub(super) facts: Vec<Facts>,
    /// Leaf hashes of the signed entries.
    pub(super) leaves: Vec<Digest>,
    /// The incomplete bundle under the checkpoint.
    pub(super) bundle: Vec<u8>,
    pub(super) size: u64,
    /// The round of the last good frame.
    round: u64,
    /// No more entries than this were ever durable.
    pub(super) size_before_cut: u64,
    pub(super) truncated_bytes: u64,
}

/// A frame that is not as it should be.
struct Bad {
    index: u64,
    offset: usize,
    why: String,
}

pub(super) fn recover(vfs: &dyn Vfs, root: &Path, signed: u64) -> Result<Found, LedgerError> {
    let folder = root.join(layout::FRAMES);
    let listed = vfs.list(&folder).map_err(|e| LedgerError::io("listing append segments", e))?;
    let firsts: Vec<u64> = listed.iter().filter_map(|e| layout::frames_first(&e.name)).collect();
    let Some(first) = firsts.first().copied() else {
        return Err(LedgerError::damaged(layout::FRAMES, "there is no append segment"));
    };
    if first > signed / TILE_WIDTH * TILE_WIDTH {
        let why = format!("it begins with entry {first}, but {signed} entries are signed");
        return Err(LedgerError::damaged(layout::FRAMES, why));
    }
    let mut found = Found {
        window: Window::default(),
        first,
        facts: Vec::new(),
        leaves: Vec::new(),
        bundle: Vec::new(),
        size: first,
        round: first,
        size_before_cut: first,
        truncated_bytes: 0,
    };
    for (at, first) in firsts.iter().enumerate() {
        let last = at.saturating_add(1) == firsts.len();
        let place = format!("{}/{first:020}.frames", layout::FRAMES);
        let failed = |e| LedgerError::io(format!("recovering {place}"), e);
        let file = vfs.open(&layout::frames_path(root, *first), OpenMode::Write).map_err(failed)?;
        let length = usize::try_from(file.len().map_err(failed)?).unwrap_or(usize::MAX);
        let bytes = read_range(&*file, 0, length).map_err(failed)?;
        let header = SegmentHeader::decode(SegmentKind::Frames, &bytes);
        if header.is_none_or(|header| header.first != *first) {
            if !last || at == 0 || bytes.len() > HEADER_BYTES {
                return Err(LedgerError::damaged(place, "its header is not as it was written"));
            }
            // A crash came while the segment was being made; no frame was written to it.
            drop(file);
            vfs.remove_file(&layout::frames_path(root, *first)).map_err(failed)?;
            vfs.sync_dir(&folder).map_err(failed)?;
            found.truncated_bytes = found.truncated_bytes.saturating_add(bytes.len() as u64);
            break;
        }
        if *first != found.size {
            let why = format!("the segments before it end with entry {}", found.size);
            return Err(LedgerError::damaged(place, why));
        }
        let mut segment = FrameSegment::new(*first, file);
        if let Err(bad) = found.read_segment(&mut segment, &bytes, signed) {
            let place = format!("{place}, entry {} at byte {}", bad.index, bad.offset);
            let rest = bytes.get(bad.offset..).unwrap_or_default();
            let after = rest.get(1..).unwrap_or_default();
            let room = rest.iter().all(|byte| *byte == 0);
            if bad.index < signed || !last || (!room && frame::later_round_follows(after, bad.index)) {
                return Err(LedgerError::damaged(place, bad.why));
            }
            if !room {
                found.size_before_cut = bad.index.saturating_add(rest.len() as u64);
                found.truncated_bytes = found.truncated_bytes.saturating_add(rest.len() as u64);
            }
        }
        if last {
            found.cut_without_payload(vfs, root, &mut segment, signed).map_err(failed)?;
        }
        make_durable(&segment, &bytes, signed).map_err(failed)?;
        found.window.segments.push_back(segment);
    }
    vfs.sync_dir(&folder).map_err(|e| LedgerError::io("syncing append segments", e))?;
    if found.size < signed {
        let why = format!("entries {} to {} are signed but missing", found.size, signed.saturating_sub(1));
        return Err(LedgerError::damaged(layout::FRAMES, why));
    }
    found.size_before_cut = found.size_before_cut.max(found.size);
    Ok(found)
}

/// Cuts a segment after its last good frame, writes what is not signed yet once more and syncs it. Writing again matters:
/// after a failed sync the kernel may hold pages that it takes for clean but that never reached the disk.
fn make_durable(segment: &FrameSegment, bytes: &[u8], signed: u64) -> io::Result<()> {
    let file: &Arc<dyn VfsFile> = &segment.file;
    let end = usize::try_from(segment.end()).unwrap_or(usize::MAX);
    if bytes.len() > end {
        file.truncate(u64::from(segment.end()))?;
    }
    let begin = segment.begin_of(signed.max(segment.first)).unwrap_or_else(|| segment.end());
    let tail = bytes.get(usize::try_from(begin).unwrap_or(usize::MAX)..end).unwrap_or_default();
    if !tail.is_empty() {
        file.write_at(tail, u64::from(begin))?;
    }
    file.sync_data()
}

impl Found {
    /// Cuts the last round where a payload of it is not whole: payloads and frames of a round are synced side by side, so
    /// the frames may be there alone. Rounds before it were durable with all their payloads.
    fn cut_without_payload(
        &mut self,
        vfs: &dyn Vfs,
        root: &Path,
        segment: &mut FrameSegment,
        signed: u64,
    ) -> io::Result<()> {
        let begin = self.round.max(signed);
        let skip = usize::try_from(begin.saturating_sub(self.first)).unwrap_or(usize::MAX);
        let round = (begin..).zip(self.facts.iter().skip(skip));
        let marks: Vec<_> =
            round.filter_map(|(index, facts)| facts.payload.map(|mark| (index, mark))).collect();
        let Some(missing) = first_missing(vfs, root, &marks)? else { return Ok(()) };
        let keep = usize::try_from(missing.saturating_sub(self.first)).unwrap_or(usize::MAX);
        self.facts.truncate(keep);
        self.size_before_cut = self.size_before_cut.max(self.size);
        self.size = missing;
        let end = segment.end();
        segment.cut(missing);
        let cut = u64::from(end.saturating_sub(segment.end()));
        self.truncated_bytes = self.truncated_bytes.saturating_add(cut);
        Ok(())
    }

    fn read_segment(&mut self, segment: &mut FrameSegment, bytes: &[u8], signed: u64) -> Result<(), Bad> {
        let mut offset = HEADER_BYTES;
        let mut round = None;
        while let Some(rest) = bytes.get(offset..).filter(|rest| !rest.is_empty()) {
            let index = self.size;
            let bad = |why: String| Bad { index, offset, why };
            let (frame, length) = frame::read(rest).map_err(|e| bad(e.to_string()))?;
            if frame.seq != index || (frame.round != index && Some(frame.round) != round) {
                return Err(bad(format!("a frame of entry {} in round {}", frame.seq, frame.round)));
            }
            let facts = Facts::read(frame.entry).map_err(bad)?;
            if index < signed {
                self.leaves.push(leaf_hash(frame.entry));
                if index >= signed / TILE_WIDTH * TILE_WIDTH {
                    push_bundled(&mut self.bundle, frame.entry);
                }
            }
            self.facts.push(facts);
            segment.push(length);
            self.size = index.saturating_add(1);
            round = Some(frame.round);
            self.round = frame.round;
            offset = offset.saturating_add(length);
        }
        Ok(())
    }
}
