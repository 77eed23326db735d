//! What a verb says: data to standard output, talk to standard error, secrets to a terminal only.

use std::fmt::Display;
use std::io::{ErrorKind, IsTerminal, Write as _};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};
use serde::Serialize;
use stockade_domain::Untrusted;

use crate::home::write_secret;

/// The form of a verb's data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Human,
    /// One JSON document.
    Json,
    /// One JSON document a line.
    Jsonl,
    /// SARIF 2.1.0, for findings.
    Sarif,
    /// CycloneDX, for inventories.
    Cyclonedx,
    /// One page, for reports.
    Html,
}

/// Names that are more alike than this (Jaro-Winkler) may be a slip of the keys.
const ALIKE: f64 = 0.75;

/// How a verb's data is printed.
#[derive(Debug, Clone, Copy, Default, Args)]
pub(crate) struct OutputArgs {
    /// The form of the output
    #[arg(long, value_enum, default_value_t, global = true)]
    pub(crate) format: Format,
}

/// What a verb came to; the exit codes are part of the interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It ran, and there is nothing to act on: 0.
    Clean,
    /// Findings, a denial, or a verification that failed: 1.
    Findings,
    /// It ran but not on everything: 3, so that "not looked at" is never taken for "clean".
    Incomplete,
}

impl From<Verdict> for ExitCode {
    fn from(verdict: Verdict) -> Self {
        Self::from(match verdict {
            Verdict::Clean => 0,
            Verdict::Findings => 1,
            Verdict::Incomplete => 3,
        })
    }
}

impl OutputArgs {
    /// Whether people read it.
    pub(crate) fn is_human(self) -> bool {
        self.format == Format::Human
    }

    /// Prints a list: a table for people, one document or one a line for programs.
    pub(crate) fn list<T: Serialize>(self, items: &[T], human: impl FnOnce(&[T]) -> String) -> Result<()> {
        match self.format {
            Format::Human => print(human(items)),
            Format::Json => print(serde_json::to_string_pretty(items)?),
            Format::Jsonl => items.iter().try_for_each(|item| print(serde_json::to_string(item)?)),
            Format::Sarif | Format::Cyclonedx | Format::Html => self.refuse(),
        }
    }

    /// Prints one thing.
    pub(crate) fn one<T: Serialize>(self, item: &T, human: impl FnOnce(&T) -> String) -> Result<()> {
        match self.format {
            Format::Human => print(human(item)),
            Format::Json => print(serde_json::to_string_pretty(item)?),
            Format::Jsonl => print(serde_json::to_string(item)?),
            Format::Sarif | Format::Cyclonedx | Format::Html => self.refuse(),
        }
    }

    /// Says that a verb does not print a format.
    fn refuse(self) -> Result<()> {
        bail!("this verb does not print {}: choose human, json or jsonl", self.name())
    }

    /// For verbs that print one thing in one form.
    pub(crate) fn only_human(self) -> Result<()> {
        if !self.is_human() {
            bail!("this verb does not print {}: leave `--format` out", self.name());
        }
        Ok(())
    }

    /// The format's name on the command line.
    pub(crate) fn name(self) -> String {
        format!("{:?}", self.format).to_lowercase()
    }
}

/// Prints text and a newline to standard output. Nothing more is wanted when the reader has gone: that is success.
pub(crate) fn print(text: impl Display) -> Result<()> {
    write_out(format!("{text}\n").as_bytes())
}

/// Writes bytes to standard output, as [`print`] does.
pub(crate) fn write_out(bytes: &[u8]) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => std::process::exit(0),
        written => Ok(written?),
    }
}

/// Says something beside the data.
pub(crate) fn say(text: impl Display) {
    let _nobody_listens = writeln!(std::io::stderr(), "{text}");
}

/// The name that was probably meant by one that does not exist.
pub(crate) fn nearest<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let alike = |name: &str| strsim::jaro_winkler(wrong, name);
    let nearest = names.into_iter().max_by(|a, b| alike(a).total_cmp(&alike(b)))?;
    (alike(nearest) > ALIKE).then_some(nearest)
}

/// Whether a stream takes colours: a terminal that knows them, and nobody who said no (<https://no-color.org>).
pub(crate) fn takes_colour(stream: &impl IsTerminal) -> bool {
    let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_none_or(|value| value.is_empty() || value == "dumb");
    stream.is_terminal() && !no_colour && !dumb
}

/// An error and what caused it, on one line. Some errors tell their cause themselves: it is not told again.
pub(crate) fn chain(error: &anyhow::Error) -> String {
    let mut out = String::new();
    let mut last = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if last.ends_with(&cause) {
            continue;
        }
        if !out.is_empty() {
            out.push_str(": ");
        }
        out.push_str(&cause);
        last = cause;
    }
    out
}

/// Shows a secret on a terminal; elsewhere, or where a file is named, it goes into a file that only its owner reads.
/// Gives the file that was written.
pub(crate) fn secret<'a>(
    what: &str,
    value: &str,
    out: Option<&'a Path>,
    fallback: &'a Path,
) -> Result<Option<&'a Path>> {
    let terminal = std::io::stdout().is_terminal();
    match out {
        None if terminal => {
            print(value)?;
            say(format_args!("This is the only time that the {what} is shown."));
            Ok(None)
        }
        path => {
            let path = path.unwrap_or(fallback);
            write_secret(path, format!("{value}\n").as_bytes())?;
            say(format_args!("The {what} is in {}.", path.display()));
            Ok(Some(path))
        }
    }
}

/// Refuses a file that is there already. Asked before a secret is made: it is shown once, and must have a place to go.
pub(crate) fn must_be_new(path: Option<&Path>) -> Result<()> {
    match path.filter(|path| path.exists()) {
        Some(path) => {
            bail!("{} is there already: name a file that is not, so that nothing is lost", path.display())
        }
        None => Ok(()),
    }
}

/// Draws a mistake with its place in a person's file. Colour only where a terminal is told about it.
pub(crate) fn draw(mistake: &dyn miette::Diagnostic, out: &mut String) {
    let colour = takes_colour(&std::io::stderr());
    let theme =
        if colour { miette::GraphicalTheme::unicode() } else { miette::GraphicalTheme::unicode_nocolor() };
    if miette::GraphicalReportHandler::new_themed(theme).render_report(out, mistake).is_err() {
        out.push_str(&mistake.to_string());
    }
}

/// Rows as columns two spaces apart. Cells are escaped: some hold what others wrote.
pub(crate) fn table<const N: usize>(
    headings: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> String {
    let clean = |cell: String| Untrusted::new(&cell).for_log();
    let mut lines: Vec<[String; N]> = vec![headings.map(str::to_owned)];
    lines.extend(rows.into_iter().map(|row| row.map(clean)));
    let mut widths = [0_usize; N];
    for line in &lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let pad = |line: &[String; N]| {
        let cells: Vec<String> =
            line.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        cells.join("  ").trim_end().to_owned()
    };
    lines.iter().map(pad).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_told_once() {
        #[derive(Debug, thiserror::Error)]
        #[error("the file: {0}")]
        struct Outer(#[source] std::io::Error);
        let error = anyhow::Error::new(Outer(std::io::Error::other("it is gone"))).context("opening");
        assert_eq!(chain(&error), "opening: the file: it is gone");
        assert_eq!(chain(&anyhow::anyhow!("why").context("what")), "what: why");
    }

    #[test]
    fn a_table_is_aligned_and_inert() {
        let rows = [["a".to_owned(), "\u{1b}[2J".to_owned()], ["long".to_owned(), String::new()]];
        assert_eq!(table(["id", "note"], rows), "id    note\na     \\u{1b}[2J\nlong");
    }
}
