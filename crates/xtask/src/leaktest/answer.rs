//! Answers with a planted text in them: in which channel, and cut in which way.

use serde_json::{Value, json};

use super::values::{HOLE, escaped, merge, quoted};

/// Where the upstream puts the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Channel {
    Content,
    Reasoning,
    Refusal,
    ToolArguments,
    ToolName,
    LegacyArguments,
    LogprobTokens,
    LogprobBytes,
    Unknown,
    UnknownTop,
    ObjectKey,
    SecondChoice,
    Annotation,
    Id,
    Fingerprint,
    FinishReason,
    SseComment,
    SseEvent,
    SseId,
    AfterDone,
    Header,
    ErrorBody,
    ErrorEvent,
}

use Channel as C;

/// Every channel, in the order of the matrix.
pub(crate) const CHANNELS: &[Channel] = &[
    C::Content,
    C::Reasoning,
    C::Refusal,
    C::ToolArguments,
    C::ToolName,
    C::LegacyArguments,
    C::LogprobTokens,
    C::LogprobBytes,
    C::Unknown,
    C::UnknownTop,
    C::ObjectKey,
    C::SecondChoice,
    C::Annotation,
    C::Id,
    C::Fingerprint,
    C::FinishReason,
    C::SseComment,
    C::SseEvent,
    C::SseId,
    C::AfterDone,
    C::Header,
    C::ErrorBody,
    C::ErrorEvent,
];

/// How the text is cut on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cut {
    /// Not at all: what every other way must come to.
    None,
    /// Over two deltas.
    Delta,
    /// A character in each delta.
    Drip,
    /// Inside an event, over two writes.
    Write,
    /// Over two deltas whose events have their JSON on several `data:` lines that end with CRLF.
    Lines,
    /// Over two deltas with other events, comments and the other choice between them.
    Events,
    /// Over two deltas, and each write ends inside a character of several bytes.
    Utf8,
    /// Every character as `\uXXXX`, cut inside an escape.
    Escape,
}

impl Channel {
    /// As the matrix has it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            C::Content => "content",
            C::Reasoning => "reasoning_content",
            C::Refusal => "refusal",
            C::ToolArguments => "tool arguments",
            C::ToolName => "tool name",
            C::LegacyArguments => "function_call arguments",
            C::LogprobTokens => "logprobs token",
            C::LogprobBytes => "logprobs bytes",
            C::Unknown => "unknown field of a delta",
            C::UnknownTop => "unknown field of the body",
            C::ObjectKey => "object key",
            C::SecondChoice => "second choice",
            C::Annotation => "annotation",
            C::Id => "id",
            C::Fingerprint => "system_fingerprint",
            C::FinishReason => "finish_reason",
            C::SseComment => "SSE comment",
            C::SseEvent => "SSE event name",
            C::SseId => "SSE id",
            C::AfterDone => "after [DONE]",
            C::Header => "response header",
            C::ErrorBody => "error body",
            C::ErrorEvent => "error in a stream",
        }
    }

    /// Where the client finds the text again when nothing is wrong with it (see `Views`); none where it is dropped.
    pub(crate) fn place(self, stream: bool) -> Option<String> {
        let message = if stream { "delta" } else { "message" };
        if self == C::ToolArguments {
            return Some("inner.to".to_owned());
        }
        let (choice, field) = match self {
            C::Content => (0, "content"),
            C::Reasoning => (0, "reasoning_content"),
            C::Refusal => (0, "refusal"),
            C::SecondChoice => (1, "content"),
            C::Unknown => (0, "thoughts"),
            _ => return None,
        };
        Some(format!("choices.{choice}.{message}.{field}"))
    }

    /// Whether the text comes in pieces that a client joins.
    const fn is_joined(self) -> bool {
        matches!(
            self,
            C::Content
                | C::Reasoning
                | C::Refusal
                | C::ToolArguments
                | C::LegacyArguments
                | C::LogprobTokens
                | C::LogprobBytes
                | C::Unknown
                | C::SecondChoice
        )
    }

    /// The cuts that mean something here.
    pub(crate) fn cuts(self, stream: bool) -> &'static [Cut] {
        match self {
            C::Header => &[Cut::None],
            C::ErrorBody => &[Cut::None, Cut::Write, Cut::Escape],
            C::ErrorEvent | C::SseComment | C::SseEvent | C::SseId | C::AfterDone if stream => {
                &[Cut::None, Cut::Write]
            }
            C::ErrorEvent | C::SseComment | C::SseEvent | C::SseId | C::AfterDone => &[],
            _ if !stream => &[Cut::None, Cut::Write, Cut::Escape],
            _ if self.is_joined() => &[
                Cut::None,
                Cut::Delta,
                Cut::Drip,
                Cut::Write,
                Cut::Lines,
                Cut::Events,
                Cut::Utf8,
                Cut::Escape,
            ],
            _ => &[Cut::None, Cut::Write, Cut::Lines, Cut::Escape],
        }
    }
}

/// A whole answer: extra headers, status and the body in the pieces in which it is written.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Its media type.
    pub(crate) kind: &'static str,
    pub(crate) header: Option<String>,
    pub(crate) writes: Vec<Vec<u8>>,
}

/// The text as the channel holds it: tool arguments are JSON of their own.
fn held(channel: Channel, text: &str, cut: Cut) -> String {
    if matches!(channel, C::ToolArguments | C::LegacyArguments) {
        let inner = if cut == Cut::Escape { escaped(text) } else { quoted(text) };
        format!("{{\"to\":\"{inner}\"}}")
    } else {
        text.to_owned()
    }
}

/// Builds an answer with `text` in a channel. `at` counts the places at which it can be cut; none is returned when there
/// are no more.
pub(crate) fn build(channel: Channel, stream: bool, cut: Cut, text: &str, at: usize) -> Option<Answer> {
    let held = held(channel, text, cut);
    let mut answer = Answer {
        status: if channel == C::ErrorBody { 400 } else { 200 },
        kind: if stream { "text/event-stream" } else { "application/json" },
        header: None,
        writes: Vec::new(),
    };
    let last = match cut {
        Cut::None | Cut::Drip => 0,
        // What no client joins cannot be cut over two events.
        Cut::Lines if !channel.is_joined() => 0,
        _ => held.len(),
    };
    if at > last {
        return None;
    }
    match channel {
        C::Header => {
            answer.header = Some(text.replace('\n', " "));
            answer.writes =
                vec![if stream { stream_of(&[], Cut::None) } else { whole(C::Content, "ok", Cut::None) }];
        }
        C::ErrorBody => {
            answer.kind = "application/json";
            let body = json!({"error": {"message": HOLE, "type": "invalid_request_error", "code": HOLE, "param": HOLE}});
            answer.writes = vec![fill(&body.to_string(), &held, cut)];
        }
        _ if !stream => answer.writes = vec![whole(channel, &held, cut)],
        _ => answer.writes = vec![streamed(channel, &held, cut, at)],
    }
    if matches!(cut, Cut::Write | Cut::Escape | Cut::Utf8) {
        answer.writes = cut_writes(&answer.writes.concat(), cut, at, &held);
    }
    Some(answer)
}

/// Cuts the bytes at the `at`th character of the text, or inside of it.
fn cut_writes(bytes: &[u8], cut: Cut, at: usize, held: &str) -> Vec<Vec<u8>> {
    let needle = if cut == Cut::Escape { escaped(held) } else { quoted(held) };
    // Where the text stands as numbers or without its line breaks, the middle is as good a place as any.
    let start = position(bytes, needle.as_bytes()).unwrap_or(bytes.len() / 2);
    match cut {
        // One place in each escape, and a different one each time.
        Cut::Escape => split(bytes, &[start + at * 6 + at % 6]),
        // After the first byte of every character that has several.
        Cut::Utf8 => {
            let inside =
                bytes.iter().enumerate().filter(|(_, byte)| **byte >= 0xC0).map(|(place, _)| place + 1);
            split(bytes, &inside.collect::<Vec<_>>())
        }
        _ => split(bytes, &[start + at]),
    }
}

fn split(bytes: &[u8], places: &[usize]) -> Vec<Vec<u8>> {
    let mut rest = bytes;
    let mut from = 0;
    let mut out = Vec::new();
    for place in places {
        let Some((head, tail)) = rest.split_at_checked(place.saturating_sub(from)) else { break };
        out.push(head.to_vec());
        (rest, from) = (tail, *place);
    }
    out.push(rest.to_vec());
    out
}

fn position(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    bytes.windows(needle.len().max(1)).position(|window| window == needle)
}

fn whole(channel: Channel, held: &str, cut: Cut) -> Vec<u8> {
    let mut message = json!({"role": "assistant", "content": "so"});
    let mut second = json!({"role": "assistant", "content": "so"});
    let mut body = json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "leak",
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    });
    let (mut logprobs, mut finish) = (Value::Null, json!("stop"));
    match channel {
        C::Content => merge(&mut message, &json!({"content": HOLE})),
        C::SecondChoice => merge(&mut second, &json!({"content": HOLE})),
        C::LogprobTokens => {
            logprobs = json!({"content": [{"token": HOLE, "logprob": -0.5, "top_logprobs": []}]})
        }
        C::LogprobBytes => {
            logprobs = json!({"content": [{"token": "x", "logprob": -0.5, "bytes": held.as_bytes(), "top_logprobs": []}]});
        }
        C::Id => merge(&mut body, &json!({"id": HOLE})),
        C::Fingerprint => merge(&mut body, &json!({"system_fingerprint": HOLE})),
        C::FinishReason => finish = json!(HOLE),
        C::UnknownTop => merge(&mut body, &json!({"extra": {"note": [HOLE]}})),
        _ => merge(&mut message, &part(channel, HOLE, held, false)),
    }
    if channel == C::ToolArguments || channel == C::ToolName {
        finish = json!("tool_calls");
    }
    merge(
        &mut body,
        &json!({"choices": [
            {"index": 0, "message": message, "logprobs": logprobs, "finish_reason": finish},
            {"index": 1, "message": second, "logprobs": null, "finish_reason": "stop"},
        ]}),
    );
    fill(&body.to_string(), held, cut)
}

/// The fields of a message or delta for the channels that stand in one.
fn part(channel: Channel, piece: &str, held: &str, stream: bool) -> Value {
    let call = |name: &str, arguments: &str| json!({"tool_calls": [{"index": 0, "id": "call_1", "type": "function", "function": {"name": name, "arguments": arguments}}]});
    match channel {
        C::Content | C::SecondChoice => json!({"content": piece}),
        C::Reasoning => json!({"reasoning_content": piece}),
        C::Refusal => json!({"refusal": piece}),
        C::ToolArguments if stream => json!({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}),
        C::ToolArguments => call("demo_mail", piece),
        C::ToolName => call(piece, "{}"),
        C::LegacyArguments if stream => json!({"function_call": {"arguments": piece}}),
        C::LegacyArguments => json!({"function_call": {"name": "demo_mail", "arguments": piece}}),
        C::Annotation => {
            json!({"annotations": [{"type": "url_citation", "url_citation": {"title": piece, "url": piece}}]})
        }
        C::ObjectKey => json!({"extra": {piece: 1}}),
        C::Unknown => json!({"thoughts": piece}),
        _ => json!({"content": held}),
    }
}

fn streamed(channel: Channel, held: &str, cut: Cut, at: usize) -> Vec<u8> {
    let pieces: Vec<String> = match cut {
        Cut::Drip => held.chars().map(String::from).collect(),
        Cut::Delta | Cut::Lines | Cut::Events | Cut::Utf8 if channel.is_joined() => {
            let place = (at..=held.len()).find(|place| held.is_char_boundary(*place)).unwrap_or(held.len());
            let (head, tail) = held.split_at(place);
            vec![head.to_owned(), tail.to_owned()]
        }
        _ => vec![held.to_owned()],
    };
    let mut events = vec![event(&json!({"role": "assistant", "content": ""}), 0, None)];
    match channel {
        C::ToolArguments => {
            let head = json!({"index": 0, "id": "call_1", "type": "function", "function": {"name": "demo_mail", "arguments": ""}});
            events.push(event(&json!({"tool_calls": [head]}), 0, None));
        }
        C::LegacyArguments => {
            events.push(event(&json!({"function_call": {"name": "demo_mail", "arguments": ""}}), 0, None));
        }
        _ => {}
    }
    let mut raw = Vec::new();
    for (number, piece) in pieces.iter().enumerate() {
        let (body, wrapped) = piece_event(channel, piece);
        let text = String::from_utf8_lossy(&fill(&body, piece, cut)).into_owned();
        events.push(if wrapped { text } else { format!("data: {text}\n\n") });
        if number == 0 && cut == Cut::Events {
            events.push(": keep-alive\n\n".to_owned());
            let other = u64::from(channel != C::SecondChoice);
            events.push(event(&json!({"content": "meanwhile"}), other, None));
            events.push(event(&json!({}), 0, None));
        }
    }
    let finish = if channel == C::ToolArguments || channel == C::ToolName { "tool_calls" } else { "stop" };
    if channel != C::FinishReason {
        events.push(event(&json!({}), 0, Some(finish)));
        events.push(event(&json!({}), 1, Some("stop")));
    }
    let after = (channel == C::AfterDone).then(|| events.remove(1));
    raw.extend(stream_of(&events, cut));
    if let Some(after) = after {
        raw.extend(after.into_bytes());
    }
    raw
}

/// The JSON of an event that carries a piece, with a hole for it; or the event itself where it is no JSON.
fn piece_event(channel: Channel, piece: &str) -> (String, bool) {
    let chunk = |mut body: Value, delta: Value, index: u64, logprobs: Value, finish: Value| {
        merge(
            &mut body,
            &json!({
                "object": "chat.completion.chunk", "created": 1, "model": "leak",
                "choices": [{"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": finish}],
            }),
        );
        (body.to_string(), false)
    };
    let plain = json!({"id": "chatcmpl-1"});
    match channel {
        C::SseComment => (format!(": {HOLE}\n\n"), true),
        C::SseEvent => (
            format!("event: {HOLE}\ndata: {}\n\n", chunk(plain, json!({}), 0, Value::Null, Value::Null).0),
            true,
        ),
        C::SseId => (
            format!("id: {HOLE}\ndata: {}\n\n", chunk(plain, json!({}), 0, Value::Null, Value::Null).0),
            true,
        ),
        C::ErrorEvent => (json!({"error": {"message": HOLE, "type": "server_error"}}).to_string(), false),
        C::LogprobTokens => chunk(
            plain,
            json!({"content": "x"}),
            0,
            json!({"content": [{"token": HOLE, "logprob": -0.5, "top_logprobs": []}]}),
            Value::Null,
        ),
        C::LogprobBytes => chunk(
            plain,
            json!({"content": "x"}),
            0,
            json!({"content": [{"token": "x", "logprob": -0.5, "bytes": piece.as_bytes(), "top_logprobs": []}]}),
            Value::Null,
        ),
        C::Id => chunk(json!({"id": HOLE}), json!({"content": "x"}), 0, Value::Null, Value::Null),
        C::Fingerprint => chunk(
            json!({"id": "chatcmpl-1", "system_fingerprint": HOLE}),
            json!({"content": "x"}),
            0,
            Value::Null,
            Value::Null,
        ),
        C::UnknownTop => chunk(
            json!({"id": "chatcmpl-1", "extra": {"note": [HOLE]}}),
            json!({"content": "x"}),
            0,
            Value::Null,
            Value::Null,
        ),
        C::FinishReason => chunk(plain, json!({}), 0, Value::Null, json!(HOLE)),
        C::SecondChoice => chunk(plain, json!({"content": HOLE}), 1, Value::Null, Value::Null),
        C::AfterDone => chunk(plain, json!({"content": HOLE}), 0, Value::Null, Value::Null),
        _ => chunk(plain, part(channel, HOLE, piece, true), 0, Value::Null, Value::Null),
    }
}

fn event(delta: &Value, index: u64, finish: Option<&str>) -> String {
    let chunk = json!({
        "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "leak",
        "choices": [{"index": index, "delta": delta, "logprobs": null, "finish_reason": finish}],
    });
    format!("data: {chunk}\n\n")
}

fn stream_of(events: &[String], cut: Cut) -> Vec<u8> {
    let mut text: String = events.concat();
    text.push_str("data: [DONE]\n\n");
    if cut == Cut::Lines {
        // A newline between the fields of an event's JSON, each line with its own `data:` and CRLF.
        text = text.replace(r#","created":"#, "\ndata: ,\"created\":").replace('\n', "\r\n");
    }
    text.into_bytes()
}

/// Puts the text into the hole, spelled as the cut wants it.
fn fill(body: &str, text: &str, cut: Cut) -> Vec<u8> {
    let spelled = if cut == Cut::Escape { escaped(text) } else { quoted(text) };
    // Outside JSON a line break would end the line.
    let spelled = if body.starts_with([':', 'e', 'i']) { text.replace('\n', " ") } else { spelled };
    body.replace(HOLE, &spelled).into_bytes()
}

#[cfg(test)]
mod tests;
