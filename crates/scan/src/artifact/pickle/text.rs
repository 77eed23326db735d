//! Strings in pickles, which have four spellings.

/// How a string is spelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TextKind {
    /// UTF-8, as it is.
    Plain,
    /// `UNICODE`: raw-unicode-escape.
    RawEscape,
    /// `STRING`: a Python literal in quotes.
    Quoted,
}

/// The string that `bytes` spell; what cannot be decoded becomes U+FFFD.
pub(crate) fn decode(bytes: &[u8], kind: TextKind) -> String {
    match kind {
        TextKind::Plain => String::from_utf8_lossy(bytes).into_owned(),
        TextKind::RawEscape => raw_escape(bytes),
        TextKind::Quoted => quoted(bytes),
    }
}

/// The bytes between the quotes of a `STRING` argument, if it is one.
pub(crate) fn unquote(line: &[u8]) -> Option<&[u8]> {
    let line = line.trim_ascii_end();
    match (line.first(), line.last()) {
        (Some(a @ (b'\'' | b'"')), Some(b)) if a == b && line.len() >= 2 => {
            line.get(1..line.len().saturating_sub(1))
        }
        _ => None,
    }
}

fn raw_escape(bytes: &[u8]) -> String {
    let mut out = String::new();
    let mut at = 0usize;
    while let Some(byte) = bytes.get(at) {
        at = at.saturating_add(1);
        if *byte == b'\\' {
            let digits = match bytes.get(at) {
                Some(b'u') => 4,
                Some(b'U') => 8,
                _ => 0,
            };
            let end = at.saturating_add(1).saturating_add(digits);
            if digits > 0
                && let Some(c) = hex(bytes.get(at.saturating_add(1)..end))
            {
                out.push(c);
                at = end;
                continue;
            }
        }
        // Latin-1.
        out.push(char::from(*byte));
    }
    out
}

fn quoted(bytes: &[u8]) -> String {
    let mut out = Vec::new();
    let mut at = 0usize;
    while let Some(byte) = bytes.get(at) {
        at = at.saturating_add(1);
        if *byte != b'\\' {
            out.push(*byte);
            continue;
        }
        let Some(escape) = bytes.get(at) else { break };
        at = at.saturating_add(1);
        match escape {
            b'n' => out.push(b'\n'),
            b't' => out.push(b'\t'),
            b'r' => out.push(b'\r'),
            b'a' => out.push(7),
            b'b' => out.push(8),
            b'f' => out.push(12),
            b'v' => out.push(11),
            b'\\' | b'\'' | b'"' => out.push(*escape),
            b'\n' => {}
            b'x' => {
                let end = at.saturating_add(2);
                let value = bytes.get(at..end).and_then(|d| std::str::from_utf8(d).ok());
                match value.and_then(|d| u8::from_str_radix(d, 16).ok()) {
                    Some(value) => {
                        out.push(value);
                        at = end;
                    }
                    None => out.extend(b"\\x"),
                }
            }
            b'0'..=b'7' => {
                let mut value = u32::from(escape.wrapping_sub(b'0'));
                for _ in 0..2 {
                    match bytes.get(at) {
                        Some(digit @ b'0'..=b'7') => {
                            value = value.wrapping_mul(8).wrapping_add(u32::from(digit.wrapping_sub(b'0')));
                            at = at.saturating_add(1);
                        }
                        _ => break,
                    }
                }
                out.push((value & 0xff).to_le_bytes()[0]);
            }
            other => out.extend([b'\\', *other]),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn hex(digits: Option<&[u8]>) -> Option<char> {
    char::from_u32(u32::from_str_radix(std::str::from_utf8(digits?).ok()?, 16).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings() {
        assert_eq!(decode(b"o\\u0073", TextKind::RawEscape), "os");
        assert_eq!(decode(b"o\\x73\\163", TextKind::Quoted), "oss");
        assert_eq!(unquote(b"'os'"), Some(b"os".as_slice()));
        assert_eq!(unquote(b"'os"), None);
        assert_eq!(unquote(b"'"), None);
    }
}
