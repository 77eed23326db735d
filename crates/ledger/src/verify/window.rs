//! Append segments: frames of entries that are signed already are compared with the signed leaves, later ones are
//! guarded by their checksums, numbers and rounds.

use std::path::Path;

use stockade_crypto::Digest;

use super::walk::Walk;
use super::{Bad, bad};
use crate::entry::Facts;
use crate::frame::{self, HEADER_BYTES, SegmentHeader, SegmentKind};
use crate::layout;
use crate::merkle::leaf_hash;
use crate::read;
use crate::tiles::{TILE_WIDTH, width_of};
use crate::vfs::{OpenMode, Vfs, read_range};

/// Checks all append segments; returns how many entries the log has.
pub(super) fn check(
    vfs: &dyn Vfs,
    root: &Path,
    signed: u64,
    limit: Option<u64>,
    walk: &mut Walk<'_>,
) -> Result<u64, Bad> {
    let listed =
        vfs.list(&root.join(layout::FRAMES)).map_err(|e| bad(None, layout::FRAMES, e.to_string()))?;
    let firsts: Vec<u64> = listed.iter().filter_map(|e| layout::frames_first(&e.name)).collect();
    let bundled = signed / TILE_WIDTH * TILE_WIDTH;
    let mut next = match firsts.first() {
        Some(first) if *first <= bundled => *first,
        _ => return Err(bad(Some(bundled), layout::FRAMES, "the append segment with it is missing")),
    };
    match &walk.snapshot {
        None if next > 0 => return Err(bad(None, layout::OPEN_INTENTS, "it is missing")),
        Some(list) if list.size < next => {
            return Err(bad(None, layout::OPEN_INTENTS, "it is older than the first append segment"));
        }
        _ => (),
    }
    let mut leaves = Leaves { vfs, root, signed, number: u64::MAX, hashes: Vec::new() };
    for first in firsts {
        let name = segment_name(first);
        if first != next {
            return Err(bad(Some(next), name, format!("the segments before it end with entry {next}")));
        }
        next = check_segment(vfs, root, first, limit.unwrap_or(u64::MAX), &mut leaves, walk)?;
        if limit.is_some_and(|limit| next >= limit.max(signed)) {
            break;
        }
    }
    if next < signed {
        return Err(bad(Some(next), layout::FRAMES, "it is signed, but its frame is missing"));
    }
    Ok(next)
}

fn check_segment(
    vfs: &dyn Vfs,
    root: &Path,
    first: u64,
    limit: u64,
    leaves: &mut Leaves<'_>,
    walk: &mut Walk<'_>,
) -> Result<u64, Bad> {
    let name = &segment_name(first);
    let failed = |e: std::io::Error| bad(Some(first), name, e.to_string());
    let file = vfs.open(&layout::frames_path(root, first), OpenMode::Read).map_err(failed)?;
    let length = usize::try_from(file.len().map_err(failed)?).unwrap_or(usize::MAX);
    let bytes = read_range(&*file, 0, length).map_err(failed)?;
    if SegmentHeader::decode(SegmentKind::Frames, &bytes).is_none_or(|header| header.first != first) {
        return Err(bad(Some(first), name, "its header is not as it was written"));
    }
    let (mut offset, mut next, mut round) = (HEADER_BYTES, first, None);
    while let Some(rest) = bytes.get(offset..).filter(|rest| !rest.is_empty()) {
        if next >= limit.max(leaves.signed) {
            break;
        }
        if rest.starts_with(&[0; 4]) && rest.iter().all(|byte| *byte == 0) {
            break;
        }
        let here = |why: String| bad(Some(next), name, format!("{why} (at byte {offset})"));
        let (frame, length) = frame::read(rest).map_err(|e| here(e.to_string()))?;
        if frame.seq != next || (frame.round != next && Some(frame.round) != round) {
            return Err(here(format!("a frame of entry {} in round {}", frame.seq, frame.round)));
        }
        match leaves.of(next)? {
            Some(leaf) if leaf != leaf_hash(frame.entry) => {
                return Err(here("it is not the entry that was signed".to_owned()));
            }
            Some(_) => (),
            None => walk.entry(next, &Facts::read(frame.entry).map_err(here)?),
        }
        round = Some(frame.round);
        offset = offset.saturating_add(length);
        next = next.saturating_add(1);
    }
    Ok(next)
}

fn segment_name(first: u64) -> String {
    format!("{}/{first:020}.frames", layout::FRAMES)
}

/// Leaf hashes of signed entries, from the tiles, which have been checked by now.
struct Leaves<'a> {
    vfs: &'a dyn Vfs,
    root: &'a Path,
    signed: u64,
    number: u64,
    hashes: Vec<Digest>,
}

impl Leaves<'_> {
    fn of(&mut self, index: u64) -> Result<Option<Digest>, Bad> {
        if index >= self.signed {
            return Ok(None);
        }
        let number = index / TILE_WIDTH;
        if number != self.number {
            self.hashes = read::tile(self.vfs, self.root, 0, number, width_of(0, number, self.signed))
                .map_err(|e| bad(Some(index), layout::TILES, e.to_string()))?;
            self.number = number;
        }
        Ok(self.hashes.get(usize::try_from(index % TILE_WIDTH).unwrap_or(usize::MAX)).copied())
    }
}
