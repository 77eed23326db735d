//! The wire format of Protocol Buffers, walked and not decoded: of gigabytes of weights only the lengths are read.
//! (Protocol Buffers, "Encoding".)

use super::read::{Cursor, ReadAt};

/// A field: its number and what it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) number: u64,
    pub(crate) value: Value,
}

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Value {
    /// A varint or a fixed number.
    Number(u64),
    /// Bytes, a string or a message: where, and how long.
    Bytes { at: u64, len: u64 },
}

/// The fields of a message.
pub(crate) struct Fields<'a> {
    cursor: Cursor<'a>,
    end: u64,
    /// Whether something was no field.
    pub(crate) broken: bool,
}

// === impl Fields ===

impl<'a> Fields<'a> {
    pub(crate) fn new(source: &'a dyn ReadAt, at: u64, len: u64) -> Self {
        Self { cursor: Cursor::new(source, at), end: at.saturating_add(len), broken: false }
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for shift in (0..70u32).step_by(7) {
            let byte = self.cursor.byte()?;
            value |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn field(&mut self) -> Option<Field> {
        let key = self.varint()?;
        let number = key >> 3;
        let value = match key & 7 {
            0 => Value::Number(self.varint()?),
            1 => Value::Number(self.cursor.u64()?),
            5 => Value::Number(u64::from(self.cursor.u32()?)),
            2 => {
                let len = self.varint()?;
                let at = self.cursor.offset();
                if at.checked_add(len)? > self.end {
                    return None;
                }
                self.cursor.skip(len)?;
                Value::Bytes { at, len }
            }
            _ => return None,
        };
        (number > 0 && number < 1 << 29 && self.cursor.offset() <= self.end)
            .then_some(Field { number, value })
    }
}

impl Iterator for Fields<'_> {
    type Item = Field;

    fn next(&mut self) -> Option<Field> {
        if self.broken || self.cursor.offset() >= self.end {
            return None;
        }
        let field = self.field();
        self.broken = field.is_none();
        field
    }
}
