//! The payload segments of a log: appending in the writer's round, reading, erasing, deleting what is over.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use parking_lot::Mutex;
use stockade_domain::{Clock, Micros};

use super::segment::{SLOT_BYTES, Slot, push_record, read_record, record_length};
use super::{PayloadState, Sealed, Vault};
use crate::entry::PayloadMark;
use crate::error::LedgerError;
use crate::frame::{HEADER_BYTES, SegmentHeader, SegmentKind};
use crate::layout;
use crate::vfs::{DirEntry, OpenMode, Vfs, VfsFile, read_range};

const HEADER: u64 = HEADER_BYTES as u64;

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
    data: Arc<dyn VfsFile>,
    salts: Arc<dyn VfsFile>,
    data_end: u64,
    salts_end: u64,
    last_write: Micros,
}

/// What a start found in the payload directory and could not put in order; it never stops the log.
pub(crate) type Problems = Vec<String>;

impl PayloadStore {
    /// Opens the store of a log of `size` entries: what was written for entries that never became durable is cut off.
    pub(crate) fn open(
        vfs: Arc<dyn Vfs>,
        directory: PathBuf,
        clock: Arc<dyn Clock>,
        max_bytes: u64,
        max_age: std::time::Duration,
        size: u64,
    ) -> Result<(Self, Problems), LedgerError> {
        let opened = clock.now();
        let mut problems = Problems::new();
        let mut segments = BTreeMap::new();
        let folder = directory.join(layout::PAYLOADS);
        let listed = vfs.list(&folder).map_err(|e| LedgerError::io("listing payloads", e))?;
        let named = |e: &DirEntry| layout::sealed_first(&e.name).or(layout::salts_first(&e.name));
        for first in listed.iter().filter_map(named).collect::<BTreeSet<_>>() {
            match cut_tail(&*vfs, &directory, first, size) {
                Ok(Some(created)) => {
                    segments.insert(first, created);
                }
                Ok(None) => (),
                Err(e) => {
                    problems.push(format!("{}: {e}", layout::sealed_path(&directory, first).display()));
                    segments.insert(first, opened);
                }
            }
        }
        let state = Mutex::new(State { segments, active: None, opened, scratch: Vec::new() });
        let max_age = u64::try_from(max_age.as_micros()).unwrap_or(u64::MAX);
        Ok((Self { vfs, directory, clock, max_bytes, max_age, state }, problems))
    }

    /// Writes and syncs the payloads of a round. They are durable before the round's entries are written, so that an
    /// entry in the log always had its payload on the disk.
    pub(crate) fn append<'a>(&self, records: impl Iterator<Item = (u64, &'a Sealed)>) -> io::Result<()> {
        let mut records = records.peekable();
        let Some(first) = records.peek().map(|(index, _)| *index) else { return Ok(()) };
        let now = self.clock.now();
        let mut state = self.state.lock();
        let state = &mut *state;
        let full = |active: &Active, created: Option<&Micros>| {
            active.data_end >= self.max_bytes
                || created.is_none_or(|created| now.since(*created) >= self.max_age)
        };
        if state.active.as_ref().is_none_or(|a| full(a, state.segments.get(&a.first))) {
            let created = state.segments.last_key_value().map_or(now, |(_, last)| now.max(*last));
            state.active = Some(self.create(first, created)?);
            state.segments.insert(first, created);
        }
        let Some(active) = state.active.as_mut() else { return Ok(()) };
        state.scratch.clear();
        let mut slots = Vec::new();
        for (index, sealed) in records {
            let offset = active.data_end.saturating_add(to_u64(state.scratch.len()));
            slots.extend(Slot { index, offset, salt: sealed.salt }.encode());
            push_record(&mut state.scratch, index, &sealed.bytes);
        }
        active.data.write_at(&state.scratch, active.data_end)?;
        active.salts.write_at(&slots, active.salts_end)?;
        sync_both(&*active.data, &*active.salts)?;
        active.data_end = active.data_end.saturating_add(to_u64(state.scratch.len()));
        active.salts_end = active.salts_end.saturating_add(to_u64(slots.len()));
        active.last_write = now;
        Ok(())
    }

    fn create(&self, first: u64, created: Micros) -> io::Result<Active> {
        let header = |kind| SegmentHeader { kind, first, created: created.as_i64() }.encode();
        let make = |path: PathBuf, kind| {
            let file = self.vfs.open(&path, OpenMode::Create)?;
            file.write_at(&header(kind), 0)?;
            file.sync_data()?;
            Ok::<_, io::Error>(file)
        };
        let salts = make(layout::salts_path(&self.directory, first), SegmentKind::Salts)?;
        let data = make(layout::sealed_path(&self.directory, first), SegmentKind::Payloads)?;
        self.vfs.sync_dir(&self.directory.join(layout::PAYLOADS))?;
        Ok(Active { first, data, salts, data_end: HEADER, salts_end: HEADER, last_write: created })
    }

    /// The payload that an entry speaks of.
    pub(crate) fn read(
        &self,
        vault: &Vault,
        index: u64,
        mark: &PayloadMark,
    ) -> Result<PayloadState, LedgerError> {
        let Some(first) = self.segment_of(index) else { return Ok(PayloadState::Erased) };
        let Some((slot, _)) = self.slot(first, index)? else {
            let path = layout::salts_path(&self.directory, first);
            return Err(LedgerError::damaged(
                path.display().to_string(),
                format!("entry {index} has no slot"),
            ));
        };
        if slot.is_erased() {
            return Ok(PayloadState::Erased);
        }
        let path = layout::sealed_path(&self.directory, first);
        let place = format!("{} at byte {}", path.display(), slot.offset);
        let failed = |e| LedgerError::io(format!("reading {place}"), e);
        let file = self.vfs.open(&path, OpenMode::Read).map_err(failed)?;
        let head = read_range(&*file, slot.offset, 4).map_err(failed)?;
        let length = record_length(&head).map_err(|e| LedgerError::damaged(&place, e.to_string()))?;
        let length = usize::try_from(length.min(file.len().map_err(failed)?)).unwrap_or(usize::MAX);
        let record = read_range(&*file, slot.offset, length).map_err(failed)?;
        let (at, sealed) = read_record(&record).map_err(|e| LedgerError::damaged(&place, e.to_string()))?;
        let text = vault.open(mark, &slot.salt, sealed).filter(|_| at == index);
        text.map(PayloadState::Text).ok_or_else(|| {
            LedgerError::damaged(&place, "the payload is not the one that the entry speaks of")
        })
    }

    /// Overwrites the salt of an entry's payload, and makes that durable. `false` when there was none any more.
    pub(crate) fn erase(&self, index: u64) -> Result<bool, LedgerError> {
        let Some(first) = self.segment_of(index) else { return Ok(false) };
        let Some((slot, at)) = self.slot(first, index)? else { return Ok(false) };
        let path = layout::salts_path(&self.directory, first);
        let failed = |e| LedgerError::io(format!("erasing a salt in {}", path.display()), e);
        let file = self.vfs.open(&path, OpenMode::Write).map_err(failed)?;
        file.write_at(&[0; 32], at.saturating_add(16)).map_err(failed)?;
        file.sync_data().map_err(failed)?;
        Ok(!slot.is_erased())
    }

    /// Segments all of whose payloads were written before a time: the first index of each, and of the one after it
    /// (or `size`).
    pub(crate) fn expired(&self, before: Micros, size: u64) -> Vec<(u64, u64)> {
        let mut state = self.state.lock();
        if state.active.as_ref().is_some_and(|active| active.last_write < before) {
            state.opened = state.opened.max(self.clock.now().min(before));
            state.active = None;
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

    /// An entry's slot in a segment, and its offset.
    fn slot(&self, first: u64, index: u64) -> Result<Option<(Slot, u64)>, LedgerError> {
        let path = layout::salts_path(&self.directory, first);
        let failed = |e| LedgerError::io(format!("reading {}", path.display()), e);
        let file = self.vfs.open(&path, OpenMode::Read).map_err(failed)?;
        let slots = file.len().map_err(failed)?.saturating_sub(HEADER) / SLOT_BYTES;
        let (mut low, mut high) = (0, slots);
        while low < high {
            let middle = low.saturating_add(high.saturating_sub(low) / 2);
            let at = HEADER.saturating_add(middle.saturating_mul(SLOT_BYTES));
            let Some(slot) = Slot::decode(&read_range(&*file, at, 48).map_err(failed)?) else {
                return Ok(None);
            };
            match slot.index.cmp(&index) {
                std::cmp::Ordering::Equal => return Ok(Some((slot, at))),
                std::cmp::Ordering::Less => low = middle.saturating_add(1),
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        Ok(None)
    }
}

/// Syncs two files side by side: the device takes both into one go, and a round waits for one sync instead of two.
fn sync_both(one: &dyn VfsFile, other: &dyn VfsFile) -> io::Result<()> {
    thread::scope(|scope| {
        let beside = thread::Builder::new().spawn_scoped(scope, || one.sync_data());
        let here = other.sync_data();
        match beside {
            Ok(thread) => thread.join().unwrap_or_else(|_| Err(io::Error::other("a sync panicked")))?,
            Err(_no_thread) => one.sync_data()?,
        }
        here
    })
}

/// Cuts slots and records of entries that the log does not have. `None` when nothing was left and the segment is gone.
fn cut_tail(vfs: &dyn Vfs, directory: &std::path::Path, first: u64, size: u64) -> io::Result<Option<Micros>> {
    let damaged = |why| io::Error::new(io::ErrorKind::InvalidData, why);
    let data_path = layout::sealed_path(directory, first);
    let salts_path = layout::salts_path(directory, first);
    if first >= size {
        remove_segment(vfs, directory, first)?;
        return Ok(None);
    }
    let data = vfs.open(&data_path, OpenMode::Write)?;
    let salts = vfs.open(&salts_path, OpenMode::Write)?;
    let header = SegmentHeader::decode(SegmentKind::Payloads, &read_range(&*data, 0, HEADER_BYTES)?)
        .ok_or_else(|| damaged("the header is damaged"))?;
    let mut slots = salts.len()?.saturating_sub(HEADER) / SLOT_BYTES;
    let mut last = None;
    while slots > 0 {
        let at = HEADER.saturating_add(slots.saturating_sub(1).saturating_mul(SLOT_BYTES));
        let slot =
            Slot::decode(&read_range(&*salts, at, 48)?).ok_or_else(|| damaged("a slot is cut short"))?;
        // A hole: the length became durable before the bytes did. No record begins inside the header.
        let hole = slot.offset < HEADER;
        if slot.index < size && !hole {
            last = Some(slot);
            break;
        }
        slots = slots.saturating_sub(1);
    }
    let Some(last) = last else { return Err(damaged("no salt is left of an entry that should have one")) };
    let head = read_range(&*data, last.offset, 4)?;
    let length = record_length(&head).map_err(|_| damaged("the last record is cut short"))?;
    let data_end = last.offset.saturating_add(length);
    let salts_end = HEADER.saturating_add(slots.saturating_mul(SLOT_BYTES));
    if data.len()? < data_end {
        return Err(damaged("the last record is cut short"));
    }
    for (file, end) in [(data, data_end), (salts, salts_end)] {
        if file.len()? > end {
            file.truncate(end)?;
            file.sync_data()?;
        }
    }
    Ok(Some(Micros::from_i64(header.created)))
}

fn remove_segment(vfs: &dyn Vfs, directory: &std::path::Path, first: u64) -> io::Result<()> {
    for path in [layout::salts_path(directory, first), layout::sealed_path(directory, first)] {
        match vfs.remove_file(&path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => (),
        }
    }
    vfs.sync_dir(&directory.join(layout::PAYLOADS))
}

fn to_u64(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
