//! Evaluations: how well something is recognised, measured on data that is not part of this repository.

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
}

/// Runs an evaluation; without data it says so and has not run.
pub(crate) fn run(eval: Eval) -> Result<()> {
    let mut command = workspace::cargo()?;
    let example = match eval {
        Eval::Inspect => "inspect_eval",
        Eval::Injection => "injection_eval",
    };
    command.args(["run", "--release", "--package", "stockade-inspect", "--example", example]);
    let beside = workspace::root()?.join(BESIDE);
    if std::env::var_os("STOCKADE_TESTDATA").is_none() && beside.is_dir() {
        command.env("STOCKADE_TESTDATA", beside);
    }
    workspace::must(&mut command)
}
