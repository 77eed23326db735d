//! Rules, compiled once, ready to examine texts and streams.

use std::sync::Arc;

use stockade_domain::{Channel, Direction, Finding, FindingKind, Role, Severity, SpanRef};
use stockade_rulebook::{Header, Rule, RuleError, Rulebook, Status};

use crate::fingerprint::{FingerprintError, FingerprintKey, Prints};
use crate::report::Report;
use crate::rule::Recognizer;
use crate::scan::{Patterns, Span};
use crate::scanner::Scanner;
use crate::signal::{Hit, Lexicon, Signal, Tracker};
use crate::tagger::{Named, Names};

/// A text is examined in pieces of this many bytes, so that memory does not grow with it.
const PIECE: usize = 64 * 1024;

/// A sign of less weight counts in the score only, in thousandths.
const LIGHT: u16 = 250;

/// Examines texts. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Engine {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) rules: Vec<Detecting>,
    pub(crate) sets: Vec<DetectorSet>,
    pub(crate) patterns: Patterns,
    pub(crate) lexicon: Lexicon,
    /// Values that are known by digests.
    pub(crate) prints: Option<Prints>,
    pub(crate) names: Option<Names>,
    /// Lists of words that signals use: they find nothing by themselves, but have examples.
    pub(crate) word_lists: Vec<WordList>,
}

/// A list of words for the signals of a family.
pub(crate) struct WordList {
    pub(crate) header: Header,
    pub(crate) family: Arc<str>,
    /// Its examples stand in data.
    pub(crate) in_data: bool,
}

/// What findings of one rule have in common.
pub(crate) struct Detecting {
    pub(crate) id: Arc<str>,
    pub(crate) kind: FindingKind,
    pub(crate) ty: Arc<str>,
    pub(crate) severity: Severity,
    pub(crate) reach: Reach,
    /// Its examples stand in data.
    pub(crate) in_data: bool,
    pub(crate) header: Header,
}

/// Where a text stands and how it is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Context {
    /// Which way it travels.
    pub direction: Direction,
    /// What part of a message it is. For a whole text the span's own channel counts.
    pub channel: Channel,
    /// Who is said to have said it. For a whole text the span's own role counts.
    pub role: Role,
    /// The text is the source of JSON strings, as tool arguments are: it is read as it stands *and* with its escapes
    /// resolved, and what either reading finds counts. A finding never cuts an escape in two.
    pub json_escapes: bool,
}

/// How much of a text a detector must see to say something about a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reach {
    /// A bounded neighbourhood: on a stream its findings come before the text leaves.
    Local,
    /// From an opener to an end that may be far: on a stream everything from the opener on is withheld.
    Region,
    /// All of it: on a stream its findings come at the end and can only annotate.
    Whole,
}

/// A detector of an engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detector {
    /// Its rule's id.
    pub id: Arc<str>,
    /// The family of its findings.
    pub kind: FindingKind,
    /// What it finds.
    pub ty: Arc<str>,
    /// Its reach.
    pub reach: Reach,
}

/// Detectors that run together, named in records instead of each of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DetectorSet {
    /// What they find (`pii`, `secret`, `injection`, `leak`, or `names` for the tagger), `@`, and the first 16 hexadecimal
    /// digits of a digest of all rules that the engine was made from: other rules, another id.
    pub id: Arc<str>,
    /// The detectors' ids.
    pub detectors: Vec<Arc<str>>,
}

/// Why rules do not make an engine.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A rule file cannot be loaded.
    #[error(transparent)]
    Load(#[from] RuleError),
    /// A rule is not one that can be run.
    #[error("rule `{id}`: {what}")]
    Rule {
        /// The rule.
        id: String,
        /// What is wrong with it.
        what: String,
    },
    /// The patterns together are too large for an automaton.
    #[error("the patterns are too large together: {0}")]
    Size(Box<dyn std::error::Error + Send + Sync>),
}

// === impl Engine ===

impl Engine {
    /// Compiles the rules under `recognizers` and `signals`. Removed rules do not run.
    ///
    /// # Errors
    /// [`EngineError`] when a rule cannot be loaded or run.
    pub fn new(rules: &Rulebook) -> Result<Self, EngineError> {
        Self::with_locales(rules, &[] as &[&str])
    }

    /// The same, with the weak patterns of some countries, which would find too much elsewhere: bare numbers whose
    /// check digit is all that tells them. Countries are ISO 3166-1 alpha-2 codes in any case.
    ///
    /// # Errors
    /// [`EngineError`] when a rule cannot be loaded or run.
    pub fn with_locales(rules: &Rulebook, locales: &[impl AsRef<str>]) -> Result<Self, EngineError> {
        Self::compile(rules, locales, Vec::new(), None)
    }

    /// The same as [`Engine::new`], with the tagger of names and the rules under `names`: people, places, organisations,
    /// addresses, births, health. Their findings come with the end of a text.
    ///
    /// # Errors
    /// [`EngineError`] when a rule cannot be loaded or run.
    pub fn with_names(rules: &Rulebook) -> Result<Self, EngineError> {
        Self::with_names_and_locales(rules, &[] as &[&str])
    }

    /// Both: names, and the weak patterns of some countries.
    ///
    /// # Errors
    /// [`EngineError`] when a rule cannot be loaded or run.
    pub fn with_names_and_locales(
        rules: &Rulebook,
        locales: &[impl AsRef<str>],
    ) -> Result<Self, EngineError> {
        Self::compile(rules, locales, names_of(rules)?, None)
    }

    /// The same as the others, with the key of fingerprints: rules with digests of values need it, and an engine is not
    /// made without it.
    ///
    /// # Errors
    /// [`EngineError`] when a rule cannot be loaded or run.
    pub fn with_fingerprints(
        rules: &Rulebook,
        locales: &[impl AsRef<str>],
        names: bool,
        key: &FingerprintKey,
    ) -> Result<Self, EngineError> {
        let names = if names { names_of(rules)? } else { Vec::new() };
        Self::compile(rules, locales, names, Some(key))
    }

    fn compile(
        rules: &Rulebook,
        locales: &[impl AsRef<str>],
        names: Vec<Rule<Named>>,
        key: Option<&FingerprintKey>,
    ) -> Result<Self, EngineError> {
        let digest = digest(rules, locales);
        let mut recognizers = rules.load::<Recognizer>("recognizers")?;
        recognizers.retain(|rule| rule.header.status != Status::Removed);
        let mut signals = rules.load::<Signal>("signals")?;
        signals.retain(|rule| rule.header.status != Status::Removed);
        let hinted = |recognizer: &Recognizer| {
            let chosen = |code: &String| locales.iter().any(|l| l.as_ref().eq_ignore_ascii_case(code));
            recognizer.locales.iter().any(chosen)
        };
        let prints = prints(&recognizers, key)?;
        let patterns = Patterns::new(recognizers.iter().map(|r| (r.header.id.as_str(), &r.body)), hinted)?;
        let (signals, lists): (Vec<_>, Vec<_>) =
            signals.into_iter().partition(|rule| !rule.body.is_word_list());
        let words = signals.iter().zip(recognizers.len()..).map(|(rule, number)| (Some(number), rule));
        let words = words.chain(lists.iter().map(|rule| (None, rule)));
        let lexicon = Lexicon::new(words.map(|(number, r)| (number, r.header.id.as_str(), &r.body)))?;
        let recognizers = recognizers.into_iter().map(|rule| {
            let reach = if rule.body.region.is_empty() { Reach::Local } else { Reach::Region };
            Detecting::new(rule.header, rule.body.kind, &rule.body.ty, reach)
        });
        let signals = signals.into_iter().map(|rule| Detecting {
            in_data: rule.body.in_data,
            ..Detecting::new(rule.header, FindingKind::Injection, &rule.body.family, Reach::Whole)
        });
        let mut rules: Vec<Detecting> = recognizers.chain(signals).collect();
        let tags: Vec<_> = (rules.len()..).zip(&names).map(|(at, rule)| (rule.body.tag, at)).collect();
        let tagger = if tags.is_empty() { None } else { Some(Names::new(&tags)?) };
        let names_count = names.len();
        rules.extend(
            names
                .into_iter()
                .map(|rule| Detecting::new(rule.header, FindingKind::Pii, &rule.body.ty, Reach::Whole)),
        );
        let named = rules.len().saturating_sub(names_count);
        let sets = sets(&rules, named, &digest);
        let word_lists = lists
            .into_iter()
            .map(|rule| WordList {
                header: rule.header,
                family: Arc::from(rule.body.family.as_str()),
                in_data: rule.body.in_data,
            })
            .collect();
        Ok(Self {
            inner: Arc::new(Inner { rules, sets, patterns, lexicon, prints, names: tagger, word_lists }),
        })
    }

    /// Examines a whole text.
    #[must_use]
    pub fn examine(&self, span: SpanRef<'_>, cx: &Context) -> Report {
        let cx = Context { channel: span.channel, role: span.role, ..*cx };
        let mut scanner = self.stream(&cx);
        let mut findings = Vec::new();
        let mut rest = span.text;
        while rest.len() > PIECE {
            let (piece, after) = rest.split_at(rest.floor_char_boundary(PIECE));
            findings.append(&mut scanner.push(piece).findings);
            rest = after;
        }
        let mut report = scanner.finish_with(rest);
        findings.append(&mut report.findings);
        findings.sort_by_key(|finding| (finding.start, finding.end));
        report.findings = findings;
        report
    }

    /// Begins to examine a stream.
    #[must_use]
    pub fn stream(&self, cx: &Context) -> Scanner {
        Scanner::new(Arc::clone(&self.inner), cx)
    }

    /// What the model behind the score sees of a text: places in its table of weights, one for each time. This is for its
    /// trainer, `cargo xtask train injection`.
    #[must_use]
    pub fn score_features(&self, text: &str) -> Vec<u32> {
        Tracker::features(&self.inner.lexicon, text)
    }

    /// The same of the model that looks for orders among data: the features of each segment.
    #[must_use]
    pub fn order_features(&self, text: &str) -> Vec<Vec<u32>> {
        Tracker::order_features(&self.inner.lexicon, text)
    }

    /// The sets of detectors, as reports name them.
    #[must_use]
    pub fn sets(&self) -> &[DetectorSet] {
        &self.inner.sets
    }

    /// The detectors, by id.
    #[must_use]
    pub fn detectors(&self) -> Vec<Detector> {
        let detector = |rule: &Detecting| Detector {
            id: Arc::clone(&rule.id),
            kind: rule.kind,
            ty: Arc::clone(&rule.ty),
            reach: rule.reach,
        };
        self.inner.rules.iter().map(detector).collect()
    }
}

/// The folder of the tagger's rules.
const NAMES: &str = "names";

fn names_of(rules: &Rulebook) -> Result<Vec<Rule<Named>>, EngineError> {
    let mut names = rules.load::<Named>(NAMES)?;
    names.retain(|rule| rule.header.status != Status::Removed);
    Ok(names)
}

/// The digests of values that rules have.
fn prints(rules: &[Rule<Recognizer>], key: Option<&FingerprintKey>) -> Result<Option<Prints>, EngineError> {
    let with: Vec<_> = rules
        .iter()
        .enumerate()
        .filter_map(|(at, rule)| Some((at, rule.body.fingerprints.as_ref()?)))
        .collect();
    let Some((first, _)) = with.first() else { return Ok(None) };
    let wrong = |(at, error): (usize, FingerprintError)| EngineError::Rule {
        id: rules.get(at).map(|rule| rule.header.id.clone()).unwrap_or_default(),
        what: error.to_string(),
    };
    let key = key.ok_or((*first, FingerprintError::NoKey)).map_err(wrong)?;
    Prints::new(key, with).map(Some).map_err(wrong)
}

/// A digest of the rules that inspection reads and of the countries that were chosen.
fn digest(rules: &Rulebook, locales: &[impl AsRef<str>]) -> String {
    let mut texts: Vec<(&str, &str)> = rules
        .texts()
        .filter(|(path, _)| ["recognizers/", "signals/", "names/"].iter().any(|f| path.starts_with(f)))
        .collect();
    texts.extend(locales.iter().map(|locale| ("locale", locale.as_ref())));
    texts.sort_unstable();
    let mut all = Vec::new();
    for (path, text) in texts {
        for part in [path, text] {
            all.extend_from_slice(&(part.len() as u64).to_be_bytes());
            all.extend_from_slice(part.as_bytes());
        }
    }
    stockade_crypto::to_hex(&stockade_crypto::sha256(&all)).get(..16).unwrap_or_default().to_owned()
}

/// The detectors by what they find; those from `named` on are the tagger's.
fn sets(rules: &[Detecting], named: usize, digest: &str) -> Vec<DetectorSet> {
    let mut sets: std::collections::BTreeMap<&str, Vec<Arc<str>>> = std::collections::BTreeMap::new();
    for (at, rule) in rules.iter().enumerate() {
        let name = if at >= named { NAMES } else { rule.kind.as_str() };
        sets.entry(name).or_default().push(Arc::clone(&rule.id));
    }
    let set = |(name, detectors)| DetectorSet { id: Arc::from(format!("{name}@{digest}")), detectors };
    sets.into_iter().map(set).collect()
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("rules", &self.inner.rules.len()).finish_non_exhaustive()
    }
}

impl Inner {
    /// A sign as a finding, if it weighs enough to be one.
    pub(crate) fn sign(&self, hit: Hit) -> Option<Finding> {
        let span = Span { start: hit.start, end: hit.end, rule: hit.rule, confidence: hit.weight };
        if hit.weight < LIGHT { None } else { self.finding(span) }
    }

    /// A span as a finding.
    pub(crate) fn finding(&self, span: Span) -> Option<Finding> {
        let rule = self.rules.get(span.rule)?;
        Some(Finding {
            rule_id: Arc::clone(&rule.id),
            kind: rule.kind,
            ty: Arc::clone(&rule.ty),
            start: span.start,
            end: span.end,
            confidence: stockade_domain::Confidence::from_thousandths(span.confidence),
            severity: rule.severity,
        })
    }
}

impl Detecting {
    fn new(header: Header, kind: FindingKind, ty: &str, reach: Reach) -> Self {
        Self {
            id: Arc::from(header.id.as_str()),
            kind,
            ty: Arc::from(ty),
            severity: header.severity,
            reach,
            in_data: false,
            header,
        }
    }
}

// === impl Context ===

impl Context {
    /// A context; tool arguments are read as JSON source.
    #[must_use]
    pub const fn new(direction: Direction, channel: Channel, role: Role) -> Self {
        Self { direction, channel, role, json_escapes: matches!(channel, Channel::ToolArgs) }
    }

    /// Whether the text is given to a model to read rather than said to it: what a tool gave back or says about itself,
    /// and what nobody can name.
    pub(crate) const fn is_data(&self) -> bool {
        matches!(self.channel, Channel::ToolResult | Channel::ToolDefinition | Channel::Unlabelled)
            || matches!(self.role, Role::Tool)
    }
}
