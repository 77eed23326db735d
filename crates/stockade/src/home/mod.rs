//! An installation on this machine: its data directory, its root key, and who may use them.
//!
//! What is private is checked, not assumed: a directory or key that others own or can read is refused with the command
//! that puts it right.

mod lock;
mod private;
mod root_key;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use stockade_platform::Layout;

pub(crate) use lock::{Lock, holder};
pub(crate) use private::{check_directory, check_file, make_directory, write_private, write_secret};
pub(crate) use root_key::RootKeyFile;

/// Where an installation is.
#[derive(Debug, Clone, Args)]
pub(crate) struct HomeArgs {
    /// The data directory [default: $XDG_STATE_HOME/stockade]
    #[arg(long = "data", env = "STOCKADE_HOME", value_name = "DIR", global = true)]
    pub(crate) data: Option<PathBuf>,
}

/// The paths of an installation.
#[derive(Debug, Clone)]
pub(crate) struct Home {
    data: PathBuf,
}

impl HomeArgs {
    /// The installation that is meant. Nothing is looked at yet.
    pub(crate) fn resolve(&self) -> Result<Home> {
        let data = match &self.data {
            Some(data) => std::path::absolute(data).context("the data directory")?,
            None => xdg("XDG_STATE_HOME", ".local/state")
                .context("there is no home directory: name the data directory with --data")?
                .join("stockade"),
        };
        Ok(Home { data })
    }
}

impl Home {
    /// The data directory.
    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    /// What lies where in it.
    pub(crate) fn layout(&self) -> Layout {
        Layout::new(&self.data)
    }

    /// What belongs to the running process.
    pub(crate) fn run(&self) -> PathBuf {
        self.data.join("run")
    }

    /// The addresses that the running server is bound to.
    pub(crate) fn addresses(&self) -> PathBuf {
        self.run().join("addresses.json")
    }

    /// The socket by which the running server is reached.
    pub(crate) fn socket(&self) -> PathBuf {
        self.run().join("control.sock")
    }

    /// The first key, where there was no terminal to show it on.
    pub(crate) fn playground_key(&self) -> PathBuf {
        self.data.join("playground.key")
    }

    /// Whether anything was ever stored here.
    pub(crate) fn exists(&self) -> bool {
        self.layout().store().exists() || self.layout().ledger().exists()
    }

    /// Makes the directories, or checks those that are there.
    pub(crate) fn prepare(&self) -> Result<()> {
        make_directory(&self.data)?;
        make_directory(&self.run())
    }

    /// The directories that [`Home::prepare`] would make, the inner one first.
    pub(crate) fn missing(&self) -> Vec<PathBuf> {
        let above = self.data.ancestors().map(Path::to_owned);
        std::iter::once(self.run()).chain(above).take_while(|path| !path.exists()).collect()
    }

    /// Removes directories that were made and hold nothing but an unused lock.
    pub(crate) fn unmake(&self, made: &[PathBuf]) {
        if made.first().is_some_and(|inner| *inner == self.run()) {
            let _not_there = std::fs::remove_file(self.run().join("lock"));
        }
        for path in made {
            let _in_use = std::fs::remove_dir(path);
        }
    }

    /// Refuses where nothing was ever stored: a verb that reads does not begin an installation.
    pub(crate) fn must_exist(&self) -> Result<()> {
        if !self.exists() {
            bail!(
                "there is no installation in {}: `stockade up` makes one, `--data` names another",
                self.data.display()
            );
        }
        check_directory(&self.data)
    }
}

/// A base directory of the XDG specification (<https://specifications.freedesktop.org/basedir-spec>): relative values
/// are to be ignored.
fn xdg(variable: &str, below_home: &str) -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|p| p.is_absolute());
    absolute(variable).or_else(|| absolute("HOME").map(|home| home.join(below_home)))
}
