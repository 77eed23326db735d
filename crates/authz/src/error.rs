//! What can be wrong with policy texts, with a place that a person can be shown.

use std::fmt;
use std::ops::Range;

use miette::Diagnostic;

/// One mistake in one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyError {
    /// The file's name as it was given to the loader.
    pub file: String,
    /// Bytes of the file that the mistake is about; absent when it is about the file or set as a whole.
    pub span: Option<Range<usize>>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// Every mistake of a policy set or case file. A set with one mistake is refused whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct PolicyErrors(Vec<PolicyError>);

/// An engine could not be made.
#[derive(Debug, thiserror::Error)]
#[error("the authorization engine could not be built: {0}")]
pub struct EngineError(pub(crate) String);

impl PolicyErrors {
    pub(crate) fn new(errors: Vec<PolicyError>) -> Self {
        Self(errors)
    }

    /// The mistakes, in the order of files and places.
    pub fn iter(&self) -> impl Iterator<Item = &PolicyError> {
        self.0.iter()
    }
}

impl PolicyError {
    /// A mistake at a place of a file.
    pub(crate) fn at(file: &str, span: Range<usize>, message: impl Into<String>) -> Self {
        Self { file: file.to_owned(), span: Some(span), message: message.into(), help: None }
    }

    /// A mistake about a whole file.
    pub(crate) fn whole(file: &str, message: impl Into<String>) -> Self {
        Self { file: file.to_owned(), span: None, message: message.into(), help: None }
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// From one of Cedar's own diagnostics, whose labels count bytes of the file's text.
    pub(crate) fn from_cedar(file: &str, error: &(impl Diagnostic + ?Sized)) -> Self {
        let label = error.labels().and_then(|mut labels| labels.next());
        let span = label.as_ref().map(|l| l.offset()..l.offset().saturating_add(l.len()));
        let detail = label.as_ref().and_then(|l| l.label()).filter(|text| !text.is_empty());
        let message = match detail {
            Some(detail) => format!("{error}: {detail}"),
            None => error.to_string(),
        };
        Self { file: file.to_owned(), span, message, help: error.help().map(|h| h.to_string()) }
    }
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.span {
            Some(span) => write!(f, "{}:{}: {}", self.file, span.start, self.message)?,
            None => write!(f, "{}: {}", self.file, self.message)?,
        }
        match &self.help {
            Some(help) => write!(f, " (help: {help})"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for PolicyErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, error) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}
