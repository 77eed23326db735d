//! One reading of a request's head. What readers of HTTP/1 resolve in different ways is refused: two lengths, a length beside
//! a transfer coding, a line that ends without a carriage return (RFC 9112, sections 2.2, 6.1 and 6.3). Whoever stands
//! before or behind us may resolve it the other way, and then sees other requests than we do.
//!
//! hyper resolves these before anybody can ask what stood there, so the bytes are looked at on their way to it. Bodies are
//! passed over by their length; what they hold is not looked at.

/// The longest part of a header line that is kept: the fields of interest are short.
const KEPT: usize = 128;

/// The preface of HTTP/2 (RFC 9113, section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n";

/// Follows the bytes of a connection.
#[derive(Debug, Default)]
pub(crate) struct Strict {
    state: State,
    /// The beginning of the line that is read.
    line: Vec<u8>,
    /// The last byte was a carriage return.
    returned: bool,
    /// Bytes of the line so far.
    length: usize,
    head: Head,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before a request line: empty lines are passed over.
    #[default]
    Before,
    /// In a head, behind its request line.
    Head,
    /// So many bytes of a body are left.
    Body(u64),
    /// The line with a chunk's size.
    ChunkSize,
    /// So many bytes of a chunk are left, and the end of its line.
    Chunk(u64),
    /// Behind the last chunk.
    Trailers,
    /// HTTP/2, which has frames; and behind a head whose transfer coding nobody here knows, which is answered and closed.
    Frames,
    /// Refused.
    Refused,
}

/// What a head said of its body.
#[derive(Debug, Default, Clone, Copy)]
struct Head {
    length: Option<u64>,
    /// It has a transfer coding ...
    coded: bool,
    /// ... which is the one that everybody knows.
    chunked: bool,
}

/// It can be read in two ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ambiguous;

impl Strict {
    /// Looks at bytes as they come.
    ///
    /// # Errors
    /// [`Ambiguous`] when they hold what is read in two ways; from then on always.
    pub(crate) fn look(&mut self, mut bytes: &[u8]) -> Result<(), Ambiguous> {
        while !bytes.is_empty() {
            bytes = match self.state {
                State::Frames => return Ok(()),
                State::Refused => return Err(Ambiguous),
                State::Body(left) => self.pass(bytes, left, State::Before, State::Body),
                State::Chunk(left) => self.pass(bytes, left, State::ChunkSize, State::Chunk),
                State::Before | State::Head | State::ChunkSize | State::Trailers => self.lines(bytes)?,
            };
        }
        Ok(())
    }

    /// Passes over a part of a body.
    fn pass<'b>(&mut self, bytes: &'b [u8], left: u64, then: State, else_: fn(u64) -> State) -> &'b [u8] {
        let here = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
        let left = left.saturating_sub(here as u64);
        self.state = if left == 0 { then } else { else_(left) };
        bytes.get(here..).unwrap_or_default()
    }

    /// Reads to the end of a line.
    fn lines<'b>(&mut self, bytes: &'b [u8]) -> Result<&'b [u8], Ambiguous> {
        let end = memchr::memchr(b'\n', bytes);
        let part = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default();
        let room = KEPT.saturating_sub(self.line.len());
        self.line.extend_from_slice(part.get(..room.min(part.len())).unwrap_or_default());
        self.length = self.length.saturating_add(part.len());
        self.returned = part.last().map_or(self.returned, |byte| *byte == b'\r');
        let Some(end) = end else { return Ok(&[]) };
        let rest = bytes.get(end.saturating_add(1)..).unwrap_or_default();
        if !self.returned {
            return self.refuse();
        }
        let mut line = std::mem::take(&mut self.line);
        let is_cut = self.length > line.len();
        if !is_cut {
            line.pop();
        }
        self.length = 0;
        self.returned = false;
        self.line_ends(&line, is_cut)?;
        line.clear();
        self.line = line;
        Ok(rest)
    }

    fn refuse<T>(&mut self) -> Result<T, Ambiguous> {
        self.state = State::Refused;
        Err(Ambiguous)
    }

    /// Takes a line in, without its end.
    fn line_ends(&mut self, line: &[u8], is_cut: bool) -> Result<(), Ambiguous> {
        match self.state {
            State::Before if line.is_empty() => {}
            State::Before if line == PREFACE.trim_ascii_end() => self.state = State::Frames,
            State::Before => {
                self.head = Head::default();
                self.state = State::Head;
            }
            State::Head if line.is_empty() => {
                self.state = match self.head {
                    Head { coded: true, chunked: false, .. } => State::Frames,
                    Head { chunked: true, .. } => State::ChunkSize,
                    Head { length: Some(length), .. } if length > 0 => State::Body(length),
                    Head { .. } => State::Before,
                };
            }
            State::Head => self.field(line, is_cut)?,
            State::ChunkSize => {
                let size = line.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
                let size = std::str::from_utf8(size).ok().filter(|size| size.len() <= 16);
                let digits = |size: &&str| !size.is_empty() && size.bytes().all(|b| b.is_ascii_hexdigit());
                match size.filter(digits).and_then(|size| u64::from_str_radix(size, 16).ok()) {
                    Some(0) => self.state = State::Trailers,
                    // The line end behind the data counts with it.
                    Some(size) => self.state = State::Chunk(size.saturating_add(2)),
                    None => return self.refuse(),
                }
            }
            State::Trailers if line.is_empty() => self.state = State::Before,
            State::Trailers | State::Body(_) | State::Chunk(_) | State::Frames | State::Refused => {}
        }
        Ok(())
    }

    /// Takes a header field in.
    fn field(&mut self, line: &[u8], is_cut: bool) -> Result<(), Ambiguous> {
        let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
        let (name, value) = line.split_at_checked(colon).unwrap_or((line, &[]));
        let value = value.strip_prefix(b":").unwrap_or(value).trim_ascii();
        if name.first().is_none_or(|byte| byte.is_ascii_whitespace()) {
            // A folded line (RFC 9112, section 5.2), or one without a name.
            return self.refuse();
        }
        let name = name.trim_ascii_end();
        if name.eq_ignore_ascii_case(b"content-length") {
            let digits = !value.is_empty() && value.len() <= 19 && value.iter().all(u8::is_ascii_digit);
            let length = std::str::from_utf8(value).ok().filter(|_| digits).and_then(|v| v.parse().ok());
            if is_cut || self.head.length.is_some() || self.head.coded || length.is_none() {
                return self.refuse();
            }
            self.head.length = length;
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            if is_cut || self.head.length.is_some() || self.head.coded {
                return self.refuse();
            }
            self.head.coded = true;
            self.head.chunked = value.eq_ignore_ascii_case(b"chunked");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PLAIN: &str =
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\na\nb\ncGET /x HTTP/1.1\r\nHost: a\r\n\r\n";
    const CHUNKED: &str = "POST / HTTP/1.1\r\nhost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\na\nb\r\n0\r\nt: 1\r\n\r\n\
                           \r\nGET / HTTP/1.1\r\n\r\n";

    fn seen(text: &str) -> Result<State, Ambiguous> {
        let mut strict = Strict::default();
        strict.look(text.as_bytes())?;
        Ok(strict.state)
    }

    #[test]
    fn what_everybody_reads_alike_passes() {
        for text in [PLAIN, CHUNKED] {
            assert_eq!(seen(text), Ok(State::Before), "{text}");
        }
        assert_eq!(seen("POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n\n"), Ok(State::Frames));
        assert_eq!(seen("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\n\n"), Ok(State::Frames));
        let long = format!("GET / HTTP/1.1\r\nx: {}\r\n\r\n", "a".repeat(9_000));
        assert_eq!(seen(&long), Ok(State::Before));
    }

    #[test]
    fn what_is_read_in_two_ways_does_not() {
        let head = |fields: &str| format!("POST / HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
        for text in [
            head("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"),
            head("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"),
            head("Content-Length: 5\r\nContent-Length: 5\r\n"),
            head("Content-Length: 5, 5\r\n"),
            head("Content-Length: +5\r\n"),
            head("Content-Length : 5\r\ncontent-length: 5\r\n"),
            head("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
            head(&format!("Transfer-Encoding: {}chunked\r\n", " ".repeat(200))),
            head("x: 1\n"),
            head("x: 1\r\n y\r\n"),
            "GET / HTTP/1.1\nHost: a\n\n".to_owned(),
            "GET / HTTP/1.1\r\nHost: a\r\n\n".to_owned(),
            format!("{PLAIN}GET / HTTP/1.1\n"),
            format!("{CHUNKED}GET / HTTP/1.1\n"),
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0x3\r\n".to_owned(),
        ] {
            assert_eq!(seen(&text), Err(Ambiguous), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter(cuts in prop::collection::vec(1_usize..9, 0..60), which in 0_usize..4) {
            let bad = format!("{PLAIN}POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n");
            let text = [PLAIN, CHUNKED, &bad, "x\n"][which];
            let mut strict = Strict::default();
            let mut rest = text.as_bytes();
            let mut ended = Ok(());
            for cut in cuts.into_iter().chain([usize::MAX]) {
                let (piece, after) = rest.split_at(cut.min(rest.len()));
                rest = after;
                ended = ended.and(strict.look(piece));
            }
            prop_assert_eq!(ended.map(|()| strict.state), seen(text));
        }
    }
}
