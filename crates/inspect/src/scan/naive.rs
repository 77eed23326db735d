//! The semantics, written as they are said: every stretch of every text is tried. The automata must agree with it.

use proptest::prelude::*;
use regex_automata::meta::Regex;
use regex_automata::util::syntax;
use regex_syntax::hir::Hir;
use stockade_domain::{Channel, Direction, FindingKind, Role, SpanRef};
use stockade_rulebook::Rulebook;

use super::parse::{class, parse};
use super::pattern::Class;
use super::words::spellings;
use crate::engine::{Context, Engine};
use crate::rule::{Nearby, Pattern, Recognizer, Region};
use crate::validate::accepts;
use crate::view::{Fold, Piece, Unescaper, fold, other};

/// A canonical byte and the original bytes that it stands for.
type Canonical = Vec<(u8, usize, usize)>;

struct Naive {
    rules: Vec<Rule>,
}

struct Rule {
    body: Recognizer,
    patterns: Vec<Shape>,
    /// Opener and closer.
    regions: Vec<(Regex, Option<Regex>)>,
}

/// A pattern and its lead, each as: some match begins here, and: all of this is a match.
struct Shape {
    regex: (Regex, Regex),
    lead: Option<(Regex, Regex)>,
}

/// Rule number, start and end in original bytes.
type Found = (usize, usize, usize);

fn whole(pattern: &str) -> Regex {
    regex(&format!(r"\A(?:{pattern})\z"))
}

fn regex(pattern: &str) -> Regex {
    Regex::builder().syntax(syntax::Config::new().unicode(false).utf8(false)).build(pattern).unwrap()
}

/// For one place: whether a match begins there; for one stretch: whether it is a match.
fn both(pattern: &str) -> (Regex, Regex) {
    (regex(&format!(r"\A(?:{pattern})")), whole(pattern))
}

/// Ends of all matches that begin at a place.
fn ends((begins, whole): &(Regex, Regex), bytes: &[u8], start: usize) -> Vec<usize> {
    if !begins.is_match(&bytes[start..]) {
        return Vec::new();
    }
    (start + 1..=bytes.len()).filter(|end| whole.is_match(&bytes[start..*end])).collect()
}

/// The canonical view of a text as it stands, or with escapes resolved: those of JSON, or only those of any text.
fn canonical(text: &str, escapes: Option<bool>) -> Canonical {
    let mut out = Vec::new();
    let mut at = 0;
    let mut take = |c: char, length: usize| {
        match fold(c) {
            Fold::Ascii { bytes, len } => {
                out.extend(bytes.iter().take(usize::from(len)).map(|b| (*b, at, at + length)))
            }
            Fold::Other => out.push((other(c), at, at + length)),
            Fold::Drop => {}
        }
        at += length;
    };
    if let Some(json) = escapes {
        Unescaper::new(json).push(text, true, |piece| match piece {
            Piece::Verbatim(text) => text.chars().for_each(|c| take(c, c.len_utf8())),
            Piece::Escaped(c, length) => take(c, length),
        });
    } else {
        text.chars().for_each(|c| take(c, c.len_utf8()));
    }
    out
}

fn escapes(text: &str, json: bool) -> Vec<(usize, usize)> {
    let (mut at, mut out) = (0, Vec::new());
    Unescaper::new(json).push(text, true, |piece| match piece {
        Piece::Verbatim(text) => at += text.len(),
        Piece::Escaped(_, length) => {
            out.push((at, at + length));
            at += length;
        }
    });
    out
}

fn near(context: &Nearby, bytes: &[u8], start: usize, end: usize) -> bool {
    let lower = bytes.to_ascii_lowercase();
    let within = |from: usize, to: usize| {
        context.words.iter().any(|word| {
            spellings(word.trim_matches('*')).iter().any(|needle| {
                (from..to).any(|at| {
                    let letter = |b: Option<&u8>| b.is_some_and(u8::is_ascii_alphabetic);
                    at + needle.len() <= to
                        && lower[at..].starts_with(needle)
                        && (word.starts_with('*') || !letter(lower[..at].last()))
                        && (word.ends_with('*') || !letter(lower.get(at + needle.len())))
                })
            })
        })
    };
    within(start.saturating_sub(context.before), start) || within(end, bytes.len().min(end + context.after))
}

impl Naive {
    fn new() -> Self {
        let rules = Rulebook::new(stockade_rules::FILES).load::<Recognizer>("recognizers").unwrap();
        let compile = |rule: stockade_rulebook::Rule<Recognizer>| {
            let shape = |p: &Pattern| Shape { regex: both(&p.regex), lead: p.lead.as_deref().map(both) };
            let patterns = rule.body.pattern.iter().filter(|p| !p.hinted).map(shape).collect();
            let marks = |r: &Region| (whole(&r.opener), r.closer.as_deref().map(whole));
            let regions = rule.body.region.iter().map(marks).collect();
            Rule { body: rule.body, patterns, regions }
        };
        Self { rules: rules.into_iter().map(compile).collect() }
    }

    fn reading(&self, view: &Canonical, length: usize, out: &mut Vec<Found>) {
        let bytes: Vec<u8> = view.iter().map(|(b, _, _)| *b).collect();
        let n = bytes.len();
        let allowed = |class: &Class, at: Option<usize>| {
            at.and_then(|at| bytes.get(at)).is_none_or(|b| !class[usize::from(*b)])
        };
        for (number, Rule { body, patterns, regions }) in self.rules.iter().enumerate() {
            for (pattern, shape) in body.pattern.iter().filter(|p| !p.hinted).zip(patterns) {
                let (left, right) = (class(&pattern.left).unwrap(), class(&pattern.right).unwrap());
                for head in (0..n).filter(|head| allowed(&left, head.checked_sub(1))) {
                    let start = match &shape.lead {
                        None => Some(head),
                        Some(lead) => ends(lead, &bytes, head).last().copied(),
                    };
                    let Some(start) = start.filter(|start| *start < n) else { continue };
                    for end in ends(&shape.regex, &bytes, start) {
                        let good = allowed(&right, Some(end))
                            && pattern.context.as_ref().is_none_or(|c| near(c, &bytes, start, end))
                            && pattern.without.as_ref().is_none_or(|c| !near(c, &bytes, start, end))
                            && accepts(pattern.validator, &bytes[start..end]).is_some();
                        if good {
                            out.push((number, view[start].1, view[end - 1].2));
                        }
                    }
                }
            }
            for (region, (opener, closer)) in body.region.iter().zip(regions) {
                let left = class(&region.left).unwrap();
                let mut from = 0;
                while let Some((start, end)) =
                    first(&bytes, from, opener, |s| allowed(&left, s.checked_sub(1)))
                {
                    from = self.region(number, region, closer.as_ref(), (start, end), view, length, out);
                }
            }
        }
    }

    /// One region from its opener on; gives where to look for the next opener.
    #[expect(clippy::too_many_arguments, reason = "a test")]
    fn region(
        &self,
        number: usize,
        region: &Region,
        closer: Option<&Regex>,
        (start, end): (usize, usize),
        view: &Canonical,
        length: usize,
        out: &mut Vec<Found>,
    ) -> usize {
        let bytes: Vec<u8> = view.iter().map(|(b, _, _)| *b).collect();
        if let Some(closer) = closer {
            match first(&bytes, end, closer, |_| true) {
                Some((_, close)) => {
                    out.push((number, view[start].1, view[close - 1].2));
                    return close;
                }
                None => {
                    out.push((number, view[start].1, length));
                    return bytes.len();
                }
            }
        }
        let alphabet = class(region.alphabet.as_deref().unwrap()).unwrap();
        let run = start + bytes[start..].iter().take_while(|b| alphabet[usize::from(**b)]).count();
        let head = region.head.as_ref().unwrap();
        let Some(dot) = bytes[start..run].iter().position(|b| *b == head.until as u8) else { return run };
        if accepts(head.validator, &bytes[start..start + dot]).is_none() {
            return start + dot + 1;
        }
        let trim = class(&region.trim).unwrap();
        let rest = start + dot + 1;
        if let Some(last) = bytes[rest..run].iter().rposition(|b| !trim[usize::from(*b)]) {
            out.push((number, view[start].1, view[rest + last].2));
        }
        run
    }

    /// What is found, merged by rule.
    fn examine(&self, text: &str, json: bool) -> Vec<Found> {
        let mut found = Vec::new();
        self.reading(&canonical(text, None), text.len(), &mut found);
        self.reading(&canonical(text, Some(json)), text.len(), &mut found);
        for (start, end) in escapes(text, json) {
            for span in &mut found {
                if start < span.1 && span.1 < end {
                    span.1 = start;
                }
                if start < span.2 && span.2 < end {
                    span.2 = end;
                }
            }
        }
        found.sort_unstable();
        let mut merged: Vec<Found> = Vec::new();
        for span in found {
            match merged.last_mut() {
                Some(last) if last.0 == span.0 && span.1 < last.2 => last.2 = last.2.max(span.2),
                _ => merged.push(span),
            }
        }
        merged
    }
}

/// The first match of a mark from a place on: the least start, of those the least end.
fn first(
    bytes: &[u8],
    from: usize,
    regex: &Regex,
    allowed: impl Fn(usize) -> bool,
) -> Option<(usize, usize)> {
    (from..bytes.len())
        .filter(|start| allowed(*start))
        .flat_map(|start| (start + 1..=bytes.len().min(start + 100)).map(move |end| (start, end)))
        .find(|(start, end)| regex.is_match(&bytes[*start..*end]))
}

const FRAGMENTS: &[&str] = &[
    "a@b.co",
    "x-y",
    "@",
    "ex.org",
    ".",
    "com",
    " ",
    "4111 1111 1111 1111",
    "411111111111",
    "1111",
    "4",
    "-",
    "DE89 3704 0044 0532 0130 00",
    "ssn ",
    "536228145",
    "536-22-8145",
    "AKIAIOSFODNN7EXAMPLE",
    "eyJhbGciOiJIUzI1NiJ9",
    ".e30",
    "eyJ",
    "-----BEGIN PRIVATE KEY-----",
    "-----END PRIVATE KEY-----",
    "-----",
    "\n",
    "é",
    "\u{200b}",
    "\u{1}",
    "密",
    "①",
    r"\u0040",
    r"\n",
    "\\",
    "_",
    "secret ",
    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_automata_agree(parts in proptest::collection::vec(proptest::sample::select(FRAGMENTS), 0..9), json in any::<bool>()) {
        static BOTH: std::sync::LazyLock<(Engine, Naive)> = std::sync::LazyLock::new(|| {
            (Engine::new(&Rulebook::new(stockade_rules::FILES)).unwrap(), Naive::new())
        });
        let text = parts.concat();
        let cx = Context { json_escapes: json, ..Context::new(Direction::Request, Channel::Content, Role::User) };
        let report = BOTH.0.examine(SpanRef { channel: cx.channel, role: cx.role, path: "", text: &text }, &cx);
        let number = |id: &str| BOTH.0.detectors().iter().position(|d| &*d.id == id).unwrap();
        let data = report.findings.iter().filter(|f| f.kind != FindingKind::Injection);
        let mut found: Vec<Found> = data.map(|f| (number(&f.rule_id), f.start, f.end)).collect();
        found.sort_unstable();
        prop_assert_eq!(found, BOTH.1.examine(&text, json), "{:?}", text);
    }
}

/// What must be held by definition: the first place from which some continuation would make a match.
#[test]
fn what_could_begin_is_held() {
    for (pattern, text, hold) in
        [("ab{2,3}c", "xabb", 1), ("ab{2,3}c", "xabbbb", 6), ("a|bcd", "abc", 1), ("a(?:bc)?", "ab", 0)]
    {
        let hir: Hir = parse(pattern).unwrap();
        let automata = super::automata::Automata::new(
            &[hir],
            &[[false; 256]],
            &[[0; 4]],
            &[super::groups::Wants::default()],
            &[],
        )
        .unwrap();
        let text = format!("\u{0}{text}");
        let text = text.as_bytes();
        let held = automata.with_caches(|caches| {
            (1..text.len()).find(|at| {
                let mut ahead = super::groups::Ahead::default();
                automata.next_start(&mut ahead, text, *at).is_some_and(|(place, groups)| {
                    place == *at && automata.heads(caches, groups, text, place, &mut 0, |_, _| {}).unwrap()
                })
            })
        });
        assert_eq!(held.unwrap_or(text.len()) - 1, hold, "{pattern}");
    }
}
