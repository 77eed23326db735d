//! HDF5: only its structure is followed. Data are not read; what leads out of the file is a finding.
//! (HDF5 File Format Specification 3.0.)

use std::collections::HashSet;

use super::read::{Cursor, ReadAt, bytes_at};
use super::scanner::{Place, Scan};
use super::{json, keras, rule};

pub(crate) const MAGIC: &[u8] = b"\x89HDF\r\n\x1a\n";

/// Objects that are visited.
const MAX_OBJECTS: usize = 200_000;

/// Blocks of one header or tree.
const MAX_BLOCKS: usize = 4096;

/// The largest block of a header that is read, in bytes.
const MAX_BLOCK: u64 = 1 << 20;

/// The longest attribute that is read, in bytes.
const MAX_ATTRIBUTE: usize = 64 << 20;

/// Attributes in which Keras keeps a model.
const KERAS_ATTRIBUTES: [&str; 3] = ["model_config", "training_config", "layer_config"];

/// An address that says "none".
const NONE: u64 = u64::MAX;

struct Walk<'s, 'p, 'a> {
    scan: &'s mut Scan<'p>,
    source: &'a dyn ReadAt,
    place: &'a Place,
    base: u64,
    seen: HashSet<u64>,
    waiting: Vec<u64>,
    dense: bool,
    damaged: bool,
}

/// Where the superblock is, if there is one: at 0, 512, 1024, ...
pub(crate) fn start(source: &dyn ReadAt, head: &[u8]) -> Option<u64> {
    if head.starts_with(MAGIC) {
        return Some(0);
    }
    let mut at = 512u64;
    while at < source.len() && at <= 1 << 20 {
        if bytes_at(source, at, 8) == MAGIC {
            return Some(at);
        }
        at = at.saturating_mul(2);
    }
    None
}

/// Follows a file.
pub(crate) fn analyse(scan: &mut Scan<'_>, source: &dyn ReadAt, place: &Place, start: u64) {
    let head = bytes_at(source, start, 128);
    let wide = |at: usize| {
        head.get(at..at.saturating_add(8)).and_then(|b| b.try_into().ok()).map(u64::from_le_bytes)
    };
    // Offsets and lengths of 8 bytes are all that is written today.
    let (root, sizes) = match head.get(8) {
        Some(0) => (wide(64), head.get(13..15)),
        Some(1) => (wide(68), head.get(13..15)),
        Some(2 | 3) => (wide(36), head.get(9..11)),
        _ => (None, None),
    };
    let (Some(root), Some([8, 8])) = (root, sizes) else {
        scan.incomplete(place, "hdf5", "its superblock is of a kind that is not followed");
        return;
    };
    let mut walk = Walk {
        scan,
        source,
        place,
        base: start,
        seen: HashSet::new(),
        waiting: vec![root],
        dense: false,
        damaged: false,
    };
    while let Some(address) = walk.waiting.pop() {
        if walk.seen.len() > MAX_OBJECTS {
            walk.scan.incomplete(place, "hdf5", "it has more objects than are followed");
            break;
        }
        if address != NONE && walk.seen.insert(address) && walk.object(address).is_none() {
            walk.damaged = true;
        }
    }
    if walk.damaged {
        walk.scan.incomplete(place, "hdf5", "a part of its structure is damaged");
    }
    if walk.dense {
        walk.scan.incomplete(place, "hdf5", "it keeps links or attributes in a form that is not followed");
    }
}

// === impl Walk ===

impl Walk<'_, '_, '_> {
    fn at(&self, address: u64) -> Option<u64> {
        self.base.checked_add(address).filter(|at| *at < self.source.len())
    }

    /// Reads an object's header and all its messages.
    fn object(&mut self, address: u64) -> Option<()> {
        let at = self.at(address)?;
        let mut cursor = Cursor::new(self.source, at);
        let mut blocks: Vec<(u64, u64)> = Vec::new();
        let second = cursor.peek(4) == b"OHDR";
        let mut tracked = false;
        if second {
            cursor.skip(5)?;
            let flags = cursor.byte()?;
            cursor.skip(if flags & 0x20 != 0 { 16 } else { 0 })?;
            cursor.skip(if flags & 0x10 != 0 { 4 } else { 0 })?;
            let size = match flags & 3 {
                0 => u64::from(cursor.byte()?),
                1 => u64::from(cursor.u16()?),
                2 => u64::from(cursor.u32()?),
                _ => cursor.u64()?,
            };
            tracked = flags & 4 != 0;
            blocks.push((cursor.offset(), size));
        } else {
            if cursor.byte()? != 1 {
                return None;
            }
            cursor.skip(7)?;
            let size = u64::from(cursor.u32()?);
            cursor.skip(4)?;
            blocks.push((cursor.offset(), size));
        }
        let mut done = 0usize;
        while let Some((at, size)) = blocks.get(done).copied() {
            done = done.saturating_add(1);
            if done > MAX_BLOCKS || size > MAX_BLOCK {
                return None;
            }
            self.block(at, size, second, tracked, &mut blocks)?;
        }
        Some(())
    }

    fn block(
        &mut self,
        at: u64,
        size: u64,
        second: bool,
        tracked: bool,
        blocks: &mut Vec<(u64, u64)>,
    ) -> Option<()> {
        let bytes = bytes_at(self.source, at, usize::try_from(size).ok()?);
        let bytes: &dyn ReadAt = &bytes;
        let mut cursor = Cursor::new(bytes, 0);
        let header = if second { if tracked { 6 } else { 4 } } else { 8 };
        while cursor.left() >= header {
            let (kind, len) = if second {
                let kind = u16::from(cursor.byte()?);
                let len = cursor.u16()?;
                cursor.skip(if tracked { 3 } else { 1 })?;
                (kind, len)
            } else {
                let kind = cursor.u16()?;
                let len = cursor.u16()?;
                cursor.skip(4)?;
                (kind, len)
            };
            let body = bytes_at(bytes, cursor.offset(), usize::from(len));
            cursor.skip(u64::from(len))?;
            self.message(kind, &body, second, blocks);
        }
        Some(())
    }

    fn message(&mut self, kind: u16, body: &[u8], second: bool, blocks: &mut Vec<(u64, u64)>) {
        let wide = |at: usize| {
            body.get(at..at.saturating_add(8)).and_then(|b| b.try_into().ok()).map(u64::from_le_bytes)
        };
        match kind {
            // Link info and attribute info: an address of a heap when they are many.
            0x02 => {
                let at = if body.get(1).is_some_and(|f| f & 1 != 0) { 10 } else { 2 };
                self.many(wide(at), false);
            }
            0x15 => {
                let at = if body.get(1).is_some_and(|f| f & 1 != 0) { 4 } else { 2 };
                self.many(wide(at), true);
            }
            0x06 => self.damaged |= self.link(body).is_none(),
            0x07 => {
                let message = "a dataset keeps its numbers in another file".to_owned();
                self.scan.issue(rule::HDF5, self.place, message, None);
            }
            // Data layout; class 3 is virtual, made of other files' datasets.
            0x08 if body.first() == Some(&4) && body.get(1) == Some(&3) => {
                let message = "a virtual dataset, which is made of other files".to_owned();
                self.scan.issue(rule::HDF5, self.place, message, None);
            }
            0x0c => self.attribute(body),
            0x10 => {
                if let (Some(address), Some(len)) = (wide(0), wide(8))
                    && let Some(at) = self.at(address)
                {
                    // `OCHK` and a checksum stand around blocks of the second version.
                    let (at, len) =
                        if second { (at.saturating_add(4), len.saturating_sub(8)) } else { (at, len) };
                    blocks.push((at, len));
                }
            }
            0x11 => {
                if let (Some(tree), Some(_)) = (wide(0), wide(8)) {
                    self.tree(tree);
                }
            }
            _ => {}
        }
    }

    /// Reads a link message; its length.
    fn link(&mut self, body: &[u8]) -> Option<u64> {
        let body: &dyn ReadAt = &body;
        let mut cursor = Cursor::new(body, 1);
        let flags = cursor.byte()?;
        let kind = if flags & 8 != 0 { cursor.byte()? } else { 0 };
        cursor.skip(if flags & 4 != 0 { 8 } else { 0 })?;
        cursor.skip(if flags & 16 != 0 { 1 } else { 0 })?;
        let len = match flags & 3 {
            0 => u64::from(cursor.byte()?),
            1 => u64::from(cursor.u16()?),
            2 => u64::from(cursor.u32()?),
            _ => cursor.u64()?,
        };
        cursor.skip(len)?;
        match kind {
            0 => self.waiting.push(cursor.u64()?),
            _ => {
                let len = cursor.u16()?;
                let value = cursor.peek(usize::from(len)).to_vec();
                cursor.skip(u64::from(len))?;
                if kind == 64 {
                    let file = value.get(1..).and_then(|v| v.split(|b| *b == 0).next()).unwrap_or_default();
                    let message = format!("a link into another file, `{}`", String::from_utf8_lossy(file));
                    self.scan.issue(rule::HDF5, self.place, message, None);
                }
            }
        }
        Some(cursor.offset())
    }

    /// Links or attributes that are kept in a heap because they are many.
    fn many(&mut self, heap: Option<u64>, attributes: bool) {
        if let Some(heap) = heap.filter(|a| *a != NONE && self.seen.insert(*a))
            && self.heap_objects(heap, attributes).is_none()
        {
            self.dense = true;
        }
    }

    /// Follows a fractal heap to its direct blocks. (III.G of the specification.)
    fn heap_objects(&mut self, address: u64, attributes: bool) -> Option<()> {
        let mut cursor = Cursor::new(self.source, self.at(address)?);
        if &cursor.array::<4>()? != b"FRHP" {
            return None;
        }
        cursor.skip(3)?;
        let filters = cursor.u16()?;
        let flags = cursor.byte()?;
        cursor.skip(4 + 9 * 8)?;
        // Objects that are too large for its blocks lie elsewhere, behind a tree of their own.
        let huge = cursor.u64()?;
        cursor.skip(2 * 8)?;
        let width = u64::from(cursor.u16()?);
        let first = cursor.u64()?;
        let largest = cursor.u64()?;
        let offset_bytes = u64::from(cursor.u16()?).div_ceil(8);
        cursor.skip(2)?;
        let root = cursor.u64()?;
        let rows = u64::from(cursor.u16()?);
        if filters != 0 || huge != 0 || width == 0 || width > 1024 || first == 0 {
            return None;
        }
        let head = 13u64.saturating_add(offset_bytes);
        let mut blocks = Vec::new();
        if rows == 0 {
            blocks.push((root, first));
        } else {
            let mut cursor = Cursor::new(self.source, self.at(root)?);
            if &cursor.array::<4>()? != b"FHIB" {
                return None;
            }
            cursor.skip(head.saturating_sub(4))?;
            let mut size = first;
            for row in 0..rows {
                // The first two rows have blocks of one size, each further row has twice that.
                size = if row < 2 { first } else { size.checked_mul(2)? };
                if size > largest || blocks.len() > MAX_BLOCKS {
                    return None;
                }
                for _ in 0..width {
                    let block = cursor.u64()?;
                    if block != NONE {
                        blocks.push((block, size));
                    }
                }
            }
        }
        for (block, size) in blocks {
            let at = self.at(block)?;
            let bytes = bytes_at(self.source, at, usize::try_from(size).ok()?.min(16 << 20));
            if !bytes.starts_with(b"FHDB") {
                return None;
            }
            let skip = head.saturating_add(if flags & 2 != 0 { 4 } else { 0 });
            let objects = bytes.get(usize::try_from(skip).ok()?..)?;
            if attributes { self.attributes_in(objects) } else { self.links_in(objects) }
        }
        Some(())
    }

    /// Links one behind the other; free space ends them.
    fn links_in(&mut self, mut objects: &[u8]) {
        while objects.first() == Some(&1) {
            let Some(len) = self.link(objects).and_then(|n| usize::try_from(n).ok()).filter(|n| *n > 0)
            else {
                return;
            };
            objects = objects.get(len..).unwrap_or_default();
        }
    }

    /// The attributes that matter, found by their names. Before a name stand nine bytes in version 3 of an attribute, eight
    /// in the older ones. (IV.A.2.m.)
    fn attributes_in(&mut self, objects: &[u8]) {
        for name in KERAS_ATTRIBUTES {
            let ended = [name.as_bytes(), b"\0"].concat();
            for at in memchr::memmem::find_iter(objects, &ended) {
                let body = |before: usize, versions: &[u8]| {
                    let body = objects.get(at.checked_sub(before)?..)?;
                    versions.contains(body.first()?).then_some(body)
                };
                match body(9, &[3]).or_else(|| body(8, &[1, 2])) {
                    Some(body) => self.attribute(body),
                    None => self.dense = true,
                }
            }
        }
    }

    /// A tree of a group's members (version 1), down to their object headers.
    fn tree(&mut self, root: u64) {
        let mut waiting = vec![root];
        let mut visited = 0usize;
        while let Some(address) = waiting.pop() {
            visited = visited.saturating_add(1);
            let Some(at) = self.at(address).filter(|_| visited <= MAX_OBJECTS && self.seen.insert(address))
            else {
                self.damaged |= address != NONE;
                continue;
            };
            let mut cursor = Cursor::new(self.source, at);
            if self.node(&mut cursor, &mut waiting).is_none() {
                self.damaged = true;
            }
        }
    }

    fn node(&mut self, cursor: &mut Cursor<'_>, waiting: &mut Vec<u64>) -> Option<()> {
        match &cursor.array::<4>()? {
            b"TREE" => {
                cursor.skip(2)?;
                let used = cursor.u16()?;
                cursor.skip(16)?;
                for _ in 0..used {
                    cursor.skip(8)?;
                    waiting.push(cursor.u64()?);
                }
            }
            b"SNOD" => {
                cursor.skip(2)?;
                let count = cursor.u16()?;
                for _ in 0..count {
                    cursor.skip(8)?;
                    let header = cursor.u64()?;
                    let cache = cursor.u32()?;
                    cursor.skip(20)?;
                    // 2 is a soft link, which stays in the file.
                    if cache != 2 {
                        self.waiting.push(header);
                    }
                }
            }
            _ => return None,
        }
        Some(())
    }

    /// The attributes that hold a Keras model.
    fn attribute(&mut self, body: &[u8]) {
        let version = body.first().copied().unwrap_or(0);
        let short = |at: usize| {
            body.get(at..at.saturating_add(2)).and_then(|b| b.try_into().ok()).map_or(0, u16::from_le_bytes)
        };
        let (name_len, type_len, space_len) =
            (usize::from(short(2)), usize::from(short(4)), usize::from(short(6)));
        let pad = |n: usize| if version == 1 { n.next_multiple_of(8) } else { n };
        let name_at = if version == 3 { 9usize } else { 8 };
        let type_at = name_at.saturating_add(pad(name_len));
        let data_at = type_at.saturating_add(pad(type_len)).saturating_add(pad(space_len));
        let name = body.get(name_at..name_at.saturating_add(name_len)).unwrap_or_default();
        let name = String::from_utf8_lossy(name.split(|b| *b == 0).next().unwrap_or_default()).into_owned();
        if !KERAS_ATTRIBUTES.contains(&name.as_str()) {
            return;
        }
        let data = body.get(data_at..).unwrap_or_default();
        let class = body.get(type_at).copied().unwrap_or(0) & 0x0f;
        let text = if class == 9 { self.heap(data) } else { Some(data.to_vec()) };
        let Some(text) = text else {
            self.damaged = true;
            return;
        };
        let text = text.split(|b| *b == 0).next().unwrap_or_default();
        match json::parse(text) {
            Ok(json) => keras::analyse(self.scan, self.place, &json),
            Err(_) => self.scan.incomplete(self.place, &name, "it is no JSON"),
        }
    }

    /// A string of variable length: its length, the heap it lies in and its number there.
    fn heap(&self, data: &[u8]) -> Option<Vec<u8>> {
        let len = data.get(0..4).and_then(|b| b.try_into().ok()).map(u32::from_le_bytes)?;
        let address = data.get(4..12).and_then(|b| b.try_into().ok()).map(u64::from_le_bytes)?;
        let index = data.get(12..16).and_then(|b| b.try_into().ok()).map(u32::from_le_bytes)?;
        let at = self.at(address)?;
        let mut cursor = Cursor::new(self.source, at);
        if &cursor.array::<4>()? != b"GCOL" {
            return None;
        }
        cursor.skip(4)?;
        let end = at.checked_add(cursor.u64()?)?;
        for _ in 0..MAX_OBJECTS {
            let number = cursor.u16()?;
            cursor.skip(6)?;
            let size = cursor.u64()?;
            if u32::from(number) == index {
                let most = usize::try_from(u64::from(len).min(size)).ok()?.min(MAX_ATTRIBUTE);
                return Some(bytes_at(self.source, cursor.offset(), most));
            }
            if number == 0 || cursor.offset() >= end {
                return None;
            }
            cursor.skip(size.checked_next_multiple_of(8)?)?;
        }
        None
    }
}
