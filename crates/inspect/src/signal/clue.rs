//! What tells, word by word, that a text is written in a disguise that only a second reading sees through.

use super::lexicon::{Disguise, Lexicon};
use super::word::{Word, WordHash};

/// How many known words backwards or thirteen letters on are no accident.
const KNOWN: u32 = 2;

/// How many symbols for letters.
const SYMBOLS: u32 = 2;

/// How many single letters in a row.
const SINGLES: u32 = 6;

/// How many numbers in a row could be codes of letters.
const CODES: u32 = 8;

/// From how many letters on a word could be several without spaces.
const LONG: usize = 16;

/// A disguise of a whole stretch of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Disguised {
    Rot13,
    Reversed,
    /// Digits and symbols for letters.
    Leet,
    /// Spaces between letters.
    Spaced,
    /// No spaces between words.
    Joined,
    /// Each letter by its number.
    Codes,
    /// Each letter by the one as far from the other end of the alphabet.
    Atbash,
    /// Letters upside down, from the right.
    Upside,
    Morse,
    /// In the 32 digits of RFC 4648 section 6.
    Base32,
    /// In 85 digits: Adobe's or those of RFC 1924.
    Base85,
    /// Marks or tags inside words, strings put together with a sign.
    Parted,
}

/// How often something was seen, and the original bytes from the first to the last.
#[derive(Debug, Clone, Copy, Default)]
struct Clue {
    count: u32,
    start: usize,
    end: usize,
}

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Clues {
    /// The last word in disguise.
    last: Option<WordHash>,
    rot13: Clue,
    reversed: Clue,
    leet: Clue,
    symbols: Clue,
    joined: Clue,
    singles: Clue,
    spaced: Option<(usize, usize)>,
    numbers: Clue,
    codes: Option<(usize, usize)>,
    atbash: Clue,
    upside: Clue,
    morse: Clue,
    base32: Clue,
    base85: Clue,
    parted: Clue,
    marks: Marks,
}

/// The last marks, as far as a disguise of marks matters.
#[derive(Debug, Clone, Copy, Default)]
struct Marks {
    /// Where the last word ends, and where a tag begins directly after a word.
    word_end: usize,
    after_word: Option<usize>,
    /// Where a mark or tag ends that began directly after a word.
    parts: Option<usize>,
    /// A sign that joins strings, after the end of one.
    joins: bool,
    /// The last mark that is no space.
    last: u8,
    /// Where what has no space in it begins, and how many odd marks it has.
    solid: usize,
    odd: u32,
}

/// How many letters upside down are no phonetics.
const UPSIDE: u32 = 6;

/// How many dots and dashes in a row.
const MORSE: u32 = 24;

/// How many words that are parted inside.
const PARTED: u32 = 3;

/// The shortest stretch without a space that can be digits of base 85, in bytes, and how many odd marks it has at least.
const SOLID: usize = 24;
const ODD: u32 = 5;

impl Clue {
    fn see(&mut self, start: usize, end: usize) {
        if self.count == 0 {
            self.start = start;
        }
        self.count = self.count.saturating_add(1);
        self.end = end;
    }

    /// The same, seen so many times more.
    fn plus(mut self, times: u32, start: usize, end: usize) -> Self {
        self.see(start, end);
        self.count = self.count.saturating_add(times);
        self
    }

    fn from(self, least: u32) -> Option<(usize, usize)> {
        (self.count >= least).then_some((self.start, self.end))
    }

    /// Sees one more of a row; gives the row once it is long enough.
    fn row(&mut self, part: bool, start: usize, end: usize, least: u32) -> Option<(usize, usize)> {
        if !part {
            self.count = 0;
            return None;
        }
        self.see(start, end);
        self.from(least)
    }
}

impl Clues {
    /// Sees a word.
    #[inline]
    pub(super) fn word(&mut self, lexicon: &Lexicon, word: &Word, disguise: Option<Disguise>, end: usize) {
        match disguise {
            None => {}
            // The same word again says nothing new.
            Some(_) if self.last == Some(word.hash) => {}
            Some(Disguise::Rot13) => self.rot13.see(word.start, end),
            Some(Disguise::Reversed) => self.reversed.see(word.start, end),
            Some(Disguise::Atbash) => self.atbash.see(word.start, end),
        }
        if disguise.is_some() {
            self.last = Some(word.hash);
        }
        let single = word.len == 1 && word.letters().first().is_some_and(|l| (0x61..0x250).contains(l));
        if single || self.singles.count > 0 {
            let row = self.singles.row(single, word.start, end, SINGLES);
            self.spaced = union(self.spaced, row);
        }
        let code = word.digits > 0 && is_code(word);
        if code || self.numbers.count > 0 {
            // A pair of hexadecimal letters counts when the row has begun.
            let row = self.numbers.row(code || is_code(word), word.start, end, CODES);
            self.codes = union(self.codes, row);
        }
        if word.digits > 0 && word.digits < word.len && word.len <= 20 {
            let few = word.digits.saturating_mul(3) <= word.len.saturating_mul(2);
            if word.len >= 4 && few && letters_for(word.letters(), |word| lexicon.knows(word)).is_some() {
                self.leet.see(word.start, end);
            }
        }
        if word.len >= LONG && word.digits == 0 && lexicon.holds(word.letters()) {
            self.joined.see(word.start, end);
        }
        if word.len >= LONG && word.letters().iter().all(|l| matches!(l, 0x61..=0x7a | 0x32..=0x37)) {
            self.base32.see(word.start, end);
        }
        // Words between dots and dashes: no Morse.
        if self.morse.count < MORSE {
            self.morse.count = 0;
        }
        let marks = &mut self.marks;
        if marks.parts.take() == Some(word.start) {
            self.parted.see(marks.word_end, end);
        }
        if marks.after_word.is_none_or(|at| end.saturating_sub(at) > TAG) {
            marks.after_word = None;
        }
        marks.joins = false;
        marks.word_end = end;
    }

    /// Sees what is neither letter nor digit.
    #[inline]
    pub(super) fn mark(&mut self, byte: u8, place: usize) {
        let end = place.saturating_add(1);
        let marks = &mut self.marks;
        match byte {
            b' ' | b'\n' | b'\t' | b'\r' => {
                marks.solid = end;
                marks.odd = 0;
                marks.after_word = None;
                marks.parts = None;
                return;
            }
            b'.' | b'-' => self.morse.see(place, end),
            b'*' | b'~' | b'`' if marks.word_end == place || marks.parts == Some(place) => {
                marks.parts = (place > 0).then_some(end);
            }
            b'<' if marks.word_end == place && place > 0 => marks.after_word = Some(place),
            b'>' if marks.after_word.take().is_some() => marks.parts = Some(end),
            // Strings that are put together.
            b'+' | b'&' if matches!(marks.last, b'"' | b'\'') => marks.joins = true,
            b'"' | b'\'' if std::mem::take(&mut marks.joins) => {
                self.parted = self.parted.plus(PARTED, place, end);
            }
            _ => {}
        }
        marks.last = byte;
        if !matches!(byte, b'/' | b'.' | b'-' | b'_' | b':' | b'?' | b'&' | b'=' | b',' | b'\'' | b'"') {
            marks.odd = marks.odd.saturating_add(1);
            if marks.odd >= ODD && end.saturating_sub(marks.solid) >= SOLID {
                self.base85.see(marks.solid, end);
            }
        }
    }

    /// Sees a character that is not ASCII.
    #[inline]
    pub(super) fn other(&mut self, c: char, start: usize, end: usize) {
        if upside(c).is_some() {
            self.upside.see(start, end);
        }
    }

    /// Sees a symbol after a letter for which it can stand.
    pub(super) fn symbol(&mut self, place: usize) {
        self.symbols.see(place, place.saturating_add(1));
    }

    /// What the text may be written in, with the original bytes that speak for it.
    pub(crate) fn disguises(&self) -> impl Iterator<Item = (Disguised, usize, usize)> {
        let leet = union(self.leet.from(1), self.symbols.from(SYMBOLS));
        [
            (Disguised::Rot13, self.rot13.from(KNOWN)),
            (Disguised::Reversed, self.reversed.from(KNOWN)),
            (Disguised::Spaced, self.spaced),
            (Disguised::Leet, leet),
            (Disguised::Joined, self.joined.from(1)),
            (Disguised::Codes, self.codes),
            (Disguised::Atbash, self.atbash.from(KNOWN)),
            (Disguised::Upside, self.upside.from(UPSIDE)),
            (Disguised::Morse, self.morse.from(MORSE)),
            (Disguised::Base32, self.base32.from(1)),
            (Disguised::Base85, self.base85.from(1)),
            (Disguised::Parted, self.parted.from(PARTED)),
        ]
        .into_iter()
        .filter_map(|(disguise, place)| place.map(|(start, end)| (disguise, start, end)))
    }
}

fn union(known: Option<(usize, usize)>, new: Option<(usize, usize)>) -> Option<(usize, usize)> {
    match (known, new) {
        (Some((start, end)), Some((from, to))) => Some((start.min(from), end.max(to))),
        (known, new) => known.or(new),
    }
}

/// Whether a word could be the number of a letter: two or three decimal digits, two hexadecimal ones, eight bits.
fn is_code(word: &Word) -> bool {
    let letters = word.letters();
    let hex = |l: &u32| matches!(l, 0x30..=0x39 | 0x61..=0x66);
    match word.len {
        2 => letters.iter().all(hex),
        3 => word.digits == 3,
        4 => letters.starts_with(&[0x30, 0x78]) && letters.iter().skip(2).all(hex),
        8 => letters.iter().all(|l| matches!(l, 0x30 | 0x31)),
        _ => false,
    }
}

/// The longest tag that parts a word, in bytes.
const TAG: usize = 48;

/// The letter that a character is, upside down.
pub(crate) const fn upside(c: char) -> Option<char> {
    Some(match c {
        'ɐ' => 'a',
        'ɔ' => 'c',
        'ǝ' => 'e',
        'ɟ' => 'f',
        'ƃ' | 'ɓ' => 'g',
        'ɥ' => 'h',
        'ᴉ' | 'ı' => 'i',
        'ɾ' => 'j',
        'ʞ' => 'k',
        'ʅ' | 'ꞁ' => 'l',
        'ɯ' => 'm',
        'ɹ' => 'r',
        'ʇ' => 't',
        'ʌ' => 'v',
        'ʍ' => 'w',
        'ʎ' => 'y',
        _ => return None,
    })
}

/// The letters that a digit or symbol stands for, the likelier first.
pub(crate) const fn stands_for(c: char) -> Option<(char, Option<char>)> {
    Some(match c {
        '0' => ('o', None),
        '1' | '|' => ('i', Some('l')),
        '!' => ('i', None),
        '2' => ('z', None),
        '3' | '€' => ('e', None),
        '4' | '@' => ('a', None),
        '5' | '$' => ('s', None),
        '6' | '9' => ('g', None),
        '7' | '+' => ('t', None),
        '8' => ('b', None),
        _ => return None,
    })
}

/// The reading of a word with digits for letters that is a known word, if there is one: of letters that look alike
/// either is tried.
pub(super) fn letters_for(letters: &[u32], known: impl Fn(WordHash) -> bool) -> Option<WordHash> {
    let doubtful = |l: &&u32| matches!(l, 0x31 | 0x7c);
    let doubts = u32::try_from(letters.iter().filter(doubtful).count()).unwrap_or(0).min(4);
    (0..1_u32 << doubts).map(|choice| leet_hash(letters, choice)).find(|hash| known(*hash))
}

fn leet_hash(letters: &[u32], choice: u32) -> WordHash {
    let mut doubt = 0_u32;
    WordHash::of(letters.iter().map(|letter| {
        let Some((first, second)) = char::from_u32(*letter).and_then(stands_for) else { return *letter };
        let Some(second) = second else { return u32::from(first) };
        let chosen = if choice.checked_shr(doubt).unwrap_or(0) & 1 == 1 { second } else { first };
        doubt = doubt.saturating_add(1);
        u32::from(chosen)
    }))
}
