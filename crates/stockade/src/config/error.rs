//! Errors in the file, shown with the place.

use std::path::Path;

use miette::{Diagnostic, NamedSource, SourceSpan};

use super::sense::Senseless;
use crate::output::nearest;

/// Why a configuration was refused.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error("{message}")]
#[diagnostic(code(config))]
pub(crate) struct ConfigError {
    message: String,
    #[help]
    help: Option<String>,
    #[source_code]
    source_code: NamedSource<String>,
    #[label("here")]
    place: Option<SourceSpan>,
}

impl ConfigError {
    fn new(
        name: &str,
        text: &str,
        message: String,
        help: Option<String>,
        place: Option<SourceSpan>,
    ) -> Box<Self> {
        let source_code = NamedSource::new(name, text.to_owned()).with_language("toml");
        Box::new(Self { message, help, source_code, place })
    }

    pub(super) fn unreadable(path: &Path, error: &std::io::Error) -> Box<Self> {
        let help = "`stockade config init` writes one with every setting explained".to_owned();
        Self::new("", "", format!("`{}` cannot be read: {error}", path.display()), Some(help), None)
    }

    pub(super) fn in_file(path: &Path, text: &str, error: &toml::de::Error) -> Box<Self> {
        let place = error.span().map(SourceSpan::from);
        let at = error.span().and_then(|span| text.get(span)).unwrap_or_default();
        let (message, help) = if at.starts_with("[[limits]]") {
            let help = "limits of use are written `[[limits.usage]]`".to_owned();
            ("`[limits]` is one table: the bounds of a request".to_owned(), Some(help))
        } else {
            (first_line(error.message()), suggestion(error.message()))
        };
        Self::new(&path.display().to_string(), text, message, help, place)
    }

    pub(super) fn meaning(path: &Path, text: &str, error: &Senseless) -> Box<Self> {
        let place = error.at.find(text).map(SourceSpan::from);
        let message = format!("{}: {}", error.at, error.message);
        Self::new(&path.display().to_string(), text, message, help(error), place)
    }

    pub(super) fn in_env(error: &toml::de::Error) -> Box<Self> {
        let message = format!("in an environment variable STOCKADE__..: {}", first_line(error.message()));
        Self::new("", "", message, suggestion(error.message()), None)
    }

    pub(super) fn in_env_meaning(error: &Senseless) -> Box<Self> {
        let message = format!("with the environment laid over the file, {}: {}", error.at, error.message);
        Self::new("", "", message, help(error), None)
    }

    /// A value that neither the file nor the environment gives: a default that does not go with the rest.
    pub(super) fn unwritten(error: &Senseless) -> Box<Self> {
        Self::new("", "", format!("{}: {}", error.at, error.message), help(error), None)
    }

    pub(super) fn env_name(name: &str) -> Box<Self> {
        let help = "the form is STOCKADE__SECTION__KEY, for example STOCKADE__LIMITS__BODY".to_owned();
        Self::new("", "", format!("the environment variable `{name}` names no setting"), Some(help), None)
    }
}

fn first_line(message: &str) -> String {
    message.lines().next().unwrap_or_default().to_owned()
}

/// "did you mean": the nearest of the names that serde lists after an unknown field.
fn suggestion(message: &str) -> Option<String> {
    let rest = message.strip_prefix("unknown field `")?;
    let (wrong, expected) = rest.split_once('`')?;
    let names = expected.split('`').skip(1).step_by(2);
    nearest(wrong, names).map(|name| format!("did you mean `{name}`?"))
}

fn help(error: &Senseless) -> Option<String> {
    Some(error.help.clone()).filter(|help| !help.is_empty())
}
