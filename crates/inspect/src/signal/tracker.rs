//! One text on its way past the lexicon.

use super::address::Address;
use super::clue::Clues;
use super::code::Code;
use super::fold::{Letter, letters};
use super::hidden::HiddenText;
use super::hits::{Hit, Hits};
use super::lexicon::{LITERAL, Lexicon, PHRASE, Sense};
use super::object::Waiting;
use super::pasted::Pasted;
use super::proximity::{Complete, Meaning, Meanings, complete};
use super::rule::{Object, Special, Weight};
use super::shape::Shape;
use super::suffix::Suffix;
use super::word::{Word, WordHash};
use crate::score::{Meter, Orders};
use crate::view::ascii_run;

/// Words that are kept: a power of two, more than a phrase has.
const RING: usize = (PHRASE + 1).next_power_of_two();

/// A quotation longer than this many half words is none.
const QUOTATION: u64 = 240;

/// What the end of a sentence adds to a distance, in half words.
const SENTENCE: u64 = 4;

/// How far before a sign words that speak of attacks are looked for, in half words.
const MENTION: u64 = 80;

/// How many words with look-alikes are no accident.
const MIXED: u32 = 2;

/// How many marks may stand between the beginning of a line and what opens it.
const MARKS: usize = 48;

/// How many of the last bytes are kept: a literal and what may stand before it on its line.
const TAIL: usize = LITERAL + MARKS;

/// What a sign weighs whose words are misspelt, in thousandths.
const MISSPELT: u64 = 965;

/// What a sign weighs at least for its disguise to be one too, in thousandths.
const ENCODED: u16 = 400;

/// How a text came to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// It stands there.
    Text,
    /// Digits say it. What a dozen random bytes look like, such as a word of two scripts, is chance there.
    Decoded,
    /// It is a second reading of a text: only its words count, for its marks and its form are those of the text or made by
    /// the reading.
    Reading,
}

/// State between pieces.
pub(crate) struct Tracker {
    /// Text that the model is given to read, rather than told.
    data: bool,
    source: Source,
    pasted: Pasted,
    word: Box<Word>,
    /// An empty word, for when this one ends.
    spare: Option<Box<Word>>,
    /// Half words so far.
    position: u64,
    /// The last words, in a ring; `words` counts all so far.
    recent: [(WordHash, usize); RING],
    words: usize,
    meanings: Meanings,
    /// Where the last two words that speak of attacks stand, newest first.
    mentions: [Option<u64>; 2],
    /// Words with look-alikes among their letters, and where the first begins.
    mixed: (u32, usize),
    /// The last bytes in lower case, for literals: newest last.
    tail: Vec<(u8, usize)>,
    quotation: Option<Quotation>,
    /// One in single marks, and whether the last byte may close it: a letter behind it makes it an apostrophe.
    single: Option<Quotation>,
    closing: bool,
    quotations: usize,
    address: Address,
    hidden: HiddenText,
    shape: Shape,
    suffix: Suffix,
    code: Code,
    clues: Clues,
    meter: Meter,
    /// Looks for orders, in data.
    orders: Option<Box<Orders>>,
    hits: Hits,
    /// Signs that wait for the words behind them.
    waiting: Waiting,
}

#[derive(Debug, Clone, Copy)]
struct Quotation {
    number: usize,
    mark: char,
    /// First original byte of the mark.
    start: usize,
    position: u64,
}

impl Tracker {
    pub(crate) fn new(data: bool, source: Source) -> Self {
        Self {
            data,
            source,
            pasted: Pasted::default(),
            word: Box::new(Word::EMPTY),
            spare: None,
            position: 0,
            recent: [(WordHash::EMPTY, 0); RING],
            words: 0,
            meanings: Meanings::default(),
            mentions: [None; 2],
            mixed: (0, 0),
            tail: Vec::new(),
            quotation: None,
            single: None,
            closing: false,
            quotations: 0,
            address: Address::default(),
            hidden: HiddenText::default(),
            shape: Shape::default(),
            suffix: Suffix::default(),
            code: Code::default(),
            clues: Clues::default(),
            meter: Meter::default(),
            orders: (data && source != Source::Reading).then(Box::default),
            hits: Hits::default(),
            waiting: Waiting::default(),
        }
    }

    /// What tells that the text since the last call is written in a disguise.
    pub(crate) fn take_clues(&mut self) -> Clues {
        std::mem::take(&mut self.clues)
    }

    /// Takes a sign that was found in a second reading of the original bytes `start..end`, which says nothing more.
    pub(crate) fn read_anew(&mut self, hit: Hit, start: usize, end: usize) {
        self.hits.add(Hit { start, end, quotation: None, ..hit });
    }

    /// Takes a sign that was found in what had to be decoded from the original bytes `start..end`.
    pub(crate) fn decoded(&mut self, lexicon: &Lexicon, hit: Hit, start: usize, end: usize) {
        let weight = hit.weight.saturating_add(hit.weight / 10).min(1_000);
        self.hits.add(Hit { start, end, weight, quotation: None, ..hit });
        // In no quotation: which one is open when something is decoded depends on how the text came in.
        for (rule, _, weight) in
            lexicon.specials.iter().filter(|(_, special, _)| *special == Special::Encoded)
        {
            if hit.weight >= ENCODED {
                let weight = weigh(*weight, self.data, 1_000);
                self.hits.add(Hit { rule: *rule, start, end, weight, quotation: None });
            }
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
            self.clues.other(c, start, end);
        }
        let latin = c.is_ascii();
        if self.closing {
            self.close_single(!c.is_alphanumeric());
        }
        letters(c, |letter| {
            self.letter(lexicon, letter, start, end);
            self.word.latin |= latin && self.word.len > 0;
        });
    }

    /// Ends the last word: nothing follows.
    pub(crate) fn end(&mut self, lexicon: &Lexicon, end: usize) {
        self.end_word(lexicon, end, b'\n');
        self.close_single(self.closing);
        self.end_clause(false);
        let orders = self.orders.as_mut().map(|orders| orders.finish()).unwrap_or_default();
        for order in orders {
            let share = u64::from(order.likely);
            self.special(lexicon, Special::InstructionInData, order.start, order.end, share);
        }
    }

    /// The signs, and how much the words look like those of attacks, in thousandths.
    pub(crate) fn finish(self) -> (Vec<Hit>, u16) {
        (self.hits.into_vec(), self.meter.finish())
    }

    /// What the model of the score sees of a text.
    pub(crate) fn features(lexicon: &Lexicon, text: &str) -> Vec<u32> {
        let mut tracker = Self { meter: Meter::collecting(), ..Self::new(false, Source::Text) };
        tracker.push(lexicon, text, 0);
        tracker.end(lexicon, text.len());
        tracker.meter.into_features()
    }

    /// What the model of orders sees of each segment of a text.
    pub(crate) fn order_features(lexicon: &Lexicon, text: &str) -> Vec<Vec<u32>> {
        let mut tracker =
            Self { orders: Some(Box::new(Orders::collecting())), ..Self::new(true, Source::Text) };
        tracker.push(lexicon, text, 0);
        tracker.end_word(lexicon, text.len(), b'\n');
        tracker.orders.map(|orders| orders.into_features()).unwrap_or_default()
    }

    fn ascii(&mut self, lexicon: &Lexicon, text: &[u8], offset: usize) {
        self.hidden.see_ascii(text).into_iter().for_each(|found| {
            self.special(lexicon, Special::HiddenText, found.start, found.end, found.share);
        });
        self.address(lexicon, text, offset);
        let mut next = 0;
        while let Some(rest) = text.get(next..).filter(|rest| !rest.is_empty()) {
            if self.word.len == 0 {
                self.word.start = offset.saturating_add(next);
            }
            let letters = self.word.extend(rest);
            self.word.latin |= letters > 0;
            if self.closing {
                self.close_single(letters == 0);
            }
            let at = next.saturating_add(letters);
            next = at.saturating_add(1);
            let Some(byte) = text.get(at) else { break };
            let place = offset.saturating_add(at);
            if *byte == b'$' && self.word.len > 0 {
                self.clues.symbol(place);
            }
            if *byte == b'\'' {
                self.apostrophe(place);
            }
            self.end_word(lexicon, place, *byte);
            self.mark(lexicon, *byte, place);
            match byte {
                b' ' | b',' => {}
                b'.' | b'!' | b'?' => self.position = self.position.saturating_add(SENTENCE),
                b'"' | b'`' => self.quote(char::from(*byte), place),
                b'\n' => self.shape.line(),
                _ => {}
            }
            if !lexicon.literals_at(*byte).is_empty() {
                self.literals(lexicon, text.get(..=at).unwrap_or_default(), place.saturating_add(1));
            }
        }
        let kept = text.len().saturating_sub(TAIL);
        let lower = |(at, byte): (usize, &u8)| (byte.to_ascii_lowercase(), offset.saturating_add(at));
        self.tail.extend(text.iter().enumerate().skip(kept).map(lower));
        self.shorten_tail();
    }

    fn letter(&mut self, lexicon: &Lexicon, letter: Letter, start: usize, end: usize) {
        let mut tail = 0x80;
        match letter {
            Letter::Nothing => return,
            Letter::Word(c) | Letter::Twin(c) => {
                if self.word.len == 0 {
                    self.word.start = start;
                }
                self.word.twins |= matches!(letter, Letter::Twin(_));
                self.word.push(c);
                tail = u8::try_from(c).ok().filter(u8::is_ascii).unwrap_or(tail);
            }
            Letter::Alone(c) => {
                self.end_word(lexicon, start, b' ');
                let mut alone = Word::EMPTY;
                alone.start = start;
                alone.push(c);
                self.token(lexicon, &alone, end, 1);
            }
            Letter::Gap(c) => {
                tail = u8::try_from(c).ok().filter(u8::is_ascii).unwrap_or(tail);
                if tail == b'\'' {
                    self.apostrophe(start);
                }
                self.end_word(lexicon, start, tail);
                self.mark(lexicon, plain(c), start);
                match c {
                    '.' | '!' | '?' | '。' | '！' | '？' | '।' | '؟' | '۔' => {
                        self.position = self.position.saturating_add(SENTENCE)
                    }
                    '"' | '`' | '«' | '»' | '「' | '」' | '„' => self.quote(c, start),
                    '\n' => self.shape.line(),
                    _ => {}
                }
            }
        }
        self.tail.push((tail, start));
        self.shorten_tail();
        if !lexicon.literals_at(tail).is_empty() {
            self.literals(lexicon, &[], end);
        }
    }

    /// Sees what is neither letter nor digit, after the word before it has ended.
    #[inline]
    fn mark(&mut self, lexicon: &Lexicon, byte: u8, place: usize) {
        self.clues.mark(byte, place);
        self.code.mark(byte, place);
        if byte == b' ' && self.orders.is_none() {
            return;
        }
        if !self.waiting.is_empty()
            && matches!(byte, b'.' | b',' | b';' | b':' | b'!' | b'?' | b'"' | b')' | b'\n')
        {
            self.end_clause(byte == b'\n');
        }
        if !self.data {
            self.pasted.mark(byte, place, self.position, self.word_before(1).0);
        }
        if self.source != Source::Reading
            && let Some((start, end)) = self.suffix.mark(byte, place)
        {
            self.special(lexicon, Special::AdversarialSuffix, start, end, self.code.share());
        }
        if let Some(orders) = &mut self.orders {
            orders.mark(byte, place);
        }
        if byte == b'@' {
            let mut alone = Word::EMPTY;
            alone.start = place;
            alone.push(u32::from(byte));
            self.token(lexicon, &alone, place.saturating_add(1), 0);
        }
    }

    fn shorten_tail(&mut self) {
        if self.tail.len() > 4 * TAIL {
            self.tail.drain(..self.tail.len().saturating_sub(TAIL));
        }
    }

    #[inline]
    fn end_word(&mut self, lexicon: &Lexicon, end: usize, mark: u8) {
        if self.word.len == 0 {
            return;
        }
        let next = self.spare.take().unwrap_or_else(|| Box::new(Word::EMPTY));
        let mut word = std::mem::replace(&mut self.word, next);
        if word.latin && word.twins && self.source == Source::Text {
            self.mixed =
                (self.mixed.0.saturating_add(1), if self.mixed.0 == 0 { word.start } else { self.mixed.1 });
            if self.mixed.0 >= MIXED {
                self.special(lexicon, Special::MixedScript, self.mixed.1, end, self.code.share());
            }
        }
        if self.source != Source::Reading {
            if let Some((start, end)) = self.shape.word(word.hash, word.start, end) {
                self.special(lexicon, Special::Repetition, start, end, 1_000);
            }
            if let Some((start, end)) = self.shape.after_word(mark, word.start, end) {
                self.special(lexicon, Special::ManyTurns, start, end, 1_000);
            }
            if word.len > 1 && word.digits == 0 {
                self.suffix.word(end);
            }
            self.code.word(word.start, end);
        }
        self.token(lexicon, &word, end, 2);
        word.clear();
        self.spare = Some(word);
    }

    fn token(&mut self, lexicon: &Lexicon, word: &Word, end: usize, width: u64) {
        self.position = self.position.saturating_add(width);
        let start = word.start;
        let Sense { classes, span, meant, disguise } =
            lexicon.sense(word, (1..=PHRASE).map(|back| self.word_before(back).0));
        if !self.waiting.is_empty() {
            let decided = self.waiting.word(classes, &lexicon.objects);
            decided.into_iter().for_each(|hit| self.hits.add(hit));
        }
        if width > 0 {
            self.clues.word(lexicon, word, disguise, end);
            if let Some(orders) = &mut self.orders {
                orders.word(word.hash.0, word.letters(), start, end, width);
            }
        }
        if width == 2 && self.source != Source::Reading {
            let before = [self.word_before(1).0.0, self.word_before(2).0.0];
            self.meter.word(word.hash.0, word.letters(), before);
        }
        if let Some(slot) = self.recent.get_mut(self.words % RING) {
            *slot = (meant.unwrap_or(word.hash), start);
        }
        self.words = self.words.wrapping_add(1);
        let open = classes & lexicon.objects.open != 0;
        let classes = classes & !lexicon.objects.all();
        if classes == 0 {
            return;
        }
        if classes & lexicon.pasted != 0 {
            self.pasted.announced(self.position);
        }
        if classes & lexicon.mention != 0 {
            self.mentions.rotate_right(1);
            if let Some(newest) = self.mentions.first_mut() {
                *newest = Some(self.position);
            }
        }
        let first = self.word_before(span).1;
        let meaning = Meaning {
            classes,
            start: first,
            word: start,
            end,
            position: self.position,
            misspelt: meant.is_some(),
        };
        let around = self.meanings.classes() | classes;
        let mut bits = classes;
        while bits != 0 {
            let class = usize::try_from(bits.trailing_zeros()).unwrap_or(0);
            bits &= bits.wrapping_sub(1);
            for pattern in lexicon.completed_by.get(class).into_iter().flatten() {
                if let Some(pattern) = lexicon.patterns.get(*pattern)
                    && pattern.needs & !around == 0
                    && let Some(Complete { begin, misspelt }) =
                        complete(pattern, &meaning, 1 << class, &self.meanings)
                {
                    let share = if misspelt { MISSPELT } else { 1_000 };
                    let share = self.discount(share * self.code.share_between(begin, end) / 1_000);
                    let hit = self.sign(pattern.rule, begin, end, pattern.weight, share);
                    // `instructions on the old label`: what the last word goes with is still to come.
                    let own = pattern.classes.iter().rposition(|listed| *listed == 1 << class).unwrap_or(0);
                    let inner = own > 0 && own.saturating_add(1) < pattern.classes.len();
                    let open = inner || open;
                    let decided = match pattern.object {
                        // A second reading has its words cut anyhow.
                        Some(object) if self.source != Source::Reading => {
                            self.waiting.add(hit, open || object == Object::Next)
                        }
                        _ => Some(hit),
                    };
                    decided.into_iter().for_each(|hit| self.hits.add(hit));
                }
            }
        }
        self.meanings.add(meaning);
    }

    /// Whether this place is read to the model rather than said to it.
    fn is_read(&self) -> bool {
        self.data || self.pasted.has_begun()
    }

    /// What a sign weighs here, in thousandths: less where several words before it speak of attacks.
    fn discount(&self, share: u64) -> u64 {
        if !self.data && self.is_spoken_of() { share.saturating_mul(55) / 100 } else { share }
    }

    /// Whether several words shortly before speak of attacks.
    fn is_spoken_of(&self) -> bool {
        let near = |at: &Option<u64>| at.is_some_and(|at| self.position.saturating_sub(at) <= MENTION);
        self.mentions.iter().all(near)
    }

    /// The word so many words ago, 1 being the last, and where it begins.
    fn word_before(&self, back: usize) -> (WordHash, usize) {
        self.recent.get(self.words.wrapping_sub(back) % RING).copied().unwrap_or((WordHash::EMPTY, 0))
    }

    /// Looks for literals that end here, in `text` and in what came before it.
    fn literals(&mut self, lexicon: &Lexicon, text: &[u8], end: usize) {
        let begin = end.saturating_sub(text.len());
        let now =
            text.iter().enumerate().rev().map(|(at, b)| (b.to_ascii_lowercase(), begin.saturating_add(at)));
        let mut ends = now.clone().chain(self.tail.iter().rev().copied());
        let (Some((last, _)), before) = (ends.next(), ends.next().map(|(byte, _)| byte)) else { return };
        for literal in lexicon.literals_at(last) {
            // The last byte but one turns most away.
            if literal.text.iter().nth_back(1).is_some_and(|wanted| before != Some(*wanted)) {
                continue;
            }
            let mut back = now.clone().chain(self.tail.iter().rev().copied());
            let mut start = end;
            let fits = literal.text.iter().rev().all(|wanted| match back.next() {
                Some((byte, place)) if byte == *wanted => {
                    start = place;
                    true
                }
                _ => false,
            });
            let quoted = matches!(back.clone().next(), Some((b'"' | b'\'' | b'`', _)));
            let opens_line = || {
                let marks = |b: &u8| !matches!(b, b' ' | b'\t' | b'#' | b'*' | b'>' | b'-' | b'=' | b'[');
                // More marks than that begin a line as nothing does.
                back.take(MARKS).map(|(byte, _)| byte).find(marks).is_none_or(|byte| byte == b'\n')
            };
            if fits && (!literal.line_start || opens_line()) {
                let quotation = self.open_quotation(start).filter(|_| !literal.markup);
                let share = if quoted { self.code.share_of_string() } else { 1_000 };
                let weight = weigh(literal.weight, self.is_read(), share);
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
        self.hits.add(self.sign(rule, start, end, weight, share));
    }

    fn sign(&self, rule: usize, start: usize, end: usize, weight: Weight, share: u64) -> Hit {
        let quotation = self.open_quotation(start);
        Hit { rule, start, end, weight: weigh(weight, self.is_read(), share), quotation }
    }

    /// Ends a sentence or a part of one: what has waited for its object waits no longer.
    fn end_clause(&mut self, line: bool) {
        self.waiting.end(line).into_iter().for_each(|hit| self.hits.add(hit));
    }

    fn quote(&mut self, mark: char, start: usize) {
        match self.quotation {
            Some(open) if closes(open.mark, mark) => {
                self.quotation = None;
                if self.position.saturating_sub(open.position) <= QUOTATION {
                    self.hits.close_quotation(open.number);
                    self.waiting.close_quotation(open.number);
                }
            }
            Some(open) if self.position.saturating_sub(open.position) <= QUOTATION => {}
            _ => {
                self.quotations = self.quotations.saturating_add(1);
                self.quotation =
                    Some(Quotation { number: self.quotations, mark, start, position: self.position });
            }
        }
    }

    /// Sees a single mark: after a letter it may close a quotation, elsewhere it may open one.
    fn apostrophe(&mut self, start: usize) {
        if self.word.len > 0 || self.single.is_some_and(|open| self.position > open.position) {
            self.closing = self.single.is_some();
            return;
        }
        self.quotations = self.quotations.saturating_add(1);
        let (number, position) = (self.quotations, self.position);
        self.single = Some(Quotation { number, mark: '\'', start, position });
    }

    /// Sees what follows a single mark that may close a quotation.
    fn close_single(&mut self, closes: bool) {
        self.closing = false;
        let Some(open) = self.single.filter(|_| closes) else { return };
        self.single = None;
        if self.position.saturating_sub(open.position) <= QUOTATION {
            self.hits.close_quotation(open.number);
            self.waiting.close_quotation(open.number);
        }
    }

    /// The open quotation, for a sign that begins in it. In data everything may stand in quotation marks, as in JSON:
    /// there they mean something only where attacks are spoken of.
    fn open_quotation(&self, start: usize) -> Option<usize> {
        let counts = !self.data || self.is_spoken_of();
        let around = |open: &Quotation| counts && open.start <= start;
        self.quotation.filter(around).or(self.single.filter(around)).map(|open| open.number)
    }
}

/// The mark of ASCII that does what a mark of another script does.
fn plain(c: char) -> u8 {
    match c {
        '。' | '！' | '।' | '۔' => b'!',
        '？' | '؟' => b'?',
        '，' | '、' | '،' => b',',
        '；' | '؛' => b';',
        _ => u8::try_from(c).ok().filter(u8::is_ascii).unwrap_or(b' '),
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
