//! What one character stands for.

use unicode_normalization::char::decompose_compatible;

/// The byte of the canonical view for a character that is nothing in ASCII: 0x80 to 0xfe. It is never part of a number
/// or token and may stand beside any. Different characters have different bytes more often than not, so that words of
/// any script can be looked for; what two words share by accident is one in 127 for each character.
pub(crate) fn other(c: char) -> u8 {
    let code = u32::from(c);
    u8::try_from((code ^ (code >> 7)) % 127).map_or(0x80, |low| 0x80 | low)
}

/// The most bytes that one character becomes.
const MOST: usize = 8;

/// What a character becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fold {
    /// ASCII text.
    Ascii { bytes: [u8; MOST], len: u8 },
    /// Nothing: it is not seen, or is a combining mark, which makes no difference.
    Drop,
    /// A character that has no ASCII form.
    Other,
}

/// Folds a character. Controls but for those that lay text out are not seen, and models read over them.
pub(crate) fn fold(c: char) -> Fold {
    let code = u32::from(c);
    match code {
        0x09 | 0x0a | 0x0d | 0x20..0x7f => one(c),
        0..=0x9f => Fold::Drop,
        // An empty pattern of Braille, and what stands where a decoder gave up.
        0x2800 | 0xfffd => Fold::Drop,
        0xad
        | 0x034f
        | 0x115f..=0x1160
        | 0x17b4..=0x17b5
        | 0x180b..=0x180f
        | 0x200b..=0x200d
        | 0x2060..=0x2064
        | 0x206a..=0x206f
        | 0x3164
        | 0xfe00..=0xfe0f
        | 0xfeff
        | 0xffa0
        | 0xfff9..=0xfffb
        | 0x1d173..=0x1d17a
        | 0xe0000..=0xe001f
        | 0xe007f
        | 0xe0100..=0xe01ef => Fold::Drop,
        // Controls of the bidirectional algorithm.
        0x061c | 0x200e..=0x200f | 0x202a..=0x202e | 0x2066..=0x2069 => Fold::Drop,
        // Combining marks.
        0x0300..=0x036f | 0x1ab0..=0x1aff | 0x1dc0..=0x1dff | 0x20d0..=0x20ff | 0xfe20..=0xfe2f => Fold::Drop,
        0xe0020..=0xe007e => ascii(code - 0xe0000),
        0xff01..=0xff5e => ascii(code - 0xff01 + 0x21),
        0xa0 | 0x1680 | 0x2000..=0x200a | 0x2028..=0x2029 | 0x202f | 0x205f | 0x3000 => one(' '),
        0x2010..=0x2015 | 0x2043 | 0x2212 | 0xfe58 | 0xfe63 => one('-'),
        0x2018..=0x201b | 0x2032 => one('\''),
        0x201c..=0x201f | 0x2033 => one('"'),
        0x2776..=0x277e => ascii(code - 0x2776 + 0x31),
        0x2780..=0x2788 => ascii(code - 0x2780 + 0x31),
        0x278a..=0x2792 => ascii(code - 0x278a + 0x31),
        0x1f150..=0x1f169 => ascii(code - 0x1f150 + 0x41),
        0x1f170..=0x1f189 => ascii(code - 0x1f170 + 0x41),
        // Greek, Cyrillic, Armenian, Hebrew, the first of Arabic: no digits of their own.
        0x0370..=0x065f => Fold::Other,
        // Scripts whose characters have no compatibility form in ASCII, but digits. First, because they are the most.
        0x0660..=0x1cff | 0xa500..=0xabff | 0x10000..=0x1d3ff | 0x1e000..=0x1e95f => digit(code),
        0x3400..=0xa4ff | 0xac00..=0xfaff | 0x1f200..=0x1fbef | 0x20000..=0x3ffff => Fold::Other,
        0x1fbf0..=0x1fbf9 => ascii(code - 0x1fbf0 + 0x30),
        _ => compatible(c),
    }
}

/// The zeros of the decimal digits (Unicode general category Nd) outside ASCII, fullwidth and mathematical forms. Each
/// is followed by the other nine.
const ZEROS: &[u32] = &[
    0x0660, 0x06f0, 0x07c0, 0x0966, 0x09e6, 0x0a66, 0x0ae6, 0x0b66, 0x0be6, 0x0c66, 0x0ce6, 0x0d66, 0x0de6,
    0x0e50, 0x0ed0, 0x0f20, 0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50, 0x1bb0,
    0x1c40, 0x1c50, 0xa620, 0xa8d0, 0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0x104a0, 0x10d30, 0x10d40,
    0x11066, 0x110f0, 0x11136, 0x111d0, 0x112f0, 0x11450, 0x114d0, 0x11650, 0x116c0, 0x116d0, 0x116da,
    0x11730, 0x118e0, 0x11950, 0x11bf0, 0x11c50, 0x11d50, 0x11da0, 0x11f50, 0x16130, 0x16a60, 0x16ac0,
    0x16b50, 0x16d70, 0x1ccf0, 0x1e140, 0x1e2f0, 0x1e4f0, 0x1e5f1, 0x1e950,
];

fn digit(code: u32) -> Fold {
    let after = ZEROS.partition_point(|zero| *zero <= code);
    match after.checked_sub(1).and_then(|at| ZEROS.get(at)) {
        Some(zero) if code - zero < 10 => ascii(code - zero + 0x30),
        _ => Fold::Other,
    }
}

/// The compatibility decomposition of one character without combining marks, when it is all ASCII.
fn compatible(c: char) -> Fold {
    let mut bytes = [0; MOST];
    let mut len = 0_usize;
    let mut other = false;
    decompose_compatible(c, |part| match u8::try_from(u32::from(part)) {
        Ok(byte) if byte < 0x80 => match bytes.get_mut(len) {
            Some(slot) => {
                *slot = byte;
                len = len.saturating_add(1);
            }
            None => other = true,
        },
        _ if part == '\u{2044}' => match bytes.get_mut(len) {
            Some(slot) => {
                *slot = b'/';
                len = len.saturating_add(1);
            }
            None => other = true,
        },
        _ => other |= !matches!(u32::from(part), 0x0300..=0x036f),
    });
    match u8::try_from(len) {
        Ok(len) if len > 0 && !other => Fold::Ascii { bytes, len },
        _ => Fold::Other,
    }
}

fn ascii(code: u32) -> Fold {
    match u8::try_from(code) {
        Ok(byte) if byte < 0x80 => Fold::Ascii { bytes: [byte, 0, 0, 0, 0, 0, 0, 0], len: 1 },
        _ => Fold::Other,
    }
}

fn one(c: char) -> Fold {
    ascii(u32::from(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(text: &str) -> String {
        let mut out = String::new();
        for c in text.chars() {
            match fold(c) {
                Fold::Ascii { bytes, len } => {
                    out.push_str(std::str::from_utf8(&bytes[..usize::from(len)]).unwrap())
                }
                Fold::Other => out.push('?'),
                Fold::Drop => {}
            }
        }
        out
    }

    #[test]
    fn folds_what_looks_like_ascii() {
        for (text, expected) in [
            ("４１１１", "4111"),
            ("𝟒𝟷𝟙𝟏", "4111"),
            ("①②⑩⁴₅", "121045"),
            ("❶➀➊🅐🅰Ⓐ", "111AAA"),
            ("٤१๑", "411"),
            ("a\u{200b}b\u{ad}c\u{fe0f}d\u{2060}", "abcd"),
            ("\u{e0041}\u{e0062}", "Ab"),
            ("𝐈𝐠𝐧𝐨𝐫𝐞", "Ignore"),
            ("é\u{301}ñ", "en"),
            ("a\u{a0}b\u{2011}c", "a b-c"),
            ("“x”", "\"x\""),
            ("密码", "??"),
            ("ﬁ", "fi"),
            ("a\u{0}b\u{7f}c\u{85}d\u{2800}e\u{fffd}f\tg", "abcdef\tg"),
        ] {
            assert_eq!(folded(text), expected, "{text}");
        }
    }

    #[test]
    fn knows_all_decimal_digits() {
        let hir = regex_syntax::parse(r"\d").unwrap();
        let regex_syntax::hir::HirKind::Class(regex_syntax::hir::Class::Unicode(class)) = hir.kind() else {
            panic!("not a class")
        };
        for range in class.iter() {
            for c in range.start()..=range.end() {
                let expected = (u32::from(c) - u32::from(range.start())) % 10;
                let Fold::Ascii { bytes, len: 1 } = fold(c) else { panic!("{:x}", u32::from(c)) };
                assert_eq!(u32::from(bytes[0]), 0x30 + expected, "{:x}", u32::from(c));
            }
        }
    }
}
