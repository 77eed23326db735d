//! `stockade policy`: the policies, checked, tested and explained without a server.

mod replay;
mod unused;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use miette::{Diagnostic, NamedSource, SourceSpan};
use stockade_authz::{CaseFile, Engine, PolicyErrors, PolicySet};
use stockade_domain::{Effect, Untrusted};

use crate::config::{self, Config, Senseless, Span};
use crate::home::HomeArgs;
use crate::output::{self, OutputArgs, Verdict};
use crate::system::env_vars;
use crate::up::policy_files;

/// Checks, tests and explains policies
#[derive(Debug, Args)]
pub(crate) struct PolicyArgs {
    /// The configuration that names further policies [default: ./stockade.toml, if it is there]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Load the policies and say what is wrong with them
    Check {
        /// A directory of `.cedar` files to check together with the built-in ones
        dir: Option<PathBuf>,
    },
    /// Decide the cases of files and compare with what they expect
    Test {
        /// Case files [default: the built-in ones]
        files: Vec<PathBuf>,
    },
    /// Decide again what was recorded, and say what would change, and for whom
    Replay(replay::ReplayArgs),
    /// Name policies that never had a say in what was recorded
    Unused {
        /// Only what was recorded in so long a time, for example 30d
        #[arg(long, value_name = "TIME", value_parser = replay::span)]
        since: Option<Span>,
    },
    /// Say what is decided for the cases of a file, and why
    Explain {
        /// The case file, `-` for standard input
        file: PathBuf,
        /// Only the case of this name
        #[arg(long, value_name = "NAME")]
        case: Option<String>,
    },
}

/// The longest case file, in bytes.
const MAX_FILE: u64 = 1 << 20;

pub(crate) fn run(home: &HomeArgs, output: OutputArgs, args: &PolicyArgs) -> Result<ExitCode> {
    let mut config = config::load(args.config.as_deref(), &env_vars()).map_err(crate::report)?.config;
    match &args.verb {
        Verb::Check { dir } => {
            if dir.is_some() {
                config.policies.dir.clone_from(dir);
            }
            check(output, &config)
        }
        Verb::Replay(args) => {
            if args.dir.is_some() {
                config.policies.dir.clone_from(&args.dir);
            }
            replay::run(home, output, &config, &engine(&config)?, args)
        }
        Verb::Unused { since } => unused::run(home, output, &engine(&config)?, *since),
        Verb::Test { files } => test(output, &engine(&config)?, files),
        Verb::Explain { file, case } => explain(output, &engine(&config)?, file, case.as_deref()),
    }
}

fn check(output: OutputArgs, config: &Config) -> Result<ExitCode> {
    let files = policy_files(config).map_err(told)?;
    match load(&files) {
        Ok(set) => {
            let facts = serde_json::json!({"good": true, "policies": set.len(), "hash": set.hash()});
            output.one(&facts, |_| format!("good: {} policies, set {}", set.len(), set.hash()))?;
            Ok(Verdict::Clean.into())
        }
        Err(errors) => {
            let list: Vec<_> = errors.iter().map(|e| e.to_string()).collect();
            output.one(&serde_json::json!({"good": false, "errors": list}), |_| drawn(&errors, &files))?;
            Ok(Verdict::Findings.into())
        }
    }
}

/// A directory that cannot be read.
fn told(error: Senseless) -> anyhow::Error {
    anyhow::anyhow!("{}: {}", error.at, error.message)
}

fn load(files: &[(String, String)]) -> Result<PolicySet, PolicyErrors> {
    let texts: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    PolicySet::load(&texts)
}

/// The engine over the built-in policies and those of the configuration.
pub(super) fn engine(config: &Config) -> Result<Engine> {
    let files = policy_files(config).map_err(told)?;
    match load(&files) {
        Ok(set) => Ok(Engine::new(set)?),
        Err(errors) => bail!("the policies cannot be loaded\n{}", drawn(&errors, &files)),
    }
}

fn test(output: OutputArgs, engine: &Engine, files: &[PathBuf]) -> Result<ExitCode> {
    let mut results = Vec::new();
    if files.is_empty() {
        for (name, text) in stockade_rules::POLICY_CASES {
            results.extend(cases(name, text)?.run(engine));
        }
    }
    for path in files {
        let text = super::read_text(Some(path), MAX_FILE)?;
        results.extend(cases(&path.display().to_string(), &text)?.run(engine));
    }
    let failed = results.iter().filter(|result| !result.differences.is_empty()).count();
    output.list(&results, |results| {
        let mut lines = Vec::new();
        for result in results.iter().filter(|result| !result.differences.is_empty()) {
            lines.push(format!("FAIL {}", Untrusted::new(&result.name).for_log()));
            lines.extend(result.differences.iter().map(|d| format!("     {}", Untrusted::new(d).for_log())));
        }
        lines.push(format!("{} passed, {failed} failed", results.len().saturating_sub(failed)));
        lines.join("\n")
    })?;
    Ok(if failed == 0 { Verdict::Clean } else { Verdict::Findings }.into())
}

fn explain(output: OutputArgs, engine: &Engine, path: &Path, only: Option<&str>) -> Result<ExitCode> {
    let text = super::read_text(Some(path), MAX_FILE)?;
    let file = cases(&path.display().to_string(), &text)?;
    let wanted = file.cases.iter().filter(|case| only.is_none_or(|name| case.name == name));
    let explained: Vec<_> =
        wanted.filter_map(|case| Some((case.name.clone(), file.explain(case, engine)?))).collect();
    if explained.is_empty() {
        bail!("{} has no such case", path.display());
    }
    let denied = explained.iter().any(|(_, explanation)| explanation.decision.effect == Effect::Deny);
    let all: Vec<_> =
        explained.iter().map(|(name, why)| serde_json::json!({"case": name, "explanation": why})).collect();
    output.list(&all, |_| {
        let shown = explained.iter().map(|(name, why)| format!("{}: {why}", Untrusted::new(name).for_log()));
        shown.collect::<Vec<_>>().join("\n\n")
    })?;
    Ok(if denied { Verdict::Findings } else { Verdict::Clean }.into())
}

fn cases(name: &str, text: &str) -> Result<CaseFile> {
    CaseFile::parse(name, text).map_err(|errors| {
        anyhow::anyhow!(
            "{name} is not a case file\n{}",
            drawn(&errors, &[(name.to_owned(), text.to_owned())])
        )
    })
}

/// A mistake with its place, for [`miette`] to draw.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error("{message}")]
struct Mistake {
    message: String,
    #[help]
    help: Option<String>,
    #[source_code]
    source_code: Option<NamedSource<String>>,
    #[label("here")]
    place: Option<SourceSpan>,
}

/// Every mistake, each at its place in its file.
fn drawn(errors: &PolicyErrors, files: &[(String, String)]) -> String {
    let mut out = String::new();
    for error in errors.iter() {
        let text = files.iter().find(|(name, _)| *name == error.file).map(|(_, text)| text);
        let mistake = Mistake {
            message: format!("{}: {}", error.file, error.message),
            help: error.help.clone(),
            source_code: text.map(|text| NamedSource::new(&error.file, text.clone())),
            place: error.span.clone().map(SourceSpan::from),
        };
        output::draw(&mistake, &mut out);
    }
    out
}
