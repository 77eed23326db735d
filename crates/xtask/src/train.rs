//! Training: the weights that are committed, made again from what is committed.

use anyhow::Result;
use clap::ValueEnum;

use crate::workspace;

/// What to train.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Train {
    /// The tagger of names, places, organisations, addresses, births and health.
    Pii,
}

/// Trains on texts that are made up and writes the weights where the crate embeds them.
pub(crate) fn run(train: Train) -> Result<()> {
    let example = match train {
        Train::Pii => "train_pii",
    };
    let mut command = workspace::cargo()?;
    command.args(["run", "--release", "--package", "stockade-inspect", "--example", example]);
    workspace::must(&mut command)
}
