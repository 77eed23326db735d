//! Writes answers of Ollama's chat and of its completion of one prompt.

use stockade_domain::Micros;

use super::collect::{Budget, Collected};
use super::{Event, Facts, Failure, Kind, Stop, Usage};
use crate::ndjson::write_line;
use crate::translate::json::{Json, object};
use crate::translate::{Api, Malformed};

/// A stream of lines.
#[derive(Debug)]
pub(super) struct OllamaWriter {
    is_chat: bool,
    facts: Facts,
    open: Option<Kind>,
    /// The arguments of the open call: a call is told whole.
    arguments: String,
    calls: usize,
    budget: Budget,
}

/// The answer in one piece.
pub(super) fn whole(
    to: Api,
    facts: &Facts,
    collected: &Collected,
    stop: &Stop,
    usage: Option<Usage>,
) -> Result<Json, Malformed> {
    let is_chat = to == Api::OllamaChat;
    let said = |kind: &Kind| collected.joined(kind);
    let text = said(&Kind::Text).or_else(|| said(&Kind::Refusal)).unwrap_or_default();
    let mut calls = Vec::new();
    for (kind, arguments) in &collected.blocks {
        if let Kind::Call { id, name } = kind {
            calls.push(call(facts, calls.len(), id.as_deref(), name, arguments)?);
        }
    }
    let mut out = head(facts);
    content(&mut out, is_chat, &text, said(&Kind::Thinking), calls);
    last(&mut out, stop, usage);
    Ok(out)
}

fn head(facts: &Facts) -> Json {
    let seconds = i64::try_from(facts.created).unwrap_or(i64::MAX / 1_000_000);
    let time = Micros::from_i64(seconds.saturating_mul(1_000_000)).to_string();
    let time = time.replace(".000000", "");
    object([("model", facts.model.as_str().into()), ("created_at", time.into())])
}

fn content(out: &mut Json, is_chat: bool, text: &str, thinking: Option<String>, calls: Vec<Json>) {
    if !is_chat {
        out.insert("response", text);
        if let Some(thinking) = thinking {
            out.insert("thinking", thinking);
        }
        return;
    }
    let mut message = object([("role", "assistant".into()), ("content", text.into())]);
    if let Some(thinking) = thinking {
        message.insert("thinking", thinking);
    }
    if !calls.is_empty() {
        message.insert("tool_calls", calls);
    }
    out.insert("message", message);
}

/// Arguments are an object here, and a text in the API that they come from.
fn call(facts: &Facts, nth: usize, id: Option<&str>, name: &str, arguments: &str) -> Result<Json, Malformed> {
    let arguments = Json::parse(arguments.as_bytes()).map_err(|_| Malformed::NotJson)?;
    if !matches!(arguments, Json::Map(_)) {
        return Err(Malformed::Shape("the arguments of a call are no object"));
    }
    let id = id.map_or_else(|| facts.nth_id("call_", nth), str::to_owned);
    let function = object([("index", nth.into()), ("name", name.into()), ("arguments", arguments)]);
    Ok(object([("id", id.into()), ("function", function)]))
}

fn last(out: &mut Json, stop: &Stop, usage: Option<Usage>) {
    let reason = match stop {
        Stop::End | Stop::Sequence(_) | Stop::Tools => "stop",
        Stop::Length => "length",
        Stop::Filtered => "content_filter",
    };
    out.insert("done", true);
    out.insert("done_reason", reason);
    if let Some(usage) = usage {
        out.insert("prompt_eval_count", usage.input);
        out.insert("eval_count", usage.output);
    }
}

// === impl OllamaWriter ===

impl OllamaWriter {
    pub(super) fn new(to: Api, facts: Facts, cap: usize) -> Self {
        let is_chat = to == Api::OllamaChat;
        Self { is_chat, facts, open: None, arguments: String::new(), calls: 0, budget: Budget::new(cap) }
    }

    pub(super) fn write(&mut self, event: Event, out: &mut Vec<u8>) -> Result<(), Malformed> {
        match event {
            Event::Start => {}
            Event::Open(kind) => {
                self.budget.block()?;
                self.open = Some(kind);
            }
            Event::Piece(piece) => match self.open {
                Some(Kind::Text | Kind::Refusal) => self.line(&piece, None, Vec::new(), out),
                Some(Kind::Thinking) => self.line("", Some(piece), Vec::new(), out),
                Some(Kind::Call { .. }) => {
                    self.budget.text(&piece)?;
                    self.arguments.push_str(&piece);
                }
                None => {}
            },
            Event::Close => {
                let arguments = std::mem::take(&mut self.arguments);
                if let Some(Kind::Call { id, name }) = self.open.take() {
                    let call = call(&self.facts, self.calls, id.as_deref(), &name, &arguments)?;
                    self.calls = self.calls.saturating_add(1);
                    self.line("", None, vec![call], out);
                }
            }
            Event::End(stop, usage) => {
                let mut line = head(&self.facts);
                content(&mut line, self.is_chat, "", None, Vec::new());
                last(&mut line, &stop, usage);
                write_line(out, line.to_string().as_bytes());
            }
            Event::Failed(failure) => {
                write_line(out, object([("error", Failure::message(failure).into())]).to_string().as_bytes());
            }
        }
        Ok(())
    }

    fn line(&self, text: &str, thinking: Option<String>, calls: Vec<Json>, out: &mut Vec<u8>) {
        let mut line = head(&self.facts);
        content(&mut line, self.is_chat, text, thinking, calls);
        line.insert("done", false);
        write_line(out, line.to_string().as_bytes());
    }
}
