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

/// Reads one ASCII character.
pub(super) fn ascii(byte: u8) -> Letter {
    if byte.is_ascii_alphanumeric() {
        Letter::Word(u32::from(byte.to_ascii_lowercase()))
    } else {
        Letter::Gap(char::from(byte))
    }
}

fn other(c: char) -> Letter {
    let lower = match c {
        'А'..='Я' => char::from_u32(u32::from(c) + 0x20).unwrap_or(c),
        'а'..='я' | '\u{2e80}'..='\u{d7ff}' => c,
        _ => c.to_lowercase().next().unwrap_or(c),
    };
    match u32::from(lower) {
        0x0430..=0x044f => Letter::Word(u32::from(twin(lower))),
        0x2e80..=0x2fdf
        | 0x3041..=0x30ff
        | 0x31f0..=0x31ff
        | 0x3400..=0x4dbf
        | 0x4e00..=0x9fff
        | 0xf900..=0xfaff => Letter::Alone(u32::from(lower)),
        0x20000..=0x3ffff => Letter::Alone(u32::from(lower)),
        _ if lower.is_alphanumeric() => Letter::Word(u32::from(twin(lower))),
        _ => Letter::Gap(lower),
    }
}

/// The Latin letter that a letter looks like (after Unicode's confusables, UTS 39), and Cyrillic letters without their
/// marks.
fn twin(c: char) -> char {
    match c {
        'а' | 'α' | 'ɑ' => 'a',
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
        _ => c,
    }
}
