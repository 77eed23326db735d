//! `stockade prompts`: system prompts that a workload is known to send.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};
use stockade_platform::PromptInfo;

use super::{read_text, short};
use crate::control::{Client, Request};
use crate::home::HomeArgs;
use crate::output::{OutputArgs, table};

/// The longest prompt, in bytes.
const MAX_PROMPT: u64 = 1 << 20;

/// Registers the system prompts that a workload is known to send, so that they are not taken for attempts to steer
#[derive(Debug, Args)]
pub(crate) struct PromptsArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Register a system prompt of a workload; only its digest is kept
    Register {
        /// The workload that sends it
        #[arg(long, value_name = "NAME")]
        workload: String,
        /// The file that holds it, `-` or nothing for standard input; one newline at its end does not count
        file: Option<PathBuf>,
        /// The newline at the end belongs to the prompt
        #[arg(long)]
        exact: bool,
        /// A line to know it by
        #[arg(long, value_name = "TEXT", default_value = "")]
        note: String,
    },
    /// List registered prompts
    List,
    /// Take a registration back
    Remove {
        /// The workload
        #[arg(long, value_name = "NAME")]
        workload: String,
        /// The digest, or its first characters
        digest: String,
    },
}

pub(crate) fn run(home: &HomeArgs, output: OutputArgs, args: &PromptsArgs) -> Result<ExitCode> {
    let request = match &args.verb {
        Verb::List => Request::PromptList,
        Verb::Register { workload, file, exact, note } => {
            let mut text = read_text(file.as_deref(), MAX_PROMPT)?;
            if !exact && text.ends_with('\n') {
                text.pop();
                if text.ends_with('\r') {
                    text.pop();
                }
            }
            Request::PromptRegister { workload: workload.clone(), text, note: note.clone() }
        }
        Verb::Remove { workload, digest } => {
            Request::PromptRemove { workload: workload.clone(), digest: digest.to_ascii_lowercase() }
        }
    };
    let client = Client::reach(&home.resolve()?)?;
    if matches!(request, Request::PromptList) {
        let all: Vec<PromptInfo> = client.ask(request)?;
        output.list(&all, |all| {
            table(["WORKLOAD", "SHA-256", "SINCE", "NOTE"], all.iter().map(|p| row(p, p.digest.get(..16))))
        })?;
        return Ok(ExitCode::SUCCESS);
    }
    let prompt: PromptInfo = client.ask(request)?;
    output.one(&prompt, |p| table(["WORKLOAD", "SHA-256", "SINCE", "NOTE"], [row(p, None)]))?;
    Ok(ExitCode::SUCCESS)
}

fn row(prompt: &PromptInfo, digest: Option<&str>) -> [String; 4] {
    let digest = digest.unwrap_or(&prompt.digest).to_owned();
    [prompt.workload.clone(), digest, short(prompt.created), prompt.note.clone()]
}
