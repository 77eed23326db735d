//! Edits: new tokens in place of old ones, every other byte untouched.

use std::fmt::Write as _;
use std::ops::Range;

/// A replacement of one token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Edit {
    /// The bytes that go.
    pub(crate) raw: Range<usize>,
    /// What stands there instead.
    pub(crate) with: Vec<u8>,
}

/// Carries out edits. They must not overlap; one that does, or lies outside, is refused with `None`.
pub(crate) fn splice(body: &[u8], edits: &mut [Edit]) -> Option<Vec<u8>> {
    edits.sort_by_key(|e| e.raw.start);
    let added: usize = edits.iter().map(|e| e.with.len()).sum();
    let mut out = Vec::with_capacity(body.len().saturating_add(added));
    let mut at = 0;
    for edit in edits.iter() {
        out.extend_from_slice(body.get(at..edit.raw.start)?);
        out.extend_from_slice(&edit.with);
        at = edit.raw.end;
    }
    out.extend_from_slice(body.get(at..)?);
    Some(out)
}

/// A JSON string token (RFC 8259 section 7) with the escapes that are needed and no more.
pub(crate) fn encode_string(text: &str) -> Vec<u8> {
    let mut out = String::with_capacity(text.len().saturating_add(2));
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if u32::from(c) < 0x20 => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn replaces_in_place_and_refuses_overlaps() {
        let edit = |raw, with: &str| Edit { raw, with: with.as_bytes().to_vec() };
        let mut edits = [edit(4..5, "Y"), edit(0..1, "XX")];
        assert_eq!(splice(b"abcde", &mut edits).unwrap(), b"XXbcdY");
        assert_eq!(splice(b"abcde", &mut [edit(0..3, ""), edit(2..4, "")]), None);
        assert_eq!(splice(b"abcde", &mut [edit(4..9, "")]), None);
    }

    proptest! {
        #[test]
        fn encoded_strings_read_back(text in ".*") {
            prop_assert_eq!(serde_json::from_slice::<String>(&encode_string(&text)).unwrap(), text);
        }
    }
}
