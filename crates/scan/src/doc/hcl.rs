//! HCL native syntax, as Terraform writes it: blocks become maps under their type and labels. Literals are values; anything
//! else is an expression that only Terraform can evaluate.

use super::{DocumentError, MAX_NODES};
use crate::node::{Data, Entry, MAX_DEPTH, Node, Place};

/// A block of the top level or below.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Block {
    pub(crate) kind: String,
    pub(crate) labels: Vec<String>,
    pub(crate) body: Node,
    pub(crate) at: Place,
}

/// Reads the blocks and attributes of a file.
pub(crate) fn parse(text: &str) -> Result<Vec<Block>, DocumentError> {
    let mut reader = Reader { text, at: 0, nodes: 0 };
    let mut blocks = Vec::new();
    loop {
        reader.space(true);
        if reader.at >= text.len() {
            return Ok(blocks);
        }
        let start = reader.at;
        let (name, labels) = reader.heading()?;
        match reader.peek() {
            Some(b'{') => {
                let body = reader.body(0)?;
                blocks.push(Block { kind: name, labels, at: Place::new(start, body.at.end), body });
            }
            Some(b'=') => {
                reader.skip(1);
                let body = reader.expression(0)?;
                blocks.push(Block { kind: name, labels: Vec::new(), at: Place::new(start, reader.at), body });
            }
            _ => return Err(DocumentError::Syntax(reader.at)),
        }
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    nodes: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.rest().first().copied()
    }

    fn skip(&mut self, bytes: usize) {
        self.at = self.at.saturating_add(bytes);
    }

    fn space(&mut self, lines: bool) {
        loop {
            let rest = self.rest();
            match rest.first() {
                Some(b'#') => self.skip(memchr::memchr(b'\n', rest).unwrap_or(rest.len())),
                Some(b'/') if rest.starts_with(b"//") => {
                    self.skip(memchr::memchr(b'\n', rest).unwrap_or(rest.len()))
                }
                Some(b'/') if rest.starts_with(b"/*") => {
                    self.skip(
                        memchr::memmem::find(rest, b"*/").map_or(rest.len(), |end| end.saturating_add(2)),
                    );
                }
                Some(b'\n') if !lines => return,
                Some(b) if b.is_ascii_whitespace() => self.skip(1),
                Some(0xef) if rest.starts_with(b"\xef\xbb\xbf") => self.skip(3),
                _ => return,
            }
        }
    }

    /// A name and the labels after it.
    fn heading(&mut self) -> Result<(String, Vec<String>), DocumentError> {
        let name = if self.peek() == Some(b'"') { self.quoted()? } else { self.word() };
        if name.is_empty() {
            return Err(DocumentError::Syntax(self.at));
        }
        let mut labels = Vec::new();
        loop {
            self.space(false);
            match self.peek() {
                Some(b'"') => labels.push(self.quoted()?),
                Some(b) if b.is_ascii_alphabetic() || b == b'_' => labels.push(self.word()),
                _ => return Ok((name, labels)),
            }
        }
    }

    fn word(&mut self) -> String {
        let start = self.at;
        let length = self
            .rest()
            .iter()
            .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.') || !b.is_ascii())
            .count();
        self.skip(length);
        self.text.get(start..self.at).unwrap_or_default().to_owned()
    }

    fn body(&mut self, depth: usize) -> Result<Node, DocumentError> {
        let start = self.at;
        if depth > MAX_DEPTH {
            return Err(DocumentError::Deep(start));
        }
        self.skip(1);
        let mut entries: Vec<Entry> = Vec::new();
        loop {
            self.space(true);
            self.nodes = self.nodes.saturating_add(1);
            if self.nodes > MAX_NODES {
                return Err(DocumentError::Large);
            }
            match self.peek() {
                Some(b'}') => break,
                Some(b',') => {
                    self.skip(1);
                    continue;
                }
                None => return Err(DocumentError::Syntax(start)),
                Some(_) => {}
            }
            let from = self.at;
            if self.peek() == Some(b'(') {
                // A computed key.
                self.until(b"=:")?;
            }
            let (key, labels) =
                if self.peek() == Some(b'=') { ("()".to_owned(), Vec::new()) } else { self.heading()? };
            let at = Place::new(from, self.at);
            match self.peek() {
                Some(b'{') => {
                    let mut value = self.body(depth.saturating_add(1))?;
                    // `dynamic "x" { content { .. } }` makes blocks x.
                    let mut labels = labels;
                    let key = if key == "dynamic" && !labels.is_empty() {
                        if let Some(content) = value.get("content").cloned() {
                            value = content;
                        }
                        labels.remove(0)
                    } else {
                        key
                    };
                    for label in labels.into_iter().rev() {
                        let inner = Entry { key: label, at, value };
                        value = Node::new(at, Data::Map(vec![inner]));
                    }
                    entries.push(Entry { key, at, value });
                }
                Some(b'=' | b':') => {
                    self.skip(1);
                    let value = self.expression(depth.saturating_add(1))?;
                    entries.push(Entry { key, at, value });
                }
                _ => return Err(DocumentError::Syntax(self.at)),
            }
        }
        self.skip(1);
        Ok(Node::new(Place::new(start, self.at), Data::Map(entries)))
    }

    fn expression(&mut self, depth: usize) -> Result<Node, DocumentError> {
        self.space(false);
        let start = self.at;
        if depth > MAX_DEPTH {
            return Err(DocumentError::Deep(start));
        }
        let known = match self.peek() {
            Some(b'"') => {
                let raw = self.quoted()?;
                let data = if raw.contains("${") || raw.contains("%{") {
                    // As it is written: a template in its quotes.
                    let path = self.text.get(start..self.at).unwrap_or_default().to_owned();
                    Data::Expression { path, parts: Vec::new() }
                } else {
                    Data::Text(raw)
                };
                Some(data)
            }
            Some(b'{') if self.is_object() => Some(self.body(depth)?.data),
            Some(b'[') => self.list(depth)?,
            Some(b'<') if self.rest().starts_with(b"<<") => Some(Data::Text(self.heredoc()?)),
            Some(b'-' | b'0'..=b'9') => Some(Data::Number(self.word_or_sign())),
            _ => {
                let word = self.word();
                match word.as_str() {
                    "true" => Some(Data::Bool(true)),
                    "false" => Some(Data::Bool(false)),
                    "null" => Some(Data::Null),
                    _ => None,
                }
            }
        };
        self.space(false);
        let ended = matches!(self.peek(), None | Some(b'\n' | b'}' | b',' | b']'));
        match known {
            Some(data) if ended => Ok(Node::new(Place::new(start, self.at), data)),
            _ => {
                self.until(b"\n,}]")?;
                let path = self.text.get(start..self.at).unwrap_or_default().trim().to_owned();
                // `jsonencode({..})` and its kind: the value is the argument.
                Ok(Node::new(Place::new(start, self.at), Data::Expression { path, parts: Vec::new() }))
            }
        }
    }

    /// Whether a brace opens an object, not a `for`.
    fn is_object(&self) -> bool {
        let rest = self.rest().get(1..).unwrap_or_default();
        let text = rest.iter().skip_while(|b| b.is_ascii_whitespace()).take(4).copied().collect::<Vec<u8>>();
        text != b"for "
    }

    fn list(&mut self, depth: usize) -> Result<Option<Data>, DocumentError> {
        let mut items = Vec::new();
        let start = self.at;
        self.skip(1);
        loop {
            self.space(true);
            match self.peek() {
                Some(b']') => break,
                Some(b',') => self.skip(1),
                None => return Err(DocumentError::Syntax(start)),
                Some(_) => {
                    if self.rest().starts_with(b"for ") {
                        self.at = start;
                        return Ok(None);
                    }
                    let before = self.at;
                    items.push(self.expression(depth.saturating_add(1))?);
                    self.space(true);
                    if self.at == before {
                        return Err(DocumentError::Syntax(before));
                    }
                }
            }
        }
        self.skip(1);
        Ok(Some(Data::List(items)))
    }

    fn word_or_sign(&mut self) -> String {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.skip(1);
        }
        self.word();
        self.text.get(start..self.at).unwrap_or_default().to_owned()
    }

    /// A quoted template; escapes stay but for quotes and backslashes.
    fn quoted(&mut self) -> Result<String, DocumentError> {
        let start = self.at;
        self.skip(1);
        let mut out = String::new();
        let mut holes = 0_usize;
        loop {
            let rest = self.rest();
            match rest {
                [] => return Err(DocumentError::Syntax(start)),
                [b'\\', b'"', ..] => {
                    out.push('"');
                    self.skip(2);
                }
                [b'\\', b'\\', ..] => {
                    out.push('\\');
                    self.skip(2);
                }
                [b'$' | b'%', b'{', ..] => {
                    holes = holes.saturating_add(1);
                    out.push_str(if rest.first() == Some(&b'$') { "${" } else { "%{" });
                    self.skip(2);
                }
                [b'}', ..] if holes > 0 => {
                    holes = holes.saturating_sub(1);
                    out.push('}');
                    self.skip(1);
                }
                [b'"', ..] if holes == 0 => {
                    self.skip(1);
                    return Ok(out);
                }
                _ => {
                    let next = self.text.get(self.at..).and_then(|text| text.chars().next()).unwrap_or(' ');
                    out.push(next);
                    self.skip(next.len_utf8());
                }
            }
        }
    }

    fn heredoc(&mut self) -> Result<String, DocumentError> {
        let start = self.at;
        self.skip(2);
        if self.peek() == Some(b'-') {
            self.skip(1);
        }
        let mark = self.word();
        let line = memchr::memchr(b'\n', self.rest()).ok_or(DocumentError::Syntax(start))?;
        self.skip(line.saturating_add(1));
        let from = self.at;
        loop {
            let rest = self.rest();
            if rest.is_empty() {
                return Err(DocumentError::Syntax(start));
            }
            let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            let line = self.text.get(self.at..self.at.saturating_add(end)).unwrap_or_default();
            if line.trim() == mark {
                let text = self.text.get(from..self.at).unwrap_or_default().to_owned();
                self.skip(end);
                return Ok(text);
            }
            self.skip(end.saturating_add(1));
        }
    }

    /// Goes to the first of some bytes outside of brackets and texts.
    fn until(&mut self, stops: &[u8]) -> Result<(), DocumentError> {
        let start = self.at;
        let mut open = 0_usize;
        while let Some(byte) = self.peek() {
            match byte {
                _ if open == 0 && stops.contains(&byte) => return Ok(()),
                b'"' => {
                    self.quoted()?;
                    continue;
                }
                b'(' | b'[' | b'{' => open = open.saturating_add(1),
                b')' | b']' | b'}' => {
                    let Some(less) = open.checked_sub(1) else { return Ok(()) };
                    open = less;
                }
                _ => {}
            }
            self.skip(1);
        }
        if open > 0 { Err(DocumentError::Syntax(start)) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_terraform() {
        let text = "# c\nresource \"a\" \"b\" {\n  x = \"y\" # z\n  n = -1.5\n  t = true\n  r = var.q[\"k\"]\n  s = \"p-${var.e[\"f\"]}\"\n  m { k = [1, \"two\",\n 3] }\n  o = { a = 1, \"b\" : 2 }\n  j = jsonencode({ a = \"}\" })\n  h = <<-EOT\n    text\n  EOT\n  dynamic \"d\" {\n    for_each = [1]\n    content { v = 2 }\n  }\n  l = [for x in y : x]\n  c = a ? \"b\" : \"c\"\n}\nx = 1\n";
        let blocks = parse(text).unwrap();
        assert_eq!((blocks.len(), blocks[0].labels.len()), (2, 2));
        let body = &blocks[0].body;
        assert_eq!(body.text_of("x"), Some("y"));
        assert_eq!(body.get("t").unwrap().data, Data::Bool(true));
        assert_eq!(body.get("m").unwrap().get("k").unwrap().items().len(), 3);
        assert_eq!(body.get("o").unwrap().entries().len(), 2);
        assert_eq!(body.get("d").unwrap().get("v").unwrap().data, Data::Number("2".into()));
        assert!(
            matches!(&body.get("r").unwrap().data, Data::Expression { path, .. } if path == "var.q[\"k\"]")
        );
        assert!(matches!(body.get("c").unwrap().data, Data::Expression { .. }));
        assert_eq!(body.text_of("h").map(str::trim), Some("text"));
        for bad in ["a {", "a \"b", "x = [1", "{", "a = <<E\n"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
