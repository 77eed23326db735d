//! A real `stockade up`, seen from outside: its own data directory, root key and ports; ended on drop.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use tempfile::TempDir;

use crate::process::{self, Running};

/// How long a server may take until it is ready; a build without optimisation on a busy machine is slow.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// A running server.
#[derive(Debug)]
pub(crate) struct Stockade {
    running: Running,
    addresses: Addresses,
    key: String,
    binary: PathBuf,
    folder: TempDir,
}

#[derive(Debug, Deserialize)]
struct Addresses {
    gateway: SocketAddr,
    console: SocketAddr,
}

impl Stockade {
    /// Starts `binary` with the text of a `stockade.toml`; its files go to a new folder below `scratch`, its threads to
    /// `core` when one is given.
    pub(crate) fn start(binary: &Path, config: &str, scratch: &Path, core: Option<usize>) -> Result<Self> {
        fs::create_dir_all(scratch).with_context(|| format!("cannot make {}", scratch.display()))?;
        let folder = tempfile::Builder::new().prefix("stockade-").tempdir_in(scratch)?;
        let top = folder.path();
        fs::write(top.join("stockade.toml"), config)?;
        fs::DirBuilder::new().mode(0o700).create(top.join("key"))?;
        let log = File::create(top.join("server.log"))?;
        let mut command = core.map_or_else(|| Command::new(binary), |core| process::pinned(core, binary));
        command
            .arg("up")
            .arg("--data")
            .arg(data(top))
            .arg("--config")
            .arg(top.join("stockade.toml"))
            .args(["--no-env-upstreams", "--gateway", "127.0.0.1:0", "--console", "127.0.0.1:0"])
            .args(["--metrics", "127.0.0.1:0"])
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        environment(&mut command, top);
        let mut running = Running::start(&mut command)?;
        let (addresses, key) = await_ready(&mut running, top)?;
        Ok(Self { running, addresses, key, binary: binary.to_path_buf(), folder })
    }

    /// Where callers connect.
    pub(crate) fn gateway(&self) -> SocketAddr {
        self.addresses.gateway
    }

    /// Where people look.
    pub(crate) fn console(&self) -> SocketAddr {
        self.addresses.console
    }

    /// The key of the workload `playground`.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// The process id.
    pub(crate) fn pid(&self) -> u32 {
        self.running.pid()
    }

    /// Where its data lies.
    pub(crate) fn data(&self) -> PathBuf {
        data(self.folder.path())
    }

    /// What it printed.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("server.log")).unwrap_or_default()
    }

    /// Runs another verb of the binary against this server.
    pub(crate) fn command(&self, arguments: &[&str]) -> Result<Output> {
        let mut command = Command::new(&self.binary);
        command.args(arguments).stdin(Stdio::null());
        environment(&mut command, self.folder.path());
        command.output().context("cannot run the binary")
    }
}

fn data(top: &Path) -> PathBuf {
    top.join("data")
}

fn environment(command: &mut Command, top: &Path) {
    command
        .env("STOCKADE_HOME", data(top))
        .env("STOCKADE_ROOT_KEY_FILE", top.join("key").join("root.key"))
        .env("NO_COLOR", "1");
}

fn await_ready(running: &mut Running, top: &Path) -> Result<(Addresses, String)> {
    let begin = Instant::now();
    let log = || fs::read_to_string(top.join("server.log")).unwrap_or_default();
    while begin.elapsed() < READY_WITHIN {
        if let Some(status) = running.child().try_wait()? {
            bail!("stockade up ended with {status}:\n{}", log());
        }
        let addresses = fs::read(data(top).join("run").join("addresses.json"))
            .ok()
            .and_then(|text| serde_json::from_slice(&text).ok());
        let key = fs::read_to_string(data(top).join("playground.key"));
        if let (Some(addresses), Ok(key)) = (addresses, key) {
            return Ok((addresses, key.trim().to_owned()));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    bail!("stockade up was not ready in {} s:\n{}", READY_WITHIN.as_secs(), log())
}
