//! What stands in the `[signal]` table of a rule file.

use std::collections::BTreeMap;

use serde::Deserialize;

/// A family of signs that a text tries to steer a model.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Signal {
    /// The type of its findings. Rules of a family share their classes, and may add to those of others
    /// as `family.class`; a class named `mention` is shared by all.
    pub(crate) family: String,
    /// It is a sign in data only: its examples are read as what a tool gave back.
    #[serde(default)]
    pub(crate) in_data: bool,
    /// Something that words do not express.
    pub(crate) detector: Option<Special>,
    /// Weight of what the detector finds.
    #[serde(default)]
    pub(crate) weight: Weight,
    /// Words and phrases by the class that patterns name them by. `*` at the end of a word stands for any ending.
    #[serde(default)]
    pub(crate) classes: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    pub(crate) pattern: Vec<Proximity>,
    #[serde(default)]
    pub(crate) literal: Vec<Literal>,
}

/// Detectors that are code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Special {
    /// Links and images whose address carries data away.
    Address,
    /// Characters that people do not see and models read.
    HiddenText,
    /// Words of Latin letters with look-alikes of other scripts among them.
    MixedScript,
    /// A sign that was found in what had to be decoded first.
    Encoded,
    /// A row of made-up turns of a conversation.
    ManyTurns,
    /// One word, over and over.
    Repetition,
    /// A cell, value or line of data that tells a reader what to do.
    InstructionInData,
    /// Words and marks of code in an order that an optimiser made.
    AdversarialSuffix,
}

impl Signal {
    /// Whether this only lends words to the rules of its family.
    pub(crate) fn is_word_list(&self) -> bool {
        self.detector.is_none() && self.pattern.is_empty() && self.literal.is_empty()
    }
}

/// How much a sign weighs, in thousandths: in what a person or model says, and in data that a model is given to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Weight {
    pub(crate) said: u16,
    pub(crate) data: u16,
}

/// One word of each class, close together.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Proximity {
    pub(crate) classes: Vec<String>,
    /// The most words from the first to the last. An ideograph or kana counts as half a word, the end of a sentence as
    /// two.
    pub(crate) within: u32,
    /// The classes may come in any order.
    #[serde(default)]
    pub(crate) any_order: bool,
    /// A class of which no word may stand in the three words before.
    pub(crate) unless: Option<String>,
    /// A class of which no word may stand between the first and the last.
    pub(crate) without: Option<String>,
    /// What follows can say that it is about something else: then it weighs little more than half.
    pub(crate) object: Option<Object>,
    pub(crate) weight: Weight,
}

/// Where words after a sign say what it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Object {
    /// Behind a preposition (class `link`) within four words, none of which names what is the model's (class `ours`).
    Behind,
    /// The same, or any next word but those that go on after an object (class `follows`).
    Next,
}

/// Characters in this order. The last is neither letter nor digit.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Literal {
    /// ASCII, any case.
    pub(crate) text: String,
    /// Only at the beginning of a line.
    #[serde(default)]
    pub(crate) line_start: bool,
    /// It stands in quotation marks by its nature: they do not make it a mention.
    #[serde(default)]
    pub(crate) markup: bool,
    pub(crate) weight: Weight,
}
