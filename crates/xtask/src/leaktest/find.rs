//! Looks for pieces of a planted value in everything that came out on the other side, however it is spelled.

use std::collections::BTreeMap;

use aho_corasick::AhoCorasick;
use anyhow::Result;
use serde_json::Value;

use super::values::{FRAGMENT, Planted};

/// Finds any fragment of one secret.
#[derive(Debug)]
pub(crate) struct Finder {
    fragments: AhoCorasick,
    length: usize,
}

impl Finder {
    /// Every run of [`FRAGMENT`] bytes of the secret is a fragment.
    pub(crate) fn new(planted: &Planted) -> Result<Self> {
        let bytes = planted.secret.as_bytes();
        Ok(Self { fragments: AhoCorasick::new(bytes.windows(FRAGMENT))?, length: bytes.len() })
    }

    /// How many bytes of the secret a text shows, in fragments; 0 when there is none.
    pub(crate) fn leaked(&self, text: &[u8]) -> usize {
        let mut until = 0;
        let mut shown = 0;
        for found in self.fragments.find_overlapping_iter(text) {
            shown += found.end() - found.start().max(until);
            until = found.end();
        }
        shown.min(self.length)
    }
}

/// What a reader of an answer or request can make of it.
#[derive(Debug, Default)]
pub(crate) struct Views {
    /// Strings and keys, joined over all events by where they stand.
    places: BTreeMap<String, String>,
    /// All strings in their order, whatever they are.
    all: String,
    /// Byte arrays, joined.
    bytes: Vec<u8>,
    /// Everything as it came.
    raw: Vec<u8>,
}

impl Views {
    /// Of a stream of events or a JSON body, and of whatever else came with it (headers).
    pub(crate) fn of(body: &[u8], beside: &str) -> Self {
        let mut views = Self { raw: [body, b"\n", beside.as_bytes()].concat(), ..Self::default() };
        if let Ok(value) = serde_json::from_slice(body) {
            views.value("", &value);
        } else {
            let text = String::from_utf8_lossy(body).replace("\r\n", "\n");
            let is_lines = text.starts_with('{');
            let lines = text.lines().filter(|_| is_lines);
            lines.for_each(|line| views.line(line));
            let events = text.split("\n\n").filter(|_| !is_lines);
            events.for_each(|event| views.event(event));
        }
        // Tool arguments are JSON inside a string and are read once more by whoever calls the tool.
        let inner: Vec<Value> =
            views.places.values().filter_map(|text| serde_json::from_str(text).ok()).collect();
        for value in inner.iter().filter(|value| value.is_object()) {
            views.value("inner", value);
        }
        views
    }

    /// How many bytes of the secret any view shows.
    pub(crate) fn leaked(&self, finder: &Finder) -> usize {
        let texts = self.places.values().map(String::as_bytes);
        texts
            .chain([self.all.as_bytes(), &self.bytes, &self.raw])
            .map(|text| finder.leaked(text))
            .max()
            .unwrap_or(0)
    }

    /// The joined text at a place, for example `choices.0.delta.content`.
    pub(crate) fn at(&self, place: &str) -> &str {
        self.places.get(place).map_or("", String::as_str)
    }

    /// The lines of one event (WHATWG HTML, 9.2.6): `data:` lines are one text, the others speak for themselves.
    fn event(&mut self, event: &str) {
        let mut data = Vec::new();
        for line in event.lines() {
            match line.strip_prefix("data:") {
                Some(text) => data.push(text.trim()),
                None => self.all.push_str(line),
            }
        }
        match serde_json::from_str(&data.join("\n")) {
            Ok(value) => self.value("", &value),
            Err(_) => self.all.push_str(&data.join("\n")),
        }
    }

    /// A line of a stream of lines.
    fn line(&mut self, line: &str) {
        match serde_json::from_str(line) {
            Ok(value) => self.value("", &value),
            Err(_) => self.all.push_str(line),
        }
    }

    fn value(&mut self, path: &str, value: &Value) {
        match value {
            Value::String(text) => self.note(path, text),
            Value::Array(items) => {
                let bytes: Option<Vec<u8>> =
                    items.iter().map(|item| item.as_u64().and_then(|n| u8::try_from(n).ok())).collect();
                if let Some(bytes) = bytes {
                    self.bytes.extend(bytes);
                }
                for (position, item) in items.iter().enumerate() {
                    // A delta says which choice or call it belongs to.
                    let index = item.get("index").and_then(Value::as_u64).unwrap_or(position as u64);
                    self.value(&format!("{path}.{index}"), item);
                }
            }
            Value::Object(fields) => {
                for (key, inner) in fields {
                    self.note(&format!("{path}.(key)"), key);
                    let at = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                    self.value(&at, inner);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn note(&mut self, path: &str, text: &str) {
        self.places.entry(path.to_owned()).or_default().push_str(text);
        self.all.push_str(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finder(secret: &str) -> Finder {
        let planted = Planted { name: "test".to_owned(), text: secret.to_owned(), secret: secret.to_owned() };
        Finder::new(&planted).unwrap()
    }

    #[test]
    fn counts_the_bytes_that_show() {
        let finder = finder("0123456789abcdef");
        assert_eq!(finder.leaked(b"0123456"), 0);
        assert_eq!(finder.leaked(b"x0123456789x"), 10);
        assert_eq!(finder.leaked(b"0123456789abcdef"), 16);
        assert_eq!(finder.leaked(b"01234567 and 89abcdef"), 16);
    }

    #[test]
    fn sees_through_events_escapes_byte_arrays_and_inner_json() {
        let finder = finder("0123456789abcdef");
        for body in [
            "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"012345\"}}]}\n\ndata: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"6789ab\"}}]}\n\n",
            r#"{"x":"\u0030\u0031\u0032\u0033\u0034\u0035\u0036\u0037"}"#,
            r#"{"bytes":[48,49,50,51,52,53,54,55]}"#,
            r#"{"arguments":"{\"to\":\"\\u0030\\u0031\\u0032\\u0033\\u0034\\u0035\\u0036\\u0037\"}"}"#,
            r#"{"0123456789":1}"#,
            ": 0123456789\n\n",
        ] {
            assert!(Views::of(body.as_bytes(), "").leaked(&finder) > 0, "{body}");
        }
        assert!(Views::of(b"", "x-debug: 0123456789").leaked(&finder) > 0);
        assert_eq!(Views::of(br#"{"a":"0123","b":"zz"}"#, "").leaked(&finder), 0);
    }
}
