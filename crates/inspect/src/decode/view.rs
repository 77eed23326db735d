//! Second readings of a stretch of text.

use std::ops::Range;

use super::ciphers;
use crate::signal::{Disguised, Lexicon, stands_for};

/// The longest stretch that is read anew at a time, in bytes.
const STRETCH: usize = 8 * 1024;

/// The shortest word that is cut into words.
const LONG: usize = 16;

/// How many capitals inside a word are no name.
const HUMPS: u32 = 2;

/// What two stretches that follow each other have in common, in bytes.
const OVERLAP: usize = 256;

/// The last bytes of a text, as it is read for words.
#[derive(Debug, Default)]
pub(crate) struct Stretch {
    text: String,
    /// Something came in since the last stretch ended.
    fresh: bool,
}

impl Stretch {
    /// Takes in as much of a text as there is room for, and says how much that was.
    pub(crate) fn fill(&mut self, text: &str) -> usize {
        let room = STRETCH.saturating_sub(self.text.len());
        let taken = text.get(..text.floor_char_boundary(room)).unwrap_or_default();
        self.text.push_str(taken);
        self.fresh |= !taken.is_empty();
        taken.len()
    }

    /// Whether the next character might find no room.
    pub(crate) fn is_full(&self) -> bool {
        self.text.len().saturating_add(4) > STRETCH
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn is_fresh(&self) -> bool {
        self.fresh
    }

    /// Begins the next stretch.
    pub(crate) fn next(&mut self) {
        let from = self.text.ceil_char_boundary(self.text.len().saturating_sub(OVERLAP));
        self.text.drain(..from);
        self.fresh = false;
    }
}

/// A second reading, and which parts of it are not as they stand in the text.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    pub(crate) text: String,
    changed: Vec<Range<usize>>,
}

impl Reading {
    fn all(text: String) -> Self {
        let changed = std::iter::once(0..text.len()).collect();
        Self { text, changed }
    }

    fn keep(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn change(&mut self, text: &str) {
        let start = self.text.len();
        self.text.push_str(text);
        self.changed.push(start..self.text.len());
    }

    /// Whether a stretch of the reading says something that the text does not say as it stands.
    pub(crate) fn is_new(&self, start: usize, end: usize) -> bool {
        let after = self.changed.partition_point(|part| part.end <= start);
        self.changed.get(after).is_some_and(|part| part.start < end)
    }
}

impl Disguised {
    /// The readings of a stretch that is written so.
    pub(crate) fn readings(self, text: &str, lexicon: &Lexicon) -> Vec<Reading> {
        match self {
            Self::Rot13 => vec![Reading::all(text.chars().map(rot13).collect())],
            Self::Reversed => {
                vec![Reading::all(text.chars().rev().collect()), Reading::all(words_reversed(text))]
            }
            Self::Leet => vec![leet(text, lexicon)],
            Self::Spaced => vec![spaced(text, lexicon)],
            Self::Joined => vec![joined(text, lexicon)],
            Self::Codes => codes(text).into_iter().map(Reading::all).collect(),
            Self::Atbash => vec![Reading::all(text.chars().map(ciphers::atbash).collect())],
            Self::Upside => vec![Reading::all(ciphers::upside_down(text))],
            Self::Morse => vec![Reading::all(ciphers::morse(text))],
            Self::Base32 => ciphers::base32(text).into_iter().map(Reading::all).collect(),
            Self::Base85 => ciphers::base85(text).into_iter().map(Reading::all).collect(),
            Self::Parted => {
                let (text, seams) = ciphers::put_together(text);
                let changed =
                    seams.into_iter().map(|at| at.saturating_sub(1)..at.saturating_add(1)).collect();
                vec![Reading { text, changed }]
            }
        }
    }
}

fn rot13(c: char) -> char {
    match c {
        'a'..='m' | 'A'..='M' => char::from_u32(u32::from(c) + 13).unwrap_or(c),
        'n'..='z' | 'N'..='Z' => char::from_u32(u32::from(c) - 13).unwrap_or(c),
        _ => c,
    }
}

/// Words and what follows each: letters and digits, then something else.
fn words(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split_inclusive(|c: char| !c.is_alphanumeric()).map(|part| {
        let word = part.trim_end_matches(|c: char| !c.is_alphanumeric());
        part.split_at_checked(word.len()).unwrap_or((part, ""))
    })
}

fn words_reversed(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (word, rest) in words(text) {
        out.extend(word.chars().rev());
        out.push_str(rest);
    }
    out
}

fn joined(text: &str, lexicon: &Lexicon) -> Reading {
    let mut out = Reading::default();
    for (word, rest) in words(text) {
        if let Some(humps) = humps(word) {
            out.change(&humps);
            out.keep(rest);
            continue;
        }
        let cut = if word.len() >= LONG && word.chars().all(char::is_alphabetic) {
            lexicon.cut(word)
        } else {
            None
        };
        match cut {
            Some(cut) => out.change(&cut),
            None => out.keep(word),
        }
        out.keep(rest);
    }
    out
}

/// Words that are put together with a capital each, apart again.
fn humps(word: &str) -> Option<String> {
    let mut out = String::with_capacity(word.len().saturating_mul(2));
    let mut count = 0_u32;
    for c in word.chars() {
        if c.is_uppercase() && out.ends_with(char::is_lowercase) {
            out.push(' ');
            count = count.saturating_add(1);
        }
        out.push(c);
    }
    (count >= HUMPS && word.len() >= LONG).then_some(out)
}

fn leet(text: &str, lexicon: &Lexicon) -> Reading {
    let mut out = Reading::default();
    let ends = |c: char| c.is_whitespace() || matches!(c, '.' | ',' | '?' | ';' | ':' | '!' | '"' | ')');
    for part in text.split_inclusive(char::is_whitespace) {
        let word = part.trim_end_matches(ends);
        let letters = word.chars().any(char::is_alphabetic);
        if letters && word.len() <= 24 && word.chars().any(|c| stands_for(c).is_some()) {
            out.change(&lexicon.read_leet(word));
        } else {
            out.keep(word);
        }
        out.keep(part.get(word.len()..).unwrap_or_default());
    }
    out
}

/// Letters with something between each put together again. Twice as much between two letters ends a word; where words
/// have no end they are cut at words that are known.
fn spaced(text: &str, lexicon: &Lexicon) -> Reading {
    let chars: Vec<char> = text.chars().collect();
    let is_gap = |at: usize| chars.get(at).is_none_or(|c| !c.is_alphanumeric());
    let mut out = Reading::default();
    let mut at = 0;
    while let Some(c) = chars.get(at) {
        let before = at.checked_sub(1).is_none_or(is_gap);
        if !before || is_gap(at) || !is_gap(at.saturating_add(1)) {
            out.keep(c.encode_utf8(&mut [0; 4]));
            at = at.saturating_add(1);
            continue;
        }
        let mut word = String::new();
        // What stands between the first two letters stands between all of a word.
        let between = chars.get(at.saturating_add(1)).copied();
        while let Some(c) = chars.get(at).filter(|_| !is_gap(at) && is_gap(at.saturating_add(1))) {
            word.push(*c);
            let (gap, next) = (at.saturating_add(1), at.saturating_add(2));
            if is_gap(next) || !is_gap(next.saturating_add(1)) || chars.get(gap).copied() != between {
                at = gap;
                break;
            }
            at = next;
        }
        match word.chars().count() {
            0 | 1 => out.keep(&word),
            2..=12 => out.change(&word),
            _ => out.change(&lexicon.cut(&word).unwrap_or(word)),
        }
    }
    out
}

/// Rows of numbers as the letters that they are the codes of: hexadecimal, binary, decimal.
fn codes(text: &str) -> Vec<String> {
    let words: Vec<&str> =
        text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty()).collect();
    let read = |radix: u32, fits: fn(&str) -> bool| {
        let mut out = String::new();
        for word in &words {
            let digits = word.trim_start_matches("0x");
            let code = if fits(digits) { u32::from_str_radix(digits, radix).ok() } else { None };
            match code.and_then(char::from_u32).filter(|c| (' '..='~').contains(c)) {
                Some(c) => out.push(c),
                None if out.ends_with('\n') => {}
                None => out.push('\n'),
            }
        }
        // What is no text says nothing.
        let says = |line: &&str| {
            let letters = line.chars().filter(|c| c.is_ascii_alphabetic() || *c == ' ').count();
            line.len() >= 8 && letters.saturating_mul(100) >= line.len().saturating_mul(70)
        };
        out.lines().filter(says).collect::<Vec<_>>().join("\n")
    };
    let readings = [
        read(16, |w| w.len() == 2),
        read(2, |w| w.len() == 8 || w.len() == 7),
        read(10, |w| w.len() == 2 || w.len() == 3),
        read(8, |w| w.len() == 3),
    ];
    readings.into_iter().filter(|reading| !reading.is_empty()).collect()
}
