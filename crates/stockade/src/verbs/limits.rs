//! `stockade limits`: what is used of limits, and what is left.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use crate::config::Money;
use crate::control::{Client, LimitUse, Request};
use crate::home::HomeArgs;
use crate::output::{OutputArgs, table};

/// Shows what is used of the limits of use, and what is left
#[derive(Debug, Args)]
pub(crate) struct LimitsArgs {
    /// Only this limit
    #[arg(value_name = "NAME")]
    name: Option<String>,
}

pub(crate) fn run(home: &HomeArgs, output: OutputArgs, args: &LimitsArgs) -> Result<ExitCode> {
    let home = home.resolve()?;
    let mut uses: Vec<LimitUse> = Client::reach(&home)?.ask(Request::Limits)?;
    uses.retain(|used| args.name.as_ref().is_none_or(|name| used.limit == *name));
    output.list(&uses, |uses| {
        if uses.is_empty() {
            return "no limits of use: `[[limits.usage]]` in stockade.toml sets them\n".to_owned();
        }
        table(["LIMIT", "WHOSE", "WHAT", "USED", "RESERVED", "LEFT", "OF", "RESETS IN"], uses.iter().map(row))
    })?;
    Ok(ExitCode::SUCCESS)
}

fn row(used: &LimitUse) -> [String; 8] {
    let amount = |n: u64| if used.measure == "money" { Money(n).to_string() } else { n.to_string() };
    let what = match &used.window {
        Some(window) => format!("{} a {window}", used.measure),
        None => "at one time".to_owned(),
    };
    [
        used.limit.clone(),
        used.subject.clone(),
        what,
        amount(used.used),
        amount(used.reserved),
        amount(used.left),
        amount(used.most),
        if used.used == 0 { "-".to_owned() } else { length(used.resets_s) },
    ]
}

/// Two units of time are enough.
fn length(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m{}s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{}h{}m", seconds / 3_600, seconds / 60 % 60),
        _ => format!("{}d{}h", seconds / 86_400, seconds / 3_600 % 24),
    }
}
