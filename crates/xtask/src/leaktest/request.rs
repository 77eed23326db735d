//! Requests with a planted text in them: in which channel, and spelled or cut in which way.

use serde_json::{Value, json};

use super::values::{HOLE, escaped, merge, quoted};

/// Where the client puts the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Channel {
    User,
    Part,
    SecondPart,
    System,
    Developer,
    Assistant,
    AssistantRefusal,
    AssistantReasoning,
    ToolResult,
    ToolArguments,
    ToolCallId,
    ToolDescription,
    SchemaDescription,
    SchemaEnum,
    FunctionName,
    ResponseFormat,
    Name,
    EndUser,
    Metadata,
    MetadataKey,
    Stop,
    Prediction,
    Unknown,
    UnknownInMessage,
    ObjectKey,
    Header,
    Query,
}

use Channel as C;

/// Every channel, in the order of the matrix.
pub(crate) const CHANNELS: &[Channel] = &[
    C::User,
    C::Part,
    C::SecondPart,
    C::System,
    C::Developer,
    C::Assistant,
    C::AssistantRefusal,
    C::AssistantReasoning,
    C::ToolResult,
    C::ToolArguments,
    C::ToolCallId,
    C::ToolDescription,
    C::SchemaDescription,
    C::SchemaEnum,
    C::FunctionName,
    C::ResponseFormat,
    C::Name,
    C::EndUser,
    C::Metadata,
    C::MetadataKey,
    C::Stop,
    C::Prediction,
    C::Unknown,
    C::UnknownInMessage,
    C::ObjectKey,
    C::Header,
    C::Query,
];

/// How the body is spelled and written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cut {
    /// As any client would.
    None,
    /// Over two writes.
    Write,
    /// Every character as `\uXXXX`, over two writes.
    Escape,
}

/// Every way.
pub(crate) const CUTS: &[Cut] = &[Cut::None, Cut::Write, Cut::Escape];

impl Channel {
    /// As the matrix has it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            C::User => "user",
            C::Part => "user, text part",
            C::SecondPart => "user, second part",
            C::System => "system",
            C::Developer => "developer",
            C::Assistant => "assistant",
            C::AssistantRefusal => "assistant refusal",
            C::AssistantReasoning => "assistant reasoning",
            C::ToolResult => "tool result",
            C::ToolArguments => "tool arguments (history)",
            C::ToolCallId => "tool call id",
            C::ToolDescription => "tool description",
            C::SchemaDescription => "tool schema description",
            C::SchemaEnum => "tool schema enum",
            C::FunctionName => "tool name",
            C::ResponseFormat => "response_format schema",
            C::Name => "message name",
            C::EndUser => "user field",
            C::Metadata => "metadata value",
            C::MetadataKey => "metadata key",
            C::Stop => "stop sequence",
            C::Prediction => "prediction",
            C::Unknown => "unknown field of the body",
            C::UnknownInMessage => "unknown field of a message",
            C::ObjectKey => "object key",
            C::Header => "request header",
            C::Query => "query string",
        }
    }

    /// Where an upstream reads the text when nothing is wrong with it; none where it need not arrive.
    pub(crate) const fn place(self) -> Option<&'static str> {
        match self {
            C::User | C::System | C::Assistant | C::ToolResult => Some("messages.0.content"),
            C::ToolDescription => Some("tools.0.function.description"),
            C::UnknownInMessage => Some("messages.0.extra"),
            _ => None,
        }
    }
}

/// A request, in the pieces in which it is written.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// The path; chat completions unless given.
    pub(crate) path: Option<&'static str>,
    pub(crate) header: Option<String>,
    pub(crate) query: Option<String>,
    pub(crate) writes: Vec<Vec<u8>>,
}

/// Builds a request with `text` in a channel for a model. `at` counts the places at which it can be cut; none is
/// returned when there are no more.
pub(crate) fn build(channel: Channel, cut: Cut, text: &str, model: &str, at: usize) -> Option<Request> {
    let elsewhere = matches!(channel, C::Header | C::Query);
    let spelled = if cut == Cut::Escape { escaped(text) } else { quoted(text) };
    let last = if cut == Cut::None || elsewhere { 0 } else { text.len() };
    if at > last || (elsewhere && cut != Cut::None) {
        return None;
    }
    let body = frame(channel, model).to_string();
    // Tool arguments are JSON inside a string, so the text is quoted twice.
    let spelled = if channel == C::ToolArguments { quoted(&spelled) } else { spelled };
    let start = body.find(HOLE).unwrap_or(0);
    let body = body.replace(HOLE, &spelled).into_bytes();
    let place = match cut {
        Cut::None => 0,
        Cut::Write => start + at,
        // One place in each escape, and a different one each time.
        Cut::Escape => start + at * 6 + at % 6,
    };
    let writes = match body.split_at_checked(place) {
        Some((head, tail)) if place > 0 => vec![head.to_vec(), tail.to_vec()],
        _ => vec![body],
    };
    let plain = text.replace(|c: char| !c.is_ascii_graphic(), "-");
    Some(Request {
        path: None,
        header: (channel == C::Header).then(|| plain.clone()),
        query: (channel == C::Query).then(|| plain.replace(['?', '#', '%', '&', '<', '>', '"', '\\'], "-")),
        writes,
    })
}

fn frame(channel: Channel, model: &str) -> Value {
    let user = json!({"role": "user", "content": "hello"});
    let call = |id: &str, arguments: &str| {
        json!({"role": "assistant", "content": null, "tool_calls": [
            {"id": id, "type": "function", "function": {"name": "demo_mail", "arguments": arguments}}]})
    };
    let result = |id: &str, content: &str| json!({"role": "tool", "tool_call_id": id, "content": content});
    let messages = match channel {
        C::User => json!([{"role": "user", "content": HOLE}]),
        C::Part => json!([{"role": "user", "content": [{"type": "text", "text": HOLE}]}]),
        C::SecondPart => {
            json!([{"role": "user", "content": [{"type": "text", "text": "look:"}, {"type": "text", "text": HOLE}]}])
        }
        C::System => json!([{"role": "system", "content": HOLE}, user]),
        C::Developer => json!([{"role": "developer", "content": HOLE}, user]),
        C::Assistant => json!([{"role": "assistant", "content": HOLE}, user]),
        C::AssistantRefusal => json!([{"role": "assistant", "content": null, "refusal": HOLE}, user]),
        C::AssistantReasoning => {
            json!([{"role": "assistant", "content": "so", "reasoning_content": HOLE}, user])
        }
        C::ToolResult => json!([result("call_1", HOLE), user]),
        C::ToolArguments => {
            json!([call("call_1", &format!("{{\"to\":\"{HOLE}\"}}")), result("call_1", "done"), user])
        }
        C::ToolCallId => json!([call(HOLE, "{}"), result("call_1", "done"), user]),
        C::Name => json!([{"role": "user", "name": HOLE, "content": "hello"}]),
        C::UnknownInMessage => json!([{"role": "user", "content": "hello", "extra": HOLE}]),
        C::ObjectKey => json!([{"role": "user", "content": "hello", "extra": {HOLE: 1}}]),
        _ => json!([user]),
    };
    let mut body = json!({"model": model, "messages": messages});
    let (mut name, mut description, mut schema) =
        (json!("demo_mail"), json!("Sends mail."), json!({"type": "object"}));
    match channel {
        C::ToolDescription => description = json!(HOLE),
        C::SchemaDescription => {
            schema = json!({"type": "object", "properties": {"to": {"type": "string", "description": HOLE}}})
        }
        C::SchemaEnum => {
            schema = json!({"type": "object", "properties": {"to": {"type": "string", "enum": [HOLE]}}})
        }
        C::FunctionName => name = json!(HOLE),
        C::ResponseFormat => {
            merge(
                &mut body,
                &json!({"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema":
                {"type": "object", "description": HOLE}}}}),
            );
        }
        C::EndUser => merge(&mut body, &json!({"user": HOLE})),
        C::Metadata => merge(&mut body, &json!({"metadata": {"note": HOLE}})),
        C::MetadataKey => merge(&mut body, &json!({"metadata": {HOLE: "note"}})),
        C::Stop => merge(&mut body, &json!({"stop": [HOLE]})),
        C::Prediction => merge(&mut body, &json!({"prediction": {"type": "content", "content": HOLE}})),
        C::Unknown => merge(&mut body, &json!({"extra": {"deep": [HOLE]}})),
        _ => {}
    }
    if matches!(channel, C::ToolDescription | C::SchemaDescription | C::SchemaEnum | C::FunctionName) {
        merge(
            &mut body,
            &json!({"tools": [{"type": "function",
            "function": {"name": name, "description": description, "parameters": schema}}]}),
        );
    }
    body
}

#[cfg(test)]
mod tests {
    use super::super::find::{Finder, Views};
    use super::super::values::{INNOCENT, Seeded, planted};
    use super::*;

    #[test]
    fn without_a_gateway_everything_leaks() {
        let key = format!("stk_0123456789_{}", "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7cF0hL3nP6rU9xB2eG5kM8w");
        // Header and query lines hold no line break, so a value of several lines shows in part.
        for value in planted(&mut Seeded::new(2), &key).iter().filter(|value| !value.text.contains('\n')) {
            let finder = Finder::new(value).unwrap();
            for channel in CHANNELS {
                for cut in CUTS {
                    for at in 0.. {
                        let Some(request) = build(*channel, *cut, &value.text, "m", at) else { break };
                        let beside = format!("{:?}{:?}", request.header, request.query);
                        let seen = Views::of(&request.writes.concat(), &beside).leaked(&finder);
                        assert_eq!(seen, value.secret.len(), "{channel:?} {cut:?} {at} {}", value.name);
                    }
                }
            }
        }
    }

    #[test]
    fn without_a_gateway_innocent_text_arrives() {
        for channel in CHANNELS {
            let Some(place) = channel.place() else { continue };
            for cut in CUTS {
                for at in 0.. {
                    let Some(request) = build(*channel, *cut, INNOCENT, "m", at) else { break };
                    let views = Views::of(&request.writes.concat(), "");
                    assert_eq!(views.at(place), INNOCENT, "{channel:?} {cut:?} {at}");
                }
            }
        }
    }
}
