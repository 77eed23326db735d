//! The payload segments of a log: appending in the writer's round, reading, erasing, deleting what is over.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use stockade_domain::{Clock, Micros};

use super::record;
use super::segment::{Flaw, Place, Segment};
use super::{PayloadState, Sealed, Vault};
use crate::entry::PayloadMark;
use crate::error::LedgerError;
use crate::frame::{HEADER_BYTES, SegmentHeader, SegmentKind};
use crate::layout;
use crate::room::Tail;
use crate::vfs::{DirEntry, OpenMode, Vfs, VfsFile};

const HEADER: u64 = HEADER_BYTES as u64;

/// How much room is made at the end of the segment that is written to, in bytes.
const AHEAD: u64 = 4 * 1024 * 1024;

pub(crate) struct PayloadStore {
    vfs: Arc<dyn Vfs>,
    directory: PathBuf,
    clock: Arc<dyn Clock>,
    /// A segment is closed when it is this long in bytes,
    max_bytes: u64,
    /// or this old in microseconds.
    max_age: u64,
    state: Mutex<State>,
}

struct State {
    /// Segments by first index, with the time at which each was made.
    segments: BTreeMap<u64, Micros>,
    active: Option<Active>,
    /// Everything in segments of an earlier run was written before this.
    opened: Micros,
    scratch: Vec<u8>,
}

struct Active {
    first: u64,
    tail: Tail,
    last_write: Micros,
}

/// What a start found in the payload directory and could not put in order; it never stops the log.
pub(crate) type Problems = Vec<String>;

/// How far a log goes, for the payloads beside it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Extent {
    /// Entries of the log.
    pub(crate) size: u64,
    /// Entries under the checkpoint.
    pub(crate) signed: u64,
    /// The last entry that is known to have a payload, unless that has been erased.
    pub(crate) last_payload: Option<u64>,
}

impl PayloadStore {
    /// Opens the store of a log: what was written for entries that never became durable is cut off.
    pub(crate) fn open(
        vfs: Arc<dyn Vfs>,
        directory: PathBuf,
        clock: Arc<dyn Clock>,
        max_bytes: u64,
        max_age: std::time::Duration,
        extent: Extent,
    ) -> Result<(Self, Problems), LedgerError> {
        let opened = clock.now();
        let mut problems = Problems::new();
        let mut segments = BTreeMap::new();
        let failed = |e| LedgerError::io("listing payloads", e);
        let firsts = firsts(&*vfs, &directory).map_err(failed)?;
        let last = firsts.iter().rfind(|first| **first < extent.size).copied();
        for first in firsts {
            if first >= extent.size {
                let failed = |e| LedgerError::io("deleting a payload segment", e);
                remove_segment(&*vfs, &directory, first).map_err(failed)?;
                continue;
            }
            match settle(&*vfs, &directory, first, Some(first) == last, extent) {
                Ok(created) => {
                    segments.insert(first, created);
                }
                Err(problem) => {
                    problems.push(problem);
                    segments.insert(first, opened);
                }
            }
        }
        let state = Mutex::new(State { segments, active: None, opened, scratch: Vec::new() });
        let max_age = u64::try_from(max_age.as_micros()).unwrap_or(u64::MAX);
        Ok((Self { vfs, directory, clock, max_bytes, max_age, state }, problems))
    }

    /// Writes the payloads of a round; the file that they were written to, if there were any, must be synced before any
    /// entry of the round is acknowledged.
    pub(crate) fn write<'a>(
        &self,
        records: impl Iterator<Item = (u64, &'a Sealed)>,
    ) -> io::Result<Option<Arc<dyn VfsFile>>> {
        let mut records = records.peekable();
        let Some(first) = records.peek().map(|(index, _)| *index) else { return Ok(None) };
        let now = self.clock.now();
        let mut state = self.state.lock();
        let state = &mut *state;
        let full = |active: &Active, created: Option<&Micros>| {
            active.tail.end() >= self.max_bytes
                || created.is_none_or(|created| now.since(*created) >= self.max_age)
        };
        if state.active.as_ref().is_none_or(|a| full(a, state.segments.get(&a.first))) {
            if let Some(before) = state.active.take() {
                before.tail.close()?;
            }
            let created = state.segments.last_key_value().map_or(now, |(_, last)| now.max(*last));
            state.active = Some(self.create(first, created)?);
            state.segments.insert(first, created);
        }
        let Some(active) = state.active.as_mut() else { return Ok(None) };
        state.scratch.clear();
        for (index, sealed) in records {
            record::push(&mut state.scratch, index, &sealed.salt, &sealed.bytes);
        }
        active.tail.append(&state.scratch)?;
        active.last_write = now;
        state.scratch.shrink_to(SCRATCH);
        Ok(Some(active.tail.file().clone()))
    }

    fn create(&self, first: u64, created: Micros) -> io::Result<Active> {
        let file = self.vfs.open(&layout::records_path(&self.directory, first), OpenMode::Create)?;
        let header = SegmentHeader { kind: SegmentKind::Records, first, created: created.as_i64() };
        file.write_at(&header.encode(), 0)?;
        file.sync_data()?;
        self.vfs.sync_dir(&self.directory.join(layout::PAYLOADS))?;
        Ok(Active { first, tail: Tail::new(file, HEADER, AHEAD), last_write: created })
    }

    /// Nothing more is appended.
    pub(crate) fn close(&self) -> io::Result<()> {
        self.state.lock().active.take().map_or(Ok(()), |active| active.tail.close())
    }

    /// The segment that is written to and how long it is, room left aside.
    pub(crate) fn active(&self) -> Option<(u64, u64)> {
        self.state.lock().active.as_ref().map(|active| (active.first, active.tail.end()))
    }

    /// The payload that an entry speaks of.
    pub(crate) fn read(
        &self,
        vault: &Vault,
        index: u64,
        mark: &PayloadMark,
    ) -> Result<PayloadState, LedgerError> {
        let Some(first) = self.segment_of(index) else { return Ok(PayloadState::Erased) };
        let damaged = |flaw: Flaw| LedgerError::damaged(flaw.file, flaw.why);
        let segment = self.segment(first, OpenMode::Read)?;
        let Some(place) = segment.find(index).map_err(damaged)? else {
            return Err(LedgerError::damaged(segment.name(), format!("entry {index} has no record")));
        };
        if place.is_erased() {
            return Ok(PayloadState::Erased);
        }
        let sealed = segment.sealed(&place).map_err(damaged)?;
        let text = vault.open(mark, &place.salt, &sealed);
        text.map(PayloadState::Text).ok_or_else(|| {
            LedgerError::damaged(segment.name(), "the payload is not the one that the entry speaks of")
        })
    }

    /// Overwrites the salt of an entry's payload, and makes that durable. `false` when there was none any more.
    pub(crate) fn erase(&self, index: u64) -> Result<bool, LedgerError> {
        let Some(first) = self.segment_of(index) else { return Ok(false) };
        let segment = self.segment(first, OpenMode::Write)?;
        let damaged = |flaw: Flaw| LedgerError::damaged(flaw.file, flaw.why);
        let Some(place): Option<Place> = segment.find(index).map_err(damaged)? else { return Ok(false) };
        let failed = |e| LedgerError::io(format!("erasing a salt in {}", segment.name()), e);
        segment.erase(&place).map_err(failed)?;
        Ok(!place.is_erased())
    }

    fn segment(&self, first: u64, mode: OpenMode) -> Result<Segment, LedgerError> {
        Segment::open(&*self.vfs, &self.directory, first, mode)
            .map_err(|flaw| LedgerError::damaged(flaw.file, flaw.why))
    }

    /// Segments all of whose payloads were written before a time: the first index of each, and of the one after it
    /// (or `size`).
    pub(crate) fn expired(&self, before: Micros, size: u64) -> Vec<(u64, u64)> {
        let mut state = self.state.lock();
        if let Some(active) = state.active.take_if(|active| active.last_write < before) {
            // Room that stays does no harm.
            let _room_stays = active.tail.close();
            state.opened = state.opened.max(self.clock.now().min(before));
        }
        let active = state.active.as_ref().map(|active| active.first);
        let mut found = Vec::new();
        let mut segments = state.segments.keys().copied().peekable();
        while let Some(first) = segments.next() {
            let next = segments.peek().copied();
            let until = match next.and_then(|next| state.segments.get(&next)) {
                Some(created) => *created,
                None => state.opened,
            };
            if active != Some(first) && until <= before {
                found.push((first, next.unwrap_or(size)));
            }
        }
        found
    }

    /// Deletes a segment.
    pub(crate) fn remove(&self, first: u64) -> Result<(), LedgerError> {
        let mut state = self.state.lock();
        state.segments.remove(&first);
        if state.active.as_ref().is_some_and(|active| active.first == first) {
            state.active = None;
        }
        remove_segment(&*self.vfs, &self.directory, first)
            .map_err(|e| LedgerError::io("deleting a payload segment", e))
    }

    /// First indices of the segments that begin within a range of entries.
    pub(crate) fn beginning_in(&self, first: u64, last: u64) -> Vec<u64> {
        self.state.lock().segments.range(first..=last).map(|(first, _)| *first).collect()
    }

    /// The segment that holds an entry's payload, unless it has been deleted.
    fn segment_of(&self, index: u64) -> Option<u64> {
        self.state.lock().segments.range(..=index).next_back().map(|(first, _)| *first)
    }
}

/// A buffer longer than this is given back after a round.
const SCRATCH: usize = 1024 * 1024;

/// The first of some entries, given with their payloads by index, whose payload is not whole.
pub(crate) fn first_missing(
    vfs: &dyn Vfs,
    directory: &Path,
    entries: &[(u64, PayloadMark)],
) -> io::Result<Option<u64>> {
    if entries.is_empty() {
        return Ok(None);
    }
    let firsts = firsts(vfs, directory)?;
    let mut open: Option<(Segment, super::Cursor)> = None;
    for (index, mark) in entries {
        let Some(first) = firsts.range(..=*index).next_back().copied() else { return Ok(Some(*index)) };
        if open.as_ref().is_none_or(|(segment, _)| segment.first != first) {
            let segment = Segment::open(vfs, directory, first, OpenMode::Read);
            open = segment.ok().map(|segment| (segment, Segment::begin()));
        }
        let Some((segment, at)) = open.as_mut() else { return Ok(Some(*index)) };
        let place = loop {
            match segment.peek(*at) {
                Ok(Some(place)) if place.index < *index => *at = place.next(),
                Ok(Some(place)) if place.index == *index => break place,
                _ => return Ok(Some(*index)),
            }
        };
        if place.is_erased() || segment.sealed_of(&place, mark).is_err() {
            return Ok(Some(*index));
        }
    }
    Ok(None)
}

/// First indices of all payload segments.
fn firsts(vfs: &dyn Vfs, directory: &Path) -> io::Result<BTreeSet<u64>> {
    let listed = vfs.list(&directory.join(layout::PAYLOADS))?;
    Ok(listed.iter().filter_map(|e: &DirEntry| layout::payloads_first(&e.name)).collect())
}

/// Puts the end of a segment in order; when it was made. Only the last one can have been written to.
fn settle(vfs: &dyn Vfs, directory: &Path, first: u64, last: bool, extent: Extent) -> Result<Micros, String> {
    let segment = Segment::open(vfs, directory, first, OpenMode::Write).map_err(|flaw| flaw.to_string())?;
    if last {
        let expected = extent.last_payload.filter(|index| *index >= first);
        let cut = segment.cut(extent.size, extent.signed, expected);
        cut.map_err(|e| format!("{}: {e}", segment.name()))?;
    }
    Ok(Micros::from_i64(segment.created))
}

fn remove_segment(vfs: &dyn Vfs, directory: &Path, first: u64) -> io::Result<()> {
    let paths = [
        layout::records_path(directory, first),
        layout::salts_path(directory, first),
        layout::sealed_path(directory, first),
    ];
    for path in paths {
        match vfs.remove_file(&path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => (),
        }
    }
    vfs.sync_dir(&directory.join(layout::PAYLOADS))
}
