//! An installation in a temporary directory, its server, and a plain HTTP client.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// How long anything here may take; a loaded machine is slow.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Place {
    directory: tempfile::TempDir,
}

pub(crate) struct Server {
    child: Option<Child>,
    pub(crate) addresses: Value,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.path("data")
    }

    /// The binary, with nothing of the caller's environment.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stockade"));
        command
            .args(args)
            .env_clear()
            .env("HOME", self.directory.path())
            .env("STOCKADE_HOME", self.data())
            .env("STOCKADE_ROOT_KEY_FILE", self.path("keys/root.key"))
            .current_dir(self.directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// Standard output of a verb that must end with a code.
    pub(crate) fn expect(&self, code: i32, args: &[&str]) -> String {
        let output = self.run(args);
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "{args:?}\n{out}\n{err}");
        out
    }

    pub(crate) fn json(&self, args: &[&str]) -> Value {
        let mut all = vec!["--format", "json"];
        all.extend(args);
        serde_json::from_str(&self.expect(0, &all)).unwrap()
    }

    /// Why a command that must fail fails.
    pub(crate) fn refusal(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", text(&output.stdout));
        text(&output.stderr)
    }

    pub(crate) const UP: [&'static str; 8] = [
        "up",
        "--no-env-upstreams",
        "--gateway",
        "127.0.0.1:0",
        "--console",
        "127.0.0.1:0",
        "--metrics",
        "127.0.0.1:0",
    ];

    pub(crate) fn start(&self) -> Server {
        self.start_with(&Self::UP)
    }

    pub(crate) fn start_with(&self, args: &[&str]) -> Server {
        let child = self.command(args).spawn().unwrap();
        let mut server = Server { child: Some(child), addresses: Value::Null };
        let file = self.data().join("run/addresses.json");
        eventually(|| {
            if let Some(status) = server.child.as_mut().unwrap().try_wait().unwrap() {
                let output = server.child.take().unwrap().wait_with_output().unwrap();
                panic!("the server ended with {status}: {}", text(&output.stderr));
            }
            let addresses = std::fs::read(&file).ok()?;
            server.addresses = serde_json::from_slice(&addresses).ok()?;
            Some(())
        });
        server
    }

    pub(crate) fn key(&self) -> String {
        std::fs::read_to_string(self.data().join("playground.key")).unwrap().trim().to_owned()
    }
}

impl Server {
    pub(crate) fn address(&self, which: &str) -> &str {
        self.addresses[which].as_str().unwrap()
    }

    pub(crate) fn get(&self, which: &str, path: &str, key: Option<&str>) -> Answer {
        self.send(which, &format!("GET {path} HTTP/1.1"), key, "")
    }

    pub(crate) fn chat(&self, key: Option<&str>, body: &Value) -> Answer {
        self.send("gateway", "POST /v1/chat/completions HTTP/1.1", key, &body.to_string())
    }

    fn send(&self, which: &str, line: &str, key: Option<&str>, body: &str) -> Answer {
        let mut stream = self.open(which, line, key, body);
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        let all = text(&bytes);
        let (head, body) = all.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head: head.to_owned(), body: body.to_owned() }
    }

    pub(crate) fn open(&self, which: &str, line: &str, key: Option<&str>, body: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address(which)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let auth = key.map_or_else(String::new, |key| format!("Authorization: Bearer {key}\r\n"));
        let host = self.address(which);
        let request = format!(
            "{line}\r\nHost: {host}\r\n{auth}Content-Type: application/json\r\nContent-Length: {}\r\n\
             Connection: close\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).unwrap();
        stream
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(self.child.as_ref().unwrap()), signal).unwrap();
    }

    /// Asks the server to end and waits for it.
    pub(crate) fn stop(mut self) -> Output {
        self.signal(Signal::TERM);
        self.child.take().unwrap().wait_with_output().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

pub(crate) fn ask(text: &str) -> Value {
    serde_json::json!({"model": "sandbox", "messages": [{"role": "user", "content": text}]})
}

/// Waits until something is there.
pub(crate) fn eventually<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "it did not happen in time");
        std::thread::sleep(Duration::from_millis(20));
    }
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

pub(crate) fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}
