//! The tree at a start: its right edge from the tiles, checked against the signed root and the entries at hand.

use std::io;
use std::path::Path;

use stockade_crypto::Digest;

use super::frames::Found;
use crate::error::LedgerError;
use crate::note::Checkpoint;
use crate::read;
use crate::tiles::{Edge, TILE_WIDTH, bundle_path, levels, nodes_at, tile_path, width_of};
use crate::vfs::Vfs;

/// The edge of the signed tree and its incomplete bundle.
pub(super) fn recover(
    vfs: &dyn Vfs,
    root: &Path,
    checkpoint: &Checkpoint,
    found: &Found,
) -> Result<(Edge, Vec<u8>), LedgerError> {
    let size = checkpoint.size;
    let mut incomplete = Vec::new();
    for level in levels(size) {
        let number = nodes_at(level, size) / TILE_WIDTH;
        let width = width_of(level, number, size);
        incomplete.push(if width == 0 { Vec::new() } else { tile(vfs, root, level, number, width)? });
    }
    let edge = Edge::from_levels(size, incomplete);
    if edge.root() != checkpoint.root {
        let why = "the tiles at the right edge do not give the signed root";
        return Err(LedgerError::damaged("tile", why));
    }
    let mut leaves = found.leaves.as_slice();
    for number in found.first / TILE_WIDTH..size.div_ceil(TILE_WIDTH) {
        let signed = tile(vfs, root, 0, number, width_of(0, number, size))?;
        let (here, rest) = leaves.split_at_checked(signed.len()).unwrap_or((leaves, &[]));
        if let Some(at) = signed.iter().zip(here).position(|(a, b)| a != b) {
            let index = number.saturating_mul(TILE_WIDTH).saturating_add(at as u64);
            let why = "the entry is not the one that was signed";
            return Err(LedgerError::damaged(format!("entry {index} in an append segment"), why));
        }
        leaves = rest;
    }
    Ok((edge, found.bundle.clone()))
}

fn tile(vfs: &dyn Vfs, root: &Path, level: u8, number: u64, width: u64) -> Result<Vec<Digest>, LedgerError> {
    read::tile(vfs, root, level, number, width)
}

/// Removes tiles beyond the checkpoint: a crash left them half made, and the entries that they were made of may have
/// been cut. `most` bounds how many entries they can be of.
pub(super) fn remove_beyond(vfs: &dyn Vfs, root: &Path, signed: u64, most: u64) -> io::Result<()> {
    for level in 0..8 {
        let begin = nodes_at(level, signed) / TILE_WIDTH;
        let keep = width_of(level, begin, signed);
        for number in begin..=nodes_at(level, most) / TILE_WIDTH {
            let mut paths = vec![tile_path(level, number, TILE_WIDTH)];
            if level == 0 {
                paths.push(bundle_path(number, TILE_WIDTH));
            }
            for path in paths {
                ignore_missing(vfs.remove_file(&root.join(&path)))?;
                remove_partials(vfs, &root.join(path + ".p"), if number == begin { keep } else { 0 })?;
            }
        }
        if nodes_at(level, most) == 0 {
            break;
        }
    }
    Ok(())
}

/// Removes the partial tiles of one tile but for the one of width `keep`.
fn remove_partials(vfs: &dyn Vfs, folder: &Path, keep: u64) -> io::Result<()> {
    let listed = match vfs.list(folder) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other?,
    };
    for entry in listed {
        if keep == 0 || entry.name != keep.to_string() {
            ignore_missing(vfs.remove_file(&folder.join(entry.name)))?;
        }
    }
    if keep == 0 { ignore_missing(vfs.remove_dir(folder)) } else { Ok(()) }
}

fn ignore_missing(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
