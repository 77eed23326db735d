//! `stockade rules`: what inspection looks for.

use std::collections::BTreeSet;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{Args, Subcommand};
use serde::Serialize;
use stockade_domain::{Severity, Untrusted};
use stockade_inspect::Engine;
use stockade_rulebook::{Header, Rulebook};
use stockade_scan::Scanner;

use crate::output::{OutputArgs, Verdict, table};

/// Lists and tests the rules of inspection and of scans
#[derive(Debug, Args)]
pub(crate) struct RulesArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List all rules
    List,
    /// Run every rule's own examples
    Test,
}

/// The folders that rules are in.
const FOLDERS: [&str; 4] = ["recognizers", "signals", "names", "scan"];

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
    text: String,
    expected: bool,
}

pub(crate) fn run(output: OutputArgs, args: &RulesArgs) -> Result<ExitCode> {
    let book = book();
    match args.verb {
        Verb::List => {
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
        Verb::Test => {
            let engine = Engine::with_names(&book).context("compiling the rules")?;
            let scanner = Scanner::new(&book).context("compiling the rules of scans")?;
            let inspected =
                engine.examples().into_iter().map(|f| (f.id.as_ref().to_owned(), f.text, f.expected));
            let scanned = scanner.examples().into_iter().map(|f| (f.id, f.text, f.expected));
            let failed: Vec<_> = inspected
                .chain(scanned)
                .map(|(rule, text, expected)| Failed { rule, text, expected })
                .collect();
            let rules = engine.detectors().len().saturating_add(scanner.rules());
            output.list(&failed, |failed| {
                let mut lines: Vec<_> = failed.iter().map(failure).collect();
                lines.push(format!("{rules} rules, {} examples failed", failed.len()));
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
    format!("FAIL {} {what}: {}", failed.rule, Untrusted::new(&failed.text).for_log())
}
