//! Word lists, compiled: what a word that was just read means together with the words before it.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

use super::fold::{Letter, Unit, ascii, letters, units};
use super::object::Objects;
use super::rule::{Literal, Object, Signal, Special, Weight};
use super::word::{STEM, Word, WordHash, jumble, jumbles_without_one};
use crate::engine::EngineError;

/// The most words of a phrase.
pub(super) const PHRASE: usize = 20;

/// The most classes of one pattern.
const PATTERN: usize = 8;

/// The most classes of all rules together: one bit each.
const CLASSES: usize = 128;

/// The longest literal, in bytes.
pub(super) const LITERAL: usize = 48;

/// Bits of the filter that turns most words away, and of the one for misspelt words.
const FILTER: usize = 1 << 17;
const JUMBLES: usize = 1 << 19;

/// The shortest word of which a letter may be missing, and of which one may be too many.
const MISSING: usize = 6;
const SURPLUS: usize = 7;

/// The shortest word that is cut out of letters without spaces.
const BEGINNING: usize = 3;

/// The shortest known word that is looked for backwards.
const DISGUISED: usize = 5;

/// The class of words that speak of attacks. It has this name in every rule, and is one for all.
const MENTION: &str = "mention";

/// Classes of words that say what a sign is about. They have these names in every rule, and each is one for all.
const LINK: &str = "link";
const OURS: &str = "ours";
const FOLLOWS: &str = "follows";
const OPEN: &str = "open";

/// The class of words after which a text is likely to be somebody else's: `summarise this`. One for all rules, too.
const PASTED: &str = "pasted";

pub(crate) struct Lexicon {
    /// Classes of words that mean something alone.
    singles: Table<u128>,
    /// Phrases by their last two words.
    phrases: Table<Vec<Phrase>>,
    /// Classes of words that begin so, by the hash of the beginning.
    stems: Table<u128>,
    /// Words by what stays the same when inner letters change places or one is missing.
    jumbles: Table<WordHash>,
    /// All words of phrases.
    known: HashSet<u64, BuildHasherDefault<Same>>,
    /// Words that are known ones in disguise.
    disguised: Table<Disguise>,
    /// Words of phrases, and disguised ones.
    filter: Filter,
    /// The last two words of phrases.
    pairs: Filter,
    stem_filter: Filter,
    jumble_filter: Filter,
    /// The first letters of known words.
    beginnings: Filter,
    /// Names of classes: family and name.
    numbers: HashMap<(String, String), usize>,
    /// The class of words that speak of attacks, if there is one.
    pub(super) mention: u128,
    /// The class of words that announce a text of somebody else, if there is one.
    pub(super) pasted: u128,
    pub(super) objects: Objects,
    pub(super) patterns: Vec<Compiled>,
    /// Patterns that a class can complete, by the class's number.
    pub(super) completed_by: Vec<Vec<usize>>,
    literals: Vec<CompiledLiteral>,
    /// By the byte that literals end with: from which on, and how many. They are sorted by it.
    literal_ends: [(u16, u16); 128],
    pub(super) specials: Vec<(usize, Special, Weight)>,
}

type Table<T> = HashMap<u64, T, BuildHasherDefault<Same>>;

struct Phrase {
    /// The words before the last two, the last of them first.
    before: Box<[WordHash]>,
    classes: u128,
}

/// How a known word can be written so that it is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Disguise {
    /// Each letter by the one thirteen places on.
    Rot13,
    /// Backwards.
    Reversed,
    /// Each letter by the one as far from the other end of the alphabet.
    Atbash,
}

/// A proximity pattern.
pub(super) struct Compiled {
    pub(super) rule: usize,
    /// One bit a class, in order.
    pub(super) classes: Vec<u128>,
    /// All of them.
    pub(super) needs: u128,
    /// In half words.
    pub(super) within: u64,
    pub(super) any_order: bool,
    pub(super) unless: u128,
    pub(super) without: u128,
    pub(super) object: Option<Object>,
    pub(super) weight: Weight,
}

pub(super) struct CompiledLiteral {
    pub(super) rule: usize,
    /// Lower case.
    pub(super) text: Vec<u8>,
    pub(super) line_start: bool,
    pub(super) markup: bool,
    pub(super) weight: Weight,
}

/// What a word means.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sense {
    pub(super) classes: u128,
    /// The most words that one of its phrases spans.
    pub(super) span: usize,
    /// The word that this one was meant to be, when its letters are not in place.
    pub(super) meant: Option<WordHash>,
    pub(super) disguise: Option<Disguise>,
}

/// A set that may say yes to what is not in it.
struct Filter {
    blocks: Box<[u64]>,
    bits: usize,
}

/// A hasher for keys that are hashes.
#[derive(Default)]
pub(super) struct Same(u64);

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

impl Filter {
    /// With a number of bits that is a power of two.
    fn new(bits: usize) -> Self {
        Self { blocks: vec![0; bits / 64].into_boxed_slice(), bits }
    }

    fn place(&self, key: u64) -> (usize, u64) {
        let bit = usize::try_from(WordHash(key).spread() >> 32).unwrap_or(0) & self.bits.saturating_sub(1);
        (bit / 64, 1 << (bit % 64))
    }

    fn add(&mut self, key: u64) {
        let (at, bit) = self.place(key);
        if let Some(block) = self.blocks.get_mut(at) {
            *block |= bit;
        }
    }

    #[inline]
    fn may_have(&self, key: u64) -> bool {
        let (at, bit) = self.place(key);
        self.blocks.get(at).is_some_and(|block| block & bit != 0)
    }
}

impl Lexicon {
    /// Compiles signal rules: each with its number among all rules, or none for a list of words that rules of its family
    /// use.
    pub(crate) fn new<'a>(
        rules: impl IntoIterator<Item = (Option<usize>, &'a str, &'a Signal)> + Clone,
    ) -> Result<Self, EngineError> {
        let mut lexicon = Self {
            singles: Table::default(),
            phrases: Table::default(),
            stems: Table::default(),
            jumbles: Table::default(),
            known: HashSet::default(),
            disguised: Table::default(),
            filter: Filter::new(FILTER),
            pairs: Filter::new(FILTER),
            stem_filter: Filter::new(FILTER / 4),
            jumble_filter: Filter::new(JUMBLES),
            beginnings: Filter::new(FILTER / 4),
            numbers: HashMap::new(),
            mention: 0,
            pasted: 0,
            objects: Objects::default(),
            patterns: Vec::new(),
            completed_by: Vec::new(),
            literals: Vec::new(),
            literal_ends: [(0, 0); 128],
            specials: Vec::new(),
        };
        let wrong = |id: &str| {
            let id = id.to_owned();
            move |what: String| EngineError::Rule { id, what }
        };
        for (_, id, signal) in rules.clone() {
            lexicon.words(signal).map_err(wrong(id))?;
        }
        for (rule, id, signal) in rules {
            if let Some(rule) = rule {
                lexicon.rule(rule, signal).map_err(wrong(id))?;
            }
        }
        lexicon.tolerate();
        lexicon.sort_literals();
        Ok(lexicon)
    }

    fn words(&mut self, signal: &Signal) -> Result<(), String> {
        for (name, phrases) in &signal.classes {
            let next = self.completed_by.len();
            let number = *self.numbers.entry(class_of(&signal.family, name)).or_insert(next);
            if number >= CLASSES {
                return Err(format!("more than {CLASSES} word classes in all rules together"));
            }
            if number == next {
                self.completed_by.push(Vec::new());
            }
            match name.as_str() {
                MENTION => self.mention = 1 << number,
                PASTED => self.pasted = 1 << number,
                LINK => self.objects.link = 1 << number,
                OURS => self.objects.ours = 1 << number,
                FOLLOWS => self.objects.follows = 1 << number,
                OPEN => self.objects.open = 1 << number,
                _ => {}
            }
            // What only says what a sign is about is no word to look for in disguise: there are too many, and short ones.
            let is_told = !matches!(name.as_str(), LINK | OURS | FOLLOWS | OPEN);
            phrases.iter().try_for_each(|phrase| self.phrase(phrase, 1 << number, is_told))?;
        }
        Ok(())
    }

    fn rule(&mut self, rule: usize, signal: &Signal) -> Result<(), String> {
        let numbers = &self.numbers;
        let number = |name: &String| {
            numbers
                .get(&class_of(&signal.family, name))
                .copied()
                .ok_or_else(|| format!("there is no word class `{name}`"))
        };
        for pattern in &signal.pattern {
            let classes = pattern.classes.iter().map(number).collect::<Result<Vec<usize>, _>>()?;
            if !(1..=PATTERN).contains(&classes.len()) {
                return Err(format!("a pattern has 1 to {PATTERN} classes"));
            }
            let completing = if pattern.any_order { 0 } else { classes.len().saturating_sub(1) };
            let mut listed: Vec<usize> = classes.iter().skip(completing).copied().collect();
            listed.sort_unstable();
            listed.dedup();
            for class in listed {
                if let Some(list) = self.completed_by.get_mut(class) {
                    list.push(self.patterns.len());
                }
            }
            self.patterns.push(Compiled {
                rule,
                classes: classes.iter().map(|n| 1 << n).collect(),
                needs: classes.iter().fold(0, |all, n| all | 1 << n),
                within: u64::from(pattern.within).saturating_mul(2),
                any_order: pattern.any_order,
                unless: pattern.unless.as_ref().map(number).transpose()?.map_or(0, |n| 1 << n),
                without: pattern.without.as_ref().map(number).transpose()?.map_or(0, |n| 1 << n),
                object: pattern.object,
                weight: pattern.weight,
            });
        }
        signal.literal.iter().try_for_each(|literal| self.literal(rule, literal))?;
        self.specials.extend(signal.detector.map(|special| (rule, special, signal.weight)));
        Ok(())
    }

    fn phrase(&mut self, phrase: &str, class: u128, is_told: bool) -> Result<(), String> {
        if let Some(stem) = phrase.strip_suffix('*') {
            let words = words(stem);
            let [word] = words.as_slice() else { return Err(format!("`{phrase}`: a stem is one word")) };
            if !STEM.contains(&word.len) {
                return Err(format!("`{phrase}`: a stem has {STEM:?} letters"));
            }
            if let Some(first) = word.letters().get(..BEGINNING) {
                self.beginnings.add(WordHash::of(first.iter().copied()).0);
            }
            if let Some(short) = word.letters().get(..*STEM.start()) {
                self.stem_filter.add(WordHash::of(short.iter().copied()).0);
            }
            self.stem_filter.add(word.hash.0);
            *self.stems.entry(word.hash.0).or_default() |= class;
            return Ok(());
        }
        let mut words = words(phrase);
        for word in &words {
            self.filter.add(word.hash.0);
            if is_told && self.known.insert(word.hash.0) {
                if let Some(first) = word.letters().get(..BEGINNING) {
                    self.beginnings.add(WordHash::of(first.iter().copied()).0);
                }
                self.disguise(word);
                self.jumble(word);
            }
        }
        let Some(last) = words.pop().filter(|_| words.len() < PHRASE) else {
            return Err(format!("`{phrase}` does not have 1 to {PHRASE} words"));
        };
        let Some(second) = words.pop() else {
            *self.singles.entry(last.hash.0).or_default() |= class;
            return Ok(());
        };
        words.reverse();
        let pair = pair(last.hash, second.hash);
        self.pairs.add(pair);
        let before: Box<[WordHash]> = words.iter().map(|word| word.hash).collect();
        let known = self.phrases.entry(pair).or_default();
        match known.iter_mut().find(|known| known.before == before) {
            Some(known) => known.classes |= class,
            None => known.push(Phrase { before, classes: class }),
        }
        Ok(())
    }

    fn disguise(&mut self, word: &Word) {
        let letters = word.letters();
        if letters.len() >= DISGUISED {
            self.disguised.insert(WordHash::of(letters.iter().rev().copied()).0, Disguise::Reversed);
        }
        if letters.len() >= DISGUISED - 1 && letters.iter().all(|l| (0x61..=0x7a).contains(l)) {
            let turned = letters.iter().map(|l| (l - 0x61 + 13) % 26 + 0x61);
            self.disguised.insert(WordHash::of(turned).0, Disguise::Rot13);
            let mirrored = letters.iter().map(|l| 0x61 + 0x7a - l);
            self.disguised.insert(WordHash::of(mirrored).0, Disguise::Atbash);
        }
    }

    fn jumble(&mut self, word: &Word) {
        let letters = word.letters();
        if let Some(key) = jumble(letters) {
            self.jumbles.insert(key, word.hash);
            if letters.len() >= MISSING {
                for key in jumbles_without_one(letters) {
                    self.jumbles.entry(key).or_insert(word.hash);
                }
            }
        }
    }

    /// Makes the filters of what is not exactly a known word.
    fn tolerate(&mut self) {
        let known = &self.known;
        self.disguised.retain(|hash, _| !known.contains(hash));
        self.disguised.keys().for_each(|hash| self.filter.add(*hash));
        self.jumbles.keys().for_each(|key| self.jumble_filter.add(*key));
    }

    /// Puts literals in the order in which they are looked up: a text full of what they end with must not be compared
    /// with all of them.
    fn sort_literals(&mut self) {
        let end = |literal: &CompiledLiteral| literal.text.last().copied().unwrap_or(0);
        self.literals.sort_by_key(end);
        for (byte, slot) in (0_u8..).zip(&mut self.literal_ends) {
            let from = self.literals.partition_point(|literal| end(literal) < byte);
            let to = self.literals.partition_point(|literal| end(literal) <= byte);
            let number = |place: usize| u16::try_from(place).unwrap_or(u16::MAX);
            *slot = (number(from), number(to.saturating_sub(from)));
        }
    }

    /// The literals that end with a byte.
    #[inline]
    pub(super) fn literals_at(&self, byte: u8) -> &[CompiledLiteral] {
        match self.literal_ends.get(usize::from(byte)) {
            Some((from, count)) if *count > 0 => {
                let from = usize::from(*from);
                self.literals.get(from..from.saturating_add(usize::from(*count))).unwrap_or_default()
            }
            _ => &[],
        }
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
        self.literals.push(CompiledLiteral {
            rule,
            text,
            line_start: literal.line_start,
            markup: literal.markup,
            weight: literal.weight,
        });
        Ok(())
    }

    /// Whether there are no rules, so that nothing needs to be read for words.
    pub(crate) fn is_empty(&self) -> bool {
        self.patterns.is_empty() && self.literals.is_empty() && self.specials.is_empty()
    }

    /// Whether a word stands in a phrase.
    pub(super) fn knows(&self, word: WordHash) -> bool {
        self.known.contains(&word.0)
    }

    /// Whether a word that means something by itself could stand within letters.
    pub(super) fn holds(&self, letters: &[u32]) -> bool {
        let stands = |from: usize| {
            let mut hash = WordHash::EMPTY;
            for (length, letter) in (1..=*STEM.end()).zip(letters.get(from..).into_iter().flatten()) {
                hash = hash.with(*letter);
                if length == BEGINNING && !self.beginnings.may_have(hash.0) {
                    return false;
                }
                let told = length >= BEGINNING
                    && self.filter.may_have(hash.0)
                    && self.singles.get(&hash.0).is_some_and(|classes| classes & !self.objects.all() != 0);
                if told
                    || STEM.contains(&length)
                        && self.stem_filter.may_have(hash.0)
                        && self.stems.contains_key(&hash.0)
                {
                    return true;
                }
            }
            false
        };
        (0..letters.len()).any(stands)
    }

    /// Whether a word of a text means something by itself.
    pub(crate) fn tells(&self, text: &str) -> bool {
        let mut word = Word::EMPTY;
        let mut told = false;
        let mut end = |word: &mut Word| {
            if word.len > 0 && !told {
                let sense = self.sense(word, std::iter::empty());
                told = sense.classes & !self.objects.all() != 0;
            }
            word.clear();
        };
        for c in text.chars() {
            units(c, |unit| match unit {
                Unit::Part(c) => word.push(u32::from(c)),
                Unit::End => end(&mut word),
            });
        }
        end(&mut word);
        told
    }

    /// What a word means, given the words before it, the last of them first.
    pub(super) fn sense(&self, word: &Word, before: impl Iterator<Item = WordHash> + Clone) -> Sense {
        let mut sense = Sense::default();
        let known = self.filter.may_have(word.hash.0) && {
            self.exact(word.hash, before.clone(), &mut sense);
            sense.disguise = self.disguised.get(&word.hash.0).copied();
            self.knows(word.hash)
        };
        let letters = word.letters();
        if let Some(short) = letters.get(..*STEM.start()) {
            let mut hash = WordHash::of(short.iter().copied());
            if self.stem_filter.may_have(hash.0) {
                let mut rest = letters.iter().skip(*STEM.start());
                loop {
                    if self.stem_filter.may_have(hash.0)
                        && let Some(classes) = self.stems.get(&hash.0)
                    {
                        sense.classes |= classes;
                        sense.span = sense.span.max(1);
                    }
                    let Some(letter) = rest.next() else { break };
                    hash = hash.with(*letter);
                }
            }
        }
        if sense.classes == 0
            && sense.disguise.is_none()
            && !known
            && let Some(meant) = self.meant(word)
        {
            sense.meant = Some(meant);
            self.exact(meant, before, &mut sense);
        }
        sense
    }

    fn exact(&self, word: WordHash, before: impl Iterator<Item = WordHash> + Clone, sense: &mut Sense) {
        if let Some(classes) = self.singles.get(&word.0) {
            sense.classes |= classes;
            sense.span = sense.span.max(1);
        }
        let mut before = before;
        let Some(second) = before.next() else { return };
        let pair = pair(word, second);
        if !self.pairs.may_have(pair) {
            return;
        }
        for phrase in self.phrases.get(&pair).into_iter().flatten() {
            let fits = phrase.before.len()
                == before.clone().zip(&phrase.before).take_while(|(a, b)| a == *b).count();
            if fits {
                sense.classes |= phrase.classes;
                sense.span = sense.span.max(phrase.before.len().saturating_add(2));
            }
        }
    }

    /// The known word of which a word is a misspelling: inner letters out of place, one missing or one too many.
    fn meant(&self, word: &Word) -> Option<WordHash> {
        let letters = word.letters();
        let key = jumble(letters).filter(|_| letters.len() == word.len)?;
        let lookup = |key: u64| {
            if self.jumble_filter.may_have(key) { self.jumbles.get(&key).copied() } else { None }
        };
        let other = |meant: &WordHash| *meant != word.hash;
        if let Some(meant) = lookup(key) {
            return Some(meant).filter(other);
        }
        if word.len < SURPLUS {
            return None;
        }
        jumbles_without_one(letters).find_map(lookup).filter(other)
    }
}

/// The key of two words that stand together.
fn pair(last: WordHash, second: WordHash) -> u64 {
    last.0.wrapping_mul(3) ^ second.0.rotate_left(29)
}

/// Family and name of a class as it is written in a rule of a family.
fn class_of(family: &str, name: &str) -> (String, String) {
    let (family, name) = name.split_once('.').unwrap_or((family, name));
    let shared = [MENTION, PASTED, LINK, OURS, FOLLOWS, OPEN].contains(&name);
    let family = if shared { name } else { family };
    (family.to_owned(), name.to_owned())
}

/// The words of a phrase.
pub(super) fn words(phrase: &str) -> Vec<Word> {
    let mut out = Vec::new();
    let mut word = Word::EMPTY;
    let mut take = |letter: Letter| match letter {
        Letter::Word(c) | Letter::Twin(c) => word.push(c),
        Letter::Nothing => {}
        Letter::Gap(_) | Letter::Alone(_) => {
            if word.len > 0 {
                out.push(std::mem::replace(&mut word, Word::EMPTY));
            }
            // The sign of an e-mail address is a word of its own.
            let alone = if letter == Letter::Gap('@') { Letter::Alone(u32::from('@')) } else { letter };
            if let Letter::Alone(c) = alone {
                let mut alone = Word::EMPTY;
                alone.push(c);
                out.push(alone);
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

// === second readings ===

impl Lexicon {
    /// A word with digits and symbols for letters, read so that it becomes a known one if it can.
    pub(crate) fn read_leet(&self, word: &str) -> String {
        let mut choices = vec![String::with_capacity(word.len())];
        for c in word.chars().map(|c| c.to_ascii_lowercase()) {
            let (first, second) = super::clue::stands_for(c).unwrap_or((c, None));
            if let Some(second) = second.filter(|_| choices.len() <= 8) {
                let mut others = choices.clone();
                others.iter_mut().for_each(|other| other.push(second));
                choices.iter_mut().for_each(|choice| choice.push(first));
                choices.append(&mut others);
            } else {
                choices.iter_mut().for_each(|choice| choice.push(first));
            }
        }
        let known = |word: &String| self.knows(WordHash::of(word.chars().map(u32::from)));
        let at = choices.iter().position(known).unwrap_or(0);
        choices.into_iter().nth(at).unwrap_or_default()
    }

    /// Letters without spaces, cut into known words and what stands between them; none where known words are less than a
    /// third of it. From each place the longest known word counts.
    pub(crate) fn cut(&self, letters: &str) -> Option<String> {
        let chars: Vec<char> = letters.chars().collect();
        let mut out = String::with_capacity(letters.len().saturating_mul(2));
        let (mut at, mut apart, mut words, mut covered) = (0, true, 0_usize, 0_usize);
        while let Some(rest) = chars.get(at..).filter(|rest| !rest.is_empty()) {
            let mut hash = WordHash::EMPTY;
            let mut longest = 0;
            for (length, c) in (1_usize..).zip(rest.iter().take(super::word::KEPT)) {
                hash = hash.with(u32::from(c.to_ascii_lowercase()));
                if length == BEGINNING && !self.beginnings.may_have(hash.0) {
                    break;
                }
                if length >= BEGINNING && self.knows(hash) {
                    longest = length;
                }
            }
            if longest > 0 {
                if !apart {
                    out.push(' ');
                }
                out.extend(rest.iter().take(longest));
                out.push(' ');
                words = words.saturating_add(1);
                covered = covered.saturating_add(longest);
            } else {
                out.extend(rest.first());
            }
            apart = longest > 0;
            at = at.saturating_add(longest.max(1));
        }
        (words >= 2 && covered.saturating_mul(3) >= chars.len()).then_some(out)
    }
}
