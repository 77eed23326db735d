//! Other gateways in the same run, on the same core, before the same upstream, so that a ratio means something.
//!
//! A peer is installed from its public registry into a cache below the target folder, and runs as its own documentation
//! says, with one worker, because it has one core.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::ValueEnum;

use super::client::Target;
use super::mock;
use super::tier::{SERVER_CORE, Server};
use crate::process::{self, Running};
use crate::workspace;

const LITELLM: &str = "litellm[proxy]==1.106.2";
/// Importing a large Python program on a busy core takes its time.
const READY_WITHIN: Duration = Duration::from_secs(180);
const KEY: &str = "sk-bench";

/// A gateway to compare with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Peer {
    /// LiteLLM's proxy from PyPI, with its guardrails off.
    Litellm,
}

impl Peer {
    /// Installs it if need be, starts it, waits until it answers.
    pub(crate) fn start(self, upstream: SocketAddr, cache: &Path) -> Result<Server> {
        match self {
            Self::Litellm => litellm(upstream, cache),
        }
    }
}

fn litellm(upstream: SocketAddr, cache: &Path) -> Result<Server> {
    let home = cache.join("litellm");
    let program = home.join("bin").join("litellm");
    if !program.exists() {
        fs::create_dir_all(cache)?;
        workspace::must(Command::new("python3").args(["-m", "venv"]).arg(&home))?;
        workspace::must(Command::new(home.join("bin").join("pip")).args(["install", "--quiet", LITELLM]))?;
    }
    let config = home.join("bench.yaml");
    let models: String = [mock::MODEL, mock::PACED_MODEL]
        .iter()
        .map(|model| {
            format!(
                "  - model_name: {model}\n    litellm_params:\n      model: openai/{model}\n      \
                 api_base: http://{upstream}/v1\n      api_key: none\n"
            )
        })
        .collect();
    let settings = format!("general_settings:\n  master_key: {KEY}\nlitellm_settings:\n  telemetry: false\n");
    fs::write(&config, format!("model_list:\n{models}{settings}"))?;

    let address = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?;
    let log = fs::File::create(home.join("bench.log"))?;
    let mut command = process::pinned(SERVER_CORE, &program);
    command
        .arg("--config")
        .arg(&config)
        .args(["--host", "127.0.0.1", "--num_workers", "1", "--port"])
        .arg(address.port().to_string())
        .env("LITELLM_LOCAL_MODEL_COST_MAP", "True")
        .env("LITELLM_LOG", "ERROR")
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log);
    let mut running = Running::start(&mut command)?;
    let begin = Instant::now();
    while TcpStream::connect(address).is_err() {
        if let Some(status) = running.child().try_wait()? {
            bail!("litellm ended with {status}; its log is {}", home.join("bench.log").display());
        }
        if begin.elapsed() > READY_WITHIN {
            bail!("litellm was not ready in {} s", READY_WITHIN.as_secs());
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    let name = LITELLM.replace("[proxy]==", " ");
    let target = Target { name, address, key: Some(KEY.to_owned()), pid: Some(running.pid()) };
    Ok(Server::own(target, running))
}

/// The words for a note below the tables.
pub(crate) fn remark(peers: &[Peer]) -> Option<&'static str> {
    peers.contains(&Peer::Litellm).then_some("LiteLLM runs with its guardrails off, one worker, no database.")
}
