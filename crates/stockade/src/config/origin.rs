//! Where each value came from, for `config show --origin`.

use toml::{Table, Value};

use super::schema::Config;

/// Where a value came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    Environment,
    File,
    Default,
}

/// One value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Setting {
    pub(crate) path: String,
    pub(crate) value: Value,
    pub(crate) origin: Origin,
}

impl Origin {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Environment => "environment",
            Self::File => "file",
            Self::Default => "default",
        }
    }
}

/// Every setting in effect.
pub(super) fn settings(config: &Config, file: &str, from_env: &[String]) -> Vec<Setting> {
    let effective = Table::try_from(config).unwrap_or_default();
    let written: Table = toml::from_str(file).unwrap_or_default();
    let mut out = Vec::new();
    flatten(&effective, "", &mut out);
    for setting in &mut out {
        let under = |path: &String| setting.path == *path || setting.path.starts_with(&format!("{path}."));
        setting.origin = if from_env.iter().any(under) {
            Origin::Environment
        } else if find(&written, &setting.path) {
            Origin::File
        } else {
            Origin::Default
        };
    }
    out
}

fn flatten(table: &Table, prefix: &str, out: &mut Vec<Setting>) {
    for (key, value) in table {
        let path = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        match value {
            Value::Table(inner) => flatten(inner, &path, out),
            value => out.push(Setting { path, value: value.clone(), origin: Origin::Default }),
        }
    }
}

fn find(table: &Table, path: &str) -> bool {
    match path.split_once('.') {
        None => table.contains_key(path),
        Some((first, rest)) => match table.get(first) {
            Some(Value::Table(inner)) => find(inner, rest),
            _ => false,
        },
    }
}
