//! Whether bytes are canonical JSON: a scanner that accepts exactly what the encoder can write.

use super::{MAX_DEPTH, MAX_SAFE_INTEGER, compare_keys};

/// The first byte at which a text stops being canonical, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not canonical JSON at byte {at}: {why}")]
pub(crate) struct NotCanonical {
    pub(crate) at: usize,
    pub(crate) why: &'static str,
}

struct Scanner<'a, F> {
    text: &'a str,
    at: usize,
    visit: F,
}

/// Checks a text. `visit(parent, key, value)` sees the members of the outermost object (`parent` is `None`) and those
/// of the objects right inside it; keys and values are raw JSON, a key without its quotes.
pub(crate) fn check<'a>(
    bytes: &'a [u8],
    visit: impl FnMut(Option<&'a str>, &'a str, &'a str),
) -> Result<(), NotCanonical> {
    let text = std::str::from_utf8(bytes)
        .map_err(|e| NotCanonical { at: e.valid_up_to(), why: "it is not UTF-8" })?;
    let mut scanner = Scanner { text, at: 0, visit };
    scanner.value(0, None)?;
    if scanner.at != bytes.len() {
        return Err(scanner.bad("text goes on after the value"));
    }
    Ok(())
}

impl<'a, F: FnMut(Option<&'a str>, &'a str, &'a str)> Scanner<'a, F> {
    fn bad(&self, why: &'static str) -> NotCanonical {
        NotCanonical { at: self.at, why }
    }

    fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.rest().first().copied()
    }

    fn take(&mut self, byte: u8, why: &'static str) -> Result<(), NotCanonical> {
        if self.peek() != Some(byte) {
            return Err(self.bad(why));
        }
        self.at = self.at.saturating_add(1);
        Ok(())
    }

    fn since(&self, start: usize) -> &'a str {
        self.text.get(start..self.at).unwrap_or_default()
    }

    fn value(&mut self, depth: usize, parent: Option<&'a str>) -> Result<(), NotCanonical> {
        match self.peek() {
            Some(b'{' | b'[') if depth >= MAX_DEPTH => Err(self.bad("it nests too deep")),
            Some(b'{') => self.object(depth, parent),
            Some(b'[') => self.array(depth),
            Some(b'"') => self.string().map(|_| ()),
            Some(b'-' | b'0'..=b'9') => self.integer(),
            Some(b't') => self.word(b"true"),
            Some(b'f') => self.word(b"false"),
            Some(b'n') => self.word(b"null"),
            _ => Err(self.bad("no value begins here")),
        }
    }

    fn object(&mut self, depth: usize, parent: Option<&'a str>) -> Result<(), NotCanonical> {
        self.take(b'{', "an object was expected")?;
        if self.peek() == Some(b'}') {
            return self.take(b'}', "");
        }
        let mut last: Option<&str> = None;
        loop {
            let key_at = self.at;
            let key = self.string()?;
            if last.is_some_and(|last| !ascending(last, key)) {
                return Err(NotCanonical { at: key_at, why: "keys are not in ascending order" });
            }
            last = Some(key);
            self.take(b':', "a colon was expected")?;
            let start = self.at;
            self.value(depth.saturating_add(1), if depth == 0 { Some(key) } else { None })?;
            if depth == 0 || (depth == 1 && parent.is_some()) {
                let value = self.since(start);
                (self.visit)(parent, key, value);
            }
            match self.peek() {
                Some(b',') => self.at = self.at.saturating_add(1),
                _ => return self.take(b'}', "a comma or a closing brace was expected"),
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<(), NotCanonical> {
        self.take(b'[', "an array was expected")?;
        if self.peek() == Some(b']') {
            return self.take(b']', "");
        }
        loop {
            self.value(depth.saturating_add(1), None)?;
            match self.peek() {
                Some(b',') => self.at = self.at.saturating_add(1),
                _ => return self.take(b']', "a comma or a closing bracket was expected"),
            }
        }
    }

    fn word(&mut self, word: &[u8]) -> Result<(), NotCanonical> {
        if !self.rest().starts_with(word) {
            return Err(self.bad("no value begins here"));
        }
        self.at = self.at.saturating_add(word.len());
        Ok(())
    }

    fn integer(&mut self) -> Result<(), NotCanonical> {
        let negative = self.peek() == Some(b'-');
        if negative {
            self.at = self.at.saturating_add(1);
        }
        let digits = self.rest().iter().take_while(|b| b.is_ascii_digit()).count();
        let start = self.at;
        self.at = self.at.saturating_add(digits);
        let text = self.since(start);
        let magnitude = text.parse::<u64>().ok().filter(|m| *m <= MAX_SAFE_INTEGER);
        match magnitude {
            None => Err(self.bad("an integer is missing or beyond 2^53 - 1")),
            Some(0) if negative || digits > 1 => Err(self.bad("an integer is not in its shortest form")),
            Some(_) if text.starts_with('0') && digits > 1 => {
                Err(self.bad("an integer is not in its shortest form"))
            }
            Some(_) => Ok(()),
        }
    }

    /// A string; its raw text without the quotes.
    fn string(&mut self) -> Result<&'a str, NotCanonical> {
        self.take(b'"', "a string was expected")?;
        let start = self.at;
        loop {
            let plain = self.rest().iter().position(|b| *b < 0x20 || *b == b'"' || *b == b'\\');
            let Some(plain) = plain else { return Err(self.bad("a string does not end")) };
            self.at = self.at.saturating_add(plain);
            match self.peek() {
                Some(b'"') => {
                    let raw = self.since(start);
                    self.at = self.at.saturating_add(1);
                    return Ok(raw);
                }
                Some(b'\\') => self.escape()?,
                _ => return Err(self.bad("a control character is not escaped")),
            }
        }
    }

    fn escape(&mut self) -> Result<(), NotCanonical> {
        let length = match self.rest() {
            [b'\\', b'"' | b'\\' | b'b' | b't' | b'n' | b'f' | b'r', ..] => 2,
            [b'\\', b'u', b'0', b'0', b'0', b'0'..=b'7' | b'b' | b'e' | b'f', ..] => 6,
            [b'\\', b'u', b'0', b'0', b'1', b'0'..=b'9' | b'a'..=b'f', ..] => 6,
            _ => return Err(self.bad("an escape is not the shortest one")),
        };
        self.at = self.at.saturating_add(length);
        Ok(())
    }
}

/// Whether raw key `a` comes before raw key `b`.
fn ascending(a: &str, b: &str) -> bool {
    let raw = |s: &str| !s.as_bytes().contains(&b'\\');
    if raw(a) && raw(b) {
        return compare_keys(a, b).is_lt();
    }
    let unescape = |s: &str| serde_json::from_str::<String>(&format!("\"{s}\"")).unwrap_or_default();
    compare_keys(&unescape(a), &unescape(b)).is_lt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical::Encoder;
    use proptest::prelude::*;
    use serde_json::Value;

    fn accepts(text: &str) -> bool {
        check(text.as_bytes(), |_, _, _| ()).is_ok()
    }

    #[test]
    fn accepts_the_canonical_form_and_nothing_beside_it() {
        for good in [
            "{}",
            "[]",
            "0",
            "-1",
            "9007199254740991",
            "true",
            "null",
            r#""""#,
            r#""\u001f\n\\\"é""#,
            r#"{"":1,"a":[{},2],"b":null}"#,
            // RFC 8785 section 3.2.3: the astral face sorts before U+FB33, as its first unit is a surrogate.
            "{\"\u{20ac}\":1,\"\u{1f600}\":2,\"\u{fb33}\":3}",
        ] {
            assert!(accepts(good), "{good}");
        }
        for bad in [
            "",
            " {}",
            "{} ",
            "{ }",
            r#"{"a":1,}"#,
            r#"{"b":1,"a":2}"#,
            r#"{"a":1,"a":2}"#,
            "01",
            "-0",
            "00",
            "1.0",
            "1e3",
            "9007199254740992",
            r#""\u0041""#,
            r#""\u001F""#,
            r#""\u0008""#,
            r#""\/""#,
            "\"\t\"",
            r#""\ud83d\ude00""#,
            "[1,]",
            "[1 ,2]",
            "tru",
            "\"",
            "\u{feff}{}",
            "{\"\u{fb33}\":3,\"\u{1f600}\":2}",
        ] {
            assert!(!accepts(bad), "{bad}");
        }
        assert!(!accepts(&"[".repeat(10_000)));
        assert!(check(b"\"\xff\"", |_, _, _| ()).is_err());
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (-9_007_199_254_740_991_i64..=9_007_199_254_740_991).prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::hash_map(any::<String>(), inner, 0..6)
                    .prop_map(|m| Value::Object(m.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_canonical_and_means_the_same(value in json()) {
            let mut encoder = Encoder::default();
            let text = encoder.encode(&value).unwrap().to_vec();
            prop_assert_eq!(check(&text, |_, _, _| ()), Ok(()));
            prop_assert_eq!(serde_json::from_slice::<Value>(&text).unwrap(), value);
        }

        #[test]
        fn one_value_has_one_text(value in json(), at: prop::sample::Index, byte: u8) {
            let mut encoder = Encoder::default();
            let text = encoder.encode(&value).unwrap().to_vec();
            let mut other = text.clone();
            let at = at.index(other.len());
            other[at] = byte;
            if other != text && check(&other, |_, _, _| ()).is_ok() {
                let reread: Value = serde_json::from_slice(&other).unwrap();
                prop_assert_eq!(encoder.encode(&reread).unwrap(), &other);
            }
        }
    }
}
