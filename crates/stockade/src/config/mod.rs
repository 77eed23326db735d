//! `stockade.toml`: what exists and how much is allowed of it; never who may do what, which is policy.
//!
//! A value comes from a flag, else an environment variable `STOCKADE__SECTION__KEY`, else the file, else the default.
//! Unknown keys are errors. A file is taken whole or refused whole.

mod certificates;
mod entra;
mod error;
mod identity;
mod labels;
mod login;
mod origin;
mod place;
mod routes;
mod schema;
mod sense;
mod telemetry;
mod units;
mod usage;

pub(crate) use certificates::CertificatesConfig;
pub(crate) use entra::EntraConfig;
pub(crate) use error::ConfigError;
pub(crate) use identity::IdentityConfig;
use origin::Origin;
pub(crate) use origin::Setting;
pub(crate) use place::Place;
pub(crate) use schema::{
    Api, Config, LimitsConfig, Recorded, RulesConfig, ServerConfig, Speaks, Thinks, UpstreamConfig,
};
pub(crate) use sense::Senseless;
pub(crate) use units::{Money, Span};

use std::path::{Path, PathBuf};

use toml::{Table, Value};

/// The name that is looked for when no file is named.
pub(crate) const FILE_NAME: &str = "stockade.toml";

/// The prefix of environment variables.
const ENV_PREFIX: &str = "STOCKADE__";

/// What `config init` writes.
pub(crate) const TEMPLATE: &str = include_str!("template.toml");

/// A configuration with where it came from.
#[derive(Debug, Clone)]
pub(crate) struct Loaded {
    pub(crate) config: Config,
    /// The file that was read, if there was one.
    pub(crate) file: Option<PathBuf>,
    pub(crate) settings: Vec<Setting>,
    /// The file's text, to show places in.
    text: String,
}

impl Loaded {
    /// Tells a mistake that shows only when the values are used, at its place if it came from the file.
    pub(crate) fn refuse(&self, error: &Senseless) -> Box<ConfigError> {
        let path = error.at.to_string();
        let from = self.settings.iter().find(|setting| setting.path == path).map(|setting| setting.origin);
        match (from, &self.file) {
            (Some(Origin::Environment), _) => ConfigError::in_env_meaning(error),
            (_, Some(file)) => ConfigError::meaning(file, &self.text, error),
            (_, None) => ConfigError::unwritten(error),
        }
    }
}

/// Reads the configuration. Without a named file, `stockade.toml` of the working directory is read if it is there.
pub(crate) fn load(named: Option<&Path>, env: &[(String, String)]) -> Result<Loaded, Box<ConfigError>> {
    let file = match named {
        Some(path) => Some(path.to_owned()),
        None => Some(PathBuf::from(FILE_NAME)).filter(|p| p.exists()),
    };
    let text = match &file {
        None => String::new(),
        Some(path) => std::fs::read_to_string(path).map_err(|e| ConfigError::unreadable(path, &e))?,
    };
    parse(file, &text, env)
}

/// Reads a configuration from a text.
pub(crate) fn parse(
    file: Option<PathBuf>,
    text: &str,
    env: &[(String, String)],
) -> Result<Loaded, Box<ConfigError>> {
    let name = file.as_deref().unwrap_or(Path::new(FILE_NAME));
    // The file alone first: its errors then have a place in it.
    let alone: Config = toml::from_str(text).map_err(|e| ConfigError::in_file(name, text, &e))?;
    alone.check().map_err(|e| ConfigError::meaning(name, text, &e))?;
    let mut table: Table = toml::from_str(text).map_err(|e| ConfigError::in_file(name, text, &e))?;
    let from_env = overlay(&mut table, env)?;
    let config: Config =
        Value::Table(table.clone()).try_into().map_err(|e: toml::de::Error| ConfigError::in_env(&e))?;
    config.check().map_err(|e| ConfigError::in_env_meaning(&e))?;
    let settings = origin::settings(&config, text, &from_env);
    Ok(Loaded { config, file, settings, text: text.to_owned() })
}

/// Lays environment variables over a table. Values are TOML where they parse as such, else text.
fn overlay(table: &mut Table, env: &[(String, String)]) -> Result<Vec<String>, Box<ConfigError>> {
    let mut paths = Vec::new();
    for (name, value) in env {
        let Some(rest) = name.strip_prefix(ENV_PREFIX) else { continue };
        let path: Vec<String> = rest.split("__").map(str::to_ascii_lowercase).collect();
        let parsed = toml::from_str::<Table>(&format!("v = {value}")).ok().and_then(|mut t| t.remove("v"));
        let value = parsed.unwrap_or_else(|| Value::String(value.clone()));
        if !insert(table, &path, value) {
            return Err(ConfigError::env_name(name));
        }
        paths.push(path.join("."));
    }
    Ok(paths)
}

fn insert(table: &mut Table, path: &[String], value: Value) -> bool {
    match path {
        [] => false,
        [last] => {
            table.insert(last.clone(), value);
            true
        }
        [first, rest @ ..] => {
            match table.entry(first.clone()).or_insert_with(|| Value::Table(Table::new())) {
                Value::Table(inner) => insert(inner, rest, value),
                _ => false,
            }
        }
    }
}

/// The file as a JSON Schema (2020-12), for editors: every key with what it means and its default.
pub(crate) fn json_schema() -> serde_json::Value {
    let mut schema = schemars::schema_for!(Config);
    schema.insert("title".to_owned(), "stockade.toml".into());
    schema.to_value()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, env: &[(&str, &str)]) -> Result<Config, String> {
        let env: Vec<_> = env.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        parse(None, text, &env).map(|l| l.config).map_err(|e| format!("{e}"))
    }

    #[test]
    fn the_template_is_the_default() {
        assert_eq!(read(TEMPLATE, &[]).unwrap(), Config::default());
    }

    #[test]
    fn flags_win_over_environment_over_file() {
        let config =
            read("[limits]\nbody = \"1 MiB\"\njson_depth = 9", &[("STOCKADE__LIMITS__BODY", "2 MiB")])
                .unwrap();
        assert_eq!((config.limits.body.0, config.limits.json_depth), (2 << 20, 9));
    }

    #[test]
    fn mistakes_are_told_with_their_place() {
        for (text, needle) in [
            ("[limits]\nbdoy = 1", "unknown field"),
            ("[limits]\nbody = \"lots\"", "lots"),
            ("[[limits]]\nname = \"a\"", "one table"),
            ("[[limits.usage]]\nname = \"a\"\ntokens = 5", "over which time"),
            ("[[limits.usage]]\nname = \"a\"\nwindow = \"day\"\nmoney = 5", "nothing has a price"),
            ("[[routes]]\nmodels = [\"x\"]\ntargets = [{ upstream = \"y\" }]", "no upstream `y`"),
            ("[upstreams.x]\nbase_url = \"http://10.0.0.1/v1\"\nmodels = [\"*\"]", "https"),
            ("[upstreams.x]\nbase_url = \"https://a/v1\"\napi_key = \"sk-123\"\nmodels = [\"*\"]", "env:"),
            ("[upstreams.sandbox]\nbase_url = \"https://a/v1\"\nmodels = [\"*\"]", "sandbox"),
            ("[server]\ngateway = \"0.0.0.0:80\"", "TLS"),
        ] {
            let error = read(text, &[]).unwrap_err();
            assert!(error.contains(needle), "{text}: {error}");
        }
        assert!(read("", &[("STOCKADE__LIMITS__BDOY", "1")]).unwrap_err().contains("bdoy"));
    }
}
