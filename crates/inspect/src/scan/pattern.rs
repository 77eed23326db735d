//! Rules, compiled.

use std::collections::HashMap;

use regex_syntax::hir::Hir;

use super::automata::Automata;
use super::groups::Wants;
use super::parse::{class, parse};
use super::starts::{Bytes, of};
use super::words::{Context, WordList, Words};
use crate::engine::EngineError;
use crate::rule::{Nearby, Recognizer};
use crate::validate::Validator;

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
    pub(super) words: Words,
    /// How much text before the undecided part must be kept.
    pub(super) before: usize,
}

/// What ends the matches of a rule.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// A letter or digit at either end.
    pub(crate) glued: bool,
    /// Any other last digit.
    pub(crate) checked: bool,
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
    /// The number of the value that follows, when the pattern is a lead.
    pub(super) value: Option<usize>,
    pub(super) validator: Validator,
    pub(super) confidence: u16,
    pub(super) context: Option<Context>,
    pub(super) without: Option<Context>,
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

    /// What ends the matches of a rule, by the rule's number.
    pub(crate) fn bounds(&self, rule: usize) -> Bounds {
        let mine = || self.patterns.iter().filter(|p| p.purpose == Purpose::Find(rule));
        let word = |class: &Class| {
            let set = |byte: u8| class.get(usize::from(byte)).copied().unwrap_or(false);
            set(b'q') && set(b'7')
        };
        Bounds {
            glued: mine().next().is_some()
                && mine().all(|p| p.value.is_none() && word(&p.left) && word(&p.right)),
            checked: mine().next().is_some() && mine().all(|p| p.validator.checks_digits()),
        }
    }

    /// Compiles recognizers; the number of a rule is its place in the list. Patterns that want a locale are left out
    /// unless `hinted` says that it is one of those chosen.
    pub(crate) fn new<'a>(
        rules: impl IntoIterator<Item = (&'a str, &'a Recognizer)>,
        hinted: impl Fn(&Recognizer) -> bool,
    ) -> Result<Self, EngineError> {
        let mut building = Building::default();
        for (rule, (id, recognizer)) in rules.into_iter().enumerate() {
            let hinted = hinted(recognizer);
            building
                .add(rule, recognizer, hinted)
                .map_err(|what| EngineError::Rule { id: id.to_owned(), what })?;
        }
        let Building { heads, values, longest, patterns, regions, words, .. } = building;
        let contexts = patterns.iter().flat_map(|p| p.context.iter().chain(&p.without));
        let before = contexts.map(|context| context.before.saturating_add(1)).max().unwrap_or(1);
        let left: Vec<Class> = patterns.iter().map(|p| p.left).collect();
        let wants = |p: &Pattern| Wants {
            context: p.context.is_some(),
            card: p.validator == Validator::Card && p.value.is_none(),
        };
        let wants: Vec<Wants> = patterns.iter().map(wants).collect();
        // Behind a lead its value comes, whatever that begins with.
        let right = |p: &Pattern| if p.value.is_some() { Bytes::default() } else { of(&p.right) };
        let right: Vec<Bytes> = patterns.iter().map(right).collect();
        let automata = Automata::new(&heads, &left, &right, &wants, &values)?;
        let wanting: Vec<(usize, &Context, usize)> = patterns
            .iter()
            .zip(&longest)
            .enumerate()
            .filter_map(|(number, (pattern, longest))| Some((number, pattern.context.as_ref()?, *longest)))
            .collect();
        let words = words.compile(&wanting)?;
        Ok(Self { automata, patterns, regions, words, before })
    }
}

/// What is compiled together once all rules are read.
#[derive(Default)]
struct Building {
    heads: Vec<Hir>,
    values: Vec<Hir>,
    /// Of each pattern with its lead, the most characters.
    longest: Vec<usize>,
    patterns: Vec<Pattern>,
    regions: Vec<Region>,
    words: WordList,
    /// Classes by what stands in their brackets: there are few.
    classes: HashMap<String, Class>,
}

impl Building {
    fn add(&mut self, rule: usize, recognizer: &Recognizer, hinted: bool) -> Result<(), String> {
        if recognizer.pattern.is_empty() && recognizer.region.is_empty() && recognizer.fingerprints.is_none()
        {
            return Err("neither a pattern nor a region".to_owned());
        }
        for pattern in &recognizer.pattern {
            let regex = bounded(&pattern.regex)?;
            let lead = pattern.lead.as_deref().map(bounded).transpose()?;
            let mut context = |nearby: &Option<Nearby>| match nearby {
                Some(nearby) if nearby.words.is_empty() || nearby.before.max(nearby.after) > WIDEST => {
                    Err(format!("a context has words and reaches {WIDEST} characters at most"))
                }
                Some(nearby) => Ok(Some(self.words.add(nearby))),
                None => Ok(None),
            };
            let (near, without) = (context(&pattern.context)?, context(&pattern.without)?);
            let (left, right) = (self.inside(&pattern.left)?, self.inside(&pattern.right)?);
            if pattern.hinted && !hinted {
                continue;
            }
            let most = |hir: &Hir| hir.properties().maximum_len().unwrap_or(LONGEST);
            self.longest.push(most(&regex).saturating_add(lead.as_ref().map_or(0, most)));
            let value = match lead {
                None => {
                    self.heads.push(regex);
                    None
                }
                Some(lead) => {
                    self.heads.push(lead);
                    self.values.push(regex);
                    Some(self.values.len().saturating_sub(1))
                }
            };
            self.patterns.push(Pattern {
                purpose: Purpose::Find(rule),
                left,
                right,
                value,
                validator: pattern.validator,
                confidence: pattern.confidence,
                context: near,
                without,
            });
        }
        recognizer.region.iter().try_for_each(|region| self.region(rule, region))
    }

    fn inside(&mut self, class: &str) -> Result<Class, String> {
        if let Some(known) = self.classes.get(class) {
            return Ok(*known);
        }
        let new = inside(class)?;
        self.classes.insert(class.to_owned(), new);
        Ok(new)
    }

    fn region(&mut self, rule: usize, region: &crate::rule::Region) -> Result<(), String> {
        if region.alphabet.is_some() == region.closer.is_some() {
            return Err("a region has either a closer or an alphabet".to_owned());
        }
        let number = self.regions.len();
        self.mark(&region.opener, Purpose::Open(number), inside(&region.left)?)?;
        if let Some(closer) = &region.closer {
            self.mark(closer, Purpose::Close(number), [false; 256])?;
        }
        let head = match &region.head {
            None => None,
            Some(head) => Some(Head {
                until: u8::try_from(head.until).map_err(|_| "`until` is not ASCII".to_owned())?,
                max: head.max,
                validator: head.validator,
            }),
        };
        if head.is_some() && region.alphabet.is_none() {
            return Err("a head needs an alphabet".to_owned());
        }
        self.regions.push(Region {
            rule,
            alphabet: region.alphabet.as_deref().map(inside).transpose()?,
            trim: inside(&region.trim)?,
            head,
            cap: region.cap,
            confidence: region.confidence,
        });
        Ok(())
    }

    fn mark(&mut self, regex: &str, purpose: Purpose, left: Class) -> Result<(), String> {
        self.heads.push(bounded(regex)?);
        self.longest.push(LONGEST);
        self.patterns.push(Pattern {
            purpose,
            left,
            right: [false; 256],
            value: None,
            validator: Validator::None,
            confidence: 0,
            context: None,
            without: None,
        });
        Ok(())
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

fn inside(class_inside: &str) -> Result<Class, String> {
    class(class_inside).map_err(|e| format!("class `{class_inside}`: {e}"))
}
