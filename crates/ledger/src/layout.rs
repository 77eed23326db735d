//! Names in the log's directory.

use std::path::{Path, PathBuf};

/// Content of the file [`FORMAT`].
pub(crate) const FORMAT_LINE: &str = "stockade-ledger 2\n";
/// Content of the file [`FORMAT`] in directories of the first version.
pub(crate) const FIRST_FORMAT_LINE: &str = "stockade-ledger 1\n";
/// Version of the directory's format.
pub(crate) const FORMAT: &str = "format";
/// The verifier key.
pub(crate) const KEY: &str = "ledger.pub";
/// The latest signed checkpoint.
pub(crate) const CHECKPOINT: &str = "checkpoint";
/// Requests that were open when frames were last trimmed.
pub(crate) const OPEN_INTENTS: &str = "open-intents";
/// Append segments.
pub(crate) const FRAMES: &str = "frames";
/// Sealed payloads with their salts.
pub(crate) const PAYLOADS: &str = "payloads";
/// Tiles and entry bundles.
pub(crate) const TILES: &str = "tile";

/// The longest of the small files, in bytes.
pub(crate) const SMALL_FILE: u64 = 64 * 1024 * 1024;

const FRAMES_SUFFIX: &str = ".frames";
const RECORDS_SUFFIX: &str = ".records";
const DATA_SUFFIX: &str = ".sealed";
const SALTS_SUFFIX: &str = ".salts";

pub(crate) fn frames_path(directory: &Path, first: u64) -> PathBuf {
    directory.join(FRAMES).join(format!("{first:020}{FRAMES_SUFFIX}"))
}

pub(crate) fn records_path(directory: &Path, first: u64) -> PathBuf {
    directory.join(PAYLOADS).join(format!("{first:020}{RECORDS_SUFFIX}"))
}

pub(crate) fn sealed_path(directory: &Path, first: u64) -> PathBuf {
    directory.join(PAYLOADS).join(format!("{first:020}{DATA_SUFFIX}"))
}

pub(crate) fn salts_path(directory: &Path, first: u64) -> PathBuf {
    directory.join(PAYLOADS).join(format!("{first:020}{SALTS_SUFFIX}"))
}

/// The first index in the name of an append segment.
pub(crate) fn frames_first(name: &str) -> Option<u64> {
    numbered(name, FRAMES_SUFFIX)
}

/// The first index in the name of a payload segment, or of either file of one of the first version.
pub(crate) fn payloads_first(name: &str) -> Option<u64> {
    [RECORDS_SUFFIX, DATA_SUFFIX, SALTS_SUFFIX].into_iter().find_map(|suffix| numbered(name, suffix))
}

fn numbered(name: &str, suffix: &str) -> Option<u64> {
    let digits = name.strip_suffix(suffix).filter(|d| d.len() == 20)?;
    digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}
