//! Stockade's own tools. Nothing here is shipped.
//!
//! `cargo xtask check` is what a change must pass; the other verbs measure (`bench`), attack (`leaktest`) or refresh
//! what is derived (`generate`).
#![expect(clippy::print_stdout, reason = "a command-line tool speaks on stdout")]

mod arrows;
mod bench;
mod check;
mod eval;
mod generate;
mod leaktest;
mod litellm;
mod process;
mod rules;
mod server;
mod table;
mod train;
mod workspace;

use std::net::SocketAddr;
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
    /// Measures one part.
    Bench {
        /// Which.
        #[command(subcommand)]
        bench: bench::Bench,
    },
    /// Measures how well something is recognised; needs development data (STOCKADE_TESTDATA).
    Eval {
        /// What.
        #[arg(value_enum)]
        eval: eval::Eval,
        /// Let other tools of that purpose read the same (they are installed from PyPI into a cache).
        #[arg(long)]
        peer: bool,
    },
    /// Makes the texts for a built-in model and trains it; the same source gives the same bytes.
    Train {
        /// Which.
        #[arg(value_enum)]
        train: train::Train,
    },
    /// Plants secrets everywhere, cuts them everywhere, and looks for them on the other side.
    Leaktest(leaktest::Options),
    /// Runs one tier of the gateway benchmark in this process; prints where it listens.
    #[command(hide = true)]
    ServeTier {
        /// Which.
        tier: bench::Tier,
        /// Where it sends requests on to.
        #[arg(long)]
        upstream: SocketAddr,
    },
    /// Writes the golden files, for example `docs/cli.md`.
    Generate {
        /// Fail when one is out of date instead of writing it.
        #[arg(long)]
        check: bool,
    },
    /// Runs `./test`, passing arguments on.
    Test {
        /// For example `--install`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
}

fn main() -> ExitCode {
    let result = match Cli::parse().verb {
        Verb::Bench { bench } => bench::run(&bench),
        Verb::Eval { eval, peer } => eval::run(eval, peer),
        Verb::Train { train } => train::run(train),
        Verb::Leaktest(options) => leaktest::run(&options),
        Verb::ServeTier { tier, upstream } => bench::serve(tier, upstream),
        Verb::Check => check::run(),
        Verb::CheckArrows => arrows::run(),
        Verb::Generate { check } => generate::run(check),
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
