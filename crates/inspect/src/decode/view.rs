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

/// How far around what changed a second reading is read, in bytes: the words of a sign stand closer together, and so do
/// those that speak of attacks and take weight from it.
const AROUND: usize = 320;

/// How far before that a quotation may open in which it stands, in bytes.
const QUOTED: usize = 640;

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
    /// Digits for letters, letters apart, words together: what names in a program are, too.
    loose: bool,
}

impl Reading {
    /// Whether it reads what names in a program are as a rule.
    pub(crate) fn is_loose(&self) -> bool {
        self.loose
    }

    /// Whether so many hundredths of a stretch of the reading are not as they stand in the text.
    pub(crate) fn is_mostly_new(&self, start: usize, end: usize, share: usize) -> bool {
        let within = |part: &Range<usize>| part.end.min(end).saturating_sub(part.start.max(start));
        let new: usize = self.changed.iter().map(within).fold(0, usize::saturating_add);
        new.saturating_mul(100) >= end.saturating_sub(start).saturating_mul(share)
    }

    /// Whether a stretch of the reading is one word of the text.
    pub(crate) fn is_one_word(&self, start: usize, end: usize) -> bool {
        let after = self.changed.partition_point(|part| part.end <= start);
        self.changed.get(after).is_some_and(|part| part.start <= start && end <= part.end)
    }

    /// With what is not changed yet read once more.
    fn refined(self, change: impl Fn(&str) -> Self) -> Self {
        let mut out = Self { loose: self.loose, ..Self::default() };
        let mut at = 0;
        for part in &self.changed {
            out.append(&change(self.text.get(at..part.start).unwrap_or_default()));
            out.change(self.text.get(part.clone()).unwrap_or_default());
            at = part.end;
        }
        out.append(&change(self.text.get(at..).unwrap_or_default()));
        out
    }

    fn append(&mut self, other: &Self) {
        let offset = self.text.len();
        self.text.push_str(&other.text);
        let moved = |part: &Range<usize>| part.start.saturating_add(offset)..part.end.saturating_add(offset);
        self.changed.extend(other.changed.iter().map(moved));
    }

    fn keep(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn change(&mut self, text: &str) {
        let start = self.text.len();
        self.text.push_str(text);
        self.changed.push(start..self.text.len());
    }

    /// The parts that can hold a sign which the text does not have as it stands: around words that rules know, where a change
    /// made them. Code has many long and capped words, and few that attacks are made of.
    pub(crate) fn parts(&self, lexicon: &Lexicon) -> Vec<Range<usize>> {
        let mut parts: Vec<Range<usize>> = Vec::new();
        for changed in &self.changed {
            if changed.start == 0 && changed.end >= self.text.len() {
                return std::iter::once(0..self.text.len()).collect();
            }
            let start = self.text.floor_char_boundary(changed.start.saturating_sub(AROUND));
            let end = self.text.ceil_char_boundary(changed.end.saturating_add(AROUND).min(self.text.len()));
            match parts.last_mut() {
                // Read anyway.
                Some(last) if changed.end <= last.end.saturating_sub(AROUND) => {}
                _ if !lexicon.tells(self.word_around(changed)) => {}
                Some(last) if start <= last.end => last.end = end,
                _ => parts.push(self.quoted(start)..end),
            }
        }
        parts
    }

    /// What changed, with the rest of the words at its ends.
    fn word_around(&self, changed: &Range<usize>) -> &str {
        let before = self.text.get(..changed.start).unwrap_or_default();
        let after = self.text.get(changed.end..).unwrap_or_default();
        let start = before.trim_end_matches(char::is_alphanumeric).len();
        let rest = after.trim_start_matches(char::is_alphanumeric).len();
        self.text.get(start..self.text.len().saturating_sub(rest)).unwrap_or_default()
    }

    /// A place, or where the quotation that it stands in opens.
    fn quoted(&self, place: usize) -> usize {
        let before = self.text.get(..place).unwrap_or_default();
        match before.rfind('"') {
            Some(mark) if place.saturating_sub(mark) <= QUOTED && before.matches('"').count() % 2 == 1 => {
                mark
            }
            _ => place,
        }
    }

    /// Whether a stretch of the reading says something that the text does not say as it stands.
    pub(crate) fn is_new(&self, start: usize, end: usize) -> bool {
        let after = self.changed.partition_point(|part| part.end <= start);
        self.changed.get(after).is_some_and(|part| part.start < end)
    }
}

/// The readings of a stretch that is written in some disguises, each with the original bytes that speak for it. Digits for
/// letters, letters apart and words together are read at once: what one of them changes, the others leave alone.
pub(crate) fn readings(
    disguises: impl Iterator<Item = (Disguised, usize, usize)>,
    text: &str,
    lexicon: &Lexicon,
) -> Vec<(Reading, usize, usize)> {
    let mut readings = Vec::new();
    let mut loose: Option<(Reading, usize, usize)> = None;
    let all =
        |text: String| Reading { changed: std::iter::once(0..text.len()).collect(), text, loose: false };
    for (disguise, start, end) in disguises {
        let mut loosen = |change: fn(&str, &Lexicon) -> Reading| {
            let (reading, from, to) = loose.take().unwrap_or_else(|| {
                (Reading { text: text.to_owned(), changed: Vec::new(), loose: true }, start, end)
            });
            loose = Some((reading.refined(|part| change(part, lexicon)), from.min(start), to.max(end)));
        };
        match disguise {
            Disguised::Rot13 => readings.push((all(text.chars().map(rot13).collect()), start, end)),
            Disguised::Reversed => {
                readings.push((all(text.chars().rev().collect()), start, end));
                readings.push((all(words_reversed(text)), start, end));
            }
            Disguised::Leet => loosen(leet),
            Disguised::Spaced => loosen(spaced),
            Disguised::Joined => loosen(joined),
            Disguised::Codes => {
                readings.extend(codes(text).into_iter().map(|text| (all(text), start, end)));
            }
            Disguised::Atbash => {
                readings.push((all(text.chars().map(ciphers::atbash).collect()), start, end))
            }
            Disguised::Upside => readings.push((all(ciphers::upside_down(text)), start, end)),
            Disguised::Morse => readings.push((all(ciphers::morse(text)), start, end)),
            Disguised::Base32 => {
                readings.extend(ciphers::base32(text).into_iter().map(|text| (all(text), start, end)));
            }
            Disguised::Base85 => {
                readings.extend(ciphers::base85(text).into_iter().map(|text| (all(text), start, end)));
            }
            Disguised::Parted => {
                let (text, seams) = ciphers::put_together(text);
                let changed =
                    seams.into_iter().map(|at| at.saturating_sub(1)..at.saturating_add(1)).collect();
                readings.push((Reading { text, changed, loose: false }, start, end));
            }
        }
    }
    readings.extend(loose.filter(|(reading, _, _)| !reading.changed.is_empty()));
    readings
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
        if word.len() < LONG {
            out.keep(word);
            out.keep(rest);
            continue;
        }
        if let Some(humps) = humps(word) {
            out.change(&humps);
            out.keep(rest);
            continue;
        }
        let cut = if word.chars().all(char::is_alphabetic) { lexicon.cut(word) } else { None };
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
    (count >= HUMPS).then_some(out)
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
    let mut readings = [Coded::new(16), Coded::new(2), Coded::new(10), Coded::new(8)];
    for word in text.as_bytes().split(|b| !b.is_ascii_alphanumeric()).filter(|word| !word.is_empty()) {
        let digits = word.strip_prefix(b"0x").unwrap_or(word);
        let length = digits.len();
        let fits = [length == 2, matches!(length, 7 | 8), matches!(length, 2 | 3), length == 3];
        for (reading, fits) in readings.iter_mut().zip(fits) {
            reading.take(fits.then_some(digits));
        }
    }
    readings.into_iter().map(Coded::finish).filter(|text| !text.is_empty()).collect()
}

/// Letters by their codes in one radix, in lines: what is no code ends one.
struct Coded {
    radix: u32,
    text: String,
    /// Where this line begins, and how much of it is letters and spaces.
    line: usize,
    letters: usize,
}

impl Coded {
    fn new(radix: u32) -> Self {
        Self { radix, text: String::new(), line: 0, letters: 0 }
    }

    fn take(&mut self, digits: Option<&[u8]>) {
        let radix = self.radix;
        let value = |digits: &[u8]| {
            let mut digits = digits.iter();
            digits.try_fold(0_u32, |value, digit| Some(value * radix + char::from(*digit).to_digit(radix)?))
        };
        match digits.and_then(value).and_then(char::from_u32).filter(|c| (' '..='~').contains(c)) {
            Some(c) => {
                self.letters = self.letters.saturating_add(usize::from(c.is_ascii_alphabetic() || c == ' '));
                self.text.push(c);
            }
            None => self.end_line(),
        }
    }

    /// Keeps a line that says something.
    fn end_line(&mut self) {
        let length = self.text.len().saturating_sub(self.line);
        if length >= 8 && self.letters.saturating_mul(100) >= length.saturating_mul(70) {
            self.text.push('\n');
            self.line = self.text.len();
        } else {
            self.text.truncate(self.line);
        }
        self.letters = 0;
    }

    fn finish(mut self) -> String {
        self.end_line();
        self.text
    }
}
