//! Files of environment variables, one `NAME=value` a line.

use crate::node::{Data, Entry, Node, Place};

/// Reads a file; lines that are not of the form are left out.
pub(crate) fn parse(text: &str) -> Node {
    let mut entries = Vec::new();
    let mut at = 0_usize;
    for line in text.split_inclusive('\n') {
        let place = Place::new(at, at.saturating_add(line.trim_end().len()));
        at = at.saturating_add(line.len());
        let bare = line.trim().trim_start_matches("export ");
        let Some((name, value)) = bare.split_once('=') else { continue };
        let name = name.trim();
        if bare.starts_with('#')
            || name.is_empty()
            || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'.' || b == b'-')
        {
            continue;
        }
        let value = value.split(" #").next().unwrap_or_default().trim().trim_matches(['"', '\'']);
        entries.push(Entry {
            key: name.to_owned(),
            at: place,
            value: Node::new(place, Data::Text(value.to_owned())),
        });
    }
    Node::new(Place::new(0, text.len()), Data::Map(entries))
}
