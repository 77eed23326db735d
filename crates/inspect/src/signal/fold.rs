//! The reading in which words are compared: lower case, without accents, with look-alike letters folded.
//!
//! Word lists and texts go through the same folding, so that a Russian word still equals itself although half of its
//! letters have become Latin.

use crate::view::{Fold, fold};

/// What a character is to words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Letter {
    /// Part of a word.
    Word(u32),
    /// Part of a word: the Latin letter that a letter of another script looks like.
    Twin(u32),
    /// A word of its own: scripts that put no spaces between words.
    Alone(u32),
    /// Not part of a word.
    Gap(char),
    /// Not there.
    Nothing,
}

/// Reads one character that is not ASCII. One character can stand for several.
pub(super) fn letters(c: char, mut give: impl FnMut(Letter)) {
    match fold(c) {
        Fold::Ascii { bytes, len } => {
            bytes.iter().take(usize::from(len)).for_each(|byte| give(ascii(*byte)));
        }
        Fold::Drop => give(Letter::Nothing),
        Fold::Other => give(other(c)),
    }
}

/// What a character is to somebody who wants words only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Part of a word.
    Part(char),
    /// The end of a word. An ideograph is a word of its own.
    End,
}

/// Reads one character. One character can stand for several.
pub(crate) fn units(c: char, mut give: impl FnMut(Unit)) {
    let mut take = |letter: Letter| match letter {
        Letter::Word(code) | Letter::Twin(code) => give(char::from_u32(code).map_or(Unit::End, Unit::Part)),
        Letter::Alone(code) => {
            give(Unit::End);
            give(char::from_u32(code).map_or(Unit::End, Unit::Part));
            give(Unit::End);
        }
        Letter::Gap(_) => give(Unit::End),
        Letter::Nothing => {}
    };
    match u8::try_from(c) {
        Ok(byte) if byte.is_ascii() => take(ascii(byte)),
        _ => letters(c, take),
    }
}

/// Reads one ASCII character.
pub(super) fn ascii(byte: u8) -> Letter {
    if byte.is_ascii_alphanumeric() {
        Letter::Word(u32::from(byte.to_ascii_lowercase()))
    } else {
        Letter::Gap(char::from(byte))
    }
}

fn other(c: char) -> Letter {
    if let Some(twin) = capital_twin(c) {
        return Letter::Twin(u32::from(twin));
    }
    let lower = match c {
        'А'..='Я' => char::from_u32(u32::from(c) + 0x20).unwrap_or(c),
        'а'..='я' | '\u{2e80}'..='\u{d7ff}' => c,
        _ => c.to_lowercase().next().unwrap_or(c),
    };
    match u32::from(lower) {
        0x0430..=0x044f => like(lower),
        // Points and marks of Hebrew and Arabic, which texts have or leave out; the Arabic stroke that only fills.
        0x0591..=0x05bd
        | 0x05bf
        | 0x05c1..=0x05c2
        | 0x05c4..=0x05c5
        | 0x05c7
        | 0x0610..=0x061a
        | 0x0640
        | 0x064b..=0x065f
        | 0x0670
        | 0x06d6..=0x06dc => Letter::Nothing,
        // Letters of Arabic that are written in several ways.
        0x0622 | 0x0623 | 0x0625 => Letter::Word(0x0627),
        0x0649 | 0x06cc => Letter::Word(0x064a),
        0x06a9 => Letter::Word(0x0643),
        // Thai, Lao, Burmese, Khmer: no spaces between words.
        0x0e01..=0x0e4e | 0x0e81..=0x0ecd | 0x1000..=0x103f | 0x1780..=0x17d3 => {
            Letter::Alone(u32::from(lower))
        }
        0x1f1e6..=0x1f1ff => Letter::Word(u32::from(lower) - 0x1f1e6 + 0x61),
        0x2e80..=0x2fdf
        | 0x3041..=0x30ff
        | 0x31f0..=0x31ff
        | 0x3400..=0x4dbf
        | 0x4e00..=0x9fff
        | 0xf900..=0xfaff => Letter::Alone(u32::from(lower)),
        0x20000..=0x3ffff => Letter::Alone(u32::from(lower)),
        _ if lower.is_alphanumeric() => like(lower),
        _ => Letter::Gap(lower),
    }
}

fn like(lower: char) -> Letter {
    let twin = twin(lower);
    // Letters of Latin alphabets look like others because they are forms of them.
    if twin.is_ascii() && u32::from(lower) >= 0x250 {
        Letter::Twin(u32::from(twin))
    } else {
        Letter::Word(u32::from(twin))
    }
}

/// The Latin letter that a letter looks like (after Unicode's confusables, UTS 39), and Cyrillic letters without their
/// marks.
fn twin(c: char) -> char {
    match c {
        'а' | 'α' | 'ɑ' | 'ᴀ' => 'a',
        'в' | 'β' | 'ʙ' => 'b',
        'с' | 'ϲ' | 'ᴄ' => 'c',
        'ԁ' | 'ᴅ' => 'd',
        'е' | 'ё' | 'ε' | 'є' | 'ҽ' => 'e',
        'ɡ' | 'ց' => 'g',
        'н' | 'һ' | 'հ' | 'ʜ' => 'h',
        'і' | 'ї' | 'ι' | 'ı' | 'ɩ' => 'i',
        'ј' | 'ʝ' => 'j',
        'к' | 'κ' | 'ᴋ' => 'k',
        'ӏ' | 'ʟ' | 'ǀ' => 'l',
        'м' | 'ᴍ' => 'm',
        'ո' | 'ɴ' | 'η' => 'n',
        'о' | 'ο' | 'օ' | 'σ' | 'ᴏ' => 'o',
        'р' | 'ρ' | 'ᴘ' => 'p',
        'ԛ' => 'q',
        'ʀ' | 'г' => 'r',
        'ѕ' | 'ꜱ' => 's',
        'т' | 'τ' | 'ᴛ' => 't',
        'υ' | 'ս' | 'ᴜ' => 'u',
        'ν' | 'ѵ' | 'ᴠ' => 'v',
        'ԝ' | 'ω' | 'ᴡ' => 'w',
        'х' | 'χ' => 'x',
        'у' | 'γ' | 'ү' => 'y',
        'ᴢ' => 'z',
        'й' => 'и',
        'ў' => 'y',
        'ա' | 'ɯ' | 'ⱳ' | 'ꮃ' => 'w',
        'զ' | 'գ' | 'ʠ' | 'ꞯ' => 'q',
        'յ' | 'ᴊ' | 'ɉ' => 'j',
        'ք' | 'ᴩ' | 'ƥ' => 'p',
        'ռ' | 'ɲ' | 'ŋ' | 'ɳ' => 'n',
        'ɪ' | 'ɨ' | 'ւ' => 'i',
        'ʏ' | 'ƴ' | 'ყ' => 'y',
        'ɢ' | 'ɠ' => 'g',
        'ᴇ' | 'ɛ' | 'ǝ' | 'ɇ' => 'e',
        'ꜰ' | 'ƒ' | 'ғ' => 'f',
        'ø' | 'ɵ' | 'ס' | 'ⲟ' | 'ჿ' => 'o',
        'đ' | 'ɖ' | 'ɗ' => 'd',
        'ł' | 'ɭ' | 'ɫ' | 'ⅼ' => 'l',
        'ħ' | 'ɦ' => 'h',
        'ŧ' | 'ƭ' | 'ʈ' => 't',
        'ƀ' | 'ɓ' | 'ь' => 'b',
        'ƈ' | 'ȼ' | 'ⲥ' => 'c',
        'ƙ' => 'k',
        'ɱ' => 'm',
        'ɾ' | 'ɽ' | 'ɼ' => 'r',
        'ʂ' | 'ƨ' => 's',
        'ʉ' | 'ʊ' | 'ц' => 'u',
        'ʋ' => 'v',
        'ʐ' | 'ƶ' => 'z',
        _ => c,
    }
}

/// The Latin letter that a letter of a script without lower case looks like, or of one whose lower case looks different
/// (Cherokee, Lisu).
fn capital_twin(c: char) -> Option<char> {
    if !matches!(u32::from(c), 0x13a0..=0x13f5 | 0xa4d0..=0xa4f7) {
        return None;
    }
    Some(match c {
        'Ꭺ' | 'ꓮ' => 'a',
        'Ᏼ' | 'Ꮟ' | 'ꓐ' => 'b',
        'Ꮯ' | 'ꓚ' => 'c',
        'Ꭰ' | 'Ꮷ' | 'ꓓ' | 'ꓒ' => 'd',
        'Ꭼ' | 'ꓰ' => 'e',
        'ꓝ' => 'f',
        'Ꮐ' | 'Ᏻ' | 'ꓖ' => 'g',
        'Ꮋ' | 'Ꮒ' | 'ꓧ' => 'h',
        'Ꭵ' | 'ꓲ' => 'i',
        'Ꭻ' | 'ꓙ' => 'j',
        'Ꮶ' | 'ꓗ' => 'k',
        'Ꮮ' | 'ꓡ' => 'l',
        'Ꮇ' | 'ꓟ' => 'm',
        'ꓠ' => 'n',
        'ꓳ' => 'o',
        'Ꮲ' | 'ꓑ' => 'p',
        'Ꮢ' | 'Ꭱ' | 'ꓣ' => 'r',
        'Ꮪ' | 'Ꮥ' | 'ꓢ' => 's',
        'Ꭲ' | 'ꓔ' => 't',
        'ꓴ' => 'u',
        'Ꮩ' | 'ꓦ' => 'v',
        'Ꮃ' | 'Ꮤ' | 'ꓪ' => 'w',
        'ꓫ' => 'x',
        'Ꭹ' | 'ꓬ' => 'y',
        'Ꮓ' | 'ꓜ' => 'z',
        _ => return None,
    })
}
