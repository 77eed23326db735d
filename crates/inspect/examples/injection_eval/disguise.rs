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
    of("dots between letters", |t| between_all(t, ".")),
    of("underscores between letters", |t| between_all(t, "_")),
    of("bars between letters", |t| between_all(t, "|")),
    of("emoji between letters", |t| between_all(t, "\u{1f600}")),
    of("camel case", |t| {
        let word = |w: &str| {
            let mut chars = w.chars();
            chars.next().into_iter().flat_map(char::to_uppercase).chain(chars).collect::<String>()
        };
        t.split_whitespace().map(word).collect()
    }),
    of("zalgo", |t| t.chars().flat_map(|c| [c, '\u{321}', '\u{336}', '\u{342}']).collect()),
    of("flags (regional indicators)", |t| {
        t.chars()
            .map(|c| {
                if c.is_ascii_lowercase() {
                    char::from_u32(u32::from(c) - 0x61 + 0x1f1e6).unwrap_or(c)
                } else {
                    c
                }
            })
            .collect()
    }),
    of("small capitals", |t| t.chars().map(small_capital).collect()),
    of("upside down", |t| t.to_lowercase().chars().rev().map(upside_down).collect()),
    of("atbash", |t| {
        let turn = |c: char| match c {
            'a'..='z' => char::from_u32(0x61 + 0x7a - u32::from(c)).unwrap_or(c),
            'A'..='Z' => char::from_u32(0x41 + 0x5a - u32::from(c)).unwrap_or(c),
            _ => c,
        };
        t.chars().map(turn).collect()
    }),
    of("mixed leet", |t| t.chars().map(mixed_leet).collect()),
    of("bold marks inside words", |t| inside(t, "**")),
    of("tags inside words", |t| inside(t, "<b></b>")),
    of("strings put together", |t| {
        let word = |w: &str| {
            let half = w.ceil_char_boundary(w.len() / 2);
            let (a, b) = w.split_at(half);
            if a.len() > 1 { format!("{a}\" + \"{b}") } else { w.to_owned() }
        };
        format!("\"{}\"", t.split(' ').map(word).collect::<Vec<_>>().join(" "))
    }),
    of("octal", |t| t.bytes().map(|b| format!("\\{b:03o}")).collect()),
    of("base32", base32),
    of("variation selectors (bytes)", |t| {
        let hide = |b: u8| match b {
            0..16 => char::from_u32(0xfe00 + u32::from(b)),
            _ => char::from_u32(0xe0100 + u32::from(b) - 16),
        };
        std::iter::once('\u{1f642}').chain(t.bytes().filter_map(hide)).collect()
    }),
    around("percent, twice", |t| t.bytes().map(|b| format!("%25{b:02X}")).collect()),
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

fn between_all(text: &str, what: &str) -> String {
    let word = |w: &str| w.chars().map(String::from).collect::<Vec<_>>().join(what);
    text.split_whitespace().map(word).collect::<Vec<_>>().join(" ")
}

/// Every word of four letters and more with marks around its inner letters.
fn inside(text: &str, marks: &str) -> String {
    let (open, close) = if marks.len() == 2 { (marks, marks) } else { marks.split_at(3) };
    let word = |w: &str| match (w.get(..1), w.get(1..3), w.get(3..)) {
        (Some(a), Some(b), Some(c)) if !c.is_empty() => format!("{a}{open}{b}{close}{c}"),
        _ => w.to_owned(),
    };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

fn small_capital(c: char) -> char {
    let capitals = "ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘꞯʀꜱᴛᴜᴠᴡxʏᴢ";
    let at = u32::from(c.to_ascii_lowercase()).wrapping_sub(0x61);
    capitals.chars().nth(at as usize).unwrap_or(c)
}

fn upside_down(c: char) -> char {
    let turned = "ɐqɔpǝɟƃɥᴉɾʞlɯuodbɹsʇnʌʍxʎz";
    let at = u32::from(c).wrapping_sub(0x61);
    turned.chars().nth(at as usize).unwrap_or(c)
}

fn mixed_leet(c: char) -> char {
    match c {
        'a' | 'A' => '@',
        'e' | 'E' => '3',
        'i' | 'I' => '!',
        'o' | 'O' => '0',
        's' | 'S' => '$',
        'l' => '1',
        _ => c,
    }
}

fn base32(text: &str) -> String {
    let (mut value, mut bits) = (0_u32, 0_u32);
    let mut out = String::new();
    let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut push = |value: u32| out.extend(digits.get((value & 31) as usize).copied().map(char::from));
    for byte in text.bytes() {
        value = (value << 8 | u32::from(byte)) & 0xfff;
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            push(value >> bits);
        }
    }
    if bits > 0 {
        push(value << (5 - bits));
    }
    out
}
