//! Payload segments and salts, read in order beside the entries that speak of them.

use std::collections::{BTreeSet, VecDeque};
use std::path::Path;
use std::sync::Arc;

use stockade_crypto::sha256;

use super::{Bad, bad};
use crate::entry::PayloadMark;
use crate::frame::{HEADER_BYTES, SegmentHeader, SegmentKind};
use crate::layout;
use crate::payload::{SLOT_BYTES, Slot, read_record, record_length};
use crate::vfs::{OpenMode, Vfs, VfsFile, read_range};

const HEADER: u64 = HEADER_BYTES as u64;

/// The place up to which payloads have been checked.
pub(super) struct Cursor<'a> {
    vfs: &'a dyn Vfs,
    root: &'a Path,
    firsts: VecDeque<u64>,
    open: Option<Open>,
    /// Something was wrong: what follows is not looked at, as it would only repeat it.
    dead: bool,
}

struct Open {
    first: u64,
    data: Arc<dyn VfsFile>,
    salts: Arc<dyn VfsFile>,
    data_at: u64,
    salts_at: u64,
    data_end: u64,
    salts_end: u64,
}

/// What became of an entry's payload.
pub(super) enum Found {
    Intact,
    /// Not there, or without its salt.
    Gone,
    /// Wrong, and told.
    Bad,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(vfs: &'a dyn Vfs, root: &'a Path, problems: &mut Vec<Bad>) -> Self {
        let listed = vfs.list(&root.join(layout::PAYLOADS)).unwrap_or_else(|e| {
            problems.push(bad(None, layout::PAYLOADS, e.to_string()));
            Vec::new()
        });
        let named =
            listed.iter().filter_map(|e| layout::sealed_first(&e.name).or(layout::salts_first(&e.name)));
        let firsts = named.collect::<BTreeSet<_>>().into_iter().collect();
        Self { vfs, root, firsts, open: None, dead: false }
    }

    /// Checks the payload of an entry. Entries come in order.
    pub(super) fn next_for(&mut self, index: u64, mark: &PayloadMark, problems: &mut Vec<Bad>) -> Found {
        if self.dead {
            return Found::Bad;
        }
        match self.check(index, mark) {
            Ok(found) => found,
            Err(problem) => {
                self.dead = true;
                problems.push(problem);
                Found::Bad
            }
        }
    }

    fn check(&mut self, index: u64, mark: &PayloadMark) -> Result<Found, Bad> {
        loop {
            self.advance(index)?;
            let Some(open) = self.open.as_mut() else { return Ok(Found::Gone) };
            let (data_name, salts_name) = names(open.first);
            let failed = |e: std::io::Error| bad(Some(index), &data_name, e.to_string());
            if open.salts_at == open.salts_end {
                if open.data_at != open.data_end {
                    return Err(bad(Some(index), data_name, "the segment goes on after its last record"));
                }
                self.open = None;
                continue;
            }
            let slot = Slot::decode(&read_range(&*open.salts, open.salts_at, 48).map_err(failed)?)
                .ok_or_else(|| bad(Some(index), &salts_name, "a slot is cut short"))?;
            if slot.index > index {
                return Ok(Found::Gone);
            }
            if slot.index < index || slot.offset != open.data_at {
                return Err(bad(Some(index), salts_name, "a slot names another entry or place"));
            }
            let head = read_range(&*open.data, slot.offset, 4).map_err(failed)?;
            let length = record_length(&head).map_err(|e| bad(Some(index), &data_name, e.to_string()))?;
            let room = open.data_end.saturating_sub(open.data_at);
            let length = usize::try_from(length.min(room)).unwrap_or(usize::MAX);
            let record = read_range(&*open.data, slot.offset, length).map_err(failed)?;
            let (named, sealed) =
                read_record(&record).map_err(|e| bad(Some(index), &data_name, e.to_string()))?;
            if named != index || sha256(sealed) != mark.sealed {
                return Err(bad(
                    Some(index),
                    data_name,
                    "the record is not the one that the entry speaks of",
                ));
            }
            if !slot.is_erased() && sha256(&slot.salt) != mark.salt {
                return Err(bad(Some(index), salts_name, "the salt is not the one that the entry speaks of"));
            }
            open.data_at = open.data_at.saturating_add(u64::try_from(length).unwrap_or(u64::MAX));
            open.salts_at = open.salts_at.saturating_add(SLOT_BYTES);
            return Ok(if slot.is_erased() { Found::Gone } else { Found::Intact });
        }
    }

    /// Opens the next segment when there is none open and it can hold the entry's payload.
    fn advance(&mut self, index: u64) -> Result<(), Bad> {
        let next = self.firsts.front().copied().filter(|first| self.open.is_none() && *first <= index);
        if let Some(first) = next {
            self.firsts.pop_front();
            let (data_name, salts_name) = names(first);
            let open = |path: std::path::PathBuf, name: &str, kind| {
                let failed = |e: std::io::Error| bad(Some(index), name, e.to_string());
                let file = self.vfs.open(&path, OpenMode::Read).map_err(failed)?;
                let bytes = read_range(&*file, 0, HEADER_BYTES).map_err(failed)?;
                let header = SegmentHeader::decode(kind, &bytes).filter(|header| header.first == first);
                let header =
                    header.ok_or_else(|| bad(Some(index), name, "its header is not as it was written"))?;
                let end = file.len().map_err(failed)?;
                Ok((file, header, end))
            };
            let (data, header, data_end) =
                open(layout::sealed_path(self.root, first), &data_name, SegmentKind::Payloads)?;
            let (salts, of_salts, salts_end) =
                open(layout::salts_path(self.root, first), &salts_name, SegmentKind::Salts)?;
            if header.created != of_salts.created {
                return Err(bad(Some(index), salts_name, "its header is that of another segment"));
            }
            self.open =
                Some(Open { first, data, salts, data_at: HEADER, salts_at: HEADER, data_end, salts_end });
        }
        Ok(())
    }

    /// The end of a log of `size` entries: what is left belongs to entries that never became durable, or to none.
    pub(super) fn finish(&mut self, size: u64, problems: &mut Vec<Bad>) {
        if self.dead {
            return;
        }
        if let Some(open) = &self.open {
            let (data_name, salts_name) = names(open.first);
            let next = read_range(&*open.salts, open.salts_at, 48).ok().and_then(|b| Slot::decode(&b));
            let beyond = next.is_some_and(|slot| slot.index >= size);
            if (open.salts_at != open.salts_end || open.data_at != open.data_end) && !beyond {
                let file = if open.data_at == open.data_end { salts_name } else { data_name };
                problems.push(bad(None, file, "there is more in it than entries speak of"));
            }
        }
        for first in self.firsts.iter().filter(|first| **first < size) {
            problems.push(bad(Some(*first), names(*first).0, "no entry speaks of it"));
        }
    }
}

fn names(first: u64) -> (String, String) {
    let name = |path: std::path::PathBuf| path.display().to_string();
    (name(layout::sealed_path(Path::new(""), first)), name(layout::salts_path(Path::new(""), first)))
}
