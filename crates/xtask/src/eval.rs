//! Evaluations: how well something is recognised, measured on data that is not part of this repository.

use std::fs;
use std::process::Command;

use anyhow::Result;
use clap::ValueEnum;

use crate::workspace;

/// Where development data lies when it lies beside the repository.
const BESIDE: &str = "../shared/data";

/// What to evaluate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Eval {
    /// Recall on attacks and false positives on benign texts, file by file.
    Inspect,
    /// Attempts to steer a model: recall by source, false positives by source and language, disguises.
    Injection,
    /// Identifiers of persons: precision, recall and F1 by type, on generated rows of 16 locales and on labelled sentences.
    Pii,
    /// Credentials: the same on generated rows.
    Secrets,
    /// Artifacts in the generated corpus: what is blocked of the malicious and of the benign.
    Artifacts,
    /// Names: precision and recall on labelled sentences, findings in benign texts, cost.
    Names,
    /// AI assets in the labelled corpus: precision and recall by entity, the tuned and the frozen half.
    Inventory,
}

/// Another tool of the same purpose: its PyPI package with its version, and the script that drives it.
struct Peer {
    package: &'static str,
    script: &'static str,
}

/// Other scanners of artifacts, as the evaluation names them.
const SCANNERS: &str = "picklescan,modelscan,fickling,modelaudit";

/// Runs an evaluation; without data it says so and has not run. With `peer` the other tools of that purpose run on the
/// same rows or files.
pub(crate) fn run(eval: Eval, peer: bool) -> Result<()> {
    if peer && eval == Eval::Artifacts {
        return example(eval, &["--peer", SCANNERS]);
    }
    let other = eval.peer();
    anyhow::ensure!(!peer || other.is_some(), "there is no other tool to run beside this evaluation");
    example(eval, &[])?;
    match other {
        Some(other) if peer => beside(eval, &other),
        _ => Ok(()),
    }
}

impl Eval {
    fn peer(self) -> Option<Peer> {
        match self {
            Self::Pii => {
                Some(Peer { package: "presidio-analyzer==2.2.366", script: "tests/peers/presidio_rows.py" })
            }
            Self::Secrets => {
                Some(Peer { package: "detect-secrets==1.5.0", script: "tests/peers/detect_secrets_rows.py" })
            }
            Self::Inspect | Self::Injection | Self::Artifacts | Self::Names | Self::Inventory => None,
        }
    }
}

fn example(eval: Eval, arguments: &[&str]) -> Result<()> {
    let mut command = workspace::cargo()?;
    let (package, example, what) = match eval {
        Eval::Inspect => ("stockade-inspect", "inspect_eval", None),
        Eval::Injection => ("stockade-inspect", "injection_eval", None),
        Eval::Pii => ("stockade-inspect", "data_eval", Some("pii")),
        Eval::Secrets => ("stockade-inspect", "data_eval", Some("secrets")),
        Eval::Artifacts => ("stockade-scan", "artifact_eval", None),
        Eval::Names => ("stockade-inspect", "names_eval", None),
        Eval::Inventory => ("stockade-scan", "inventory_eval", None),
    };
    command.args(["run", "--release", "--package", package, "--example", example, "--"]);
    command.args(what).args(arguments);
    let beside = workspace::root()?.join(BESIDE);
    if std::env::var_os("STOCKADE_TESTDATA").is_none() && beside.is_dir() {
        command.env("STOCKADE_TESTDATA", beside);
    }
    workspace::must(&mut command)
}

/// Installs the other tool once into a cache, lets it read the rows and scores what it found.
fn beside(eval: Eval, peer: &Peer) -> Result<()> {
    let root = workspace::root()?;
    let cache = root.join("target").join("peers").join(peer.package);
    let python = cache.join("bin").join("python");
    if !python.exists() {
        fs::create_dir_all(&cache)?;
        workspace::must(Command::new("python3").args(["-m", "venv"]).arg(&cache))?;
        workspace::must(Command::new(&python).args(["-m", "pip", "install", "--quiet", peer.package]))?;
    }
    let (rows, found) = (cache.join("rows.jsonl"), cache.join("found.jsonl"));
    let (rows_shown, found_shown) = (rows.to_string_lossy(), found.to_string_lossy());
    example(eval, &["--rows", &rows_shown])?;
    workspace::must(Command::new(&python).arg(root.join(peer.script)).args([&rows, &found]))?;
    example(eval, &["--found", &found_shown])
}
