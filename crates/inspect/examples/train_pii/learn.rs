//! A structured perceptron with averaged weights (Collins, EMNLP 2002), decoded with a margin.

use stockade_inspect::tagger::{
    BITS, Gazetteer, Kind, LABELS, Model, Row, Sentence, Token, best, follows, row_of, tokens,
};

use crate::generate::Sample;
use crate::random::Random;

/// By how much the right labels must win, so that close calls are trained on too.
const MARGIN: i32 = 6;

/// Weights while they are learned.
pub(crate) struct Learner {
    weights: Vec<Row>,
    /// Sums of the weights over time, less what later steps add.
    later: Vec<[i64; LABELS]>,
    transitions: [Row; LABELS],
    transitions_later: [[i64; LABELS]; LABELS],
    step: i64,
}

/// The right label of each token.
pub(crate) fn labels(sample: &Sample, tokens: &[Token]) -> Vec<usize> {
    let mut spans = sample.spans.iter().peekable();
    let mut inside: Option<Kind> = None;
    let label = |token: &Token| {
        while spans.next_if(|(_, span)| span.end <= token.start).is_some() {
            inside = None;
        }
        match spans.peek() {
            Some((kind, span)) if span.start < token.end => {
                let further = inside.replace(*kind).is_some();
                kind.first_label().saturating_add(usize::from(further))
            }
            _ => {
                inside = None;
                0
            }
        }
    };
    tokens.iter().map(label).collect()
}

impl Learner {
    pub(crate) fn new() -> Self {
        let rows = 1_usize << BITS;
        Self {
            weights: vec![[0; LABELS]; rows],
            later: vec![[0; LABELS]; rows],
            transitions: [[0; LABELS]; LABELS],
            transitions_later: [[0; LABELS]; LABELS],
            step: 0,
        }
    }

    /// Learns from one text. Gives how many labels were wrong.
    pub(crate) fn learn(&mut self, sample: &Sample, gazetteer: &Gazetteer, random: &mut Random) -> usize {
        let mut sentence = Sentence::new(tokens(&sample.text), gazetteer);
        let right = labels(sample, sentence.tokens());
        for (at, label) in right.iter().enumerate() {
            // Names that no list has, and words that are new.
            let (word, class) = if *label > 0 { (35, 30) } else { (15, 8) };
            sentence.hide(at, random.percent(word), random.percent(class));
        }
        let features: Vec<_> = (0..sentence.len()).map(|at| sentence.features(at)).collect();
        let scores: Vec<Row> = features
            .iter()
            .zip(&right)
            .map(|(features, right)| {
                let mut row = [0; LABELS];
                for weights in features.iter().filter_map(|feature| self.weights.get(row_of(*feature))) {
                    row.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += weight);
                }
                row.iter_mut()
                    .enumerate()
                    .filter(|(label, _)| label != right)
                    .for_each(|(_, sum)| *sum += MARGIN);
                row
            })
            .collect();
        let guessed = best(&scores, &self.transitions);
        self.step += 1;
        let mut wrong = 0;
        let (mut last_right, mut last_guessed) = (0, 0);
        for ((features, right), guessed) in features.iter().zip(&right).zip(&guessed) {
            if right != guessed {
                wrong += 1;
                for feature in features {
                    let row = row_of(*feature);
                    let (Some(weights), Some(later)) = (self.weights.get_mut(row), self.later.get_mut(row))
                    else {
                        continue;
                    };
                    for (label, change) in [(*right, 1), (*guessed, -1)] {
                        if let (Some(weight), Some(later)) = (weights.get_mut(label), later.get_mut(label)) {
                            *weight += change;
                            *later += i64::from(change) * self.step;
                        }
                    }
                }
            }
            if (last_right, right) != (last_guessed, guessed) {
                self.step_transition(last_right, *right, 1);
                self.step_transition(last_guessed, *guessed, -1);
            }
            (last_right, last_guessed) = (*right, *guessed);
        }
        wrong
    }

    fn step_transition(&mut self, from: usize, to: usize, change: i32) {
        let weight = self.transitions.get_mut(from).and_then(|row| row.get_mut(to));
        let later = self.transitions_later.get_mut(from).and_then(|row| row.get_mut(to));
        if let (Some(weight), Some(later)) = (weight, later) {
            *weight += change;
            *later += i64::from(change) * self.step;
        }
    }

    /// The averaged weights, a byte each.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "weights are rounded to a byte"
    )]
    pub(crate) fn model(&self) -> Model {
        let steps = self.step.max(1) as f64;
        let average = |weight: i32, later: i64| f64::from(weight) - later as f64 / steps;
        let all = self.weights.iter().flatten().zip(self.later.iter().flatten());
        let averages: Vec<f64> = all.map(|(weight, later)| average(*weight, *later)).collect();
        let mut sizes: Vec<f64> =
            averages.iter().map(|weight| weight.abs()).filter(|size| *size > 0.0).collect();
        sizes.sort_by(f64::total_cmp);
        let top = sizes.get(sizes.len() * 9_995 / 10_000).copied().unwrap_or(1.0).max(1e-9);
        let scale = 127.0 / top;
        let weights: Vec<i8> =
            averages.iter().map(|w| (w * scale).round().clamp(-127.0, 127.0) as i8).collect();
        let mut transitions = [[0; LABELS]; LABELS];
        let from = transitions.iter_mut().zip(&self.transitions).zip(&self.transitions_later).enumerate();
        for (at, ((out, row), later)) in from {
            for (to, ((out, weight), later)) in out.iter_mut().zip(row).zip(later).enumerate() {
                if follows(at, to) {
                    *out = (average(*weight, *later) * scale).round() as i32;
                }
            }
        }
        println!("scale {scale:.3}, {} weights", sizes.len());
        Model::new(transitions, &weights)
    }
}
