//! Copies of an installation, taken while it runs, and put back into an empty place.
//!
//! A copy is a directory: the database at one moment, the ledger up to a signed checkpoint, and a manifest with the
//! SHA-256 of every file. The root key is never in it: without the key a copy opens no recorded text and makes no key,
//! and with it a copy is a whole installation. The database is copied first, so the ledger, which is what counts, knows
//! everything that the database does.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};
use stockade_crypto::{Hasher, to_hex};
use stockade_domain::Micros;
use stockade_ledger::verify::verify_directory;
use stockade_store::SqliteDb;

use crate::error::PlatformError;
use crate::platform::{Layout, Platform};

/// The manifest's file.
const MANIFEST: &str = "manifest.json";
/// What stands in `type`.
const TYPE: &str = "stockade-backup";
/// The longest manifest that is read, in bytes.
const MAX_MANIFEST: u64 = 64 << 20;

/// What a copy holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// `stockade-backup`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Version of this form: 1.
    pub v: u32,
    /// The program's version that made it.
    pub version: String,
    /// When it was made.
    pub time: Micros,
    /// Whose ledger: `stockade/<instance id>`.
    pub origin: String,
    /// Entries of the ledger that are in the copy.
    pub entries: u64,
    /// Every other file, by path.
    pub files: Vec<CopiedFile>,
}

/// A file of a copy.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CopiedFile {
    /// Its path below the copy's directory, with `/` between names.
    pub path: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// SHA-256, lower-case hex.
    pub sha256: String,
}

impl Platform {
    /// Copies the installation into a directory that does not exist yet, while it runs. Blocks.
    ///
    /// # Errors
    /// [`PlatformError::Conflict`] when the directory exists; [`PlatformError::Damaged`] when the copy does not verify.
    /// What was written by then stays, without a manifest, and restores nowhere.
    pub fn backup(&self, to: &Path, actor: &str) -> Result<Manifest, PlatformError> {
        if !to.is_absolute() {
            return Err(PlatformError::Invalid("a copy's directory is named by an absolute path".to_owned()));
        }
        let shown = to.display();
        if is_below(to, self.layout.root()) {
            return Err(PlatformError::Invalid(format!(
                "{shown} lies in the data directory, and would be lost with it: name a place elsewhere"
            )));
        }
        self.journal.admin("backup", actor, [])?;
        DirBuilder::new().mode(0o700).create(to).map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => PlatformError::Conflict(format!("{shown} exists already")),
            _ => PlatformError::Io { what: format!("making {shown}"), source: error },
        })?;
        let copy = Layout::new(to);
        self.db.backup(&copy.store())?;
        let entries = self.journal.ledger().copy_to(&copy.ledger())?;
        sound(&copy)?;
        let mut files = Vec::new();
        list(to, &mut PathBuf::new(), &mut files)?;
        files.sort_unstable();
        let manifest = Manifest {
            kind: TYPE.to_owned(),
            v: 1,
            version: self.version.to_owned(),
            time: self.clock.now(),
            origin: self.journal.ledger().options().origin(),
            entries,
            files,
        };
        let text = serde_json::to_vec_pretty(&manifest)
            .map_err(|error| PlatformError::Damaged(format!("the manifest cannot be written: {error}")))?;
        write(&to.join(MANIFEST), &mut text.as_slice())?;
        sync(to)?;
        Ok(manifest)
    }
}

/// Puts a copy into a data directory that has nothing yet, after checking every file of it and the ledger. Gives what
/// the copy holds. The caller holds the lock of the data directory. Blocks.
///
/// # Errors
/// [`PlatformError::Conflict`] where there is an installation already; [`PlatformError::Damaged`] when a file is not as
/// the manifest says or the ledger does not verify. In both cases nothing was written.
pub fn restore(from: &Path, layout: &Layout) -> Result<Manifest, PlatformError> {
    for there in [layout.store(), layout.ledger()] {
        if there.exists() {
            let message = format!("there is an installation already: {} exists", there.display());
            return Err(PlatformError::Conflict(message));
        }
    }
    let manifest = read_manifest(&from.join(MANIFEST))?;
    let mut there = Vec::new();
    list(from, &mut PathBuf::new(), &mut there)?;
    there.retain(|file| file.path != MANIFEST);
    there.sort_unstable();
    if let Some(odd) = difference(&manifest.files, &there) {
        return Err(PlatformError::Damaged(format!("{odd} is not as the manifest says")));
    }
    let copy = Layout::new(from);
    sound(&copy)?;
    // The ledger comes last under its name: an interrupted restore leaves no directory that looks whole.
    let partial = layout.root().join("ledger.restoring");
    if partial.exists() {
        fs::remove_dir_all(&partial).map_err(PlatformError::io(format!("removing {}", partial.display())))?;
    }
    for file in &manifest.files {
        let source = from.join(&file.path);
        let Ok(below) = Path::new(&file.path).strip_prefix("ledger") else { continue };
        let target = partial.join(below);
        if let Some(parent) = target.parent() {
            let made = DirBuilder::new().recursive(true).mode(0o700).create(parent);
            made.map_err(PlatformError::io(format!("making {}", parent.display())))?;
        }
        let mut open = File::open(&source).map_err(PlatformError::io(source.display().to_string()))?;
        write(&target, &mut open)?;
    }
    SqliteDb::restore(&copy.store(), &layout.store())?;
    fs::rename(&partial, layout.ledger()).map_err(PlatformError::io("putting the ledger in place"))?;
    sync(layout.root())?;
    Ok(manifest)
}

/// Whether a path that need not exist yet lies in a directory, links followed.
fn is_below(path: &Path, directory: &Path) -> bool {
    let Ok(directory) = directory.canonicalize() else { return false };
    let there = path.ancestors().find_map(|ancestor| ancestor.canonicalize().ok());
    there.is_some_and(|there| there.starts_with(directory))
}

/// Whether a copy's ledger is whole.
fn sound(copy: &Layout) -> Result<(), PlatformError> {
    let report = verify_directory(&copy.ledger(), None);
    match report.first_bad() {
        None => Ok(()),
        Some(bad) => Err(PlatformError::Damaged(format!("the copy's ledger does not verify: {bad}"))),
    }
}

fn read_manifest(path: &Path) -> Result<Manifest, PlatformError> {
    let wrong = |why: String| PlatformError::Damaged(format!("{}: {why}", path.display()));
    let length =
        fs::metadata(path).map_err(|e| wrong(format!("this is no copy of an installation: {e}")))?.len();
    if length > MAX_MANIFEST {
        return Err(wrong("too long for a manifest".to_owned()));
    }
    let bytes = fs::read(path).map_err(|e| wrong(e.to_string()))?;
    let manifest: Manifest = serde_json::from_slice(&bytes).map_err(|e| wrong(e.to_string()))?;
    if manifest.kind != TYPE || manifest.v != 1 {
        return Err(wrong("not a manifest of version 1".to_owned()));
    }
    // Paths are compared with what lies there, so none can lead elsewhere; say so here all the same.
    let inside =
        |file: &CopiedFile| Path::new(&file.path).components().all(|c| matches!(c, Component::Normal(_)));
    if !manifest.files.iter().all(inside) {
        return Err(wrong("a path leads out of the copy".to_owned()));
    }
    Ok(manifest)
}

/// The first path at which two sorted lists differ.
fn difference(expected: &[CopiedFile], found: &[CopiedFile]) -> Option<String> {
    let at = expected.iter().zip(found).position(|(a, b)| a != b).unwrap_or(expected.len().min(found.len()));
    let odd = expected.get(at).into_iter().chain(found.get(at)).min()?;
    Some(odd.path.clone())
}

/// Every regular file below a directory. Links are not followed: a copy has none.
fn list(root: &Path, below: &mut PathBuf, files: &mut Vec<CopiedFile>) -> Result<(), PlatformError> {
    let directory = root.join(&below);
    let failed = |e| PlatformError::io(format!("reading {}", directory.display()))(e);
    for entry in fs::read_dir(&directory).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let kind = entry.file_type().map_err(failed)?;
        below.push(entry.file_name());
        if kind.is_dir() {
            list(root, below, files)?;
        } else if kind.is_file() {
            let (bytes, sha256) = digest(&entry.path())?;
            files.push(CopiedFile { path: below.to_string_lossy().into_owned(), bytes, sha256 });
        } else {
            return Err(PlatformError::Damaged(format!("{} is neither file nor directory", below.display())));
        }
        below.pop();
    }
    Ok(())
}

fn digest(path: &Path) -> Result<(u64, String), PlatformError> {
    let failed = |e| PlatformError::io(format!("reading {}", path.display()))(e);
    let mut file = File::open(path).map_err(failed)?;
    let mut hasher = Hasher::new();
    let mut buffer = vec![0; 1 << 16];
    let mut bytes = 0_u64;
    loop {
        let read = file.read(&mut buffer).map_err(failed)?;
        let piece = buffer.get(..read).unwrap_or_default();
        if piece.is_empty() {
            return Ok((bytes, to_hex(&hasher.finish())));
        }
        hasher.update(piece);
        bytes = bytes.saturating_add(u64::try_from(read).unwrap_or(0));
    }
}

/// Writes a new file that only its owner reads, durably.
fn write(path: &Path, content: &mut impl Read) -> Result<(), PlatformError> {
    let failed = |e| PlatformError::io(format!("writing {}", path.display()))(e);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
    std::io::copy(content, &mut file).map_err(failed)?;
    file.flush().and_then(|()| file.sync_all()).map_err(failed)
}

fn sync(directory: &Path) -> Result<(), PlatformError> {
    let synced = File::open(directory).and_then(|d| d.sync_all());
    synced.map_err(PlatformError::io(format!("syncing {}", directory.display())))
}
