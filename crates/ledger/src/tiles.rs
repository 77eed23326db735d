//! Tiles of the tree (C2SP tlog-tiles, <https://c2sp.org/tlog-tiles>): where they lie, and the right edge of the tree
//! from which they are cut.

use stockade_crypto::Digest;

use crate::merkle::{empty_root, root_of};

/// Hashes of a full tile, entries of a full bundle.
pub(crate) const TILE_WIDTH: u64 = 256;

/// A tile or bundle that is full: its level (`None` for entries), number and hashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FullTile {
    pub(crate) level: u8,
    pub(crate) number: u64,
    pub(crate) hashes: Vec<Digest>,
}

/// The incomplete tile of each level, lowest first: all that is needed to go on and to know the root.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Edge {
    size: u64,
    levels: Vec<Vec<Digest>>,
}

/// The path of a tile, relative to the log's directory. `width` is the number of hashes; below 256 the tile is partial.
pub(crate) fn tile_path(level: u8, number: u64, width: u64) -> String {
    numbered(format!("tile/{level}"), number, width)
}

/// The path of an entry bundle.
pub(crate) fn bundle_path(number: u64, width: u64) -> String {
    numbered("tile/entries".to_owned(), number, width)
}

fn numbered(mut path: String, number: u64, width: u64) -> String {
    let digits = number.to_string();
    let groups = digits.len().div_ceil(3);
    let padded = format!("{number:0>width$}", width = groups.saturating_mul(3));
    for (at, group) in padded.as_bytes().chunks(3).enumerate() {
        path.push('/');
        if at.saturating_add(1) < groups {
            path.push('x');
        }
        path.extend(group.iter().map(|b| char::from(*b)));
    }
    if width < TILE_WIDTH {
        path.push_str(&format!(".p/{width}"));
    }
    path
}

/// How many nodes a level has in a tree of `size` leaves: whole subtrees of 256^level leaves.
pub(crate) fn nodes_at(level: u8, size: u64) -> u64 {
    size.checked_shr(u32::from(level).saturating_mul(8)).unwrap_or(0)
}

/// The levels that have tiles in a tree of `size` leaves.
pub(crate) fn levels(size: u64) -> impl Iterator<Item = u8> {
    (0..8_u8).take_while(move |level| nodes_at(*level, size) > 0)
}

/// How many hashes the tile has in a tree of `size` leaves.
pub(crate) fn width_of(level: u8, number: u64, size: u64) -> u64 {
    nodes_at(level, size).saturating_sub(number.saturating_mul(TILE_WIDTH)).min(TILE_WIDTH)
}

/// Splits a tile's bytes into hashes; `None` when they are not whole hashes.
pub(crate) fn parse_tile(bytes: &[u8]) -> Option<Vec<Digest>> {
    let (hashes, rest) = bytes.as_chunks::<32>();
    rest.is_empty().then(|| hashes.to_vec())
}

// === impl Edge ===

impl Edge {
    /// The edge of a tree of `size` leaves from its incomplete tiles, lowest level first.
    pub(crate) fn from_levels(size: u64, levels: Vec<Vec<Digest>>) -> Self {
        Self { size, levels }
    }

    /// Leaves so far.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// The hashes of the incomplete tile of a level.
    pub(crate) fn level(&self, level: u8) -> &[Digest] {
        self.levels.get(usize::from(level)).map(Vec::as_slice).unwrap_or_default()
    }

    /// Adds a leaf; `full` gets every tile that it completes.
    pub(crate) fn push(&mut self, leaf: Digest, mut full: impl FnMut(FullTile)) {
        self.size = self.size.saturating_add(1);
        let mut hash = leaf;
        for level in 0..8_u8 {
            if self.levels.len() <= usize::from(level) {
                self.levels.push(Vec::new());
            }
            let Some(tile) = self.levels.get_mut(usize::from(level)) else { return };
            tile.push(hash);
            if tile.len() < 256 {
                return;
            }
            let hashes = std::mem::take(tile);
            let Some(root) = root_of(&hashes) else { return };
            let number = nodes_at(level, self.size) / TILE_WIDTH;
            full(FullTile { level, number: number.saturating_sub(1), hashes });
            hash = root;
        }
    }

    /// The root of the tree.
    pub(crate) fn root(&self) -> Digest {
        let mut right: Option<Digest> = None;
        for tile in &self.levels {
            let mut nodes = tile.clone();
            nodes.extend(right);
            right = root_of(&nodes);
        }
        right.unwrap_or_else(empty_root)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::merkle::leaf_hash;

    #[test]
    fn paths_follow_the_specification() {
        assert_eq!(tile_path(0, 0, 256), "tile/0/000");
        assert_eq!(tile_path(1, 999, 256), "tile/1/999");
        assert_eq!(tile_path(0, 1_234_067, 256), "tile/0/x001/x234/067");
        assert_eq!(tile_path(2, 1_000, 7), "tile/2/x001/000.p/7");
        assert_eq!(bundle_path(273_118, 1), "tile/entries/x273/118.p/1");
    }

    #[test]
    fn the_edge_has_the_root_of_all_leaves() {
        let mut edge = Edge::default();
        let mut leaves = Vec::new();
        let mut tiles = Vec::new();
        assert_eq!(edge.root(), empty_root());
        for n in 0..66_000_u32 {
            leaves.push(leaf_hash(&n.to_be_bytes()));
            edge.push(leaves[n as usize], |t| tiles.push((t.level, t.number)));
            if n < 300 || n % 1_111 == 0 || (65_530..65_540).contains(&n) {
                assert_eq!(Some(edge.root()), root_of(&leaves), "{n}");
            }
        }
        assert_eq!(tiles.iter().filter(|t| t.0 == 0).count(), 257);
        assert_eq!(tiles.iter().filter(|t| t.0 == 1).collect::<Vec<_>>(), [&(1, 0)]);
        assert_eq!(tiles.iter().filter(|t| t.0 == 0).map(|t| t.1).max(), Some(256));
    }
}
