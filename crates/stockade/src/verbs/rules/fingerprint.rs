//! `stockade rules fingerprint`: a rule that finds values of one's own and does not hold them.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail, ensure};
use clap::{Args, ValueEnum};
use serde::Serialize;
use stockade_inspect::{FingerprintError, FingerprintKey, Fingerprints};
use stockade_rulebook::{MAX_FILE, Rulebook};

use super::csv::Records;
use crate::config;
use crate::home::{HomeArgs, make_directory, write_private};
use crate::inspection;
use crate::output::{OutputArgs, Verdict};
use crate::system::env_vars;

/// The longest list of values, in bytes.
const MAX_VALUES: u64 = 256 << 20;

/// So many left-out values are named; the others are counted.
const NAMED: usize = 20;

/// The longest id or type, in bytes.
const LONGEST_WORD: usize = 64;

#[derive(Debug, Args)]
pub(super) struct FingerprintArgs {
    /// The values, one a line; `-` or nothing for standard input
    #[arg(value_name = "FILE")]
    values: Option<PathBuf>,
    /// The rule's id, for example `own-customers`; a rule of fingerprints with this id is replaced
    #[arg(long)]
    id: String,
    /// What the values are, as marks and policies name it: a mark is `[redacted:TYPE]`
    #[arg(long = "type", value_name = "TYPE", default_value = "own_record")]
    ty: String,
    /// Whether they are secrets or personal data
    #[arg(long, value_enum, default_value_t)]
    kind: Kind,
    /// Read a table in CSV and take this column, by the name in its first line or by number from 1; several make one value
    #[arg(long = "column", value_name = "COLUMN")]
    columns: Vec<String>,
    /// What separates the fields of the table
    #[arg(long, value_name = "CHAR", default_value_t = ',', requires = "columns")]
    separator: char,
    /// Leave out values that cannot be looked for, and say which, rather than refuse the list
    #[arg(long)]
    skip: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Kind {
    #[default]
    Secret,
    Pii,
}

/// A value and the line that it stands on.
type Value = (usize, String);

/// What was made.
#[derive(Serialize)]
struct Made {
    file: PathBuf,
    values: usize,
    /// Lines of values that cannot be looked for, the first ones.
    left_out: Vec<usize>,
    left_out_count: usize,
}

pub(super) fn run(
    home: &HomeArgs,
    output: OutputArgs,
    dir: Option<&Path>,
    args: &FingerprintArgs,
) -> Result<ExitCode> {
    args.check()?;
    let dir = directory(dir)?;
    let file = dir.join("recognizers").join(format!("{}.toml", args.id));
    may_be_written(&file, &args.id, &dir)?;
    let text = super::super::read_text(args.values.as_deref(), MAX_VALUES)?;
    let values = if args.columns.is_empty() { lines(&text) } else { args.table(&text)? };
    let key = inspection::make_fingerprint_key(&home.resolve()?)?;
    let (good, left_out) = args.sorted(&key, values)?;
    let prints = Fingerprints::new(&key, good.iter().map(|(_, value)| value.as_str()))?;
    let rule = args.rule(&prints);
    ensure!(
        u64::try_from(rule.len()).is_ok_and(|length| length <= MAX_FILE),
        "the rule would be longer than {MAX_FILE} bytes: make several of parts of the list, each with its own id"
    );
    let folder = dir.join("recognizers");
    make_directory(&folder).or_else(|error| if folder.is_dir() { Ok(()) } else { Err(error) })?;
    write_private(&file, rule.as_bytes())?;
    let made = Made {
        file,
        values: prints.len(),
        left_out_count: left_out.len(),
        left_out: left_out.into_iter().take(NAMED).collect(),
    };
    output.one(&made, shown)?;
    Ok(if made.left_out_count == 0 { Verdict::Clean } else { Verdict::Incomplete }.into())
}

/// The directory of the operator's rules: the one that is named, else the configuration's.
fn directory(named: Option<&Path>) -> Result<PathBuf> {
    if let Some(dir) = named {
        return Ok(dir.to_owned());
    }
    let loaded = config::load(None, &env_vars()).map_err(crate::report)?;
    loaded.config.rules.dir.context(
        "where do the rules go? Name a directory with --dir, or as `dir` in `[rules]` of stockade.toml",
    )
}

/// A rule is replaced only by its like: not a built-in one, and not one that somebody has written.
fn may_be_written(file: &Path, id: &str, dir: &Path) -> Result<()> {
    let built_in = super::headers(&super::book())?;
    ensure!(
        !built_in.iter().any(|(_, header)| header.id == id),
        "`{id}` is a built-in rule, which this one would replace: choose another id"
    );
    if !dir.is_dir() {
        return Ok(());
    }
    for rule in Rulebook::new(&[]).overlay(dir)?.load::<toml::Table>("recognizers")? {
        if rule.header.id == id {
            let prints = rule.body.contains_key("fingerprints");
            ensure!(
                prints && rule.origin.stem() == id,
                "{} has a rule with the id `{id}` already",
                dir.display()
            );
        }
    }
    ensure!(!file.is_dir(), "{} is a directory", file.display());
    Ok(())
}

fn lines(text: &str) -> Vec<Value> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    (1..).zip(text.lines()).map(|(line, value)| (line, value.trim().to_owned())).collect()
}

fn shown(made: &Made) -> String {
    let mut out = format!("{} values in {}", made.values, made.file.display());
    if made.left_out_count > 0 {
        let lines: Vec<_> = made.left_out.iter().map(usize::to_string).collect();
        let more = if made.left_out_count > made.left_out.len() { ", ..." } else { "" };
        let _ = write!(
            out,
            "\n{} values cannot be looked for and were left out: lines {}{more}",
            made.left_out_count,
            lines.join(", ")
        );
    }
    out
}

// === impl FingerprintArgs ===

impl FingerprintArgs {
    fn check(&self) -> Result<()> {
        let word = |text: &str, join: char| {
            let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == join;
            text.starts_with(|c: char| c.is_ascii_lowercase())
                && text.len() <= LONGEST_WORD
                && text.chars().all(inner)
        };
        ensure!(word(&self.id, '-'), "an id is small letters, digits and `-`, beginning with a letter");
        ensure!(word(&self.ty, '_'), "a type is small letters, digits and `_`, beginning with a letter");
        ensure!(!matches!(self.separator, '"' | '\n' | '\r'), "fields cannot be separated by this");
        Ok(())
    }

    /// The values of a table's columns.
    fn table(&self, text: &str) -> Result<Vec<Value>> {
        let mut records = Records::new(text, self.separator);
        let (_, head) = records.next()?.context("the table is empty")?;
        let numbers = self.columns.iter().map(|column| {
            let named = head.iter().position(|name| name.trim() == column.as_str());
            let numbered = || column.parse::<usize>().ok()?.checked_sub(1).filter(|at| *at < head.len());
            named.or_else(numbered).with_context(|| {
                let names: Vec<_> = head.iter().map(|name| name.trim()).collect();
                format!("the table has no column `{column}`: its first line has {}", names.join(", "))
            })
        });
        let numbers = numbers.collect::<Result<Vec<_>>>()?;
        let mut values = Vec::new();
        while let Some((line, fields)) = records.next()? {
            let of = numbers.iter().filter_map(|at| fields.get(*at)).map(|field| field.trim());
            let parts: Vec<_> = of.filter(|field| !field.is_empty()).collect();
            // Half of a record would be found wherever it stands alone.
            let whole = parts.len() == numbers.len();
            values.push((line, if whole { parts.join(" ") } else { String::new() }));
        }
        Ok(values)
    }

    /// The values that can be looked for, and the lines of those that cannot.
    fn sorted(&self, key: &FingerprintKey, values: Vec<Value>) -> Result<(Vec<Value>, Vec<usize>)> {
        let (mut good, mut left_out) = (Vec::with_capacity(values.len()), Vec::new());
        for (line, value) in values {
            if value.is_empty() {
                continue;
            }
            match Fingerprints::new(key, [value.as_str()]) {
                Ok(_) => good.push((line, value)),
                Err(_) if self.skip => left_out.push(line),
                Err(error) => bail!("line {line}: {}; --skip leaves such values out", what(&error)),
            }
        }
        ensure!(!good.is_empty(), "there is no value that can be looked for");
        Ok((good, left_out))
    }

    /// The rule file.
    fn rule(&self, prints: &Fingerprints) -> String {
        let kind = match self.kind {
            Kind::Secret => "secret",
            Kind::Pii => "pii",
        };
        format!(
            "# Made by `stockade rules fingerprint`. It holds keyed digests of values, not the values.\n\
             id = \"{id}\"\n\
             title = \"Values of your own ({ty})\"\n\
             severity = \"high\"\n\
             status = \"stable\"\n\
             since = \"{since}\"\n\
             why = \"These values are on a list of your own of what must not leave.\"\n\
             fix = \"Leave them out, or let policy replace them.\"\n\
             \n[recognizer]\nkind = \"{kind}\"\ntype = \"{ty}\"\n\n\
             {prints}\n[examples]\nmatch = []\nno_match = []\n",
            id = self.id,
            ty = self.ty,
            since = env!("CARGO_PKG_VERSION"),
            prints = prints.to_toml(),
        )
    }
}

/// Why one value cannot be looked for, without its place in the list, which is told by its line.
fn what(error: &FingerprintError) -> String {
    error.to_string().replacen("value 1 has", "the value has", 1)
}
