//! `stockade doctor`: what an operator should know, each with what to do about it.

mod checks;
mod entra;
mod issuers;
mod labels;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use serde::Serialize;
use stockade_domain::Untrusted;

use crate::config;
use crate::home::HomeArgs;
use crate::output::{OutputArgs, Verdict};
use crate::system::env_vars;

/// Checks the installation and its surroundings
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// The configuration to check with [default: ./stockade.toml, if it is there]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Do not connect to upstreams and issuers
    #[arg(long)]
    offline: bool,
}

/// How a check went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Ok,
    /// Worth knowing.
    Warn,
    /// Something does not work or is not safe.
    Fail,
}

/// One check.
#[derive(Debug, Serialize)]
struct Check {
    name: &'static str,
    state: State,
    detail: String,
    /// What to do; empty when nothing is to be done.
    #[serde(skip_serializing_if = "String::is_empty")]
    fix: String,
}

impl Check {
    fn ok(name: &'static str, detail: impl Into<String>) -> Self {
        Self { name, state: State::Ok, detail: detail.into(), fix: String::new() }
    }

    fn warn(name: &'static str, detail: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { name, state: State::Warn, detail: detail.into(), fix: fix.into() }
    }

    fn fail(name: &'static str, detail: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { name, state: State::Fail, detail: detail.into(), fix: fix.into() }
    }
}

pub(crate) fn run(home: &HomeArgs, output: OutputArgs, args: &DoctorArgs) -> Result<ExitCode> {
    let home = home.resolve()?;
    let mut found = vec![checks::data(&home), checks::root_key(&home), checks::server(&home)];
    match config::load(args.config.as_deref(), &env_vars()) {
        Ok(loaded) => {
            found.extend(checks::configuration(&loaded, &home));
            found.push(checks::ports(&home, &loaded.config));
            found.extend(checks::limits(&loaded.config));
            found.push(labels::check(&home, &loaded.config));
            found.push(checks::telemetry(&loaded.config, args.offline));
            if !args.offline {
                found.extend(checks::upstreams(&loaded.config));
                found.extend(entra::checks(&loaded.config));
                found.extend(issuers::checks(&loaded.config));
            }
        }
        Err(error) => {
            let fix = "`stockade config check` shows the place";
            found.push(Check::fail("configuration", error.to_string(), fix));
        }
    }
    found.extend([checks::disk(&home), checks::clock(&home), checks::ledger(&home)]);
    output.list(&found, |found| found.iter().map(line).collect::<Vec<_>>().join("\n"))?;
    let failed = found.iter().any(|check| check.state == State::Fail);
    Ok(if failed { Verdict::Findings } else { Verdict::Clean }.into())
}

fn line(check: &Check) -> String {
    let state = match check.state {
        State::Ok => "ok  ",
        State::Warn => "warn",
        State::Fail => "FAIL",
    };
    let [detail, fix] = [&check.detail, &check.fix].map(|text| Untrusted::new(text).for_log());
    let fix = if fix.is_empty() { fix } else { format!("\n{:20}-> {fix}", "") };
    format!("{state}  {:<13} {detail}{fix}", check.name)
}
