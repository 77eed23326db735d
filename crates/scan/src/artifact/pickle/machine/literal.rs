//! What stands in the stream besides opcodes: lines, numbers, texts, bytes.

use super::{ENDS, LENGTH_BOMB, MAX_NAME, Machine, Step, TextKind, Value, Watch};

impl Machine<'_> {
    /// Jumps over `len` bytes of a string.
    #[inline]
    pub(super) fn blob<W: Watch>(&mut self, len: u64, watch: &mut W) -> Step<u64> {
        let at = self.input.offset();
        if self.input.skip(len).is_some() {
            return Ok(at);
        }
        if len.saturating_sub(self.input.left()) > LENGTH_BOMB {
            watch.bomb("a length far beyond the end of the stream", self.op_at);
        }
        Err(ENDS)
    }

    #[inline]
    pub(super) fn text_value<W: Watch>(&mut self, len: u64, watch: &mut W) -> Step {
        let at = self.blob(len, watch)?;
        let len = u32::try_from(len).unwrap_or(u32::MAX);
        self.push(Value::Text { at, len, kind: TextKind::Plain });
        Ok(())
    }

    #[inline]
    pub(super) fn bytes_value<W: Watch>(&mut self, len: u64, watch: &mut W) -> Step {
        let at = self.blob(len, watch)?;
        let len = u32::try_from(len).unwrap_or(u32::MAX);
        self.push(Value::Bytes { at, len });
        Ok(())
    }

    /// A line's place and length.
    pub(super) fn line(&mut self) -> Step<(u64, u64)> {
        let at = self.input.offset();
        Ok((at, self.input.line(&mut self.line, MAX_NAME, self.longest).ok_or(ENDS)?))
    }

    /// The next line, when it is one of `INT`'s two spellings of truth.
    pub(super) fn line_number_or_bool(&mut self) -> Step<Option<bool>> {
        self.line()?;
        Ok(match self.line.as_slice() {
            b"00" => Some(false),
            b"01" => Some(true),
            _ => None,
        })
    }

    pub(super) fn line_number(&mut self) -> Step<Value> {
        self.line()?;
        self.number()
    }

    /// The number that the last line is.
    pub(super) fn number(&self) -> Step<Value> {
        let text = std::str::from_utf8(&self.line).map_err(|_| "a number that is none")?.trim();
        let text = text.strip_suffix('L').unwrap_or(text);
        if let Ok(number) = text.parse() {
            return Ok(Value::Int(number));
        }
        let digits = text.trim_start_matches(['-', '+']).replace('_', "");
        let good =
            !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_hexdigit() || b"xXoObB".contains(&b));
        if good { Ok(Value::Number) } else { Err("a number that is none") }
    }

    pub(super) fn long<W: Watch>(&mut self, len: u64, watch: &mut W) -> Step {
        let at = self.blob(len, watch)?;
        let short = usize::try_from(len).ok().filter(|len| *len <= 8);
        let bytes = short.map_or_else(Vec::new, |len| self.input.look_at(at, len));
        let negative = bytes.last().is_some_and(|b| b & 0x80 != 0);
        let mut wide = if negative { [0xff; 8] } else { [0; 8] };
        for (to, from) in wide.iter_mut().zip(&bytes) {
            *to = *from;
        }
        self.push(if len <= 8 { Value::Int(i64::from_le_bytes(wide)) } else { Value::Number });
        Ok(())
    }
}
