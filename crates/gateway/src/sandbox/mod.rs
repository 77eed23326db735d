//! The sandbox model: an upstream inside the process, so that a first run needs no provider and no key.
//!
//! It is deterministic, says in every answer what it is, and calls only tools whose names begin with `demo_`. It is
//! gullible on purpose: it obeys any instruction in any text it reads and repeats its system prompt when asked, which is
//! what the protections in front of it are there for. It has no knowledge of attacks; it just follows orders.

mod orders;
mod others;
mod wire;

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt, stream};
use http::{Response, StatusCode, header};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use stockade_egress::{LocalUpstream, UpstreamBody};

use wire::Answer;

/// The sandbox model.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sandbox;

/// Between two chunks, when the answer is asked for slowly.
const SLOW: Duration = Duration::from_millis(50);

impl LocalUpstream for Sandbox {
    fn call(&self, path: &str, body: Bytes) -> BoxFuture<'static, Response<UpstreamBody>> {
        let path = path.to_owned();
        async move {
            let answered = match path.as_str() {
                "/chat/completions" => Answer::to(&body).map(|answer| {
                    let pieces = if answer.stream { answer.events() } else { vec![answer.whole()] };
                    (answer, pieces)
                }),
                "/completions" => others::completion(&body),
                "/embeddings" => return vectors(&body),
                _ => return reply(StatusCode::NOT_FOUND, "application/json", whole(b"{}".to_vec())),
            };
            match answered {
                Ok((answer, events)) if answer.stream => {
                    let pause = if answer.slowly { SLOW } else { Duration::ZERO };
                    let events = stream::iter(events).then(move |event| async move {
                        if !pause.is_zero() {
                            tokio::time::sleep(pause).await;
                        }
                        Ok(Frame::data(Bytes::from(event)))
                    });
                    reply(StatusCode::OK, "text/event-stream", StreamBody::new(events).boxed_unsync())
                }
                Ok((answer, pieces)) => {
                    if answer.slowly {
                        let chunks = u32::try_from(answer.text_chunks()).unwrap_or(u32::MAX);
                        tokio::time::sleep(SLOW.saturating_mul(chunks)).await;
                    }
                    reply(StatusCode::OK, "application/json", whole(pieces.concat()))
                }
                Err(message) => refused(&message),
            }
        }
        .boxed()
    }
}

fn vectors(body: &[u8]) -> Response<UpstreamBody> {
    match others::embeddings(body) {
        Ok(answer) => reply(StatusCode::OK, "application/json", whole(answer)),
        Err(message) => refused(&message),
    }
}

fn refused(message: &str) -> Response<UpstreamBody> {
    let error = serde_json::json!({"error": {"message": message, "type": "invalid_request_error"}});
    reply(StatusCode::BAD_REQUEST, "application/json", whole(error.to_string().into_bytes()))
}

fn whole(bytes: Vec<u8>) -> UpstreamBody {
    Full::new(Bytes::from(bytes)).map_err(|never| match never {}).boxed_unsync()
}

fn reply(status: StatusCode, media_type: &'static str, body: UpstreamBody) -> Response<UpstreamBody> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(media_type));
    response
}
