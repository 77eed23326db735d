//! Text as tokens: words, numbers, single signs, ends of lines.

/// The first and last letters of a word that count as its beginning and end.
const AFFIX: usize = 4;

/// A token with what features are made of. Hashes are of the lower-case form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// First byte.
    pub start: usize,
    /// One past the last.
    pub end: usize,
    /// The whole word.
    pub(crate) word: u64,
    /// Its first two and three letters.
    pub(crate) prefixes: [u64; 2],
    /// Its last two, three and four letters.
    pub(crate) suffixes: [u64; 3],
    pub(crate) shape: Shape,
}

/// What a token looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub(crate) enum Shape {
    /// Outside the text.
    Edge,
    Line,
    Sign,
    Lower,
    /// First letter large, others small.
    Title,
    /// One large letter.
    Initial,
    Upper,
    /// Large letters inside.
    Mixed,
    /// Letters of another script than the Latin one, which the tagger does not know.
    Foreign,
    Digit1,
    Digit2,
    Digit4,
    Digit5,
    /// Any other number of digits.
    Digits,
    /// Letters and digits.
    Alnum,
}

/// A hash that depends on nothing but its input: it is part of the model's format.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mix(u64);

impl Mix {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x2545_f491_4f6c_dd1d)
    }

    pub(crate) const fn with(self, value: u64) -> Self {
        let mixed = (self.0.rotate_left(23) ^ value).wrapping_mul(0xff51_afd7_ed55_8ccd);
        Self(mixed ^ (mixed >> 32))
    }

    pub(crate) const fn get(self) -> u64 {
        self.0
    }
}

/// The hash of a lower-case word.
pub(crate) fn word_hash(word: &str) -> u64 {
    word.chars().fold(Mix::new(0), |mix, c| mix.with(u64::from(u32::from(c)))).get()
}

/// The hash of a single sign.
pub(crate) fn sign_hash(sign: char) -> u64 {
    Mix::new(0).with(u64::from(u32::from(sign))).get()
}

/// The hash of an ending of four letters.
pub(crate) fn suffix_hash(ending: &str) -> u64 {
    ending.chars().rev().fold(Mix::new(1), |mix, c| mix.with(u64::from(u32::from(c)))).get()
}

/// Cuts a text into tokens. White space other than ends of lines separates and is no token; several ends of lines are one.
pub fn tokens(text: &str) -> Vec<Token> {
    let mut out: Vec<Token> = Vec::with_capacity(text.len() / 5);
    let mut chars = text.char_indices().peekable();
    while let Some((start, c)) = chars.next() {
        if c == '\n' {
            match out.last_mut() {
                Some(last) if last.shape == Shape::Line => last.end = start.saturating_add(1),
                _ => out.push(Token::sign(start, c, Shape::Line)),
            }
        } else if c.is_alphanumeric() {
            let mut word = Word::new(c);
            let mut end = start.saturating_add(c.len_utf8());
            while let Some((at, next)) = chars.peek().copied() {
                let joins = next.is_alphanumeric()
                    || is_mark(next)
                    || (matches!(next, '\'' | '’') && followed_by_letter(text, at, next));
                if !joins {
                    break;
                }
                word.add(next);
                end = at.saturating_add(next.len_utf8());
                chars.next();
            }
            out.push(word.finish(start, end));
        } else if !c.is_whitespace() && !is_mark(c) && !c.is_control() {
            out.push(Token::sign(start, c, Shape::Sign));
        }
    }
    out
}

/// Letters outside the Latin blocks (Latin-1 to Latin Extended-B, Latin Extended Additional).
fn is_foreign(c: char) -> bool {
    c.is_alphabetic() && !matches!(c, '\u{80}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}')
}

/// Combining marks of the Latin script.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}')
}

fn followed_by_letter(text: &str, at: usize, mark: char) -> bool {
    let after = text.get(at.saturating_add(mark.len_utf8())..).unwrap_or_default();
    after.chars().next().is_some_and(char::is_alphabetic)
}

/// A word that is being read.
struct Word {
    length: usize,
    hash: Mix,
    prefixes: [u64; 2],
    /// The last letters, the latest first.
    last: [u64; AFFIX],
    first_upper: bool,
    foreign: bool,
    uppers: usize,
    lowers: usize,
    digits: usize,
}

impl Word {
    fn new(first: char) -> Self {
        let mut word = Self {
            length: 0,
            hash: Mix::new(0),
            prefixes: [0; 2],
            last: [0; AFFIX],
            first_upper: first.is_uppercase(),
            foreign: false,
            uppers: 0,
            lowers: 0,
            digits: 0,
        };
        word.add(first);
        word
    }

    fn add(&mut self, c: char) {
        let small = if c.is_ascii() {
            self.digits = self.digits.saturating_add(usize::from(c.is_ascii_digit()));
            self.uppers = self.uppers.saturating_add(usize::from(c.is_ascii_uppercase()));
            self.lowers = self.lowers.saturating_add(usize::from(c.is_ascii_lowercase()));
            c.to_ascii_lowercase()
        } else {
            self.foreign |= is_foreign(c);
            self.digits = self.digits.saturating_add(usize::from(c.is_numeric()));
            self.uppers = self.uppers.saturating_add(usize::from(c.is_uppercase()));
            self.lowers = self.lowers.saturating_add(usize::from(c.is_lowercase()));
            match c {
                '’' => '\'',
                c => c.to_lowercase().next().unwrap_or(c),
            }
        };
        let value = u64::from(u32::from(small));
        self.hash = self.hash.with(value);
        self.length = self.length.saturating_add(1);
        match self.length {
            2 => self.prefixes = [self.hash.get(), 0],
            3 => {
                let [two, _] = self.prefixes;
                self.prefixes = [two, self.hash.get()];
            }
            _ => {}
        }
        let [a, b, c, _] = self.last;
        self.last = [value, a, b, c];
    }

    fn finish(self, start: usize, end: usize) -> Token {
        let [a, b, c, d] = self.last;
        let two = Mix::new(1).with(a).with(b);
        let three = two.with(c);
        let shape = match (self.uppers, self.lowers, self.digits) {
            _ if self.foreign => Shape::Foreign,
            (0, 0, 0) => Shape::Foreign,
            (0, 0, 1) if self.length == 1 => Shape::Digit1,
            (0, 0, n) if n == self.length => match n {
                2 => Shape::Digit2,
                4 => Shape::Digit4,
                5 => Shape::Digit5,
                _ => Shape::Digits,
            },
            (_, _, n) if n > 0 => Shape::Alnum,
            (0, ..) => Shape::Lower,
            (1, 0, _) => Shape::Initial,
            (_, 0, _) => Shape::Upper,
            (1, ..) if self.first_upper => Shape::Title,
            _ => Shape::Mixed,
        };
        Token {
            start,
            end,
            word: self.hash.get(),
            prefixes: self.prefixes,
            suffixes: [two.get(), three.get(), three.with(d).get()],
            shape,
        }
    }
}

impl Token {
    /// What stands before the first token and after the last.
    pub(crate) const EDGE: Self =
        Self { start: 0, end: 0, word: 0, prefixes: [0; 2], suffixes: [0; 3], shape: Shape::Edge };

    /// Whether it is a word without digits.
    pub(crate) fn is_letters(&self) -> bool {
        matches!(self.shape, Shape::Lower | Shape::Title | Shape::Initial | Shape::Upper | Shape::Mixed)
    }

    fn sign(start: usize, c: char, shape: Shape) -> Self {
        let word = sign_hash(c);
        let end = start.saturating_add(c.len_utf8());
        Self { start, end, word, prefixes: [0; 2], suffixes: [0; 3], shape }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Vec<&str> {
        tokens(text).iter().map(|token| text.get(token.start..token.end).unwrap()).collect()
    }

    #[test]
    fn words_numbers_signs_and_lines() {
        assert_eq!(
            cut("Ms. O'Neil-Żak,\r\n\n12b 'x' "),
            ["Ms", ".", "O'Neil", "-", "Żak", ",", "\n\n", "12b", "'", "x", "'"]
        );
        let shapes: Vec<_> =
            tokens("a Bo C DE fG 1 22 1984 x2 é 山").iter().map(|token| token.shape).collect();
        use Shape::*;
        assert_eq!(
            shapes,
            [Lower, Title, Initial, Upper, Mixed, Digit1, Digit2, Digit4, Alnum, Lower, Foreign]
        );
    }

    #[test]
    fn hashes_are_of_the_small_form() {
        assert_eq!(tokens("Łódź")[0].word, word_hash("łódź"));
        assert_eq!(tokens("Maria")[0].suffixes, tokens("ARIA")[0].suffixes);
        assert_eq!(tokens("bronchitis")[0].suffixes[2], suffix_hash("itis"));
        assert_eq!(tokens("Maria")[0].prefixes, tokens("mar")[0].prefixes);
    }
}
