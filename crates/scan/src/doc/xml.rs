//! XML manifests: elements become maps of their attributes (`@name`), children and text (`#text`). No entity but the
//! predefined ones is resolved, no document type is read.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::{DocumentError, MAX_NODES};
use crate::node::{Data, Entry, MAX_DEPTH, Node, Place};

/// Reads a document as a map with its root element.
pub(crate) fn parse(text: &str) -> Result<Node, DocumentError> {
    let mut reader = Reader::from_str(text);
    let mut stack: Vec<(String, usize, Vec<Entry>)> = vec![(String::new(), 0, Vec::new())];
    let mut nodes = 0_usize;
    loop {
        let start = position(&reader);
        let syntax = DocumentError::Syntax(start);
        let event = reader.read_event().map_err(|_| syntax.clone())?;
        nodes = nodes.saturating_add(1);
        if nodes > MAX_NODES {
            return Err(DocumentError::Large);
        }
        if stack.len() > MAX_DEPTH {
            return Err(DocumentError::Deep(start));
        }
        match event {
            Event::Start(element) => {
                let (name, entries) = opened(&element, start);
                stack.push((name, start, entries));
            }
            Event::Empty(element) => {
                let (name, entries) = opened(&element, start);
                let at = Place::new(start, position(&reader));
                if let Some((_, _, outer)) = stack.last_mut() {
                    outer.push(Entry { key: name, at, value: Node::new(at, Data::Map(entries)) });
                }
            }
            Event::End(_) => {
                let Some((name, from, entries)) = stack.pop() else { return Err(syntax) };
                let at = Place::new(from, position(&reader));
                let Some((_, _, outer)) = stack.last_mut() else { return Err(syntax) };
                outer.push(Entry { key: name, at, value: Node::new(at, Data::Map(entries)) });
            }
            Event::Text(content) => {
                let content = content.trim();
                if !content.is_empty()
                    && let Some((_, _, entries)) = stack.last_mut()
                {
                    let at = Place::new(start, position(&reader));
                    entries.push(Entry {
                        key: "#text".to_owned(),
                        at,
                        value: Node::new(at, Data::Text(content.to_owned())),
                    });
                }
            }
            Event::Eof => {
                let Some((_, _, entries)) = stack.pop() else { return Err(syntax) };
                return if stack.is_empty() {
                    Ok(Node::new(Place::new(0, text.len()), Data::Map(entries)))
                } else {
                    Err(syntax)
                };
            }
            _ => {}
        }
    }
}

/// The text of a child element, or of an attribute.
pub(crate) fn child_text<'a>(node: &'a Node, name: &str) -> Option<&'a str> {
    node.text_of(&format!("@{name}")).or_else(|| node.get(name).and_then(|child| child.text_of("#text")))
}

fn position(reader: &Reader<&[u8]>) -> usize {
    usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX)
}

fn opened(element: &BytesStart<'_>, start: usize) -> (String, Vec<Entry>) {
    let name = element.local_name().as_ref().to_owned();
    let at = Place::new(start, start.saturating_add(element.len()));
    let attributes = element.attributes().flatten().map(|attribute| {
        let key = format!("@{}", attribute.key.local_name().as_ref());
        let value = attribute.value.into_owned();
        Entry { key, at, value: Node::new(at, Data::Text(value)) }
    });
    (name, attributes.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_elements() {
        let node = parse("<?xml version=\"1.0\"?><a x='1'><b>t</b><b v=\"2\"/><!-- <c/> --></a>").unwrap();
        let a = node.get("a").unwrap();
        assert_eq!((a.text_of("@x"), a.entries().iter().filter(|e| e.key == "b").count()), (Some("1"), 2));
        assert_eq!(child_text(a, "b"), None);
        for bad in ["<a>", "<a></b>", "</a>"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
