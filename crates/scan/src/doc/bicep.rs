//! Bicep: resources, modules, parameters with their defaults, variables. Expressions are kept as they are written.

use super::hcl::Block;
use super::{DocumentError, MAX_NODES};
use crate::node::{Data, Entry, MAX_DEPTH, Node, Place};

/// Reads a file as blocks: `resource` and `module` with the labels symbolic name and `type@version` or path, `param` and
/// `var` with their name. A loop stands as `$for` in the body: the `variable`, and what it goes over as `in`.
pub(crate) fn parse(text: &str) -> Result<Vec<Block>, DocumentError> {
    let mut reader = Reader { text, at: 0, nodes: 0, nested: Vec::new() };
    let mut blocks = Vec::new();
    while reader.at < text.len() {
        reader.space(true);
        let start = reader.at;
        let word = reader.word();
        match word.as_str() {
            "resource" | "module" => {
                let Some(block) = reader.resource(&word, start, 0)? else { continue };
                let kind = block.labels.get(1).cloned().unwrap_or_default();
                blocks.push(block);
                let outer = kind.split('@').next().unwrap_or_default();
                for mut inner in std::mem::take(&mut reader.nested) {
                    if let Some(label) = inner.labels.get_mut(1).filter(|label| !label.contains('.')) {
                        *label = format!("{outer}/{label}");
                    }
                    blocks.push(inner);
                }
            }
            "param" | "var" => {
                reader.space(false);
                let name = reader.word();
                if reader.find_value()? {
                    let body = reader.value(0)?;
                    blocks.push(Block {
                        kind: word,
                        labels: vec![name],
                        at: Place::new(start, reader.at),
                        body,
                    });
                }
            }
            _ => reader.line()?,
        }
    }
    Ok(blocks)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    nodes: usize,
    /// Resources in the resource at hand.
    nested: Vec<Block>,
}

impl<'a> Reader<'a> {
    /// What follows the word `resource` or `module`; nothing when it only speaks of one that exists.
    fn resource(&mut self, word: &str, start: usize, depth: usize) -> Result<Option<Block>, DocumentError> {
        self.space(false);
        let name = self.word();
        self.space(false);
        if self.peek() != Some(b'\'') {
            return Err(DocumentError::Syntax(self.at));
        }
        let kind = self.quoted()?;
        self.space(false);
        let existing = self.word() == "existing";
        if !self.find_value()? || existing {
            self.line()?;
            return Ok(None);
        }
        let mut repeated = None;
        if self.rest().starts_with(b"if") || self.rest().starts_with(b"[") {
            // The condition or loop stands before the object.
            let from = self.at;
            let Some(open) = memchr::memchr(b'{', self.rest()) else {
                return Err(DocumentError::Syntax(self.at));
            };
            self.skip(open);
            repeated = self.text.get(from..self.at).and_then(loop_of);
        }
        let mut body = self.value(depth.saturating_add(1))?;
        if let (Some((variable, list)), Data::Map(entries)) = (repeated, &mut body.data) {
            let at = Place::new(start, start);
            let node = |data| Node::new(at, data);
            let entry = |key: &str, data| Entry { key: key.to_owned(), at, value: node(data) };
            let list = Data::Expression { path: list, parts: Vec::new() };
            let parts = vec![entry("variable", Data::Text(variable)), entry("in", list)];
            entries.push(entry("$for", Data::Map(parts)));
        }
        let at = Place::new(start, self.at);
        Ok(Some(Block { kind: word.to_owned(), labels: vec![name, kind], at, body }))
    }

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
            match rest {
                [b'/', b'/', ..] => self.skip(memchr::memchr(b'\n', rest).unwrap_or(rest.len())),
                [b'/', b'*', ..] => self
                    .skip(memchr::memmem::find(rest, b"*/").map_or(rest.len(), |end| end.saturating_add(2))),
                [b'\n', ..] if !lines => return,
                [b, ..] if b.is_ascii_whitespace() => self.skip(1),
                [0xef, 0xbb, 0xbf, ..] => self.skip(3),
                _ => return,
            }
        }
    }

    fn word(&mut self) -> String {
        let start = self.at;
        let length = self
            .rest()
            .iter()
            .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-') || !b.is_ascii())
            .count();
        self.skip(length);
        self.text.get(start..self.at).unwrap_or_default().to_owned()
    }

    /// Goes behind the `=` of this line; says whether there is one.
    fn find_value(&mut self) -> Result<bool, DocumentError> {
        loop {
            match self.peek() {
                Some(b'=') if self.rest().get(1) != Some(&b'=') => {
                    self.skip(1);
                    self.space(false);
                    return Ok(true);
                }
                Some(b'\'') => {
                    self.quoted()?;
                }
                None | Some(b'\n') => return Ok(false),
                Some(_) => self.skip(1),
            }
        }
    }

    /// Goes to the next line, over texts of several lines.
    fn line(&mut self) -> Result<(), DocumentError> {
        loop {
            match self.peek() {
                None => return Ok(()),
                Some(b'\n') => {
                    self.skip(1);
                    return Ok(());
                }
                Some(b'\'') => {
                    self.quoted()?;
                }
                Some(b'/') => {
                    let before = self.at;
                    self.space(false);
                    if self.at == before {
                        self.skip(1);
                    }
                }
                Some(_) => self.skip(1),
            }
        }
    }

    fn quoted(&mut self) -> Result<String, DocumentError> {
        let start = self.at;
        if self.rest().starts_with(b"'''") {
            self.skip(3);
            let end = memchr::memmem::find(self.rest(), b"'''").ok_or(DocumentError::Syntax(start))?;
            let text = self.text.get(self.at..self.at.saturating_add(end)).unwrap_or_default().to_owned();
            self.skip(end.saturating_add(3));
            return Ok(text);
        }
        self.skip(1);
        let from = self.at;
        let mut holes = 0_usize;
        loop {
            match self.rest() {
                [] | [b'\n', ..] => return Err(DocumentError::Syntax(start)),
                [b'\\', _, ..] => self.skip(2),
                [b'$', b'{', ..] => {
                    holes = holes.saturating_add(1);
                    self.skip(2);
                }
                [b'}', ..] if holes > 0 => {
                    holes = holes.saturating_sub(1);
                    self.skip(1);
                }
                [b'\'', ..] if holes == 0 => {
                    let text = self.text.get(from..self.at).unwrap_or_default().to_owned();
                    self.skip(1);
                    return Ok(text);
                }
                _ => self.skip(1),
            }
        }
    }

    fn value(&mut self, depth: usize) -> Result<Node, DocumentError> {
        self.space(true);
        let start = self.at;
        self.nodes = self.nodes.saturating_add(1);
        if depth > MAX_DEPTH {
            return Err(DocumentError::Deep(start));
        }
        if self.nodes > MAX_NODES {
            return Err(DocumentError::Large);
        }
        let deeper = depth.saturating_add(1);
        let data = match self.peek() {
            Some(b'{') => {
                self.skip(1);
                let mut entries = Vec::new();
                loop {
                    self.space(true);
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
                    let key = if self.peek() == Some(b'\'') { self.quoted()? } else { self.word() };
                    let at = Place::new(from, self.at);
                    self.space(false);
                    if key == "resource" && self.peek() != Some(b':') {
                        if let Some(block) = self.resource("resource", from, deeper)? {
                            self.nested.push(block);
                        }
                        continue;
                    }
                    if self.peek() != Some(b':') {
                        // Spreads and decorators.
                        let before = self.at;
                        self.plain()?;
                        if self.at == before {
                            self.skip(1);
                        }
                        continue;
                    }
                    self.skip(1);
                    self.space(false);
                    entries.push(Entry { key, at, value: self.value(deeper)? });
                }
                self.skip(1);
                Data::Map(entries)
            }
            Some(b'[') if !self.rest().starts_with(b"[for") => {
                self.skip(1);
                let mut items = Vec::new();
                loop {
                    self.space(true);
                    match self.peek() {
                        Some(b']') => break,
                        Some(b',') => self.skip(1),
                        None => return Err(DocumentError::Syntax(start)),
                        Some(_) => {
                            let before = self.at;
                            items.push(self.value(deeper)?);
                            if self.at == before {
                                return Err(DocumentError::Syntax(before));
                            }
                        }
                    }
                }
                self.skip(1);
                Data::List(items)
            }
            _ => {
                self.plain()?;
                let raw = self.text.get(start..self.at).unwrap_or_default().trim();
                let quoted = raw.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
                match (raw, quoted) {
                    ("true", _) => Data::Bool(true),
                    ("false", _) => Data::Bool(false),
                    ("null", _) => Data::Null,
                    (_, Some(text)) if !text.contains('\'') && !text.contains("${") => {
                        Data::Text(text.to_owned())
                    }
                    _ if raw.parse::<f64>().is_ok() => Data::Number(raw.to_owned()),
                    _ => Data::Expression { path: raw.to_owned(), parts: Vec::new() },
                }
            }
        };
        Ok(Node::new(Place::new(start, self.at), data))
    }

    /// An expression up to the end of its line, or of what it stands in.
    fn plain(&mut self) -> Result<(), DocumentError> {
        let start = self.at;
        let mut open = 0_usize;
        loop {
            match self.peek() {
                None => return if open > 0 { Err(DocumentError::Syntax(start)) } else { Ok(()) },
                Some(b'\n' | b',') if open == 0 => return Ok(()),
                Some(b'\'') => {
                    self.quoted()?;
                }
                Some(b'/') if self.rest().starts_with(b"//") => {
                    if open == 0 {
                        return Ok(());
                    }
                    self.space(false);
                }
                Some(b'(' | b'[' | b'{') => {
                    open = open.saturating_add(1);
                    self.skip(1);
                }
                Some(b')' | b']' | b'}') => {
                    let Some(less) = open.checked_sub(1) else { return Ok(()) };
                    open = less;
                    self.skip(1);
                }
                Some(_) => self.skip(1),
            }
        }
    }
}

/// Variable and list of `[for variable in list: ` or `[for (variable, index) in list: if (..) `.
fn loop_of(text: &str) -> Option<(String, String)> {
    let inner = text.trim_start_matches('[').trim_start().strip_prefix("for ")?;
    let (variable, rest) = inner.split_once(" in ")?;
    let variable = variable.trim().trim_start_matches('(').split([',', ')']).next()?.trim();
    let (list, _) = rest.split_once(':')?;
    Some((variable.to_owned(), list.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_resources() {
        let text = "param p string = 'x'\n@description('d')\nresource a 'T/a@1' = {\n  name: p // c\n  n: concat('a', b)\n  o: { k: true, l: [ 'u'\n 'v' ] }\n}\n\nresource e 'T/e@1' existing = {\n  name: 'q'\n}\nresource f 'T/f@1' = if (p == 'x') {\n  z: 1\n}\n";
        let blocks = parse(text).unwrap();
        let resources: Vec<_> = blocks.iter().filter(|b| b.kind == "resource").collect();
        assert_eq!(resources.len(), 2, "{blocks:?}");
        assert!(
            matches!(&resources[0].body.get("name").unwrap().data, Data::Expression { path, .. } if path == "p")
        );
        assert_eq!(resources[0].body.get("o").unwrap().get("l").unwrap().items().len(), 2);
        assert_eq!(resources[1].body.get("z").unwrap().data, Data::Number("1".into()));
        assert!(parse("resource a 'b").is_err());
    }
}
