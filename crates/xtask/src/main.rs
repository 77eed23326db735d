//! Stockade's own tools. Nothing here is shipped.
//!
//! `cargo xtask check` is what a change must pass; the other verbs measure (`bench`), attack (`leaktest`) or refresh
//! what is derived (`generate`).
#![expect(clippy::print_stdout, reason = "a command-line tool speaks on stdout")]

mod arrows;
mod check;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Checks, measures and attacks Stockade.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Formatting, lints, crate arrows, licences and bans.
    Check,
    /// The dependency arrows between our crates.
    CheckArrows,
    /// Runs `./test`, passing arguments on.
    Test {
        /// For example `--install`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
}

fn main() -> ExitCode {
    let result = match Cli::parse().verb {
        Verb::Check => check::run(),
        Verb::CheckArrows => arrows::run(),
        Verb::Test { args } => check::test(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
