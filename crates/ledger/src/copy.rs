//! Copying a log while it runs: everything up to one signed checkpoint, cut where that checkpoint ends.
//!
//! The copy is what the directory would be had the machine stopped just after that checkpoint, so it verifies, and opens,
//! like any other. Nothing is waited for by the writer: append segments only grow, full tiles never change, and trimming
//! and erasing are held up for as long as the copying takes.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use crate::error::LedgerError;
use crate::layout;
use crate::ledger::{Ledger, PATIENCE};
use crate::note::Checkpoint;
use crate::payload::{Extent, PayloadStore};
use crate::tiles::{TILE_WIDTH, bundle_path, levels, nodes_at, tile_path, width_of};
use crate::vfs::{OpenMode, Vfs, VfsFile, read_range, replace_file};

/// Bytes that are copied at once.
const PIECE: usize = 1 << 20;

/// How often the partial tiles of a checkpoint are looked for before a later one has replaced them.
const TRIES: usize = 16;

impl Ledger {
    /// Copies the log into a directory that does not exist yet and whose parent does; how many entries the copy has.
    /// Everything that is durable now is in it. Meant for the real disk.
    ///
    /// # Errors
    /// [`LedgerError`] when a file cannot be read or written, or the log has stopped.
    pub fn copy_to(&self, to: &Path) -> Result<u64, LedgerError> {
        let shared = &*self.inner.shared;
        shared.wait_signed(self.size(), PATIENCE)?;
        let _no_trim_no_erasure = shared.steady.lock();
        let from = &shared.options.directory;
        let mut copy = Copy { vfs: &*shared.vfs, from, to, known: BTreeSet::new() };
        let failed = |e| LedgerError::io(format!("copying the ledger to {}", to.display()), e);
        copy.vfs.create_dir(to).map_err(failed)?;
        for folder in [layout::FRAMES, layout::PAYLOADS, layout::TILES] {
            copy.vfs.create_dir(&to.join(folder)).map_err(failed)?;
        }

        let (note, size) = self.copy_edge(&mut copy)?;
        for level in levels(size) {
            for number in 0..nodes_at(level, size) / TILE_WIDTH {
                copy.file(&tile_path(level, number, TILE_WIDTH), u64::MAX).map_err(failed)?;
            }
        }
        for number in 0..size / TILE_WIDTH {
            copy.file(&bundle_path(number, TILE_WIDTH), u64::MAX).map_err(failed)?;
        }
        self.copy_frames(&copy, size).map_err(failed)?;
        copy.payloads(shared.payloads.active()).map_err(failed)?;
        // What was written for entries after the checkpoint is cut off, as a start after a crash does it.
        PayloadStore::open(
            shared.vfs.clone(),
            to.to_owned(),
            shared.clock.clone(),
            shared.options.payload_segment_bytes,
            shared.options.payload_segment_age,
            Extent { size, signed: size, last_payload: None },
        )?;
        copy.sync().map_err(failed)?;
        for name in [layout::OPEN_INTENTS, layout::KEY] {
            copy.small(name).map_err(failed)?;
        }
        replace_file(copy.vfs, to, layout::CHECKPOINT, note.as_bytes()).map_err(failed)?;
        // Last, as where a log is made: a directory without it was never one.
        copy.small(layout::FORMAT).map_err(failed)?;
        Ok(size)
    }

    /// Copies the incomplete tiles and bundle of the latest checkpoint, which a later one removes: few and small, so this
    /// is done first, and again with the later one where it came too late.
    fn copy_edge(&self, copy: &mut Copy<'_>) -> Result<(String, u64), LedgerError> {
        let (origin, key) = (self.options().origin(), self.public_key());
        let mut last = None;
        for _ in 0..TRIES {
            let note = self.checkpoint();
            let checkpoint = Checkpoint::verify(note.as_bytes(), &origin, &key)
                .map_err(|e| LedgerError::damaged(layout::CHECKPOINT, e.to_string()))?;
            let paths = edge(checkpoint.size);
            match paths.iter().try_for_each(|path| copy.file(path, u64::MAX)) {
                Ok(()) => return Ok((note.to_string(), checkpoint.size)),
                Err(error) => last = Some(error),
            }
            for path in &paths {
                let _not_copied = copy.vfs.remove_file(&copy.to.join(path));
            }
        }
        let error = last.unwrap_or_else(|| io::Error::other("no checkpoint held still"));
        Err(LedgerError::io("copying the incomplete tiles", error))
    }

    /// Copies the append segments, the last one up to the end of the last entry that is signed.
    fn copy_frames(&self, copy: &Copy<'_>, size: u64) -> io::Result<()> {
        let shared = &*self.inner.shared;
        let segments: Vec<_> = {
            let window = shared.window.read();
            let wanted = window.segments.iter().filter(|segment| segment.first <= size);
            wanted
                .map(|segment| {
                    let end = segment.begin_of(size.min(segment.next())).unwrap_or_else(|| segment.end());
                    (segment.first, segment.file.clone(), u64::from(end))
                })
                .collect()
        };
        for (first, file, end) in segments {
            copy.write(&*file, &layout::frames_path(copy.to, first), end)?;
        }
        Ok(())
    }
}

/// The incomplete tiles, one of each level at most, and the incomplete bundle.
fn edge(size: u64) -> Vec<String> {
    let mut paths = Vec::new();
    for level in levels(size) {
        let number = nodes_at(level, size) / TILE_WIDTH;
        let width = width_of(level, number, size);
        if width > 0 {
            paths.push(tile_path(level, number, width));
            if level == 0 {
                paths.push(bundle_path(number, width));
            }
        }
    }
    paths
}

/// From where to where.
struct Copy<'a> {
    vfs: &'a dyn Vfs,
    from: &'a Path,
    to: &'a Path,
    /// Directories that were made.
    known: BTreeSet<PathBuf>,
}

impl Copy<'_> {
    /// Copies a file by its path below the log's directory, at most `limit` bytes of it.
    fn file(&mut self, path: &str, limit: u64) -> io::Result<()> {
        let file = self.vfs.open(&self.from.join(path), OpenMode::Read)?;
        let target = self.to.join(path);
        if let Some(folder) = target.parent() {
            self.folder(folder)?;
        }
        self.write(&*file, &target, file.len()?.min(limit))
    }

    fn write(&self, file: &dyn VfsFile, target: &Path, length: u64) -> io::Result<()> {
        let copy = self.vfs.open(target, OpenMode::Create)?;
        let mut at = 0;
        while at < length {
            let want = usize::try_from(length.saturating_sub(at)).unwrap_or(PIECE).min(PIECE);
            let piece = read_range(file, at, want)?;
            if piece.is_empty() {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "a file has become shorter"));
            }
            copy.write_at(&piece, at)?;
            at = at.saturating_add(u64::try_from(piece.len()).unwrap_or(0));
        }
        copy.sync_data()
    }

    /// Copies the payload segments, of the one that is written to what it had when it was `active`.
    fn payloads(&mut self, active: Option<(u64, u64)>) -> io::Result<()> {
        for entry in self.vfs.list(&self.from.join(layout::PAYLOADS))? {
            let Some(first) = layout::payloads_first(&entry.name) else { continue };
            let limit = match active {
                Some((active, _)) if first > active => continue,
                Some((active, end)) if first == active => end,
                _ => u64::MAX,
            };
            self.file(&format!("{}/{}", layout::PAYLOADS, entry.name), limit)?;
        }
        Ok(())
    }

    /// Copies a small file, if it is there, whole or not at all.
    fn small(&self, name: &str) -> io::Result<()> {
        match crate::vfs::read_file(self.vfs, &self.from.join(name), layout::SMALL_FILE)? {
            Some(bytes) => replace_file(self.vfs, self.to, name, &bytes),
            None => Ok(()),
        }
    }

    fn folder(&mut self, folder: &Path) -> io::Result<()> {
        if folder == self.to || self.known.contains(folder) {
            return Ok(());
        }
        if let Some(above) = folder.parent() {
            self.folder(above)?;
        }
        self.vfs.create_dir(folder)?;
        self.known.insert(folder.to_owned());
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        for folder in self.known.iter().rev() {
            self.vfs.sync_dir(folder)?;
        }
        for folder in [layout::FRAMES, layout::PAYLOADS, layout::TILES] {
            self.vfs.sync_dir(&self.to.join(folder))?;
        }
        self.vfs.sync_dir(self.to)
    }
}
