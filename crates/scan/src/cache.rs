//! Results of files that have not changed since. A file counts as unchanged when its size, times and inode are the same and
//! it was old when it was last read: a file that changed within the clock's grain of the last scan could have changed again
//! without showing it (the racy-time rule of version control systems).

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::scan::FileResult;

/// The grain of clocks of file systems, generously, in nanoseconds.
const GRAIN: i128 = 2_000_000_000;

/// The largest cache that is read, in bytes.
const MAX_FILE: u64 = 256 << 20;

#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Cache {
    version: String,
    /// When it was begun, in nanoseconds since 1970.
    begun: i128,
    entries: BTreeMap<String, (Stat, FileResult)>,
}

/// What tells that a file is the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Stat {
    size: u64,
    modified: i128,
    changed: i128,
    inode: u64,
    device: u64,
}

impl Stat {
    fn of(path: &Path) -> Option<Self> {
        let meta = path.symlink_metadata().ok()?;
        let nanos = |seconds: i64, nanos: i64| {
            i128::from(seconds).saturating_mul(1_000_000_000).saturating_add(i128::from(nanos))
        };
        meta.is_file().then(|| Self {
            size: meta.size(),
            modified: nanos(meta.mtime(), meta.mtime_nsec()),
            changed: nanos(meta.ctime(), meta.ctime_nsec()),
            inode: meta.ino(),
            device: meta.dev(),
        })
    }
}

impl Cache {
    /// Opens a cache; one that cannot be read, or is of another version, is empty.
    pub(crate) fn open(path: &Path, version: &str) -> Self {
        let read = crate::input::open(path).and_then(|file| crate::input::all(&file, MAX_FILE));
        let found: Option<Self> = read.ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let entries =
            found.filter(|cache| cache.version == version).map(|cache| cache.entries).unwrap_or_default();
        let begun = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |d| i128::try_from(d.as_nanos()).unwrap_or(i128::MAX));
        Self { version: version.to_owned(), begun, entries }
    }

    /// The result of an unchanged file.
    pub(crate) fn get(&self, path: &str, file: &Path) -> Option<FileResult> {
        let (stat, result) = self.entries.get(path)?;
        (Stat::of(file).as_ref() == Some(stat)).then(|| result.clone())
    }

    /// Keeps results; those of files that changed too lately are not kept. A cache that cannot be written is not an error.
    pub(crate) fn store(mut self, path: &Path, files: &[(String, PathBuf)], results: &[FileResult]) {
        let mut entries = BTreeMap::new();
        for ((name, file), result) in files.iter().zip(results) {
            let Some(stat) = Stat::of(file) else { continue };
            let settled = stat.modified.max(stat.changed).saturating_add(GRAIN) < self.begun;
            if settled && result.incomplete.is_empty() {
                entries.insert(name.clone(), (stat, result.clone()));
            }
        }
        self.entries = entries;
        let Ok(bytes) = serde_json::to_vec(&self) else { return };
        let temporary = path.with_extension("new");
        if std::fs::write(&temporary, bytes).is_ok() {
            let _kept_or_not = std::fs::rename(&temporary, path);
        }
    }
}
