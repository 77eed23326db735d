//! `stockade scan`: which AI assets a tree holds, and what is dangerous in them.

mod show;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand, ValueEnum};
use stockade_domain::{Clock as _, Severity};
use stockade_scan::output::{Spec, cyclonedx, html, sarif};
use stockade_scan::{Options, Report, Scanner, Seen};

use crate::control::{self, Client, Request, Traffic};
use crate::home::HomeArgs;
use crate::inspection::{self, Chosen};
use crate::output::{self, Format, OutputArgs, Verdict};
use crate::system::SystemClock;

/// Finds AI assets in a tree, and what is dangerous in them
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct ScanArgs {
    /// The directory or file to scan
    #[arg(required = true)]
    path: Option<PathBuf>,
    /// Exit 1 when a finding is at least this bad
    #[arg(long, value_enum, default_value_t = Level::High, value_name = "SEVERITY")]
    fail_on: Level,
    /// A directory of your own rules, laid over the built-in ones
    #[arg(long, value_name = "DIR")]
    rules: Option<PathBuf>,
    /// A report whose findings are known and do not count
    #[arg(long, value_name = "REPORT")]
    baseline: Option<PathBuf>,
    /// Keep results of unchanged files in this file
    #[arg(long, value_name = "FILE")]
    cache: Option<PathBuf>,
    /// Write the report to this file
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
    /// How many threads to use; 0 for what the machine has
    #[arg(long, default_value_t = 0, value_name = "N")]
    threads: usize,
    /// Compute the digests of models, which reads every byte of them
    #[arg(long)]
    digests: bool,
    /// The version of CycloneDX for `--format cyclonedx`
    #[arg(long, value_enum, default_value_t = Bom::V16, value_name = "VERSION")]
    cyclonedx: Bom,
    #[command(subcommand)]
    verb: Option<ScanVerb>,
}

#[derive(Debug, Subcommand)]
enum ScanVerb {
    /// Show what differs between two reports
    Diff {
        /// The earlier report, as JSON
        before: PathBuf,
        /// The later report, as JSON
        after: PathBuf,
    },
}

/// Works on saved reports
#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    #[command(subcommand)]
    verb: ReportVerb,
}

#[derive(Debug, Subcommand)]
enum ReportVerb {
    /// Print a saved JSON report of a scan in another format
    Convert {
        /// The report, `-` for standard input
        report: PathBuf,
        /// The version of CycloneDX for `--format cyclonedx`
        #[arg(long, value_enum, default_value_t = Bom::V16, value_name = "VERSION")]
        cyclonedx: Bom,
    },
}

/// A severity to fail on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Level {
    Info,
    Low,
    Medium,
    High,
    Critical,
    /// Findings never fail
    Never,
}

/// A version of CycloneDX.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Bom {
    #[value(name = "1.6")]
    V16,
    #[value(name = "1.7")]
    V17,
}

/// Where a gateway listens unless it is told otherwise.
const USUAL: &str = "http://127.0.0.1:8470";

/// The longest report that is read, in bytes.
const MAX_REPORT: u64 = 256 << 20;

pub(crate) fn run(home: &HomeArgs, output: OutputArgs, args: &ScanArgs) -> Result<ExitCode> {
    if let Some(ScanVerb::Diff { before, after }) = &args.verb {
        return diff(output, before, after);
    }
    let Some(path) = args.path.as_deref() else {
        bail!("there is nothing to scan: name a directory or a file")
    };
    let book = inspection::book(args.rules.as_deref())?;
    let mut scanner =
        Scanner::deferred(&inspection::without_fingerprints(&book)?).context("compiling the rules")?;
    if let Some(known) = inspection::only_fingerprints(&book)? {
        let chosen = Chosen { locales: &[], names: false };
        let engine = inspection::engine(&known, chosen, || home.resolve())?;
        scanner = scanner.with_known(known, engine);
    }
    let options = Options {
        threads: args.threads,
        today: Some(SystemClock.now().to_string().chars().take(10).collect()),
        baseline: args.baseline.as_deref().map(baseline).transpose()?.unwrap_or_default(),
        cache: args.cache.clone(),
        digests: args.digests,
    };
    let mut report = scanner.scan(path, &options)?;
    ask(home, &mut report);
    let text = printed(output.format, &report, args.cyclonedx)?;
    match &args.out {
        Some(file) => std::fs::write(file, text).with_context(|| format!("writing {}", file.display()))?,
        None => output::write_out(text.as_bytes())?,
    }
    report.findings.retain(|finding| finding.suppressed.is_none());
    let failed =
        args.fail_on.severity().is_some_and(|level| report.worst().is_some_and(|worst| worst >= level));
    Ok(match (failed, report.coverage.incomplete.is_empty()) {
        (true, _) => Verdict::Findings,
        (false, false) => Verdict::Incomplete,
        (false, true) => Verdict::Clean,
    }
    .into())
}

/// Asks a running server, where there is one, what of this goes through it. A scan is complete without.
fn ask(home: &HomeArgs, report: &mut Report) {
    let asked = home.resolve().and_then(|home| {
        let Some(stream) = control::connect(&home)? else { return Ok(None) };
        let request = Request::Traffic { workload: report.workload.clone() };
        Client::Running(stream).ask::<Traffic>(request).map(Some)
    });
    match asked {
        Ok(Some(traffic)) => {
            let known = if traffic.known { "knows" } else { "does not know" };
            report.join(&Seen {
                asked: format!("the server at {} {known} the workload {}", traffic.gateway, report.workload),
                gateway: traffic.gateway,
                models: traffic.models,
                upstreams: traffic.upstreams,
            });
        }
        Ok(None) => report.join_none(USUAL),
        Err(error) => output::say(format_args!("the server was not asked: {}", output::chain(&error))),
    }
}

pub(crate) fn report(output: OutputArgs, args: &ReportArgs) -> Result<ExitCode> {
    let ReportVerb::Convert { report, cyclonedx } = &args.verb;
    let report = load(report)?;
    output::write_out(printed(output.format, &report, *cyclonedx)?.as_bytes())?;
    Ok(Verdict::Clean.into())
}

fn diff(output: OutputArgs, before: &Path, after: &Path) -> Result<ExitCode> {
    let difference = load(before)?.difference(&load(after)?);
    output.one(&difference, show::difference)?;
    let worse = difference.findings_added.iter().any(|finding| finding.suppressed.is_none());
    Ok(if worse { Verdict::Findings } else { Verdict::Clean }.into())
}

/// A report in a format, with a newline at its end.
fn printed(format: Format, report: &Report, bom: Bom) -> Result<String> {
    let mut text = match format {
        Format::Human => show::report(report),
        Format::Json => serde_json::to_string_pretty(report)?,
        Format::Jsonl => {
            let assets = report.assets.iter().map(|asset| serde_json::json!({ "asset": asset }).to_string());
            let findings =
                report.findings.iter().map(|finding| serde_json::json!({ "finding": finding }).to_string());
            assets.chain(findings).collect::<Vec<_>>().join("\n")
        }
        Format::Sarif => serde_json::to_string_pretty(&sarif(report))?,
        Format::Cyclonedx => serde_json::to_string_pretty(&cyclonedx(report, bom.spec()))?,
        Format::Html => html(report),
    };
    if !matches!(format, Format::Human | Format::Html) {
        text = inert(&text);
    }
    // Of JSON Lines, nothing is no line.
    if !(format == Format::Jsonl && text.is_empty()) {
        text.push('\n');
    }
    Ok(text)
}

/// JSON whose texts cannot steer a terminal or turn the reading direction: such characters stand as escapes. They occur in
/// texts only, so that the document stays the same.
fn inert(json: &str) -> String {
    let steers = |c: char| {
        matches!(c, '\u{7f}'..='\u{9f}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
    };
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if steers(c) {
            out.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            out.push(c);
        }
    }
    out
}

fn load(path: &Path) -> Result<Report> {
    let text = super::read_text(Some(path), MAX_REPORT)?;
    let report: Report = serde_json::from_str(&text)
        .with_context(|| format!("{} is not a report of a scan", path.display()))?;
    if report.schema != stockade_scan::SCHEMA {
        bail!(
            "{} is of the format `{}`; this version reads `{}`",
            path.display(),
            report.schema,
            stockade_scan::SCHEMA
        );
    }
    Ok(report)
}

fn baseline(path: &Path) -> Result<BTreeSet<String>> {
    Ok(load(path)?.findings.into_iter().map(|finding| finding.fingerprint).collect())
}

impl Bom {
    const fn spec(self) -> Spec {
        match self {
            Self::V16 => Spec::V1_6,
            Self::V17 => Spec::V1_7,
        }
    }
}

impl Level {
    const fn severity(self) -> Option<Severity> {
        match self {
            Self::Info => Some(Severity::Info),
            Self::Low => Some(Severity::Low),
            Self::Medium => Some(Severity::Medium),
            Self::High => Some(Severity::High),
            Self::Critical => Some(Severity::Critical),
            Self::Never => None,
        }
    }
}
