//! Reading payload segments, of this version of the format and of the first one.

use std::io;
use std::path::Path;
use std::sync::Arc;

use stockade_crypto::{Digest, sha256};

use super::record::{self, HEAD_BYTES};
use super::split::{self, Split};
use crate::entry::PayloadMark;
use crate::frame::{HEADER_BYTES, SegmentHeader, SegmentKind};
use crate::layout;
use crate::room::is_room;
use crate::vfs::{OpenMode, Vfs, VfsFile, read_range};

const HEADER: u64 = HEADER_BYTES as u64;

/// A payload segment.
pub(crate) struct Segment {
    pub(crate) first: u64,
    /// When it was made, in microseconds since 1970.
    pub(crate) created: i64,
    body: Body,
}

enum Body {
    /// Records with their salts.
    Joined(Arc<dyn VfsFile>),
    /// Records and salts apart.
    Split(Split),
}

/// A place between two records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cursor {
    record: u64,
    slot: u64,
}

/// Where a record lies and what its head says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// Index of the entry.
    pub(crate) index: u64,
    /// The same, as the record itself names it.
    pub(super) named: u64,
    /// The salt; zeros once erased.
    pub(crate) salt: Digest,
    pub(super) salt_at: u64,
    pub(super) sealed_at: u64,
    pub(super) length: u32,
    pub(super) crc: u32,
    pub(super) slot_at: u64,
    pub(super) next_slot: u64,
    pub(super) end: u64,
}

/// What is wrong with a segment, and in which file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {why}")]
pub(crate) struct Flaw {
    pub(crate) file: String,
    pub(crate) why: String,
}

impl Flaw {
    pub(super) fn new(file: impl Into<String>, why: impl Into<String>) -> Self {
        Self { file: file.into(), why: why.into() }
    }
}

impl Place {
    pub(crate) fn is_erased(&self) -> bool {
        self.salt == [0; 32]
    }

    /// The place after the record.
    pub(crate) fn next(&self) -> Cursor {
        Cursor { record: self.end, slot: self.next_slot }
    }
}

impl Segment {
    /// Opens the segment that begins with an entry; its header must be as it was written.
    pub(crate) fn open(vfs: &dyn Vfs, root: &Path, first: u64, mode: OpenMode) -> Result<Self, Flaw> {
        let name = name_of(first);
        let failed = |e: io::Error| Flaw::new(&name, e.to_string());
        let file = match vfs.open(&layout::records_path(root, first), mode) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                let (split, created) = Split::open(vfs, root, first, mode)?;
                return Ok(Self { first, created, body: Body::Split(split) });
            }
            Err(e) => return Err(failed(e)),
        };
        let bytes = read_range(&*file, 0, HEADER_BYTES).map_err(failed)?;
        let header = SegmentHeader::decode(SegmentKind::Records, &bytes).filter(|h| h.first == first);
        let header = header.ok_or_else(|| Flaw::new(&name, "its header is not as it was written"))?;
        Ok(Self { first, created: header.created, body: Body::Joined(file) })
    }

    /// The place before the first record.
    pub(crate) const fn begin() -> Cursor {
        Cursor { record: HEADER, slot: HEADER }
    }

    /// The file that a look into the segment speaks of.
    pub(crate) fn name(&self) -> String {
        match &self.body {
            Body::Joined(_) => name_of(self.first),
            Body::Split(_) => split::names(self.first).0,
        }
    }

    /// The record that begins at a place; none at the end.
    pub(crate) fn peek(&self, at: Cursor) -> Result<Option<Place>, Flaw> {
        let file = match &self.body {
            Body::Joined(file) => file,
            Body::Split(split) => return split.at(self.first, at.slot, Some(at.record)),
        };
        let flaw = |why: &str| Flaw::new(name_of(self.first), why);
        let bytes = read_range(&**file, at.record, HEAD_BYTES).map_err(|e| flaw(&e.to_string()))?;
        match record::head(&bytes) {
            None if bytes.iter().all(|byte| *byte == 0) => Ok(None),
            Some((0, ..)) => Ok(None),
            None => Err(flaw("a payload record is cut short")),
            Some((length, crc, index)) => {
                let salt = bytes.last_chunk::<32>().filter(|_| bytes.len() == HEAD_BYTES);
                let sealed_at = at.record.saturating_add(HEAD_BYTES as u64);
                let end = sealed_at.saturating_add(u64::from(length));
                let here = file.len().map_err(|e| flaw(&e.to_string()))?;
                let salt = salt.filter(|_| end <= here);
                Ok(Some(Place {
                    index,
                    named: index,
                    salt: *salt.ok_or_else(|| flaw("a payload record is cut short"))?,
                    salt_at: at.record.saturating_add(16),
                    sealed_at,
                    length,
                    crc,
                    slot_at: at.slot,
                    next_slot: at.slot,
                    end,
                }))
            }
        }
    }

    /// The record of an entry.
    pub(crate) fn find(&self, index: u64) -> Result<Option<Place>, Flaw> {
        if let Body::Split(split) = &self.body {
            return split.find(self.first, index);
        }
        let mut at = Self::begin();
        while let Some(place) = self.peek(at)? {
            match place.index {
                here if here == index => return Ok(Some(place)),
                here if here > index => break,
                _ => at = place.next(),
            }
        }
        Ok(None)
    }

    /// The sealed bytes of a record.
    pub(crate) fn sealed(&self, place: &Place) -> Result<Vec<u8>, Flaw> {
        let file = match &self.body {
            Body::Joined(file) => &**file,
            Body::Split(split) => split.data(),
        };
        let flaw = |why: &str| Flaw::new(self.name(), why);
        let length = usize::try_from(place.length).unwrap_or(usize::MAX);
        let sealed = read_range(file, place.sealed_at, length).map_err(|e| flaw(&e.to_string()))?;
        if record::checksum(place.length, place.named, &sealed) != place.crc {
            return Err(flaw("a payload record's checksum does not fit"));
        }
        if place.named != place.index {
            return Err(flaw("a payload record names another entry"));
        }
        Ok(sealed)
    }

    /// The sealed bytes of a record, if it is the one that an entry speaks of.
    pub(crate) fn sealed_of(&self, place: &Place, mark: &PayloadMark) -> Result<Vec<u8>, Flaw> {
        let sealed = self.sealed(place)?;
        if sha256(&sealed) != mark.sealed {
            return Err(Flaw::new(self.name(), "the record is not the one that the entry speaks of"));
        }
        if !place.is_erased() && sha256(&place.salt) != mark.salt {
            let file = match &self.body {
                Body::Joined(_) => self.name(),
                Body::Split(_) => split::names(self.first).1,
            };
            return Err(Flaw::new(file, "the salt is not the one that the entry speaks of"));
        }
        Ok(sealed)
    }

    /// Overwrites a record's salt and makes that durable.
    pub(crate) fn erase(&self, place: &Place) -> io::Result<()> {
        let file = match &self.body {
            Body::Joined(file) => &**file,
            Body::Split(split) => split.salts(),
        };
        file.write_at(&[0; 32], place.salt_at)?;
        file.sync_data()
    }

    /// Whether nothing comes after a place at which there is no record: the file ends there, but for room.
    pub(crate) fn ends_at(&self, at: Cursor) -> Result<bool, Flaw> {
        match &self.body {
            Body::Joined(file) => {
                is_room(&**file, at.record).map_err(|e| Flaw::new(self.name(), e.to_string()))
            }
            Body::Split(split) => Ok(split.ends_at(at.slot, at.record)),
        }
    }

    /// Cuts what was written for entries from `size` on, which the log does not have, and writes what was written for those
    /// from `signed` on once more: after a failed sync the kernel may take pages for clean that never reached the disk.
    /// `expected` is the last entry below `size` that is known to have its payload here.
    pub(crate) fn cut(&self, size: u64, signed: u64, expected: Option<u64>) -> io::Result<()> {
        let file = match &self.body {
            Body::Joined(file) => file,
            Body::Split(split) => return split.cut(size),
        };
        let (mut at, mut last, mut unsigned) = (Self::begin(), None, None);
        loop {
            match self.peek(at) {
                Ok(Some(place)) if place.index < size && last.is_none_or(|last| place.index > last) => {
                    if place.index >= signed && unsigned.is_none() {
                        unsigned = Some(at.record);
                    }
                    last = Some(place.index);
                    at = place.next();
                }
                Ok(_) => break,
                Err(_torn) if last >= expected && expected.is_some() => break,
                Err(flaw) => return Err(io::Error::new(io::ErrorKind::InvalidData, flaw.why)),
            }
        }
        if last < expected {
            let why = "the record of an entry is missing";
            return Err(io::Error::new(io::ErrorKind::InvalidData, why));
        }
        let long = file.len()? > at.record;
        if long {
            file.truncate(at.record)?;
        }
        if let Some(from) = unsigned {
            let length = usize::try_from(at.record.saturating_sub(from)).unwrap_or(usize::MAX);
            file.write_at(&read_range(&**file, from, length)?, from)?;
        }
        if long || unsigned.is_some() { file.sync_data() } else { Ok(()) }
    }
}

fn name_of(first: u64) -> String {
    layout::records_path(Path::new(""), first).display().to_string()
}
