//! The publisher: behind the writer it cuts tiles and bundles, signs checkpoints and trims what they have made needless.
//!
//! Order is everything: tiles are durable before a checkpoint over them is signed, a checkpoint is durable before it is
//! told, and frames go only when durable bundles under a durable checkpoint hold their entries. A signed checkpoint is
//! never taken back.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use stockade_crypto::{Digest, SigningKey};

use crate::layout;
use crate::merkle::leaf_hash;
use crate::note::Checkpoint;
use crate::shared::Shared;
use crate::tiles::{Edge, TILE_WIDTH, bundle_path, levels, nodes_at, tile_path, width_of};
use crate::vfs::{OpenMode, Vfs, VfsFile, replace_file};
use crate::window::each_entry;
use crate::writer::StopOnPanic;

/// Bytes of frames that are read at once.
const READ_BYTES: u32 = 4 * 1024 * 1024;

pub(crate) struct Publisher {
    shared: Arc<Shared>,
    key: SigningKey,
    edge: Edge,
    /// The incomplete entry bundle.
    bundle: Vec<u8>,
    /// Size under the latest checkpoint.
    signed: u64,
    /// When the next checkpoint must come; none while there is nothing to sign.
    due: Option<Instant>,
    /// Sizes of earlier checkpoints whose partial tiles have not been removed yet.
    stale: Vec<u64>,
    /// Directories that are known to exist.
    known: BTreeSet<PathBuf>,
    /// Directories with names that are not durable yet.
    unsynced: BTreeSet<PathBuf>,
}

/// So many files may wait to be synced.
const UNSYNCED: usize = 64;

/// So many entries are put into tiles and bundles without waiting for the next checkpoint. A checkpoint that has a
/// second's worth of them to write keeps the device busy for so long that the records of requests wait behind it.
const GATHER: u64 = 2 * TILE_WIDTH;

/// What there is to do.
enum Work {
    /// Put the entries up to here into tiles and bundles, those that are full.
    Gather(u64),
    /// And sign a checkpoint.
    Sign(u64),
}

/// Files that are written, and directories of new names. They are synced together: the first sync then makes the file
/// system's journal durable for all of them.
struct Sheet<'a> {
    vfs: &'a dyn Vfs,
    root: &'a Path,
    known: &'a mut BTreeSet<PathBuf>,
    files: Vec<Arc<dyn VfsFile>>,
    /// So many files may wait.
    most: usize,
    unsynced: &'a mut BTreeSet<PathBuf>,
}

impl Publisher {
    /// A publisher that goes on after a signed tree of `edge.size()` entries whose incomplete bundle is given.
    pub(crate) fn new(shared: Arc<Shared>, key: SigningKey, edge: Edge, bundle: Vec<u8>) -> Self {
        let signed = edge.size();
        Self {
            shared,
            key,
            edge,
            bundle,
            signed,
            due: None,
            stale: Vec::new(),
            known: BTreeSet::new(),
            unsynced: BTreeSet::new(),
        }
    }

    /// Runs until the writer has ended and everything is signed, or something fails.
    pub(crate) fn run(mut self) {
        let shared = self.shared.clone();
        let _guard = StopOnPanic(&shared);
        while let Some(work) = self.wait() {
            let done = match work {
                Work::Gather(until) => self.gather(until),
                Work::Sign(until) => self.publish(until),
            };
            if let Err(e) = done {
                self.shared.stop(&format!("publishing the log failed: {e}"));
                break;
            }
        }
        self.shared.progress.lock().published = true;
        self.shared.moved.notify_all();
    }

    /// Waits for entries, then until there are enough to gather, the interval has passed or somebody is in a hurry.
    fn wait(&mut self) -> Option<Work> {
        let shared = &*self.shared;
        let mut progress = shared.progress.lock();
        loop {
            if shared.failure().is_some() {
                return None;
            }
            let behind = progress.durable > self.signed;
            let is_due = self.due.is_some_and(|due| due <= Instant::now());
            if progress.written || (behind && (progress.hurry_to > self.signed || is_due)) {
                self.due = None;
                return behind.then_some(Work::Sign(progress.durable));
            }
            let enough = self.edge.size().saturating_add(GATHER);
            if progress.durable >= enough {
                return Some(Work::Gather(progress.durable / TILE_WIDTH * TILE_WIDTH));
            }
            if behind {
                let due =
                    *self.due.get_or_insert_with(|| Instant::now() + shared.options.checkpoint_interval);
                progress.wake_at = enough;
                shared.wanted.wait_until(&mut progress, due);
            } else {
                progress.wake_at = self.signed.saturating_add(1);
                shared.wanted.wait(&mut progress);
            }
        }
    }

    /// Writes tiles and bundles that are full, each synced by itself: small enough to leave the device to others.
    fn gather(&mut self, until: u64) -> io::Result<()> {
        self.on_sheet(1, |publisher, sheet| {
            while publisher.edge.size() < until {
                publisher.integrate(sheet, until)?;
            }
            sheet.sync_files()
        })
    }

    /// Lends out a sheet on which so many files may wait to be synced.
    fn on_sheet(
        &mut self,
        most: usize,
        work: impl FnOnce(&mut Self, &mut Sheet<'_>) -> io::Result<()>,
    ) -> io::Result<()> {
        let shared = self.shared.clone();
        let mut known = std::mem::take(&mut self.known);
        let mut unsynced = std::mem::take(&mut self.unsynced);
        let mut sheet = Sheet {
            vfs: &*shared.vfs,
            root: &shared.options.directory,
            known: &mut known,
            files: Vec::new(),
            most,
            unsynced: &mut unsynced,
        };
        let done = work(self, &mut sheet);
        (self.known, self.unsynced) = (known, unsynced);
        done
    }

    fn publish(&mut self, until: u64) -> io::Result<()> {
        let shared = self.shared.clone();
        let root = &shared.options.directory;
        self.on_sheet(UNSYNCED, |publisher, sheet| publisher.write_all(sheet, until))?;
        let checkpoint = Checkpoint { origin: shared.options.origin(), size: until, root: self.edge.root() };
        let note = checkpoint.sign(&self.key);
        replace_file(&*shared.vfs, root, layout::CHECKPOINT, note.as_bytes())?;
        let before = std::mem::replace(&mut self.signed, until);
        {
            let mut progress = shared.progress.lock();
            progress.signed = until;
            progress.signed_at = Some(shared.clock.now());
            progress.note = Arc::from(note);
        }
        shared.moved.notify_all();
        self.stale.push(before);
        self.tidy()
    }

    /// All tiles and bundles of a tree of `until` entries that are not there yet, durable with their names.
    fn write_all(&mut self, sheet: &mut Sheet<'_>, until: u64) -> io::Result<()> {
        while self.edge.size() < until {
            self.integrate(sheet, until)?;
        }
        for level in levels(until) {
            let width = nodes_at(level, until) % TILE_WIDTH;
            // What the last checkpoint covers is never written again: a crash could tear it.
            if width > 0 && nodes_at(level, until) != nodes_at(level, self.signed) {
                let path = tile_path(level, nodes_at(level, until) / TILE_WIDTH, width);
                sheet.write(&path, &concat(self.edge.level(level)))?;
            }
        }
        if !until.is_multiple_of(TILE_WIDTH) {
            sheet.write(&bundle_path(until / TILE_WIDTH, until % TILE_WIDTH), &self.bundle)?;
        }
        sheet.sync()
    }

    /// Takes some more entries from the frames.
    fn integrate(&mut self, sheet: &mut Sheet<'_>, until: u64) -> io::Result<()> {
        let from = self.edge.size();
        let run = self.shared.window.read().run(from, until, READ_BYTES);
        let run = run.ok_or_else(|| io::Error::other(format!("entry {from} is in no append segment")))?;
        let (edge, bundle) = (&mut self.edge, &mut self.bundle);
        let mut failed = Ok(());
        each_entry(&run.read()?, from, |_, entry| {
            push_bundled(bundle, entry);
            edge.push(leaf_hash(entry), |tile| {
                if failed.is_ok() {
                    failed =
                        sheet.write(&tile_path(tile.level, tile.number, TILE_WIDTH), &concat(&tile.hashes));
                }
                if tile.level == 0 && failed.is_ok() {
                    failed = sheet.write(&bundle_path(tile.number, TILE_WIDTH), bundle);
                    bundle.clear();
                }
            });
        })?;
        failed
    }

    /// Removes what the new checkpoint has made needless: partial tiles of earlier ones, and append segments whose entries
    /// all lie in full bundles. While somebody needs the files to stay, a later round does it.
    fn tidy(&mut self) -> io::Result<()> {
        let shared = &*self.shared;
        let Some(_nobody_reads) = shared.steady.try_lock() else { return Ok(()) };
        for before in self.stale.drain(..) {
            remove_stale(&*shared.vfs, &shared.options.directory, before, self.signed);
        }
        let bundled = self.signed / TILE_WIDTH * TILE_WIDTH;
        let gone: Vec<u64> = {
            let window = shared.window.read();
            let older = window.segments.iter().zip(window.segments.iter().skip(1));
            older.take_while(|(_, next)| next.first <= bundled).map(|(segment, _)| segment.first).collect()
        };
        if gone.is_empty() {
            return Ok(());
        }
        let root = &shared.options.directory;
        let open = shared.requests.lock().snapshot();
        replace_file(&*shared.vfs, root, layout::OPEN_INTENTS, &open.encode())?;
        shared.window.write().segments.drain(..gone.len());
        // One by one, the oldest first: a crash must not leave a gap.
        gone.into_iter().try_for_each(|first| {
            shared.vfs.remove_file(&layout::frames_path(root, first))?;
            shared.vfs.sync_dir(&root.join(layout::FRAMES))
        })
    }
}

/// Appends an entry to a bundle (tlog-tiles: big-endian 16-bit length, then the entry).
pub(crate) fn push_bundled(bundle: &mut Vec<u8>, entry: &[u8]) {
    bundle.extend_from_slice(&u16::try_from(entry.len()).unwrap_or(u16::MAX).to_be_bytes());
    bundle.extend_from_slice(entry);
}

fn concat(hashes: &[Digest]) -> Vec<u8> {
    hashes.concat()
}

/// Removes the partial tiles of an earlier checkpoint. What cannot be removed is left over and harms nothing: it is not
/// part of the log.
fn remove_stale(vfs: &dyn Vfs, root: &Path, before: u64, now: u64) {
    let tidy = |path: String, moved_on: bool| {
        let path = root.join(path);
        let _left_over = vfs.remove_file(&path);
        if let (true, Some(folder)) = (moved_on, path.parent()) {
            let _left_over = vfs.remove_dir(folder);
        }
    };
    for level in levels(before) {
        let number = nodes_at(level, before) / TILE_WIDTH;
        let (old, new) = (width_of(level, number, before), width_of(level, number, now));
        if old > 0 && old != new {
            tidy(tile_path(level, number, old), new == TILE_WIDTH);
            if level == 0 {
                tidy(bundle_path(number, old), new == TILE_WIDTH);
            }
        }
    }
}

impl Sheet<'_> {
    /// Writes a file; it becomes durable, and its name, with [`Self::sync`].
    fn write(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        let path = self.root.join(path);
        let folder = path.parent().unwrap_or(self.root).to_path_buf();
        self.make(&folder)?;
        let file = self.vfs.open(&path, OpenMode::Create)?;
        file.write_at(bytes, 0)?;
        self.files.push(file);
        self.unsynced.insert(folder);
        if self.files.len() >= self.most { self.sync_files() } else { Ok(()) }
    }

    fn make(&mut self, folder: &Path) -> io::Result<()> {
        if folder == self.root || self.known.contains(folder) {
            return Ok(());
        }
        let above = folder.parent().unwrap_or(self.root).to_path_buf();
        self.make(&above)?;
        self.vfs.create_dir(folder)?;
        self.unsynced.insert(above);
        // Directories of partial tiles are removed again and would pile up here.
        if folder.extension().is_none() {
            self.known.insert(folder.to_path_buf());
        }
        Ok(())
    }

    fn sync_files(&mut self) -> io::Result<()> {
        self.files.drain(..).try_for_each(|file| file.sync_data())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_files()?;
        // The deepest first: a directory's name becomes durable after what is in it.
        self.unsynced.iter().rev().try_for_each(|folder| self.vfs.sync_dir(folder))?;
        self.unsynced.clear();
        Ok(())
    }
}
