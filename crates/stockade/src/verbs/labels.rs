//! `stockade labels`: texts whose paragraphs carry a label wherever they come up again.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};
use stockade_platform::{LabelledAs, LabelledInfo};

use super::{read_text, short};
use crate::control::{Client, Request};
use crate::home::{Home, HomeArgs};
use crate::output::{OutputArgs, Verdict, say, table};

/// The longest text, in bytes.
const MAX_TEXT: u64 = 1 << 20;

/// Registers texts whose paragraphs carry a label wherever they come up again
#[derive(Debug, Args)]
pub(crate) struct LabelsArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Register the paragraphs of texts under a label; only keyed digests of them are kept
    Add {
        /// The label
        #[arg(long, value_name = "LABEL")]
        label: String,
        /// What to call the text [default: the name of its file]
        #[arg(long, value_name = "TEXT")]
        name: Option<String>,
        /// Files of text, any number of them; `-` or nothing for standard input
        files: Vec<PathBuf>,
    },
    /// List registered texts
    List,
    /// Forget a text; conversations that had it keep their label
    Remove {
        /// Its name, its id, or the first characters of the id
        text: String,
    },
    /// Say which registered texts stand in another; ends with 1 when one does
    Check {
        /// The file, `-` or nothing for standard input
        file: Option<PathBuf>,
    },
}

pub(crate) fn run(home: &HomeArgs, output: OutputArgs, args: &LabelsArgs) -> Result<ExitCode> {
    let home = home.resolve()?;
    match &args.verb {
        Verb::Add { label, name, files } => add(&home, output, label, name.as_deref(), files),
        Verb::List => {
            let all: Vec<LabelledInfo> = Client::reach(&home)?.ask(Request::LabelList)?;
            output.list(&all, rows)?;
            Ok(Verdict::Clean.into())
        }
        Verb::Remove { text } => {
            let request = Request::LabelRemove { text: text.clone() };
            let gone: LabelledInfo = Client::reach(&home)?.ask(request)?;
            output.one(&gone, |gone| rows(std::slice::from_ref(gone)))?;
            Ok(Verdict::Clean.into())
        }
        Verb::Check { file } => {
            let text = read_text(file.as_deref(), MAX_TEXT)?;
            let known: LabelledAs = Client::reach(&home)?.ask(Request::LabelCheck { text })?;
            output.one(&known, |known| match known.found.is_empty() {
                true => "nothing registered stands in it".to_owned(),
                false => table(
                    ["LABEL", "TEXT"],
                    known.found.iter().map(|(label, name)| [label.clone(), name.clone()]),
                ),
            })?;
            Ok(if known.found.is_empty() { Verdict::Clean } else { Verdict::Findings }.into())
        }
    }
}

fn add(
    home: &Home,
    output: OutputArgs,
    label: &str,
    name: Option<&str>,
    files: &[PathBuf],
) -> Result<ExitCode> {
    let stdin = [PathBuf::from("-")];
    let files = if files.is_empty() { &stdin } else { files };
    let mut added = Vec::new();
    for file in files {
        let own =
            if file == Path::new("-") { "standard input".to_owned() } else { file.display().to_string() };
        let text = read_text(Some(file), MAX_TEXT)?;
        let name = name.unwrap_or(&own).to_owned();
        let request = Request::LabelAdd { name, label: label.to_owned(), text };
        let info: LabelledInfo = Client::reach(home)?.ask(request)?;
        if let Some(short) = info.short.filter(|short| *short > 0) {
            say(format_args!(
                "{}: {short} paragraphs have fewer than 6 words or 24 letters and are left out",
                info.name
            ));
        }
        added.push(info);
    }
    output.list(&added, rows)?;
    Ok(Verdict::Clean.into())
}

fn rows(all: &[LabelledInfo]) -> String {
    let row = |text: &LabelledInfo| {
        let id = text.id.get(..12).unwrap_or(&text.id).to_owned();
        [id, text.label.clone(), text.paragraphs.to_string(), short(text.created), text.name.clone()]
    };
    table(["ID", "LABEL", "PARAGRAPHS", "SINCE", "NAME"], all.iter().map(row))
}
