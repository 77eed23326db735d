//! Golden files: what others depend on, derived from the code and kept in the tree, so that a change of it is seen.
//!
//! The command line's help, `docs/cli.md`, the gateway's error codes, `docs/errors.md`, the rules of inspection,
//! `docs/rules.md`, and the schema of the configuration.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::{rules, workspace};

/// How deep verbs may nest before something is wrong.
const MAX_DEPTH: usize = 4;

/// Writes the golden files, or with `check` fails when one differs from what would be written.
pub(crate) fn run(check: bool) -> Result<()> {
    let binary = workspace::build_stockade(workspace::Profile::Dev)?;
    let mut stale = Vec::new();
    for (path, text) in golden(&binary)? {
        let shown = path.display().to_string();
        let path = workspace::root()?.join(path);
        if fs::read_to_string(&path).is_ok_and(|old| old == text) {
            println!("{shown}: up to date");
        } else if check {
            stale.push(shown);
        } else {
            fs::write(&path, text).with_context(|| format!("cannot write {shown}"))?;
            println!("{shown}: written");
        }
    }
    if !stale.is_empty() {
        bail!("{} differ; `cargo xtask generate` refreshes them", stale.join(", "));
    }
    Ok(())
}

fn golden(binary: &Path) -> Result<Vec<(PathBuf, String)>> {
    let mut help = String::from(
        "# The command line\n\nWhat `--help` prints, verb by verb. Made by `cargo xtask generate`; do not edit.\n",
    );
    describe(binary, &mut Vec::new(), &mut help)?;
    Ok(vec![
        ("docs/cli.md".into(), help),
        ("docs/errors.md".into(), errors()),
        ("docs/schemas/stockade.toml.json".into(), said(binary, &["config", "schema"])?),
        ("docs/rules.md".into(), rules::page()?),
    ])
}

/// What the binary prints.
fn said(binary: &Path, verbs: &[&str]) -> Result<String> {
    let output = Command::new(binary).args(verbs).output().context("cannot run the binary")?;
    if !output.status.success() {
        bail!("`stockade {}` failed: {}", verbs.join(" "), String::from_utf8_lossy(&output.stderr));
    }
    String::from_utf8(output.stdout).context("the output is not UTF-8")
}

/// The gateway's codes as a page.
fn errors() -> String {
    let mut page = String::from(
        "# Errors of the gateway\n\nWhat a caller is told, in its dialect, with the id of the request in `x-request-id`. The codes are \
         stable.\nDetails are the operator's: `stockade audit tail`, or the request's page in the console. Made by `cargo xtask \
         generate`; do\nnot edit.\n\n| status | code | meaning |\n| ---: | --- | --- |\n",
    );
    for (status, code, meaning) in stockade_gateway::CODES {
        let _ = writeln!(page, "| {status} | `{code}` | {meaning} |");
    }
    page
}

fn describe(binary: &Path, verbs: &mut Vec<String>, out: &mut String) -> Result<()> {
    if verbs.len() > MAX_DEPTH {
        bail!("`{}` nests too deep", verbs.join(" "));
    }
    let output = Command::new(binary)
        .args(&*verbs)
        .arg("--help")
        .env("NO_COLOR", "1")
        .output()
        .context("cannot run the binary")?;
    if !output.status.success() {
        bail!("`stockade {} --help` failed: {}", verbs.join(" "), String::from_utf8_lossy(&output.stderr));
    }
    let text = String::from_utf8(output.stdout).context("help is not UTF-8")?;
    let title =
        std::iter::once("stockade").chain(verbs.iter().map(String::as_str)).collect::<Vec<_>>().join(" ");
    write!(out, "\n## `{title}`\n\n```text\n")?;
    for line in text.trim_end().lines() {
        writeln!(out, "{}", line.trim_end())?;
    }
    out.push_str("```\n");
    for verb in subcommands(&text) {
        verbs.push(verb);
        describe(binary, verbs, out)?;
        verbs.pop();
    }
    Ok(())
}

/// The verbs under `Commands:` of a help text; `help` itself is left out.
fn subcommands(help: &str) -> Vec<String> {
    help.lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|verb| *verb != "help")
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verbs_are_read_from_help() {
        let help = "Says.\n\nUsage: stockade <COMMAND>\n\nCommands:\n  up     Runs\n         everything\n  audit  Reads\n  help   Print\n\nOptions:\n  -h\n";
        assert_eq!(subcommands(help), ["up", "audit"]);
        assert!(subcommands("Usage: stockade up\n").is_empty());
    }
}
