//! Writes answers of OpenAI chat completions.

use super::collect::Collected;
use super::{Event, Facts, Failure, Kind, Stop, Usage};
use crate::sse::write_event;
use crate::translate::Malformed;
use crate::translate::json::{Json, object};

/// A stream of chunks.
#[derive(Debug)]
pub(super) struct ChatWriter {
    facts: Facts,
    has_started: bool,
    open: Option<Kind>,
    calls: usize,
}

/// The answer in one piece.
pub(super) fn whole(facts: &Facts, collected: &Collected, stop: &Stop, usage: Option<Usage>) -> Json {
    let mut message =
        object([("role", "assistant".into()), ("content", collected.joined(&Kind::Text).into())]);
    message.insert("refusal", collected.joined(&Kind::Refusal));
    if let Some(thoughts) = collected.joined(&Kind::Thinking) {
        message.insert("reasoning_content", thoughts);
    }
    let mut calls = Vec::new();
    for (kind, arguments) in &collected.blocks {
        if let Kind::Call { id, name } = kind {
            calls.push(object(call(facts, calls.len(), id.as_deref(), name, arguments)));
        }
    }
    if !calls.is_empty() {
        message.insert("tool_calls", calls);
    }
    let choice = object([
        ("index", 0_u64.into()),
        ("message", message),
        ("logprobs", Json::Null),
        ("finish_reason", reason(stop).into()),
    ]);
    object([
        ("id", facts.id("chatcmpl-").into()),
        ("object", "chat.completion".into()),
        ("created", facts.created.into()),
        ("model", facts.model.as_str().into()),
        ("choices", vec![choice].into()),
        ("usage", usage.map(self::usage).into()),
    ])
}

fn call(
    facts: &Facts,
    nth: usize,
    id: Option<&str>,
    name: &str,
    arguments: &str,
) -> [(&'static str, Json); 3] {
    let id = id.map_or_else(|| facts.nth_id("call_", nth), str::to_owned);
    let function = object([("name", name.into()), ("arguments", arguments.into())]);
    [("id", id.into()), ("type", "function".into()), ("function", function)]
}

fn reason(stop: &Stop) -> &'static str {
    match stop {
        Stop::End | Stop::Sequence(_) => "stop",
        Stop::Length => "length",
        Stop::Tools => "tool_calls",
        Stop::Filtered => "content_filter",
    }
}

fn usage(usage: Usage) -> Json {
    object([
        ("prompt_tokens", usage.input.into()),
        ("completion_tokens", usage.output.into()),
        ("total_tokens", usage.input.saturating_add(usage.output).into()),
        ("prompt_tokens_details", object([("cached_tokens", usage.cache_read.into())])),
        ("completion_tokens_details", object([("reasoning_tokens", usage.reasoning.into())])),
    ])
}

// === impl ChatWriter ===

impl ChatWriter {
    pub(super) fn new(facts: Facts) -> Self {
        Self { facts, has_started: false, open: None, calls: 0 }
    }

    pub(super) fn write(&mut self, event: Event, out: &mut Vec<u8>) -> Result<(), Malformed> {
        if !matches!(event, Event::Failed(_)) && !std::mem::replace(&mut self.has_started, true) {
            self.delta(object([("role", "assistant".into()), ("content", "".into())]), out);
        }
        match event {
            Event::Start => {}
            Event::Open(kind) => {
                if let Kind::Call { id, name } = &kind {
                    let [id, sort, function] = call(&self.facts, self.calls, id.as_deref(), name, "");
                    let call = object([("index", self.calls.into()), id, sort, function]);
                    self.calls = self.calls.saturating_add(1);
                    self.delta(object([("tool_calls", vec![call].into())]), out);
                }
                self.open = Some(kind);
            }
            Event::Piece(piece) => match self.open {
                Some(Kind::Text) => self.delta(object([("content", piece.into())]), out),
                Some(Kind::Thinking) => self.delta(object([("reasoning_content", piece.into())]), out),
                Some(Kind::Refusal) => self.delta(object([("refusal", piece.into())]), out),
                Some(Kind::Call { .. }) => {
                    let at = self.calls.saturating_sub(1);
                    let function = object([("arguments", piece.into())]);
                    let call = object([("index", at.into()), ("function", function)]);
                    self.delta(object([("tool_calls", vec![call].into())]), out);
                }
                None => {}
            },
            Event::Close => self.open = None,
            Event::End(stop, usage) => self.end(&stop, usage, out),
            Event::Failed(failure) => {
                write_event(out, "", error(failure).to_string().as_bytes());
                out.extend_from_slice(b"data: [DONE]\n\n");
            }
        }
        Ok(())
    }

    fn delta(&self, delta: Json, out: &mut Vec<u8>) {
        self.chunk(vec![choice(delta, Json::Null)], None, out);
    }

    fn end(&self, stop: &Stop, usage: Option<Usage>, out: &mut Vec<u8>) {
        self.chunk(vec![choice(object([]), reason(stop).into())], None, out);
        if self.facts.include_usage
            && let Some(usage) = usage
        {
            self.chunk(Vec::new(), Some(self::usage(usage)), out);
        }
        out.extend_from_slice(b"data: [DONE]\n\n");
    }

    fn chunk(&self, choices: Vec<Json>, usage: Option<Json>, out: &mut Vec<u8>) {
        let mut chunk = object([
            ("id", self.facts.id("chatcmpl-").into()),
            ("object", "chat.completion.chunk".into()),
            ("created", self.facts.created.into()),
            ("model", self.facts.model.as_str().into()),
            ("choices", choices.into()),
        ]);
        if self.facts.include_usage {
            chunk.insert("usage", usage);
        }
        write_event(out, "", chunk.to_string().as_bytes());
    }
}

fn choice(delta: Json, reason: Json) -> Json {
    object([("index", 0_u64.into()), ("delta", delta), ("logprobs", Json::Null), ("finish_reason", reason)])
}

fn error(failure: Failure) -> Json {
    let kind = match failure {
        Failure::RateLimited => "rate_limit_error",
        Failure::Overloaded | Failure::Other => "server_error",
    };
    let error = object([
        ("message", failure.message().into()),
        ("type", kind.into()),
        ("param", Json::Null),
        ("code", "upstream_failed".into()),
    ]);
    object([("error", error)])
}
