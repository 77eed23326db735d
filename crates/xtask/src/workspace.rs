//! Where the workspace is and how to run Cargo in it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

/// The folder that holds the workspace's `Cargo.toml`.
pub(crate) fn root() -> Result<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).map(Path::to_path_buf).context("xtask is not two folders below the root")
}

/// A Cargo command in the workspace's root, with the Cargo that runs us if there is one.
pub(crate) fn cargo() -> Result<Command> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root()?);
    Ok(command)
}

/// Whether the workspace has a package of this name.
pub(crate) fn has(package: &str) -> Result<bool> {
    let output = cargo()?.args(["metadata", "--format-version", "1", "--no-deps"]).output()?;
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let packages = metadata.get("packages").and_then(|p| p.as_array()).context("cargo metadata changed")?;
    Ok(packages.iter().any(|p| p.get("name").and_then(|name| name.as_str()) == Some(package)))
}

/// How our programs are compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    /// Quick to build, slow to run.
    Dev,
    /// What is measured.
    Release,
}

/// Builds the `stockade` binary and says where it is; `STOCKADE_BIN` names one that is ready instead.
pub(crate) fn build_stockade(profile: Profile) -> Result<PathBuf> {
    if let Some(ready) = std::env::var_os("STOCKADE_BIN").filter(|path| !path.is_empty()) {
        return Ok(ready.into());
    }
    build("stockade", profile)
}

/// Builds a package's binary of the same name and says where it is.
pub(crate) fn build(package: &str, profile: Profile) -> Result<PathBuf> {
    let mut command = cargo()?;
    command.args([
        "build",
        "--package",
        package,
        "--bin",
        package,
        "--message-format",
        "json-render-diagnostics",
    ]);
    if profile == Profile::Release {
        command.arg("--release");
    }
    let output = command.stderr(Stdio::inherit()).output().context("cannot run cargo build")?;
    if !output.status.success() {
        bail!("cannot build {package}");
    }
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<Artifact>(line).ok())
        .filter(|artifact| artifact.target.name == package)
        .find_map(|artifact| artifact.executable)
        .with_context(|| format!("cargo build says nothing about the binary of {package}"))
}

#[derive(Debug, Deserialize)]
struct Artifact {
    target: ArtifactTarget,
    executable: Option<PathBuf>,
}

#[derive(Debug, Deserialize)]
struct ArtifactTarget {
    name: String,
}

/// Runs a command to its end, showing it; fails unless it exits with 0.
pub(crate) fn must(command: &mut Command) -> Result<()> {
    let shown = show(command);
    eprintln!("$ {shown}");
    let status = command.status().with_context(|| format!("cannot start `{shown}`"))?;
    if !status.success() {
        bail!("`{shown}` failed: {status}");
    }
    Ok(())
}

fn show(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    std::iter::once(program)
        .chain(command.get_args())
        .map(|part| part.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}
