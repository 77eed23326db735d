//! Files that are not part of the log.

use std::path::Path;

use super::{Bad, bad};
use crate::layout;
use crate::tiles::{TILE_WIDTH, bundle_path, nodes_at, tile_path, width_of};
use crate::vfs::Vfs;

/// How deep tile directories nest: the level, and seven groups of three digits for a 64-bit number, `.p` included.
const MAX_DEPTH: usize = 10;

/// Lists what the log does not speak of: remains of a crash, and what somebody put there.
pub(super) fn leftovers(vfs: &dyn Vfs, root: &Path, signed: u64, problems: &mut Vec<Bad>) -> Vec<String> {
    let mut found = Vec::new();
    visit(vfs, root, "", 0, problems, &mut |path| {
        if !belongs(path, signed) {
            found.push(path.to_owned());
        }
    });
    found
}

fn visit(
    vfs: &dyn Vfs,
    root: &Path,
    path: &str,
    depth: usize,
    problems: &mut Vec<Bad>,
    each: &mut impl FnMut(&str),
) {
    let listed = match vfs.list(&root.join(path)) {
        Ok(listed) => listed,
        Err(e) => return problems.push(bad(None, path, e.to_string())),
    };
    for entry in listed {
        let below = if path.is_empty() { entry.name } else { format!("{path}/{}", entry.name) };
        if !entry.is_dir {
            each(&below);
        } else if depth < MAX_DEPTH {
            visit(vfs, root, &below, depth.saturating_add(1), problems, each);
        }
    }
}

fn belongs(path: &str, signed: u64) -> bool {
    match path.split_once('/') {
        None => [layout::FORMAT, layout::KEY, layout::CHECKPOINT, layout::OPEN_INTENTS].contains(&path),
        Some((layout::FRAMES, name)) => layout::frames_first(name).is_some(),
        Some((layout::PAYLOADS, name)) => layout::payloads_first(name).is_some(),
        Some((layout::TILES, tile)) => is_tile(path, tile, signed),
        Some(_) => false,
    }
}

/// Whether the path is that of a tile or bundle of the signed tree.
fn is_tile(path: &str, tile: &str, signed: u64) -> bool {
    let Some((level, rest)) = tile.split_once('/') else { return false };
    let number = rest.split(".p/").next().unwrap_or_default().replace(['x', '/'], "");
    let Ok(number) = number.parse::<u64>() else { return false };
    let level_number = if level == "entries" { Ok(0) } else { level.parse::<u8>() };
    let Ok(level_number) = level_number else { return false };
    if number > nodes_at(level_number, signed) / TILE_WIDTH {
        return false;
    }
    let width = width_of(level_number, number, signed);
    let expected =
        if level == "entries" { bundle_path(number, width) } else { tile_path(level_number, number, width) };
    width > 0 && path == expected
}
