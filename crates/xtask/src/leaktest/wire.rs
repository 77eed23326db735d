//! Both ends of the wire: an upstream that answers what a case says, and a client that sends what a case says.
//!
//! A case's number is in the name of the model that its request asks for, so that the upstream knows which it is, and so
//! that the gateway sees as many model names as there are cases.

use std::cell::RefCell;
use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body, Frame, Incoming};
use hyper::client::conn::http1::SendRequest;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

use super::answer::Answer;
use super::request;

/// Models of this prefix belong to the test's upstream.
pub(crate) const MODELS: &str = "leak-";
/// The same upstream, where it speaks Anthropic's messages only.
pub(crate) const MESSAGES: &str = "leam-";
/// And where it speaks chat completions only.
pub(crate) const CHAT_ONLY: &str = "leac-";
/// And where it speaks Ollama's protocol.
pub(crate) const OLLAMA: &str = "leao-";
/// And where it is a model that is not generative; there the path names the model, and the body the case.
pub(crate) const PREDICT: &str = "leap-";
/// A case that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the upstream answers, and what it got, by the case's number.
#[derive(Debug, Default)]
pub(crate) struct Book {
    answers: HashMap<u64, Answer>,
    received: HashMap<u64, Received>,
}

/// What arrived at the upstream.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) body: Bytes,
    pub(crate) beside: String,
}

/// Shared by the upstream and the cases, on one thread.
pub(crate) type Shared = Rc<RefCell<Book>>;

impl Book {
    /// Says what to answer.
    pub(crate) fn expect(&mut self, case: u64, answer: Answer) {
        self.answers.insert(case, answer);
    }

    /// What arrived for a case, if anything did.
    pub(crate) fn take(&mut self, case: u64) -> Option<Received> {
        self.received.remove(&case)
    }
}

/// Serves for ever on a port of its own, on the current thread's runtime.
pub(crate) async fn upstream(book: Shared) -> Result<SocketAddr> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("cannot bind the upstream")?;
    let address = listener.local_addr()?;
    tokio::task::spawn_local(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let _ = socket.set_nodelay(true);
            let book = book.clone();
            tokio::task::spawn_local(async move {
                let service = service_fn(move |request| respond(request, book.clone()));
                let _ = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(socket), service)
                    .await;
            });
        }
    });
    Ok(address)
}

async fn respond(
    request: hyper::Request<Incoming>,
    book: Shared,
) -> Result<hyper::Response<Writes>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let case = case_of(&body);
    let headers =
        head.headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap_or("")));
    let beside = headers.chain([head.uri.to_string()]).collect::<Vec<_>>().join("\n");
    let mut book = book.borrow_mut();
    book.received.insert(case, Received { body, beside });
    let answer = book.answers.remove(&case).unwrap_or_else(plain);
    let mut response = hyper::Response::new(Writes { rest: answer.writes.into_iter(), pause: false });
    *response.status_mut() = hyper::StatusCode::from_u16(answer.status).unwrap_or_default();
    response.headers_mut().insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static(answer.kind));
    if let Some(value) =
        answer.header.and_then(|text| hyper::header::HeaderValue::from_bytes(text.as_bytes()).ok())
    {
        for name in ["x-debug", "openai-organization", "x-request-id", "set-cookie", "server", "openai-model"]
        {
            response.headers_mut().insert(name, value.clone());
        }
    }
    Ok(response)
}

fn case_of(body: &[u8]) -> u64 {
    let text = String::from_utf8_lossy(body);
    let after = |prefix: &str| text.split(&format!("\"{prefix}")).nth(1)?.split('"').next()?.parse().ok();
    [MODELS, MESSAGES, CHAT_ONLY, OLLAMA, PREDICT].into_iter().find_map(after).unwrap_or(u64::MAX)
}

fn plain() -> Answer {
    let body = br#"{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"leak","choices":[{"index":0,"message":{"role":"assistant","content":"ok"},"finish_reason":"stop"}]}"#;
    Answer { status: 200, kind: "application/json", header: None, writes: vec![body.to_vec()] }
}

/// A body in pieces that the other side gets one at a time.
struct Writes {
    rest: std::vec::IntoIter<Vec<u8>>,
    pause: bool,
}

impl Body for Writes {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut TaskContext<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        // Pending once between two pieces: the connection is flushed, so each piece is a chunk and a write of its own.
        self.pause = !self.pause;
        if !self.pause {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(self.rest.next().map(|piece| Ok(Frame::data(piece.into()))))
    }
}

/// A connection to the gateway.
pub(crate) struct Client {
    address: SocketAddr,
    key: String,
    send: Option<SendRequest<http_body_util::Either<Writes, Full<Bytes>>>>,
}

/// What came back.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Bytes,
    pub(crate) headers: String,
}

impl Client {
    /// Connects when it is first used.
    pub(crate) fn new(address: SocketAddr, key: &str) -> Self {
        Self { address, key: key.to_owned(), send: None }
    }

    /// Sends a request and reads its whole answer; connects anew when the server has closed.
    pub(crate) async fn ask(&mut self, request: request::Request) -> Result<Reply> {
        let reply = tokio::time::timeout(PATIENCE, self.exchange(request)).await;
        if !matches!(reply, Ok(Ok(_))) {
            self.send = None;
        }
        reply.context("the gateway does not answer")?
    }

    async fn exchange(&mut self, request: request::Request) -> Result<Reply> {
        let path = match &request.query {
            Some(query) => format!("/v1/chat/completions?note={query}"),
            None => request.path.unwrap_or("/v1/chat/completions").to_owned(),
        };
        let mut builder = hyper::Request::post(path)
            .header(HOST, self.address.to_string())
            .header(CONTENT_TYPE, "application/json")
            .header(AUTHORIZATION, format!("Bearer {}", self.key));
        if let Some(value) = &request.header {
            builder =
                builder.header("x-note", value).header("user-agent", value).header("openai-project", value);
        }
        let body = match <[Vec<u8>; 1]>::try_from(request.writes) {
            Ok([whole]) => http_body_util::Either::Right(Full::new(whole.into())),
            Err(pieces) => http_body_util::Either::Left(Writes { rest: pieces.into_iter(), pause: false }),
        };
        let request = builder.body(body)?;
        let mut send = match self.send.take() {
            Some(send) if !send.is_closed() => send,
            _ => self.connect().await?,
        };
        send.ready().await?;
        let response = send.send_request(request).await?;
        let status = response.status().as_u16();
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap_or("")));
        let headers = headers.collect::<Vec<_>>().join("\n");
        let body = response.into_body().collect().await?.to_bytes();
        self.send = Some(send);
        Ok(Reply { status, body, headers })
    }

    async fn connect(&self) -> Result<SendRequest<http_body_util::Either<Writes, Full<Bytes>>>> {
        let socket = TcpStream::connect(self.address).await.context("cannot connect to the gateway")?;
        socket.set_nodelay(true)?;
        let (send, connection) = hyper::client::conn::http1::handshake(TokioIo::new(socket)).await?;
        tokio::task::spawn_local(connection);
        Ok(send)
    }
}
