//! `stockade rules`: what inspection looks for.

mod csv;
mod fingerprint;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{Args, Subcommand};
use serde::Serialize;
use stockade_domain::{Severity, Untrusted};
use stockade_inspect::leak::GuardRules;
use stockade_rulebook::{Header, Rulebook};
use stockade_scan::Scanner;

use crate::home::HomeArgs;
use crate::inspection::{self, Chosen};
use crate::output::{OutputArgs, Verdict, table};

/// Lists and tests the rules of inspection and of scans
#[derive(Debug, Args)]
pub(crate) struct RulesArgs {
    /// A directory of your own rules, laid over the built-in ones
    #[arg(long, global = true, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Run the weak patterns of a country too, by its ISO 3166-1 code; may be repeated
    #[arg(long = "locale", global = true, value_name = "CODE")]
    locales: Vec<String>,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List all rules
    List,
    /// Run every rule's own examples
    Test {
        /// Change the examples too: hidden characters, other forms, neighbours and check digits
        #[arg(long)]
        adversarial: bool,
    },
    /// Make a rule that finds values of your own by keyed digests of them
    #[command(
        long_about = "Reads a list of values (secrets, customer numbers, records) and writes a rule that finds them, \
                            however they are spaced and written, without holding them: it has digests that nobody can \
                            try values against without this installation's root key. The rule goes into the directory \
                            of --dir, else of `[rules]` in stockade.toml, where a running server takes it over."
    )]
    Fingerprint(fingerprint::FingerprintArgs),
}

/// The folders that rules are in.
const FOLDERS: [&str; 6] = ["recognizers", "signals", "names", "leaks", "scan", "artifacts"];

#[derive(Serialize)]
struct Listed {
    id: String,
    title: String,
    severity: Severity,
    folder: &'static str,
}

#[derive(Serialize)]
struct Failed {
    rule: String,
    /// What was done to the example.
    #[serde(skip_serializing_if = "Option::is_none")]
    change: Option<&'static str>,
    text: String,
    expected: bool,
}

pub(crate) fn run(home: &HomeArgs, output: OutputArgs, args: &RulesArgs) -> Result<ExitCode> {
    let dir = args.dir.as_deref();
    match &args.verb {
        Verb::Fingerprint(fingerprint) => fingerprint::run(home, output, dir, fingerprint),
        Verb::List => {
            let book = inspection::book(dir)?;
            let rules: Vec<_> = headers(&book)?
                .into_iter()
                .map(|(folder, header)| Listed {
                    id: header.id,
                    title: header.title,
                    severity: header.severity,
                    folder,
                })
                .collect();
            output.list(&rules, |rules| {
                let row = |rule: &Listed| {
                    [rule.id.clone(), word(rule.severity), rule.folder.to_owned(), rule.title.clone()]
                };
                table(["ID", "SEVERITY", "KIND", "TITLE"], rules.iter().map(row))
            })?;
            Ok(Verdict::Clean.into())
        }
        Verb::Test { adversarial } => {
            let book = inspection::book(dir)?;
            let chosen = Chosen { locales: &args.locales, names: true };
            let engine = inspection::engine(&book, chosen, || home.resolve())?;
            let scanner = Scanner::new(&inspection::without_fingerprints(&book)?)
                .context("compiling the rules of scans")?;
            let inspected =
                engine.examples().into_iter().map(|f| (f.id.as_ref().to_owned(), f.text, f.expected));
            let guards = GuardRules::load(&book).context("reading the rules of leaks")?;
            let guarded =
                guards.examples().into_iter().map(|f| (f.id.as_ref().to_owned(), f.text, f.expected));
            let scanned = scanner.examples().into_iter().map(|f| (f.id, f.text, f.expected));
            let mut failed: Vec<_> = inspected
                .chain(guarded)
                .chain(scanned)
                .map(|(rule, text, expected)| Failed { rule, change: None, text, expected })
                .collect();
            let mut changes = String::new();
            if *adversarial {
                let outcome = engine.adversarial();
                changes = format!(", {} changed examples tried", outcome.tried);
                failed.extend(outcome.failures.into_iter().map(|f| Failed {
                    rule: f.id.as_ref().to_owned(),
                    change: Some(f.change),
                    text: f.text,
                    expected: f.expected,
                }));
            }
            let rules = engine.detectors().len().saturating_add(guards.len()).saturating_add(scanner.rules());
            output.list(&failed, |failed| {
                let mut lines: Vec<_> = failed.iter().map(failure).collect();
                lines.push(format!("{rules} rules{changes}, {} examples failed", failed.len()));
                lines.join("\n")
            })?;
            Ok(if failed.is_empty() { Verdict::Clean } else { Verdict::Findings }.into())
        }
    }
}

/// The built-in rules.
pub(super) fn book() -> Rulebook {
    Rulebook::new(stockade_rules::FILES)
}

/// What every rule says about itself, with the folder that it is in.
pub(super) fn headers(book: &Rulebook) -> Result<Vec<(&'static str, Header)>> {
    let mut out = Vec::new();
    for folder in FOLDERS {
        let rules = book.load::<toml::Value>(folder)?;
        out.extend(rules.into_iter().map(|rule| (folder, rule.header)));
    }
    Ok(out)
}

/// The ids of the rules of names.
pub(super) fn names(book: &Rulebook) -> Result<BTreeSet<String>> {
    let rules = book.load::<toml::Value>("names")?.into_iter();
    Ok(rules.map(|rule| rule.header.id).collect())
}

/// The word of a severity.
pub(super) fn word(severity: Severity) -> String {
    format!("{severity:?}").to_lowercase()
}

fn failure(failed: &Failed) -> String {
    let what = if failed.expected { "finds nothing in" } else { "finds something in" };
    let change = failed.change.map(|change| format!(" with {change}")).unwrap_or_default();
    format!("FAIL {} {what}{change}: {}", failed.rule, Untrusted::new(&failed.text).for_log())
}
