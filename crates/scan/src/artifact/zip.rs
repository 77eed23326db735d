//! Zip archives, read the way several readers read them. Where those would not agree, that is a finding.
//!
//! Layout: APPNOTE.TXT 6.3.10 (PKWARE). Python's `zipfile` trusts the central directory and moves its offsets when bytes
//! were prepended; miniz (PyTorch) takes the offsets as they are; streaming readers see the local headers only.

mod directory;

use self::directory::{directory, ends, readable, wide};
use std::collections::HashMap;

use super::archive::{self, Codec};
use super::read::{Cursor, Part, ReadAt, bytes_at};
use super::scanner::{Claim, Place, Scan};
use super::{budget, rule, torch};

const LOCAL: &[u8] = b"PK\x03\x04";
const CENTRAL: &[u8] = b"PK\x01\x02";
const END: &[u8] = b"PK\x05\x06";
const END64: &[u8] = b"PK\x06\x06";
const LOCATOR64: &[u8] = b"PK\x06\x07";

/// The end record with the longest comment, in bytes.
const TAIL: usize = 22 + 65_535;

/// The largest member whose checksum is verified, in bytes.
const CRC_MOST: u64 = 16 << 20;

/// One member, as the central directory has it, unless only a local header does.
#[derive(Debug, Clone, Default)]
pub(crate) struct Member {
    pub(crate) name: String,
    flags: u16,
    method: u16,
    crc: u32,
    packed: u64,
    pub(crate) size: u64,
    /// Where its local header is.
    header: u64,
    /// Where its data begin.
    data: u64,
    /// Its Unix mode, when it has one.
    mode: u32,
}

/// An end record.
#[derive(Debug, Clone, Copy)]
struct End {
    at: u64,
    /// Behind its comment.
    end: u64,
    size: u64,
    offset: u64,
    /// Where the directory really ends: before the zip64 records when there are some.
    stop: u64,
}

/// Whether a reader would find an archive.
pub(crate) fn present(source: &dyn ReadAt, head: &[u8]) -> bool {
    if head.starts_with(LOCAL) || head.starts_with(END) {
        return true;
    }
    let mut ends = ends(source);
    ends.retain(|end| readable(source, *end));
    !ends.is_empty()
}

/// Analyses every member that some reader sees.
pub(crate) fn analyse(scan: &mut Scan<'_>, source: &dyn ReadAt, place: &Place, claims: &mut Vec<Claim>) {
    let mut ends = ends(source);
    let before = ends.len();
    ends.retain(|end| readable(source, *end));
    if ends.is_empty() {
        scan.incomplete(place, "zip", "it has no directory; members are found by their own headers");
        if before > 0 {
            scan.issue(rule::DAMAGE, place, "the zip's directory is not where its end says".to_owned(), None);
        }
    }
    if ends.len() > 1 {
        let message = format!("{} directories in one zip: readers choose different ones", ends.len());
        scan.issue(rule::DISAGREE, place, message, ends.first().map(|e| e.at));
    }
    let mut members: Vec<Member> = Vec::new();
    for end in &ends {
        claims.push((end.at, end.end));
        directory(scan, source, place, *end, claims, &mut members);
    }
    members.sort_by_key(|m| m.header);
    let members = local_headers(scan, source, place, members, claims);
    duplicates(scan, place, &members);
    let torch = torch::Layout::of(&members);
    for member in &members {
        if !scan.budget.member() {
            scan.incomplete(place, "zip", "it has too many members");
            break;
        }
        read_member(scan, source, place, member, torch.as_ref());
    }
    if let Some(layout) = torch {
        layout.check(scan, place, &members);
    }
}

/// Compares each member with its local header, and finds headers that the directory does not have.
fn local_headers(
    scan: &mut Scan<'_>,
    source: &dyn ReadAt,
    place: &Place,
    members: Vec<Member>,
    claims: &mut Vec<Claim>,
) -> Vec<Member> {
    let mut all = Vec::with_capacity(members.len());
    let mut at = 0u64;
    let mut overlaps = 0u64;
    for mut member in members {
        // What lies before it and belongs to nobody.
        stray(scan, source, place, at, member.header, &mut all, claims);
        let Some((local, data)) = local(source, member.header) else {
            let message = format!("the zip's directory has `{}` where there is no header", member.name);
            scan.issue(rule::DISAGREE, place, message, Some(member.header));
            continue;
        };
        if let Some(message) = differs(&member, &local) {
            scan.issue(rule::DISAGREE, place, message, Some(member.header));
        }
        if member.header < at {
            overlaps = overlaps.saturating_add(1);
        }
        member.data = data;
        let end = data.saturating_add(member.packed);
        let end = descriptor(source, &member, end);
        claims.push((member.header, end));
        at = at.max(end);
        // A local header with a name or a method of its own is what a streaming reader sees.
        if local.name != member.name || local.method != member.method {
            all.push(Member {
                data,
                packed: member.packed,
                size: member.size,
                header: member.header,
                ..local
            });
        }
        all.push(member);
    }
    if overlaps > 0 {
        let message = format!("{overlaps} members of the zip share their bytes with others");
        scan.issue(rule::EXPANSION, place, message, None);
    }
    let stop = if all.is_empty() { source.len() } else { at };
    stray(scan, source, place, at, stop, &mut all, claims);
    all
}

fn differs(central: &Member, local: &Member) -> Option<String> {
    let name = &central.name;
    if local.name != *name {
        return Some(format!("the zip's directory says `{name}`, the member itself `{}`", local.name));
    }
    if local.method != central.method {
        return Some(format!("the zip's directory and `{name}` itself name different compressions"));
    }
    let streamed = local.flags & 8 != 0;
    if !streamed && (local.packed != central.packed || local.size != central.size) {
        return Some(format!("the zip's directory and `{name}` itself give different sizes"));
    }
    if !streamed && local.crc != central.crc {
        return Some(format!("the zip's directory and `{name}` itself give different checksums"));
    }
    if (local.flags ^ central.flags) & 1 != 0 {
        return Some(format!("the zip's directory and `{name}` itself differ about encryption"));
    }
    None
}

/// Members between `from` and `to` that only a reader of local headers sees.
fn stray(
    scan: &mut Scan<'_>,
    source: &dyn ReadAt,
    place: &Place,
    from: u64,
    to: u64,
    all: &mut Vec<Member>,
    claims: &mut Vec<Claim>,
) {
    let mut at = from;
    while at < to && bytes_at(source, at, 4) == LOCAL && all.len() as u64 <= budget::MAX_MEMBERS {
        let Some((mut member, data)) = local(source, at) else { break };
        let mut end = data.saturating_add(member.packed);
        if member.flags & 8 != 0 && member.packed == 0 {
            // Its size stands behind its data: at most up to the next header.
            end = next_signature(source, data, to);
            member.packed = end.saturating_sub(data);
            member.size = 0;
        }
        if end > source.len() {
            member.packed = source.len().saturating_sub(data);
            end = source.len();
        }
        if to < source.len() || !all.is_empty() {
            let message = format!("`{}` is in the zip but not in its directory", member.name);
            scan.issue(rule::DISAGREE, place, message, Some(at));
        }
        member.data = data;
        let end = descriptor(source, &member, end);
        claims.push((at, end));
        all.push(member);
        at = end.max(at.saturating_add(30));
    }
}

fn next_signature(source: &dyn ReadAt, from: u64, to: u64) -> u64 {
    let mut at = from;
    while at < to {
        let piece = bytes_at(source, at, 1 << 16);
        if piece.len() < 4 {
            break;
        }
        let hit = memchr::memmem::find_iter(&piece, b"PK").find(|i| {
            let four = piece.get(*i..i.saturating_add(4));
            four.is_some_and(|s| s == LOCAL || s == CENTRAL || s == b"PK\x07\x08")
        });
        if let Some(hit) = hit {
            return at.saturating_add(hit as u64).min(to);
        }
        at = at.saturating_add(piece.len() as u64).saturating_sub(3);
        if piece.len() < 1 << 16 {
            break;
        }
    }
    to
}

/// The local header at `at`, and where its data begin.
fn local(source: &dyn ReadAt, at: u64) -> Option<(Member, u64)> {
    let mut cursor = Cursor::new(source, at);
    let fixed = cursor.array::<30>()?;
    if !fixed.starts_with(LOCAL) {
        return None;
    }
    let name = take(&mut cursor, le16(&fixed, 26))?;
    let extra = take(&mut cursor, le16(&fixed, 28))?;
    let mut member = Member {
        name: String::from_utf8_lossy(&name).into_owned(),
        flags: le16(&fixed, 6),
        method: le16(&fixed, 8),
        crc: le32(&fixed, 14),
        packed: u64::from(le32(&fixed, 18)),
        size: u64::from(le32(&fixed, 22)),
        header: at,
        data: 0,
        mode: 0,
    };
    wide(&extra, &mut member, false);
    Some((member, cursor.offset()))
}

/// Behind the data descriptor, if there is one.
fn descriptor(source: &dyn ReadAt, member: &Member, end: u64) -> u64 {
    if member.flags & 8 == 0 {
        return end;
    }
    let bytes = bytes_at(source, end, 24);
    let signed = if bytes.starts_with(b"PK\x07\x08") { 4usize } else { 0 };
    let narrow = u64::from(le32(&bytes, signed.saturating_add(4)));
    let wide = le64(&bytes, signed.saturating_add(4));
    let len = if wide == member.packed && narrow != wide || member.packed > u64::from(u32::MAX) {
        20u64
    } else {
        12
    };
    // PyTorch writes zip64 descriptors for small members too.
    let len = if le32(&bytes, signed.saturating_add(8)) == 0 && member.size != 0 { 20 } else { len };
    end.saturating_add(len).saturating_add(signed as u64).min(source.len())
}

fn duplicates(scan: &mut Scan<'_>, place: &Place, members: &[Member]) {
    let mut seen: HashMap<&str, u64> = HashMap::new();
    for member in members {
        match seen.insert(member.name.as_str(), member.header) {
            Some(header) if header != member.header => {
                let message = format!("two members of the zip are called `{}`", member.name);
                scan.issue(rule::DISAGREE, place, message, Some(member.header));
            }
            _ => {}
        }
    }
}

fn read_member(
    scan: &mut Scan<'_>,
    source: &dyn ReadAt,
    place: &Place,
    member: &Member,
    torch: Option<&torch::Layout>,
) {
    let inside = place.inside(&member.name).for_torch(torch.is_some());
    let place = &inside;
    if let Some(message) = archive::escapes(&member.name) {
        scan.issue(rule::PATH, place, message, Some(member.header));
    }
    let raw = Part::new(source, member.data, member.packed);
    if member.mode & 0o170_000 == 0o120_000 {
        let target = bytes_at(&raw, 0, 4096);
        archive::link(scan, place, &member.name, &String::from_utf8_lossy(&target));
        return;
    }
    if member.flags & 1 != 0 {
        // Some readers do not look at the flag, so the bytes are looked at as they stand.
        scan.issue(rule::OPAQUE, place, "the member is marked as encrypted".to_owned(), Some(member.header));
        scan.incomplete(place, "zip member", "it is marked as encrypted");
    }
    if member.name.ends_with('/') && member.packed == 0 {
        return;
    }
    if torch.is_some_and(|t| t.is_storage(&member.name)) && member.method == 0 {
        torch::storage_head(scan, &raw, place);
        return;
    }
    let codec = match member.method {
        0 => {
            if member.packed != member.size && member.flags & 8 == 0 {
                let message = "a stored member whose two sizes differ".to_owned();
                scan.issue(rule::DISAGREE, place, message, Some(member.header));
            }
            let known = scan.examine(&raw, place);
            torch::script(scan, &raw, place, torch);
            if known {
                checksum(scan, &raw, place, member);
            }
            return;
        }
        8 => Codec::Deflate,
        12 => Codec::Bzip2,
        14 => Codec::ZipLzma,
        93 => Codec::Zstd,
        95 => Codec::Xz,
        other => {
            scan.issue(
                rule::OPAQUE,
                place,
                format!("compression {other} is not opened"),
                Some(member.header),
            );
            scan.incomplete(place, "zip member", "its compression is not opened");
            scan.examine(&raw, place);
            return;
        }
    };
    let expanded = archive::expand(scan, &raw, place, codec);
    let Some(expanded) = expanded else { return };
    let known = scan.examine(&expanded, place);
    torch::script(scan, &expanded, place, torch);
    if known {
        checksum(scan, &expanded, place, member);
    }
    if expanded.len() != member.size && member.size != 0 {
        let message = format!("the member is {} bytes long, its header says {}", expanded.len(), member.size);
        scan.issue(rule::DAMAGE, place, message, Some(member.header));
    }
}

fn checksum(scan: &mut Scan<'_>, data: &dyn ReadAt, place: &Place, member: &Member) {
    if data.len() > CRC_MOST || (member.crc == 0 && member.flags & 8 != 0) {
        return;
    }
    let mut crc = crc32fast::Hasher::new();
    let mut at = 0u64;
    while at < data.len() {
        let piece = bytes_at(data, at, 1 << 16);
        if piece.is_empty() {
            break;
        }
        crc.update(&piece);
        at = at.saturating_add(piece.len() as u64);
    }
    if crc.finalize() != member.crc {
        let message = "the member's checksum is wrong: some readers refuse it, others load it".to_owned();
        scan.issue(rule::DAMAGE, place, message, Some(member.header));
    }
}

fn take(cursor: &mut Cursor<'_>, len: u16) -> Option<Vec<u8>> {
    let bytes = cursor.peek(usize::from(len)).to_vec();
    cursor.skip(u64::from(len))?;
    Some(bytes)
}

/// Little-endian numbers at a place; 0 when the bytes end before.
pub(crate) fn le16(bytes: &[u8], at: usize) -> u16 {
    part(bytes, at).map_or(0, u16::from_le_bytes)
}

pub(crate) fn le32(bytes: &[u8], at: usize) -> u32 {
    part(bytes, at).map_or(0, u32::from_le_bytes)
}

pub(crate) fn le64(bytes: &[u8], at: usize) -> u64 {
    part(bytes, at).map_or(0, u64::from_le_bytes)
}

fn part<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}
