//! Payload segments of the format's first version: records in one file, their salts in fixed slots of another. They are
//! read and erased from, never written to.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::record;
use super::segment::{Flaw, Place};
use crate::frame::{HEADER_BYTES, SegmentHeader, SegmentKind};
use crate::layout;
use crate::vfs::{OpenMode, Vfs, VfsFile, read_range};

const HEADER: u64 = HEADER_BYTES as u64;
/// Length of a slot in bytes: index, offset of the record, salt.
const SLOT: u64 = 48;
/// Length of a record before its sealed bytes: length, checksum, index.
const HEAD: u64 = 16;

/// The two files.
pub(super) struct Split {
    data: Arc<dyn VfsFile>,
    salts: Arc<dyn VfsFile>,
    data_end: u64,
    salts_end: u64,
}

impl Split {
    pub(super) fn open(vfs: &dyn Vfs, root: &Path, first: u64, mode: OpenMode) -> Result<(Self, i64), Flaw> {
        let (data_name, salts_name) = names(first);
        let open = |path: std::path::PathBuf, name: &str, kind| {
            let failed = |e: io::Error| Flaw::new(name, e.to_string());
            let file = vfs.open(&path, mode).map_err(failed)?;
            let bytes = read_range(&*file, 0, HEADER_BYTES).map_err(failed)?;
            let header = SegmentHeader::decode(kind, &bytes).filter(|header| header.first == first);
            let header = header.ok_or_else(|| Flaw::new(name, "its header is not as it was written"))?;
            let end = file.len().map_err(failed)?;
            Ok((file, header, end))
        };
        let (data, header, data_end) =
            open(layout::sealed_path(root, first), &data_name, SegmentKind::Payloads)?;
        let (salts, of_salts, salts_end) =
            open(layout::salts_path(root, first), &salts_name, SegmentKind::Salts)?;
        if header.created != of_salts.created {
            return Err(Flaw::new(salts_name, "its header is that of another segment"));
        }
        Ok((Self { data, salts, data_end, salts_end }, header.created))
    }

    /// The record that a slot speaks of, and where it has to be when those before it are known.
    pub(super) fn at(&self, first: u64, slot_at: u64, record_at: Option<u64>) -> Result<Option<Place>, Flaw> {
        if slot_at == self.salts_end {
            return Ok(None);
        }
        let (data_name, salts_name) = names(first);
        let failed = |e: io::Error| Flaw::new(&salts_name, e.to_string());
        let slot = read_range(&*self.salts, slot_at, SLOT as usize).map_err(failed)?;
        let (index, offset, salt) =
            decode(&slot).ok_or_else(|| Flaw::new(&salts_name, "a slot is cut short"))?;
        if record_at.is_some_and(|at| at != offset) {
            return Err(Flaw::new(salts_name, "a slot names another place"));
        }
        let head = read_range(&*self.data, offset, HEAD as usize)
            .map_err(|e| Flaw::new(&data_name, e.to_string()))?;
        let (length, crc, named) =
            record::head(&head).ok_or_else(|| Flaw::new(&data_name, "a payload record is cut short"))?;
        let sealed_at = offset.saturating_add(HEAD);
        let end = sealed_at.saturating_add(u64::from(length));
        if end > self.data_end {
            return Err(Flaw::new(data_name, "a payload record is cut short"));
        }
        Ok(Some(Place {
            index,
            named,
            salt,
            salt_at: slot_at.saturating_add(16),
            sealed_at,
            length,
            crc,
            slot_at,
            next_slot: slot_at.saturating_add(SLOT),
            end,
        }))
    }

    /// The record of an entry, found by halving.
    pub(super) fn find(&self, first: u64, index: u64) -> Result<Option<Place>, Flaw> {
        let (mut low, mut high) = (0, self.salts_end.saturating_sub(HEADER) / SLOT);
        while low < high {
            let middle = low.saturating_add(high.saturating_sub(low) / 2);
            let at = HEADER.saturating_add(middle.saturating_mul(SLOT));
            let failed = |e: io::Error| Flaw::new(names(first).1, e.to_string());
            let slot = read_range(&*self.salts, at, SLOT as usize).map_err(failed)?;
            let Some((of, _, _)) = decode(&slot) else { return Ok(None) };
            match of.cmp(&index) {
                std::cmp::Ordering::Equal => return self.at(first, at, None),
                std::cmp::Ordering::Less => low = middle.saturating_add(1),
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        Ok(None)
    }

    /// Whether the files end where the last record that was read does.
    pub(super) fn ends_at(&self, slot_at: u64, record_at: u64) -> bool {
        slot_at == self.salts_end && record_at == self.data_end
    }

    pub(super) fn data(&self) -> &dyn VfsFile {
        &*self.data
    }

    pub(super) fn salts(&self) -> &dyn VfsFile {
        &*self.salts
    }

    /// Cuts slots and records of entries from `size` on, which the log does not have.
    pub(super) fn cut(&self, size: u64) -> io::Result<()> {
        let damaged = |why| io::Error::new(io::ErrorKind::InvalidData, why);
        let mut slots = self.salts_end.saturating_sub(HEADER) / SLOT;
        let mut last = None;
        while slots > 0 {
            let at = HEADER.saturating_add(slots.saturating_sub(1).saturating_mul(SLOT));
            let slot = read_range(&*self.salts, at, SLOT as usize)?;
            let (index, offset, _) = decode(&slot).ok_or_else(|| damaged("a slot is cut short"))?;
            // A hole: the length became durable before the bytes did. No record begins inside the header.
            if index < size && offset >= HEADER {
                last = Some(offset);
                break;
            }
            slots = slots.saturating_sub(1);
        }
        let offset = last.ok_or_else(|| damaged("no salt is left of an entry that should have one"))?;
        let head = read_range(&*self.data, offset, HEAD as usize)?;
        let (length, _, _) = record::head(&head).ok_or_else(|| damaged("the last record is cut short"))?;
        let data_end = offset.saturating_add(HEAD).saturating_add(u64::from(length));
        let salts_end = HEADER.saturating_add(slots.saturating_mul(SLOT));
        if self.data_end < data_end {
            return Err(damaged("the last record is cut short"));
        }
        for (file, had, end) in
            [(&self.data, self.data_end, data_end), (&self.salts, self.salts_end, salts_end)]
        {
            if had > end {
                file.truncate(end)?;
                file.sync_data()?;
            }
        }
        Ok(())
    }
}

/// A slot: index, offset of the record, salt.
fn decode(slot: &[u8]) -> Option<(u64, u64, [u8; 32])> {
    let (index, rest) = slot.split_first_chunk::<8>()?;
    let (offset, rest) = rest.split_first_chunk::<8>()?;
    let salt = <[u8; 32]>::try_from(rest).ok()?;
    Some((u64::from_be_bytes(*index), u64::from_be_bytes(*offset), salt))
}

pub(super) fn names(first: u64) -> (String, String) {
    let name = |path: std::path::PathBuf| path.display().to_string();
    (name(layout::sealed_path(Path::new(""), first)), name(layout::salts_path(Path::new(""), first)))
}
