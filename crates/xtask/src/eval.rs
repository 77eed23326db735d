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
    /// Names: precision and recall on labelled sentences, findings in benign texts, cost.
    Names,
    /// AI assets in the labelled corpus: precision and recall by entity, the tuned and the frozen half.
    Inventory,
}

/// Runs an evaluation; without data it says so and has not run.
pub(crate) fn run(eval: Eval) -> Result<()> {
    let mut command = workspace::cargo()?;
    let (package, example) = match eval {
        Eval::Inspect => ("stockade-inspect", "inspect_eval"),
        Eval::Injection => ("stockade-inspect", "injection_eval"),
        Eval::Names => ("stockade-inspect", "names_eval"),
        Eval::Inventory => ("stockade-scan", "inventory_eval"),
    };
    command.args(["run", "--release", "--package", package, "--example", example]);
    let beside = workspace::root()?.join(BESIDE);
    if std::env::var_os("STOCKADE_TESTDATA").is_none() && beside.is_dir() {
        command.env("STOCKADE_TESTDATA", beside);
    }
    workspace::must(&mut command)
}
