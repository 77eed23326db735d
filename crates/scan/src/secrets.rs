//! Credentials in a text. The inspector finds them; it is given only the stretches in which one can begin.
//!
//! Each pattern of a credential either holds a text that is in all of its matches (`AKIA`, `password`), or begins in a way
//! that few texts do, or is a long word with digits. The first two are taken from the rules themselves, so that a new rule
//! needs nothing here. In lock files, which are full of digests, long words do not count.

mod needle;

use std::ops::Range;
use std::sync::OnceLock;

use aho_corasick::{AhoCorasick, AhoCorasickBuilder};
use regex_automata::meta::Regex;
use regex_automata::util::syntax;
use regex_syntax::hir::Hir;
use serde::Deserialize;
use stockade_domain::{Channel, Direction, Finding, FindingKind, Role, SpanRef};
use stockade_inspect::{Context, Engine};
use stockade_rulebook::{Rulebook, Status};

use self::needle::{Needles, from_letters, needles, parse, shortest};

/// A text that all matches of a pattern hold is of use from this length on; a shorter one is everywhere.
const TELLING: usize = 4;

/// How much is looked at before and after a place at most: the longest match, and what stands near it.
const MOST: Reach = Reach { before: 2 * 1024, after: 8 * 1024 };

/// The same for a long word, which is all of a match that has no other sign.
const WORDS: Reach = Reach { before: 1024, after: 2 * 1024 };

/// The same for the beginning of what has no bounded length.
const REGION: Reach = Reach { before: 2 * 1024, after: 24 * 1024 };

/// What is added to a pattern's own reach: neighbours, and what is written in more bytes than it has characters.
const SLACK: usize = 512;

/// How far a window is widened so that it cuts no word.
const WORD: usize = 4 * 1024;

/// A word so long, with so many digits, may be a credential or something encoded.
const LONG_WORD: usize = 20;
const DIGITS: usize = 3;

/// Finds credentials. The inspector's automata are made when the first text needs them.
pub(crate) struct Secrets {
    book: Rulebook,
    engine: OnceLock<Result<Engine, String>>,
    exact: Option<AhoCorasick>,
    /// In any case of letters.
    folded: Option<AhoCorasick>,
    /// Patterns without a telling text, from their first letters on, and how far each may reach.
    starts: Vec<(Regex, Reach)>,
    /// How far each may reach, by number: needles of `exact`, of `folded`.
    reaches: [Vec<Reach>; 2],
}

/// How far from a place what decides about it may stand, in bytes.
#[derive(Debug, Clone, Copy)]
struct Reach {
    before: usize,
    after: usize,
}

/// What was found in a text.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) findings: Vec<Finding>,
    pub(crate) incomplete: Vec<String>,
}

#[derive(Deserialize)]
struct Body {
    kind: FindingKind,
    #[serde(default)]
    pattern: Vec<Pattern>,
    #[serde(default)]
    region: Vec<Opener>,
}

#[derive(Deserialize)]
struct Pattern {
    regex: String,
    lead: Option<String>,
    context: Option<Nearby>,
    without: Option<Nearby>,
}

#[derive(Deserialize)]
struct Nearby {
    words: Vec<String>,
    before: usize,
    after: usize,
}

#[derive(Deserialize)]
struct Opener {
    opener: String,
}

#[derive(Default)]
struct Building {
    exact: Vec<Vec<u8>>,
    folded: Vec<Vec<u8>>,
    starts: Vec<(Hir, Reach)>,
    reaches: [Vec<Reach>; 2],
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Secrets").finish_non_exhaustive()
    }
}

impl Secrets {
    /// Takes the recognizers of credentials from a book.
    ///
    /// # Errors
    /// When a rule cannot be read; whether it can be run is told when it is.
    pub(crate) fn new(book: &Rulebook) -> Result<Self, String> {
        // Of the inspector's rules only those that find credentials: others are about what people say.
        let book = book.filtered(finds_credentials);
        let mut building = Building::default();
        for rule in book.load::<Body>("recognizers").map_err(|error| error.to_string())? {
            if rule.header.status != Status::Removed && rule.body.kind == FindingKind::Secret {
                building.add(&rule.body).map_err(|error| format!("{}: {error}", rule.header.id))?;
            }
        }
        building.finish(book)
    }

    /// What a text holds.
    pub(crate) fn find(&self, path: &str, text: &str) -> Found {
        let mut found = Found::default();
        for window in self.windows(path, text) {
            let Some(part) = text.get(window.clone()) else { continue };
            let engine =
                self.engine.get_or_init(|| Engine::new(&self.book).map_err(|error| error.to_string()));
            let engine = match engine {
                Ok(engine) => engine,
                Err(error) => {
                    found.incomplete.push(format!("credentials: {error}"));
                    return found;
                }
            };
            let cx = Context::new(Direction::Request, Channel::Content, Role::User);
            let span = SpanRef { channel: cx.channel, role: cx.role, path: "", text: part };
            let report = engine.examine(span, &cx);
            for lack in &report.incomplete {
                let why = format!("{}: {}", lack.detector, lack.reason);
                if !found.incomplete.contains(&why) {
                    found.incomplete.push(why);
                }
            }
            for mut finding in report.findings.into_iter().filter(|found| found.kind == FindingKind::Secret) {
                finding.start = finding.start.saturating_add(window.start);
                finding.end = finding.end.saturating_add(window.start);
                found.findings.push(finding);
            }
        }
        found
    }

    /// The stretches in which a credential can begin, widened by what decides about it.
    fn windows(&self, path: &str, text: &str) -> Vec<Range<usize>> {
        let whole = 0..text.len();
        if disguised(text) {
            return vec![whole];
        }
        let mut places: Vec<Range<usize>> = Vec::new();
        let [exact, folded] = &self.reaches;
        let mut near = |at: usize, end: usize, reach: Option<&Reach>| {
            let reach = reach.copied().unwrap_or(MOST);
            places.push(at.saturating_sub(reach.before)..end.saturating_add(reach.after));
        };
        for (needles, reaches) in [(&self.exact, exact), (&self.folded, folded)] {
            for hit in needles.iter().flat_map(|needles| needles.find_iter(text)) {
                near(hit.start(), hit.end(), reaches.get(hit.pattern().as_usize()));
            }
        }
        for (start, reach) in &self.starts {
            for hit in start.find_iter(text) {
                near(hit.start(), hit.end(), Some(reach));
            }
        }
        if !is_lock(path) {
            for run in long_words(text.as_bytes()) {
                near(run.start, run.end, Some(&WORDS));
            }
        }
        // A letter outside ASCII may be one of a rule's in another form or case (`contraseña`): what stands near is read.
        let mut from = 0;
        while let Some(at) =
            text.as_bytes().get(from..).and_then(|rest| rest.iter().position(|b| !b.is_ascii()))
        {
            let at = from.saturating_add(at);
            near(at, at, None);
            from = at.saturating_add(WORD);
        }
        places.sort_by_key(|place| place.start);
        let mut windows: Vec<Range<usize>> = Vec::new();
        for place in places {
            let start = widened_back(text, place.start.min(text.len()));
            let end = widened(text, place.end.min(text.len()));
            match windows.last_mut() {
                Some(last) if start <= last.end => last.end = last.end.max(end),
                _ => windows.push(start..end),
            }
        }
        windows
    }
}

impl Pattern {
    /// How far from a text that all matches hold, what belongs to one may stand.
    fn reach(&self, regex: &Hir, lead: Option<&Hir>) -> Reach {
        let longest = |hir: Option<&Hir>| hir.map_or(Some(0), |hir| hir.properties().maximum_len());
        let length = longest(Some(regex)).zip(longest(lead)).map(|(a, b)| a.saturating_add(b));
        let near = |side: fn(&Nearby) -> usize| {
            self.context.iter().chain(&self.without).map(side).max().unwrap_or(0)
        };
        let whole = |near: usize, most: usize| {
            length.map_or(most, |length| length.saturating_add(near).saturating_add(SLACK).min(most))
        };
        Reach {
            before: whole(near(|words| words.before), MOST.before),
            after: whole(near(|words| words.after), MOST.after),
        }
    }
}

impl Reach {
    /// From a word that may stand on either side of a match.
    fn both(self) -> Self {
        let most = self.before.max(self.after);
        Self { before: most, after: most }
    }
}

impl Nearby {
    /// The words one of which stands near every match.
    fn needles(&self) -> Needles {
        self.words.iter().map(|word| (word.trim_matches('*').to_lowercase().into_bytes(), true)).collect()
    }
}

impl Building {
    fn add(&mut self, body: &Body) -> Result<(), Box<regex_syntax::Error>> {
        for pattern in &body.pattern {
            let regex = parse(&pattern.regex)?;
            let lead = pattern.lead.as_deref().map(parse).transpose()?;
            let reach = pattern.reach(&regex, lead.as_ref());
            let mut ways: Vec<Needles> = Vec::new();
            ways.extend(lead.as_ref().and_then(needles));
            ways.extend(needles(&regex));
            let best = ways.into_iter().max_by_key(shortest).filter(|way| shortest(way) >= TELLING);
            match (best, &pattern.context, lead) {
                (Some(best), _, _) => self.needles(best, reach),
                // What stands just before says more than what stands somewhere near.
                (None, _, Some(lead)) => self.start(Hir::concat(vec![lead, regex]), reach),
                (None, Some(context), None) => self.needles(context.needles(), reach.both()),
                // A word of its own.
                (None, None, None) => {}
            }
        }
        for region in &body.region {
            let opener = parse(&region.opener)?;
            match needles(&opener).filter(|way| shortest(way) >= TELLING) {
                Some(best) => self.needles(best, REGION),
                None => self.start(opener, REGION),
            }
        }
        Ok(())
    }

    fn needles(&mut self, needles: Needles, reach: Reach) {
        let [exact, folded] = &mut self.reaches;
        for (needle, any_case) in needles {
            let (list, reaches) =
                if any_case { (&mut self.folded, &mut *folded) } else { (&mut self.exact, &mut *exact) };
            list.push(needle);
            reaches.push(reach);
        }
    }

    fn start(&mut self, hir: Hir, reach: Reach) {
        self.starts.push((from_letters(&hir), reach));
    }

    fn finish(self, book: Rulebook) -> Result<Secrets, String> {
        let build = |needles: &[Vec<u8>], any_case: bool| {
            (!needles.is_empty())
                .then(|| AhoCorasickBuilder::new().ascii_case_insensitive(any_case).build(needles))
                .transpose()
                .map_err(|error| error.to_string())
        };
        let start = |(hir, reach): &(Hir, Reach)| {
            let config = Regex::config().utf8_empty(false).nfa_size_limit(Some(4 << 20));
            let syntax = syntax::Config::new().unicode(false).utf8(false);
            let built = Regex::builder().syntax(syntax).configure(config).build_from_hir(hir);
            built.map(|regex| (regex, *reach)).map_err(|error| error.to_string())
        };
        let starts = self.starts.iter().map(start).collect::<Result<_, String>>()?;
        Ok(Secrets {
            book,
            engine: OnceLock::new(),
            exact: build(&self.exact, false)?,
            folded: build(&self.folded, true)?,
            starts,
            reaches: self.reaches,
        })
    }
}

/// Whether a rule file is a recognizer of credentials.
fn finds_credentials(path: &str, text: &str) -> bool {
    path.starts_with("recognizers/") && text.contains("secret")
}

/// Whether a text has characters that stand for others, or escapes: then it is looked at whole.
fn disguised(text: &str) -> bool {
    if memchr::memmem::find(text.as_bytes(), b"\\u00").is_some() {
        return true;
    }
    !text.is_ascii()
        && text.chars().any(|c| {
            matches!(c,
                '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}'
                | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ff01}'..='\u{ff5e}' | '\u{1d400}'..='\u{1d7ff}'
                | '\u{e0000}'..='\u{e0fff}')
        })
}

/// Files that list what was resolved, with digests.
pub(crate) fn is_lock(path: &str) -> bool {
    let file = path.rsplit('/').next().unwrap_or(path);
    file.ends_with(".lock")
        || file.ends_with("-lock.json")
        || file.ends_with("-lock.yaml")
        || matches!(
            file,
            "go.sum"
                | "npm-shrinkwrap.json"
                | "packages.lock.json"
                | "Package.resolved"
                | "pylock.toml"
                | "bun.lockb"
        )
}

/// Long words with digits: tokens, and what is encoded.
fn long_words(text: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0_usize;
    std::iter::from_fn(move || {
        loop {
            let rest = text.get(at..)?;
            let skipped = rest.iter().position(|byte| of_word(*byte))?;
            let start = at.saturating_add(skipped);
            let length = text.get(start..)?.iter().take_while(|byte| of_word(**byte)).count();
            at = start.saturating_add(length);
            if length < LONG_WORD {
                continue;
            }
            let word = text.get(start..at)?;
            let digits = word.iter().filter(|byte| byte.is_ascii_digit()).count();
            if digits >= DIGITS && word.iter().any(u8::is_ascii_alphabetic) {
                return Some(start..at);
            }
        }
    })
}

const fn of_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'_' | b'-' | b'.' | b':')
}

/// Back to the end of a line or word, so that no word is cut.
fn widened_back(text: &str, at: usize) -> usize {
    let from = at.saturating_sub(WORD);
    let before = text.as_bytes().get(from..at).unwrap_or_default();
    let blank = before.iter().rposition(u8::is_ascii_whitespace);
    let at = blank.map_or(from, |blank| from.saturating_add(blank).saturating_add(1));
    text.floor_char_boundary(at)
}

fn widened(text: &str, at: usize) -> usize {
    let after = text.as_bytes().get(at..).unwrap_or_default();
    let blank = after.iter().take(WORD).position(u8::is_ascii_whitespace).unwrap_or(after.len().min(WORD));
    text.ceil_char_boundary(at.saturating_add(blank))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the rules' own examples hold is found by windows as it is without them.
    #[test]
    fn nothing_is_lost_outside_of_the_windows() {
        let book = Rulebook::new(stockade_rules::FILES);
        let secrets = Secrets::new(&book).unwrap();
        let engine = Engine::new(&book.filtered(finds_credentials)).unwrap();
        let padding = "let value = compute(first, second);\n".repeat(400);
        let mut tried = 0;
        for rule in book.load::<Body>("recognizers").unwrap() {
            if rule.body.kind != FindingKind::Secret || rule.header.status == Status::Removed {
                continue;
            }
            for example in &rule.header.examples.matching {
                let text = format!("{padding}{}\n{padding}", drawn(example));
                let cx = Context::new(Direction::Request, Channel::Content, Role::User);
                let span = SpanRef { channel: cx.channel, role: cx.role, path: "", text: &text };
                let mut all: Vec<_> = engine.examine(span, &cx).findings;
                all.retain(|found| found.kind == FindingKind::Secret);
                assert_eq!(secrets.find("a.py", &text).findings, all, "{}: {example}", rule.header.id);
                tried += usize::from(!all.is_empty());
            }
        }
        assert!(tried > 250, "{tried}");
        assert!(secrets.windows("a.py", &padding).is_empty());
    }

    /// An example with characters for its places, as `{{hex:32}}`.
    fn drawn(example: &str) -> String {
        let mut out = String::new();
        let mut rest = example;
        while let Some((before, after)) = rest.split_once("{{") {
            let (place, tail) = after.split_once("}}").unwrap();
            let (name, length) = place.split_once(':').unwrap_or(("", "0"));
            let alphabet: &[u8] = match name {
                "hex" => b"7f3a9c0e5b1d8264",
                "digits" => b"7391840265",
                "lowernum" => b"q7wz3hk5xjf2m4",
                "upnum" | "base32" => b"Q7WZ3HK5XJF2M4",
                "bech32" => b"QPZRY9X8GF2TVDW0",
                _ => b"q7WzT3hK9xJf2Mv0RbE5",
            };
            out.push_str(before);
            let length: usize = length.parse().unwrap_or(0);
            if name == "uuid" {
                out.push_str("3f2a9c0e-5b1d-4264-9f3a-7c0e5b1d8264");
            } else {
                out.extend((0..length).map(|at| char::from(alphabet[(at * 7 + at / 5) % alphabet.len()])));
            }
            rest = tail;
        }
        out + rest
    }
}
