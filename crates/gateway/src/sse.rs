//! Server-sent events, read incrementally (WHATWG HTML, "Server-sent events", section 9.2.6).
//!
//! Only the `data` field goes on. Comments, `event`, `id` and `retry` lines are carriers; they are not forwarded, so they
//! cannot carry anything out. Where clients need an `event` line it is made anew from the `type` in the data.

use bytes::Bytes;

/// Why a stream is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SseError {
    /// One event is larger than the cap.
    TooLarge,
    /// Bytes that are not UTF-8.
    Utf8,
}

/// Splits bytes into events, whatever the pieces they arrive in.
#[derive(Debug)]
pub(crate) struct SseReader {
    cap: usize,
    line: Vec<u8>,
    data: Vec<u8>,
    has_data: bool,
    after_cr: bool,
    at_start: bool,
}

impl SseReader {
    /// A reader that refuses events of more than `cap` bytes.
    pub(crate) fn new(cap: usize) -> Self {
        Self { cap, line: Vec::new(), data: Vec::new(), has_data: false, after_cr: false, at_start: true }
    }

    /// Takes a piece and tells each event's data that ends in it, until one is refused.
    pub(crate) fn push<E: From<SseError>>(
        &mut self,
        piece: &[u8],
        mut event: impl FnMut(Bytes) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut rest = piece;
        while !rest.is_empty() {
            if std::mem::take(&mut self.after_cr)
                && let [b'\n', tail @ ..] = rest
            {
                rest = tail;
                continue;
            }
            let Some(end) = memchr::memchr2(b'\n', b'\r', rest) else {
                return Ok(self.keep(rest)?);
            };
            let (head, tail) = rest.split_at_checked(end).unwrap_or((rest, &[]));
            self.keep(head)?;
            self.after_cr = tail.first() == Some(&b'\r');
            rest = tail.get(1..).unwrap_or_default();
            self.end_line(&mut event)?;
        }
        Ok(())
    }

    /// Whether an event has begun and not ended.
    pub(crate) fn is_mid_event(&self) -> bool {
        self.has_data || !self.line.is_empty()
    }

    fn keep(&mut self, bytes: &[u8]) -> Result<(), SseError> {
        let held = self.line.len().saturating_add(self.data.len());
        if held.saturating_add(bytes.len()) > self.cap {
            return Err(SseError::TooLarge);
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    fn end_line<E: From<SseError>>(
        &mut self,
        event: &mut impl FnMut(Bytes) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut line = std::mem::take(&mut self.line);
        if std::mem::take(&mut self.at_start)
            && let Some(rest) = line.strip_prefix(b"\xef\xbb\xbf")
        {
            line = rest.to_vec();
        }
        if line.is_empty() {
            let data = std::mem::take(&mut self.data);
            if std::mem::take(&mut self.has_data) {
                if std::str::from_utf8(&data).is_err() {
                    return Err(SseError::Utf8.into());
                }
                event(Bytes::from(data))?;
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
        line.clear();
        self.line = line;
        Ok(())
    }
}

/// One event of `data`, with an `event` line when it has a kind.
pub(crate) fn write_event(out: &mut Vec<u8>, kind: &str, data: &[u8]) {
    if !kind.is_empty() {
        out.extend_from_slice(b"event: ");
        out.extend_from_slice(kind.as_bytes());
        out.push(b'\n');
    }
    out.extend_from_slice(b"data: ");
    // A parsed JSON text may have raw newlines between its tokens; each begins a new `data` line.
    for (at, line) in data.split(|b| *b == b'\n').enumerate() {
        if at > 0 {
            out.extend_from_slice(b"\ndata: ");
        }
        out.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
    }
    out.extend_from_slice(b"\n\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(pieces: &[&[u8]]) -> Result<Vec<String>, SseError> {
        let mut reader = SseReader::new(64);
        let mut out = Vec::new();
        for piece in pieces {
            reader.push(piece, |e| {
                out.push(String::from_utf8(e.to_vec()).unwrap());
                Ok::<_, SseError>(())
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
    fn refuses_endless_events_and_broken_text() {
        assert_eq!(read(&[&[b'x'; 65]]), Err(SseError::TooLarge));
        assert_eq!(read(&[b"data: 0123456789\n".repeat(9).as_slice()]), Err(SseError::TooLarge));
        assert_eq!(read(&[b"data: \xff\n\n"]), Err(SseError::Utf8));
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter(text in "(data: [a-c]{0,3}|:x|\n|\r\n|\r|é){0,12}", cuts in prop::collection::vec(0_usize..64, 0..6)) {
            let bytes = text.as_bytes();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|c| c % (bytes.len() + 1)).collect();
            cuts.sort_unstable();
            let mut pieces = Vec::new();
            let mut from = 0;
            for cut in cuts {
                pieces.push(&bytes[from..cut]);
                from = cut;
            }
            pieces.push(&bytes[from..]);
            prop_assert_eq!(read(&pieces), read(&[bytes]));
        }
    }
}
