//! Positioned reads. Nothing is mapped and nothing is read that no parser asks for, so that weights stay on the disk.

use std::fs::File;
use std::io::{self, Read};

/// The first read after a jump, in bytes. Reads that go on double up to [`LARGEST`].
const SMALLEST: usize = 4 * 1024;

/// The largest single read, in bytes.
const LARGEST: usize = 256 * 1024;

/// Bytes that can be read at any place.
pub trait ReadAt: Send + Sync {
    /// How many bytes there are.
    fn len(&self) -> u64;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Reads bytes from `offset` on into `buf`; fewer than asked for are no error, none means the end.
    ///
    /// # Errors
    /// What the operating system or a decoder says.
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize>;
}

/// A part of other bytes.
#[derive(Clone, Copy)]
pub(crate) struct Part<'a> {
    inner: &'a dyn ReadAt,
    start: u64,
    len: u64,
}

/// A place in bytes that moves on, with a window of what comes next.
pub(crate) struct Cursor<'a> {
    source: &'a dyn ReadAt,
    len: u64,
    /// The offset of the window's first byte.
    base: u64,
    window: Vec<u8>,
    at: usize,
    next: usize,
    failed: bool,
}

// === impl ReadAt ===

impl ReadAt for File {
    fn len(&self) -> u64 {
        self.metadata().map_or(0, |m| m.len())
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(self, buf, offset)
    }
}

impl ReadAt for [u8] {
    fn len(&self) -> u64 {
        self.len() as u64
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let from = usize::try_from(offset).unwrap_or(usize::MAX).min(self.len());
        let rest = self.get(from..).unwrap_or_default();
        let n = rest.len().min(buf.len());
        if let (Some(to), Some(from)) = (buf.get_mut(..n), rest.get(..n)) {
            to.copy_from_slice(from);
        }
        Ok(n)
    }
}

impl ReadAt for Vec<u8> {
    fn len(&self) -> u64 {
        self.as_slice().len() as u64
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        self.as_slice().read_at(offset, buf)
    }
}

impl<T: ReadAt + ?Sized> ReadAt for &T {
    fn len(&self) -> u64 {
        (**self).len()
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        (**self).read_at(offset, buf)
    }
}

// === impl Part ===

impl<'a> Part<'a> {
    /// `len` bytes from `start` on, or as many of them as there are.
    pub(crate) fn new(inner: &'a dyn ReadAt, start: u64, len: u64) -> Self {
        let there = inner.len();
        let start = start.min(there);
        Self { inner, start, len: len.min(there.saturating_sub(start)) }
    }

    /// All of it, its length asked for once.
    pub(crate) fn whole(inner: &'a dyn ReadAt) -> Self {
        Self { inner, start: 0, len: inner.len() }
    }
}

impl ReadAt for Part<'_> {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let left = self.len.saturating_sub(offset);
        let n = usize::try_from(left).unwrap_or(usize::MAX).min(buf.len());
        match buf.get_mut(..n) {
            Some(to) if n > 0 => self.inner.read_at(self.start.saturating_add(offset), to),
            _ => Ok(0),
        }
    }
}

/// Reads until `buf` is full or the bytes end; how many were read.
pub(crate) fn read_full(source: &dyn ReadAt, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
    let mut done = 0usize;
    while let Some(rest) = buf.get_mut(done..) {
        if rest.is_empty() {
            break;
        }
        match source.read_at(offset.saturating_add(done as u64), rest) {
            Ok(0) => break,
            Ok(n) => done = done.saturating_add(n),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(done)
}

/// The bytes from `offset` on, at most `most` of them; empty when they cannot be read.
pub(crate) fn bytes_at(source: &dyn ReadAt, offset: u64, most: usize) -> Vec<u8> {
    let left = usize::try_from(source.len().saturating_sub(offset)).unwrap_or(usize::MAX);
    let mut bytes = vec![0; most.min(left)];
    let n = read_full(source, offset, &mut bytes).unwrap_or(0);
    bytes.truncate(n);
    bytes
}

// === impl Cursor ===

impl<'a> Cursor<'a> {
    pub(crate) fn new(source: &'a dyn ReadAt, offset: u64) -> Self {
        let len = source.len();
        Self { source, len, base: offset, window: Vec::new(), at: 0, next: SMALLEST, failed: false }
    }

    /// The offset of the next byte.
    pub(crate) fn offset(&self) -> u64 {
        self.base.saturating_add(self.at as u64)
    }

    /// How many bytes follow.
    pub(crate) fn left(&self) -> u64 {
        self.len.saturating_sub(self.offset())
    }

    /// Whether a read failed: what follows was not seen.
    pub(crate) fn failed(&self) -> bool {
        self.failed
    }

    /// The next byte.
    #[inline]
    pub(crate) fn byte(&mut self) -> Option<u8> {
        if let Some(byte) = self.window.get(self.at) {
            self.at = self.at.wrapping_add(1);
            return Some(*byte);
        }
        self.fill(1)?;
        let byte = self.window.get(self.at).copied();
        self.at = self.at.saturating_add(1);
        byte
    }

    /// The next `N` bytes.
    #[inline]
    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let end = self.at.wrapping_add(N);
        if self.window.len() < end {
            self.fill(N)?;
        }
        let end = self.at.checked_add(N)?;
        let bytes = self.window.get(self.at..end)?;
        self.at = end;
        bytes.try_into().ok()
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    /// The next bytes without moving on, at most `most` (itself at most 256 KiB).
    pub(crate) fn peek(&mut self, most: usize) -> &[u8] {
        let most = most.min(LARGEST);
        if self.window.len().saturating_sub(self.at) < most {
            let _ = self.fill(most);
        }
        let end = self.at.saturating_add(most).min(self.window.len());
        self.window.get(self.at..end).unwrap_or_default()
    }

    /// Jumps over `n` bytes without reading them; `None` when there are fewer.
    #[inline]
    pub(crate) fn skip(&mut self, n: u64) -> Option<()> {
        let there = self.window.len().saturating_sub(self.at);
        if n <= there as u64 {
            self.at = self.at.wrapping_add(usize::try_from(n).ok()?);
            return Some(());
        }
        if n > self.left() {
            return None;
        }
        self.seek(self.offset().saturating_add(n));
        Some(())
    }

    /// Goes on at `offset`.
    pub(crate) fn seek(&mut self, offset: u64) {
        self.base = offset;
        self.window.clear();
        self.at = 0;
        self.next = SMALLEST;
    }

    /// Jumps behind the next line feed; the length of the line without it. `None` when no line ends within `longest`.
    /// Up to `most` of its bytes are put into `copy`.
    pub(crate) fn line(&mut self, copy: &mut Vec<u8>, most: usize, longest: u64) -> Option<u64> {
        let from = self.offset();
        copy.clear();
        loop {
            let rest = self.window.get(self.at..).unwrap_or_default();
            let found = memchr::memchr(b'\n', rest);
            let piece = rest.get(..found.unwrap_or(rest.len())).unwrap_or_default();
            copy.extend(piece.iter().take(most.saturating_sub(copy.len())));
            if let Some(n) = found {
                let end = self.offset().saturating_add(n as u64);
                self.at = self.at.saturating_add(n).saturating_add(1);
                return Some(end.saturating_sub(from));
            }
            self.at = self.window.len();
            if self.offset().saturating_sub(from) > longest {
                return None;
            }
            self.fill(1)?;
        }
    }

    /// Bytes at a place that may lie behind, from the window when they are still in it.
    pub(crate) fn look_at(&self, at: u64, len: usize) -> Vec<u8> {
        let from = at.checked_sub(self.base).and_then(|from| usize::try_from(from).ok());
        let seen = from.and_then(|from| self.window.get(from..from.checked_add(len)?));
        seen.map_or_else(|| bytes_at(self.source, at, len), <[u8]>::to_vec)
    }

    /// Has at least `n` bytes in the window, if there are so many.
    #[cold]
    fn fill(&mut self, n: usize) -> Option<()> {
        self.window.drain(..self.at.min(self.window.len()));
        self.base = self.base.saturating_add(self.at as u64);
        self.at = 0;
        let have = self.window.len();
        let left = self.len.saturating_sub(self.base.saturating_add(have as u64));
        let want = self.next.max(n.saturating_sub(have));
        let want = want.min(usize::try_from(left).unwrap_or(usize::MAX));
        self.next = self.next.saturating_mul(2).min(LARGEST);
        if want == 0 {
            return (have >= n).then_some(());
        }
        self.window.resize(have.saturating_add(want), 0);
        let place = self.base.saturating_add(have as u64);
        let read = match self.window.get_mut(have..) {
            Some(to) => read_full(self.source, place, to).unwrap_or_else(|_| {
                self.failed = true;
                0
            }),
            None => 0,
        };
        if read < want {
            self.failed = true;
        }
        self.window.truncate(have.saturating_add(read));
        (self.window.len() >= n).then_some(())
    }
}

impl Read for Cursor<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let piece = self.peek(buf.len().max(1));
        let n = piece.len().min(buf.len());
        if let (Some(to), Some(from)) = (buf.get_mut(..n), piece.get(..n)) {
            to.copy_from_slice(from);
        }
        if n == 0 && self.failed {
            return Err(io::Error::other("the bytes cannot be read"));
        }
        self.at = self.at.saturating_add(n);
        Ok(n)
    }
}
