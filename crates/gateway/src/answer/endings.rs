//! How an answer ends before its time, in the client's dialect: never by a bare close.

use bytes::Bytes;
use serde_json::json;
use stockade_domain::EndReason;
use stockade_egress::evidence::Cut;

use super::event::Shape;
use super::sse::write_event;
use crate::error::Refusal;

/// What a made-up last event repeats from the events before it.
#[derive(Debug, Default)]
pub(super) struct Envelope {
    pub(super) id: Option<String>,
    pub(super) model: Option<String>,
    pub(super) created: Option<u64>,
}

/// Ends an answer. Content that may not leave ends as a content filter does; everything else as an error.
pub(super) fn cut(
    shape: Shape,
    code: &'static str,
    end: EndReason,
    envelope: &Envelope,
    open: &[u64],
) -> Cut {
    let refusal = Refusal::new(code);
    let status = refusal.status.as_u16();
    let last_words = match shape {
        Shape::Whole => refusal.to_json(),
        Shape::Chunk => {
            let mut out = Vec::new();
            if end == EndReason::Cut {
                for choice in open {
                    let event = json!({
                        "id": envelope.id, "object": "chat.completion.chunk",
                        "created": envelope.created.unwrap_or(0), "model": envelope.model,
                        "choices": [{"index": choice, "delta": {}, "logprobs": null, "finish_reason": "content_filter"}],
                    });
                    write_event(&mut out, event.to_string().as_bytes());
                }
            } else {
                write_event(&mut out, &refusal.to_json());
            }
            write_event(&mut out, b"[DONE]");
            out
        }
    };
    Cut { code, end, status, last_words: Bytes::from(last_words) }
}
