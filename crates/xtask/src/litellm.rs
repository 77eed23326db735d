//! LiteLLM's proxy from PyPI, for what is measured beside it: installed into a cache below the target folder, started as
//! its own documentation says, with one worker, ended on drop.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::process::{self, Running};
use crate::workspace;

/// The package and its version.
const PACKAGE: &str = "litellm[proxy]==1.106.2";
/// Importing a large Python program on a busy core takes its time.
const READY_WITHIN: Duration = Duration::from_secs(180);

/// What its clients send as their key.
pub(crate) const KEY: &str = "sk-bench";

/// Settings that belong below every list of models: a master key, no calls home.
pub(crate) const SETTINGS: &str =
    "general_settings:\n  master_key: sk-bench\nlitellm_settings:\n  telemetry: false\n";

/// As tables name it.
pub(crate) fn name() -> String {
    PACKAGE.replace("[proxy]==", " ").replace("litellm", "LiteLLM")
}

/// Installs it if need be, starts it with the text of a configuration, and waits until it answers; on one core, if one is
/// given.
pub(crate) fn start(config: &str, core: Option<usize>) -> Result<(SocketAddr, Running)> {
    let cache = workspace::root()?.join("target").join("peers");
    let home = cache.join("litellm");
    let program = home.join("bin").join("litellm");
    if !program.exists() {
        fs::create_dir_all(&cache)?;
        workspace::must(Command::new("python3").args(["-m", "venv"]).arg(&home))?;
        workspace::must(Command::new(home.join("bin").join("pip")).args(["install", "--quiet", PACKAGE]))?;
    }
    let file = home.join("proxy.yaml");
    fs::write(&file, config)?;
    let address = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?;
    let log = home.join("proxy.log");
    let mut command = command(&program, core, &file, address);
    let out = fs::File::create(&log)?;
    command.stdin(Stdio::null()).stdout(out.try_clone()?).stderr(out);
    let mut running = Running::start(&mut command)?;
    let begin = Instant::now();
    while TcpStream::connect(address).is_err() {
        if let Some(status) = running.child().try_wait()? {
            bail!("litellm ended with {status}; its log is {}", log.display());
        }
        if begin.elapsed() > READY_WITHIN {
            bail!("litellm was not ready in {} s; its log is {}", READY_WITHIN.as_secs(), log.display());
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    Ok((address, running))
}

fn command(program: &Path, core: Option<usize>, config: &Path, address: SocketAddr) -> Command {
    let mut command = core.map_or_else(|| Command::new(program), |core| process::pinned(core, program));
    command
        .arg("--config")
        .arg(config)
        .args(["--host", "127.0.0.1", "--num_workers", "1", "--port"])
        .arg(address.port().to_string())
        .env("LITELLM_LOCAL_MODEL_COST_MAP", "True")
        .env("LITELLM_LOG", "ERROR");
    command
}
