//! Weights, and the best sequence of labels under them.

use serde::Deserialize;

use super::feature::{FEATURES, Features, Sentence};

/// How many labels there are: none, and of each [`Kind`] the first token and a further one.
pub const LABELS: usize = 13;

/// A weight for each label.
pub type Row = [i32; LABELS];

/// How many bits of a feature's hash choose its row.
pub const BITS: u32 = 17;

/// What a model's file begins with: a name and the version of the format, features included.
const MAGIC: &[u8; 8] = b"stk-pii1";

/// Length of what stands before the weights: the magic, transitions, and for each kind slope, intercept and threshold.
const HEAD: usize = 8 + LABELS * LABELS * 2 + KINDS * 6;

/// How many kinds there are.
pub const KINDS: usize = 6;

/// What is tagged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A person's name.
    Person,
    /// A town, region or country.
    Place,
    /// A company or other organisation.
    Organisation,
    /// A street with its number, and what belongs to it.
    Address,
    /// A date of birth or an age.
    Birth,
    /// A disease, a treatment, a medicine.
    Health,
}

/// Weights and thresholds.
#[derive(Debug, Clone)]
pub struct Model {
    /// By label from and label to.
    transitions: [Row; LABELS],
    calibration: [Calibration; KINDS],
    /// A row of [`LABELS`] weights for each value of a feature's hash, a byte each.
    weights: std::borrow::Cow<'static, [u8]>,
}

/// How a margin becomes a confidence, and from which confidence on it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Calibration {
    /// Of the logistic function, in 1/4096 for each unit of margin.
    pub slope: i16,
    /// Of the logistic function, in 1/256.
    pub intercept: i16,
    /// In thousandths. What is less sure is not reported.
    pub threshold: u16,
}

/// A stretch of tokens of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    /// First token.
    pub first: usize,
    /// One past the last.
    pub end: usize,
    /// What it is.
    pub kind: Kind,
    /// By how much the labels beat having none, in units of weight, at the mean of its tokens.
    pub margin: i32,
}

// === impl Kind ===

impl Kind {
    /// Every kind, in the order of labels.
    pub const ALL: [Self; KINDS] =
        [Self::Person, Self::Place, Self::Organisation, Self::Address, Self::Birth, Self::Health];

    /// The place in [`Kind::ALL`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The label of its first token; that of a further one is the next.
    #[must_use]
    pub const fn first_label(self) -> usize {
        1 + 2 * (self as usize)
    }
}

/// Whether one label may follow another: a further token follows a token of the same kind only.
#[must_use]
pub const fn follows(from: usize, to: usize) -> bool {
    to == 0 || to % 2 == 1 || from == to || from + 1 == to
}

// === impl Model ===

impl Model {
    /// Reads a model. `None` when it is not one of this format.
    #[must_use]
    pub fn read(bytes: &'static [u8]) -> Option<Self> {
        let (head, weights) = bytes.split_at_checked(HEAD)?;
        let (magic, head) = head.split_at_checked(MAGIC.len())?;
        let rows = 1_usize.checked_shl(BITS)?.checked_mul(LABELS)?;
        if magic != MAGIC || weights.len() != rows.checked_add(16)? {
            return None;
        }
        let mut numbers =
            head.chunks_exact(2).filter_map(|pair| Some(i16::from_le_bytes(pair.try_into().ok()?)));
        let mut transitions = [[0; LABELS]; LABELS];
        for row in &mut transitions {
            for cell in row {
                *cell = i32::from(numbers.next()?);
            }
        }
        let mut calibration = [Calibration::default(); KINDS];
        for kind in &mut calibration {
            let (slope, intercept) = (numbers.next()?, numbers.next()?);
            *kind = Calibration { slope, intercept, threshold: u16::try_from(numbers.next()?).ok()? };
        }
        Some(Self { transitions, calibration, weights: weights.into() })
    }

    /// A model of these weights: [`LABELS`] for each of the `1 << BITS` values of a hash.
    #[must_use]
    pub fn new(transitions: [Row; LABELS], weights: &[i8]) -> Self {
        let mut bytes: Vec<u8> = weights.iter().flat_map(|weight| weight.to_le_bytes()).collect();
        bytes.resize(bytes.len().saturating_add(16), 0);
        Self { transitions, calibration: [Calibration::default(); KINDS], weights: bytes.into() }
    }

    /// The same with another calibration.
    #[must_use]
    pub fn calibrated(self, calibration: [Calibration; KINDS]) -> Self {
        Self { calibration, ..self }
    }

    /// The model as [`Model::read`] reads it.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        let mut add = |value: i32| {
            let bound = i32::from(i16::MAX);
            let value = i16::try_from(value.clamp(-bound, bound)).unwrap_or(0);
            out.extend_from_slice(&value.to_le_bytes());
        };
        self.transitions.iter().flatten().for_each(|value| add(*value));
        for kind in &self.calibration {
            add(i32::from(kind.slope));
            add(i32::from(kind.intercept));
            add(i32::from(kind.threshold));
        }
        out.extend_from_slice(&self.weights);
        out
    }

    /// The confidence of a stretch in thousandths, and whether that is enough.
    #[must_use]
    pub fn judge(&self, stretch: &Stretch) -> (u16, bool) {
        let Some(by) = self.calibration.get(stretch.kind.index()) else { return (0, false) };
        let x = f64::from(by.slope) * f64::from(stretch.margin) / 4_096.0 + f64::from(by.intercept) / 256.0;
        let share = 1_000.0 / (1.0 + (-x).exp());
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 1000")]
        let sure = share.clamp(0.0, 1_000.0) as u16;
        (sure, sure >= by.threshold)
    }

    /// The stretches of the best sequence of labels (Viterbi).
    #[must_use]
    pub fn tag(&self, sentence: &Sentence) -> Vec<Stretch> {
        let scores: Vec<Row> = (0..sentence.len()).map(|at| self.score(&sentence.features(at))).collect();
        stretches(&best(&scores, &self.transitions), &scores)
    }

    fn score(&self, features: &Features) -> Row {
        let mut sum = [0_i16; 16];
        for feature in features {
            let row = row_of(*feature).saturating_mul(LABELS);
            let Some((row, _)) = self.weights.get(row..).and_then(<[u8]>::split_first_chunk::<16>) else {
                continue;
            };
            for (sum, weight) in sum.iter_mut().zip(row) {
                *sum = sum.wrapping_add(i16::from(i8::from_le_bytes([*weight])));
            }
        }
        // A sum of FEATURES bytes fits.
        const { assert!(FEATURES * 128 < i16::MAX as usize) };
        let mut out = [0; LABELS];
        for (out, sum) in out.iter_mut().zip(sum) {
            *out = i32::from(sum);
        }
        out
    }
}

/// The row of a feature.
#[must_use]
pub const fn row_of(feature: u64) -> usize {
    (feature >> (64 - BITS)) as usize
}

/// The sequence of labels with the highest sum of scores and transitions.
#[must_use]
pub fn best(scores: &[Row], transitions: &[Row; LABELS]) -> Vec<usize> {
    const NEVER: i32 = i32::MIN / 4;
    let mut back: Vec<[u8; LABELS]> = Vec::with_capacity(scores.len());
    // What stands before the text has no label, so a further token cannot come first.
    let mut sums = [NEVER; LABELS];
    if let Some(none) = sums.first_mut() {
        *none = 0;
    }
    for score in scores {
        let mut next = [NEVER; LABELS];
        let mut from = [0_u8; LABELS];
        for ((label, sum), row) in (0_u8..).zip(&sums).zip(transitions) {
            for (((next, from), to), step) in next.iter_mut().zip(&mut from).zip(0_usize..).zip(row) {
                let total = sum.saturating_add(*step);
                if total > *next && follows(usize::from(label), to) {
                    (*next, *from) = (total, label);
                }
            }
        }
        for (next, score) in next.iter_mut().zip(score) {
            *next = next.saturating_add(*score);
        }
        sums = next;
        back.push(from);
    }
    let last = (0..LABELS).zip(sums).max_by_key(|(_, sum)| *sum).map_or(0, |(label, _)| label);
    let mut labels = vec![last; scores.len()];
    let mut label = last;
    for (out, from) in labels.iter_mut().zip(&back).rev() {
        *out = label;
        label = from.get(label).copied().map_or(0, usize::from);
    }
    labels
}

/// The longest stretch of a kind, in tokens. What is longer is no name.
const fn longest(kind: Kind) -> usize {
    match kind {
        Kind::Person | Kind::Place | Kind::Health => 7,
        Kind::Organisation => 10,
        Kind::Birth => 8,
        Kind::Address => 24,
    }
}

/// Stretches of labels with their margins.
fn stretches(labels: &[usize], scores: &[Row]) -> Vec<Stretch> {
    let mut out: Vec<(Stretch, i32)> = Vec::new();
    for (at, (label, score)) in labels.iter().zip(scores).enumerate() {
        let Some(kind) = label.checked_sub(1).and_then(|label| Kind::ALL.get(label / 2)).copied() else {
            continue;
        };
        let margin = match (score.get(*label), score.first()) {
            (Some(this), Some(none)) => this.saturating_sub(*none),
            _ => 0,
        };
        match out.last_mut() {
            Some((last, sum)) if last.end == at && last.kind == kind && *label != kind.first_label() => {
                last.end = at.saturating_add(1);
                *sum = sum.saturating_add(margin);
            }
            _ => out.push((Stretch { first: at, end: at.saturating_add(1), kind, margin: 0 }, margin)),
        }
    }
    let mean = |(stretch, sum): (Stretch, i32)| {
        let length = i32::try_from(stretch.end.saturating_sub(stretch.first)).unwrap_or(i32::MAX).max(1);
        Stretch { margin: sum / length, ..stretch }
    };
    let short =
        |(stretch, _): &(Stretch, i32)| stretch.end.saturating_sub(stretch.first) <= longest(stretch.kind);
    out.into_iter().filter(short).map(mean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_further_token_needs_one_before_it() {
        let none = [[0; LABELS]; LABELS];
        let mut scores = vec![[0; LABELS]; 3];
        scores[0][2] = 50;
        scores[1][4] = 9;
        scores[2][4] = 20;
        scores[1][3] = 8;
        assert_eq!(best(&scores, &none), [3, 4, 4]);
    }
}
