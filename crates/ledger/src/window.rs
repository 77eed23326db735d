//! The append segments that are still on the disk, and where each of their frames lies.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use crate::frame::{self, HEADER_BYTES};
use crate::vfs::{VfsFile, read_range};

/// An append segment.
pub(crate) struct FrameSegment {
    /// Index of its first entry.
    pub(crate) first: u64,
    pub(crate) file: Arc<dyn VfsFile>,
    /// Where each frame ends.
    ends: Vec<u32>,
}

/// The append segments, oldest first. The last one is being written.
#[derive(Default)]
pub(crate) struct Window {
    pub(crate) segments: VecDeque<FrameSegment>,
}

/// Frames that lie one behind the other in one file.
pub(crate) struct Run {
    file: Arc<dyn VfsFile>,
    begin: u32,
    length: usize,
}

impl FrameSegment {
    pub(crate) fn new(first: u64, file: Arc<dyn VfsFile>) -> Self {
        Self { first, file, ends: Vec::new() }
    }

    /// The index after its last entry.
    pub(crate) fn next(&self) -> u64 {
        self.first.saturating_add(u64::try_from(self.ends.len()).unwrap_or(u64::MAX))
    }

    /// Where the next frame begins.
    pub(crate) fn end(&self) -> u32 {
        self.ends.last().copied().unwrap_or(HEADER_BYTES as u32)
    }

    /// Adds a frame of a length in bytes.
    pub(crate) fn push(&mut self, length: usize) {
        self.ends.push(self.end().saturating_add(u32::try_from(length).unwrap_or(u32::MAX)));
    }

    /// Takes out the frames from an entry on.
    pub(crate) fn cut(&mut self, index: u64) {
        self.ends.truncate(usize::try_from(index.saturating_sub(self.first)).unwrap_or(usize::MAX));
    }

    /// Where the frame of an entry begins.
    pub(crate) fn begin_of(&self, index: u64) -> Option<u32> {
        match usize::try_from(index.checked_sub(self.first)?).ok()? {
            0 => Some(HEADER_BYTES as u32),
            n => self.ends.get(n.checked_sub(1)?).copied(),
        }
    }
}

impl Window {
    /// Frames of `from` and as many after it as lie in the same segment, come before `until` and fit into `limit` bytes
    /// (at least one). `None` when the entry is not in the window.
    pub(crate) fn run(&self, from: u64, until: u64, limit: u32) -> Option<Run> {
        let segment = self.segments.iter().rfind(|s| s.first <= from && from < s.next())?;
        let begin = segment.begin_of(from)?;
        let at = usize::try_from(from.checked_sub(segment.first)?).ok()?;
        let stop = usize::try_from(until.min(segment.next()).checked_sub(segment.first)?).ok()?;
        let ends = segment.ends.get(at..stop)?;
        let fit = ends.partition_point(|end| end.saturating_sub(begin) <= limit).max(1);
        let end = ends.get(fit.checked_sub(1)?)?;
        let length = usize::try_from(end.checked_sub(begin)?).ok()?;
        Some(Run { file: segment.file.clone(), begin, length })
    }
}

impl Run {
    pub(crate) fn read(&self) -> io::Result<Vec<u8>> {
        let bytes = read_range(&*self.file, u64::from(self.begin), self.length)?;
        if bytes.len() != self.length {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "an append segment has become shorter"));
        }
        Ok(bytes)
    }
}

/// Calls `each` with every entry of a run that begins with the entry `from`; returns the index after the last one.
pub(crate) fn each_entry<'a>(
    bytes: &'a [u8],
    from: u64,
    mut each: impl FnMut(u64, &'a [u8]),
) -> io::Result<u64> {
    let (mut rest, mut index) = (bytes, from);
    while !rest.is_empty() {
        let bad = |why: String| io::Error::new(io::ErrorKind::InvalidData, why);
        let (frame, length) = frame::read(rest).map_err(|e| bad(e.to_string()))?;
        if frame.seq != index {
            return Err(bad(format!("entry {index} expected, {} found", frame.seq)));
        }
        each(index, frame.entry);
        rest = rest.get(length..).unwrap_or_default();
        index = index.saturating_add(1);
    }
    Ok(index)
}
