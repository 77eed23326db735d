//! Entries one after the other: from an open log, or from a directory that nobody has open.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::entry::Entry;
use crate::error::LedgerError;
use crate::frame::HEADER_BYTES;
use crate::layout;
use crate::ledger::Ledger;
use crate::note::{Checkpoint, parse_verifier_key};
use crate::read;
use crate::tiles::TILE_WIDTH;
use crate::vfs::{OpenMode, Vfs, read_file, read_range};
use crate::window::each_entry;

/// Where entries come from, a portion at a time.
enum Source {
    Open(Ledger),
    Directory { vfs: Arc<dyn Vfs>, path: PathBuf, bundled: u64 },
}

/// Entries in the order of the log. Each line of a JSONL export is the `json` of one of them.
pub struct Entries {
    source: Source,
    next: u64,
    ready: VecDeque<(u64, Vec<u8>)>,
    ended: bool,
}

impl Ledger {
    /// The entries from an index on, up to what is durable when the iterator comes to the end.
    #[must_use]
    pub fn export(&self, from: u64) -> Entries {
        Entries { source: Source::Open(self.clone()), next: from, ready: VecDeque::new(), ended: false }
    }

    /// Durable entries from `begin` to the end of its bundle, or before `end`.
    pub(crate) fn portion(&self, begin: u64, end: u64) -> Result<Vec<(u64, Vec<u8>)>, LedgerError> {
        let shared = &*self.inner.shared;
        let number = begin / TILE_WIDTH;
        let after = number.saturating_add(1).saturating_mul(TILE_WIDTH);
        let end = end.min(after).min(self.size());
        let mut found = Vec::new();
        let mut next = begin;
        while next < end {
            let run = shared.window.read().run(next, end, u32::MAX);
            let Some(run) = run else { break };
            let failed = |e| LedgerError::io(format!("reading entry {next}"), e);
            let bytes = run.read().map_err(failed)?;
            next = each_entry(&bytes, next, |index, entry| found.push((index, entry.to_vec())))
                .map_err(failed)?;
        }
        if next < end {
            found = read::bundle(&*shared.vfs, &shared.options.directory, number, after, begin..end)?;
        }
        Ok(found)
    }
}

/// The entries of a directory from an index on. They are not verified: see [`crate::verify`].
///
/// # Errors
/// [`LedgerError`] when the directory is not a log.
pub fn export_directory(vfs: Arc<dyn Vfs>, directory: &Path, from: u64) -> Result<Entries, LedgerError> {
    let small = |name: &str| {
        read_file(&*vfs, &directory.join(name), layout::SMALL_FILE)
            .map_err(|e| LedgerError::io(format!("reading {name}"), e))?
            .ok_or_else(|| LedgerError::damaged(name, "it is missing"))
    };
    let line = small(layout::KEY)?;
    let line = std::str::from_utf8(&line).ok().and_then(|line| line.strip_suffix('\n'));
    let (origin, key) = line
        .and_then(parse_verifier_key)
        .ok_or_else(|| LedgerError::damaged(layout::KEY, "it is not a verifier key"))?;
    let checkpoint = Checkpoint::verify(&small(layout::CHECKPOINT)?, &origin, &key)
        .map_err(|e| LedgerError::damaged(layout::CHECKPOINT, e.to_string()))?;
    let bundled = checkpoint.size / TILE_WIDTH * TILE_WIDTH;
    let source = Source::Directory { vfs, path: directory.to_path_buf(), bundled };
    Ok(Entries { source, next: from, ready: VecDeque::new(), ended: false })
}

impl Source {
    fn portion(&self, begin: u64) -> Result<Vec<(u64, Vec<u8>)>, LedgerError> {
        match self {
            Self::Open(ledger) => ledger.portion(begin, u64::MAX),
            Self::Directory { vfs, path, bundled } if begin < *bundled => {
                read::bundle(&**vfs, path, begin / TILE_WIDTH, *bundled, begin..u64::MAX)
            }
            Self::Directory { vfs, path, .. } => from_frames(&**vfs, path, begin),
        }
    }
}

/// The rest of the append segment that holds an entry; what a crash tore off at the end is left out.
fn from_frames(vfs: &dyn Vfs, root: &Path, begin: u64) -> Result<Vec<(u64, Vec<u8>)>, LedgerError> {
    let failed = |e| LedgerError::io("reading an append segment", e);
    let listed = vfs.list(&root.join(layout::FRAMES)).map_err(failed)?;
    let first = listed.iter().filter_map(|e| layout::frames_first(&e.name)).rfind(|first| *first <= begin);
    let Some(first) = first else { return Ok(Vec::new()) };
    let file = vfs.open(&layout::frames_path(root, first), OpenMode::Read).map_err(failed)?;
    let length = usize::try_from(file.len().map_err(failed)?).unwrap_or(usize::MAX);
    let bytes = read_range(&*file, 0, length).map_err(failed)?;
    let mut found = Vec::new();
    let frames = bytes.get(HEADER_BYTES..).unwrap_or_default();
    let _torn_end = each_entry(frames, first, |index, entry| {
        if index >= begin {
            found.push((index, entry.to_vec()));
        }
    });
    Ok(found)
}

impl Iterator for Entries {
    type Item = Result<Entry, LedgerError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        if self.ready.is_empty() {
            match self.source.portion(self.next) {
                Ok(entries) => self.ready.extend(entries),
                Err(e) => {
                    self.ended = true;
                    return Some(Err(e));
                }
            }
        }
        let Some((index, bytes)) = self.ready.pop_front() else {
            self.ended = true;
            return None;
        };
        self.next = index.saturating_add(1);
        Some(Entry::from_bytes(index, bytes))
    }
}
