//! `stockade keys`: who may call.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use stockade_platform::KeyInfo;

use super::short;
use crate::config::Span;
use crate::control::{Client, MadeKey, Request, Revoked};
use crate::home::HomeArgs;
use crate::output::{self, OutputArgs, table};

/// Makes, lists and revokes API keys
#[derive(Debug, Args)]
pub(crate) struct KeysArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Make a key; its text is shown once, on a terminal only
    Create(Create),
    /// List all keys
    List,
    /// Revoke a key at once; answers that run under it end
    Revoke {
        /// Its id (`key_...`), or the ten characters after `stk_`
        id: String,
    },
}

#[derive(Debug, Args)]
struct Create {
    /// The workload that it belongs to
    #[arg(long, value_name = "NAME")]
    workload: String,
    /// How long it is good, for example 12h or 7d, or `never`
    #[arg(long, value_name = "TIME", default_value = "90d", value_parser = lifetime)]
    expires: Lifetime,
    /// A note for people
    #[arg(long, value_name = "TEXT", default_value = "")]
    note: String,
    /// Write the key into this file, which only you can read
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// How long a key is good; `None` for ever.
#[derive(Debug, Clone, Copy)]
struct Lifetime(Option<u64>);

fn lifetime(text: &str) -> Result<Lifetime, String> {
    match (text, Span::parse(text)) {
        ("never", _) => Ok(Lifetime(None)),
        (_, Some(span)) if span.0.as_secs() > 0 => Ok(Lifetime(Some(span.0.as_secs()))),
        _ => Err("write for example 12h, 7d or never".to_owned()),
    }
}

pub(crate) fn run(home: &HomeArgs, output: OutputArgs, args: &KeysArgs) -> Result<ExitCode> {
    let home = home.resolve()?;
    let client = Client::reach(&home)?;
    match &args.verb {
        Verb::Create(create) => {
            output::must_be_new(create.out.as_deref())?;
            let made: MadeKey = client.ask(Request::KeyCreate {
                workload: create.workload.clone(),
                lifetime_s: create.expires.0,
                note: create.note.clone(),
            })?;
            let fallback = home.data().join(format!("{}.key", made.info.id));
            let file = output::secret("key", &made.text, create.out.as_deref(), &fallback)?;
            match file {
                Some(file) if !output.is_human() => {
                    output.one(&serde_json::json!({"key": made.info, "file": file}), |_| String::new())?;
                }
                _ => {
                    let expires = made.info.expires.map_or_else(|| "never".to_owned(), short);
                    output::say(format_args!(
                        "{} for {}, expires {expires}",
                        made.info.id, made.info.workload
                    ));
                }
            }
        }
        Verb::List => {
            let keys: Vec<KeyInfo> = client.ask(Request::KeyList)?;
            output.list(&keys, |keys| {
                table(
                    ["ID", "BEGINS", "WORKLOAD", "STATE", "EXPIRES", "LAST USED", "NOTE"],
                    keys.iter().map(row),
                )
            })?;
        }
        Verb::Revoke { id } => {
            let revoked: Revoked = client.ask(Request::KeyRevoke { id: id.clone() })?;
            if !revoked.now {
                bail!("{id} was revoked before");
            }
            output::say(format_args!("{id} is revoked; requests under it have ended"));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn row(key: &KeyInfo) -> [String; 7] {
    let time = |time: Option<_>, none: &str| time.map_or_else(|| none.to_owned(), short);
    [
        key.id.to_string(),
        format!("{}{}", stockade_platform::PREFIX, key.short_id),
        key.workload.clone(),
        key.state.as_str().to_owned(),
        time(key.expires, "never"),
        time(key.last_used, "-"),
        key.note.clone(),
    ]
}
