//! The signed part: bundles, tiles and the root. Bundles are checked side by side and then told in order.

use std::path::Path;

use stockade_crypto::Digest;

use super::walk::Walk;
use super::{Bad, bad};
use crate::entry::{Facts, Subject};
use crate::layout;
use crate::merkle::{leaf_hash, root_of};
use crate::note::Checkpoint;
use crate::read;
use crate::tiles::{Edge, FullTile, TILE_WIDTH, bundle_path, levels, nodes_at, tile_path, width_of};
use crate::vfs::Vfs;

/// Bundles that a thread takes at a time.
const PORTION: u64 = 16;

/// A bundle whose entries agree with its tile.
struct Checked {
    leaves: Vec<Digest>,
    /// Entries that the walk must know of.
    told: Vec<(u64, Facts)>,
}

pub(super) fn check(
    vfs: &dyn Vfs,
    root: &Path,
    checkpoint: &Checkpoint,
    threads: usize,
    walk: &mut Walk<'_>,
) -> Result<(), Bad> {
    let size = checkpoint.size;
    let bundles = size.div_ceil(TILE_WIDTH);
    let mut upper = Edge::default();
    let mut rest = Vec::new();
    let mut begin = 0;
    while begin < bundles {
        let portions: Vec<_> = (0..threads.max(1) as u64)
            .map(|n| begin.saturating_add(n.saturating_mul(PORTION)))
            .map(|from| from..from.saturating_add(PORTION).min(bundles))
            .filter(|portion| !portion.is_empty())
            .collect();
        begin = portions.last().map_or(bundles, |portion| portion.end);
        for (number, checked) in check_portions(vfs, root, checkpoint, portions) {
            let checked = checked?;
            checked.told.into_iter().for_each(|(index, facts)| walk.entry(index, &facts));
            if checked.leaves.len() < 256 {
                rest = checked.leaves;
            } else if let Some(node) = root_of(&checked.leaves) {
                let mut full = Vec::new();
                upper.push(node, |tile| full.push(tile));
                full.into_iter().try_for_each(|tile| check_upper(vfs, root, size, tile))?;
            }
            debug_assert!(number < bundles);
        }
    }
    for level in levels(size).skip(1) {
        let number = nodes_at(level, size) / TILE_WIDTH;
        let hashes = upper.level(level.saturating_sub(1)).to_vec();
        if !hashes.is_empty() {
            check_upper(vfs, root, size, FullTile { level: level.saturating_sub(1), number, hashes })?;
        }
    }
    let mut all = vec![rest];
    all.extend((0..7).map(|level| upper.level(level).to_vec()));
    if Edge::from_levels(size, all).root() != checkpoint.root {
        // Every bundle agrees with its tile, so it is impossible to say which entry is another one.
        return Err(bad(None, layout::CHECKPOINT, "the entries do not give the signed root"));
    }
    Ok(())
}

type Numbered = (u64, Result<Checked, Bad>);

fn check_portions(
    vfs: &dyn Vfs,
    root: &Path,
    checkpoint: &Checkpoint,
    portions: Vec<std::ops::Range<u64>>,
) -> Vec<Numbered> {
    let one = |portion: std::ops::Range<u64>| -> Vec<Numbered> {
        portion.map(|number| (number, check_bundle(vfs, root, checkpoint, number))).collect()
    };
    if portions.len() < 2 {
        return portions.into_iter().flat_map(one).collect();
    }
    std::thread::scope(|scope| {
        let threads: Vec<_> = portions.into_iter().map(|portion| scope.spawn(move || one(portion))).collect();
        threads
            .into_iter()
            .flat_map(|thread| {
                let lost = || vec![(0, Err(bad(None, layout::TILES, "a verifying thread failed")))];
                thread.join().unwrap_or_else(|_| lost())
            })
            .collect()
    })
}

/// Checks one bundle: form of each entry, and its leaf hash against the tile.
fn check_bundle(vfs: &dyn Vfs, root: &Path, checkpoint: &Checkpoint, number: u64) -> Result<Checked, Bad> {
    let size = checkpoint.size;
    let width = width_of(0, number, size);
    let first = number.saturating_mul(TILE_WIDTH);
    let path = bundle_path(number, width);
    let tile = tile_path(0, number, width);
    let hashes =
        read::tile(vfs, root, 0, number, width).map_err(|e| bad(Some(first), &tile, e.to_string()))?;
    let bytes =
        read::bundle_bytes(vfs, root, &path, width).map_err(|e| bad(Some(first), &path, e.to_string()))?;
    let mut entries = read::split_bundle(&bytes);
    let mut checked = Checked { leaves: Vec::with_capacity(hashes.len()), told: Vec::new() };
    for (index, signed) in (first..).zip(&hashes) {
        let here = |why: &str| bad(Some(index), &path, why);
        let entry = entries.next().ok_or_else(|| here("the bundle ends before it"))?;
        let entry = entry.ok_or_else(|| here("the bundle ends inside it"))?;
        let leaf = leaf_hash(entry);
        if leaf != *signed {
            let blame = blame(vfs, root, checkpoint, number, &bytes);
            return Err(match blame {
                Blame::Tile => bad(Some(index), &tile, "its hash is not that of the entry, which is intact"),
                Blame::Bundle => here("it is not the entry that was signed"),
            });
        }
        let facts = Facts::read(entry).map_err(|why| here(&why))?;
        if facts.payload.is_some() || facts.subject != Subject::Other {
            checked.told.push((index, facts));
        }
        checked.leaves.push(leaf);
    }
    if entries.next().is_some() {
        return Err(bad(Some(first.saturating_add(width)), &path, "the bundle goes on after its last entry"));
    }
    Ok(checked)
}

enum Blame {
    Tile,
    Bundle,
}

/// Which of the two is wrong, tile or bundle: the one that does not fit what lies above them.
fn blame(vfs: &dyn Vfs, root: &Path, checkpoint: &Checkpoint, number: u64, bundle: &[u8]) -> Blame {
    let size = checkpoint.size;
    let leaves: Option<Vec<_>> = read::split_bundle(bundle).map(|e| e.map(leaf_hash)).collect();
    let Some(leaves) = leaves else { return Blame::Bundle };
    let fits = if width_of(0, number, size) == TILE_WIDTH {
        let above = number / TILE_WIDTH;
        read::tile(vfs, root, 1, above, width_of(1, above, size)).is_ok_and(|hashes| {
            let at = usize::try_from(number % TILE_WIDTH).unwrap_or(usize::MAX);
            hashes.get(at).copied() == root_of(&leaves)
        })
    } else {
        let mut all = vec![leaves];
        for level in levels(size).skip(1) {
            let number = nodes_at(level, size) / TILE_WIDTH;
            let width = width_of(level, number, size);
            all.push(if width == 0 {
                Vec::new()
            } else {
                read::tile(vfs, root, level, number, width).unwrap_or_default()
            });
        }
        Edge::from_levels(size, all).root() == checkpoint.root
    };
    if fits { Blame::Tile } else { Blame::Bundle }
}

/// Compares a tile of an upper level; `tile.level` counts from level 1.
fn check_upper(vfs: &dyn Vfs, root: &Path, size: u64, tile: FullTile) -> Result<(), Bad> {
    let level = tile.level.saturating_add(1);
    let width = width_of(level, tile.number, size);
    let path = tile_path(level, tile.number, width);
    let stored =
        read::tile(vfs, root, level, tile.number, width).map_err(|e| bad(None, &path, e.to_string()))?;
    match stored.iter().zip(&tile.hashes).position(|(a, b)| a != b) {
        None => Ok(()),
        Some(at) => Err(bad(None, &path, format!("its hash {at} is not that of the tile below"))),
    }
}
