//! The command line, and the one place that ties ports to implementations.

mod config;
mod control;
mod home;
mod inspection;
mod output;
mod system;
mod tour;
mod up;
mod verbs;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};
use home::HomeArgs;
use output::OutputArgs;

/// Secures AI workloads: a zero-trust gateway in front of models and tools, with evidence that anyone can verify.
#[derive(Debug, Parser)]
#[command(name = "stockade", version, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    home: HomeArgs,
    #[command(flatten)]
    output: OutputArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run gateway, console and ledger; needs no file and no flag
    Up(up::UpArgs),
    /// Make, list and revoke API keys
    Keys(verbs::keys::KeysArgs),
    /// Make, list and revoke tokens by which programs read the API
    Tokens(verbs::tokens::TokensArgs),
    /// Make, change and list workloads
    Workload(verbs::workload::WorkloadArgs),
    /// Register system prompts of workloads
    Prompts(verbs::prompts::PromptsArgs),
    /// Register texts whose paragraphs carry a label
    Labels(verbs::labels::LabelsArgs),
    /// Show what is used of limits, and what is left
    Limits(verbs::limits::LimitsArgs),
    /// Print a link that signs you in to the console, once
    Signin,
    /// Check tokens of identity providers
    Identity(verbs::identity::IdentityArgs),
    /// Read, prove and verify the record
    Audit(verbs::audit::AuditArgs),
    /// Check, test and explain policies
    Policy(verbs::policy::PolicyArgs),
    /// Show what inspection sees in a text
    Inspect(verbs::inspect::InspectArgs),
    /// Find AI assets in a tree, and what is dangerous in them
    Scan(verbs::scan::ScanArgs),
    /// Work on saved reports
    Report(verbs::scan::ReportArgs),
    /// List and test the rules of inspection and of scans
    Rules(verbs::rules::RulesArgs),
    /// Explain a rule, a policy or an error code
    Explain(verbs::explain::ExplainArgs),
    /// Begin, check and show the configuration
    Config(verbs::config::ConfigArgs),
    /// Copy the installation into a new directory, while it runs
    Backup(verbs::backup::BackupArgs),
    /// Put a copy into an empty data directory
    Restore(verbs::backup::RestoreArgs),
    /// See an attack, its block, the proof, and a forgery found: twenty seconds
    Tour(tour::TourArgs),
    /// Check the installation and its surroundings
    Doctor(verbs::doctor::DoctorArgs),
    /// Print a completion script for a shell
    Completions(verbs::completions::CompletionsArgs),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let filter = tracing_subscriber::EnvFilter::try_from_env("STOCKADE_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(output::takes_colour(&std::io::stderr()))
        .init();
    let (home, output) = (&cli.home, cli.output);
    let done = match &cli.command {
        Command::Up(args) => up::run(home, args),
        Command::Keys(args) => verbs::keys::run(home, output, args),
        Command::Tokens(args) => verbs::tokens::run(home, output, args),
        Command::Workload(args) => verbs::workload::run(home, output, args),
        Command::Prompts(args) => verbs::prompts::run(home, output, args),
        Command::Labels(args) => verbs::labels::run(home, output, args),
        Command::Limits(args) => verbs::limits::run(home, output, args),
        Command::Signin => verbs::signin::run(home),
        Command::Identity(args) => verbs::identity::run(output, args),
        Command::Audit(args) => verbs::audit::run(home, output, args),
        Command::Policy(args) => verbs::policy::run(home, output, args),
        Command::Inspect(args) => verbs::inspect::run(home, output, args),
        Command::Scan(args) => verbs::scan::run(home, output, args),
        Command::Report(args) => verbs::scan::report(output, args),
        Command::Rules(args) => verbs::rules::run(home, output, args),
        Command::Explain(args) => verbs::explain::run(output, args),
        Command::Config(args) => verbs::config::run(home, output, args),
        Command::Backup(args) => verbs::backup::run(home, output, args),
        Command::Restore(args) => verbs::backup::put_back(home, output, args),
        Command::Tour(args) => tour::run(args),
        Command::Doctor(args) => verbs::doctor::run(home, output, args),
        Command::Completions(args) => verbs::completions::run(output, args, Cli::command()),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            output::say(format_args!("error: {}", output::chain(&error)));
            ExitCode::from(2)
        }
    }
}

/// An error in a person's file, drawn with its place.
pub(crate) fn report(error: Box<config::ConfigError>) -> anyhow::Error {
    let mut drawn = String::new();
    output::draw(error.as_ref(), &mut drawn);
    anyhow::anyhow!("the configuration was refused\n{drawn}")
}
