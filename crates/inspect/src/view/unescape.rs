//! The reading of a text with its character escapes resolved, escape by escape, however the stream is cut: those of JSON
//! strings (RFC 8259 section 7) in JSON source, and everywhere `\u0041`, `\u{41}`, `\x41`, `%41` (RFC 3986 section 2.1)
//! and HTML's character references (HTML Living Standard section 13.1.4); quotation marks of strings in strings, a level or
//! more deep; what Markdown (CommonMark section 2.4) and quoted-printable (RFC 2045 section 6.7) write for what joins a token.
//! Control sequences of terminals are read over.

use memchr::{memchr_iter, memchr3_iter};

use super::terminal::{MOST, Sequence, lost, sequence};

/// The longest escape: two `\uXXXX` of a surrogate pair, four `%XX` of one character.
const LONGEST: usize = 12;

/// The longest of what is held: a control sequence whose first character is an escape.
const HELD: usize = LONGEST + MOST;

/// The most backslashes before a quotation mark that is read as one: a string in a string in a string.
const DEEPEST: usize = 7;

/// What quoted-printable writes in a token, which is no value of anything elsewhere.
const PRINTABLE: &[(&[u8; 3], char)] = &[(b"=5F", '_'), (b"=3D", '='), (b"=2D", '-'), (b"=2E", '.')];

/// The character that control sequences of terminals begin with.
const ESC: char = '\u{1b}';

/// Named character references that stand for punctuation or for something hidden. Names of letters with marks are left out:
/// they say what they are.
const NAMED: &[(&str, char)] = &[
    ("amp;", '&'),
    ("lt;", '<'),
    ("gt;", '>'),
    ("quot;", '"'),
    ("apos;", '\''),
    ("nbsp;", '\u{a0}'),
    ("shy;", '\u{ad}'),
    ("zwnj;", '\u{200c}'),
    ("zwj;", '\u{200d}'),
    ("Tab;", '\t'),
    ("NewLine;", '\n'),
    ("colon;", ':'),
    ("semi;", ';'),
    ("comma;", ','),
    ("period;", '.'),
    ("excl;", '!'),
    ("quest;", '?'),
    ("num;", '#'),
    ("commat;", '@'),
    ("dollar;", '$'),
    ("percnt;", '%'),
    ("plus;", '+'),
    ("equals;", '='),
    ("lpar;", '('),
    ("rpar;", ')'),
    ("lsqb;", '['),
    ("rsqb;", ']'),
    ("lbrack;", '['),
    ("rbrack;", ']'),
    ("lcub;", '{'),
    ("rcub;", '}'),
    ("sol;", '/'),
    ("bsol;", '\\'),
    ("lowbar;", '_'),
    ("vert;", '|'),
    ("grave;", '`'),
    ("ast;", '*'),
    ("hyphen;", '-'),
];

/// Turns source text into pieces.
#[derive(Debug, Default)]
pub(crate) struct Unescaper {
    /// The text is the source of JSON strings.
    json: bool,
    /// The beginning of an escape or control sequence whose rest has not come: less than [`HELD`] bytes.
    carry: String,
}

/// A piece of the text that is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    /// Text that stands for itself.
    Verbatim(&'a str),
    /// A character that is written in so many bytes of source.
    Escaped(char, usize),
}

enum Escape {
    Complete(char, usize),
    Partial,
    Invalid,
}

impl Unescaper {
    pub(crate) fn new(json: bool) -> Self {
        Self { json, carry: String::new() }
    }

    /// Whether an escape begins in a text, be it that it is cut off. Where none does, both readings are the same.
    pub(crate) fn begins_in(text: &str, json: bool) -> bool {
        let bytes = text.as_bytes();
        memchr3_iter(b'\\', b'%', b'&', bytes)
            .chain(memchr3_iter(b'\x1b', b'^', b'[', bytes))
            .chain(memchr_iter(b'=', bytes))
            .any(|at| !matches!(escape(bytes.get(at..).unwrap_or_default(), json), Escape::Invalid))
    }

    /// Reads on. With `last`, what is cut off stands for itself.
    pub(crate) fn push(&mut self, text: &str, last: bool, mut give: impl FnMut(Piece<'_>)) {
        let joined;
        let mut rest = if self.carry.is_empty() {
            text
        } else {
            self.carry.push_str(text);
            joined = std::mem::take(&mut self.carry);
            joined.as_str()
        };
        // What stands for itself is given in one piece up to the next escape.
        let mut from = 0;
        loop {
            let begins = |byte: &u8| matches!(byte, b'\\' | b'%' | b'&' | b'=' | b'\x1b' | b'^' | b'[');
            let next = rest.as_bytes().get(from..).and_then(|bytes| bytes.iter().position(begins));
            let Some(at) = next.map(|at| at.saturating_add(from)) else { break };
            let (before, escaped) = rest.split_at_checked(at).unwrap_or((rest, ""));
            match escape(escaped.as_bytes(), self.json) {
                Escape::Complete(c, length) => {
                    give_text(before, &mut give);
                    give(Piece::Escaped(c, length));
                    rest = escaped.split_at_checked(length).map_or("", |(_, after)| after);
                    from = 0;
                }
                Escape::Partial if !last => {
                    give_text(before, &mut give);
                    escaped.clone_into(&mut self.carry);
                    debug_assert!(self.carry.len() < HELD, "what is held is bounded");
                    return;
                }
                // What begins no escape stands for itself.
                Escape::Partial | Escape::Invalid => from = at.saturating_add(1),
            }
        }
        give_text(rest, &mut give);
    }
}

fn give_text(text: &str, give: &mut impl FnMut(Piece<'_>)) {
    if !text.is_empty() {
        give(Piece::Verbatim(text));
    }
}

/// Reads one escape or control sequence at the beginning of a text that begins with what can begin one.
fn escape(text: &[u8], json: bool) -> Escape {
    let after = |count: usize| text.get(count..).unwrap_or_default();
    let escape = match text.first() {
        Some(b'\x1b') => return control(sequence(after(1), false), 1),
        Some(b'[') => return control(lost(text), 0),
        // As `cat -v` writes it.
        Some(b'^') => {
            return match text.get(1) {
                None => Escape::Partial,
                Some(b'[') => control(sequence(after(2), true), 2),
                Some(_) => Escape::Invalid,
            };
        }
        Some(b'%') => percent(text),
        Some(b'&') => reference(text),
        Some(b'=') => printable(text),
        _ => backslash(text, json),
    };
    match escape {
        Escape::Complete(ESC, length) => match control(sequence(after(length), true), length) {
            Escape::Invalid => escape,
            control => control,
        },
        _ => escape,
    }
}

/// A control sequence behind so many bytes.
fn control(sequence: Sequence, before: usize) -> Escape {
    match sequence {
        Sequence::Whole(c, length) => Escape::Complete(c, length.saturating_add(before)),
        Sequence::Cut => Escape::Partial,
        Sequence::No => Escape::Invalid,
    }
}

fn backslash(text: &[u8], json: bool) -> Escape {
    let Some(kind) = text.get(1) else { return Escape::Partial };
    let c = match kind {
        b'"' | b'\'' | b'_' => char::from(*kind),
        b'\\' if !matches!(deeper(text), Escape::Invalid) => return deeper(text),
        b'\\' | b'/' if json => char::from(*kind),
        b'b' if json => '\u{8}',
        b'f' if json => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' if text.get(2) == Some(&b'{') => return braced(text),
        b'u' => return unicode(text),
        b'x' => return byte(text),
        // How programs write the escape character, before what follows it.
        b'e' => return shell(text, 2),
        b'0' => {
            return match (text.get(2), text.get(3)) {
                (Some(b'3'), Some(b'3')) => shell(text, 4),
                (None, _) | (Some(b'3'), None) => Escape::Partial,
                _ => Escape::Invalid,
            };
        }
        _ => return Escape::Invalid,
    };
    Escape::Complete(c, 2)
}

/// A quotation mark behind three, five or seven backslashes: it stands in a string in a string.
fn deeper(text: &[u8]) -> Escape {
    let depth = text.iter().take(DEEPEST.saturating_add(1)).take_while(|b| **b == b'\\').count();
    match text.get(depth) {
        None if depth <= DEEPEST => Escape::Partial,
        Some(quote @ (b'"' | b'\'')) if depth % 2 == 1 => {
            Escape::Complete(char::from(*quote), depth.saturating_add(1))
        }
        _ => Escape::Invalid,
    }
}

/// `=5F`, where it stands for what joins a token.
fn printable(text: &[u8]) -> Escape {
    let known = |(code, _): &&(&[u8; 3], char)| code.starts_with(text.get(..3).unwrap_or(text));
    match PRINTABLE.iter().find(known) {
        Some((code, c)) if text.len() >= code.len() => Escape::Complete(*c, code.len()),
        Some(_) => Escape::Partial,
        None => Escape::Invalid,
    }
}

/// `\e` and `\033` are the escape character where a control sequence follows; elsewhere they are something else.
fn shell(text: &[u8], length: usize) -> Escape {
    match text.get(length) {
        None => Escape::Partial,
        Some(b'[' | b']') => Escape::Complete(ESC, length),
        Some(_) => Escape::Invalid,
    }
}

/// `\x41`: one byte of ASCII.
fn byte(text: &[u8]) -> Escape {
    match hex::<2>(text.get(2..).unwrap_or_default()) {
        Ok(code @ 0..0x80) => Escape::Complete(char::from_u32(code).unwrap_or('\0'), 4),
        Ok(_) => Escape::Invalid,
        Err(other) => other,
    }
}

/// `\u{1f600}`: one to six digits.
fn braced(text: &[u8]) -> Escape {
    let digits = text.get(3..).unwrap_or_default();
    match digits.iter().take(7).position(|b| *b == b'}') {
        Some(length) => number(digits.get(..length).unwrap_or_default(), 16, length.saturating_add(4)),
        None if digits.len() < 7 && digits.iter().all(u8::is_ascii_hexdigit) => Escape::Partial,
        None => Escape::Invalid,
    }
}

/// `%41`: the bytes of one character in UTF-8.
fn percent(text: &[u8]) -> Escape {
    let mut bytes = [0_u8; 4];
    let mut wanted = 1;
    let mut rest = text;
    for at in 0..4 {
        if at == wanted {
            break;
        }
        match rest.split_first() {
            None => return Escape::Partial,
            Some((b'%', after)) => rest = after,
            Some(_) => return Escape::Invalid,
        }
        let value = match hex::<2>(rest) {
            Ok(value) => u8::try_from(value).unwrap_or(0),
            Err(other) => return other,
        };
        rest = rest.get(2..).unwrap_or_default();
        match (at, value) {
            (0, 0..0x80) => {}
            (0, 0xc2..=0xdf) => wanted = 2,
            (0, 0xe0..=0xef) => wanted = 3,
            (0, 0xf0..=0xf4) => wanted = 4,
            (1.., 0x80..=0xbf) => {}
            _ => return Escape::Invalid,
        }
        if let Some(slot) = bytes.get_mut(at) {
            *slot = value;
        }
    }
    match std::str::from_utf8(bytes.get(..wanted).unwrap_or_default()).ok().and_then(|s| s.chars().next()) {
        Some(c) => Escape::Complete(c, wanted.saturating_mul(3)),
        None => Escape::Invalid,
    }
}

/// `&#65;`, `&#x41;`, `&lt;`.
fn reference(text: &[u8]) -> Escape {
    let rest = text.get(1..).unwrap_or_default();
    let Some(first) = rest.first() else { return Escape::Partial };
    if *first != b'#' {
        // A name is short, and few begin with one letter.
        let alike = NAMED.iter().filter(|(name, _)| name.as_bytes().first() == Some(first));
        for (name, c) in alike {
            let name = name.as_bytes();
            match rest.get(..name.len()) {
                Some(begin) if begin == name => return Escape::Complete(*c, name.len().saturating_add(1)),
                None if name.starts_with(rest) => return Escape::Partial,
                _ => {}
            }
        }
        return Escape::Invalid;
    }
    let (radix, digits) = match rest.get(1) {
        None => return Escape::Partial,
        Some(b'x' | b'X') => (16, rest.get(2..).unwrap_or_default()),
        Some(_) => (10, rest.get(1..).unwrap_or_default()),
    };
    let most = LONGEST.saturating_sub(4);
    let prefix = if radix == 16 { 4_usize } else { 3 };
    let length = digits.iter().take(most).take_while(|b| char::from(**b).is_digit(radix)).count();
    match digits.get(length) {
        Some(b';') if length > 0 => {
            number(digits.get(..length).unwrap_or_default(), radix, length.saturating_add(prefix))
        }
        None if length < most => Escape::Partial,
        _ => Escape::Invalid,
    }
}

fn number(digits: &[u8], radix: u32, length: usize) -> Escape {
    let value = std::str::from_utf8(digits).ok().and_then(|d| u32::from_str_radix(d, radix).ok());
    match value.filter(|_| !digits.starts_with(b"+")) {
        Some(code) => Escape::Complete(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), length),
        None => Escape::Invalid,
    }
}

fn unicode(text: &[u8]) -> Escape {
    let high = match hex::<4>(text.get(2..).unwrap_or_default()) {
        Ok(unit) => unit,
        Err(short) => return short,
    };
    if let Some(c) = char::from_u32(high) {
        return Escape::Complete(c, 6);
    }
    // A surrogate. A low one, or a high one without its low one, is a character of its own that means nothing.
    let lone = Escape::Complete(char::REPLACEMENT_CHARACTER, 6);
    if high >= 0xdc00 {
        return lone;
    }
    match (text.get(6), text.get(7)) {
        (None, _) | (Some(b'\\'), None) => return Escape::Partial,
        (Some(b'\\'), Some(b'u')) => {}
        _ => return lone,
    }
    match hex::<4>(text.get(8..).unwrap_or_default()) {
        Ok(low @ 0xdc00..=0xdfff) => {
            let code = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
            Escape::Complete(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), LONGEST)
        }
        Err(Escape::Partial) => Escape::Partial,
        _ => lone,
    }
}

/// So many hexadecimal digits.
fn hex<const DIGITS: usize>(text: &[u8]) -> Result<u32, Escape> {
    let mut value = 0;
    for at in 0..DIGITS {
        let Some(byte) = text.get(at) else { return Err(Escape::Partial) };
        let Some(digit) = char::from(*byte).to_digit(16) else { return Err(Escape::Invalid) };
        value = value * 16 + digit;
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(pieces: &[&str]) -> (String, usize) {
        let (mut out, mut length) = (String::new(), 0);
        let mut unescaper = Unescaper::new(true);
        let mut take = |piece: Piece<'_>| match piece {
            Piece::Verbatim(text) => {
                out.push_str(text);
                length += text.len();
            }
            Piece::Escaped(c, n) => {
                out.push(c);
                length += n;
            }
        };
        for piece in pieces {
            unescaper.push(piece, false, &mut take);
        }
        unescaper.push("", true, &mut take);
        (out, length)
    }

    #[test]
    fn reads_escapes() {
        for (source, meant) in [
            (r"a\u0040b", "a@b"),
            (r#"\"\/\\\n"#, "\"/\\\n"),
            (r"\ud83d\ude00", "😀"),
            (r"\ud83dx\ude00", "\u{fffd}x\u{fffd}"),
            (r"\ud83d\u0041", "\u{fffd}A"),
            (r"\xg\u00g0\", r"\xg\u00g0\"),
            (r#"{\\\"a\\\": \\\\\\\"b\\\\" ghp\_x c=5Fd=3D=3E"#, r#"{"a": "b\\" ghp_x c_d==3E"#),
            (r"\x41\u{1f600}\u{}\u{1234567}", "A😀\\u{}\\u{1234567}"),
            ("%69%67 %C3%A9 100% %zz %c3x %F0%9F%98%80", "ig é 100% %zz %c3x 😀"),
            (
                "&#105;&#x67;&lt;&amp;lt; R&D &#; &#x;&#99999999; &lter;",
                "ig<&lt; R&D &#; &#x;\u{fffd} &lter;",
            ),
            (
                "a\x1b[31mb\x1b[0m\x1b[38;2;1;2;3;48;2;4;5;6mc\x1b[K\x1b(B\x1b[m",
                "a\u{ad}b\u{ad}\u{ad}c\u{ad}\u{ad}\u{ad}",
            ),
            (
                r"a\x1b[31mb\u001b[0mc\033[1md\e[me\x1bf\0334\eg\x1b",
                "a\u{ad}b\u{ad}c\u{ad}d\u{ad}e\u{1b}f\\0334\\eg\\x1b",
            ),
            ("a^[[31mb[0mc[1;32md [1] [3, 4m] ^[x ^", "a\u{ad}b\u{ad}c\u{ad}d [1] [3, 4m] ^[x ^"),
            ("a\x1b]8;;https://x\x1b\\b\x1b]0;title", "a ;https://x b title"),
        ] {
            assert_eq!(read(&[source]), (meant.to_owned(), source.len()));
        }
    }

    proptest! {
        #[test]
        fn cuts_do_not_matter(source in r#"([a-c"']|=5?F?|\\{1,9}|\x1b|\[3?|\^|1;|m|\\033|\\e|\]|\\[u"nx\\/]|[0d][08]|\\ud83d|\\ude00|é|%[4c]|&#|&lt|;|%A9|\\u\{|\}){0,20}"#, cuts in proptest::collection::vec(0usize..40, 0..6)) {
            let mut places: Vec<usize> = cuts.into_iter().filter(|c| source.is_char_boundary(*c)).collect();
            places.sort_unstable();
            let mut pieces = Vec::new();
            let (mut rest, mut from) = (source.as_str(), 0);
            for place in places {
                let (piece, after) = rest.split_at(place - from);
                pieces.push(piece);
                (rest, from) = (after, place);
            }
            pieces.push(rest);
            prop_assert_eq!(read(&pieces), read(&[&source]));
        }
    }
}
