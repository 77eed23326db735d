//! The tour's installation: a data directory that goes away with the tour.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use stockade_crypto::{KeyRing, RootKey, SystemRandom, to_hex};
use stockade_domain::RequestId;
use stockade_gateway::{Gateway, Phase};
use stockade_ledger::PayloadState;
use stockade_platform::{NewKey, Platform};
use tokio::runtime::Runtime;
use tokio::sync::watch;

use super::client::{Reply, ask};
use crate::home::HomeArgs;
use crate::system::environment;
use crate::up;

/// A running gateway over a temporary directory.
pub(super) struct Stage {
    directory: Directory,
    runtime: Runtime,
    platform: Arc<Platform>,
    phase: watch::Sender<Phase>,
    gateway: SocketAddr,
    key: NewKey,
}

/// The ledger's files after the gateway has closed; deleted at the end.
pub(super) struct Remains {
    directory: Directory,
}

struct Directory(PathBuf);

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl std::ops::Deref for Remains {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.directory.0
    }
}

impl Stage {
    /// Starts everything.
    pub(super) fn set() -> Result<Self> {
        let mut name = [0; 8];
        stockade_crypto::Random::fill(&SystemRandom, &mut name)?;
        let directory = Directory(std::env::temp_dir().join(format!("stockade-tour-{}", to_hex(&name))));
        let home = HomeArgs { data: Some(directory.0.clone()) }.resolve()?;
        home.prepare()?;
        let ring = KeyRing::new(RootKey::generate(&SystemRandom)?);
        let env = environment(ring);
        let (platform, _) = Platform::open(home.layout(), &env).context("opening the tour's directory")?;
        let platform = Arc::new(platform);
        let workload = platform.roster.first_workload()?.context("the tour's directory is not new")?;
        let key = platform.roster.create_key(&workload.name, None, "for the tour", "cli")?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let (phase, running) = watch::channel(Phase::Running);
        let (gateway, listener) = {
            let _inside = runtime.enter();
            let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
            listener.set_nonblocking(true)?;
            (
                up::alone(&home, &platform, &env, running.clone())?,
                tokio::net::TcpListener::from_std(listener)?,
            )
        };
        let address = listener.local_addr()?;
        runtime.spawn(Arc::<Gateway>::clone(&gateway).serve(listener, None, running));
        Ok(Self { directory, runtime, platform, phase, gateway: address, key })
    }

    /// One request to the gateway.
    pub(super) fn ask(&self, body: &Value) -> Result<Reply> {
        ask(self.gateway, self.key.text.reveal(), body)
    }

    /// The entry that says what was decided, with its index.
    pub(super) fn intent(&self, reply: &Reply) -> Result<(u64, Value)> {
        let request: RequestId = reply.request.parse()?;
        let ledger = self.platform.journal.ledger();
        let index = ledger.find(request)?.intent.context("the request is not in the ledger")?;
        let entry = ledger.entry(index)?.context("the entry is not in the ledger")?;
        Ok((index, serde_json::from_str(&entry.json)?))
    }

    /// What the user's message read like when it left for the model.
    pub(super) fn recorded_prompt(&self, reply: &Reply) -> Result<String> {
        let (index, _) = self.intent(reply)?;
        let PayloadState::Text(text) = self.platform.journal.ledger().payload(index)? else {
            bail!("the record holds no text");
        };
        let payload: Value = serde_json::from_slice(&text)?;
        let spans = payload.get("spans").and_then(Value::as_array).context("the record has no texts")?;
        let user = spans.iter().find(|s| s.get("role").and_then(Value::as_str) == Some("user"));
        let pieces = user
            .and_then(|s| s.get("pieces"))
            .and_then(Value::as_array)
            .context("the record has no prompt")?;
        Ok(pieces.iter().filter_map(|p| p.get("text").and_then(Value::as_str)).collect())
    }

    /// Stops the gateway and signs what was recorded.
    pub(super) fn close(self) -> Result<Remains> {
        let _ = self.phase.send(Phase::Stopping);
        self.runtime.shutdown_timeout(std::time::Duration::from_secs(3));
        self.platform.close().context("closing the tour's ledger")?;
        let ledger = self.directory.0.join("ledger");
        let keep = Directory(self.directory.0.with_extension("ledger"));
        copy_directory(&ledger, &keep.0)?;
        Ok(Remains { directory: keep })
    }
}

/// Copies a directory with everything in it.
pub(super) fn copy_directory(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_directory(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// Changes a text in the entry of a request, wherever a file holds it; gives the file.
pub(super) fn forge(directory: &Path, request: &str, old: &str, new: &str) -> Result<PathBuf> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            if let Ok(found) = forge(&path, request, old, new) {
                return Ok(found);
            }
            continue;
        }
        let mut bytes = fs::read(&path)?;
        let find = |bytes: &[u8], text: &str| bytes.windows(text.len()).position(|w| w == text.as_bytes());
        let Some(id) = find(&bytes, request) else { continue };
        // The decision stands before the id in the same entry: keys are sorted.
        let Some(at) =
            bytes.get(..id).and_then(|head| head.windows(old.len()).rposition(|w| w == old.as_bytes()))
        else {
            continue;
        };
        for (to, from) in bytes.iter_mut().skip(at).zip(new.as_bytes()) {
            *to = *from;
        }
        fs::write(&path, bytes)?;
        return Ok(path.strip_prefix(std::env::temp_dir()).unwrap_or(&path).to_owned());
    }
    bail!("the entry of {request} is in no file")
}
