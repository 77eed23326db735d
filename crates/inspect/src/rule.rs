//! What stands in the `[recognizer]` table of a rule file.

use serde::Deserialize;
use stockade_domain::FindingKind;

use crate::fingerprint::Fingerprints;

pub(crate) use crate::validate::Validator;

/// A recognizer: patterns that are matched exactly, regions that run from an opener to a closer.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Recognizer {
    pub(crate) kind: FindingKind,
    /// The word of `redact:<type>`.
    #[serde(rename = "type")]
    pub(crate) ty: String,
    /// Countries (ISO 3166-1 alpha-2, lower case) that the rule is about; none for the whole world.
    #[serde(default)]
    pub(crate) locales: Vec<String>,
    #[serde(default)]
    pub(crate) pattern: Vec<Pattern>,
    #[serde(default)]
    pub(crate) region: Vec<Region>,
    /// Values that are known by keyed digests only.
    pub(crate) fingerprints: Option<Fingerprints>,
}

/// One shape of what is sought. A match is any stretch of the canonical view for which the regex matches exactly that
/// stretch, both neighbours are allowed, the context is there and the validator accepts.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pattern {
    /// Bytes, not Unicode; no look-around; a bounded length.
    pub(crate) regex: String,
    /// What must stand just before the match without being part of it, a regex of the same kind. The longest stretch
    /// that fits counts, and the match begins where it ends.
    pub(crate) lead: Option<String>,
    /// Characters that must not stand just before, as the inside of a bracketed class; empty allows all. With a lead,
    /// before the lead.
    #[serde(default)]
    pub(crate) left: String,
    /// Characters that must not stand just after.
    #[serde(default)]
    pub(crate) right: String,
    #[serde(default)]
    pub(crate) validator: Validator,
    /// In thousandths.
    pub(crate) confidence: u16,
    /// Words of which one must stand near.
    pub(crate) context: Option<Nearby>,
    /// Words of which none may.
    pub(crate) without: Option<Nearby>,
    /// Too weak to run unless one of the rule's locales is chosen.
    #[serde(default)]
    pub(crate) hinted: bool,
}

/// Words, and where they are looked for.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nearby {
    /// In any case and script. A word's neighbours are no Latin letters, unless a `*` stands at that end.
    pub(crate) words: Vec<String>,
    /// How many canonical characters before the match are searched.
    pub(crate) before: usize,
    /// How many after.
    pub(crate) after: usize,
}

/// A stretch whose end cannot be told from its beginning: withheld from the opener on.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Region {
    pub(crate) opener: String,
    /// Characters that must not stand just before the opener.
    #[serde(default)]
    pub(crate) left: String,
    /// A regex that ends the region, itself included.
    pub(crate) closer: Option<String>,
    /// Or: the region runs as long as the characters are of this class.
    pub(crate) alphabet: Option<String>,
    /// Characters of the alphabet that do not count at the end.
    #[serde(default)]
    pub(crate) trim: String,
    /// What must come first for the region to count.
    pub(crate) head: Option<Head>,
    /// The longest region, in canonical characters. A longer one is withheld to the end of the text, and incomplete.
    pub(crate) cap: usize,
    /// In thousandths.
    pub(crate) confidence: u16,
}

/// The beginning of a region up to one character, which a validator judges.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Head {
    pub(crate) until: char,
    /// A longer head is no region.
    pub(crate) max: usize,
    pub(crate) validator: Validator,
}
