//! Word lists, compiled: what a word that was just read means together with the words before it.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::fold::{Letter, ascii, letters};
use super::rule::{Literal, Signal, Special, Weight};
use crate::engine::EngineError;

/// The most words of a phrase.
pub(super) const PHRASE: usize = 12;

/// The most classes of one pattern.
const PATTERN: usize = 8;

/// The most classes of all rules together: one bit each.
const CLASSES: usize = 64;

/// The longest literal, in bytes.
pub(super) const LITERAL: usize = 48;

/// Bits of the filter that turns most words away.
const FILTER: usize = 1 << 13;

/// A word's hash. Words are compared by it alone: a collision is a false sign at worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct WordHash(u64);

pub(crate) struct Lexicon {
    /// Phrases by their last word.
    phrases: HashMap<u64, Vec<Phrase>, BuildHasherDefault<Same>>,
    filter: Box<[u64]>,
    pub(super) patterns: Vec<Compiled>,
    /// Patterns that a class can complete, by the class's number.
    pub(super) completed_by: Vec<Vec<usize>>,
    pub(super) literals: Vec<CompiledLiteral>,
    /// Whether a literal ends with a byte.
    pub(super) literal_ends: [bool; 128],
    pub(super) specials: Vec<(usize, Special, Weight)>,
}

struct Phrase {
    /// The words before the last, the last of them first.
    before: Vec<WordHash>,
    classes: u64,
}

/// A proximity pattern.
pub(super) struct Compiled {
    pub(super) rule: usize,
    /// One bit a class, in order.
    pub(super) classes: Vec<u64>,
    /// In half words.
    pub(super) within: u64,
    pub(super) any_order: bool,
    pub(super) unless: u64,
    pub(super) weight: Weight,
}

pub(super) struct CompiledLiteral {
    pub(super) rule: usize,
    /// Lower case.
    pub(super) text: Vec<u8>,
    pub(super) line_start: bool,
    pub(super) weight: Weight,
}

/// A hasher for keys that are hashes.
#[derive(Default)]
pub(super) struct Same(u64);

impl WordHash {
    /// No letters.
    pub(super) const EMPTY: Self = Self(0xcbf2_9ce4_8422_2325);

    /// With one letter more (FNV-1a over code points).
    pub(super) fn with(self, letter: u32) -> Self {
        Self((self.0 ^ u64::from(letter)).wrapping_mul(0x0000_0100_0000_01b3))
    }

    fn bit(self) -> (usize, u64) {
        let spread = (self.0 ^ (self.0 >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        let bit = usize::try_from(spread).unwrap_or(0) % FILTER;
        (bit / 64, 1 << (bit % 64))
    }
}

impl Hasher for Same {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 << 8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = value.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

impl Lexicon {
    /// Compiles signal rules; `first` is the number of the first of them among all rules.
    pub(crate) fn new<'a>(
        rules: impl IntoIterator<Item = (&'a str, &'a Signal)>,
        first: usize,
    ) -> Result<Self, EngineError> {
        let mut lexicon = Self {
            phrases: HashMap::default(),
            filter: vec![0; FILTER / 64].into_boxed_slice(),
            patterns: Vec::new(),
            completed_by: Vec::new(),
            literals: Vec::new(),
            literal_ends: [false; 128],
            specials: Vec::new(),
        };
        for (at, (id, signal)) in rules.into_iter().enumerate() {
            let wrong = |what: String| EngineError::Rule { id: id.to_owned(), what };
            lexicon.add(first.saturating_add(at), signal).map_err(wrong)?;
        }
        Ok(lexicon)
    }

    fn add(&mut self, rule: usize, signal: &Signal) -> Result<(), String> {
        let mut numbers = HashMap::new();
        for (name, phrases) in &signal.classes {
            let number = self.completed_by.len();
            if number >= CLASSES {
                return Err(format!("more than {CLASSES} word classes in all rules together"));
            }
            self.completed_by.push(Vec::new());
            numbers.insert(name.as_str(), number);
            phrases.iter().try_for_each(|phrase| self.phrase(phrase, 1 << number))?;
        }
        let number = |name: &String| {
            numbers.get(name.as_str()).copied().ok_or_else(|| format!("there is no word class `{name}`"))
        };
        for pattern in &signal.pattern {
            let classes = pattern.classes.iter().map(number).collect::<Result<Vec<usize>, _>>()?;
            if !(1..=PATTERN).contains(&classes.len()) {
                return Err(format!("a pattern has 1 to {PATTERN} classes"));
            }
            let completing = if pattern.any_order { 0 } else { classes.len().saturating_sub(1) };
            for class in classes.iter().skip(completing) {
                if let Some(list) = self.completed_by.get_mut(*class) {
                    list.push(self.patterns.len());
                }
            }
            self.patterns.push(Compiled {
                rule,
                classes: classes.iter().map(|n| 1 << n).collect(),
                within: u64::from(pattern.within).saturating_mul(2),
                any_order: pattern.any_order,
                unless: pattern.unless.as_ref().map(number).transpose()?.map_or(0, |n| 1 << n),
                weight: pattern.weight,
            });
        }
        signal.literal.iter().try_for_each(|literal| self.literal(rule, literal))?;
        self.specials.extend(signal.detector.map(|special| (rule, special, signal.weight)));
        Ok(())
    }

    fn phrase(&mut self, phrase: &str, class: u64) -> Result<(), String> {
        let mut words = words(phrase);
        let Some(last) = words.pop().filter(|_| words.len() < PHRASE) else {
            return Err(format!("`{phrase}` does not have 1 to {PHRASE} words"));
        };
        words.reverse();
        let (at, bit) = last.bit();
        if let Some(block) = self.filter.get_mut(at) {
            *block |= bit;
        }
        self.phrases.entry(last.0).or_default().push(Phrase { before: words, classes: class });
        Ok(())
    }

    fn literal(&mut self, rule: usize, literal: &Literal) -> Result<(), String> {
        let text = literal.text.to_ascii_lowercase().into_bytes();
        let end = text.last().copied().unwrap_or(b'a');
        if !text.is_ascii() || end.is_ascii_alphanumeric() || text.len() > LITERAL {
            return Err(format!(
                "`{}` is not a literal: ASCII, at most {LITERAL} bytes, no letter at its end",
                literal.text
            ));
        }
        if let Some(slot) = self.literal_ends.get_mut(usize::from(end)) {
            *slot = true;
        }
        self.literals.push(CompiledLiteral {
            rule,
            text,
            line_start: literal.line_start,
            weight: literal.weight,
        });
        Ok(())
    }

    /// The classes of a word, given the words before it, the last of them first; and the most words that one of its
    /// phrases spans.
    pub(super) fn classes(
        &self,
        word: WordHash,
        before: impl Iterator<Item = WordHash> + Clone,
    ) -> (u64, usize) {
        let (at, bit) = word.bit();
        if self.filter.get(at).is_none_or(|block| block & bit == 0) {
            return (0, 0);
        }
        let Some(phrases) = self.phrases.get(&word.0) else { return (0, 0) };
        phrases.iter().fold((0, 0), |(classes, most), phrase| {
            let fits = phrase.before.len()
                == before.clone().zip(&phrase.before).take_while(|(a, b)| a == *b).count();
            let span = phrase.before.len().saturating_add(1);
            if fits { (classes | phrase.classes, most.max(span)) } else { (classes, most) }
        })
    }
}

/// The words of a phrase.
fn words(phrase: &str) -> Vec<WordHash> {
    let mut out = Vec::new();
    let mut word = WordHash::EMPTY;
    let mut take = |letter: Letter| match letter {
        Letter::Word(c) => word = word.with(c),
        Letter::Nothing => {}
        Letter::Gap(_) | Letter::Alone(_) => {
            if word != WordHash::EMPTY {
                out.push(word);
                word = WordHash::EMPTY;
            }
            if let Letter::Alone(c) = letter {
                out.push(WordHash::EMPTY.with(c));
            }
        }
    };
    for c in phrase.chars() {
        match u8::try_from(c) {
            Ok(byte) if byte.is_ascii() => take(ascii(byte)),
            _ => letters(c, &mut take),
        }
    }
    take(Letter::Gap(' '));
    out
}
