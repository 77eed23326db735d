//! The end of a file that is appended to.
//!
//! Zeros are written ahead of it: a sync then only moves data, where the sync of a file that grows also has to make the
//! file system's journal durable. Whoever reads such a file takes zeros up to its end for room; a file that is closed has
//! none.

use std::io;
use std::sync::Arc;

use crate::vfs::{VfsFile, read_range};

/// A longer append makes no room ahead: what it costs to grow is little beside what it writes.
const SMALL: usize = 64 * 1024;

/// Room that is made where there is no place for as much as was wanted, in bytes: the disk is nearly full, and others need
/// what is left of it too.
const LITTLE: u64 = 64 * 1024;

/// Zeros are written and compared in pieces of this many bytes.
static ZEROS: [u8; 64 * 1024] = [0; 64 * 1024];

/// Where the next append goes.
pub(crate) struct Tail {
    file: Arc<dyn VfsFile>,
    end: u64,
    /// Up to here the file has been written, with zeros from `end` on.
    room: u64,
    /// How much room is made at once, in bytes; 0 once that failed.
    ahead: u64,
    /// The file may be longer than `end`.
    longer: bool,
}

impl Tail {
    /// Appends to a file from `end` on, which is its length; room is made `ahead` bytes at a time.
    pub(crate) fn new(file: Arc<dyn VfsFile>, end: u64, ahead: u64) -> Self {
        Self { file, end, room: end, ahead, longer: false }
    }

    pub(crate) fn file(&self) -> &Arc<dyn VfsFile> {
        &self.file
    }

    pub(crate) fn end(&self) -> u64 {
        self.end
    }

    /// Writes bytes at the end. They are durable after a sync of the file.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        // The bytes come first: on a disk that is nearly full, room must not take their place.
        self.file.write_at(bytes, self.end)?;
        self.end = self.end.saturating_add(bytes.len() as u64);
        if self.end > self.room {
            self.room = self.end;
            if bytes.len() <= SMALL {
                self.make_room();
            }
        }
        Ok(())
    }

    /// Writes zeros ahead, fewer where there is no place for many, and none where there is none for these: an append is
    /// good without.
    fn make_room(&mut self) {
        while self.ahead > 0 {
            self.longer = true;
            let until = self.end.saturating_add(self.ahead);
            if write_zeros(&*self.file, self.end, until).is_ok() {
                self.room = until;
                return;
            }
            // What was taken of the disk is given back; where even that fails, some zeros stay, which are room.
            let _zeros_stay = self.file.truncate(self.end);
            self.ahead = if self.ahead > LITTLE { LITTLE } else { 0 };
        }
    }

    /// Gives back the room.
    pub(crate) fn close(&self) -> io::Result<()> {
        if !self.longer {
            return Ok(());
        }
        self.file.truncate(self.end)?;
        self.file.sync_data()
    }
}

fn write_zeros(file: &dyn VfsFile, from: u64, until: u64) -> io::Result<()> {
    let mut at = from;
    while at < until {
        let piece = usize::try_from(until.saturating_sub(at)).unwrap_or(usize::MAX).min(ZEROS.len());
        file.write_at(ZEROS.get(..piece).unwrap_or_default(), at)?;
        at = at.saturating_add(piece as u64);
    }
    Ok(())
}

/// Whether there are only zeros from a place up to the end of the file, or nothing.
pub(crate) fn is_room(file: &dyn VfsFile, from: u64) -> io::Result<bool> {
    let mut at = from;
    loop {
        let bytes = read_range(file, at, ZEROS.len())?;
        if bytes.is_empty() {
            return Ok(true);
        }
        if bytes.iter().any(|byte| *byte != 0) {
            return Ok(false);
        }
        at = at.saturating_add(bytes.len() as u64);
    }
}
