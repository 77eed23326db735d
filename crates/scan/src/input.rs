//! Files of a tree that may be hostile: opened without following a link and without waiting, read within bounds.

use std::fs::File;
use std::io::{Error, ErrorKind, Read as _, Result};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use rustix::fs::{Mode, OFlags};

/// How much of a file is looked at to see what it is.
const HEAD: usize = 4 * 1024;

/// Opens a plain file.
pub(crate) fn open(path: &Path) -> Result<File> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(Error::new(ErrorKind::InvalidInput, "not a plain file"))
    }
}

/// Its first bytes.
pub(crate) fn head(file: &File) -> Result<Vec<u8>> {
    let mut bytes = vec![0; HEAD];
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, u64::try_from(filled).unwrap_or(u64::MAX))? {
            0 => break,
            more => filled = filled.saturating_add(more),
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

/// All of it, if it is not longer than `limit`.
pub(crate) fn all(file: &File, limit: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > limit {
        return Err(Error::new(ErrorKind::FileTooLarge, "it grew while it was read"));
    }
    Ok(bytes)
}
