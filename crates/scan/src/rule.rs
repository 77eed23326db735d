//! Rules: which subjects are dangerous. A rule is data; this is the language that it is written in.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use regex_automata::meta::Regex;
use serde::Deserialize;
use stockade_domain::Severity;
use stockade_rulebook::{Header, RuleError, Rulebook, Status};

use crate::catalog::{Catalog, ecosystem};
use crate::code::Language;
use crate::glob::{matches, matches_path};
use crate::node::{Data, Node, Path, Place};
use crate::subject::{On, Subject};

/// The rules, compiled.
#[derive(Debug)]
pub(crate) struct Rules {
    pub(crate) all: Vec<Compiled>,
    /// Which matches may fit a subject, by its kind and name: rule and match. Names come again and again.
    fitting: RwLock<HashMap<On, HashMap<String, Fitting>>>,
}

/// Rules and their matches by number.
type Fitting = Arc<[(usize, usize)]>;

/// The most names that are remembered.
const MAX_NAMES: usize = 50_000;

/// A rule, compiled.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) header: Header,
    pub(crate) body: Body,
}

/// The table `[scan]` of a rule file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Body {
    /// The path that the examples stand for; an example may name another in its first line, `=> path`.
    pub(crate) example: String,
    /// Words one of which a source file must hold for the rule to be worth parsing it.
    #[serde(default)]
    pub(crate) keywords: Vec<String>,
    /// What matches; any of them is enough.
    #[serde(rename = "match")]
    pub(crate) any: Vec<Match>,
}

/// One way to match.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Match {
    pub(crate) on: On,
    /// Patterns of names, one of which the subject's name fits; for a document or a text, of paths. None means all.
    #[serde(default)]
    names: Vec<String>,
    /// Patterns of paths, one of which the file's path fits.
    #[serde(default)]
    files: Vec<String>,
    /// Patterns one of which something around a call fits.
    #[serde(default)]
    within: Vec<String>,
    /// All of these hold.
    #[serde(default)]
    all: Vec<Condition>,
    /// One of these holds, where there are any.
    #[serde(default)]
    any: Vec<Condition>,
    /// None of these holds.
    #[serde(default)]
    none: Vec<Condition>,
    /// For a text: what stands in it.
    #[serde(default)]
    pattern: Option<Pattern>,
    /// For a text: what must not stand in what was found.
    #[serde(default)]
    unless: Option<Pattern>,
}

/// A condition on the values at a path. Several tests in one condition must hold of one value.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Condition {
    path: Path,
    #[serde(default)]
    exists: Option<bool>,
    /// The name is there, whatever its value.
    #[serde(default)]
    present: bool,
    #[serde(default)]
    is: Vec<toml::Value>,
    #[serde(default)]
    matches: Option<Pattern>,
    #[serde(default)]
    from: Option<Origin>,
}

/// Where a value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Origin {
    /// The answer of a model.
    Model,
    /// A request from outside.
    Request,
}

/// A regular expression.
#[derive(Debug)]
struct Pattern(Regex);

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let limits = Regex::config().nfa_size_limit(Some(1 << 20));
        Regex::builder().configure(limits).build(&text).map(Self).map_err(serde::de::Error::custom)
    }
}

/// A match of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hit<'r> {
    pub(crate) id: &'r str,
    pub(crate) severity: Severity,
    pub(crate) at: Place,
}

/// A rule's example that it does not treat as it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExampleFailure {
    /// The rule.
    pub id: String,
    /// The example.
    pub text: String,
    /// Whether it should match.
    pub expected: bool,
}

impl Rules {
    /// Reads the folder `scan`. Removed rules do not run.
    pub(crate) fn new(book: &Rulebook) -> Result<Self, RuleError> {
        let mut all: Vec<Compiled> = book
            .load::<Body>("scan")?
            .into_iter()
            .filter(|rule| rule.header.status != Status::Removed)
            .map(|rule| Compiled { header: rule.header, body: rule.body })
            .collect();
        all.sort_by(|a, b| a.header.id.cmp(&b.header.id));
        Ok(Self { all, fitting: RwLock::default() })
    }

    /// Words that make a source file worth parsing.
    pub(crate) fn keywords(&self) -> Vec<String> {
        self.all.iter().flat_map(|rule| rule.body.keywords.iter().cloned()).collect()
    }

    /// What the rules say of a file.
    pub(crate) fn examine<'r>(
        &'r self,
        catalog: &Catalog,
        path: &str,
        text: &str,
        subjects: &[Subject],
    ) -> Vec<Hit<'r>> {
        let language = if path.ends_with(".ipynb") { Some(Language::Python) } else { Language::of(path) };
        let mut places: BTreeMap<usize, Vec<Place>> = BTreeMap::new();
        for (number, rule) in self.all.iter().enumerate() {
            for one in rule.body.any.iter().filter(|one| one.on == On::Text && one.is_for(path)) {
                places.entry(number).or_default().extend(one.in_text(path, text));
            }
        }
        for subject in subjects {
            for (number, one) in self.fitting(subject.on, &subject.name).iter() {
                let found = self.all.get(*number).and_then(|rule| rule.body.any.get(*one));
                let place =
                    found.filter(|one| one.is_for(path)).and_then(|one| one.fits(catalog, language, subject));
                places.entry(*number).or_default().extend(place);
            }
        }
        let mut hits = Vec::new();
        for (number, mut places) in places {
            let Some(rule) = self.all.get(number) else { continue };
            places.sort();
            places.dedup();
            let hit = |at| Hit { id: rule.header.id.as_str(), severity: rule.header.severity, at };
            hits.extend(places.into_iter().map(hit));
        }
        hits
    }

    /// Whether a rule is about documents at a path.
    pub(crate) fn speaks_of(&self, path: &str) -> bool {
        let all = self.all.iter().flat_map(|rule| &rule.body.any);
        all.filter(|one| one.on == On::Document)
            .any(|one| one.names.iter().chain(&one.files).any(|pattern| matches_path(pattern, path)))
    }

    /// The matches whose names fit.
    fn fitting(&self, on: On, name: &str) -> Fitting {
        let known = self.fitting.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(fitting) = known.get(&on).and_then(|names| names.get(name)) {
            return Arc::clone(fitting);
        }
        drop(known);
        let mut fitting = Vec::new();
        for (number, rule) in self.all.iter().enumerate() {
            let named =
                rule.body.any.iter().enumerate().filter(|(_, one)| one.on == on && one.is_named(name));
            fitting.extend(named.map(|(one, _)| (number, one)));
        }
        let fitting: Fitting = fitting.into();
        let mut known = self.fitting.write().unwrap_or_else(PoisonError::into_inner);
        let names = known.entry(on).or_default();
        if names.len() < MAX_NAMES {
            names.insert(name.to_owned(), Arc::clone(&fitting));
        }
        fitting
    }

    /// A rule by its id.
    pub(crate) fn get(&self, id: &str) -> Option<&Compiled> {
        self.all.iter().find(|rule| rule.header.id == id)
    }
}

impl Match {
    /// Whether it is about a file.
    fn is_for(&self, path: &str) -> bool {
        self.files.is_empty() || self.files.iter().any(|pattern| matches_path(pattern, path))
    }

    /// Whether it is about a subject of a name.
    fn is_named(&self, name: &str) -> bool {
        self.names.is_empty()
            || match self.on {
                On::Document => self.names.iter().any(|pattern| matches_path(pattern, name)),
                On::Resource => {
                    let name = name.to_ascii_lowercase();
                    self.names.iter().any(|pattern| matches(&pattern.to_ascii_lowercase(), &name))
                }
                _ => self.names.iter().any(|pattern| matches(pattern, name)),
            }
    }

    fn in_text(&self, path: &str, text: &str) -> Vec<Place> {
        const MOST: usize = 100;
        let Some(Pattern(pattern)) = &self.pattern else { return Vec::new() };
        if !self.names.is_empty() && !self.names.iter().any(|name| matches_path(name, path)) {
            return Vec::new();
        }
        let counts = |found: &regex_automata::Match| {
            let matched = text.get(found.range()).unwrap_or_default();
            !self.unless.as_ref().is_some_and(|Pattern(unless)| unless.is_match(matched))
        };
        pattern
            .find_iter(text)
            .filter(counts)
            .take(MOST)
            .map(|found| Place::new(found.start(), found.end()))
            .collect()
    }

    /// Where a subject whose name fits does so otherwise too: at the value that says so, else at the subject.
    fn fits(&self, catalog: &Catalog, language: Option<Language>, subject: &Subject) -> Option<Place> {
        let inside = |pattern: &String| subject.within.iter().any(|around| matches(pattern, around));
        if !self.within.is_empty() && !self.within.iter().any(inside) {
            return None;
        }
        let mut place = None;
        for condition in &self.all {
            let at = condition.holds(catalog, language, subject)?;
            place = place.or(at);
        }
        if !self.any.is_empty() {
            let at = self.any.iter().find_map(|condition| condition.holds(catalog, language, subject))?;
            place = place.or(at);
        }
        if self.none.iter().any(|condition| condition.holds(catalog, language, subject).is_some()) {
            return None;
        }
        Some(match subject.on {
            On::Call | On::Assign | On::McpServer => subject.at,
            _ => place.unwrap_or(subject.at),
        })
    }
}

impl Condition {
    /// Nothing when it does not hold; else the place of the value that it holds of, if it is about one.
    fn holds(
        &self,
        catalog: &Catalog,
        language: Option<Language>,
        subject: &Subject,
    ) -> Option<Option<Place>> {
        let values = subject.node.at_path(&self.path);
        if self.present {
            return values.first().map(|value| Some(value.at));
        }
        if let Some(exists) = self.exists {
            let found = values.iter().find(|value| value.data != Data::Null);
            if found.is_some() != exists {
                return None;
            }
            if self.is.is_empty() && self.matches.is_none() && self.from.is_none() {
                return Some(found.map(|value| value.at));
            }
        }
        let fits = |value: &&&Node| {
            let is = self.is.is_empty() || self.is.iter().any(|wanted| same(wanted, value));
            let pattern = self.matches.as_ref().is_none_or(|Pattern(pattern)| {
                value.scalar().is_some_and(|text| pattern.is_match(text.as_str()))
                    || value.constants().iter().any(|(text, _)| pattern.is_match(*text))
                    || matches!(&value.data, Data::Expression { path, .. } if pattern.is_match(path.as_str()))
            });
            let from = self.from.is_none_or(|origin| comes_from(catalog, language, value, origin, 0));
            is && pattern && from
        };
        values.iter().find(fits).map(|value| Some(value.at))
    }
}

fn same(wanted: &toml::Value, value: &Node) -> bool {
    let Some(text) = value.scalar() else { return false };
    match wanted {
        toml::Value::String(wanted) => wanted.eq_ignore_ascii_case(&text),
        other => other.to_string().eq_ignore_ascii_case(&text),
    }
}

/// Methods whose result is what a model said, in small letters and without signs between words.
const SAYS: [&str; 40] = [
    "create",
    "acreate",
    "invoke",
    "ainvoke",
    "run",
    "arun",
    "runsync",
    "generate",
    "generatecontent",
    "generatetext",
    "generateobject",
    "streamtext",
    "complete",
    "completion",
    "acompletion",
    "chat",
    "parse",
    "predict",
    "kickoff",
    "sendmessage",
    "invokemodel",
    "converse",
    "completechat",
    "completechatasync",
    "call",
    "query",
    "new",
    "createchatcompletion",
    "createcompletion",
    "getchatcompletions",
    "getchatcompletionsasync",
    "getresponseasync",
    "getresponse",
    "invokepromptasync",
    "invokeasync",
    "generatecontentasync",
    "generatefromsingleprompt",
    "stream",
    "execchat",
    "responses",
];

fn comes_from(
    catalog: &Catalog,
    language: Option<Language>,
    value: &Node,
    origin: Origin,
    depth: usize,
) -> bool {
    if depth > 6 {
        return false;
    }
    match &value.data {
        Data::Expression { path, parts } => {
            let itself = match origin {
                Origin::Model => says(catalog, language, path),
                Origin::Request => [
                    "request.*",
                    "req.*",
                    "flask.request*",
                    "?req.*",
                    "?request.*",
                    "Request()*",
                    "express.*Request()*",
                    "sys.argv*",
                    "process.argv*",
                    "input()*",
                    "?event.*",
                    "fastapi.Request()*",
                    "?ctx.request*",
                    "?c.Query*",
                    "django.http.HttpRequest()*",
                    "net/http.Request()*",
                    "github.com/gin-gonic/gin.Context()*",
                    "github.com/labstack/echo*.Context()*",
                    "github.com/gofiber/fiber*.Ctx()*",
                    "NextRequest()*",
                    "next/server.NextRequest()*",
                    "express.Request()*",
                    "?request.*",
                    "HttpContext.Request*",
                ]
                .iter()
                .any(|pattern| matches(pattern, path)),
            };
            itself
                || parts
                    .iter()
                    .any(|part| comes_from(catalog, language, part, origin, depth.saturating_add(1)))
        }
        Data::Map(entries) => {
            entries.iter().any(|e| comes_from(catalog, language, &e.value, origin, depth.saturating_add(1)))
        }
        Data::List(items) => {
            items.iter().any(|item| comes_from(catalog, language, item, origin, depth.saturating_add(1)))
        }
        _ => false,
    }
}

fn says(catalog: &Catalog, language: Option<Language>, path: &str) -> bool {
    let Some(language) = language else { return false };
    let Some(package) = catalog.package(language, path) else { return false };
    // A pipeline is itself called.
    if package == "transformers" && path.contains("pipeline()()") {
        return true;
    }
    let said = |part: &str| {
        let name = part.rsplit(['.', ']', ')']).next().unwrap_or(part);
        let plain: String =
            name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
        SAYS.contains(&plain.as_str())
    };
    let mut parts: Vec<&str> = path.split("()").collect();
    parts.pop();
    // What makes a client says nothing.
    catalog.speaks(ecosystem(language), &package)
        && parts.into_iter().any(|part| part.contains('.') && said(part))
}

/// The path and text of an example.
pub(crate) fn example<'e>(default: &'e str, example: &'e str) -> (&'e str, &'e str) {
    match example.strip_prefix("=> ").and_then(|rest| rest.split_once('\n')) {
        Some((path, text)) => (path.trim(), text),
        None => (default, example),
    }
}
