//! UBJSON as XGBoost writes it: only its shape is followed. (Universal Binary JSON, draft 12.)

use super::read::{Cursor, ReadAt};
use super::scanner::{Place, Scan};

/// Values in values.
const MAX_DEPTH: u32 = 64;

/// Follows the document; the offset behind it.
pub(crate) fn analyse(scan: &mut Scan<'_>, source: &dyn ReadAt, place: &Place) -> u64 {
    let mut cursor = Cursor::new(source, 0);
    let read = cursor.byte().and_then(|marker| value(&mut cursor, marker, 0));
    if read.is_none() {
        scan.incomplete(place, "ubjson", "it is damaged");
    }
    cursor.offset()
}

/// Whether bytes begin like a document of XGBoost: an object whose first name has a 64-bit length.
pub(crate) fn is_start(head: &[u8]) -> bool {
    matches!(head, [b'{', b'L' | b'i' | b'l', ..])
}

fn length(cursor: &mut Cursor<'_>) -> Option<u64> {
    let marker = cursor.byte()?;
    number(cursor, marker)
}

fn number(cursor: &mut Cursor<'_>, marker: u8) -> Option<u64> {
    Some(match marker {
        b'i' | b'U' => u64::from(cursor.byte()?),
        b'I' => u64::from(u16::from_be_bytes(cursor.array()?)),
        b'l' => u64::from(u32::from_be_bytes(cursor.array()?)),
        b'L' => u64::from_be_bytes(cursor.array()?),
        _ => return None,
    })
}

fn width(marker: u8) -> Option<u64> {
    Some(match marker {
        b'i' | b'U' | b'C' => 1,
        b'I' => 2,
        b'l' | b'd' => 4,
        b'L' | b'D' => 8,
        b'Z' | b'N' | b'T' | b'F' => 0,
        _ => return None,
    })
}

fn value(cursor: &mut Cursor<'_>, marker: u8, depth: u32) -> Option<()> {
    if depth > MAX_DEPTH {
        return None;
    }
    if let Some(width) = width(marker) {
        return cursor.skip(width);
    }
    match marker {
        b'S' | b'H' => {
            let len = length(cursor)?;
            cursor.skip(len)
        }
        b'[' => {
            let mut kind = None;
            if cursor.peek(1) == b"$" {
                cursor.skip(1)?;
                kind = Some(cursor.byte()?);
            }
            if cursor.peek(1) == b"#" {
                cursor.skip(1)?;
                let count = length(cursor)?;
                if let Some(width) = kind.and_then(width) {
                    return cursor.skip(count.checked_mul(width)?);
                }
                for _ in 0..count {
                    let marker = kind.or_else(|| cursor.byte())?;
                    value(cursor, marker, depth.saturating_add(1))?;
                }
                return Some(());
            }
            loop {
                match cursor.byte()? {
                    b']' => return Some(()),
                    marker => value(cursor, marker, depth.saturating_add(1))?,
                }
            }
        }
        b'{' => loop {
            if cursor.peek(1) == b"}" {
                return cursor.skip(1);
            }
            let len = length(cursor)?;
            cursor.skip(len)?;
            let marker = cursor.byte()?;
            value(cursor, marker, depth.saturating_add(1))?;
        },
        _ => None,
    }
}
