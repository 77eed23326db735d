//! One keep-alive connection that sends one prepared request again and again.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::SendRequest;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// Longest wait for an answer; a server that takes longer is down, not slow.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is measured: an address that answers chat completions.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    /// As it stands in the tables.
    pub(crate) name: String,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// Sent as a bearer token.
    pub(crate) key: Option<String>,
    /// The process whose CPU time and memory count; none for the direct call.
    pub(crate) pid: Option<u32>,
}

/// A body to send.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    body: Bytes,
}

impl Ask {
    /// A chat completion whose JSON is `bytes` long, with a tool on offer if asked.
    pub(crate) fn new(model: &str, stream: bool, bytes: usize, tools: bool) -> Self {
        const TOOL: &str = r#","tools":[{"type":"function","function":{"name":"demo_time","parameters":{"type":"object"}}}]"#;
        const PROSE: &str = "We looked over the quarterly plan and noted three open points on shipping, \
            staff and the new warehouse; each needs an owner before the end of the month. ";
        let tool = if tools { TOOL } else { "" };
        let frame = format!(
            r#"{{"model":"{model}","stream":{stream},"messages":[{{"role":"user","content":""}}]{tool}}}"#
        );
        let text: String = PROSE.chars().cycle().take(bytes.saturating_sub(frame.len()).max(16)).collect();
        let body = frame.replace(r#""content":"""#, &format!(r#""content":"{text}""#));
        Self { body: body.into() }
    }
}

/// When the parts of a streamed answer came, from the moment of asking.
#[derive(Debug, Default)]
pub(crate) struct StreamTimes {
    /// Until the first piece of the body.
    pub(crate) first: Duration,
    /// Between pieces of the body.
    pub(crate) gaps: Vec<Duration>,
}

/// An open connection to a target.
pub(crate) struct Connection {
    send: SendRequest<Full<Bytes>>,
    target: Target,
}

impl Connection {
    /// Connects.
    pub(crate) async fn open(target: &Target) -> Result<Self> {
        let socket = TcpStream::connect(target.address)
            .await
            .with_context(|| format!("cannot connect to {}", target.name))?;
        socket.set_nodelay(true)?;
        let (send, connection) = hyper::client::conn::http1::handshake(TokioIo::new(socket)).await?;
        tokio::task::spawn_local(connection);
        Ok(Self { send, target: target.clone() })
    }

    /// Sends and reads the whole answer.
    pub(crate) async fn whole(&mut self, ask: &Ask) -> Result<()> {
        let mut response = self.send(ask).await?;
        while let Some(frame) = response.body_mut().frame().await {
            frame?;
        }
        Ok(())
    }

    /// Sends and notes when each piece of the answer came.
    pub(crate) async fn stream(&mut self, ask: &Ask) -> Result<StreamTimes> {
        let begin = Instant::now();
        let mut response = self.send(ask).await?;
        let mut times = StreamTimes::default();
        let mut last = None;
        while let Some(frame) = response.body_mut().frame().await {
            frame?;
            let now = Instant::now();
            match last.replace(now) {
                None => times.first = now - begin,
                Some(before) => times.gaps.push(now - before),
            }
        }
        Ok(times)
    }

    /// Sends, reads the whole answer whatever it is, and gives its status.
    pub(crate) async fn status(&mut self, ask: &Ask) -> Result<u16> {
        let response = self.answer(ask).await?;
        let status = response.status().as_u16();
        response.into_body().collect().await?;
        Ok(status)
    }

    async fn send(&mut self, ask: &Ask) -> Result<hyper::Response<hyper::body::Incoming>> {
        let response = self.answer(ask).await?;
        if response.status() != hyper::StatusCode::OK {
            let status = response.status();
            let body = response.into_body().collect().await?.to_bytes();
            bail!("{} answers {status}: {}", self.target.name, String::from_utf8_lossy(&body));
        }
        Ok(response)
    }

    async fn answer(&mut self, ask: &Ask) -> Result<hyper::Response<hyper::body::Incoming>> {
        let mut request = Request::builder()
            .method(Method::POST)
            .uri("/v1/chat/completions")
            .header(HOST, self.target.address.to_string())
            .header(CONTENT_TYPE, "application/json");
        if let Some(key) = &self.target.key {
            request = request.header(AUTHORIZATION, format!("Bearer {key}"));
        }
        let request = request.body(Full::new(ask.body.clone()))?;
        self.send.ready().await?;
        Ok(tokio::time::timeout(PATIENCE, self.send.send_request(request))
            .await
            .with_context(|| format!("{} does not answer", self.target.name))??)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_has_the_size_that_was_asked_for() {
        for bytes in [200, 8_000, 120_000] {
            for tools in [false, true] {
                let ask = Ask::new("mock-fast", false, bytes.max(300), tools);
                assert_eq!(ask.body.len(), bytes.max(300));
                assert!(serde_json::from_slice::<serde_json::Value>(&ask.body).is_ok());
            }
        }
    }
}
