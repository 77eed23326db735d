//! Answers: read into [`Event`]s, one block after another, and written from them.

mod chat_in;
mod chat_out;
mod collect;
mod messages_in;
mod messages_out;
mod ollama_out;
mod queue;
mod responses_out;
mod vectors;

use super::json::Json;
use super::{Api, Malformed};
use crate::sse::SseReader;

/// What is known of a request when its answer comes.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    /// The model that was asked for; an answer names no other.
    pub(crate) model: String,
    /// Whether a caller of Chat wants to be told the usage of a stream.
    pub(crate) include_usage: bool,
    /// What ids are made of: unique for each answer, of letters and digits.
    pub(crate) seed: String,
    /// When the answer began, in seconds since 1970.
    pub(crate) created: u64,
}

/// What may be held.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Caps {
    /// One event of a stream, in bytes.
    pub(crate) event: usize,
    /// A whole answer, and all that must be kept of a stream, in bytes.
    pub(crate) whole: usize,
}

/// Turns an upstream's answer into the caller's API, whatever pieces it comes in.
#[derive(Debug)]
pub(crate) struct Answer {
    input: Input,
    reader: Reader,
    writer: Writer,
    caps: Caps,
    state: State,
    /// What the upstream says that it used.
    usage: Option<Usage>,
}

#[derive(Debug)]
enum Input {
    Stream(SseReader),
    Whole(Vec<u8>),
}

#[derive(Debug)]
enum Reader {
    Chat(chat_in::ChatReader),
    Messages(messages_in::MessagesReader),
}

#[derive(Debug)]
enum Writer {
    Chat(chat_out::ChatWriter),
    Messages(messages_out::MessagesWriter),
    Responses(responses_out::ResponsesWriter),
    Ollama(ollama_out::OllamaWriter),
    /// Vectors come whole and are told whole.
    Vectors {
        to: Api,
        facts: Facts,
    },
    Whole {
        to: Api,
        facts: Facts,
        collected: collect::Collected,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Running,
    Finished,
    Broken(Malformed),
}

/// One step of an answer. A block is open from `Open` to `Close`, and there is at most one.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Event {
    Start,
    Open(Kind),
    Piece(String),
    Close,
    End(Stop, Option<Usage>),
    Failed(Failure),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Text,
    Thinking,
    Refusal,
    Call { id: Option<String>, name: String },
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Stop {
    End,
    Sequence(Option<String>),
    Length,
    Tools,
    Filtered,
}

/// Tokens. `input` counts what came from a cache and what was written to one too.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Usage {
    input: u64,
    cache_read: u64,
    cache_written: u64,
    output: u64,
    reasoning: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Failure {
    Overloaded,
    RateLimited,
    Other,
}

// === impl Answer ===

impl Answer {
    /// An answer of the upstream's API `from` for a caller of `to`.
    pub(crate) fn new(from: Api, to: Api, stream: bool, facts: Facts, caps: Caps) -> Self {
        let writer = match to {
            Api::Responses => {
                Writer::Responses(responses_out::ResponsesWriter::new(facts, stream, caps.whole))
            }
            Api::OllamaEmbed | Api::OllamaEmbedding | Api::Embeddings => Writer::Vectors { to, facts },
            _ if !stream => Writer::Whole { to, facts, collected: collect::Collected::new(caps.whole) },
            Api::Chat => Writer::Chat(chat_out::ChatWriter::new(facts)),
            Api::Messages => Writer::Messages(messages_out::MessagesWriter::new(facts)),
            Api::OllamaChat | Api::OllamaGenerate => {
                Writer::Ollama(ollama_out::OllamaWriter::new(to, facts, caps.whole))
            }
        };
        let reader = match from {
            Api::Messages => Reader::Messages(messages_in::MessagesReader::default()),
            // No upstream is asked in any other API that is told in steps, so none answers in it.
            _ => Reader::Chat(chat_in::ChatReader::new(caps.whole)),
        };
        let input = if stream { Input::Stream(SseReader::new(caps.event)) } else { Input::Whole(Vec::new()) };
        Self { input, reader, writer, caps, state: State::Running, usage: None }
    }

    /// Takes a piece and tells what can be told now. Once an error was told, there is nothing but that error.
    pub(crate) fn push(&mut self, piece: &[u8]) -> Result<Vec<u8>, Malformed> {
        let mut out = Vec::new();
        let result = match self.state {
            State::Broken(malformed) => return Err(malformed),
            State::Finished => return Ok(out),
            State::Running => self.take(piece, &mut out),
        };
        self.settle(result, out)
    }

    /// The upstream's answer has ended.
    pub(crate) fn finish(&mut self) -> Result<Vec<u8>, Malformed> {
        let mut out = Vec::new();
        let result = match self.state {
            State::Broken(malformed) => return Err(malformed),
            State::Finished => return Ok(out),
            State::Running => self.end(&mut out),
        };
        if result.is_ok() {
            self.state = State::Finished;
        }
        self.settle(result, out)
    }

    fn take(&mut self, piece: &[u8], out: &mut Vec<u8>) -> Result<(), Malformed> {
        match &mut self.input {
            Input::Stream(events) => {
                let (reader, writer, usage) = (&mut self.reader, &mut self.writer, &mut self.usage);
                events.push(piece, |data| {
                    let mut steps = Vec::new();
                    let read = reader.event(&data, &mut steps);
                    *usage = told(&steps).or(*usage);
                    writer.write_all(steps, out)?;
                    read
                })
            }
            Input::Whole(held) => {
                if held.len().saturating_add(piece.len()) > self.caps.whole {
                    return Err(Malformed::TooLarge);
                }
                held.extend_from_slice(piece);
                Ok(())
            }
        }
    }

    fn end(&mut self, out: &mut Vec<u8>) -> Result<(), Malformed> {
        let mut steps = Vec::new();
        match &mut self.input {
            Input::Stream(_) => self.reader.end(&mut steps)?,
            Input::Whole(held) if let Writer::Vectors { to, facts } = &self.writer => {
                let (json, input) = vectors::translated(*to, held, facts)?;
                held.clear();
                self.usage = input.map(|input| Usage { input, ..Usage::default() });
                out.extend_from_slice(json.to_string().as_bytes());
                return Ok(());
            }
            Input::Whole(held) => {
                let json = parse(&std::mem::take(held))?;
                self.reader.whole(&json, &mut steps)?;
            }
        }
        self.usage = told(&steps).or(self.usage);
        self.writer.write_all(steps, out)
    }

    /// What the upstream says that it used, once it has said so.
    pub(crate) fn usage(&self) -> Option<stockade_domain::Usage> {
        self.usage.map(|usage| stockade_domain::Usage {
            prompt_tokens: usage.input,
            completion_tokens: usage.output,
            cached_tokens: usage.cache_read,
        })
    }

    /// What was told before an error is told; the error comes with the next call.
    fn settle(&mut self, result: Result<(), Malformed>, out: Vec<u8>) -> Result<Vec<u8>, Malformed> {
        if let Err(malformed) = result {
            self.state = State::Broken(malformed);
            if out.is_empty() {
                return Err(malformed);
            }
        }
        Ok(out)
    }
}

fn told(steps: &[Event]) -> Option<Usage> {
    steps.iter().find_map(|step| if let Event::End(_, usage) = step { *usage } else { None })
}

fn parse(data: &[u8]) -> Result<Json, Malformed> {
    Json::parse(data).map_err(|_| Malformed::NotJson)
}

// === impl Reader ===

impl Reader {
    fn event(&mut self, data: &[u8], out: &mut Vec<Event>) -> Result<(), Malformed> {
        match self {
            _ if data.trim_ascii().is_empty() => Ok(()),
            Self::Chat(reader) if data.trim_ascii() == b"[DONE]" => reader.end(out),
            Self::Chat(reader) => reader.event(&parse(data)?, out),
            Self::Messages(reader) => reader.event(&parse(data)?, out),
        }
    }

    fn whole(&mut self, json: &Json, out: &mut Vec<Event>) -> Result<(), Malformed> {
        match self {
            Self::Chat(reader) => reader.whole(json, out),
            Self::Messages(reader) => reader.whole(json, out),
        }
    }

    fn end(&mut self, out: &mut Vec<Event>) -> Result<(), Malformed> {
        match self {
            Self::Chat(reader) => reader.end(out),
            Self::Messages(reader) => reader.end(out),
        }
    }
}

// === impl Writer ===

impl Writer {
    fn write_all(&mut self, events: Vec<Event>, out: &mut Vec<u8>) -> Result<(), Malformed> {
        events.into_iter().try_for_each(|event| self.write(event, out))
    }

    fn write(&mut self, event: Event, out: &mut Vec<u8>) -> Result<(), Malformed> {
        match self {
            Self::Chat(writer) => writer.write(event, out),
            Self::Messages(writer) => writer.write(event, out),
            Self::Responses(writer) => writer.write(event, out),
            Self::Ollama(writer) => writer.write(event, out),
            Self::Vectors { .. } => Ok(()),
            Self::Whole { to, facts, collected } => {
                let Event::End(stop, usage) = event else { return collected.take(event) };
                let json = match to {
                    Api::Messages => messages_out::whole(facts, collected, &stop, usage)?,
                    Api::OllamaChat | Api::OllamaGenerate => {
                        ollama_out::whole(*to, facts, collected, &stop, usage)?
                    }
                    _ => chat_out::whole(facts, collected, &stop, usage),
                };
                out.extend_from_slice(json.to_string().as_bytes());
                Ok(())
            }
        }
    }
}

// === impl Facts ===

impl Facts {
    fn id(&self, prefix: &str) -> String {
        format!("{prefix}{}", self.seed)
    }

    fn nth_id(&self, prefix: &str, nth: usize) -> String {
        format!("{prefix}{}_{nth}", self.seed)
    }
}

// === impl Failure ===

impl Failure {
    fn of(error: &Json) -> Self {
        let words = ["type", "code"].map(|key| error.get(key).and_then(Json::text).unwrap_or_default());
        if words.iter().any(|word| word.contains("overloaded")) {
            Self::Overloaded
        } else if words.iter().any(|word| word.contains("rate_limit")) {
            Self::RateLimited
        } else {
            Self::Other
        }
    }

    /// Never a word of the upstream's.
    fn message(self) -> &'static str {
        match self {
            Self::Overloaded => "The model is overloaded.",
            Self::RateLimited => "The model's rate limit is reached.",
            Self::Other => "The answer ended with an error.",
        }
    }
}
