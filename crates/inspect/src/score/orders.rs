//! Orders among data. A cell of a table, a value of JSON or a line of a log says what is; where one of them tells a reader
//! what to do, somebody may have put it there for a model.
//!
//! Each segment (a sentence, a cell, a value) is judged by itself, by a linear model that looks at its first words above
//! all. It speaks only of texts that are data for programs, and alone it never blocks.

use super::model::{ORDER_WEIGHTS, ORDERS};
use super::structure::Structure;

/// The shortest segment, in half words.
const SHORTEST: u64 = 6;

/// The longest, in half words: what is longer is cut.
const LONGEST: u64 = 80;

/// Odds from which on a segment is taken for an order, as the logarithm. Chosen so that about one in a hundred honest
/// segments of genres that were never trained on is above it.
const ORDER: f32 = 1.4;

/// The most segments that one text keeps: the likeliest.
const MOST: usize = 8;

/// A segment that tells a reader what to do, in original offsets.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Order {
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// How likely, in thousandths.
    pub(crate) likely: u16,
}

/// Judges the segments of a text.
#[derive(Debug, Default)]
pub(crate) struct Orders {
    structure: Structure,
    segment: Segment,
    /// A full stop or comma: what follows it tells whether it ends anything.
    pending: Option<(u8, usize)>,
    found: Vec<Order>,
    /// The features of each segment, when they are wanted.
    collected: Option<Vec<Vec<u32>>>,
}

#[derive(Debug, Default)]
struct Segment {
    start: usize,
    end: usize,
    width: u64,
    words: u32,
    /// It has a word that is no number.
    says: bool,
    /// The last words, newest first.
    last: [u64; 2],
    sum: i32,
    features: u32,
    collected: Vec<u32>,
}

impl Orders {
    /// One that gives features instead of judging.
    pub(crate) fn collecting() -> Self {
        Self { collected: Some(Vec::new()), ..Self::default() }
    }

    /// The features of each segment.
    pub(crate) fn into_features(mut self) -> Vec<Vec<u32>> {
        self.end_segment();
        self.collected.unwrap_or_default()
    }

    /// Sees a word; an ideograph counts as half of one.
    pub(crate) fn word(&mut self, word: u64, letters: &[u32], start: usize, end: usize, width: u64) {
        let digit = letters.first().is_some_and(|l| (0x30..=0x39).contains(l));
        let number = letters.iter().try_fold(0_u32, |number, letter| {
            let digit = letter.checked_sub(0x30).filter(|digit| *digit < 10)?;
            number.checked_mul(10)?.checked_add(digit)
        });
        self.structure.word(digit, number, start, end);
        if let Some((mark, place)) = self.pending.take() {
            let adjacent = place.saturating_add(1) == start;
            // `3.5` and `example.com` go on; `a,b` are two cells.
            if (mark == b',') == adjacent {
                self.end_segment();
            }
        }
        if self.segment.width >= LONGEST {
            self.end_segment();
        }
        if self.segment.words == 0 {
            self.segment.start = start;
        }
        let number = letters.iter().all(|l| (0x30..=0x39).contains(l));
        self.segment.says |= !digit;
        let word = if number { 0x6e } else { word };
        let [last, earlier] = self.segment.last;
        self.feature(word, 1);
        match self.segment.words {
            0 => self.feature(word, 2),
            1 => {
                self.feature(word, 3);
                self.feature(word ^ last.rotate_left(17), 4);
            }
            2 => {
                self.feature(word ^ last.rotate_left(17) ^ earlier.rotate_left(31), 5);
                self.feature(word ^ last.rotate_left(17), 6);
            }
            _ => self.feature(word ^ last.rotate_left(17), 6),
        }
        if width == 1 {
            self.feature(word ^ last.rotate_left(17) ^ earlier.rotate_left(31), 7);
        }
        if let Some(stem) = letters.get(..5).filter(|_| letters.len() > 6) {
            let stem = stem.iter().fold(0x51_u64, |h, l| (h ^ u64::from(*l)).wrapping_mul(0x0100_0000_01b3));
            self.feature(stem, if self.segment.words == 0 { 8 } else { 9 });
        }
        self.segment.last = [word, last];
        self.segment.words = self.segment.words.saturating_add(1);
        self.segment.width = self.segment.width.saturating_add(width);
        self.segment.end = end;
    }

    /// Sees what is neither letter nor digit.
    pub(crate) fn mark(&mut self, byte: u8, place: usize) {
        self.structure.mark(byte, place);
        match byte {
            b'.' | b',' => self.pending = Some((byte, place)),
            b' ' | b'\'' | b'-' | b'_' | b'/' | b'@' | b'`' | b'(' | b')' | b'&' | b'%' => {
                if let Some((b'.', _)) = self.pending {
                    self.pending = None;
                    self.end_segment();
                }
            }
            b':' => self.pending = None,
            b'?' => {
                self.feature(0x3f, 10);
                self.end_segment();
            }
            _ => self.end_segment(),
        }
    }

    /// The orders, if the text is one that has no business giving any.
    pub(crate) fn finish(&mut self) -> Vec<Order> {
        self.end_segment();
        if std::mem::take(&mut self.structure).finish() {
            std::mem::take(&mut self.found)
        } else {
            Vec::new()
        }
    }

    #[inline]
    fn feature(&mut self, hash: u64, kind: u64) {
        let hash = (hash ^ kind.wrapping_mul(0xd6e8_feb8_6659_fd93)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let hash = (hash ^ (hash >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let at = usize::try_from(hash >> 32).unwrap_or(0) & (ORDER_WEIGHTS - 1);
        self.segment.features = self.segment.features.saturating_add(1);
        if self.collected.is_some() {
            self.segment.collected.push(u32::try_from(at).unwrap_or(0));
        } else {
            self.segment.sum = self.segment.sum.saturating_add(i32::from(ORDERS.weight(at)));
        }
    }

    fn end_segment(&mut self) {
        self.pending = None;
        if self.segment.words == 0 {
            // A question mark alone leaves a feature behind.
            self.segment = Segment::default();
            return;
        }
        self.feature(self.segment.width.min(40) / 5, 11);
        let segment = std::mem::take(&mut self.segment);
        if segment.width < SHORTEST {
            return;
        }
        if let Some(collected) = &mut self.collected {
            collected.push(segment.collected);
            return;
        }
        // A row of numbers tells nobody to do anything.
        let logit = ORDERS.logit(segment.sum, segment.features);
        if logit < ORDER || !segment.says {
            return;
        }
        let likely = ORDERS.probability(logit);
        self.found.push(Order { start: segment.start, end: segment.end, likely });
        if self.found.len() > MOST {
            let least = |(_, order): &(usize, &Order)| (order.likely, std::cmp::Reverse(order.start));
            if let Some((at, _)) = self.found.iter().enumerate().min_by_key(least) {
                self.found.remove(at);
            }
        }
    }
}
