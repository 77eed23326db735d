//! JSON (RFC 8259), with the comments and trailing commas that editors and agents allow in their settings.

use super::{DocumentError, MAX_NODES};
use crate::node::{Data, Entry, MAX_DEPTH, Node, Place};

/// Reads a document.
pub(crate) fn parse(text: &str) -> Result<Node, DocumentError> {
    let mut reader = Reader { text, at: if text.starts_with('\u{feff}') { 3 } else { 0 }, nodes: 0 };
    let node = reader.value(0)?;
    reader.space();
    if reader.at < text.len() { Err(DocumentError::Syntax(reader.at)) } else { Ok(node) }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    nodes: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn rest(&self) -> &[u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    fn skip(&mut self, bytes: usize) {
        self.at = self.at.saturating_add(bytes);
    }

    fn space(&mut self) {
        loop {
            let rest = self.rest();
            if rest.starts_with(b"//") {
                self.skip(memchr::memchr(b'\n', rest).unwrap_or(rest.len()));
            } else if rest.starts_with(b"/*") {
                let end = memchr::memmem::find(rest, b"*/").map_or(rest.len(), |end| end.saturating_add(2));
                self.skip(end);
            } else if rest.first().is_some_and(u8::is_ascii_whitespace) {
                self.skip(1);
            } else {
                return;
            }
        }
    }

    fn value(&mut self, depth: usize) -> Result<Node, DocumentError> {
        self.space();
        if depth > MAX_DEPTH {
            return Err(DocumentError::Deep(self.at));
        }
        self.nodes = self.nodes.saturating_add(1);
        if self.nodes > MAX_NODES {
            return Err(DocumentError::Large);
        }
        let start = self.at;
        let data = match self.peek() {
            Some(b'{') => self.object(depth)?,
            Some(b'[') => self.array(depth)?,
            Some(b'"') => Data::Text(self.string()?),
            Some(b'-' | b'0'..=b'9') => Data::Number(self.word().to_owned()),
            Some(_) => match self.word() {
                "true" => Data::Bool(true),
                "false" => Data::Bool(false),
                "null" => Data::Null,
                _ => return Err(DocumentError::Syntax(start)),
            },
            None => return Err(DocumentError::Syntax(start)),
        };
        Ok(Node::new(Place::new(start, self.at), data))
    }

    fn word(&mut self) -> &str {
        let start = self.at;
        let word = self
            .rest()
            .iter()
            .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'+' | b'.'))
            .count();
        self.skip(word);
        self.text.get(start..self.at).unwrap_or_default()
    }

    fn object(&mut self, depth: usize) -> Result<Data, DocumentError> {
        let mut entries = Vec::new();
        self.skip(1);
        loop {
            self.space();
            match self.peek() {
                Some(b'}') => break,
                Some(b',') => self.skip(1),
                Some(b'"') => {
                    let start = self.at;
                    let key = self.string()?;
                    let at = Place::new(start, self.at);
                    self.space();
                    if self.peek() != Some(b':') {
                        return Err(DocumentError::Syntax(self.at));
                    }
                    self.skip(1);
                    entries.push(Entry { key, at, value: self.value(depth.saturating_add(1))? });
                }
                _ => return Err(DocumentError::Syntax(self.at)),
            }
        }
        self.skip(1);
        Ok(Data::Map(entries))
    }

    fn array(&mut self, depth: usize) -> Result<Data, DocumentError> {
        let mut items = Vec::new();
        self.skip(1);
        loop {
            self.space();
            match self.peek() {
                Some(b']') => break,
                Some(b',') => self.skip(1),
                Some(_) => items.push(self.value(depth.saturating_add(1))?),
                None => return Err(DocumentError::Syntax(self.at)),
            }
        }
        self.skip(1);
        Ok(Data::List(items))
    }

    fn string(&mut self) -> Result<String, DocumentError> {
        self.skip(1);
        let mut out = String::new();
        loop {
            let rest = self.rest();
            let Some(stop) = memchr::memchr2(b'"', b'\\', rest) else {
                return Err(DocumentError::Syntax(self.at));
            };
            let end = self.at.saturating_add(stop);
            out.push_str(self.text.get(self.at..end).unwrap_or_default());
            self.at = end.saturating_add(1);
            if self.text.as_bytes().get(end) == Some(&b'"') {
                return Ok(out);
            }
            let escape = self.peek().ok_or(DocumentError::Syntax(self.at))?;
            self.skip(1);
            match escape {
                b'n' => out.push('\n'),
                b't' => out.push('\t'),
                b'r' => out.push('\r'),
                b'b' => out.push('\u{8}'),
                b'f' => out.push('\u{c}'),
                b'u' => out.push(self.unicode()?),
                b'"' | b'\\' | b'/' => out.push(char::from(escape)),
                _ => return Err(DocumentError::Syntax(self.at)),
            }
        }
    }

    fn unicode(&mut self) -> Result<char, DocumentError> {
        let first = self.hex()?;
        if (0xd800..0xdc00).contains(&first) && self.rest().starts_with(b"\\u") {
            let back = self.at;
            self.skip(2);
            let second = self.hex()?;
            if (0xdc00..0xe000).contains(&second) {
                let high = first.saturating_sub(0xd800) << 10;
                let code = 0x1_0000_u32.saturating_add(high).saturating_add(second.saturating_sub(0xdc00));
                return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            self.at = back;
        }
        Ok(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn hex(&mut self) -> Result<u32, DocumentError> {
        let end = self.at.saturating_add(4);
        let digits = self.text.get(self.at..end).ok_or(DocumentError::Syntax(self.at))?;
        let value = u32::from_str_radix(digits, 16).map_err(|_| DocumentError::Syntax(self.at))?;
        self.at = end;
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_editors_read() {
        let node =
            parse("\u{feff}{ // c\n \"a\": [1, true, null, \"\\u00e9\\ud83d\\ude00\",], /* x */ }").unwrap();
        assert_eq!(node.get("a").unwrap().items().len(), 4);
        assert_eq!(node.get("a").unwrap().items()[3].text(), Some("é😀"));
        for bad in ["{", "[1", "{\"a\" 1}", "nope", "{} x", "\"\\x\"", ""] {
            assert!(parse(bad).is_err(), "{bad}");
        }
        assert!(matches!(parse(&"[".repeat(500)), Err(DocumentError::Deep(_))));
    }
}
