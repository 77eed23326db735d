//! `stockade completions`: scripts for shells.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Command};
use clap_complete::{Shell, generate};

use crate::output::{OutputArgs, write_out};

/// Prints a completion script
#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell that it is for
    shell: Shell,
}

pub(crate) fn run(output: OutputArgs, args: &CompletionsArgs, mut command: Command) -> Result<ExitCode> {
    output.only_human()?;
    let mut script = Vec::new();
    generate(args.shell, &mut command, "stockade", &mut script);
    write_out(&script)?;
    Ok(ExitCode::SUCCESS)
}
