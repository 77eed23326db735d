//! JSON texts one a line, read incrementally, as Ollama streams them (`application/x-ndjson`).

use bytes::Bytes;

use crate::sse::SseError;

/// Splits bytes into lines, whatever the pieces they arrive in. Blank lines say nothing.
#[derive(Debug)]
pub(crate) struct LineReader {
    cap: usize,
    line: Vec<u8>,
}

impl LineReader {
    /// A reader that refuses lines of more than `cap` bytes.
    pub(crate) fn new(cap: usize) -> Self {
        Self { cap, line: Vec::new() }
    }

    /// Takes a piece and tells each line that ends in it, until one is refused.
    pub(crate) fn push<E: From<SseError>>(
        &mut self,
        piece: &[u8],
        mut line: impl FnMut(Bytes) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut rest = piece;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            let (head, tail) = rest.split_at_checked(end).unwrap_or((rest, &[]));
            self.keep(head)?;
            rest = tail.get(1..).unwrap_or_default();
            let whole = std::mem::take(&mut self.line);
            if whole.trim_ascii().is_empty() {
                continue;
            }
            if std::str::from_utf8(&whole).is_err() {
                return Err(SseError::Utf8.into());
            }
            line(Bytes::from(whole))?;
        }
        Ok(self.keep(rest)?)
    }

    /// Whether a line has begun and not ended.
    pub(crate) fn is_mid_line(&self) -> bool {
        !self.line.is_empty()
    }

    fn keep(&mut self, bytes: &[u8]) -> Result<(), SseError> {
        if self.line.len().saturating_add(bytes.len()) > self.cap {
            return Err(SseError::TooLarge);
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }
}

/// One line. A parsed JSON text may have raw line breaks between its tokens; here they are spaces.
pub(crate) fn write_line(out: &mut Vec<u8>, data: &[u8]) {
    out.extend(data.iter().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte }));
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pieces: &[&[u8]]) -> Result<Vec<String>, SseError> {
        let mut reader = LineReader::new(16);
        let mut out = Vec::new();
        for piece in pieces {
            reader.push(piece, |line| {
                out.push(String::from_utf8_lossy(&line).into_owned());
                Ok::<_, SseError>(())
            })?;
        }
        Ok(out)
    }

    #[test]
    fn lines_come_whole_in_whatever_pieces() {
        let text = "{\"a\":1}\r\n\n  \n{\"b\":\"é\"}\n{\"c\"".as_bytes();
        let whole = read(&[text]).unwrap();
        assert_eq!(whole, ["{\"a\":1}\r", "{\"b\":\"é\"}"]);
        for cut in 0..=text.len() {
            let (head, tail) = text.split_at(cut);
            assert_eq!(read(&[head, tail]).unwrap(), whole);
        }
    }

    #[test]
    fn lines_are_bounded_and_text() {
        assert_eq!(read(&[&[b'x'; 17]]), Err(SseError::TooLarge));
        assert_eq!(read(&[b"\"\xff\"\n"]), Err(SseError::Utf8));
    }
}
