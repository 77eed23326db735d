//! The upstream of every measurement: it answers chat completions with fixed text and does no work of its own.
//!
//! It runs on the load generator's thread, so that a direct call costs no switch between processes. That makes the
//! direct baseline as low as it can be and what a gateway adds as high as it can be.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Either, Full};
use hyper::body::{Body, Frame, Incoming};
use hyper::header::CONTENT_TYPE;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::{Instant, Sleep, sleep_until};

/// Deltas in every streamed answer.
pub(crate) const DELTAS: usize = 64;
/// Between two deltas of a request for [`PACED_MODEL`].
pub(crate) const PACE: Duration = Duration::from_millis(5);
/// Answers at once; streams without a pause.
pub(crate) const MODEL: &str = "mock-fast";
/// Streams with [`PACE`] between deltas.
pub(crate) const PACED_MODEL: &str = "mock-paced";

/// Answers as a server does that has few workers: [`WORKERS`] at a time, each after [`WORK`].
pub(crate) const NARROW_MODEL: &str = "mock-narrow";
const WORKERS: usize = 16;
const WORK: Duration = Duration::from_millis(10);

const WORDS: &str = "The harbour was quiet that morning and the boats lay still on the water. ";

/// Serves for ever on a port of its own, on the current thread's runtime.
pub(crate) async fn start() -> Result<SocketAddr> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("cannot bind the mock upstream")?;
    let address = listener.local_addr()?;
    let answers = Answers::new();
    tokio::task::spawn_local(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let _ = socket.set_nodelay(true);
            let answers = answers.clone();
            tokio::task::spawn_local(async move {
                let service = service_fn(move |request| answer(request, answers.clone()));
                let _ = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(socket), service)
                    .await;
            });
        }
    });
    Ok(address)
}

/// What is sent, made once.
#[derive(Clone)]
struct Answers {
    whole: Bytes,
    first: Bytes,
    delta: Bytes,
    last: Bytes,
    workers: Arc<Semaphore>,
}

impl Answers {
    fn new() -> Self {
        let whole = serde_json::json!({
            "id": "chatcmpl-mock", "object": "chat.completion", "created": 1_700_000_000, "model": MODEL,
            "choices": [{
                "index": 0, "finish_reason": "stop", "logprobs": null,
                "message": {"role": "assistant", "content": WORDS.repeat(8), "refusal": null},
            }],
            "usage": {"prompt_tokens": 40, "completion_tokens": 120, "total_tokens": 160},
        });
        let event = |delta: serde_json::Value, finish: Option<&str>| {
            let chunk = serde_json::json!({
                "id": "chatcmpl-mock", "object": "chat.completion.chunk", "created": 1_700_000_000, "model": MODEL,
                "choices": [{"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish}],
            });
            format!("data: {chunk}\n\n")
        };
        Self {
            workers: Arc::new(Semaphore::new(WORKERS)),
            whole: whole.to_string().into(),
            first: event(serde_json::json!({"role": "assistant", "content": ""}), None).into(),
            delta: event(serde_json::json!({"content": " quiet harbour morning"}), None).into(),
            last: format!("{}data: [DONE]\n\n", event(serde_json::json!({}), Some("stop"))).into(),
        }
    }
}

async fn answer(
    request: Request<Incoming>,
    answers: Answers,
) -> Result<Response<Either<Full<Bytes>, Deltas>>, Infallible> {
    let body = match request.into_body().collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => Bytes::new(),
    };
    let asks = |what: &str| contains(&body, what.as_bytes());
    if asks(NARROW_MODEL)
        && let Ok(_worker) = answers.workers.acquire().await
    {
        tokio::time::sleep(WORK).await;
    }
    let mut response = if asks(r#""stream":true"#) || asks(r#""stream": true"#) {
        let pace = asks(PACED_MODEL).then_some(PACE);
        Response::new(Either::Right(Deltas::new(answers, pace)))
    } else {
        Response::new(Either::Left(Full::new(answers.whole)))
    };
    let kind = match response.body() {
        Either::Left(_) => "application/json",
        Either::Right(_) => "text/event-stream",
    };
    response.headers_mut().insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static(kind));
    Ok(response)
}

/// The settings stand in the first bytes of a body, so a long prompt costs nothing here.
fn contains(body: &[u8], what: &[u8]) -> bool {
    body.get(..body.len().min(256)).unwrap_or_default().windows(what.len()).any(|window| window == what)
}

/// A stream of deltas, one frame each.
struct Deltas {
    answers: Answers,
    sent: usize,
    next: Instant,
    pace: Option<Duration>,
    pause: Pin<Box<Sleep>>,
}

impl Deltas {
    fn new(answers: Answers, pace: Option<Duration>) -> Self {
        let now = Instant::now();
        Self { answers, sent: 0, next: now, pace, pause: Box::pin(sleep_until(now)) }
    }
}

impl Body for Deltas {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut TaskContext<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Some(pace) = self.pace {
            if self.pause.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            self.next += pace;
            let next = self.next;
            self.pause.as_mut().reset(next);
        }
        let frame = match self.sent {
            0 => self.answers.first.clone(),
            n if n <= DELTAS => self.answers.delta.clone(),
            n if n == DELTAS + 1 => self.answers.last.clone(),
            _ => return Poll::Ready(None),
        };
        self.sent += 1;
        Poll::Ready(Some(Ok(Frame::data(frame))))
    }
}
