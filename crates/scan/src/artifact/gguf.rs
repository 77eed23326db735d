//! GGUF: typed metadata, a table of tensors, then numbers. (ggml-org/ggml, docs/gguf.md, versions 1 to 3.)

use std::collections::HashSet;

use stockade_crypto::{sha256, to_hex};

use super::read::{Cursor, ReadAt};
use super::scanner::{Place, Scan};
use super::{rule, template};

/// Metadata entries; files have hundreds.
const MAX_KEYS: u64 = 1 << 16;

/// Tensors; files have thousands.
const MAX_TENSORS: u64 = 1 << 20;

/// The longest key or name, in bytes.
const MAX_NAME: u64 = 64 * 1024;

/// The longest string that is read, in bytes.
const MAX_TEXT: u64 = 8 << 20;

/// Arrays in arrays.
const MAX_DEPTH: u32 = 4;

/// Alignments beyond this are no alignment of memory or disks, in bytes.
const MAX_ALIGNMENT: u64 = 1 << 20;

struct Reader<'a> {
    cursor: Cursor<'a>,
    big: bool,
    version: u32,
}

/// Why a file cannot be read on.
type Step<T> = Result<T, String>;

/// Analyses a file; the offset behind the last tensor.
pub(crate) fn analyse(scan: &mut Scan<'_>, source: &dyn ReadAt, place: &Place) -> u64 {
    let mut reader = Reader { cursor: Cursor::new(source, 4), big: false, version: 0 };
    match reader.run(scan, source.len(), place) {
        Ok(end) => end,
        Err(why) => {
            let at = reader.cursor.offset();
            scan.issue(rule::GGUF, place, why, Some(at));
            scan.incomplete(place, "gguf", "its structure is broken");
            source.len()
        }
    }
}

// === impl Reader ===

impl Reader<'_> {
    fn run(&mut self, scan: &mut Scan<'_>, len: u64, place: &Place) -> Step<u64> {
        let version = self.cursor.u32().ok_or("the file ends in its header")?;
        // Big-endian files have the version's bytes the other way round.
        self.big = version & 0xffff == 0;
        self.version = if self.big { version.swap_bytes() } else { version };
        if !(1..=3).contains(&self.version) {
            return Err(format!("version {} does not exist", self.version));
        }
        let tensors = self.size()?;
        let keys = self.size()?;
        if keys > MAX_KEYS || tensors > MAX_TENSORS {
            return Err(format!("{keys} metadata entries and {tensors} tensors"));
        }
        let mut seen = HashSet::new();
        let mut alignment = 32u64;
        for _ in 0..keys {
            let key = self.text(MAX_NAME)?;
            let kind = self.u32()?;
            let at = self.cursor.offset();
            if kind == STRING {
                let value = self.text(MAX_TEXT)?;
                string_value(scan, place, &key, &value, at);
            } else if key == "general.alignment" && kind == U32 {
                alignment = u64::from(self.u32()?);
                if !alignment.is_power_of_two() || alignment > MAX_ALIGNMENT {
                    return Err(format!("an alignment of {alignment}"));
                }
            } else {
                self.value(kind, 0)?;
            }
            if !seen.insert(key.clone()) {
                let message = format!("the key `{key}` stands twice: readers choose different ones");
                scan.issue(rule::GGUF, place, message, Some(at));
            }
        }
        self.tensors(scan, len, place, tensors, alignment)
    }

    fn tensors(
        &mut self,
        scan: &mut Scan<'_>,
        len: u64,
        place: &Place,
        count: u64,
        alignment: u64,
    ) -> Step<u64> {
        let mut names = HashSet::new();
        let mut spans = Vec::new();
        let mut parameters = 0u64;
        let mut unknown = false;
        for _ in 0..count {
            let name = self.text(MAX_NAME)?;
            let dims = self.u32()?;
            if dims > 8 {
                return Err(format!("tensor `{name}` has {dims} dimensions"));
            }
            let mut elements = 1u64;
            for _ in 0..dims {
                let size = self.size()?;
                elements =
                    elements.checked_mul(size).ok_or_else(|| format!("the sizes of `{name}` overflow"))?;
            }
            let kind = self.u32()?;
            let offset = self.u64()?;
            parameters = parameters.saturating_add(elements);
            if !names.insert(name.clone()) {
                scan.issue(
                    rule::GGUF,
                    place,
                    format!("two tensors are called `{name}`"),
                    Some(self.cursor.offset()),
                );
            }
            if offset % alignment != 0 {
                scan.issue(
                    rule::GGUF,
                    place,
                    format!("tensor `{name}` is not aligned"),
                    Some(self.cursor.offset()),
                );
            }
            let size = block(kind).and_then(|(per, bytes)| elements.div_ceil(per).checked_mul(bytes));
            match size {
                Some(size) => spans.push((offset, offset.checked_add(size), name)),
                None if block(kind).is_some() => return Err(format!("the size of `{name}` overflows")),
                None => unknown = true,
            }
        }
        let facts = &mut scan.report.facts;
        facts.tensors.get_or_insert(count);
        facts.parameters.get_or_insert(parameters);
        let start = self.cursor.offset();
        let data = start.checked_next_multiple_of(alignment).ok_or("an offset overflows")?;
        let room = len.saturating_sub(data);
        spans.sort();
        let mut at = 0u64;
        for (from, to, name) in spans {
            let Some(to) = to.filter(|to| *to <= room) else {
                let message = format!("tensor `{name}` lies outside of the file");
                scan.issue(rule::GGUF, place, message, Some(start));
                continue;
            };
            if from < at {
                scan.issue(
                    rule::GGUF,
                    place,
                    format!("tensor `{name}` shares bytes with another"),
                    Some(start),
                );
            } else if from.saturating_sub(at) >= alignment {
                let message = format!("bytes before tensor `{name}` that belong to none");
                scan.issue(rule::HIDDEN, place, message, Some(data.saturating_add(at)));
            }
            at = at.max(to);
        }
        if unknown {
            scan.incomplete(place, "tensors", "some have a type that this version does not know");
            return Ok(len);
        }
        // The file may end with padding of the last tensor.
        let end = data.saturating_add(at);
        Ok(end.checked_next_multiple_of(alignment).unwrap_or(end).min(len).max(start.min(len)))
    }

    fn u32(&mut self) -> Step<u32> {
        let n = self.cursor.u32().ok_or("the file ends in its tables")?;
        Ok(if self.big { n.swap_bytes() } else { n })
    }

    fn u64(&mut self) -> Step<u64> {
        let n = self.cursor.u64().ok_or("the file ends in its tables")?;
        Ok(if self.big { n.swap_bytes() } else { n })
    }

    /// A count or length: 32 bits in version 1, 64 after it.
    fn size(&mut self) -> Step<u64> {
        if self.version == 1 { self.u32().map(u64::from) } else { self.u64() }
    }

    fn text(&mut self, most: u64) -> Step<String> {
        let len = self.size()?;
        if len > self.cursor.left() {
            return Err(format!("a string of {len} bytes, more than the file has"));
        }
        if len > most {
            return Err(format!("a string of {len} bytes"));
        }
        let mut out = Vec::new();
        let mut left = usize::try_from(len).unwrap_or(0);
        while left > 0 {
            let piece = self.cursor.peek(left).to_vec();
            if piece.is_empty() {
                return Err("the file cannot be read".to_owned());
            }
            left = left.saturating_sub(piece.len());
            self.cursor.skip(piece.len() as u64).ok_or("the file ends in a string")?;
            out.extend(piece);
        }
        Ok(String::from_utf8_lossy(&out).into_owned())
    }

    fn value(&mut self, kind: u32, depth: u32) -> Step<()> {
        if let Some(size) = fixed(kind) {
            return self.skip(size);
        }
        match kind {
            STRING => {
                let len = self.size()?;
                self.skip(len)
            }
            ARRAY => {
                if depth >= MAX_DEPTH {
                    return Err("arrays in arrays, too deep".to_owned());
                }
                let kind = self.u32()?;
                let count = self.size()?;
                match fixed(kind) {
                    Some(size) => {
                        let all = count.checked_mul(size).ok_or("the size of an array overflows")?;
                        self.skip(all)
                    }
                    None => {
                        // Each element takes at least its own length.
                        if count > self.cursor.left() {
                            return Err(format!("an array of {count} elements, more than the file has"));
                        }
                        (0..count).try_for_each(|_| self.value(kind, depth.saturating_add(1)))
                    }
                }
            }
            other => Err(format!("the value type {other} does not exist")),
        }
    }

    fn skip(&mut self, bytes: u64) -> Step<()> {
        self.cursor.skip(bytes).ok_or_else(|| format!("a value of {bytes} bytes, more than the file has"))
    }
}

fn string_value(scan: &mut Scan<'_>, place: &Place, key: &str, value: &str, at: u64) {
    let facts = &mut scan.report.facts;
    match key {
        "general.architecture" => facts.architecture = Some(value.to_owned()),
        "general.name" => facts.name = Some(value.to_owned()),
        "general.license" => facts.licence = Some(value.to_owned()),
        "tokenizer.chat_template" => {
            facts.chat_template_sha256 = Some(to_hex(&sha256(value.as_bytes())));
        }
        _ => {}
    }
    if key.starts_with("tokenizer.chat_template") {
        template::analyse(scan, place, value, Some(at));
    }
}

const U32: u32 = 4;
const STRING: u32 = 8;
const ARRAY: u32 = 9;

/// Bytes of a value of fixed size.
fn fixed(kind: u32) -> Option<u64> {
    Some(match kind {
        0 | 1 | 7 => 1,
        2 | 3 => 2,
        4..=6 => 4,
        10..=12 => 8,
        _ => return None,
    })
}

/// Elements and bytes of a block, by ggml's number of the type.
fn block(kind: u32) -> Option<(u64, u64)> {
    Some(match kind {
        0 | 26 => (1, 4),
        1 | 25 | 30 => (1, 2),
        2 | 20 => (32, 18),
        3 => (32, 20),
        6 => (32, 22),
        7 => (32, 24),
        8 => (32, 34),
        9 => (32, 36),
        10 => (256, 84),
        11 => (256, 110),
        12 => (256, 144),
        13 => (256, 176),
        14 => (256, 210),
        15 => (256, 292),
        16 => (256, 66),
        17 => (256, 74),
        18 => (256, 98),
        19 => (256, 50),
        21 => (256, 110),
        22 => (256, 82),
        23 => (256, 136),
        24 => (1, 1),
        27 | 28 => (1, 8),
        29 => (256, 56),
        34 => (256, 54),
        35 => (256, 66),
        39 => (32, 17),
        _ => return None,
    })
}
