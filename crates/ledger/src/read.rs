//! Reading a log's directory: tiles, bundles, single entries. Needs no key, changes nothing, works beside a running
//! writer.

use std::ops::Range;
use std::path::Path;

use stockade_crypto::{Digest, KeyRing, KeyRole};

use crate::MAX_ENTRY_BYTES;
use crate::error::LedgerError;
use crate::layout;
use crate::note::{parse_verifier_key, verifier_key};
use crate::tiles::{TILE_WIDTH, bundle_path, parse_tile, tile_path, width_of};
use crate::vfs::{RealVfs, Vfs, read_file};

/// The longest file of a key, in bytes.
const KEY_BYTES: u64 = 4 * 1024;

/// How often a tile is looked for that is being replaced.
const TRIES: usize = 4;

/// The longest bundle, in bytes.
const BUNDLE_BYTES: u64 = TILE_WIDTH * (MAX_ENTRY_BYTES as u64 + 2);

/// Whether a log's directory was written with the keys of a ring: a log with another key does not open.
///
/// # Errors
/// [`LedgerError`] when the directory's key cannot be read or is none.
pub fn is_signed_by(directory: &Path, keys: &KeyRing) -> Result<bool, LedgerError> {
    let bytes = file(&RealVfs, directory, layout::KEY, KEY_BYTES)?;
    let line = String::from_utf8(bytes).unwrap_or_default();
    let (origin, _) = parse_verifier_key(line.trim_end())
        .ok_or_else(|| LedgerError::damaged(layout::KEY, "it holds no key"))?;
    let key = keys.signing_key(KeyRole::LedgerSigning, 1, origin.as_bytes())?;
    Ok(line.trim_end() == verifier_key(&origin, &key.verifying_key()))
}

/// The hashes of a tile, which must have exactly `width` of them.
pub(crate) fn tile(
    vfs: &dyn Vfs,
    root: &Path,
    level: u8,
    number: u64,
    width: u64,
) -> Result<Vec<Digest>, LedgerError> {
    let path = tile_path(level, number, width);
    let (mut bytes, wider) = file_or_wider(vfs, root, &path, TILE_WIDTH * 32)?;
    if wider {
        bytes.truncate(usize::try_from(width.saturating_mul(32)).unwrap_or(usize::MAX));
    }
    parse_tile(&bytes)
        .filter(|hashes| u64::try_from(hashes.len()) == Ok(width))
        .ok_or_else(|| LedgerError::damaged(path, format!("it does not hold {width} hashes")))
}

/// The entries of a bundle in a tree of `size` leaves, with their indices, as far as they are wanted.
pub(crate) fn bundle(
    vfs: &dyn Vfs,
    root: &Path,
    number: u64,
    size: u64,
    wanted: Range<u64>,
) -> Result<Vec<(u64, Vec<u8>)>, LedgerError> {
    let width = width_of(0, number, size);
    let path = bundle_path(number, width);
    let bytes = bundle_bytes(vfs, root, &path, width)?;
    let first = number.saturating_mul(TILE_WIDTH);
    let entries: Option<Vec<_>> = split_bundle(&bytes).collect();
    let entries = entries
        .filter(|entries| u64::try_from(entries.len()) == Ok(width))
        .ok_or_else(|| LedgerError::damaged(path, format!("it does not hold {width} entries")))?;
    let indexed = (first..).zip(entries).filter(|(index, _)| wanted.contains(index));
    Ok(indexed.map(|(index, entry)| (index, entry.to_vec())).collect())
}

/// The bytes of a bundle of `width` entries by its path.
pub(crate) fn bundle_bytes(
    vfs: &dyn Vfs,
    root: &Path,
    path: &str,
    width: u64,
) -> Result<Vec<u8>, LedgerError> {
    let (mut bytes, wider) = file_or_wider(vfs, root, path, BUNDLE_BYTES)?;
    if wider {
        let wanted = usize::try_from(width).unwrap_or(usize::MAX);
        let entries = split_bundle(&bytes).take(wanted).flatten();
        let length = entries.fold(0_usize, |sum, entry| sum.saturating_add(2).saturating_add(entry.len()));
        bytes.truncate(length);
    }
    Ok(bytes)
}

/// The entries of a bundle's bytes; `None` where the bytes end inside one.
pub(crate) fn split_bundle(bytes: &[u8]) -> impl Iterator<Item = Option<&[u8]>> {
    let mut rest = Some(bytes);
    std::iter::from_fn(move || {
        let bytes = rest.filter(|r| !r.is_empty())?;
        let split = bytes
            .split_first_chunk::<2>()
            .and_then(|(length, after)| after.split_at_checked(usize::from(u16::from_be_bytes(*length))));
        rest = split.map(|(_, after)| after);
        Some(split.map(|(entry, _)| entry))
    })
}

/// A file of a tile or bundle, and whether it is a wider one. A log that is written to replaces a partial tile by a wider
/// one whose beginning is the same, as a reader may take it (C2SP tlog-tiles, "Partial Tiles").
fn file_or_wider(vfs: &dyn Vfs, root: &Path, path: &str, limit: u64) -> Result<(Vec<u8>, bool), LedgerError> {
    let exact = file(vfs, root, path, limit);
    let Some((whole, width)) = path.split_once(".p/") else { return exact.map(|bytes| (bytes, false)) };
    let width = width.parse::<u64>().unwrap_or(u64::MAX);
    let missing = match exact {
        Ok(bytes) => return Ok((bytes, false)),
        Err(error) => error,
    };
    // The wider one may be replaced in turn while it is looked for.
    for _ in 0..TRIES {
        let listed = vfs.list(&root.join(format!("{whole}.p"))).unwrap_or_default();
        let widths = listed.iter().filter_map(|entry| entry.name.parse::<u64>().ok());
        let partial = widths.filter(|wider| *wider > width).max().map(|wider| format!("{whole}.p/{wider}"));
        for candidate in partial.into_iter().chain([whole.to_owned()]) {
            if let Ok(bytes) = file(vfs, root, &candidate, limit) {
                return Ok((bytes, true));
            }
        }
    }
    Err(missing)
}

fn file(vfs: &dyn Vfs, root: &Path, path: &str, limit: u64) -> Result<Vec<u8>, LedgerError> {
    read_file(vfs, &root.join(path), limit)
        .map_err(|e| LedgerError::io(format!("reading {path}"), e))?
        .ok_or_else(|| LedgerError::damaged(path, "it is missing"))
}
