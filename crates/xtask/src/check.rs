//! What a change must pass before it lands.

use std::process::Command;

use anyhow::{Context as _, Result};

use crate::{arrows, workspace};

/// Formatting, lints with warnings denied, arrows, licences and bans; stops at the first that fails.
pub(crate) fn run() -> Result<()> {
    workspace::must(workspace::cargo()?.args(["fmt", "--all", "--check"]))?;
    workspace::must(workspace::cargo()?.args([
        "clippy",
        "--workspace",
        "--all-targets",
        "--",
        "--deny",
        "warnings",
    ]))?;
    arrows::run()?;
    workspace::must(workspace::cargo()?.args([
        "deny",
        "check",
        "--allow",
        "unused-wrapper",
        "bans",
        "licenses",
        "sources",
    ]))
    .context("`cargo install --locked cargo-deny` adds the tool when it is missing")
}

/// Runs `./test`.
pub(crate) fn test(args: &[String]) -> Result<()> {
    let root = workspace::root()?;
    workspace::must(Command::new(root.join("test")).args(args).current_dir(&root))
}
