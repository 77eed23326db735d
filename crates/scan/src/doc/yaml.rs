//! YAML, every document of a stream. Aliases are followed to a bounded size; templates of Helm are put aside first.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, Span, SpannedEventReceiver};

use super::{DocumentError, MAX_NODES};
use crate::node::{Data, Entry, MAX_DEPTH, Node, Place};

/// How many values aliases may add.
const MAX_ALIASED: usize = 50_000;

/// Reads a stream.
pub(crate) fn parse(text: &str) -> Result<Vec<Node>, DocumentError> {
    let mut builder = Builder { offsets: Offsets::new(text), ..Builder::default() };
    let loaded = Parser::new_from_str(text).load(&mut builder, true);
    if let Some(error) = builder.error {
        return Err(error);
    }
    match loaded {
        Ok(()) => Ok(builder.documents),
        Err(error) => Err(DocumentError::Syntax(builder.offsets.byte(error.marker().index()))),
    }
}

/// Replaces what only a template engine understands, byte for byte: lines that steer it, and holes in values.
pub(crate) fn without_templates(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let bare = line.trim();
        if bare.starts_with("{{") && bare.ends_with("}}") {
            out.extend(line.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
            // Not the same number of bytes where the line is not ASCII; places after it stay on their lines.
            continue;
        }
        let mut rest = line;
        while let Some((before, after)) = rest.split_once("{{") {
            out.push_str(before);
            let (hole, tail) = after.split_once("}}").unwrap_or((after.trim_end_matches('\n'), "\n"));
            out.push_str("__");
            out.extend(hole.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '_' }));
            out.push_str("__");
            rest = tail;
        }
        out.push_str(rest);
    }
    out
}

/// From the parser's offsets, which count characters, to bytes.
#[derive(Default)]
struct Offsets {
    /// The byte of each 64th character; empty where all are ASCII.
    marks: Vec<usize>,
    text: String,
    ascii: bool,
}

#[derive(Default)]
struct Builder {
    offsets: Offsets,
    documents: Vec<Node>,
    stack: Vec<Frame>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
    aliased: usize,
    error: Option<DocumentError>,
}

struct Frame {
    anchor: usize,
    start: usize,
    /// The tag of the collection, for CloudFormation's short forms.
    data: Partial,
}

enum Partial {
    List(Vec<Node>),
    Map(Vec<Entry>, Option<(String, Place)>),
}

impl Offsets {
    fn new(text: &str) -> Self {
        if text.is_ascii() {
            return Self { ascii: true, ..Self::default() };
        }
        let marks = text.char_indices().step_by(64).map(|(at, _)| at).collect();
        Self { marks, text: text.to_owned(), ascii: false }
    }

    fn byte(&self, character: usize) -> usize {
        if self.ascii {
            return character;
        }
        let Some(&mark) = self.marks.get(character / 64) else { return self.text.len() };
        let rest = self.text.get(mark..).unwrap_or_default();
        rest.char_indices().nth(character % 64).map_or(self.text.len(), |(at, _)| mark.saturating_add(at))
    }
}

impl Builder {
    fn add(&mut self, node: Node) {
        match self.stack.last_mut().map(|frame| &mut frame.data) {
            None => self.documents.push(node),
            Some(Partial::List(items)) => items.push(node),
            Some(Partial::Map(entries, key)) => match key.take() {
                Some((name, _)) if name == "<<" => {
                    // A merge key: what the other map says and this one does not.
                    let more = if let Data::List(maps) = node.data { maps } else { vec![node] };
                    entries.splice(
                        0..0,
                        more.into_iter().flat_map(|map| match map.data {
                            Data::Map(inner) => inner,
                            _ => Vec::new(),
                        }),
                    );
                }
                Some((name, at)) => entries.push(Entry { key: name, at, value: node }),
                None => *key = Some((node.scalar().unwrap_or_default(), node.at)),
            },
        }
    }

    fn close(&mut self, end: usize) {
        let Some(frame) = self.stack.pop() else { return };
        let data = match frame.data {
            Partial::List(items) => Data::List(items),
            Partial::Map(entries, _) => Data::Map(entries),
        };
        let node = Node::new(Place::new(frame.start, end.max(frame.start)), data);
        if frame.anchor != 0 {
            self.anchors.insert(frame.anchor, node.clone());
        }
        self.add(node);
    }
}

impl<'input> SpannedEventReceiver<'input> for Builder {
    fn on_event(&mut self, event: Event<'input>, span: Span) {
        if self.error.is_some() {
            return;
        }
        self.nodes = self.nodes.saturating_add(1);
        let start = self.offsets.byte(span.start.index());
        if self.nodes > MAX_NODES {
            self.error = Some(DocumentError::Large);
            return;
        }
        if self.stack.len() > MAX_DEPTH {
            self.error = Some(DocumentError::Deep(start));
            return;
        }
        let end = self.offsets.byte(span.end.index());
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == ScalarStyle::Plain && tag.is_none();
                let data = if plain { plain_scalar(&text) } else { Data::Text(text.into_owned()) };
                let node = Node::new(Place::new(start, end), data);
                if anchor != 0 {
                    self.anchors.insert(anchor, node.clone());
                }
                self.add(node);
            }
            Event::SequenceStart(anchor, _) => {
                self.stack.push(Frame { anchor, start, data: Partial::List(Vec::new()) })
            }
            Event::MappingStart(anchor, _) => {
                self.stack.push(Frame { anchor, start, data: Partial::Map(Vec::new(), None) })
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(end),
            Event::Alias(anchor) => {
                let node = self
                    .anchors
                    .get(&anchor)
                    .cloned()
                    .unwrap_or(Node::new(Place::new(start, end), Data::Null));
                self.aliased = self.aliased.saturating_add(count(&node));
                if self.aliased > MAX_ALIASED {
                    self.error = Some(DocumentError::Large);
                    return;
                }
                self.add(node);
            }
            _ => {}
        }
    }
}

fn count(node: &Node) -> usize {
    match &node.data {
        Data::List(items) => items.iter().map(count).sum::<usize>().saturating_add(1),
        Data::Map(entries) => entries.iter().map(|e| count(&e.value)).sum::<usize>().saturating_add(1),
        _ => 1,
    }
}

/// A plain scalar by the core schema (YAML 1.2.2 section 10.3), and the booleans of older readers.
fn plain_scalar(text: &str) -> Data {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Data::Null,
        "true" | "True" | "TRUE" => Data::Bool(true),
        "false" | "False" | "FALSE" => Data::Bool(false),
        _ => {
            let number = text.strip_prefix(['-', '+']).unwrap_or(text);
            let digits = number.bytes().next().is_some_and(|b| b.is_ascii_digit());
            if digits && text.parse::<f64>().is_ok() {
                Data::Number(text.to_owned())
            } else {
                Data::Text(text.to_owned())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_streams_with_places() {
        let text = "ü: 1\na: &x {b: [1, 'two']}\nc: *x\nd:\n  <<: *x\n  e: yes\n---\nf: on\n";
        let all = parse(text).unwrap();
        assert_eq!(all.len(), 2);
        let a = all[0].get("a").unwrap();
        let start = a.get("b").unwrap().items()[1].at.start;
        assert_eq!(text.get(start..start + 5), Some("'two'"));
        assert_eq!(all[0].get("c").unwrap().get("b"), a.get("b"));
        assert!(all[0].get("d").unwrap().get("b").is_some());
        assert!(parse("a: [").is_err());
    }

    #[test]
    fn aliases_do_not_explode() {
        let mut text = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x]\n");
        for at in 1..9 {
            let before = at - 1;
            text.push_str(&format!("a{at}: &a{at} [{}]\n", vec![format!("*a{before}"); 9].join(",")));
        }
        assert_eq!(parse(&text), Err(DocumentError::Large));
    }

    #[test]
    fn templates_are_put_aside() {
        let text = "{{- if .x }}\na: {{ .Values.image }}:1\n{{- end }}\nb: \"{{ .y }}\"\n";
        let all = parse(&without_templates(text)).unwrap();
        assert_eq!(all[0].text_of("a"), Some("___.Values.image___:1"));
    }
}
