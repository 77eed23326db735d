//! Names of people, places and organisations, addresses, births and health: what has no form and no check digit.
//!
//! A linear model labels the tokens of a text one by one and the best sequence wins (a structured perceptron with
//! Viterbi decoding; Collins, EMNLP 2002). A token is judged by its word, its letters at both ends, how it is written,
//! two neighbours to each side, the field that it stands in, and whether lists know it. The model is trained on texts
//! that are made up (`cargo xtask train pii`), so it knows no person.

mod feature;
mod gazetteer;
mod model;
mod names;
mod place;
mod token;
mod trim;

pub use feature::{FEATURES, Features, Sentence};
pub use gazetteer::{CLASSES, Classes, Gazetteer};
pub use model::{BITS, Calibration, KINDS, Kind, LABELS, Model, Row, Stretch, best, follows, row_of};
pub use token::{Token, tokens};

pub(crate) use names::{NameReader, Named, Names};

/// The embedded model.
static WEIGHTS: &[u8] = include_bytes!("pii.model");

/// The embedded lists.
static LISTS: &str = include_str!("gazetteer.txt");

/// Tags texts.
#[derive(Debug, Clone)]
pub struct Tagger {
    model: Model,
    gazetteer: Gazetteer,
}

/// A place in a text that was tagged. Offsets are bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tagged {
    /// What it is.
    pub kind: Kind,
    /// First byte.
    pub start: usize,
    /// One past the last.
    pub end: usize,
    /// How sure, in thousandths.
    pub confidence: u16,
}

impl Tagger {
    /// The tagger that is built in. `None` when the embedded model is damaged, which a test rules out.
    #[must_use]
    pub fn built_in() -> Option<Self> {
        Some(Self { model: Model::read(WEIGHTS)?, gazetteer: Gazetteer::parse(LISTS) })
    }

    /// A tagger of other weights and lists.
    #[must_use]
    pub const fn new(model: Model, gazetteer: Gazetteer) -> Self {
        Self { model, gazetteer }
    }

    /// What a text holds, in order of place. Time and memory are linear in its length.
    #[must_use]
    pub fn tag(&self, text: &str) -> Vec<Tagged> {
        let sentence = Sentence::new(tokens(text), &self.gazetteer);
        let tagged = |stretch: &Stretch| {
            let (confidence, enough) = self.model.judge(stretch);
            let covered = sentence.tokens().get(stretch.first..stretch.end)?;
            let start = covered.first()?.start;
            let end = possessor(text, start, covered.last()?.end);
            enough.then_some(Tagged { kind: stretch.kind, start, end, confidence })
        };
        self.stretches(&sentence).iter().filter_map(tagged).collect()
    }

    /// What a sentence holds, however unsure.
    #[must_use]
    pub fn stretches(&self, sentence: &Sentence) -> Vec<Stretch> {
        self.model.tag(sentence).into_iter().filter_map(|stretch| trim::trimmed(sentence, stretch)).collect()
    }

    /// The lists.
    #[must_use]
    pub const fn gazetteer(&self) -> &Gazetteer {
        &self.gazetteer
    }
}

/// The end without the `'s` of a possessive: `Anna's` is about Anna.
fn possessor(text: &str, start: usize, end: usize) -> usize {
    let covered = text.get(start..end).unwrap_or_default();
    let name = ["'s", "’s", "'S", "’S"].iter().find_map(|ending| covered.strip_suffix(ending));
    name.map_or(end, |name| start.saturating_add(name.len()))
}
