//! The Merkle tree of RFC 6962 section 2.1 over SHA-256: hashes, roots and inclusion proofs.

use stockade_crypto::{Digest, Hasher, sha256};

/// The hash of a leaf: SHA-256(0x00 || entry).
pub(crate) fn leaf_hash(entry: &[u8]) -> Digest {
    let mut hasher = Hasher::new();
    hasher.update(&[0]);
    hasher.update(entry);
    hasher.finish()
}

/// The hash of an inner node: SHA-256(0x01 || left || right).
pub(crate) fn node_hash(left: &Digest, right: &Digest) -> Digest {
    let mut hasher = Hasher::new();
    hasher.update(&[1]);
    hasher.update(left);
    hasher.update(right);
    hasher.finish()
}

/// The root over nodes from left to right. All but the last must be roots of complete trees of one size; the last may
/// be the root of a smaller one, which leaves the shape of the tree as it is. `None` when there are none.
pub(crate) fn root_of(nodes: &[Digest]) -> Option<Digest> {
    match nodes {
        [] => None,
        [only] => Some(*only),
        _ => {
            let (left, right) = nodes.split_at_checked(split_point(nodes.len()))?;
            Some(node_hash(&root_of(left)?, &root_of(right)?))
        }
    }
}

/// The root of the empty tree: SHA-256 of nothing.
pub(crate) fn empty_root() -> Digest {
    sha256(&[])
}

/// The largest power of two below `n`, for `n > 1`.
fn split_point(n: usize) -> usize {
    n.next_power_of_two() >> 1
}

/// The sibling hashes of the leaf's path, from the leaf up (RFC 6962 section 2.1.1). `subtree(begin, end)` gives the root
/// over the leaves `begin..end`.
pub(crate) fn inclusion_path<E>(
    index: u64,
    size: u64,
    subtree: &mut impl FnMut(u64, u64) -> Result<Digest, E>,
) -> Result<Vec<Digest>, E> {
    let (mut begin, mut end) = (0, size);
    let mut path = Vec::new();
    while end.saturating_sub(begin) > 1 {
        let middle = begin.saturating_add(split_u64(end.saturating_sub(begin)));
        if index < middle {
            path.push(subtree(middle, end)?);
            end = middle;
        } else {
            path.push(subtree(begin, middle)?);
            begin = middle;
        }
    }
    path.reverse();
    Ok(path)
}

/// The largest power of two below `n`, for `n > 1`.
pub(crate) fn split_u64(n: u64) -> u64 {
    1_u64.checked_shl(63_u32.saturating_sub(n.saturating_sub(1).leading_zeros())).unwrap_or(1)
}

/// Whether a path leads from a leaf to the root (RFC 9162 section 2.1.3.2).
pub(crate) fn verify_inclusion(leaf: &Digest, index: u64, size: u64, path: &[Digest], root: &Digest) -> bool {
    if index >= size {
        return false;
    }
    let (mut node, mut last) = (index, size.saturating_sub(1));
    let mut hash = *leaf;
    for sibling in path {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(sibling, &hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    last == 0 && hash == *root
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use stockade_crypto::{from_hex, to_hex};

    /// Leaves, roots and paths of the Certificate Transparency reference implementation's Merkle tree tests.
    const LEAVES: [&str; 8] =
        ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
    const ROOTS: [&str; 8] = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];

    fn leaves() -> Vec<Digest> {
        LEAVES.iter().map(|l| leaf_hash(&from_hex(l).unwrap())).collect()
    }

    fn path(leaves: &[Digest], index: usize) -> Vec<Digest> {
        inclusion_path(index as u64, leaves.len() as u64, &mut |a, b| {
            root_of(&leaves[a as usize..b as usize]).ok_or(())
        })
        .unwrap()
    }

    #[test]
    fn matches_the_certificate_transparency_vectors() {
        assert_eq!(to_hex(&empty_root()), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        let leaves = leaves();
        for (count, root) in ROOTS.iter().enumerate() {
            assert_eq!(to_hex(&root_of(&leaves[..=count]).unwrap()), *root);
        }
        let hex = |p: Vec<Digest>| p.iter().map(|h| to_hex(h)).collect::<Vec<_>>();
        assert_eq!(
            hex(path(&leaves, 0)),
            [
                "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            ]
        );
        assert_eq!(
            hex(path(&leaves[..3], 2)),
            ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]
        );
    }

    proptest! {
        #[test]
        fn a_path_proves_its_leaf_and_no_other(size in 1_usize..200, index: prop::sample::Index, other: prop::sample::Index) {
            let leaves: Vec<_> = (0..size).map(|i| leaf_hash(&i.to_be_bytes())).collect();
            let root = root_of(&leaves).unwrap();
            let (index, other) = (index.index(size), other.index(size));
            let path = path(&leaves, index);
            prop_assert!(verify_inclusion(&leaves[index], index as u64, size as u64, &path, &root));
            if other != index {
                prop_assert!(!verify_inclusion(&leaves[other], index as u64, size as u64, &path, &root));
                prop_assert!(!verify_inclusion(&leaves[index], other as u64, size as u64, &path, &root));
            }
            if !path.is_empty() {
                prop_assert!(!verify_inclusion(&leaves[index], index as u64, size as u64, &path[1..], &root));
            }
        }
    }
}
