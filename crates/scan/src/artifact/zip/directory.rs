//! The central directory: where it is, and what it says.

use super::super::budget;
use super::super::scanner::Claim;
use super::{
    CENTRAL, Cursor, END, END64, End, LOCATOR64, Member, Place, ReadAt, Scan, TAIL, bytes_at, le16, le32,
    le64, rule, take,
};

/// The end records that readers choose: the last one, and those whose comment reaches to the end. Others are the
/// business of archives inside.
pub(super) fn ends(source: &dyn ReadAt) -> Vec<End> {
    let from = source.len().saturating_sub(TAIL as u64);
    let tail = bytes_at(source, from, TAIL);
    let mut found = Vec::new();
    for at in memchr::memmem::rfind_iter(&tail, END) {
        let place = from.saturating_add(at as u64);
        let Some(record) = tail.get(at..).and_then(|r| r.first_chunk::<22>()) else { continue };
        let comment = u64::from(le16(record, 20));
        let end = place.saturating_add(22).saturating_add(comment);
        if end > source.len() || (end != source.len() && !found.is_empty()) {
            continue;
        }
        let mut this = End {
            at: place,
            end,
            size: u64::from(le32(record, 12)),
            offset: u64::from(le32(record, 16)),
            stop: place,
        };
        zip64(source, &mut this);
        found.push(this);
        if found.len() >= 16 {
            break;
        }
    }
    found
}

pub(super) fn zip64(source: &dyn ReadAt, end: &mut End) {
    let Some(at) = end.at.checked_sub(20) else { return };
    let locator = bytes_at(source, at, 20);
    if !locator.starts_with(LOCATOR64) {
        return;
    }
    let record = le64(&locator, 8);
    // Prepended bytes move it: the record stands before its locator.
    for at in [record, at.saturating_sub(56)] {
        let bytes = bytes_at(source, at, 56);
        if bytes.starts_with(END64) {
            end.size = le64(&bytes, 40);
            end.offset = le64(&bytes, 48);
            end.stop = at;
            return;
        }
    }
}

/// Whether a directory begins where the record says, or where it must begin when bytes were prepended.
pub(super) fn readable(source: &dyn ReadAt, end: End) -> bool {
    let by_size = end.stop.checked_sub(end.size);
    (end.size == 0 && end.offset <= end.stop)
        || is_central(source, end.offset)
        || by_size.is_some_and(|at| is_central(source, at))
}

pub(super) fn is_central(source: &dyn ReadAt, at: u64) -> bool {
    bytes_at(source, at, 4) == CENTRAL
}

/// Reads the directory, both ways when the two ways of finding it differ.
pub(super) fn directory(
    scan: &mut Scan<'_>,
    source: &dyn ReadAt,
    place: &Place,
    end: End,
    claims: &mut Vec<Claim>,
    members: &mut Vec<Member>,
) {
    let by_size = end.stop.saturating_sub(end.size);
    claims.push((end.stop, end.at));
    if end.size == 0 {
        return;
    }
    let moved = by_size.saturating_sub(end.offset);
    if by_size != end.offset && is_central(source, end.offset) && is_central(source, by_size) {
        let message = "the zip's directory lies elsewhere for readers that count from its end".to_owned();
        scan.issue(rule::DISAGREE, place, message, Some(end.offset));
        entries(source, end.offset, end.stop, 0, members, claims);
        entries(source, by_size, end.stop, moved, members, claims);
    } else if is_central(source, by_size) {
        entries(source, by_size, end.stop, moved, members, claims);
    } else {
        entries(source, end.offset, end.stop, 0, members, claims);
    }
}

pub(super) fn entries(
    source: &dyn ReadAt,
    from: u64,
    stop: u64,
    moved: u64,
    members: &mut Vec<Member>,
    claims: &mut Vec<Claim>,
) {
    let mut cursor = Cursor::new(source, from);
    while cursor.offset() < stop && members.len() as u64 <= budget::MAX_MEMBERS {
        let at = cursor.offset();
        let Some(fixed) = cursor.array::<46>() else { break };
        if !fixed.starts_with(CENTRAL) {
            cursor.seek(at);
            break;
        }
        let (name, extra, comment) = (le16(&fixed, 28), le16(&fixed, 30), le16(&fixed, 32));
        let name = take(&mut cursor, name);
        let extra = take(&mut cursor, extra);
        let (Some(name), Some(extra)) = (name, extra) else { break };
        let Some(()) = cursor.skip(u64::from(comment)) else { break };
        let mut member = Member {
            name: String::from_utf8_lossy(&name).into_owned(),
            flags: le16(&fixed, 8),
            method: le16(&fixed, 10),
            crc: le32(&fixed, 16),
            packed: u64::from(le32(&fixed, 20)),
            size: u64::from(le32(&fixed, 24)),
            header: u64::from(le32(&fixed, 42)),
            data: 0,
            mode: if fixed.get(5) == Some(&3) { le32(&fixed, 38) >> 16 } else { 0 },
        };
        wide(&extra, &mut member, true);
        member.header = member.header.saturating_add(moved);
        members.push(member);
    }
    claims.push((from, cursor.offset()));
}

/// Sizes of more than 32 bits stand in the extra field, in this order and only when the small field is full.
pub(super) fn wide(extra: &[u8], member: &mut Member, central: bool) {
    let mut rest = extra;
    while let Some((head, tail)) = rest.split_first_chunk::<4>() {
        let len = usize::from(le16(head, 2)).min(tail.len());
        let (field, next) = tail.split_at_checked(len).unwrap_or((tail, &[]));
        if le16(head, 0) == 1 {
            let mut at = 0usize;
            let mut next_wide = |value: &mut u64| {
                if *value == u64::from(u32::MAX) && field.len() >= at.saturating_add(8) {
                    *value = le64(field, at);
                    at = at.saturating_add(8);
                }
            };
            next_wide(&mut member.size);
            next_wide(&mut member.packed);
            if central {
                next_wide(&mut member.header);
            }
        }
        rest = next;
    }
}
