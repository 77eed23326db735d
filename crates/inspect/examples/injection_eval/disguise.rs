//! Ways to write a text so that a filter misses it and a model reads it.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

/// A way to write.
pub(crate) struct Disguise {
    pub(crate) name: &'static str,
    pub(crate) write: fn(&str) -> String,
    /// It takes any text: it can be put around another.
    pub(crate) outer: bool,
}

const fn of(name: &'static str, write: fn(&str) -> String) -> Disguise {
    Disguise { name, write, outer: false }
}

const fn around(name: &'static str, write: fn(&str) -> String) -> Disguise {
    Disguise { name, write, outer: true }
}

pub(crate) const DISGUISES: &[Disguise] = &[
    of("zero width", |t| t.chars().flat_map(|c| [c, '\u{200b}']).collect()),
    of("soft hyphen", |t| between_letters(t, '\u{ad}')),
    of("fullwidth", |t| shift(t, '!'..='~', 0xff01 - 0x21)),
    of("mathematical bold", bold),
    of("Cyrillic look-alikes", |t| t.chars().map(cyrillic).collect()),
    of("tag characters", |t| shift(t, ' '..='~', 0xe0000)),
    of("a word a line", |t| t.split_whitespace().collect::<Vec<_>>().join("\n")),
    of("leet", |t| t.chars().map(leet).collect()),
    of("spaces between letters", |t| t.chars().flat_map(|c| [c, ' ']).collect()),
    of("dashes between letters", |t| {
        let word = |w: &str| w.chars().map(String::from).collect::<Vec<_>>().join("-");
        t.split_whitespace().map(word).collect::<Vec<_>>().join(" ")
    }),
    of("rot13", |t| t.chars().map(rot13).collect()),
    of("reversed", |t| t.chars().rev().collect()),
    of("words reversed", |t| {
        let word = |w: &str| w.chars().rev().collect::<String>();
        t.split(' ').map(word).collect::<Vec<_>>().join(" ")
    }),
    of("inner letters swapped", |t| misspell(t, swap)),
    of("an inner letter missing", |t| misspell(t, drop_one)),
    of("an inner letter twice", |t| misspell(t, double)),
    of("no spaces", |t| t.split_whitespace().collect()),
    around("base64", |t| STANDARD.encode(t)),
    around("base64url", |t| URL_SAFE_NO_PAD.encode(t)),
    around("hexadecimal", |t| t.bytes().map(|b| format!("{b:02x}")).collect()),
    of("hexadecimal, spaced", |t| t.bytes().map(|b| format!("{b:02X}")).collect::<Vec<_>>().join(" ")),
    of("binary", |t| t.bytes().map(|b| format!("{b:08b}")).collect::<Vec<_>>().join(" ")),
    around("percent", |t| t.bytes().map(|b| format!("%{b:02X}")).collect()),
    around("HTML references", |t| t.chars().map(|c| format!("&#{};", u32::from(c))).collect()),
    around("\\u escapes", |t| t.encode_utf16().map(|u| format!("\\u{u:04x}")).collect()),
];

fn shift(text: &str, range: std::ops::RangeInclusive<char>, by: u32) -> String {
    let moved = |c: char| if range.contains(&c) { char::from_u32(u32::from(c) + by).unwrap_or(c) } else { c };
    text.chars().map(moved).collect()
}

fn between_letters(text: &str, what: char) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if c.is_alphabetic() && out.ends_with(char::is_alphabetic) {
            out.push(what);
        }
        out.push(c);
    }
    out
}

fn bold(text: &str) -> String {
    let moved = |c: char| match c {
        'A'..='Z' => char::from_u32(u32::from(c) - 0x41 + 0x1d400),
        'a'..='z' => char::from_u32(u32::from(c) - 0x61 + 0x1d41a),
        _ => None,
    };
    text.chars().map(|c| moved(c).unwrap_or(c)).collect()
}

fn cyrillic(c: char) -> char {
    match c {
        'a' => 'а',
        'c' => 'с',
        'e' => 'е',
        'o' => 'о',
        'p' => 'р',
        'x' => 'х',
        'y' => 'у',
        'i' => 'і',
        's' => 'ѕ',
        'A' => 'А',
        'E' => 'Е',
        'O' => 'О',
        _ => c,
    }
}

fn leet(c: char) -> char {
    match c {
        'a' | 'A' => '4',
        'e' | 'E' => '3',
        'i' | 'I' => '1',
        'o' | 'O' => '0',
        's' | 'S' => '5',
        't' | 'T' => '7',
        _ => c,
    }
}

fn rot13(c: char) -> char {
    match c {
        'a'..='m' | 'A'..='M' => char::from_u32(u32::from(c) + 13).unwrap_or(c),
        'n'..='z' | 'N'..='Z' => char::from_u32(u32::from(c) - 13).unwrap_or(c),
        _ => c,
    }
}

/// Every other word of five letters and more, misspelt.
fn misspell(text: &str, how: fn(&mut Vec<char>, usize)) -> String {
    let mut count = 0_usize;
    let word = |word: &str| {
        let mut letters: Vec<char> = word.chars().collect();
        let inner = letters.len().saturating_sub(3);
        if letters.len() >= 5 && letters.iter().all(char::is_ascii_alphabetic) {
            count = count.wrapping_add(1);
            if count.is_multiple_of(2) {
                how(&mut letters, 1 + count.wrapping_mul(7) % inner.max(1));
            }
        }
        letters.into_iter().collect::<String>()
    };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

fn swap(letters: &mut Vec<char>, at: usize) {
    let letter = letters.remove(at);
    letters.insert(at + 1, letter);
}

fn drop_one(letters: &mut Vec<char>, at: usize) {
    letters.remove(at);
}

fn double(letters: &mut Vec<char>, at: usize) {
    let letter = letters.get(at).copied().unwrap_or('e');
    letters.insert(at, letter);
}
