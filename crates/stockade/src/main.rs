//! The command line, and the one place that ties ports to implementations.

mod config;
mod control;
mod home;
mod output;
mod system;
mod up;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use home::HomeArgs;

/// Secures AI workloads: a zero-trust gateway in front of models and tools, with evidence that anyone can verify.
#[derive(Debug, Parser)]
#[command(name = "stockade", version, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    home: HomeArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run gateway, console and ledger; needs no file and no flag
    Up(up::UpArgs),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let filter = tracing_subscriber::EnvFilter::try_from_env("STOCKADE_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let done = match &cli.command {
        Command::Up(args) => up::run(&cli.home, args),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// An error in a person's file, drawn with its place.
pub(crate) fn report(error: Box<config::ConfigError>) -> anyhow::Error {
    let mut drawn = String::new();
    let handler = miette::GraphicalReportHandler::new();
    match handler.render_report(&mut drawn, error.as_ref()) {
        Ok(()) => anyhow::anyhow!("the configuration was refused\n{drawn}"),
        Err(_) => anyhow::Error::new(*error),
    }
}
