//! Rules, compiled.

use regex_syntax::hir::Hir;

use super::automata::Automata;
use super::closure::{class, parse};
use crate::engine::EngineError;
use crate::rule::{Nearby, Recognizer, Validator};

/// The longest match of a streamed pattern, in canonical characters.
const LONGEST: usize = 4096;

/// The widest context on either side.
const WIDEST: usize = 1024;

/// A set of canonical bytes.
pub(super) type Class = [bool; 256];

/// All patterns of all recognizers with their automata.
pub(crate) struct Patterns {
    pub(super) automata: Automata,
    pub(super) patterns: Vec<Pattern>,
    pub(super) regions: Vec<Region>,
    /// How much text before the undecided part must be kept.
    pub(super) before: usize,
}

/// What a pattern is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Its matches are findings of the rule with this number.
    Find(usize),
    /// It opens the region with this number.
    Open(usize),
    /// It closes the region with this number.
    Close(usize),
}

pub(super) struct Pattern {
    pub(super) purpose: Purpose,
    pub(super) left: Class,
    pub(super) right: Class,
    pub(super) validator: Validator,
    pub(super) confidence: u16,
    pub(super) context: Option<Nearby>,
}

pub(super) struct Region {
    pub(super) rule: usize,
    /// Runs as long as bytes are of it; without one, up to a closer.
    pub(super) alphabet: Option<Class>,
    pub(super) trim: Class,
    pub(super) head: Option<Head>,
    pub(super) cap: usize,
    pub(super) confidence: u16,
}

pub(super) struct Head {
    pub(super) until: u8,
    pub(super) max: usize,
    pub(super) validator: Validator,
}

impl Patterns {
    /// The automata, for their caches.
    pub(crate) fn automata(&self) -> &Automata {
        &self.automata
    }

    /// Compiles recognizers; the number of a rule is its place in the list.
    pub(crate) fn new<'a>(
        rules: impl IntoIterator<Item = (&'a str, &'a Recognizer)>,
    ) -> Result<Self, EngineError> {
        let mut hirs = Vec::new();
        let mut patterns = Vec::new();
        let mut regions = Vec::new();
        for (rule, (id, recognizer)) in rules.into_iter().enumerate() {
            let wrong = |what: String| EngineError::Rule { id: id.to_owned(), what };
            let class = |inside: &str| class(inside).map_err(|e| wrong(format!("class `{inside}`: {e}")));
            if recognizer.pattern.is_empty() && recognizer.region.is_empty() {
                return Err(wrong("neither a pattern nor a region".to_owned()));
            }
            for pattern in &recognizer.pattern {
                if let Some(context) = &pattern.context
                    && (context.words.is_empty() || context.before.max(context.after) > WIDEST)
                {
                    return Err(wrong(format!(
                        "a context has words and reaches {WIDEST} characters at most"
                    )));
                }
                hirs.push(bounded(&pattern.regex).map_err(wrong)?);
                patterns.push(Pattern {
                    purpose: Purpose::Find(rule),
                    left: class(&pattern.left)?,
                    right: class(&pattern.right)?,
                    validator: pattern.validator,
                    confidence: pattern.confidence,
                    context: pattern.context.as_ref().map(Nearby::lower),
                });
            }
            for region in &recognizer.region {
                if region.alphabet.is_some() == region.closer.is_some() {
                    return Err(wrong("a region has either a closer or an alphabet".to_owned()));
                }
                let mark = |purpose, left| Pattern {
                    purpose,
                    left,
                    right: [false; 256],
                    validator: Validator::None,
                    confidence: 0,
                    context: None,
                };
                hirs.push(bounded(&region.opener).map_err(wrong)?);
                patterns.push(mark(Purpose::Open(regions.len()), class(&region.left)?));
                if let Some(closer) = &region.closer {
                    hirs.push(bounded(closer).map_err(wrong)?);
                    patterns.push(mark(Purpose::Close(regions.len()), [false; 256]));
                }
                let head = match &region.head {
                    None => None,
                    Some(head) => Some(Head {
                        until: u8::try_from(head.until)
                            .map_err(|_| wrong("`until` is not ASCII".to_owned()))?,
                        max: head.max,
                        validator: head.validator,
                    }),
                };
                if head.is_some() && region.alphabet.is_none() {
                    return Err(wrong("a head needs an alphabet".to_owned()));
                }
                regions.push(Region {
                    rule,
                    alphabet: region.alphabet.as_deref().map(class).transpose()?,
                    trim: class(&region.trim)?,
                    head,
                    cap: region.cap,
                    confidence: region.confidence,
                });
            }
        }
        let before = patterns.iter().filter_map(|p| p.context.as_ref().map(|c| c.before)).max();
        let before = before.unwrap_or(0).max(1);
        let left: Vec<Class> = patterns.iter().map(|p| p.left).collect();
        Ok(Self { automata: Automata::new(&hirs, &left)?, patterns, regions, before })
    }
}

impl Pattern {
    /// Whether a match within another, with the same end, adds nothing.
    pub(super) fn is_found_alike(&self) -> bool {
        matches!(self.purpose, Purpose::Find(_)) && !self.validator.weighs()
    }
}

/// A pattern that can be streamed: bounded, not empty, without look-around.
fn bounded(pattern: &str) -> Result<Hir, String> {
    let hir = parse(pattern).map_err(|e| e.to_string())?;
    let properties = hir.properties();
    if !properties.look_set().is_empty() {
        return Err(format!("`{pattern}` looks around: use `left` and `right`"));
    }
    match (properties.minimum_len(), properties.maximum_len()) {
        (Some(1..), Some(..=LONGEST)) => Ok(hir),
        _ => Err(format!("`{pattern}` must match from 1 to {LONGEST} characters")),
    }
}
