//! The command line's end.

use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde::de::DeserializeOwned;
use stockade_platform::Platform;

use super::protocol::{Answer, MAX_LINE, Question, Request, VERSION};
use super::service::Service;
use crate::home::{Home, Lock, RootKeyFile};
use crate::system::environment;

/// How long an answer may take. A backup of a large installation takes longest.
const PATIENCE: Duration = Duration::from_secs(3_600);

/// How often, and how long apart, a server that is being started is looked for.
const STARTING: u32 = 50;
const MOMENT: Duration = Duration::from_millis(100);

/// A way to an installation.
pub(crate) enum Client {
    /// The server that runs on it.
    Running(UnixStream),
    /// Nothing runs: this process has opened it.
    Opened { service: Service, platform: Arc<Platform>, _lock: Lock },
}

impl Client {
    /// Reaches the running server, or opens the installation when there is none.
    ///
    /// # Errors
    /// When there is no installation, or it cannot be reached or opened.
    pub(crate) fn reach(home: &Home) -> Result<Self> {
        if let Some(stream) = connect(home)? {
            return Ok(Self::Running(stream));
        }
        home.must_exist()?;
        home.prepare()?;
        let lock = match Lock::take(home) {
            Ok(lock) => lock,
            Err(held) => {
                // A server that has just been started holds the directory before it answers here.
                let waited = (0..STARTING).find_map(|_| {
                    std::thread::sleep(MOMENT);
                    connect(home).transpose()
                });
                return waited.unwrap_or(Err(held)).map(Self::Running);
            }
        };
        let ring = RootKeyFile::locate()?.open(home)?;
        let (platform, _) = Platform::open(home.layout(), &environment(ring))
            .with_context(|| format!("opening {}", home.data().display()))?;
        let platform = Arc::new(platform);
        let service = Service::new(Arc::clone(&platform), None);
        Ok(Self::Opened { service, platform, _lock: lock })
    }

    /// Asks one question, which uses the way up.
    ///
    /// # Errors
    /// What the installation refuses, in its own words.
    pub(crate) fn ask<T: DeserializeOwned>(self, request: Request) -> Result<T> {
        let value = match self {
            Self::Running(stream) => exchange(stream, request)?.result?,
            Self::Opened { service, platform, _lock } => {
                let answer = service.answer(request);
                platform.close().context("closing the installation")?;
                answer?
            }
        };
        serde_json::from_value(value).context("the server's answer is not what this version expects")
    }
}

/// The running server's socket, if one answers.
pub(crate) fn connect(home: &Home) -> Result<Option<UnixStream>> {
    match UnixStream::connect(home.socket()) {
        Ok(stream) => Ok(Some(stream)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => Ok(None),
        Err(error) => {
            Err(error).with_context(|| format!("reaching the server through {}", home.socket().display()))
        }
    }
}

fn exchange(mut stream: UnixStream, request: Request) -> Result<Answer> {
    let lost = "the server broke off";
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut line = serde_json::to_vec(&Question { v: VERSION, request })?;
    line.push(b'\n');
    stream.write_all(&line).context(lost)?;
    let mut answer = Vec::new();
    let limit = u64::try_from(MAX_LINE).unwrap_or(u64::MAX);
    BufReader::new(stream.take(limit)).read_until(b'\n', &mut answer).context(lost)?;
    serde_json::from_slice(&answer).context(lost)
}
