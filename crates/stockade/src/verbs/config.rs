//! `stockade config`: begin, check and show `stockade.toml`.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{Args, Subcommand};

use crate::config::{self, FILE_NAME, Loaded, Senseless, TEMPLATE};
use crate::home::{Home, HomeArgs};
use crate::output::{self, OutputArgs, Verdict, table};
use crate::system::env_vars;
use crate::up::{self, Built, EnvUpstreams};

/// Begins, checks and shows the configuration
#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Write a file with every setting explained; nothing is overwritten
    Init {
        /// The file
        #[arg(default_value = FILE_NAME)]
        file: PathBuf,
    },
    /// Say whether a file would be taken
    Check {
        /// The file [default: ./stockade.toml, if it is there]
        file: Option<PathBuf>,
        /// Leave out the upstreams that OPENAI_API_KEY and OLLAMA_HOST name
        #[arg(long)]
        no_env_upstreams: bool,
    },
    /// Print every setting in effect
    Show {
        /// The file [default: ./stockade.toml, if it is there]
        file: Option<PathBuf>,
        /// Say where each value comes from
        #[arg(long)]
        origin: bool,
    },
    /// Print the JSON Schema of the file, for editors and checks
    Schema,
}

pub(crate) fn run(home: &HomeArgs, output: OutputArgs, args: &ConfigArgs) -> Result<ExitCode> {
    match &args.verb {
        Verb::Init { file } => {
            let made = OpenOptions::new().write(true).create_new(true).open(file);
            made.and_then(|mut new| new.write_all(TEMPLATE.as_bytes()))
                .with_context(|| format!("cannot make {}", file.display()))?;
            output::say(format_args!("{} is written; every setting in it has its default", file.display()));
        }
        Verb::Check { file, no_env_upstreams } => {
            let loaded = config::load(file.as_deref(), &env_vars()).map_err(crate::report)?;
            try_out(&loaded, *no_env_upstreams, &home.resolve()?)
                .map_err(|error| crate::report(loaded.refuse(&error)))?;
            let name = loaded.file.as_deref().unwrap_or(Path::new("the default configuration"));
            output.one(&serde_json::json!({"good": true}), |_| format!("good: {}", name.display()))?;
        }
        Verb::Show { file, origin } => {
            let loaded = config::load(file.as_deref(), &env_vars()).map_err(crate::report)?;
            let rows = loaded.settings.iter().map(|s| {
                let from = if *origin { s.origin.as_str() } else { "" };
                [s.path.clone(), s.value.to_string(), from.to_owned()]
            });
            let json: Vec<_> = loaded
                .settings
                .iter()
                .map(|s| serde_json::json!({"key": s.path, "value": s.value, "origin": s.origin.as_str()}))
                .collect();
            output.list(&json, |_| table(["SETTING", "VALUE", if *origin { "FROM" } else { "" }], rows))?;
        }
        Verb::Schema => output::print(format_args!("{:#}", config::json_schema()))?,
    }
    Ok(Verdict::Clean.into())
}

/// Makes what `up` would make of a configuration, and throws it away.
pub(super) fn try_out(loaded: &Loaded, no_env_upstreams: bool, home: &Home) -> Result<Built, Senseless> {
    let config = &loaded.config;
    up::tls(config)?;
    let server = &config.server;
    let ports = [server.gateway, server.console, server.metrics].map(|address| address.port());
    let env = match no_env_upstreams {
        true => EnvUpstreams::default(),
        false => EnvUpstreams::read(ports, &config.label_order()),
    };
    Built::new(config, &env, home)
}
