//! The reading of a JSON string's source (RFC 8259 section 7), escape by escape, however the stream is cut.

use memchr::memchr;

/// The longest escape: two `\uXXXX` of a surrogate pair.
const LONGEST: usize = 12;

/// Turns source text into pieces.
#[derive(Debug, Default)]
pub(crate) struct Unescaper {
    /// The beginning of an escape whose rest has not come. At most 11 bytes.
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
        while let Some(at) = memchr(b'\\', rest.as_bytes()) {
            let (before, from) = rest.split_at_checked(at).unwrap_or((rest, ""));
            give_text(before, &mut give);
            let used = match escape(from.as_bytes()) {
                Escape::Complete(c, length) => {
                    give(Piece::Escaped(c, length));
                    length
                }
                Escape::Partial if !last => {
                    from.clone_into(&mut self.carry);
                    return;
                }
                // A backslash that begins no escape stands for itself.
                Escape::Partial | Escape::Invalid => {
                    give(Piece::Verbatim("\\"));
                    1
                }
            };
            rest = from.split_at_checked(used).map_or("", |(_, after)| after);
        }
        give_text(rest, &mut give);
    }
}

fn give_text(text: &str, give: &mut impl FnMut(Piece<'_>)) {
    if !text.is_empty() {
        give(Piece::Verbatim(text));
    }
}

/// Reads one escape at the beginning of a text that begins with a backslash.
fn escape(text: &[u8]) -> Escape {
    let Some(kind) = text.get(1) else { return Escape::Partial };
    let c = match kind {
        b'"' | b'\\' | b'/' => char::from(*kind),
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => return unicode(text),
        _ => return Escape::Invalid,
    };
    Escape::Complete(c, 2)
}

fn unicode(text: &[u8]) -> Escape {
    let high = match hex(text.get(2..).unwrap_or_default()) {
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
    match hex(text.get(8..).unwrap_or_default()) {
        Ok(low @ 0xdc00..=0xdfff) => {
            let code = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
            Escape::Complete(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), LONGEST)
        }
        Err(Escape::Partial) => Escape::Partial,
        _ => lone,
    }
}

/// Four hexadecimal digits.
fn hex(text: &[u8]) -> Result<u32, Escape> {
    let mut value = 0;
    for at in 0..4 {
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
        let mut unescaper = Unescaper::default();
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
            assert!(unescaper.carry.len() < LONGEST);
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
            (r"\x\u00g0\", r"\x\u00g0\"),
        ] {
            assert_eq!(read(&[source]), (meant.to_owned(), source.len()));
        }
    }

    proptest! {
        #[test]
        fn cuts_do_not_matter(source in r#"([a-c"]|\\[u"nx\\/]|[0d][08]|\\ud83d|\\ude00|é){0,20}"#, cuts in proptest::collection::vec(0usize..40, 0..6)) {
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
