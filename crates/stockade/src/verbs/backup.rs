//! `stockade backup` and `stockade restore`: a copy of an installation, and the way back.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::Args;
use stockade_platform::{Manifest, restore};

use super::short;
use crate::control::{Client, Request};
use crate::home::{HomeArgs, Lock, RootKeyFile};
use crate::output::{self, OutputArgs};

/// Copies the installation into a new directory, while it runs
#[derive(Debug, Args)]
pub(crate) struct BackupArgs {
    /// The directory to make
    to: PathBuf,
}

/// Puts a copy into an empty data directory
#[derive(Debug, Args)]
pub(crate) struct RestoreArgs {
    /// The copy's directory
    from: PathBuf,
}

pub(crate) fn run(home: &HomeArgs, output: OutputArgs, args: &BackupArgs) -> Result<ExitCode> {
    let to = std::path::absolute(&args.to).context("the copy's directory")?;
    let manifest: Manifest = Client::reach(&home.resolve()?)?.ask(Request::Backup { to: to.clone() })?;
    output.one(&manifest, |manifest| format!("{} in {}", describe(manifest), to.display()))?;
    output::say(format_args!(
        "The root key is not in it. Keep {} elsewhere: without it a copy cannot be used.",
        RootKeyFile::locate()?.path().display()
    ));
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn put_back(home: &HomeArgs, output: OutputArgs, args: &RestoreArgs) -> Result<ExitCode> {
    let home = home.resolve()?;
    let made = home.missing();
    home.prepare()?;
    let lock = Lock::take(&home)?;
    let manifest = restore(&args.from, &home.layout()).inspect_err(|_| {
        // Nothing was put there: what was made for it goes, the lock's file first.
        drop(lock);
        home.unmake(&made);
    })?;
    output.one(&manifest, |manifest| format!("{} put into {}", describe(manifest), home.data().display()))?;
    output::say("The copy was checked against its manifest, and its ledger was verified.");
    Ok(ExitCode::SUCCESS)
}

fn describe(manifest: &Manifest) -> String {
    let bytes: u64 = manifest.files.iter().map(|file| file.bytes).sum();
    format!(
        "{} of {}: {} entries, {} files, {} KiB",
        manifest.origin,
        short(manifest.time),
        manifest.entries,
        manifest.files.len(),
        bytes.div_ceil(1_024)
    )
}
