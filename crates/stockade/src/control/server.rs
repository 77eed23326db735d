//! The server's end of the control socket. Its mode lets only the owner in, and the peer's user id is asked of the kernel
//! besides, as some systems do not honour the mode of a socket.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use stockade_gateway::Phase;
use stockade_platform::Platform;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, watch};

use super::protocol::{Answer, MAX_LINE, Question, Refusal, VERSION};
use super::service::{Service, Serving};
use crate::home::Home;

/// How many questions are worked on at once.
const AT_ONCE: usize = 8;

/// How long a question may take to arrive.
const PATIENCE: Duration = Duration::from_secs(10);

/// Binds the socket; `serving` is what only the running server knows. The future answers until the phase says stop, and takes the socket's file away.
///
/// # Errors
/// When the socket cannot be made; the holder of the directory's lock may replace one that an earlier process left.
pub(crate) fn serve(
    home: &Home,
    platform: Arc<Platform>,
    serving: Serving,
    mut phase: watch::Receiver<Phase>,
) -> Result<impl Future<Output = ()> + Send + 'static> {
    let path = home.socket();
    let listener = bind(&path)?;
    let service = Arc::new(Service::new(platform, Some(serving)));
    Ok(async move {
        let slots = Arc::new(Semaphore::new(AT_ONCE));
        while *phase.borrow() != Phase::Stopping {
            let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { break };
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                _ = phase.changed() => continue,
            };
            match accepted {
                Ok((stream, _)) => {
                    let service = Arc::clone(&service);
                    tokio::spawn(async move {
                        let _slot = slot;
                        if let Err(error) = converse(stream, service).await {
                            tracing::debug!(%error, "a conversation on the control socket broke off");
                        }
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "the control socket does not accept");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
        let _gone_already = std::fs::remove_file(path);
    })
}

fn bind(path: &PathBuf) -> Result<UnixListener> {
    let shown = path.display();
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("removing the old socket `{shown}`"));
        }
        _ => {}
    }
    let listener = UnixListener::bind(path).with_context(|| {
        format!("binding the control socket `{shown}`: a socket's path has at most about 100 bytes, so a shorter --data may help")
    })?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
        .with_context(|| format!("closing the control socket `{shown}` to others"))?;
    Ok(listener)
}

async fn converse(stream: UnixStream, service: Arc<Service>) -> io::Result<()> {
    let peer = stream.peer_cred()?.uid();
    let (reader, mut writer) = stream.into_split();
    if peer != rustix::process::geteuid().as_raw() {
        let refusal = Refusal::new("foreign_user", format!("user {peer} may not use this socket"));
        return writer.write_all(&Answer::of(Err(refusal)).to_line()).await;
    }
    let mut line = Vec::new();
    let limit = u64::try_from(MAX_LINE).unwrap_or(u64::MAX);
    let mut reader = BufReader::new(reader).take(limit);
    tokio::time::timeout(PATIENCE, reader.read_until(b'\n', &mut line)).await??;
    let result = match read(&line) {
        Ok(request) => {
            let work = tokio::task::spawn_blocking(move || service.answer(request));
            work.await.unwrap_or_else(|error| Err(Refusal::new("internal", error.to_string())))
        }
        Err(refusal) => Err(refusal),
    };
    writer.write_all(&Answer::of(result).to_line()).await
}

fn read(line: &[u8]) -> Result<super::protocol::Request, Refusal> {
    #[derive(serde::Deserialize)]
    struct Versioned {
        v: u32,
    }
    let malformed = |error: serde_json::Error| Refusal::new("malformed", format!("not a question: {error}"));
    let Versioned { v } = serde_json::from_slice(line).map_err(malformed)?;
    if v != VERSION {
        let message = format!(
            "the server speaks version {VERSION} of the control protocol, not {v}: use its own binary"
        );
        return Err(Refusal::new("version", message));
    }
    serde_json::from_slice::<Question>(line).map(|question| question.request).map_err(malformed)
}
