//! Strings of Protocol Buffers' text format. (protobuf.dev, "Text Format Language Specification", "String".)

/// What follows behind white space and comments.
pub(super) fn skip(mut rest: &[u8]) -> &[u8] {
    loop {
        rest = rest.trim_ascii_start();
        let Some(comment) = rest.strip_prefix(b"#") else { return rest };
        let end = memchr::memchr(b'\n', comment).unwrap_or(comment.len());
        rest = comment.get(end..).unwrap_or_default();
    }
}

/// The string that a text begins with: neighbours are one, escapes are resolved. At most `most` bytes of it.
pub(super) fn string(text: &[u8], most: usize) -> Option<String> {
    let mut rest = skip(text);
    let mut out = Vec::new();
    let mut some = false;
    while let Some((quote @ (b'"' | b'\''), inner)) = rest.split_first() {
        some = true;
        rest = inner;
        loop {
            let (byte, after) = rest.split_first()?;
            rest = after;
            match byte {
                b'\n' => return None,
                b'\\' => rest = escape(rest, &mut out)?,
                byte if byte == quote => break,
                byte => out.push(*byte),
            }
            if out.len() > most {
                return Some(String::from_utf8_lossy(&out).into_owned());
            }
        }
        rest = skip(rest);
    }
    some.then(|| String::from_utf8_lossy(&out).into_owned())
}

/// One escape behind its backslash; what follows it.
fn escape<'a>(rest: &'a [u8], out: &mut Vec<u8>) -> Option<&'a [u8]> {
    let (kind, after) = rest.split_first()?;
    let (radix, digits) = match kind {
        b'x' | b'X' => (16, 2),
        b'u' => (16, 4),
        b'U' => (16, 8),
        b'0'..=b'7' => (8, 3),
        other => {
            out.push(match other {
                b'n' => b'\n',
                b't' => b'\t',
                b'r' => b'\r',
                other => *other,
            });
            return Some(after);
        }
    };
    let from = if radix == 8 { rest } else { after };
    let is_digit = |byte: &&u8| char::from(**byte).is_digit(radix);
    let count = from.iter().take(digits).take_while(is_digit).count();
    let (number, after) = from.split_at_checked(count)?;
    let number = std::str::from_utf8(number).ok().and_then(|n| u32::from_str_radix(n, radix).ok())?;
    if digits > 3 {
        out.extend(char::from_u32(number)?.to_string().as_bytes());
    } else {
        out.push(u8::try_from(number & 0xff).unwrap_or_default());
    }
    Some(after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_name_is_read() {
        for text in [
            r#" "WriteFile""#,
            r#"'Write' "File""#,
            r#""Write\106ile""#,
            r#""Write\u0046ile""#,
            r#""\x57riteFile""#,
            "# \"x\"\n  \"WriteFile\" x",
        ] {
            assert_eq!(string(text.as_bytes(), 100).as_deref(), Some("WriteFile"), "{text}");
        }
        for text in ["", "x", "\"open", "\"two\nlines\"", "\"\\"] {
            assert_eq!(string(text.as_bytes(), 100), None, "{text}");
        }
    }
}
