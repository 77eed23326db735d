//! Reads answers of OpenAI chat completions, also as the many servers that imitate them write them.

use super::queue::{CallPiece, Key, Queue};
use super::{Event, Failure, Stop, Usage};
use crate::translate::Malformed;
use crate::translate::json::Json;

#[derive(Debug)]
pub(super) struct ChatReader {
    queue: Queue,
    has_started: bool,
    has_ended: bool,
    stop: Option<Stop>,
    usage: Option<Usage>,
}

// === impl ChatReader ===

impl ChatReader {
    pub(super) fn new(cap: usize) -> Self {
        Self { queue: Queue::new(cap), has_started: false, has_ended: false, stop: None, usage: None }
    }

    /// One chunk.
    pub(super) fn event(&mut self, json: &Json, out: &mut Vec<Event>) -> Result<(), Malformed> {
        if self.has_ended {
            return Ok(());
        }
        if let Some(error) = json.get("error") {
            self.has_ended = true;
            out.push(Event::Failed(Failure::of(error)));
            return Ok(());
        }
        if let Some(usage) = json.get("usage") {
            self.usage = Some(usage_of(usage));
        }
        let choices = match json.get("choices") {
            Some(choices) => choices.list().ok_or(Malformed::Shape("choices are no list"))?,
            None if json.get("usage").is_some() => &[],
            None => return Err(Malformed::Shape("there are no choices")),
        };
        if !std::mem::replace(&mut self.has_started, true) {
            out.push(Event::Start);
        }
        for choice in choices {
            self.choice(choice, "delta", out)?;
        }
        Ok(())
    }

    /// The answer in one piece.
    pub(super) fn whole(&mut self, json: &Json, out: &mut Vec<Event>) -> Result<(), Malformed> {
        if json.get("error").is_some() {
            return Err(Malformed::Failed);
        }
        let [choice] = json.get("choices").and_then(Json::list).unwrap_or_default() else {
            return Err(Malformed::Shape("there is not one choice"));
        };
        if choice.get("message").is_none() {
            return Err(Malformed::Shape("there is no message"));
        }
        self.usage = json.get("usage").map(usage_of);
        out.push(Event::Start);
        self.choice(choice, "message", out)?;
        self.done(out)
    }

    fn done(&mut self, out: &mut Vec<Event>) -> Result<(), Malformed> {
        if std::mem::replace(&mut self.has_ended, true) {
            return Ok(());
        }
        if !std::mem::replace(&mut self.has_started, true) {
            out.push(Event::Start);
        }
        self.queue.flush(out)?;
        // Some servers say `stop` after a call, and some name calls that never came.
        let stop = match self.stop.take() {
            Some(Stop::End) | None if self.queue.has_calls() => Stop::Tools,
            Some(Stop::Tools) if !self.queue.has_calls() => Stop::End,
            stop => stop.unwrap_or(Stop::End),
        };
        out.push(Event::End(stop, self.usage));
        Ok(())
    }

    /// The stream said that it is complete, or the connection ended. Without a reason to finish it ended too early.
    pub(super) fn end(&mut self, out: &mut Vec<Event>) -> Result<(), Malformed> {
        if !self.has_ended && self.stop.is_none() {
            return Err(Malformed::Truncated);
        }
        self.done(out)
    }

    fn choice(&mut self, choice: &Json, place: &str, out: &mut Vec<Event>) -> Result<(), Malformed> {
        if choice.get("index").and_then(Json::count).is_some_and(|index| index != 0) {
            return Err(Malformed::Shape("there is more than one choice"));
        }
        // Some servers stream messages.
        if let Some(message) = choice.get(place).or_else(|| choice.get("message")) {
            self.message(message, place == "message", out)?;
        }
        if let Some(reason) = choice.get("finish_reason").and_then(Json::text)
            && !reason.is_empty()
        {
            self.stop = Some(stop_of(reason)?);
        }
        Ok(())
    }

    fn message(&mut self, message: &Json, is_whole: bool, out: &mut Vec<Event>) -> Result<(), Malformed> {
        if message.get("function_call").is_some_and(|call| !call.is_empty()) {
            return Err(Malformed::Shape("a call in the older form"));
        }
        // Some servers write the same under both names.
        let reasoning = ["reasoning_content", "reasoning"];
        let reasoning = reasoning.iter().filter_map(|key| message.get(key)).find_map(Json::text);
        self.queue.text(Key::Thinking, reasoning.unwrap_or_default(), out)?;
        match message.get("content") {
            None => {}
            Some(Json::Text(text)) => self.queue.text(Key::Text, text, out)?,
            Some(Json::List(parts)) => self.parts(parts, out)?,
            Some(_) => return Err(Malformed::Shape("content is neither text nor a list")),
        }
        let refusal = message.get("refusal").and_then(Json::text).unwrap_or_default();
        self.queue.text(Key::Refusal, refusal, out)?;
        for call in message.get("tool_calls").and_then(Json::list).unwrap_or_default() {
            if call.get("function").is_none() {
                return Err(Malformed::Shape("a call of an unknown kind"));
            }
            let text = |keys: &[&str]| call.at(keys).and_then(Json::text);
            let arguments = call.at(&["function", "arguments"]);
            // Some servers give an object where a string belongs.
            let object = arguments.filter(|a| matches!(a, Json::Map(_))).map(Json::to_string);
            let piece = CallPiece {
                index: call.get("index").and_then(Json::count),
                id: text(&["id"]),
                name: text(&["function", "name"]),
                arguments: object.as_deref().or(arguments.and_then(Json::text)).unwrap_or_default(),
                is_whole,
            };
            self.queue.call(&piece, out)?;
        }
        Ok(())
    }

    /// Content in parts, as some servers write what a model thinks.
    fn parts(&mut self, parts: &[Json], out: &mut Vec<Event>) -> Result<(), Malformed> {
        for part in parts {
            match (part.get("type").and_then(Json::text), part.get("text"), part.get("thinking")) {
                (Some("text"), Some(Json::Text(text)), _) => self.queue.text(Key::Text, text, out)?,
                (Some("thinking"), _, Some(Json::Text(text))) => self.queue.text(Key::Thinking, text, out)?,
                (Some("thinking"), _, Some(Json::List(inner))) => {
                    for text in inner.iter().filter_map(|part| part.get("text")).filter_map(Json::text) {
                        self.queue.text(Key::Thinking, text, out)?;
                    }
                }
                _ => return Err(Malformed::Shape("a part of the content is unknown")),
            }
        }
        Ok(())
    }
}

fn usage_of(usage: &Json) -> Usage {
    let count = |keys: &[&str]| usage.at(keys).and_then(Json::count).unwrap_or(0);
    Usage {
        input: count(&["prompt_tokens"]),
        cache_read: count(&["prompt_tokens_details", "cached_tokens"]),
        cache_written: count(&["prompt_tokens_details", "cache_write_tokens"]),
        output: count(&["completion_tokens"]),
        reasoning: count(&["completion_tokens_details", "reasoning_tokens"]),
    }
}

/// An unknown reason may be a failure, and a failure is not told as an end.
fn stop_of(reason: &str) -> Result<Stop, Malformed> {
    Ok(match reason.to_ascii_lowercase().as_str() {
        "stop" | "end_turn" | "eos" | "eos_token" => Stop::End,
        "stop_sequence" => Stop::Sequence(None),
        "length" | "max_tokens" => Stop::Length,
        "tool_calls" | "tool_use" | "function_call" => Stop::Tools,
        "content_filter" | "safety" | "recitation" => Stop::Filtered,
        _ => return Err(Malformed::Shape("the reason to finish is unknown")),
    })
}
