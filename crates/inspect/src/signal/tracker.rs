//! One text on its way past the lexicon.

use super::address::Address;
use super::fold::{Letter, letters};
use super::hidden::HiddenText;
use super::hits::{Hit, Hits};
use super::lexicon::{Compiled, LITERAL, Lexicon, PHRASE, WordHash};
use super::rule::{Special, Weight};
use crate::view::ascii_run;

/// How many words that mean something are looked back over.
const BACK: usize = 24;

/// Words that are kept: a power of two, more than a phrase has.
const RING: usize = (PHRASE + 1).next_power_of_two();

/// A quotation longer than this many half words is none.
const QUOTATION: u64 = 240;

/// How far before a pattern a word that takes it back is looked for, in half words.
const UNLESS: u64 = 6;

/// What the end of a sentence adds to a distance, in half words.
const SENTENCE: u64 = 4;

/// State between pieces.
pub(crate) struct Tracker {
    /// Text that the model is given to read, rather than told.
    data: bool,
    word: WordHash,
    word_start: usize,
    /// Half words so far.
    position: u64,
    /// The last words, in a ring; `words` counts all so far.
    recent: [(WordHash, usize); RING],
    words: usize,
    /// The last words and phrases that mean something, newest first.
    meaning: [Meaning; BACK],
    /// The last bytes in lower case, for literals: newest last.
    tail: Vec<(u8, usize)>,
    quotation: Option<Quotation>,
    quotations: usize,
    address: Address,
    hidden: HiddenText,
    hits: Hits,
}

#[derive(Debug, Clone, Copy, Default)]
struct Meaning {
    classes: u64,
    /// First byte, of the phrase if it is one.
    start: usize,
    /// First byte of its last word.
    word: usize,
    end: usize,
    position: u64,
}

#[derive(Debug, Clone, Copy)]
struct Quotation {
    number: usize,
    mark: char,
    position: u64,
}

impl Tracker {
    pub(crate) fn new(data: bool) -> Self {
        Self {
            data,
            word: WordHash::EMPTY,
            word_start: 0,
            position: 0,
            recent: [(WordHash::EMPTY, 0); RING],
            words: 0,
            meaning: [Meaning::default(); BACK],
            tail: Vec::new(),
            quotation: None,
            quotations: 0,
            address: Address::default(),
            hidden: HiddenText::default(),
            hits: Hits::default(),
        }
    }

    /// Takes in a text as it stands, which begins at an original offset.
    pub(crate) fn push(&mut self, lexicon: &Lexicon, text: &str, offset: usize) {
        let mut offset = offset;
        let mut rest = text;
        while !rest.is_empty() {
            let run = ascii_run(rest.as_bytes());
            let (plain, after) = rest.split_at_checked(run).unwrap_or((rest, ""));
            if !plain.is_empty() {
                self.ascii(lexicon, plain.as_bytes(), offset);
                offset = offset.saturating_add(plain.len());
            }
            let mut chars = after.chars();
            if let Some(c) = chars.next() {
                let end = offset.saturating_add(c.len_utf8());
                self.push_char(lexicon, c, offset, end);
                offset = end;
            }
            rest = chars.as_str();
        }
    }

    /// Takes in one character that stands for the original bytes `start..end`.
    pub(crate) fn push_char(&mut self, lexicon: &Lexicon, c: char, start: usize, end: usize) {
        if let Some(found) = self.hidden.see(c, start, end) {
            self.special(lexicon, Special::HiddenText, found.start, found.end, found.share);
        }
        if c.is_ascii() {
            if let Ok(byte) = u8::try_from(c) {
                self.address(lexicon, &[byte], start);
            }
        } else {
            self.address.other();
        }
        let take = |letter: Letter| self.letter(lexicon, letter, start, end);
        letters(c, take);
    }

    /// Ends the text.
    pub(crate) fn finish(&mut self, lexicon: &Lexicon, end: usize) -> Vec<Hit> {
        self.end_word(lexicon, end);
        std::mem::take(&mut self.hits).into_vec()
    }

    fn ascii(&mut self, lexicon: &Lexicon, text: &[u8], offset: usize) {
        self.hidden.see_ascii(text).into_iter().for_each(|found| {
            self.special(lexicon, Special::HiddenText, found.start, found.end, found.share);
        });
        self.address(lexicon, text, offset);
        let mut word = self.word;
        for (at, byte) in text.iter().enumerate() {
            let place = offset.saturating_add(at);
            if byte.is_ascii_alphanumeric() {
                if word == WordHash::EMPTY {
                    self.word_start = place;
                }
                word = word.with(u32::from(byte.to_ascii_lowercase()));
                continue;
            }
            self.word = word;
            self.end_word(lexicon, place);
            word = WordHash::EMPTY;
            match byte {
                b' ' | b',' => {}
                b'.' | b'!' | b'?' => self.position = self.position.saturating_add(SENTENCE),
                b'"' | b'`' => self.quote(char::from(*byte)),
                _ => {}
            }
            if lexicon.literal_ends.get(usize::from(*byte)).copied().unwrap_or(false) {
                self.literals(lexicon, text.get(..=at).unwrap_or_default(), place.saturating_add(1));
            }
        }
        self.word = word;
        let kept = text.len().saturating_sub(LITERAL);
        let lower = |(at, byte): (usize, &u8)| (byte.to_ascii_lowercase(), offset.saturating_add(at));
        self.tail.extend(text.iter().enumerate().skip(kept).map(lower));
        self.shorten_tail();
    }

    fn letter(&mut self, lexicon: &Lexicon, letter: Letter, start: usize, end: usize) {
        let mut tail = 0x80;
        match letter {
            Letter::Nothing => return,
            Letter::Word(c) => {
                if self.word == WordHash::EMPTY {
                    self.word_start = start;
                }
                self.word = self.word.with(c);
                tail = u8::try_from(c).ok().filter(u8::is_ascii).unwrap_or(tail);
            }
            Letter::Alone(c) => {
                self.end_word(lexicon, start);
                self.token(lexicon, WordHash::EMPTY.with(c), start, end, 1);
            }
            Letter::Gap(c) => {
                self.end_word(lexicon, start);
                tail = u8::try_from(c).ok().filter(u8::is_ascii).unwrap_or(tail);
                match c {
                    '.' | '!' | '?' | '。' | '！' | '？' => {
                        self.position = self.position.saturating_add(SENTENCE)
                    }
                    '"' | '`' | '«' | '»' | '「' | '」' | '„' => self.quote(c),
                    _ => {}
                }
            }
        }
        self.tail.push((tail, start));
        self.shorten_tail();
        if lexicon.literal_ends.get(usize::from(tail)).copied().unwrap_or(false) {
            self.literals(lexicon, &[], end);
        }
    }

    fn shorten_tail(&mut self) {
        if self.tail.len() > 8 * LITERAL {
            self.tail.drain(..self.tail.len().saturating_sub(LITERAL));
        }
    }

    fn end_word(&mut self, lexicon: &Lexicon, end: usize) {
        if self.word != WordHash::EMPTY {
            let word = std::mem::replace(&mut self.word, WordHash::EMPTY);
            self.token(lexicon, word, self.word_start, end, 2);
        }
    }

    fn token(&mut self, lexicon: &Lexicon, word: WordHash, start: usize, end: usize, width: u64) {
        self.position = self.position.saturating_add(width);
        let (classes, span) = lexicon.classes(word, (1..=PHRASE).map(|back| self.word_before(back).0));
        if let Some(slot) = self.recent.get_mut(self.words % RING) {
            *slot = (word, start);
        }
        self.words = self.words.wrapping_add(1);
        if classes == 0 {
            return;
        }
        let first = self.word_before(span).1;
        let meaning = Meaning { classes, start: first, word: start, end, position: self.position };
        let mut bits = classes;
        while bits != 0 {
            let class = usize::try_from(bits.trailing_zeros()).unwrap_or(0);
            bits &= bits.wrapping_sub(1);
            for pattern in lexicon.completed_by.get(class).into_iter().flatten() {
                if let Some(pattern) = lexicon.patterns.get(*pattern)
                    && let Some(begin) = self.complete(pattern, &meaning, 1 << class)
                {
                    self.hit(pattern.rule, begin, end, pattern.weight, 1_000);
                }
            }
        }
        self.meaning.rotate_right(1);
        if let Some(newest) = self.meaning.first_mut() {
            *newest = meaning;
        }
    }

    /// The word so many words ago, 1 being the last, and where it begins.
    fn word_before(&self, back: usize) -> (WordHash, usize) {
        self.recent.get(self.words.wrapping_sub(back) % RING).copied().unwrap_or((WordHash::EMPTY, 0))
    }

    /// Where a pattern begins whose one class the newest word has, when the others came before.
    fn complete(&self, pattern: &Compiled, newest: &Meaning, class: u64) -> Option<usize> {
        // One bit for each class that is still to be found.
        let all =
            1_u32.checked_shl(u32::try_from(pattern.classes.len()).unwrap_or(0)).unwrap_or(0).wrapping_sub(1);
        let own = pattern.classes.iter().rposition(|c| *c == class)?;
        let mut missing = all & !(1 << own);
        let mut first = *newest;
        let mut begin = newest.start;
        let near =
            |m: &&Meaning| m.classes != 0 && newest.position.saturating_sub(m.position) <= pattern.within;
        for meaning in self.meaning.iter().take_while(near) {
            if missing == 0 {
                break;
            }
            if meaning.end > first.word {
                continue;
            }
            let fits = |(at, class): &(usize, &u64)| {
                missing & (1 << at) != 0
                    && meaning.classes & **class != 0
                    && (pattern.any_order || missing >> at == 1)
            };
            if let Some((at, _)) = pattern.classes.iter().enumerate().find(fits) {
                missing &= !(1 << at);
                first = *meaning;
                begin = begin.min(meaning.start);
            }
        }
        let taken_back = |m: &Meaning| {
            m.classes & pattern.unless != 0
                && m.end <= begin
                && first.position.saturating_sub(m.position) <= UNLESS
        };
        (missing == 0 && !self.meaning.iter().any(taken_back)).then_some(begin)
    }

    /// Looks for literals that end here, in `text` and in what came before it.
    fn literals(&mut self, lexicon: &Lexicon, text: &[u8], end: usize) {
        let begin = end.saturating_sub(text.len());
        let now =
            text.iter().enumerate().rev().map(|(at, b)| (b.to_ascii_lowercase(), begin.saturating_add(at)));
        for literal in &lexicon.literals {
            let mut back = now.clone().chain(self.tail.iter().rev().copied());
            let mut start = end;
            let fits = literal.text.iter().rev().all(|wanted| match back.next() {
                Some((byte, place)) if byte == *wanted => {
                    start = place;
                    true
                }
                _ => false,
            });
            let opens_line = || {
                let marks = |b: &u8| !matches!(b, b' ' | b'\t' | b'#' | b'*' | b'>' | b'-' | b'=' | b'[');
                back.map(|(byte, _)| byte).find(marks).is_none_or(|byte| byte == b'\n')
            };
            if fits && (!literal.line_start || opens_line()) {
                let quotation = self.open_quotation();
                let weight = weigh(literal.weight, self.data, 1_000);
                self.hits.add(Hit { rule: literal.rule, start, end, weight, quotation });
            }
        }
    }

    fn address(&mut self, lexicon: &Lexicon, text: &[u8], offset: usize) {
        for found in self.address.see(text, offset) {
            self.special(lexicon, Special::Address, found.start, found.end, found.share);
        }
    }

    fn special(&mut self, lexicon: &Lexicon, special: Special, start: usize, end: usize, share: u64) {
        for (rule, which, weight) in &lexicon.specials {
            if *which == special {
                self.hit(*rule, start, end, *weight, share);
            }
        }
    }

    fn hit(&mut self, rule: usize, start: usize, end: usize, weight: Weight, share: u64) {
        let quotation = self.open_quotation();
        self.hits.add(Hit { rule, start, end, weight: weigh(weight, self.data, share), quotation });
    }

    fn quote(&mut self, mark: char) {
        match self.quotation {
            Some(open) if closes(open.mark, mark) => {
                self.quotation = None;
                if self.position.saturating_sub(open.position) <= QUOTATION {
                    self.hits.close_quotation(open.number);
                }
            }
            Some(open) if self.position.saturating_sub(open.position) <= QUOTATION => {}
            _ => {
                self.quotations = self.quotations.saturating_add(1);
                self.quotation = Some(Quotation { number: self.quotations, mark, position: self.position });
            }
        }
    }

    /// The open quotation, for a sign that stands in it. In data everything may stand in quotation marks, as in JSON:
    /// there they mean nothing.
    fn open_quotation(&self) -> Option<usize> {
        self.quotation.filter(|_| !self.data).map(|open| open.number)
    }
}

fn closes(open: char, mark: char) -> bool {
    match open {
        '«' => mark == '»',
        '「' => mark == '」',
        '„' => mark == '"',
        _ => mark == open,
    }
}

fn weigh(weight: Weight, data: bool, share: u64) -> u16 {
    let full = u64::from(if data { weight.data } else { weight.said });
    u16::try_from(full.saturating_mul(share) / 1_000).unwrap_or(1_000)
}
