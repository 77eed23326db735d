//! Writes answers of OpenAI responses, as a stream of events or in one piece: the last event holds the whole answer, so
//! both are kept in the same way.

use super::collect::Budget;
use super::{Event, Facts, Failure, Kind, Stop, Usage};
use crate::sse::write_event;
use crate::translate::Malformed;
use crate::translate::json::{Json, object};

#[derive(Debug)]
pub(super) struct ResponsesWriter {
    facts: Facts,
    is_stream: bool,
    has_started: bool,
    sequence: u64,
    budget: Budget,
    /// Items that are done.
    output: Vec<Json>,
    item: Option<Item>,
    /// The block that is open, and what it said so far.
    open: Option<Kind>,
    text: String,
}

/// An item that is not done.
#[derive(Debug)]
struct Item {
    id: String,
    shape: Shape,
}

#[derive(Debug)]
enum Shape {
    /// Parts that are done.
    Message(Vec<Json>),
    Reasoning(String),
    Call {
        call_id: String,
        name: String,
        arguments: String,
    },
}

// === impl ResponsesWriter ===

impl ResponsesWriter {
    pub(super) fn new(facts: Facts, is_stream: bool, cap: usize) -> Self {
        Self {
            facts,
            is_stream,
            has_started: false,
            sequence: 0,
            budget: Budget::new(cap),
            output: Vec::new(),
            item: None,
            open: None,
            text: String::new(),
        }
    }

    pub(super) fn write(&mut self, event: Event, out: &mut Vec<u8>) -> Result<(), Malformed> {
        if !std::mem::replace(&mut self.has_started, true) {
            for kind in ["response.created", "response.in_progress"] {
                let response = self.response("in_progress", None);
                self.emit(out, kind, vec![("response", response)]);
            }
        }
        match event {
            Event::Start => {}
            Event::Open(kind) => {
                self.budget.block()?;
                self.open(kind, out);
            }
            Event::Piece(piece) => {
                self.budget.text(&piece)?;
                self.piece(&piece, out);
            }
            Event::Close => self.close(out),
            Event::End(stop, usage) => self.end(&stop, usage, out),
            Event::Failed(failure) if self.is_stream => self.fail(failure, out),
            Event::Failed(_) => return Err(Malformed::Failed),
        }
        Ok(())
    }

    /// A text or a refusal goes on with the open message; all else is an item of its own.
    fn open(&mut self, kind: Kind, out: &mut Vec<u8>) {
        let goes_on = matches!(kind, Kind::Text | Kind::Refusal)
            && matches!(self.item, Some(Item { shape: Shape::Message(_), .. }));
        if !goes_on {
            self.end_item("completed", out);
            self.begin_item(&kind, out);
        }
        let part = match kind {
            Kind::Text | Kind::Refusal => Some(("response.content_part.added", part(&kind, ""))),
            Kind::Thinking => Some(("response.reasoning_summary_part.added", summary(""))),
            Kind::Call { .. } => None,
        };
        if let Some((event, part)) = part {
            let mut members = self.place();
            members.push(("part", part));
            self.emit(out, event, members);
        }
        self.open = Some(kind);
    }

    fn piece(&mut self, piece: &str, out: &mut Vec<u8>) {
        let Some(kind) = &self.open else { return };
        let event = match kind {
            Kind::Text => "response.output_text.delta",
            Kind::Refusal => "response.refusal.delta",
            Kind::Thinking => "response.reasoning_summary_text.delta",
            Kind::Call { .. } => "response.function_call_arguments.delta",
        };
        let is_text = *kind == Kind::Text;
        self.text.push_str(piece);
        let mut members = self.place();
        members.push(("delta", piece.into()));
        if is_text {
            members.push(("logprobs", Json::List(Vec::new())));
        }
        self.emit(out, event, members);
    }

    fn close(&mut self, out: &mut Vec<u8>) {
        let Some(kind) = self.open.take() else { return };
        let text = std::mem::take(&mut self.text);
        let mut done = self.place();
        let mut part_done = self.place();
        match &kind {
            Kind::Text => {
                done.extend([("text", text.as_str().into()), ("logprobs", Json::List(Vec::new()))]);
                self.emit(out, "response.output_text.done", done);
            }
            Kind::Refusal => {
                done.push(("refusal", text.as_str().into()));
                self.emit(out, "response.refusal.done", done);
            }
            Kind::Thinking => {
                done.push(("text", text.as_str().into()));
                self.emit(out, "response.reasoning_summary_text.done", done);
                part_done.push(("part", summary(&text)));
                self.emit(out, "response.reasoning_summary_part.done", part_done);
            }
            Kind::Call { name, .. } => {
                done.extend([("name", name.as_str().into()), ("arguments", text.as_str().into())]);
                self.emit(out, "response.function_call_arguments.done", done);
            }
        }
        if matches!(kind, Kind::Text | Kind::Refusal) {
            let mut members = self.place();
            members.push(("part", part(&kind, &text)));
            self.emit(out, "response.content_part.done", members);
        }
        match self.item.as_mut().map(|item| &mut item.shape) {
            Some(Shape::Message(parts)) => parts.push(part(&kind, &text)),
            Some(Shape::Reasoning(thoughts)) => *thoughts = text,
            Some(Shape::Call { arguments, .. }) => *arguments = text,
            None => {}
        }
    }

    fn end(&mut self, stop: &Stop, usage: Option<Usage>, out: &mut Vec<u8>) {
        self.close(out);
        let (status, why) = match stop {
            Stop::End | Stop::Sequence(_) | Stop::Tools => ("completed", None),
            Stop::Length => ("incomplete", Some("max_output_tokens")),
            Stop::Filtered => ("incomplete", Some("content_filter")),
        };
        self.end_item(status, out);
        let mut response = self.response(status, usage);
        response.insert("incomplete_details", why.map(|reason| object([("reason", reason.into())])));
        if self.is_stream {
            self.emit(out, &format!("response.{status}"), vec![("response", response)]);
        } else {
            out.extend_from_slice(response.to_string().as_bytes());
        }
    }

    fn fail(&mut self, failure: Failure, out: &mut Vec<u8>) {
        self.close(out);
        self.end_item("incomplete", out);
        let code = match failure {
            Failure::RateLimited => "rate_limit_exceeded",
            Failure::Overloaded | Failure::Other => "server_error",
        };
        let mut response = self.response("failed", None);
        response.insert("error", object([("code", code.into()), ("message", failure.message().into())]));
        self.emit(out, "response.failed", vec![("response", response)]);
    }

    fn begin_item(&mut self, kind: &Kind, out: &mut Vec<u8>) {
        let nth = self.output.len();
        let (prefix, shape) = match kind {
            Kind::Text | Kind::Refusal => ("msg_", Shape::Message(Vec::new())),
            Kind::Thinking => ("rs_", Shape::Reasoning(String::new())),
            Kind::Call { id, name } => {
                let call_id = id.clone().unwrap_or_else(|| self.facts.nth_id("call_", nth));
                ("fc_", Shape::Call { call_id, name: name.clone(), arguments: String::new() })
            }
        };
        let item = Item { id: self.facts.nth_id(prefix, nth), shape };
        let json = item.json("in_progress");
        self.item = Some(item);
        self.emit(out, "response.output_item.added", vec![("output_index", nth.into()), ("item", json)]);
    }

    fn end_item(&mut self, status: &str, out: &mut Vec<u8>) {
        let Some(item) = self.item.take() else { return };
        let json = item.json(status);
        let at = self.output.len().into();
        self.output.push(json.clone());
        self.emit(out, "response.output_item.done", vec![("output_index", at), ("item", json)]);
    }

    /// Where the open block stands.
    fn place(&self) -> Vec<(&'static str, Json)> {
        let Some(item) = &self.item else { return Vec::new() };
        let mut place =
            vec![("item_id", item.id.as_str().into()), ("output_index", self.output.len().into())];
        match &item.shape {
            Shape::Message(parts) => place.push(("content_index", parts.len().into())),
            Shape::Reasoning(_) => place.push(("summary_index", 0_u64.into())),
            Shape::Call { .. } => {}
        }
        place
    }

    fn emit(&mut self, out: &mut Vec<u8>, kind: &str, members: Vec<(&str, Json)>) {
        if !self.is_stream {
            return;
        }
        let mut event = object([("type", kind.into()), ("sequence_number", self.sequence.into())]);
        for (key, value) in members {
            event.insert(key, value);
        }
        self.sequence = self.sequence.saturating_add(1);
        write_event(out, kind, event.to_string().as_bytes());
    }

    /// The answer so far. What the request said is not repeated; the fields that must be there hold the defaults.
    fn response(&self, status: &str, usage: Option<Usage>) -> Json {
        object([
            ("id", self.facts.id("resp_").into()),
            ("object", "response".into()),
            ("created_at", self.facts.created.into()),
            ("status", status.into()),
            ("background", false.into()),
            ("error", Json::Null),
            ("incomplete_details", Json::Null),
            ("instructions", Json::Null),
            ("max_output_tokens", Json::Null),
            ("metadata", object([])),
            ("model", self.facts.model.as_str().into()),
            ("output", Json::List(self.output.clone())),
            ("parallel_tool_calls", true.into()),
            ("previous_response_id", Json::Null),
            ("store", false.into()),
            ("temperature", Json::Null),
            ("text", object([("format", object([("type", "text".into())]))])),
            ("tool_choice", "auto".into()),
            ("tools", Json::List(Vec::new())),
            ("top_p", Json::Null),
            ("truncation", "disabled".into()),
            ("usage", usage.map(self::usage).into()),
        ])
    }
}

// === impl Item ===

impl Item {
    fn json(&self, status: &str) -> Json {
        let mut json = object([("id", self.id.as_str().into())]);
        match &self.shape {
            Shape::Message(parts) => {
                json.insert("type", "message");
                json.insert("status", status);
                json.insert("role", "assistant");
                json.insert("content", parts.clone());
            }
            Shape::Reasoning(thoughts) => {
                json.insert("type", "reasoning");
                let parts = if thoughts.is_empty() { Vec::new() } else { vec![summary(thoughts)] };
                json.insert("summary", parts);
            }
            Shape::Call { call_id, name, arguments } => {
                json.insert("type", "function_call");
                json.insert("status", status);
                json.insert("call_id", call_id.as_str());
                json.insert("name", name.as_str());
                json.insert("arguments", arguments.as_str());
            }
        }
        json
    }
}

fn part(kind: &Kind, text: &str) -> Json {
    if *kind == Kind::Refusal {
        return object([("type", "refusal".into()), ("refusal", text.into())]);
    }
    object([
        ("type", "output_text".into()),
        ("text", text.into()),
        ("annotations", Json::List(Vec::new())),
        ("logprobs", Json::List(Vec::new())),
    ])
}

fn summary(text: &str) -> Json {
    object([("type", "summary_text".into()), ("text", text.into())])
}

fn usage(usage: Usage) -> Json {
    let input = object([
        ("cached_tokens", usage.cache_read.into()),
        ("cache_write_tokens", usage.cache_written.into()),
    ]);
    object([
        ("input_tokens", usage.input.into()),
        ("input_tokens_details", input),
        ("output_tokens", usage.output.into()),
        ("output_tokens_details", object([("reasoning_tokens", usage.reasoning.into())])),
        ("total_tokens", usage.input.saturating_add(usage.output).into()),
    ])
}
