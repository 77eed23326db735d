//! `stockade tokens`: programs of the operator that read the API.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::{Args, Subcommand, ValueEnum};
use stockade_platform::{TokenInfo, TokenScope};

use super::short;
use crate::config::Span;
use crate::control::{Client, MadeToken, Request, Revoked};
use crate::home::HomeArgs;
use crate::output::{self, OutputArgs, table};

/// Makes, lists and revokes tokens by which programs read the API
#[derive(Debug, Args)]
pub(crate) struct TokensArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Make a token; its text is shown once, on a terminal only
    Create(Create),
    /// List all tokens
    List,
    /// Revoke a token at once
    Revoke {
        /// The ten characters after `stk_`
        id: String,
    },
}

#[derive(Debug, Args)]
struct Create {
    /// What it may see
    #[arg(long, value_enum, default_value_t)]
    scope: Scope,
    /// How long it is good, for example 12h or 30d, a year at most
    #[arg(long, value_name = "TIME", default_value = "30d", value_parser = lifetime)]
    expires: u64,
    /// A note for people
    #[arg(long, value_name = "TEXT", default_value = "")]
    note: String,
    /// Write the token into this file, which only you can read
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Scope {
    /// Requests, decisions, findings and proofs, but no recorded text
    #[default]
    Records,
    /// Recorded text too; each look at one is recorded
    Text,
}

fn lifetime(text: &str) -> Result<u64, String> {
    let seconds = Span::parse(text).map(|span| span.0.as_secs()).filter(|seconds| *seconds > 0);
    seconds.ok_or_else(|| "write for example 12h or 30d".to_owned())
}

pub(crate) fn run(home: &HomeArgs, output: OutputArgs, args: &TokensArgs) -> Result<ExitCode> {
    let home = home.resolve()?;
    let client = Client::reach(&home)?;
    match &args.verb {
        Verb::Create(create) => {
            output::must_be_new(create.out.as_deref())?;
            let scope = match create.scope {
                Scope::Records => TokenScope::Records,
                Scope::Text => TokenScope::Text,
            };
            let made: MadeToken = client.ask(Request::TokenCreate {
                scope,
                lifetime_s: create.expires,
                note: create.note.clone(),
            })?;
            let fallback = home.data().join(format!("token-{}.key", made.info.short_id));
            let file = output::secret("token", &made.text, create.out.as_deref(), &fallback)?;
            match file {
                Some(file) if !output.is_human() => {
                    output.one(&serde_json::json!({"token": made.info, "file": file}), |_| String::new())?;
                }
                _ => output::say(format_args!(
                    "{} sees {}, expires {}",
                    made.info.short_id,
                    scope.as_str(),
                    short(made.info.expires)
                )),
            }
        }
        Verb::List => {
            let tokens: Vec<TokenInfo> = client.ask(Request::TokenList)?;
            output.list(&tokens, |tokens| {
                table(["ID", "SCOPE", "STATE", "EXPIRES", "NOTE"], tokens.iter().map(row))
            })?;
        }
        Verb::Revoke { id } => {
            let revoked: Revoked = client.ask(Request::TokenRevoke { id: id.clone() })?;
            if !revoked.now {
                bail!("{id} was revoked before");
            }
            output::say(format_args!("{id} is revoked"));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn row(token: &TokenInfo) -> [String; 5] {
    [
        token.short_id.clone(),
        token.scope.as_str().to_owned(),
        token.state.as_str().to_owned(),
        short(token.expires),
        token.note.clone(),
    ]
}
