//! JSON as it was written: the order of keys and the digits of numbers survive, because schemas and the arguments of
//! tools pass through here. Duplicate keys, depth and anything that is not JSON are refused (RFC 8259).

use std::fmt;

/// Nesting that is followed. The gateway's own bound on requests is the same by default.
const MAX_DEPTH: usize = 128;

/// Values of one text. A value takes more memory than its text, so their number is bounded too.
const MAX_VALUES: usize = 262_144;

/// Up to so many keys of an object are compared one by one, which is faster than a set.
const FEW_KEYS: usize = 16;

/// One JSON value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    /// The digits as they were written.
    Number(String),
    Text(String),
    List(Vec<Json>),
    Map(Vec<(String, Json)>),
}

/// Not one JSON text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotJson;

/// An object from its members; nothing is sorted.
pub(crate) fn object<const N: usize>(members: [(&str, Json); N]) -> Json {
    Json::Map(members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

/// One step deeper in a JSON Pointer (RFC 6901).
pub(crate) fn pointer(at: &str, step: impl fmt::Display) -> String {
    format!("{at}/{}", step.to_string().replace('~', "~0").replace('/', "~1"))
}

struct Parser<'a> {
    rest: &'a [u8],
    values: usize,
}

// === impl Json ===

impl Json {
    /// Reads one JSON text.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, NotJson> {
        Self::parse_up_to(text, MAX_VALUES)
    }

    /// Reads one JSON text of at most so many values.
    pub(crate) fn parse_up_to(text: &[u8], values: usize) -> Result<Self, NotJson> {
        let mut parser = Parser { rest: text, values };
        let value = parser.value(MAX_DEPTH)?;
        parser.space();
        if parser.rest.is_empty() { Ok(value) } else { Err(NotJson) }
    }

    /// A member of an object that is there and not null.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        let Self::Map(members) = self else { return None };
        members.iter().find(|(k, _)| k == key).map(|(_, value)| value).filter(|value| **value != Self::Null)
    }

    /// What a chain of keys leads to.
    pub(crate) fn at(&self, keys: &[&str]) -> Option<&Self> {
        keys.iter().try_fold(self, |value, key| value.get(key))
    }

    pub(crate) fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    pub(crate) fn list(&self) -> Option<&[Self]> {
        if let Self::List(list) = self { Some(list) } else { None }
    }

    /// A count.
    pub(crate) fn count(&self) -> Option<u64> {
        if let Self::Number(digits) = self { digits.parse().ok() } else { None }
    }

    pub(crate) fn float(&self) -> Option<f64> {
        if let Self::Number(digits) = self { digits.parse().ok() } else { None }
    }

    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Text(text) => text.is_empty(),
            Self::List(list) => list.is_empty(),
            Self::Map(members) => members.is_empty(),
            Self::Bool(_) | Self::Number(_) => false,
        }
    }

    /// Sets a member of an object.
    pub(crate) fn insert(&mut self, key: &str, value: impl Into<Self>) {
        let Self::Map(members) = self else { return };
        match members.iter_mut().find(|(k, _)| k == key) {
            Some((_, member)) => *member = value.into(),
            None => members.push((key.to_owned(), value.into())),
        }
    }

    pub(crate) fn write(&self, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(true) => out.push_str("true"),
            Self::Bool(false) => out.push_str("false"),
            Self::Number(digits) => out.push_str(digits),
            Self::Text(text) => write_text(text, out),
            Self::List(list) => {
                out.push('[');
                for (at, value) in list.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    value.write(out);
                }
                out.push(']');
            }
            Self::Map(members) => {
                out.push('{');
                for (at, (key, value)) in members.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    write_text(key, out);
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
        }
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = String::new();
        self.write(&mut out);
        f.write_str(&out)
    }
}

impl From<&str> for Json {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Json {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<u64> for Json {
    fn from(number: u64) -> Self {
        Self::Number(number.to_string())
    }
}

impl From<usize> for Json {
    fn from(number: usize) -> Self {
        Self::Number(number.to_string())
    }
}

impl From<bool> for Json {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<Vec<Self>> for Json {
    fn from(list: Vec<Self>) -> Self {
        Self::List(list)
    }
}

impl<T: Into<Self>> From<Option<T>> for Json {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

fn write_text(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if u32::from(c) < 0x20 => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}

// === impl Parser ===

impl Parser<'_> {
    fn space(&mut self) {
        while let [b' ' | b'\t' | b'\n' | b'\r', tail @ ..] = self.rest {
            self.rest = tail;
        }
    }

    fn take(&mut self, byte: u8) -> bool {
        if let [first, tail @ ..] = self.rest
            && *first == byte
        {
            self.rest = tail;
            return true;
        }
        false
    }

    fn word(&mut self, word: &[u8], value: Json) -> Result<Json, NotJson> {
        self.rest = self.rest.strip_prefix(word).ok_or(NotJson)?;
        Ok(value)
    }

    fn value(&mut self, depth: usize) -> Result<Json, NotJson> {
        self.values = self.values.checked_sub(1).ok_or(NotJson)?;
        self.space();
        match self.rest.first() {
            Some(b'n') => self.word(b"null", Json::Null),
            Some(b't') => self.word(b"true", Json::Bool(true)),
            Some(b'f') => self.word(b"false", Json::Bool(false)),
            Some(b'"') => self.text().map(Json::Text),
            Some(b'[') => self.list(depth.checked_sub(1).ok_or(NotJson)?),
            Some(b'{') => self.map(depth.checked_sub(1).ok_or(NotJson)?),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => Err(NotJson),
        }
    }

    fn list(&mut self, depth: usize) -> Result<Json, NotJson> {
        let mut list = Vec::new();
        self.take(b'[');
        self.space();
        if self.take(b']') {
            return Ok(Json::List(list));
        }
        loop {
            list.push(self.value(depth)?);
            self.space();
            if self.take(b']') {
                return Ok(Json::List(list));
            }
            if !self.take(b',') {
                return Err(NotJson);
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<Json, NotJson> {
        let mut members: Vec<(String, Json)> = Vec::new();
        let mut keys = std::collections::HashSet::new();
        self.take(b'{');
        self.space();
        if self.take(b'}') {
            return Ok(Json::Map(members));
        }
        loop {
            self.space();
            let key = self.text()?;
            let is_known = match members.len() {
                0..FEW_KEYS => members.iter().any(|(k, _)| *k == key),
                FEW_KEYS => {
                    keys = members.iter().map(|(k, _)| k.clone()).collect();
                    !keys.insert(key.clone())
                }
                _ => !keys.insert(key.clone()),
            };
            if is_known {
                return Err(NotJson);
            }
            self.space();
            if !self.take(b':') {
                return Err(NotJson);
            }
            members.push((key, self.value(depth)?));
            self.space();
            if self.take(b'}') {
                return Ok(Json::Map(members));
            }
            if !self.take(b',') {
                return Err(NotJson);
            }
        }
    }

    /// Finds a string's end; what stands in between is decoded, and checked, by `serde_json`.
    fn text(&mut self) -> Result<String, NotJson> {
        let mut escaped = false;
        let inner = self.rest.strip_prefix(b"\"").ok_or(NotJson)?;
        let end = inner.iter().position(|byte| {
            let ends = *byte == b'"' && !escaped;
            escaped = *byte == b'\\' && !escaped;
            ends
        });
        let end = end.and_then(|end| end.checked_add(2)).ok_or(NotJson)?;
        let (token, tail) = self.rest.split_at_checked(end).ok_or(NotJson)?;
        self.rest = tail;
        serde_json::from_slice(token).map_err(|_| NotJson)
    }

    fn number(&mut self) -> Result<Json, NotJson> {
        let is_part = |byte: &u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
        let end = self.rest.iter().position(|byte| !is_part(byte)).unwrap_or(self.rest.len());
        let (token, tail) = self.rest.split_at_checked(end).ok_or(NotJson)?;
        self.rest = tail;
        serde_json::from_slice::<f64>(token).map_err(|_| NotJson)?;
        String::from_utf8(token.to_vec()).map(Json::Number).map_err(|_| NotJson)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn order_and_digits_survive() {
        let text =
            r#"{"z":1.0,"a":[123456789012345678901234567890,-0,1e5],"é\n\"\\":{"":null,"b":[true,false]}}"#;
        assert_eq!(Json::parse(text.as_bytes()).unwrap().to_string(), text);
    }

    #[test]
    fn what_is_not_json_is_refused() {
        for text in [
            "",
            " ",
            "{",
            "[1,]",
            "{\"a\":1,}",
            "{\"a\":1,\"a\":2}",
            "{\"a\":1,\"\\u0061\":2}",
            "01",
            "1.",
            "nul",
            "\"\\ud800\"",
            "\"\u{1}\"",
            "1 2",
            "[1}",
            "{1:2}",
            "+1",
            "1e999",
            "NaN",
            "'a'",
            "\u{feff}1",
        ] {
            assert_eq!(Json::parse(text.as_bytes()), Err(NotJson), "{text}");
        }
        assert_eq!(Json::parse(b"\"\xff\""), Err(NotJson));
        for count in 1..3 * FEW_KEYS {
            let keys: Vec<String> = (0..count).map(|key| format!("\"{key}\":1")).collect();
            assert!(Json::parse(format!("{{{}}}", keys.join(",")).as_bytes()).is_ok());
            let twice = format!("{{{},\"{}\":1}}", keys.join(","), count / 2);
            assert_eq!(Json::parse(twice.as_bytes()), Err(NotJson), "{twice}");
        }
        let deep = |n: usize| ["[".repeat(n), "]".repeat(n)].concat();
        assert!(Json::parse(deep(MAX_DEPTH).as_bytes()).is_ok());
        assert_eq!(Json::parse(deep(MAX_DEPTH + 1).as_bytes()), Err(NotJson));
        assert_eq!(Json::parse(&[b'['; 1 << 20]), Err(NotJson));
        assert_eq!(Json::parse(format!("[{}1]", "1,".repeat(MAX_VALUES)).as_bytes()), Err(NotJson));
    }

    proptest! {
        #[test]
        fn agrees_with_serde_json(text in r#"[\[\]{}:,"a\\u0-3 \-.e]{0,24}"#) {
            let ours = Json::parse(text.as_bytes());
            let theirs = serde_json::from_str::<serde_json::Value>(&text);
            if let Ok(value) = &ours {
                let again = serde_json::from_str::<serde_json::Value>(&value.to_string()).unwrap();
                prop_assert_eq!(&again, theirs.as_ref().unwrap());
            } else if let Ok(value) = theirs {
                // Only what has a key twice is taken there and not here.
                prop_assert!(value.to_string().len() < text.len());
            }
        }
    }
}
