//! OpenAI chat completions, as tables (<https://platform.openai.com/docs/api-reference/chat>).

use stockade_domain::Channel;

use super::{AnswerTable, Named, Place, RequestTable, Seen};

/// `POST /v1/chat/completions`.
pub(crate) struct ChatRequest;

/// Its answer in one piece.
pub(crate) struct ChatResponse;

/// One event of its answer as a stream.
pub(crate) struct ChatChunk;

// === impl ChatRequest ===

impl RequestTable for ChatRequest {
    fn subject(&self) -> &'static str {
        "messages"
    }

    fn name(&self, path: &[&str], _: &Seen) -> Named {
        use Channel::{Content, Reasoning, Refusal, ToolArgs, ToolDefinition, ToolName, Unlabelled};
        use Named::{Atom, Opaque, Reference, Text};
        match path {
            ["messages", _, rest @ ..] => match rest {
                ["content"] | ["content", _, "text"] => Text(Content),
                ["content", _, "refusal"] | ["refusal"] => Text(Refusal),
                ["reasoning_content" | "reasoning"] => Text(Reasoning),
                ["role" | "tool_call_id"] | ["content", _, "type"] => Atom,
                ["content", _, "image_url", "url"] => Reference("image_url"),
                ["content", _, "image_url", "detail"] | ["content", _, "input_audio", "format"] => Atom,
                ["content", _, "input_audio", "data"] => Opaque("input_audio"),
                ["content", _, "file", "file_data"] => Opaque("file_data"),
                ["content", _, "file", "file_id"] => Reference("file_id"),
                ["audio", "id"] => Reference("audio"),
                ["tool_calls", _, "id" | "type"] => Atom,
                ["tool_calls", _, "function" | "custom", "name"] | ["function_call", "name"] => {
                    Text(ToolName)
                }
                ["tool_calls", _, "function", "arguments"]
                | ["tool_calls", _, "custom", "input"]
                | ["function_call", "arguments"] => Text(ToolArgs),
                _ => Text(Unlabelled),
            },
            ["tools", _, "type"] => Atom,
            ["tools", _, "function" | "custom", "name"] | ["functions", _, "name"] => Text(ToolName),
            ["tools" | "functions" | "response_format", ..] => Text(ToolDefinition),
            ["tool_choice", "function", "name"] => Text(ToolName),
            ["tool_choice" | "function_call", ..] => Atom,
            ["model" | "service_tier" | "reasoning_effort" | "verbosity"]
            | ["modalities", _]
            | ["audio", _] => Atom,
            ["prediction", "type"] | ["prediction", "content", _, "type"] => Atom,
            ["prediction", ..] | ["stop", ..] => Text(Content),
            ["web_search_options", ..] => Reference("web_search"),
            _ => Text(Unlabelled),
        }
    }
}

// === impl ChatResponse ===

/// What `message` and `delta` have in common.
fn answer(path: &[&str]) -> Named {
    use Channel::{Content, Reasoning, Refusal, ToolArgs, ToolName, Unlabelled};
    use Named::{Atom, Opaque, Text};
    match path {
        ["content"] => Text(Content),
        ["reasoning_content" | "reasoning"] => Text(Reasoning),
        ["refusal"] => Text(Refusal),
        ["role"] | ["tool_calls", _, "id" | "type"] => Atom,
        ["tool_calls", _, "function" | "custom", "name"] | ["function_call", "name"] => Text(ToolName),
        ["tool_calls", _, "function", "arguments"]
        | ["tool_calls", _, "custom", "input"]
        | ["function_call", "arguments"] => Text(ToolArgs),
        ["annotations", _, "type"] => Atom,
        ["audio", "id"] => Atom,
        ["audio", "data"] => Opaque("audio"),
        ["audio", "transcript"] => Text(Content),
        _ => Text(Unlabelled),
    }
}

pub(super) fn envelope(path: &[&str]) -> Named {
    match path {
        ["id" | "object" | "model" | "system_fingerprint" | "service_tier"] => Named::Atom,
        ["choices", _, "finish_reason" | "native_finish_reason"] => Named::Atom,
        ["choices", _, "logprobs", ..] => Named::Carrier,
        _ => Named::Text(Channel::Unlabelled),
    }
}

/// The choice and tool call that a path belongs to. A choice or call is known by its `index`, not by its position.
pub(super) fn owner(path: &[&str], seen: &Seen) -> Place {
    let ["choices", position, rest @ ..] = path else { return Place::default() };
    let choice = seen.index(&format!("/choices/{position}"), position);
    let unit = match rest {
        [message @ ("delta" | "message"), "tool_calls", at, ..] => {
            Some(seen.index(&format!("/choices/{position}/{message}/tool_calls/{at}"), at))
        }
        [_, "function_call", ..] => Some(u64::MAX),
        _ => None,
    };
    Place { choice: Some(choice), unit, is_call: unit.is_some(), ..Place::default() }
}

impl AnswerTable for ChatResponse {
    fn name(&self, _: &str, path: &[&str], _: &Seen) -> Named {
        match path {
            ["choices", _, "message", rest @ ..] => answer(rest),
            _ => envelope(path),
        }
    }

    fn place(&self, _: &str, path: &[&str], seen: &Seen) -> Place {
        owner(path, seen)
    }
}

// === impl ChatChunk ===

impl AnswerTable for ChatChunk {
    fn name(&self, _: &str, path: &[&str], _: &Seen) -> Named {
        match path {
            ["choices", _, "delta", rest @ ..] => answer(rest),
            // Random padding; held like text it would hold the stream.
            ["obfuscation"] => Named::Opaque("padding"),
            _ => envelope(path),
        }
    }

    fn place(&self, _: &str, path: &[&str], seen: &Seen) -> Place {
        owner(path, seen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_table_names_is_unlabelled_text() {
        let path = ["choices", "0", "delta", "thoughts"];
        assert_eq!(ChatChunk.name("", &path, &Seen::default()), Named::Text(Channel::Unlabelled));
        assert_eq!(
            ChatRequest.name(&["messages", "0", "new"], &Seen::default()),
            Named::Text(Channel::Unlabelled)
        );
    }
}
