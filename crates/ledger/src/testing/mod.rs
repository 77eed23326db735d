//! A simulated disk that loses power, fails and lies. Behind the feature `testing`; nothing in the product uses it.

mod disk;

use std::any::Any;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use self::disk::Disk;
use crate::vfs::{DirEntry, OpenMode, Vfs, VfsFile};

/// What goes wrong, counted in calls from when the disk was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Faults {
    /// From this call on every call fails and changes nothing: the power is gone.
    pub power_off_at: Option<u64>,
    /// This call fails; a write may have been done in part.
    pub fail_at: Option<u64>,
    /// From this call on writes and new files fail for lack of room.
    pub full_at: Option<u64>,
    /// So many bytes fit on the disk; of a write that does not fit, the beginning is written.
    pub capacity: Option<u64>,
    /// Syncing a file says that it succeeded and does nothing.
    pub sync_lies: bool,
    /// Decides what is torn, dropped and kept.
    pub seed: u64,
}

/// A disk in memory. What was not synced is lost, kept or torn when the power goes, as the seed has it.
#[derive(Clone)]
pub struct SimVfs {
    disk: Arc<Mutex<Disk>>,
    locked: Arc<AtomicBool>,
}

/// A small generator of random numbers (SplitMix64), the same for the same seed everywhere.
#[derive(Debug, Clone)]
pub struct Seeded(u64);

struct SimFile {
    disk: Arc<Mutex<Disk>>,
    inode: u64,
}

struct Unlock(Arc<AtomicBool>);

impl Seeded {
    /// From a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number below `bound` (0 for a bound of 0).
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)).checked_rem(bound).unwrap_or(0)
    }
}

impl SimVfs {
    /// An empty disk with one directory, `/`.
    #[must_use]
    pub fn new(faults: Faults) -> Self {
        Self::over(Disk::new(faults))
    }

    fn over(disk: Disk) -> Self {
        Self { disk: Arc::new(Mutex::new(disk)), locked: Arc::new(AtomicBool::new(false)) }
    }

    /// A disk with the files and directories below a real directory, all durable, as `/`.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn load(directory: &Path) -> io::Result<Self> {
        let sim = Self::new(Faults::default());
        let mut folders = vec![PathBuf::new()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(directory.join(&folder))? {
                let entry = entry?;
                let below = folder.join(entry.file_name());
                if entry.file_type()?.is_dir() {
                    sim.create_dir(&Path::new("/").join(&below))?;
                    folders.push(below);
                } else {
                    sim.put(&Path::new("/").join(&below), &std::fs::read(entry.path())?);
                }
            }
        }
        Ok(sim)
    }

    /// What the disk holds after the power went and came back, with new faults to come.
    #[must_use]
    pub fn after_power_loss(&self, faults: Faults) -> Self {
        Self::over(self.disk.lock().after_power_loss(faults))
    }

    /// The same content, as after a restart of the process alone, with new faults to come.
    #[must_use]
    pub fn after_restart(&self, faults: Faults) -> Self {
        Self::over(self.disk.lock().after_restart(faults))
    }

    /// Calls so far.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.disk.lock().calls()
    }

    /// All files and their content.
    #[must_use]
    pub fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        self.disk.lock().files()
    }

    /// Puts a file in place, durable and past all faults; directories must exist.
    pub fn put(&self, path: &Path, bytes: &[u8]) {
        self.disk.lock().put(path, bytes);
    }

    /// Takes a file away, past all faults.
    pub fn take(&self, path: &Path) {
        self.disk.lock().take(path);
    }
}

impl Vfs for SimVfs {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn VfsFile>> {
        let inode = self.disk.lock().open(path, mode)?;
        Ok(Arc::new(SimFile { disk: self.disk.clone(), inode }))
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.disk.lock().create_dir(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.disk.lock().rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.disk.lock().remove(path, false)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.disk.lock().remove(path, true)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<DirEntry>> {
        self.disk.lock().list(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.disk.lock().sync_dir(path)
    }

    fn lock(&self, _: &Path) -> io::Result<Option<Box<dyn Any + Send + Sync>>> {
        let taken = self.locked.swap(true, Ordering::AcqRel);
        Ok((!taken).then(|| Box::new(Unlock(self.locked.clone())) as Box<dyn Any + Send + Sync>))
    }
}

impl Drop for Unlock {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

impl VfsFile for SimFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.disk.lock().read(self.inode, buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.disk.lock().write(self.inode, bytes, offset)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.disk.lock().sync(self.inode)
    }

    fn len(&self) -> io::Result<u64> {
        self.disk.lock().length(self.inode)
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        self.disk.lock().truncate(self.inode, length)
    }
}
