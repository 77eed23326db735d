//! The walker: every leaf and every key of a JSON text, with its JSON Pointer and its place.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::ops::Range;

/// Bounds of what is read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Nesting of arrays and objects.
    pub(crate) depth: usize,
    /// Leaves and keys together.
    pub(crate) leaves: usize,
}

/// One leaf or key.
#[derive(Debug)]
pub(crate) struct Leaf<'p, 't> {
    /// JSON Pointer (RFC 6901). For a key it is the pointer of the value that stands under it.
    pub(crate) path: &'p str,
    /// What it is.
    pub(crate) kind: LeafKind,
    /// The decoded text of a string or key; the literal of anything else.
    pub(crate) text: Cow<'t, str>,
    /// The token's bytes, quotes included.
    pub(crate) raw: Range<usize>,
}

/// What a leaf is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LeafKind {
    Key,
    String,
    Number,
    Literal,
    /// An array or object, told after its content; its text is empty.
    Container,
}

/// Why a text is refused, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct JsonError {
    pub(crate) kind: JsonErrorKind,
    /// Byte offset.
    pub(crate) at: usize,
}

/// Kinds of refusal; each has a stable code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JsonErrorKind {
    Utf8,
    Syntax(&'static str),
    DuplicateKey,
    TooDeep,
    TooManyLeaves,
}

/// The digits of the largest double, sign and fraction included, are fewer.
const MAX_NUMBER: usize = 400;

struct Walker<'t, F> {
    text: &'t str,
    bytes: &'t [u8],
    at: usize,
    path: String,
    depth: usize,
    leaves: usize,
    limits: Limits,
    visit: F,
}

/// Walks one JSON text from its first byte to its last.
pub(crate) fn walk<'t>(
    bytes: &'t [u8],
    limits: Limits,
    visit: impl FnMut(Leaf<'_, 't>),
) -> Result<(), JsonError> {
    let text = std::str::from_utf8(bytes)
        .map_err(|e| JsonError { kind: JsonErrorKind::Utf8, at: e.valid_up_to() })?;
    let mut walker =
        Walker { text, bytes, at: 0, path: String::with_capacity(64), depth: 0, leaves: 0, limits, visit };
    walker.space();
    walker.value()?;
    walker.space();
    if walker.at == bytes.len() { Ok(()) } else { Err(walker.syntax("text after the end of the value")) }
}

// === impl Walker ===

type Step<T = ()> = Result<T, JsonError>;

impl<'t, F: FnMut(Leaf<'_, 't>)> Walker<'t, F> {
    fn syntax(&self, what: &'static str) -> JsonError {
        JsonError { kind: JsonErrorKind::Syntax(what), at: self.at }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn bump(&mut self) {
        self.at = self.at.saturating_add(1);
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.bump();
        }
    }

    fn value(&mut self) -> Step {
        match self.peek() {
            Some(b'{') => self.nested(Self::object),
            Some(b'[') => self.nested(Self::array),
            Some(b'"') => {
                let (text, raw) = self.string()?;
                self.emit(LeafKind::String, text, raw)
            }
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.literal("true"),
            Some(b'f') => self.literal("false"),
            Some(b'n') => self.literal("null"),
            Some(_) => Err(self.syntax("expected a value")),
            None => Err(self.syntax("the text ends where a value should begin")),
        }
    }

    fn nested(&mut self, read: impl FnOnce(&mut Self) -> Step) -> Step {
        if self.depth >= self.limits.depth {
            return Err(JsonError { kind: JsonErrorKind::TooDeep, at: self.at });
        }
        let start = self.at;
        self.depth = self.depth.saturating_add(1);
        self.bump();
        self.space();
        read(self)?;
        self.depth = self.depth.saturating_sub(1);
        self.emit(LeafKind::Container, Cow::Borrowed(""), start..self.at)
    }

    fn object(&mut self) -> Step {
        if self.peek() == Some(b'}') {
            self.bump();
            return Ok(());
        }
        let mut keys = Keys::default();
        loop {
            if self.peek() != Some(b'"') {
                return Err(self.syntax("expected a key"));
            }
            let start = self.at;
            let (key, raw) = self.string()?;
            if !keys.insert(&key) {
                return Err(JsonError { kind: JsonErrorKind::DuplicateKey, at: start });
            }
            let mark = self.path.len();
            self.push_key(&key);
            self.emit(LeafKind::Key, key, raw)?;
            self.space();
            if self.peek() != Some(b':') {
                return Err(self.syntax("expected `:` after a key"));
            }
            self.bump();
            self.space();
            self.value()?;
            self.path.truncate(mark);
            self.space();
            match self.peek() {
                Some(b',') => {
                    self.bump();
                    self.space();
                }
                Some(b'}') => {
                    self.bump();
                    return Ok(());
                }
                _ => return Err(self.syntax("expected `,` or `}`")),
            }
        }
    }

    fn array(&mut self) -> Step {
        if self.peek() == Some(b']') {
            self.bump();
            return Ok(());
        }
        let mut index = 0_usize;
        loop {
            let mark = self.path.len();
            self.path.push('/');
            self.path.push_str(itoa::Buffer::new().format(index));
            self.value()?;
            self.path.truncate(mark);
            self.space();
            match self.peek() {
                Some(b',') => {
                    self.bump();
                    self.space();
                    index = index.saturating_add(1);
                }
                Some(b']') => {
                    self.bump();
                    return Ok(());
                }
                _ => return Err(self.syntax("expected `,` or `]`")),
            }
        }
    }

    fn push_key(&mut self, key: &str) {
        self.path.push('/');
        for c in key.chars() {
            match c {
                '~' => self.path.push_str("~0"),
                '/' => self.path.push_str("~1"),
                c => self.path.push(c),
            }
        }
    }

    fn emit(&mut self, kind: LeafKind, text: Cow<'t, str>, raw: Range<usize>) -> Step {
        if self.leaves >= self.limits.leaves {
            return Err(JsonError { kind: JsonErrorKind::TooManyLeaves, at: raw.start });
        }
        self.leaves = self.leaves.saturating_add(1);
        (self.visit)(Leaf { path: &self.path, kind, text, raw });
        Ok(())
    }

    fn literal(&mut self, word: &'static str) -> Step {
        let end = self.at.saturating_add(word.len());
        if self.text.get(self.at..end) != Some(word) {
            return Err(self.syntax("expected a value"));
        }
        let raw = self.at..end;
        self.at = end;
        self.emit(LeafKind::Literal, Cow::Borrowed(word), raw)
    }

    /// RFC 8259 section 6.
    fn number(&mut self) -> Step {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.bump();
        }
        match self.peek() {
            Some(b'0') => self.bump(),
            Some(b'1'..=b'9') => self.digits(),
            _ => return Err(self.syntax("expected a digit")),
        }
        if self.peek() == Some(b'.') {
            self.bump();
            if !matches!(self.peek(), Some(b'0'..=b'9')) {
                return Err(self.syntax("expected a digit after the point"));
            }
            self.digits();
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.bump();
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.bump();
            }
            if !matches!(self.peek(), Some(b'0'..=b'9')) {
                return Err(self.syntax("expected a digit in the exponent"));
            }
            self.digits();
        }
        let raw = start..self.at;
        let text = self.text.get(raw.clone()).unwrap_or_default();
        // RFC 7493 section 2.2: what no double can hold is read as infinity, as an error, or as something else.
        if text.len() > MAX_NUMBER || text.parse::<f64>().is_ok_and(f64::is_infinite) {
            return Err(JsonError {
                kind: JsonErrorKind::Syntax("a number is beyond what readers hold"),
                at: start,
            });
        }
        self.emit(LeafKind::Number, Cow::Borrowed(text), raw)
    }

    fn digits(&mut self) {
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.bump();
        }
    }

    /// RFC 8259 section 7. A lone surrogate escape decodes to U+FFFD, as most readers do.
    fn string(&mut self) -> Step<(Cow<'t, str>, Range<usize>)> {
        let start = self.at;
        self.bump();
        let inner = self.at;
        let mut decoded: Option<String> = None;
        let mut copied = inner;
        loop {
            let rest = self.bytes.get(self.at..).unwrap_or_default();
            let Some(skip) = rest.iter().position(|b| *b == b'"' || *b == b'\\' || *b < 0x20) else {
                self.at = self.bytes.len();
                return Err(self.syntax("the text ends inside a string"));
            };
            self.at = self.at.saturating_add(skip);
            match self.peek() {
                Some(b'"') => {
                    let tail = self.text.get(copied..self.at).unwrap_or_default();
                    self.bump();
                    let text = match decoded {
                        None => Cow::Borrowed(tail),
                        Some(mut text) => {
                            text.push_str(tail);
                            Cow::Owned(text)
                        }
                    };
                    return Ok((text, start..self.at));
                }
                Some(b'\\') => {
                    let text = decoded.get_or_insert_with(String::new);
                    text.push_str(self.text.get(copied..self.at).unwrap_or_default());
                    self.bump();
                    let c = self.escape()?;
                    if let Some(text) = &mut decoded {
                        text.push(c);
                    }
                    copied = self.at;
                }
                _ => return Err(self.syntax("a control character in a string must be escaped")),
            }
        }
    }

    fn escape(&mut self) -> Step<char> {
        let byte = self.peek();
        self.bump();
        Ok(match byte {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                let high = self.hex4()?;
                if !(0xd800..0xdc00).contains(&high) {
                    return Ok(char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER));
                }
                let after = self.at;
                if self.bytes.get(after..after.saturating_add(2)) == Some(br"\u") {
                    self.at = after.saturating_add(2);
                    let low = self.hex4()?;
                    if (0xdc00..0xe000).contains(&low) {
                        let code =
                            0x1_0000_u32.saturating_add((high - 0xd800) << 10).saturating_add(low - 0xdc00);
                        return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
                    }
                    self.at = after;
                }
                char::REPLACEMENT_CHARACTER
            }
            _ => return Err(self.syntax("an unknown escape in a string")),
        })
    }

    fn hex4(&mut self) -> Step<u32> {
        let end = self.at.saturating_add(4);
        let digits = self.text.get(self.at..end).filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
        let value = digits.and_then(|d| u32::from_str_radix(d, 16).ok());
        let value = value.ok_or_else(|| self.syntax("expected four hexadecimal digits"))?;
        self.at = end;
        Ok(value)
    }
}

/// The keys of one object. Few are compared one by one; many go into a hash set, so that a large object costs no more
/// than its size.
#[derive(Default)]
struct Keys {
    few: Vec<String>,
    many: HashSet<String>,
}

impl Keys {
    fn insert(&mut self, key: &str) -> bool {
        if self.many.is_empty() {
            if self.few.iter().any(|k| k == key) {
                return false;
            }
            self.few.push(key.to_owned());
            if self.few.len() > 16 {
                self.many.extend(self.few.drain(..));
            }
            true
        } else {
            self.many.insert(key.to_owned())
        }
    }
}

impl JsonErrorKind {
    /// The stable code.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Utf8 => "invalid_utf8",
            Self::Syntax(_) => "invalid_json",
            Self::DuplicateKey => "duplicate_key",
            Self::TooDeep => "json_too_deep",
            Self::TooManyLeaves => "json_too_large",
        }
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            JsonErrorKind::Utf8 => "the body is not UTF-8",
            JsonErrorKind::Syntax(what) => what,
            JsonErrorKind::DuplicateKey => "a key stands twice in one object",
            JsonErrorKind::TooDeep => "arrays and objects are nested too deeply",
            JsonErrorKind::TooManyLeaves => "the body has too many values",
        };
        write!(f, "{what} (byte {})", self.at)
    }
}

#[cfg(test)]
mod tests;
