//! Training: models that are built in are made here, from texts that the project makes itself.

use anyhow::Result;
use clap::ValueEnum;

use crate::workspace;

/// What to train.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Train {
    /// The model behind the score of attempts to steer a model.
    Injection,
    /// The tagger of names, places, organisations, addresses, births and health.
    Pii,
}

/// Trains a model and writes it to where the crate that uses it embeds it from.
pub(crate) fn run(train: Train) -> Result<()> {
    let example = match train {
        Train::Injection => "injection_train",
        Train::Pii => "train_pii",
    };
    let mut command = workspace::cargo()?;
    command.args(["run", "--release", "--package", "stockade-inspect", "--example", example]);
    workspace::must(&mut command)
}
