//! How an answer ends before its time, in the client's dialect: never by a bare close.

use std::collections::BTreeSet;

use bytes::Bytes;
use serde_json::{Value, json};
use stockade_domain::{EndReason, Usage};
use stockade_egress::evidence::Cut;

use super::event::{Event, Shape};
use crate::dialect::Dialect;
use crate::error::Refusal;
use crate::ndjson::write_line;
use crate::sse::write_event;

/// What made-up last events repeat from the events before them, and what those have left open.
#[derive(Debug, Default)]
pub(super) struct Envelope {
    pub(super) id: Option<String>,
    pub(super) model: Option<String>,
    pub(super) created: Option<u64>,
    pub(super) time: Option<String>,
    /// The highest number of an event so far.
    pub(super) sequence: Option<u64>,
    pub(super) usage: Option<Usage>,
    has_begun: bool,
    open_blocks: BTreeSet<u64>,
}

/// Ends an answer. Content that may not leave ends as a content filter does, one for which there is no more room as one that
/// has come to its length; everything else as an error.
pub(super) fn cut(
    shape: Shape,
    code: &'static str,
    end: EndReason,
    envelope: &Envelope,
    open: &[u64],
) -> Cut {
    let refusal = Refusal::new(code);
    let status = refusal.status.as_u16();
    let last_words = if shape.is_stream {
        let mut out = Vec::new();
        match shape.dialect {
            Dialect::Messages | Dialect::CountTokens => messages(&mut out, &refusal, end, envelope),
            Dialect::OllamaChat
            | Dialect::OllamaGenerate
            | Dialect::OllamaEmbed
            | Dialect::OllamaEmbedding => ollama(&mut out, &refusal, end, envelope, shape.dialect),
            Dialect::Responses => responses(&mut out, &refusal, end, envelope),
            Dialect::Chat
            | Dialect::Completions
            | Dialect::Embeddings
            | Dialect::Predict
            | Dialect::PredictAbout => {
                choices(&mut out, &refusal, end, envelope, open, shape.dialect);
            }
        }
        out
    } else {
        refusal.to_json(shape.dialect.family())
    };
    Cut { code, end, status, last_words: Bytes::from(last_words) }
}

/// The dialect's word for an end that is no error: of what may not leave, or for want of room.
fn reason(end: EndReason, words: [&'static str; 2]) -> Option<&'static str> {
    let [filtered, length] = words;
    match end {
        EndReason::Cut => Some(filtered),
        EndReason::Limited => Some(length),
        _ => None,
    }
}

/// OpenAI chat and completions: each open choice ends with its reason, or an error stands in place of an event.
fn choices(
    out: &mut Vec<u8>,
    refusal: &Refusal,
    end: EndReason,
    envelope: &Envelope,
    open: &[u64],
    dialect: Dialect,
) {
    if let Some(reason) = reason(end, ["content_filter", "length"]) {
        for choice in open {
            let (object, last) = if dialect == Dialect::Completions {
                let last = json!({"index": choice, "text": "", "logprobs": null, "finish_reason": reason});
                ("text_completion", last)
            } else {
                let last = json!({"index": choice, "delta": {}, "logprobs": null, "finish_reason": reason});
                ("chat.completion.chunk", last)
            };
            let event = json!({
                "id": envelope.id, "object": object, "created": envelope.created.unwrap_or(0),
                "model": envelope.model, "choices": [last],
            });
            write_event(out, "", event.to_string().as_bytes());
        }
    } else {
        write_event(out, "", &refusal.to_json(dialect.family()));
    }
    write_event(out, "", b"[DONE]");
}

/// Anthropic: what is open is closed, and the stop reason is `refusal` or `max_tokens`
/// (<https://docs.anthropic.com/en/docs/test-and-evaluate/strengthen-guardrails/handle-streaming-refusals>).
fn messages(out: &mut Vec<u8>, refusal: &Refusal, end: EndReason, envelope: &Envelope) {
    let mut send = |kind: &str, event: &Value| write_event(out, kind, event.to_string().as_bytes());
    let Some(reason) = reason(end, ["refusal", "max_tokens"]) else {
        return write_event(out, "error", &refusal.to_json(Dialect::Messages.family()));
    };
    let usage = envelope.usage.unwrap_or_default();
    if !envelope.has_begun {
        let message = json!({
            "id": envelope.id.as_deref().unwrap_or("msg_refused"), "type": "message", "role": "assistant",
            "model": envelope.model, "content": [], "stop_reason": null, "stop_sequence": null,
            "usage": {"input_tokens": usage.prompt_tokens.saturating_sub(usage.cached_tokens), "output_tokens": 0},
        });
        send("message_start", &json!({"type": "message_start", "message": message}));
    }
    for index in &envelope.open_blocks {
        send("content_block_stop", &json!({"type": "content_block_stop", "index": index}));
    }
    let delta = json!({
        "type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": null},
        "usage": {"output_tokens": usage.completion_tokens},
    });
    send("message_delta", &delta);
    send("message_stop", &json!({"type": "message_stop"}));
}

/// OpenAI responses: the response is incomplete for a content filter or its length, or an error event ends it.
fn responses(out: &mut Vec<u8>, refusal: &Refusal, end: EndReason, envelope: &Envelope) {
    let number = envelope.sequence.map_or(0, |last| last.saturating_add(1));
    let Some(reason) = reason(end, ["content_filter", "max_output_tokens"]) else {
        let event = json!({
            "type": "error", "code": refusal.code, "message": refusal.message, "param": null,
            "sequence_number": number,
        });
        return write_event(out, "error", event.to_string().as_bytes());
    };
    let response = json!({
        "id": envelope.id.as_deref().unwrap_or("resp_refused"), "object": "response",
        "created_at": envelope.created.unwrap_or(0), "model": envelope.model, "status": "incomplete",
        "incomplete_details": {"reason": reason}, "error": null, "instructions": null,
        "metadata": {}, "output": [], "parallel_tool_calls": true, "tool_choice": "auto", "tools": [],
        "temperature": null, "top_p": null, "usage": null,
    });
    let event = json!({"type": "response.incomplete", "response": response, "sequence_number": number});
    write_event(out, "response.incomplete", event.to_string().as_bytes());
}

/// Ollama: the last line says why the answer is complete, or is an error.
fn ollama(out: &mut Vec<u8>, refusal: &Refusal, end: EndReason, envelope: &Envelope, dialect: Dialect) {
    let Some(reason) = reason(end, ["content_filter", "length"]) else {
        return write_line(out, &refusal.to_json(dialect.family()));
    };
    let usage = envelope.usage.unwrap_or_default();
    let time = envelope.time.as_deref().unwrap_or("1970-01-01T00:00:00Z");
    let mut line = json!({
        "model": envelope.model, "created_at": time, "done": true, "done_reason": reason,
        "prompt_eval_count": usage.prompt_tokens, "eval_count": usage.completion_tokens,
    });
    let (key, said) = match dialect {
        Dialect::OllamaChat => ("message", json!({"role": "assistant", "content": ""})),
        _ => ("response", json!("")),
    };
    if let Some(line) = line.as_object_mut() {
        line.insert(key.to_owned(), said);
    }
    write_line(out, line.to_string().as_bytes());
}

// === impl Envelope ===

impl Envelope {
    /// An event has left for the client.
    pub(super) fn left(&mut self, event: &Event) {
        match (event.kind.as_str(), event.unit) {
            ("message_start", _) => self.has_begun = true,
            ("content_block_start", Some(block)) => {
                self.open_blocks.insert(block);
            }
            ("content_block_stop", Some(block)) => {
                self.open_blocks.remove(&block);
            }
            _ => {}
        }
    }
}

/// What may leave leaves before the last words, in whatever pieces it came.
pub(super) fn after(mut out: Vec<u8>, cut: Cut) -> Cut {
    out.extend_from_slice(&cut.last_words);
    Cut { last_words: Bytes::from(out), ..cut }
}
