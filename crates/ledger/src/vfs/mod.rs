//! The disk, as a trait: tests put a simulated one in its place that loses power, fails and lies.

mod real;

use std::any::Any;
use std::io;
use std::path::Path;
use std::sync::Arc;

pub use real::RealVfs;

/// How a file is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenMode {
    /// An existing file, to read.
    Read,
    /// An existing file, to read and write.
    Write,
    /// A new file, to read and write; an existing one is emptied.
    Create,
}

/// An entry of a directory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DirEntry {
    /// Its name within the directory. Names that are not UTF-8 are not the ledger's and are not listed.
    pub name: String,
    /// Whether it is a directory itself.
    pub is_dir: bool,
}

/// Files and directories.
pub trait Vfs: Send + Sync + 'static {
    /// Opens a file.
    ///
    /// # Errors
    /// Those of the operating system.
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn VfsFile>>;
    /// Makes a directory; one that exists is fine. Its parent must exist.
    ///
    /// # Errors
    /// Those of the operating system.
    fn create_dir(&self, path: &Path) -> io::Result<()>;
    /// Renames a file, replacing the target atomically.
    ///
    /// # Errors
    /// Those of the operating system.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    ///
    /// # Errors
    /// Those of the operating system.
    fn remove_file(&self, path: &Path) -> io::Result<()>;
    /// Removes an empty directory.
    ///
    /// # Errors
    /// Those of the operating system.
    fn remove_dir(&self, path: &Path) -> io::Result<()>;
    /// Lists a directory, sorted by name.
    ///
    /// # Errors
    /// Those of the operating system.
    fn list(&self, path: &Path) -> io::Result<Vec<DirEntry>>;
    /// Makes the names in a directory durable.
    ///
    /// # Errors
    /// Those of the operating system.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;
    /// Takes an exclusive lock on an existing file for as long as the value lives; `None` when another process has it.
    ///
    /// # Errors
    /// Those of the operating system.
    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Any + Send + Sync>>>;
}

/// An open file. All reads and writes name their offset.
pub trait VfsFile: Send + Sync {
    /// Reads up to the buffer's length; fewer bytes only at the end of the file.
    ///
    /// # Errors
    /// Those of the operating system.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
    /// Writes all bytes.
    ///
    /// # Errors
    /// Those of the operating system; any part of the bytes may have been written.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// Makes content and length durable (`fdatasync`).
    ///
    /// # Errors
    /// Those of the operating system.
    fn sync_data(&self) -> io::Result<()>;
    /// The length in bytes.
    ///
    /// # Errors
    /// Those of the operating system.
    fn len(&self) -> io::Result<u64>;
    /// Whether the file has no bytes.
    ///
    /// # Errors
    /// Those of the operating system.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }
    /// Cuts the file to a length.
    ///
    /// # Errors
    /// Those of the operating system.
    fn truncate(&self, length: u64) -> io::Result<()>;
}

/// Reads exactly `length` bytes, or as many as there are before the end of the file.
pub(crate) fn read_range(file: &dyn VfsFile, offset: u64, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    let got = file.read_at(&mut bytes, offset)?;
    bytes.truncate(got);
    Ok(bytes)
}

/// Reads a whole file that must not be longer than `limit` bytes; `None` when there is no such file.
pub(crate) fn read_file(vfs: &dyn Vfs, path: &Path, limit: u64) -> io::Result<Option<Vec<u8>>> {
    let file = match vfs.open(path, OpenMode::Read) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(e),
    };
    let length = file.len()?;
    if length > limit {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "the file is longer than it can be"));
    }
    read_range(&*file, 0, usize::try_from(length).unwrap_or(usize::MAX)).map(Some)
}

/// Puts a file in place whole or not at all: written beside, synced, renamed, and the rename made durable.
pub(crate) fn replace_file(vfs: &dyn Vfs, directory: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let temporary = directory.join(format!("{name}.tmp"));
    let file = vfs.open(&temporary, OpenMode::Create)?;
    file.write_at(bytes, 0)?;
    file.sync_data()?;
    vfs.rename(&temporary, &directory.join(name))?;
    vfs.sync_dir(directory)
}
