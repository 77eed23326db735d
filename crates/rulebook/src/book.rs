//! Loading: strict, and with a user's directory laid over the built-in rules.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use stockade_domain::{FrameworkRef, Severity};

use crate::header::{Examples, Header, Status};

/// The largest rule file that is read, in bytes. Written rules are small; a list of digests may be long.
pub const MAX_FILE: u64 = 64 << 20;

/// Where a rule comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Built in; the path below `rules/`.
    BuiltIn(String),
    /// From the user's directory; the file's path.
    User(PathBuf),
}

/// A rule: the header, and the table that its engine understands.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule<B> {
    /// What it says about itself.
    pub header: Header,
    /// What it does.
    pub body: B,
    /// Where it comes from.
    pub origin: Origin,
}

/// The text of all rules, not yet read.
#[derive(Debug, Clone, Default)]
pub struct Rulebook {
    sources: Vec<Source>,
}

/// Why rules could not be loaded. Every message names the file.
#[derive(Debug, thiserror::Error)]
pub enum RuleError {
    /// A file or directory cannot be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// The file or directory.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A file is longer than a rule can be.
    #[error("{}: longer than {MAX_FILE} bytes", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
    },
    /// A file is not a rule of its format; the message gives line and column.
    #[error("{file}: {message}")]
    Syntax {
        /// The file.
        file: String,
        /// What is wrong and where, over several lines.
        message: String,
    },
    /// Two files of one origin have the same id.
    #[error("{second}: the id `{id}` is already that of {first}")]
    Duplicate {
        /// The id.
        id: String,
        /// The file that has it first.
        first: String,
        /// The file that has it again.
        second: String,
    },
}

#[derive(Debug, Clone)]
struct Source {
    /// The path below `rules/`, with `/`.
    name: String,
    text: Cow<'static, str>,
    origin: Origin,
}

/// A rule file as it is written. The formats differ in the name of the one table beside the header.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleFile<B> {
    id: String,
    title: String,
    severity: Severity,
    status: Status,
    since: String,
    why: String,
    fix: String,
    #[serde(default)]
    references: Vec<String>,
    #[serde(default)]
    atlas: Vec<FrameworkRef>,
    #[serde(default)]
    owasp: Vec<FrameworkRef>,
    examples: Examples,
    #[serde(
        alias = "recognizer",
        alias = "signal",
        alias = "artifact",
        alias = "attack",
        alias = "scan",
        alias = "guard"
    )]
    body: B,
}

// === impl Rulebook ===

impl Rulebook {
    /// The built-in rules: pairs of the path below `rules/` and the text.
    #[must_use]
    pub fn new(built_in: &'static [(&'static str, &'static str)]) -> Self {
        let source = |(name, text): &(&'static str, &'static str)| Source {
            name: (*name).to_owned(),
            text: Cow::Borrowed(*text),
            origin: Origin::BuiltIn((*name).to_owned()),
        };
        Self { sources: built_in.iter().map(source).collect() }
    }

    /// Lays a user's directory over these rules. It has the same folders; a rule with the id of a built-in one
    /// replaces it.
    ///
    /// # Errors
    /// [`RuleError`] when something in the directory cannot be read or is too long.
    pub fn overlay(mut self, directory: &Path) -> Result<Self, RuleError> {
        for folder in sorted_entries(directory)? {
            if !folder.is_dir() {
                continue;
            }
            let folder_name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
            for file in sorted_entries(&folder)? {
                if file.extension().is_none_or(|e| e != "toml") {
                    continue;
                }
                let read = |source| RuleError::Read { path: file.clone(), source };
                if std::fs::metadata(&file).map_err(read)?.len() > MAX_FILE {
                    return Err(RuleError::TooLong { path: file });
                }
                let text = std::fs::read_to_string(&file).map_err(read)?;
                let file_name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
                self.sources.push(Source {
                    name: format!("{folder_name}/{file_name}"),
                    text: Cow::Owned(text),
                    origin: Origin::User(file),
                });
            }
        }
        Ok(self)
    }

    /// The texts of all rules with their paths below `rules/`, built-in ones first.
    pub fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.sources.iter().map(|source| (source.name.as_str(), source.text.as_ref()))
    }

    /// The rules for which `keep` says yes, given the path below `rules/` and the text: for an engine that needs some only.
    #[must_use]
    pub fn filtered(&self, keep: impl Fn(&str, &str) -> bool) -> Self {
        Self {
            sources: self.sources.iter().filter(|source| keep(&source.name, &source.text)).cloned().collect(),
        }
    }

    /// Reads the rules of one folder, for example `recognizers`, ordered by id. Removed rules are included: whoever
    /// runs rules skips them, whoever explains them does not.
    ///
    /// # Errors
    /// The first [`RuleError`]: unknown keys, missing keys and wrong types are errors with file, line and column.
    pub fn load<B: DeserializeOwned>(&self, folder: &str) -> Result<Vec<Rule<B>>, RuleError> {
        let mut rules: BTreeMap<String, (Rule<B>, &Source)> = BTreeMap::new();
        for source in &self.sources {
            if source.name.split_once('/').is_none_or(|(first, _)| first != folder) {
                continue;
            }
            let rule = read(source)?;
            let id = rule.header.id.clone();
            if let Some((_, earlier)) = rules.get(&id)
                && !(matches!(earlier.origin, Origin::BuiltIn(_)) && matches!(source.origin, Origin::User(_)))
            {
                return Err(RuleError::Duplicate { id, first: earlier.place(), second: source.place() });
            }
            rules.insert(id, (rule, source));
        }
        Ok(rules.into_values().map(|(rule, _)| rule).collect())
    }
}

fn sorted_entries(directory: &Path) -> Result<Vec<PathBuf>, RuleError> {
    let read = |source| RuleError::Read { path: directory.to_owned(), source };
    let entries = std::fs::read_dir(directory).map_err(read)?;
    let mut paths = entries.map(|e| e.map(|e| e.path())).collect::<Result<Vec<_>, _>>().map_err(read)?;
    paths.sort();
    Ok(paths)
}

fn read<B: DeserializeOwned>(source: &Source) -> Result<Rule<B>, RuleError> {
    let file: RuleFile<B> = toml::from_str(&source.text)
        .map_err(|e| RuleError::Syntax { file: source.place(), message: e.to_string() })?;
    let header = Header {
        id: file.id,
        title: file.title,
        severity: file.severity,
        status: file.status,
        since: file.since,
        why: file.why,
        fix: file.fix,
        references: file.references,
        atlas: file.atlas,
        owasp: file.owasp,
        examples: file.examples,
    };
    Ok(Rule { header, body: file.body, origin: source.origin.clone() })
}

impl Source {
    fn place(&self) -> String {
        match &self.origin {
            Origin::BuiltIn(name) => format!("rules/{name}"),
            Origin::User(path) => path.display().to_string(),
        }
    }
}

impl Origin {
    /// The file's name without folder and ending: what the rule's id must be.
    #[must_use]
    pub fn stem(&self) -> &str {
        let name = match self {
            Self::BuiltIn(name) => Path::new(name.as_str()),
            Self::User(path) => path.as_path(),
        };
        name.file_stem().and_then(|s| s.to_str()).unwrap_or_default()
    }
}
