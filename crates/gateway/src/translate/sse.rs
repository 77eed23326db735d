//! Server-sent events (WHATWG HTML, "Server-sent events", section 9.2.6): the `data` of each, and their writing.

use super::Malformed;
use super::json::Json;

/// Splits bytes into events, whatever the pieces they arrive in.
#[derive(Debug)]
pub(super) struct Events {
    cap: usize,
    line: Vec<u8>,
    data: Vec<u8>,
    has_data: bool,
    after_cr: bool,
    at_start: bool,
}

// === impl Events ===

impl Events {
    /// A reader that refuses events of more than `cap` bytes.
    pub(super) fn new(cap: usize) -> Self {
        Self { cap, line: Vec::new(), data: Vec::new(), has_data: false, after_cr: false, at_start: true }
    }

    /// Takes a piece and tells each event's data that ends in it, until one is refused.
    pub(super) fn push(
        &mut self,
        piece: &[u8],
        mut event: impl FnMut(&[u8]) -> Result<(), Malformed>,
    ) -> Result<(), Malformed> {
        let mut rest = piece;
        while !rest.is_empty() {
            if std::mem::take(&mut self.after_cr)
                && let [b'\n', tail @ ..] = rest
            {
                rest = tail;
                continue;
            }
            let Some(end) = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) else {
                return self.keep(rest);
            };
            let (head, tail) = rest.split_at_checked(end).unwrap_or((rest, &[]));
            self.keep(head)?;
            self.after_cr = tail.first() == Some(&b'\r');
            rest = tail.get(1..).unwrap_or_default();
            self.end_line(&mut event)?;
        }
        Ok(())
    }

    fn keep(&mut self, bytes: &[u8]) -> Result<(), Malformed> {
        let held = self.line.len().saturating_add(self.data.len());
        if held.saturating_add(bytes.len()) > self.cap {
            return Err(Malformed::TooLarge);
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    fn end_line(&mut self, event: &mut impl FnMut(&[u8]) -> Result<(), Malformed>) -> Result<(), Malformed> {
        let held = std::mem::take(&mut self.line);
        let mut line = held.as_slice();
        if std::mem::take(&mut self.at_start) {
            line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        }
        if line.is_empty() {
            let data = std::mem::take(&mut self.data);
            if std::mem::take(&mut self.has_data) {
                event(&data)?;
            }
        } else if let Some(value) = line.strip_prefix(b"data") {
            let value = match value {
                [] => value,
                [b':', b' ', value @ ..] | [b':', value @ ..] => value,
                _ => return Ok(()),
            };
            if self.has_data {
                self.data.push(b'\n');
            }
            self.has_data = true;
            self.data.extend_from_slice(value);
        }
        Ok(())
    }
}

/// One event that has only data. A JSON text that was written here has no raw newline.
pub(super) fn write_data(out: &mut Vec<u8>, data: &Json) {
    out.extend_from_slice(format!("data: {data}\n\n").as_bytes());
}

/// One event with the name that its `type` says.
pub(super) fn write_named(out: &mut Vec<u8>, name: &str, data: &Json) {
    out.extend_from_slice(format!("event: {name}\ndata: {data}\n\n").as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(pieces: &[&[u8]]) -> Result<Vec<String>, Malformed> {
        let mut reader = Events::new(64);
        let mut out = Vec::new();
        for piece in pieces {
            reader.push(piece, |e| {
                out.push(String::from_utf8_lossy(e).into_owned());
                Ok(())
            })?;
        }
        Ok(out)
    }

    #[test]
    fn reads_fields_as_the_standard_says() {
        let text = b"\xef\xbb\xbf: hello\r\ndata: a\r\ndata:b\r\n\r\nevent: x\rid: 1\rdata\r\rdatax: n\ndata: c\n\n\ndata: lost";
        assert_eq!(read(&[text]).unwrap(), ["a\nb", "", "c"]);
    }

    #[test]
    fn refuses_endless_events() {
        assert_eq!(read(&[&[b'x'; 65]]), Err(Malformed::TooLarge));
        assert_eq!(read(&[b"data: 0123456789\n".repeat(9).as_slice()]), Err(Malformed::TooLarge));
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter(
            text in "(data: [a-c]{0,3}|:x|\n|\r\n|\r|é){0,12}",
            cuts in prop::collection::vec(0_usize..64, 0..6),
        ) {
            let pieces = crate::translate::tests::cut(text.as_bytes(), &cuts);
            prop_assert_eq!(read(&pieces), read(&[text.as_bytes()]));
        }
    }
}
