//! Reads answers of Anthropic messages. Unknown kinds of events are passed over, as its versioning policy asks.

use super::{Event, Failure, Kind, Stop, Usage};
use crate::translate::Malformed;
use crate::translate::json::Json;

#[derive(Debug, Default)]
pub(super) struct MessagesReader {
    block: Option<Block>,
    has_started: bool,
    has_ended: bool,
    stop: Option<Stop>,
    counts: Counts,
}

#[derive(Debug)]
struct Block {
    index: Option<u64>,
    sort: Sort,
}

#[derive(Debug)]
enum Sort {
    Text,
    /// Often nothing of it is told but its seal; then it is no block.
    Thinking {
        is_open: bool,
    },
    /// `input` as the block began, told when no piece of it followed.
    Call {
        input: Option<String>,
    },
    /// Thinking that only its provider can read.
    Sealed,
}

#[derive(Debug, Default)]
struct Counts {
    is_known: bool,
    input: u64,
    read: u64,
    written: u64,
    output: u64,
    thinking: u64,
}

// === impl MessagesReader ===

impl MessagesReader {
    /// One event of a stream.
    pub(super) fn event(&mut self, json: &Json, out: &mut Vec<Event>) -> Result<(), Malformed> {
        let Some(kind) = json.get("type").and_then(Json::text) else {
            return Err(Malformed::Shape("an event has no type"));
        };
        if self.has_ended {
            return Ok(());
        }
        let is_inside = matches!(
            kind,
            "content_block_start"
                | "content_block_delta"
                | "content_block_stop"
                | "message_delta"
                | "message_stop"
        );
        if is_inside && !self.has_started {
            return Err(Malformed::Shape("the message did not start"));
        }
        match kind {
            "message_start" => {
                if std::mem::replace(&mut self.has_started, true) {
                    return Err(Malformed::Shape("the message started twice"));
                }
                self.counts.read(json.at(&["message", "usage"]));
                out.push(Event::Start);
            }
            "content_block_start" => {
                let block = json.get("content_block").ok_or(Malformed::Shape("there is no block"))?;
                self.open(json.get("index").and_then(Json::count), block, out)?;
            }
            "content_block_delta" => self.delta(json, out)?,
            "content_block_stop" => self.close(out),
            "message_delta" => {
                self.counts.read(json.get("usage"));
                self.stop = stop_of(json.get("delta"))?.or_else(|| self.stop.take());
            }
            "message_stop" => return self.done(out),
            "error" => {
                self.has_ended = true;
                out.push(Event::Failed(json.get("error").map_or(Failure::Other, Failure::of)));
            }
            _ => {}
        }
        Ok(())
    }

    /// The answer in one piece.
    pub(super) fn whole(&mut self, json: &Json, out: &mut Vec<Event>) -> Result<(), Malformed> {
        match json.get("type").and_then(Json::text) {
            Some("message") => {}
            Some("error") => return Err(Malformed::Failed),
            _ => return Err(Malformed::Shape("this is no message")),
        }
        let content = json.get("content").and_then(Json::list);
        self.stop = stop_of(Some(json))?;
        self.counts.read(json.get("usage"));
        self.has_started = true;
        out.push(Event::Start);
        for block in content.ok_or(Malformed::Shape("there is no content"))? {
            self.open(None, block, out)?;
            self.close(out);
        }
        self.done(out)
    }

    /// The connection ended.
    pub(super) fn end(&mut self, out: &mut Vec<Event>) -> Result<(), Malformed> {
        if self.has_ended { Ok(()) } else { self.done(out) }
    }

    fn done(&mut self, out: &mut Vec<Event>) -> Result<(), Malformed> {
        self.close(out);
        let stop = self.stop.take().ok_or(Malformed::Truncated)?;
        self.has_ended = true;
        out.push(Event::End(stop, self.counts.usage()));
        Ok(())
    }

    fn open(&mut self, index: Option<u64>, block: &Json, out: &mut Vec<Event>) -> Result<(), Malformed> {
        if self.block.is_some() {
            return Err(Malformed::Shape("a block began in a block"));
        }
        let text = |key: &str| block.get(key).and_then(Json::text).unwrap_or_default();
        let sort = match text("type") {
            "text" => {
                out.push(Event::Open(Kind::Text));
                piece(text("text"), out);
                Sort::Text
            }
            "thinking" => {
                let mut is_open = false;
                think(text("thinking"), &mut is_open, out);
                Sort::Thinking { is_open }
            }
            "redacted_thinking" => Sort::Sealed,
            "tool_use" => {
                let (id, name) = (text("id"), text("name"));
                if id.is_empty() || name.is_empty() {
                    return Err(Malformed::Shape("a tool call has no id or no name"));
                }
                out.push(Event::Open(Kind::Call { id: Some(id.to_owned()), name: name.to_owned() }));
                match block.get("input") {
                    None => Sort::Call { input: Some("{}".to_owned()) },
                    Some(input @ Json::Map(_)) => Sort::Call { input: Some(input.to_string()) },
                    Some(_) => return Err(Malformed::Shape("the input of a tool call is no object")),
                }
            }
            _ => return Err(Malformed::Shape("a block is of an unknown kind")),
        };
        self.block = Some(Block { index, sort });
        Ok(())
    }

    fn delta(&mut self, json: &Json, out: &mut Vec<Event>) -> Result<(), Malformed> {
        let Some(block) = &mut self.block else { return Err(Malformed::Shape("there is no open block")) };
        let index = json.get("index").and_then(Json::count);
        if index.is_some() && block.index.is_some() && index != block.index {
            return Err(Malformed::Shape("a piece belongs to another block"));
        }
        let text = |key: &str| json.at(&["delta", key]).and_then(Json::text).unwrap_or_default();
        match (text("type"), &mut block.sort) {
            ("text_delta", Sort::Text) => piece(text("text"), out),
            ("thinking_delta", Sort::Thinking { is_open }) => think(text("thinking"), is_open, out),
            ("input_json_delta", Sort::Call { input }) => {
                let json = text("partial_json");
                if !json.is_empty() {
                    *input = None;
                }
                piece(json, out);
            }
            ("text_delta" | "thinking_delta" | "input_json_delta", _) => {
                return Err(Malformed::Shape("a piece does not fit its block"));
            }
            // Seals, and where a citation points to.
            _ => {}
        }
        Ok(())
    }

    fn close(&mut self, out: &mut Vec<Event>) {
        match self.block.take().map(|block| block.sort) {
            None | Some(Sort::Sealed | Sort::Thinking { is_open: false }) => {}
            Some(Sort::Call { input: Some(input) }) => out.extend([Event::Piece(input), Event::Close]),
            Some(_) => out.push(Event::Close),
        }
    }
}

fn piece(text: &str, out: &mut Vec<Event>) {
    if !text.is_empty() {
        out.push(Event::Piece(text.to_owned()));
    }
}

fn think(text: &str, is_open: &mut bool, out: &mut Vec<Event>) {
    if !text.is_empty() && !std::mem::replace(is_open, true) {
        out.push(Event::Open(Kind::Thinking));
    }
    piece(text, out);
}

fn stop_of(place: Option<&Json>) -> Result<Option<Stop>, Malformed> {
    let text = |key: &str| place.and_then(|place| place.get(key)).and_then(Json::text);
    Ok(Some(match text("stop_reason") {
        None => return Ok(None),
        Some("end_turn") => Stop::End,
        Some("stop_sequence") => Stop::Sequence(text("stop_sequence").map(str::to_owned)),
        Some("max_tokens" | "model_context_window_exceeded") => Stop::Length,
        Some("tool_use") => Stop::Tools,
        Some("refusal") => Stop::Filtered,
        Some(_) => return Err(Malformed::Shape("the reason to stop is unknown")),
    }))
}

// === impl Counts ===

impl Counts {
    /// Each report holds totals; what it does not name stays.
    fn read(&mut self, usage: Option<&Json>) {
        let Some(usage) = usage else { return };
        self.is_known = true;
        for (count, keys) in [
            (&mut self.input, ["input_tokens"].as_slice()),
            (&mut self.read, &["cache_read_input_tokens"]),
            (&mut self.written, &["cache_creation_input_tokens"]),
            (&mut self.output, &["output_tokens"]),
            (&mut self.thinking, &["output_tokens_details", "thinking_tokens"]),
        ] {
            *count = usage.at(keys).and_then(Json::count).unwrap_or(*count);
        }
    }

    fn usage(&self) -> Option<Usage> {
        self.is_known.then(|| Usage {
            input: self.input.saturating_add(self.read).saturating_add(self.written),
            cache_read: self.read,
            cache_written: self.written,
            output: self.output,
            reasoning: self.thinking,
        })
    }
}
