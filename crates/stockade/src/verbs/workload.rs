//! `stockade workload`: what keys, traffic and findings belong to.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};
use stockade_domain::{Audience, Exposure, Label, Workload};
use stockade_platform::WorkloadChange;

use crate::control::{Client, Request};
use crate::home::HomeArgs;
use crate::output::{OutputArgs, table};

/// Makes, changes and lists workloads
#[derive(Debug, Args)]
pub(crate) struct WorkloadArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Make a workload; without --model it may use none
    Create(Change),
    /// Change a workload; what is not named stays
    Set(Change),
    /// List all workloads
    List,
    /// Show one workload
    Show {
        /// Its name
        name: String,
    },
}

#[derive(Debug, Args)]
struct Change {
    /// Its name: a-z, 0-9 and `-`
    name: String,
    /// Who its answers are for: public, employees, team or named [default: employees]
    #[arg(long, value_name = "WHO")]
    audience: Option<Audience>,
    /// From where it can be reached: internet, internal or isolated [default: internal]
    #[arg(long, value_name = "WHENCE")]
    exposure: Option<Exposure>,
    /// Who answers for it
    #[arg(long, value_name = "TEXT")]
    owner: Option<String>,
    /// The highest label of its content [default: public]
    #[arg(long, value_name = "LABEL")]
    label: Option<String>,
    /// A model that it may use; `*` at the end stands for any rest. Give it again for more
    #[arg(long = "model", value_name = "NAME")]
    models: Vec<String>,
    /// A tool that its models may call; as for models
    #[arg(long = "tool", value_name = "NAME")]
    tools: Vec<String>,
    /// An attribute that policies read, for example asserts_users
    #[arg(long = "trait", value_name = "WORD")]
    traits: Vec<String>,
}

impl Change {
    fn to_change(&self) -> WorkloadChange {
        let list = |words: &[String]| (!words.is_empty()).then(|| words.to_vec());
        WorkloadChange {
            audience: self.audience,
            exposure: self.exposure,
            owner: self.owner.clone(),
            label: self.label.as_deref().map(Label::new),
            models: list(&self.models),
            tools: list(&self.tools),
            traits: list(&self.traits),
        }
    }
}

pub(crate) fn run(home: &HomeArgs, output: OutputArgs, args: &WorkloadArgs) -> Result<ExitCode> {
    let client = Client::reach(&home.resolve()?)?;
    let request = match &args.verb {
        Verb::List => {
            let all: Vec<Workload> = client.ask(Request::WorkloadList)?;
            output.list(&all, |all| {
                table(
                    ["NAME", "AUDIENCE", "EXPOSURE", "LABEL", "MODELS", "TOOLS", "OWNER"],
                    all.iter().map(row),
                )
            })?;
            return Ok(ExitCode::SUCCESS);
        }
        Verb::Create(change) => {
            Request::WorkloadCreate { name: change.name.clone(), change: change.to_change() }
        }
        Verb::Set(change) => Request::WorkloadSet { name: change.name.clone(), change: change.to_change() },
        Verb::Show { name } => Request::WorkloadShow { name: name.clone() },
    };
    let workload: Workload = client.ask(request)?;
    output.one(&workload, describe)?;
    Ok(ExitCode::SUCCESS)
}

fn row(workload: &Workload) -> [String; 7] {
    [
        workload.name.to_string(),
        workload.audience.to_string(),
        workload.exposure.to_string(),
        workload.label.to_string(),
        workload.models.join(" "),
        workload.tools.join(" "),
        workload.owner.clone(),
    ]
}

fn describe(workload: &Workload) -> String {
    let list = |words: &[String]| if words.is_empty() { "none".to_owned() } else { words.join(" ") };
    let rows = [
        ["name".to_owned(), workload.name.to_string()],
        ["id".to_owned(), workload.id.to_string()],
        ["audience".to_owned(), workload.audience.to_string()],
        ["exposure".to_owned(), workload.exposure.to_string()],
        ["label".to_owned(), workload.label.to_string()],
        ["owner".to_owned(), workload.owner.clone()],
        ["models".to_owned(), list(&workload.models)],
        ["tools".to_owned(), list(&workload.tools)],
        ["traits".to_owned(), list(&workload.traits)],
    ];
    table(["WORKLOAD", ""], rows)
}
