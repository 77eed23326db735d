//! Writes answers of Anthropic messages.

use super::collect::Collected;
use super::{Event, Facts, Failure, Kind, Stop, Usage};
use crate::sse::write_event;
use crate::translate::Malformed;
use crate::translate::json::{Json, object};

/// A stream of events.
#[derive(Debug)]
pub(super) struct MessagesWriter {
    facts: Facts,
    has_started: bool,
    open: Option<Kind>,
    /// Blocks that have begun.
    blocks: usize,
    has_refused: bool,
}

/// The answer in one piece.
pub(super) fn whole(
    facts: &Facts,
    collected: &Collected,
    stop: &Stop,
    usage: Option<Usage>,
) -> Result<Json, Malformed> {
    let mut content = Vec::new();
    for (kind, text) in &collected.blocks {
        let mut block = block(facts, content.len(), kind);
        match kind {
            Kind::Text | Kind::Refusal => block.insert("text", text.as_str()),
            Kind::Thinking => block.insert("thinking", text.as_str()),
            Kind::Call { .. } => match Json::parse(text.as_bytes()) {
                Ok(input @ Json::Map(_)) => block.insert("input", input),
                _ => return Err(Malformed::Shape("the arguments of a call are no JSON object")),
            },
        }
        content.push(block);
    }
    let has_refused = collected.blocks.iter().any(|(kind, _)| *kind == Kind::Refusal);
    let mut message = message(facts, content);
    let (reason, sequence) = reason(stop, has_refused);
    message.insert("stop_reason", reason);
    message.insert("stop_sequence", sequence);
    message.insert("usage", self::usage(usage.unwrap_or_default()));
    Ok(message)
}

fn message(facts: &Facts, content: Vec<Json>) -> Json {
    object([
        ("id", facts.id("msg_").into()),
        ("type", "message".into()),
        ("role", "assistant".into()),
        ("model", facts.model.as_str().into()),
        ("content", content.into()),
        ("stop_reason", Json::Null),
        ("stop_sequence", Json::Null),
        ("usage", usage(Usage::default())),
    ])
}

/// A block as it begins.
fn block(facts: &Facts, nth: usize, kind: &Kind) -> Json {
    match kind {
        Kind::Text | Kind::Refusal => object([("type", "text".into()), ("text", "".into())]),
        // There is no seal, and the field must be there.
        Kind::Thinking => {
            object([("type", "thinking".into()), ("thinking", "".into()), ("signature", "".into())])
        }
        Kind::Call { id, name } => object([
            ("type", "tool_use".into()),
            ("id", id.clone().unwrap_or_else(|| facts.nth_id("toolu_", nth)).into()),
            ("name", name.as_str().into()),
            ("input", object([])),
        ]),
    }
}

fn reason(stop: &Stop, has_refused: bool) -> (&'static str, Option<String>) {
    match stop {
        Stop::End if has_refused => ("refusal", None),
        Stop::End => ("end_turn", None),
        Stop::Sequence(sequence) => ("stop_sequence", sequence.clone()),
        Stop::Length => ("max_tokens", None),
        Stop::Tools => ("tool_use", None),
        Stop::Filtered => ("refusal", None),
    }
}

fn usage(usage: Usage) -> Json {
    let cached = usage.cache_read.saturating_add(usage.cache_written);
    object([
        ("input_tokens", usage.input.saturating_sub(cached).into()),
        ("cache_creation_input_tokens", usage.cache_written.into()),
        ("cache_read_input_tokens", usage.cache_read.into()),
        ("output_tokens", usage.output.into()),
    ])
}

// === impl MessagesWriter ===

impl MessagesWriter {
    pub(super) fn new(facts: Facts) -> Self {
        Self { facts, has_started: false, open: None, blocks: 0, has_refused: false }
    }

    pub(super) fn write(&mut self, event: Event, out: &mut Vec<u8>) -> Result<(), Malformed> {
        if !matches!(event, Event::Failed(_)) && !std::mem::replace(&mut self.has_started, true) {
            emit(out, "message_start", [("message", message(&self.facts, Vec::new()))]);
        }
        match event {
            Event::Start => {}
            Event::Open(kind) => {
                let block = block(&self.facts, self.blocks, &kind);
                emit(out, "content_block_start", [("index", self.blocks.into()), ("content_block", block)]);
                self.has_refused |= kind == Kind::Refusal;
                self.open = Some(kind);
            }
            Event::Piece(piece) => {
                let (kind, key) = match self.open {
                    Some(Kind::Text | Kind::Refusal) => ("text_delta", "text"),
                    Some(Kind::Thinking) => ("thinking_delta", "thinking"),
                    Some(Kind::Call { .. }) => ("input_json_delta", "partial_json"),
                    None => return Ok(()),
                };
                let delta = object([("type", kind.into()), (key, piece.into())]);
                emit(out, "content_block_delta", [("index", self.blocks.into()), ("delta", delta)]);
            }
            Event::Close => self.close(out),
            Event::End(stop, usage) => {
                self.close(out);
                let (reason, sequence) = reason(&stop, self.has_refused);
                let delta = object([("stop_reason", reason.into()), ("stop_sequence", sequence.into())]);
                let usage = self::usage(usage.unwrap_or_default());
                emit(out, "message_delta", [("delta", delta), ("usage", usage)]);
                emit(out, "message_stop", []);
            }
            Event::Failed(failure) => {
                let kind = match failure {
                    Failure::Overloaded => "overloaded_error",
                    Failure::RateLimited => "rate_limit_error",
                    Failure::Other => "api_error",
                };
                let error = object([("type", kind.into()), ("message", failure.message().into())]);
                emit(out, "error", [("error", error)]);
            }
        }
        Ok(())
    }

    fn close(&mut self, out: &mut Vec<u8>) {
        if self.open.take().is_some() {
            emit(out, "content_block_stop", [("index", self.blocks.into())]);
            self.blocks = self.blocks.saturating_add(1);
        }
    }
}

fn emit<const N: usize>(out: &mut Vec<u8>, kind: &str, members: [(&str, Json); N]) {
    let mut event = object([("type", kind.into())]);
    for (key, value) in members {
        event.insert(key, value);
    }
    write_event(out, kind, event.to_string().as_bytes());
}
