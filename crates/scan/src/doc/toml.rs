//! TOML, with places.

use toml::de::{DeTable, DeValue};

use super::DocumentError;
use crate::node::{Data, Entry, Node, Place};

/// Reads a document.
pub(crate) fn parse(text: &str) -> Result<Node, DocumentError> {
    let table = DeTable::parse(text)
        .map_err(|error| DocumentError::Syntax(error.span().map_or(0, |span| span.start)))?;
    let span = table.span();
    Ok(Node::new(Place::new(span.start, span.end), entries(table.get_ref())))
}

fn entries(table: &DeTable<'_>) -> Data {
    let entry =
        |(key, value): (&toml::Spanned<std::borrow::Cow<'_, str>>, &toml::Spanned<DeValue<'_>>)| Entry {
            key: key.get_ref().clone().into_owned(),
            at: Place::new(key.span().start, key.span().end),
            value: node(value),
        };
    Data::Map(table.iter().map(entry).collect())
}

/// The reader bounds the depth.
fn node(value: &toml::Spanned<DeValue<'_>>) -> Node {
    let data = match value.get_ref() {
        DeValue::String(text) => Data::Text(text.clone().into_owned()),
        DeValue::Integer(number) => Data::Number(number.to_string()),
        DeValue::Float(number) => Data::Number(number.to_string()),
        DeValue::Boolean(value) => Data::Bool(*value),
        DeValue::Datetime(time) => Data::Text(time.to_string()),
        DeValue::Array(items) => Data::List(items.iter().map(node).collect()),
        DeValue::Table(table) => entries(table),
    };
    Node::new(Place::new(value.span().start, value.span().end), data)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_with_places() {
        let text = "a = 1\n[b.c]\nd = [\"x\", {e = true}]\n";
        let node = parse(text).unwrap();
        let list = node.get("b").unwrap().get("c").unwrap().get("d").unwrap();
        let at = list.items()[0].at;
        assert_eq!(text.get(at.start..at.end), Some("\"x\""));
        assert!(parse("a = ").is_err());
    }
}
