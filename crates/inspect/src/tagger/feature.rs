//! What a token is judged by, as hashes.

use super::gazetteer::{Classes, Gazetteer};
use super::token::{Mix, Shape, Token, sign_hash};

/// The longest distance, in tokens, at which the name of a field still counts for its value.
const FIELD: usize = 8;

/// The features of one token.
pub type Features = [u64; FEATURES];

/// How many features a token has.
pub const FEATURES: usize = 29;

/// Tokens with what is known of the lines that they stand in.
#[derive(Debug, Clone)]
pub struct Sentence {
    pub(crate) tokens: Vec<Token>,
    classes: Vec<Classes>,
    /// For each token: the last word before the nearest `:` or `=` to its left in its line, and how it is written.
    fields: Vec<u64>,
    /// For each token: how letters are written in its line.
    cases: Vec<u64>,
}

impl Sentence {
    /// Looks words up and reads lines.
    #[must_use]
    pub fn new(tokens: Vec<Token>, gazetteer: &Gazetteer) -> Self {
        let classes = tokens.iter().map(|token| gazetteer.get(token.word)).collect();
        let fields = fields(&tokens);
        let cases = cases(&tokens);
        Self { tokens, classes, fields, cases }
    }

    /// How many tokens there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tokens.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// The tokens.
    #[must_use]
    pub fn tokens(&self) -> &[Token] {
        &self.tokens
    }

    pub(crate) fn classes(&self) -> &[Classes] {
        &self.classes
    }

    /// Forgets what is known of a word, as if it were new: names that nobody listed are learned this way.
    pub fn hide(&mut self, at: usize, word: bool, classes: bool) {
        if let Some(token) = self.tokens.get_mut(at).filter(|_| word) {
            token.word = Mix::new(99).get();
        }
        if let Some(known) = self.classes.get_mut(at).filter(|_| classes) {
            *known = 0;
        }
    }

    /// The features of a token. Each is a hash; two of one value are taken for the same.
    #[must_use]
    pub fn features(&self, at: usize) -> Features {
        let before = |n: usize| at.checked_sub(n).and_then(|at| self.tokens.get(at)).unwrap_or(&Token::EDGE);
        let after = |n: usize| self.tokens.get(at.saturating_add(n)).unwrap_or(&Token::EDGE);
        let class = |at: Option<usize>| at.and_then(|at| self.classes.get(at)).copied().map_or(0, u64::from);
        let (a, b, this, c, d) = (before(2), before(1), after(0), after(1), after(2));
        let (ga, gb) = (class(at.checked_sub(2)), class(at.checked_sub(1)));
        let (g, gc) = (class(Some(at)), class(at.checked_add(1)));
        let gd = class(at.checked_add(2));
        let s = shape(this);
        let (sa, sb, sc, sd) = (shape(a), shape(b), shape(c), shape(d));
        let [p2, p3] = this.prefixes;
        let [s2, s3, s4] = this.suffixes;
        let field = self.fields.get(at).copied().unwrap_or(0);
        let case = self.cases.get(at).copied().unwrap_or(0);
        let one = |n: u64, x: u64| Mix::new(n).with(x).get();
        let two = |n: u64, x: u64, y: u64| Mix::new(n).with(x).with(y).get();
        let three = |n: u64, x: u64, y: u64, z: u64| Mix::new(n).with(x).with(y).with(z).get();
        [
            one(1, this.word),
            two(2, this.word, s),
            two(3, b.word, s),
            two(4, c.word, s),
            one(5, a.word),
            one(6, d.word),
            two(7, b.word, this.word),
            two(8, this.word, c.word),
            three(9, a.word, b.word, s),
            three(10, c.word, d.word, s),
            two(11, p3, s),
            two(12, p2, s),
            two(13, s2, s),
            two(14, s3, s),
            two(15, s4, s),
            two(16, s, case),
            three(17, sb, s, sc),
            Mix::new(18).with(sa).with(sb).with(s).with(sc).with(sd).get(),
            two(19, g, s),
            three(20, gb, g, s),
            three(21, g, gc, s),
            Mix::new(22).with(gb).with(sb).with(g).with(s).with(gc).with(sc).get(),
            three(23, field, s, g),
            two(24, field, this.word),
            three(25, b.word, g, s),
            three(26, c.word, g, s),
            three(27, ga, gb, g),
            three(28, case, g, s),
            three(29, g, gc, gd),
        ]
    }
}

/// The shape, and of a sign which it is.
fn shape(token: &Token) -> u64 {
    match token.shape {
        Shape::Sign => token.word,
        shape => u64::from(shape as u8),
    }
}

fn fields(tokens: &[Token]) -> Vec<u64> {
    let mut out = Vec::with_capacity(tokens.len());
    let (colon, equals, comma) = (sign_hash(':'), sign_hash('='), sign_hash(','));
    let (mut last, mut field, mut distance) = (0, 0, 0_usize);
    for token in tokens {
        out.push(if distance <= FIELD { field } else { 0 });
        distance = distance.saturating_add(1);
        match token.shape {
            Shape::Line => (last, field) = (0, 0),
            Shape::Sign if token.word == colon || token.word == equals => (field, distance) = (last, 0),
            Shape::Sign if token.word == comma => field = 0,
            Shape::Sign => {}
            _ => last = token.word,
        }
    }
    out
}

/// 0 for lines without letters, 1 for small letters only, 2 for capitals only, 3 for many words that begin with a
/// capital, 4 for others.
fn cases(tokens: &[Token]) -> Vec<u64> {
    let mut out = Vec::with_capacity(tokens.len());
    for line in tokens.split_inclusive(|token| token.shape == Shape::Line) {
        let (mut small, mut titled, mut large) = (0_usize, 0_usize, 0_usize);
        for token in line {
            match token.shape {
                Shape::Lower => small = small.saturating_add(1),
                Shape::Title | Shape::Mixed | Shape::Initial => titled = titled.saturating_add(1),
                Shape::Upper => large = large.saturating_add(1),
                _ => {}
            }
        }
        let case = match (small, titled, large) {
            (0, 0, 0) => 0,
            (_, 0, 0) => 1,
            (0, 0, _) => 2,
            (small, titled, _) if titled > small => 3,
            _ => 4,
        };
        out.resize(out.len().saturating_add(line.len()), case);
    }
    out
}
