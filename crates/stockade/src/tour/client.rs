//! One request over TCP to the tour's own gateway on loopback: HTTP/1.1, one exchange a connection.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;

/// What came back.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) request: String,
    pub(super) body: Value,
}

/// More than the sandbox ever says in the tour.
const MOST: u64 = 1 << 20;

/// Asks the gateway.
pub(super) fn ask(gateway: SocketAddr, key: &str, body: &Value) -> Result<Reply> {
    let body = body.to_string();
    let mut stream = TcpStream::connect(gateway).context("connecting to the tour's gateway")?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    write!(
        stream,
        "POST /v1/chat/completions HTTP/1.1\r\nhost: {gateway}\r\nauthorization: Bearer {key}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )?;
    let mut answer = String::new();
    stream.take(MOST).read_to_string(&mut answer).context("reading the answer of the tour's gateway")?;
    let (head, body) = answer.split_once("\r\n\r\n").context("the answer has no end of its head")?;
    let status = head.split(' ').nth(1).and_then(|s| s.parse().ok()).context("the answer has no status")?;
    let request = head
        .lines()
        .find_map(|line| line.strip_prefix("x-request-id: "))
        .context("the answer has no request id")?
        .to_owned();
    Ok(Reply { status, request, body: serde_json::from_str(body).context("the answer is not JSON")? })
}
