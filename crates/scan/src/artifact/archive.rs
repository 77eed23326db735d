//! Tar archives and compressed streams, and what all archives have in common: paths that lead out, links, bombs.

mod zstd;

use std::io::{self, Read};
use std::sync::Mutex;

use self::zstd::Zstd;
use super::budget::{BOMB_RATIO, BOMB_SIZE};
use super::read::{Cursor, Part, ReadAt, bytes_at};
use super::rule;
use super::scanner::{Place, Scan};

/// Expanded bytes that are kept in memory; of longer ones only the beginning and a window are.
const KEEP: usize = 4 << 20;

/// How much of a long expanded stream is kept behind the place that was read last, in bytes.
const WINDOW: usize = 1 << 20;

/// How often a decoder may begin again.
const RESTARTS: u32 = 64;

/// Memory that an LZMA decoder may use, in KiB.
const LZMA_MEMORY: u32 = 256 * 1024;

/// A compression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Codec {
    Deflate,
    Gzip,
    Zlib,
    Bzip2,
    Xz,
    Lzma,
    ZipLzma,
    Zstd,
    Lz4,
}

/// What a decoder made.
pub(crate) enum Expanded<'a> {
    Memory(Vec<u8>),
    Stream(Box<Stream<'a>>),
}

/// A long decoded stream: read forwards for the most part, and from the beginning again when needed.
pub(crate) struct Stream<'a> {
    raw: Part<'a>,
    codec: Codec,
    len: u64,
    head: Vec<u8>,
    state: Mutex<State<'a>>,
}

struct State<'a> {
    reader: Box<dyn Read + Send + 'a>,
    /// The offset of the window's first byte.
    base: u64,
    window: Vec<u8>,
    restarts: u32,
}

// === impl Codec ===

impl Codec {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Deflate => "deflate",
            Self::Gzip => "gzip",
            Self::Zlib => "zlib",
            Self::Bzip2 => "bzip2",
            Self::Xz => "xz",
            Self::Lzma | Self::ZipLzma => "lzma",
            Self::Zstd => "zstd",
            Self::Lz4 => "lz4",
        }
    }

    fn reader<'a>(self, raw: Part<'a>) -> io::Result<Box<dyn Read + Send + 'a>> {
        let input = Owned { part: raw, at: 0 };
        Ok(match self {
            Self::Deflate => Box::new(flate2::read::DeflateDecoder::new(input)),
            Self::Gzip => Box::new(flate2::read::MultiGzDecoder::new(input)),
            Self::Zlib => Box::new(flate2::read::ZlibDecoder::new(input)),
            Self::Bzip2 => Box::new(bzip2::read::MultiBzDecoder::new(input)),
            Self::Xz => Box::new(lzma_rust2::XzReader::new(input, true)),
            Self::Lzma => Box::new(lzma_rust2::LzmaReader::new_mem_limit(input, LZMA_MEMORY, None)?),
            Self::ZipLzma => Box::new(zip_lzma(input)?),
            Self::Zstd => Box::new(Zstd::new(input)?),
            Self::Lz4 => Box::new(lz4_flex::frame::FrameDecoder::new(input)),
        })
    }
}

/// LZMA in a zip: two bytes of version, two of length, five of properties, then the stream without its own header.
fn zip_lzma(mut input: Owned<'_>) -> io::Result<lzma_rust2::LzmaReader<Owned<'_>>> {
    let mut head = [0u8; 9];
    input.read_exact(&mut head)?;
    let dictionary = u32::from_le_bytes([head[5], head[6], head[7], head[8]]);
    if dictionary > LZMA_MEMORY.saturating_mul(1024) {
        return Err(io::Error::other("the dictionary is too large"));
    }
    lzma_rust2::LzmaReader::new_with_props(input, u64::MAX, head[4], dictionary, None)
}

/// Reads a part from its beginning.
struct Owned<'a> {
    part: Part<'a>,
    at: u64,
}

impl Read for Owned<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.part.read_at(self.at, buf)?;
        self.at = self.at.saturating_add(n as u64);
        Ok(n)
    }
}

/// Decodes once to learn the length, within the budget; `None` when not even one byte comes out.
pub(crate) fn expand<'a>(
    scan: &mut Scan<'_>,
    raw: &Part<'a>,
    place: &Place,
    codec: Codec,
) -> Option<Expanded<'a>> {
    let mut reader = match codec.reader(*raw) {
        Ok(reader) => reader,
        Err(e) => {
            scan.incomplete(place, codec.name(), &format!("it cannot be decoded: {e}"));
            return None;
        }
    };
    let limit = scan.budget.left();
    let mut head = Vec::new();
    let mut buffer = vec![0u8; 64 * 1024];
    let mut len = 0u64;
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => {
                let piece = buffer.get(..n).unwrap_or_default();
                head.extend(piece.iter().take(KEEP.saturating_sub(head.len())));
                len = len.saturating_add(n as u64);
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => {
                // What came out before the error is what a loader reads, too.
                if len > 0 || codec != Codec::Zlib {
                    let message = format!("the {} stream is damaged: {e}", codec.name());
                    scan.issue(rule::DAMAGE, place, message, None);
                    scan.incomplete(place, codec.name(), "the stream is damaged");
                }
                break;
            }
        }
        if len > limit {
            let message = "it expands to more than the scanner decodes".to_owned();
            scan.issue(rule::EXPANSION, place, message, None);
            scan.incomplete(place, codec.name(), "it expands to more than is decoded");
            break;
        }
    }
    scan.budget.expand(len);
    if len == 0 {
        return None;
    }
    let ratio = len.checked_div(raw.len()).unwrap_or(u64::MAX);
    let numbers = head.starts_with(b"\x93NUMPY");
    if len > BOMB_SIZE && ratio > BOMB_RATIO && !numbers {
        let message = format!("{} bytes expand to {len}", raw.len());
        scan.issue(rule::EXPANSION, place, message, None);
    }
    if len <= KEEP as u64 {
        return Some(Expanded::Memory(head));
    }
    let reader = codec.reader(*raw).ok()?;
    let state = Mutex::new(State { reader, base: 0, window: Vec::new(), restarts: 0 });
    Some(Expanded::Stream(Box::new(Stream { raw: *raw, codec, len, head, state })))
}

/// A stream that is one compressed file.
pub(crate) fn compressed(scan: &mut Scan<'_>, source: &dyn ReadAt, place: &Place, codec: Codec) {
    let skip = if codec == Codec::Zlib { zlib_start(&bytes_at(source, 0, 32)).unwrap_or(0) } else { 0 };
    let raw = Part::new(source, skip, source.len());
    let Some(expanded) = expand(scan, &raw, place, codec) else { return };
    let inner = place.name.rsplit_once('.').map_or(place.name.as_str(), |(stem, _)| stem);
    let inside = place.inside(inner);
    if !scan.examine(&expanded, &inside) {
        let first = bytes_at(&expanded, 0, 4096);
        if first.iter().any(|b| *b < 9) {
            scan.incomplete(&inside, "file", "no known loader accepts what it holds");
        }
    }
}

/// Compressions without a strong magic: zlib and LZMA. They must yield something.
pub(crate) fn weak_magic(source: &dyn ReadAt, head: &[u8]) -> Option<Codec> {
    let codec = if zlib_start(head).is_some() {
        Codec::Zlib
    } else if let [0x5d, 0, 0, _, _, rest @ ..] = head
        && rest.len() >= 8
    {
        Codec::Lzma
    } else {
        return None;
    };
    let n = beginning(codec, source, head).len();
    (n >= 16 || (n > 0 && source.len() < 64)).then_some(codec)
}

/// What a stream without much of a magic begins with, from the beginning of a file alone; `None` when it is no stream.
pub(crate) fn weak_inside(head: &[u8]) -> Option<Vec<u8>> {
    let codec = weak_magic(&head, head)?;
    Some(beginning(codec, &head, head))
}

fn beginning(codec: Codec, source: &dyn ReadAt, head: &[u8]) -> Vec<u8> {
    let skip = zlib_start(head).filter(|_| codec == Codec::Zlib).unwrap_or(0);
    let mut first = vec![0u8; 256];
    let mut n = 0usize;
    if let Ok(mut reader) = codec.reader(Part::new(source, skip, source.len())) {
        while let Some(rest) = first.get_mut(n..)
            && let Ok(more) = reader.read(rest)
            && more > 0
        {
            n = n.saturating_add(more);
        }
    }
    first.truncate(n);
    first
}

/// Where a zlib stream begins: at once, or behind joblib's old header.
fn zlib_start(head: &[u8]) -> Option<u64> {
    let good = |bytes: &[u8]| {
        matches!(bytes, [cmf, flg, ..] if cmf & 0x0f == 8 && cmf >> 4 <= 7 && flg & 0x20 == 0
            && (u32::from(*cmf).wrapping_mul(256).wrapping_add(u32::from(*flg))) % 31 == 0)
    };
    if good(head) {
        return Some(0);
    }
    // `ZF`, the length in hexadecimal, blanks.
    if head.starts_with(b"ZF0x") {
        return (20..24).find(|at| head.get(*at..).is_some_and(good)).map(|at| at as u64);
    }
    None
}

/// What is wrong with a member's path, if anything is.
pub(crate) fn escapes(name: &str) -> Option<String> {
    let drive = name.as_bytes().get(1) == Some(&b':') && name.starts_with(|c: char| c.is_ascii_alphabetic());
    if name.starts_with('/') || name.starts_with('\\') || drive {
        return Some(format!("`{name}` is an absolute path"));
    }
    if name.split(['/', '\\']).any(|part| part == "..") {
        return Some(format!("`{name}` leads out of where it is unpacked"));
    }
    name.contains('\0').then(|| format!("`{name:?}` holds a null byte, at which some readers end it"))
}

/// A link in an archive.
pub(crate) fn link(scan: &mut Scan<'_>, place: &Place, name: &str, target: &str) {
    let mut depth = i64::try_from(name.split('/').count()).unwrap_or(0).saturating_sub(1);
    let mut out = escapes(target).is_some() && (target.starts_with(['/', '\\']) || target.contains(':'));
    for part in target.split(['/', '\\']) {
        match part {
            ".." => depth = depth.saturating_sub(1),
            "." | "" => {}
            _ => depth = depth.saturating_add(1),
        }
        out |= depth < 0;
    }
    if out {
        scan.issue(rule::PATH, place, format!("a link to `{target}`, outside of the archive"), None);
    }
}

/// Whether a block is the header of a tar member.
pub(crate) fn is_tar(head: &[u8]) -> bool {
    let Some(block) = head.first_chunk::<512>() else { return false };
    let name = block.first().is_some_and(|b| *b != 0);
    name && octal(block.get(148..156).unwrap_or_default()) == Some(tar_sum(block))
}

fn tar_sum(block: &[u8; 512]) -> u64 {
    let of = |(i, b): (usize, &u8)| if (148..156).contains(&i) { 32 } else { u64::from(*b) };
    block.iter().enumerate().map(of).fold(0, u64::saturating_add)
}

fn octal(field: &[u8]) -> Option<u64> {
    if let [0x80, rest @ ..] = field {
        return rest.iter().try_fold(0u64, |n, b| n.checked_mul(256)?.checked_add(u64::from(*b)));
    }
    let text = std::str::from_utf8(field).ok()?;
    let text = text.trim_matches(|c| c == ' ' || c == '\0');
    if text.is_empty() { Some(0) } else { u64::from_str_radix(text, 8).ok() }
}

fn text(field: &[u8]) -> String {
    let end = memchr::memchr(0, field).unwrap_or(field.len());
    String::from_utf8_lossy(field.get(..end).unwrap_or_default()).into_owned()
}

/// Analyses the members of a tar archive; the offset behind its end. (POSIX.1-2017, pax; GNU long names.)
pub(crate) fn tar(scan: &mut Scan<'_>, source: &dyn ReadAt, place: &Place) -> u64 {
    let mut cursor = Cursor::new(source, 0);
    let mut long_name: Option<String> = None;
    let mut long_link: Option<String> = None;
    let mut pax_size: Option<u64> = None;
    loop {
        let at = cursor.offset();
        let Some(block) = cursor.array::<512>() else { return at };
        if block.iter().all(|b| *b == 0) {
            return cursor.offset();
        }
        let field = |from: usize, to: usize| block.get(from..to).unwrap_or_default();
        if octal(field(148, 156)) != Some(tar_sum(&block)) {
            scan.issue(rule::DAMAGE, place, "a tar header whose checksum is wrong".to_owned(), Some(at));
            scan.incomplete(place, "tar", "a header is damaged");
            return at;
        }
        let kind = block.get(156).copied().unwrap_or(0);
        let Some(size) = pax_size.take().or_else(|| octal(field(124, 136))) else {
            scan.incomplete(place, "tar", "a header is damaged");
            return at;
        };
        let data = cursor.offset();
        let size = if matches!(kind, b'1'..=b'6') { 0 } else { size };
        let padded = size.checked_add(511).map_or(u64::MAX, |n| n & !511);
        let body = Part::new(source, data, size);
        match kind {
            b'L' | b'K' => {
                let value = text(&bytes_at(&body, 0, 64 * 1024));
                if kind == b'L' { long_name = Some(value) } else { long_link = Some(value) }
            }
            b'x' | b'g' => {
                for (key, value) in pax(&bytes_at(&body, 0, 1 << 20)) {
                    match key.as_str() {
                        "path" => long_name = Some(value),
                        "linkpath" => long_link = Some(value),
                        "size" => pax_size = value.parse().ok(),
                        _ => {}
                    }
                }
            }
            _ => {
                let prefix = if field(257, 262) == b"ustar" && field(263, 265) == b"00" {
                    text(field(345, 500))
                } else {
                    String::new()
                };
                let short = text(field(0, 100));
                let name = long_name
                    .take()
                    .unwrap_or_else(|| if prefix.is_empty() { short } else { format!("{prefix}/{short}") });
                let target = long_link.take().unwrap_or_else(|| text(field(157, 257)));
                let torch = matches!(name.as_str(), "pickle" | "storages" | "tensors");
                let inside = place.inside(&name).for_torch(torch);
                if let Some(message) = escapes(&name) {
                    scan.issue(rule::PATH, &inside, message, Some(at));
                }
                match kind {
                    b'0' | 0 | b'7' => {
                        scan.examine(&body, &inside);
                    }
                    b'1' => link(scan, &inside, "", &target),
                    b'2' => link(scan, &inside, &name, &target),
                    b'5' => {}
                    b'3' | b'4' | b'6' => {
                        scan.issue(
                            rule::PATH,
                            &inside,
                            "a device or pipe in an archive".to_owned(),
                            Some(at),
                        );
                    }
                    _ => {
                        scan.issue(
                            rule::OPAQUE,
                            &inside,
                            "a member of a kind that is not opened".to_owned(),
                            Some(at),
                        );
                        scan.incomplete(&inside, "tar member", "its kind is not opened");
                    }
                }
            }
        }
        if cursor.skip(padded).is_none() {
            if data.saturating_add(size) > source.len() {
                scan.incomplete(place, "tar", "it ends within a member");
            }
            return source.len();
        }
    }
}

/// The records of a pax header: `length key=value\n`.
fn pax(bytes: &[u8]) -> Vec<(String, String)> {
    let mut records = Vec::new();
    let mut rest = bytes;
    while let Some(blank) = memchr::memchr(b' ', rest) {
        let length = std::str::from_utf8(rest.get(..blank).unwrap_or_default())
            .ok()
            .and_then(|l| l.parse::<usize>().ok());
        let Some(length) = length.filter(|l| *l > blank && *l <= rest.len()) else { break };
        let record = rest.get(blank.saturating_add(1)..length.saturating_sub(1)).unwrap_or_default();
        let record = String::from_utf8_lossy(record);
        if let Some((key, value)) = record.split_once('=') {
            records.push((key.to_owned(), value.to_owned()));
        }
        rest = rest.get(length..).unwrap_or_default();
    }
    records
}

// === impl Expanded ===

impl ReadAt for Expanded<'_> {
    fn len(&self) -> u64 {
        match self {
            Self::Memory(bytes) => bytes.len() as u64,
            Self::Stream(stream) => stream.len,
        }
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Memory(bytes) => bytes.read_at(offset, buf),
            Self::Stream(stream) => stream.read_at(offset, buf),
        }
    }
}

impl Stream<'_> {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        if offset < self.head.len() as u64 {
            return self.head.read_at(offset, buf);
        }
        if offset >= self.len || buf.is_empty() {
            return Ok(0);
        }
        let mut state = self.state.lock().map_err(|_| io::Error::other("a reader failed"))?;
        if offset < state.base {
            state.restarts = state.restarts.saturating_add(1);
            if state.restarts > RESTARTS {
                return Err(io::Error::other("the stream is read back and forth too often"));
            }
            state.reader = self.codec.reader(self.raw)?;
            state.base = 0;
            state.window.clear();
        }
        let mut piece = vec![0u8; 64 * 1024];
        loop {
            let State { reader, base, window, .. } = &mut *state;
            let at = usize::try_from(offset.saturating_sub(*base)).unwrap_or(usize::MAX);
            if let Some(there) = window.get(at..).filter(|w| !w.is_empty()) {
                return there.read_at(0, buf);
            }
            let n = reader.read(&mut piece)?;
            if n == 0 {
                return Ok(0);
            }
            window.extend_from_slice(piece.get(..n).unwrap_or_default());
            if window.len() > WINDOW.saturating_mul(2) {
                let drop = window.len().saturating_sub(WINDOW);
                window.drain(..drop);
                *base = base.saturating_add(drop as u64);
            }
        }
    }
}
