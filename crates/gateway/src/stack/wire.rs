//! The HTTP around a request: header fields, bodies, heads of answers.

use bytes::{Bytes, BytesMut};
use http::{HeaderValue, Response, StatusCode, header};
use http_body::Body;
use http_body_util::{BodyExt, Either, Full};
use stockade_authz::InspectionContext;
use stockade_domain::{Obligation, RequestId};
use stockade_egress::UpstreamResponse;

use super::Answer;
use crate::dialect::{Family, Framing};

pub(super) async fn read_body<B: Body<Data = Bytes> + Unpin>(
    mut body: B,
    limit: usize,
) -> Result<Bytes, &'static str> {
    let mut out = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| "body_incomplete")?.into_data() else { continue };
        if out.len().saturating_add(data.len()) > limit {
            return Err("body_too_large");
        }
        out.extend_from_slice(&data);
    }
    Ok(out.freeze())
}

/// The media type of a stream.
pub(super) const fn stream_type(framing: Framing) -> &'static str {
    match framing {
        Framing::Events => "text/event-stream",
        Framing::Lines => "application/x-ndjson",
    }
}

/// Why an answer's head is not taken. Its body is then never read: an upstream's error text is not the client's business.
///
/// `stream` is how the messages of the stream are told apart that was asked for.
pub(super) fn check_head(response: &UpstreamResponse, stream: Option<Framing>) -> Option<&'static str> {
    let status = response.status();
    let wanted = stream.map_or("application/json", stream_type);
    match status.as_u16() {
        200 if response.is_encoded() => Some("upstream_encoded"),
        200 if response.media_type().as_deref() == Some(wanted) => None,
        200 => Some("upstream_malformed"),
        429 => Some("upstream_rate_limited"),
        400 | 404 | 413 | 415 | 422 => Some("upstream_rejected"),
        401 | 403 => Some("upstream_unauthorized"),
        408 | 504 => Some("upstream_timeout"),
        503 | 529 => Some("upstream_overloaded"),
        _ => Some("upstream_failed"),
    }
}

/// Signals that were let through with a note.
pub(super) fn annotation(obligations: &[Obligation], context: &InspectionContext) -> Option<HeaderValue> {
    if !obligations.contains(&Obligation::Annotate) {
        return None;
    }
    let signals: Vec<&str> = context
        .system_signals
        .iter()
        .chain(&context.signals)
        .chain(&context.course)
        .map(String::as_str)
        .collect();
    HeaderValue::try_from(signals.join(",")).ok()
}

pub(super) fn local(status: StatusCode, media_type: &'static str, body: Bytes) -> Answer {
    let mut response = Response::new(Either::Left(Full::new(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

pub(super) fn with_common_headers(mut answer: Answer, request: RequestId, family: Family) -> Answer {
    let headers = answer.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(id) = HeaderValue::try_from(request.to_string()) {
        if family == Family::Anthropic {
            headers.insert("request-id", id.clone());
        }
        headers.insert("x-request-id", id);
    }
    answer
}
