//! Results of files that have not changed since. A file counts as unchanged when its size, times and inode are the same and
//! it was old when it was last read: a file that changed within the clock's grain of the last scan could have changed again
//! without showing it (the racy-time rule of version control systems).

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::infra::Project;
use crate::scan::FileResult;

/// The grain of clocks of file systems, generously, in nanoseconds.
const GRAIN: i64 = 2_000_000_000;

/// The largest cache that is read, in bytes.
const MAX_FILE: u64 = 256 << 20;

#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Cache {
    version: String,
    /// The files of infrastructure as code, which speak of each other.
    project: Vec<Stat>,
    entries: BTreeMap<String, (Stat, FileResult)>,
    /// When it was opened, in nanoseconds since 1970.
    #[serde(skip)]
    opened: i64,
    /// The files of the project are as they were.
    #[serde(skip)]
    same: bool,
}

/// What tells that a file is the same: size, modified and changed in nanoseconds since 1970, inode, device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stat(u64, i64, i64, u64, u64);

impl Stat {
    pub(crate) fn of(path: &Path) -> Option<Self> {
        let meta = path.symlink_metadata().ok()?;
        let nanos = |seconds: i64, nanos: i64| seconds.saturating_mul(1_000_000_000).saturating_add(nanos);
        meta.is_file().then(|| {
            Self(
                meta.size(),
                nanos(meta.mtime(), meta.mtime_nsec()),
                nanos(meta.ctime(), meta.ctime_nsec()),
                meta.ino(),
                meta.dev(),
            )
        })
    }

    /// Whether it was old at a time.
    const fn settled(self, at: i64) -> bool {
        let latest = if self.1 > self.2 { self.1 } else { self.2 };
        latest.saturating_add(GRAIN) < at
    }
}

impl Cache {
    /// Opens a cache; one that cannot be read, or is of another version, is empty.
    pub(crate) fn open(path: &Path, version: &str, project: &Project) -> Self {
        let read = crate::input::open(path).and_then(|file| crate::input::all(&file, MAX_FILE));
        let found: Option<Self> = read.ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let mut cache = found.filter(|cache| cache.version == version).unwrap_or_default();
        let now: Vec<Stat> = project.files().filter_map(Stat::of).collect();
        cache.opened = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| i64::try_from(since.as_nanos()).unwrap_or(i64::MAX));
        cache.same = cache.project == now;
        cache.project = now;
        cache.version = version.to_owned();
        cache
    }

    /// The result of an unchanged file.
    pub(crate) fn get(&self, path: &str, stat: Option<Stat>) -> Option<FileResult> {
        let (known, result) = self.entries.get(path)?;
        (stat.as_ref() == Some(known) && (self.same || !result.joined)).then(|| result.clone())
    }

    /// Keeps results; those of files that changed too lately are not kept. A cache that cannot be written is not an error.
    pub(crate) fn store(
        mut self,
        path: &Path,
        files: &[(String, PathBuf)],
        results: &[(Option<Stat>, FileResult)],
    ) {
        let keep = |(stat, result): &(Option<Stat>, FileResult)| {
            stat.filter(|stat| stat.settled(self.opened) && result.incomplete.is_empty())
        };
        let known =
            |(name, stat): (&String, Stat)| self.entries.get(name).is_some_and(|(old, _)| *old == stat);
        let kept: Vec<Option<Stat>> = results.iter().map(keep).collect();
        let names = files.iter().map(|(name, _)| name);
        let mut now = names.clone().zip(&kept).filter_map(|(name, stat)| Some((name, (*stat)?)));
        let count = kept.iter().flatten().count();
        if self.same && count == self.entries.len() && now.all(known) {
            return;
        }
        let all = names.zip(&kept).zip(results);
        self.entries = all
            .filter_map(|((name, stat), (_, result))| Some((name.clone(), ((*stat)?, result.clone()))))
            .collect();
        let Ok(bytes) = serde_json::to_vec(&self) else { return };
        let temporary = path.with_extension("new");
        if std::fs::write(&temporary, bytes).is_ok() {
            let _kept_or_not = std::fs::rename(&temporary, path);
        }
    }
}
