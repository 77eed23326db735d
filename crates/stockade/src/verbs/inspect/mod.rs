//! `stockade inspect`: what inspection sees in a text, and what the built-in policies would say to it.

mod batch;
mod human;
mod judge;
mod lines;
mod place;
mod redact;
mod sarif;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use serde::Serialize;
use stockade_domain::{DecisionRecord, Finding, FindingKind, SpanRef};
use stockade_inspect::{Detector, Engine, Report};
use stockade_rulebook::Header;

use self::batch::{Batch, lack};
use self::judge::{Judge, Kept, Level};
use self::lines::Lines;
use self::place::Place;
use super::rules;
use crate::home::HomeArgs;
use crate::inspection::{self, Chosen};
use crate::output::{self, Format, OutputArgs, Verdict};

/// Shows what inspection sees in a text
#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    /// The files to look at, `-` or nothing for standard input
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Look at this text instead
    #[arg(long, value_name = "TEXT", conflicts_with = "files")]
    text: Option<String>,
    /// Where the text stands in a conversation
    #[arg(long, value_enum, default_value_t, hide_possible_values = true)]
    #[arg(
        long_help = "Where the text stands in a conversation: user, system, assistant, reasoning, tool_args, \
                     tool_result, tool_definition, document, unlabelled or atom"
    )]
    channel: Place,
    /// Say why each finding was made and what decided
    #[arg(long)]
    explain: bool,
    /// Put marks in place of secrets and personal data; for people, print the text that way
    #[arg(long)]
    redact: bool,
    /// A directory of your own rules, laid over the built-in ones
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Run the weak patterns of a country too, by its ISO 3166-1 code; may be repeated
    #[arg(long = "locale", value_name = "CODE")]
    locales: Vec<String>,
    /// Leave out names of people, places and organisations, addresses, births and health
    #[arg(long)]
    no_names: bool,
    /// The same as `--format json`
    #[arg(long)]
    json: bool,
    /// Print the findings as a SARIF 2.1.0 log
    #[arg(long, conflicts_with_all = ["json", "explain", "redact"])]
    sarif: bool,
    /// Read an object a line (`text`, and if wanted `channel` and `id`) and answer each with an object a line
    #[arg(long, conflicts_with_all = ["text", "json", "sarif", "explain"])]
    jsonl: bool,
}

/// The family of what the tagger finds.
const NAMES: &str = "names";

/// The longest text, in bytes.
const MAX_TEXT: u64 = 64 << 20;

/// One text and what came of it.
struct Seen {
    /// What it is called.
    name: String,
    /// The file that it stands in.
    file: Option<PathBuf>,
    text: String,
    report: Report,
    decision: Arc<DecisionRecord>,
    level: Level,
}

/// One text as JSON.
#[derive(Serialize)]
struct Shown<'a> {
    source: &'a str,
    verdict: Level,
    scores: Scores,
    findings: Vec<Found<'a>>,
    /// Families all of whose detectors looked at the whole text.
    ran: Vec<&'static str>,
    /// Detectors that could not.
    incomplete: Vec<String>,
    reasons: &'a [String],
    obligations: Vec<String>,
    policies: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    redacted: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decided_by: Option<Vec<Policy<'a>>>,
}

/// How much a text looks like something, from 0 to 1.
#[derive(Debug, Clone, Copy, Serialize)]
struct Scores {
    injection: f64,
}

/// A finding as JSON. Offsets are bytes of the UTF-8 text.
#[derive(Serialize)]
struct Found<'a> {
    rule_id: &'a str,
    kind: FindingKind,
    #[serde(rename = "type")]
    ty: &'a str,
    start: usize,
    end: usize,
    confidence: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<Why<'a>>,
}

/// What a rule says about itself.
#[derive(Serialize)]
struct Why<'a> {
    title: &'a str,
    severity: String,
    why: &'a str,
    fix: &'a str,
    references: Vec<&'a str>,
}

/// A policy that had a part in the decision.
#[derive(Serialize)]
struct Policy<'a> {
    id: &'a str,
    title: &'a str,
    why: &'a str,
}

/// The families of detectors, by detector.
struct Families(BTreeMap<Arc<str>, &'static str>);

/// Rules by id.
struct Headers(BTreeMap<String, Header>);

pub(crate) fn run(home: &HomeArgs, mut output: OutputArgs, args: &InspectArgs) -> Result<ExitCode> {
    output.format = args.format(output)?;
    let book = inspection::book(args.dir.as_deref())?;
    let chosen = Chosen { locales: &args.locales, names: !args.no_names };
    let engine = std::thread::scope(|scope| {
        // The rules and the policies are compiled side by side: both take milliseconds, and a filter should start fast.
        let judge = scope.spawn(Judge::new);
        let engine = inspection::engine(&book, chosen, || home.resolve());
        match judge.join() {
            Ok(judge) => engine.and_then(|engine| Ok((engine, judge?))),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    });
    let (engine, judge) = engine?;
    let names = rules::names(&book)?;
    let families = Families::of(&engine, &names);
    if args.jsonl {
        let place = args.channel;
        return answer_lines(
            &Batch { engine: &engine, judge: &judge, families: &families, place, redact: args.redact },
            &args.files,
        );
    }
    let (seen, failed) = look(args, &engine, &judge)?;
    let headers = Headers::of(&book)?;
    if output.format == Format::Sarif {
        output::print(serde_json::to_string_pretty(&sarif::log(&seen, &headers))?)?;
    } else if output.is_human() {
        human::show(&seen, args, &headers, &judge)?;
    } else {
        let all: Vec<_> = seen.iter().map(|seen| shown(seen, args, &families, &headers, &judge)).collect();
        match all.as_slice() {
            [one] if args.files.len() <= 1 => output.one(one, |_| String::new())?,
            all => output.list(all, |_| String::new())?,
        }
    }
    if failed {
        return Ok(ExitCode::from(2));
    }
    let incomplete = seen.iter().any(|seen| !seen.report.incomplete.is_empty());
    let blocked = seen.iter().any(|seen| seen.level == Level::Block);
    Ok(match (incomplete, blocked) {
        (true, _) => Verdict::Incomplete,
        (false, true) => Verdict::Findings,
        (false, false) => Verdict::Clean,
    }
    .into())
}

impl InspectArgs {
    /// The one form that is asked for, however it is said.
    fn format(&self, output: OutputArgs) -> Result<Format> {
        let said = match (self.json, self.sarif, self.jsonl) {
            (true, _, _) => Some((Format::Json, "--json")),
            (_, true, _) => Some((Format::Sarif, "--sarif")),
            (_, _, true) => Some((Format::Jsonl, "--jsonl")),
            _ => None,
        };
        match (said, output.format) {
            (Some((format, flag)), other) if other != format && other != Format::Human => {
                bail!("{flag} and --format {} say different things: choose one", output.name())
            }
            (Some((format, _)), _) => Ok(format),
            (None, Format::Cyclonedx | Format::Html) => {
                bail!("`inspect` does not print {}: choose human, json, jsonl or sarif", output.name())
            }
            (None, Format::Sarif) if self.explain || self.redact => {
                bail!("a SARIF log has no place for what --explain and --redact say")
            }
            (None, format) => Ok(format),
        }
    }
}

/// Answers lines from standard input or one file.
fn answer_lines(batch: &Batch<'_>, files: &[PathBuf]) -> Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    match files {
        [] => batch::run(batch, std::io::stdin(), &mut out),
        [file] if file == Path::new("-") => batch::run(batch, std::io::stdin(), &mut out),
        [file] => {
            let input = File::open(file).with_context(|| format!("cannot open {}", file.display()))?;
            batch::run(batch, input, &mut out)
        }
        _ => bail!("`--jsonl` reads one file at a time"),
    }
}

/// Looks at every text that is asked for; says which cannot be read and goes on.
fn look(args: &InspectArgs, engine: &Engine, judge: &Judge) -> Result<(Vec<Seen>, bool)> {
    let mut kept = Kept::default();
    let mut examine = |name: String, file: Option<PathBuf>, text: String| {
        let cx = args.channel.context();
        let span = SpanRef { channel: cx.channel, role: cx.role, path: "", text: &text };
        let report = engine.examine(span, &cx);
        let decision = judge.decide(cx.channel, &report, &mut kept);
        let level = judge.level(&decision, &report.findings);
        Seen { name, file, text, report, decision, level }
    };
    if let Some(text) = &args.text {
        return Ok((vec![examine("text".to_owned(), None, text.clone())], false));
    }
    if args.files.is_empty() {
        return Ok((vec![examine("stdin".to_owned(), None, super::read_text(None, MAX_TEXT)?)], false));
    }
    let (mut seen, mut failed) = (Vec::new(), false);
    for path in &args.files {
        let standard = path == Path::new("-");
        match super::read_text(Some(path), MAX_TEXT) {
            Ok(text) if standard => seen.push(examine("stdin".to_owned(), None, text)),
            Ok(text) => seen.push(examine(path.display().to_string(), Some(path.clone()), text)),
            Err(error) if args.files.len() == 1 => return Err(error),
            Err(error) => {
                output::say(format_args!("error: {}", output::chain(&error)));
                failed = true;
            }
        }
    }
    Ok((seen, failed))
}

fn shown<'a>(
    seen: &'a Seen,
    args: &InspectArgs,
    families: &Families,
    headers: &'a Headers,
    judge: &'a Judge,
) -> Shown<'a> {
    let places = Lines::new(&seen.text, &seen.report.findings);
    let found = |finding: &'a Finding| {
        let mut found = Found::new(finding);
        found.line = Some(places.of(finding.start).0);
        found.text = Some(excerpt(finding, &seen.text));
        found.rule = headers.get(&finding.rule_id).filter(|_| args.explain).map(Why::new);
        found
    };
    let decided_by = || {
        let policies = judge.describe(&seen.decision.policies).into_iter();
        policies.map(|(id, title, why)| Policy { id, title, why }).collect()
    };
    Shown {
        source: &seen.name,
        verdict: seen.level,
        scores: Scores::new(seen.report.score),
        findings: seen.report.findings.iter().map(found).collect(),
        ran: families.ran(&seen.report),
        incomplete: seen.report.incomplete.iter().map(lack).collect(),
        reasons: &seen.decision.reasons,
        obligations: seen.decision.obligations.iter().map(ToString::to_string).collect(),
        policies: &seen.decision.policies,
        redacted: args.redact.then(|| redact::redacted(&seen.text, &seen.report.findings)),
        decided_by: args.explain.then(decided_by),
    }
}

/// The first characters of what was found. Of a secret only so many that its owner knows which it is.
fn excerpt(finding: &Finding, text: &str) -> String {
    const CHARS: usize = 60;
    const OF_A_SECRET: usize = 4;
    let chars = if finding.kind == FindingKind::Secret { OF_A_SECRET } else { CHARS };
    let text = text.get(finding.start..finding.end).unwrap_or_default();
    let mut out: String = text.chars().take(chars).collect();
    if text.chars().nth(chars).is_some() {
        out.push('…');
    }
    out
}

// === impl Scores ===

impl Scores {
    fn new(thousandths: u16) -> Self {
        Self { injection: f64::from(thousandths) / 1_000.0 }
    }
}

// === impl Found ===

impl<'a> Found<'a> {
    fn new(finding: &'a Finding) -> Self {
        Self {
            rule_id: &finding.rule_id,
            kind: finding.kind,
            ty: &finding.ty,
            start: finding.start,
            end: finding.end,
            confidence: f64::from(finding.confidence.thousandths()) / 1_000.0,
            line: None,
            text: None,
            rule: None,
        }
    }
}

// === impl Why ===

impl<'a> Why<'a> {
    fn new(header: &'a Header) -> Self {
        Self {
            title: &header.title,
            severity: rules::word(header.severity),
            why: &header.why,
            fix: &header.fix,
            references: references(header),
        }
    }
}

/// Where a rule's facts come from and which frameworks speak of it.
fn references(header: &Header) -> Vec<&str> {
    let frameworks = header.atlas.iter().chain(&header.owasp).map(|reference| reference.as_str());
    header.references.iter().map(String::as_str).chain(frameworks).collect()
}

// === impl Families ===

impl Families {
    fn of(engine: &Engine, names: &BTreeSet<String>) -> Self {
        let family = |detector: &Detector| {
            if names.contains(&*detector.id) { NAMES } else { detector.kind.as_str() }
        };
        let detectors = engine.detectors().into_iter();
        Self(detectors.map(|detector| (Arc::clone(&detector.id), family(&detector))).collect())
    }

    /// The families that looked at a whole text: a family is left out when one of its detectors could not.
    fn ran(&self, report: &Report) -> Vec<&'static str> {
        let lacks = |family: &&str| {
            let of = |detector| self.0.get(detector);
            report.incomplete.iter().any(|lack| of(&lack.detector).is_none_or(|lacking| lacking == family))
        };
        let mut families: Vec<&'static str> = self.0.values().copied().collect();
        families.sort_unstable();
        families.dedup();
        families.retain(|family| !lacks(family));
        families
    }
}

// === impl Headers ===

impl Headers {
    fn of(book: &stockade_rulebook::Rulebook) -> Result<Self> {
        let headers = rules::headers(book)?.into_iter();
        Ok(Self(headers.map(|(_, header)| (header.id.clone(), header)).collect()))
    }

    fn get(&self, id: &str) -> Option<&Header> {
        self.0.get(id)
    }
}
