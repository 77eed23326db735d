//! OpenAI chat completions, as tables (<https://platform.openai.com/docs/api-reference/chat>).

use stockade_domain::Channel;

use super::{Named, Table};

/// `POST /v1/chat/completions`.
pub(crate) struct ChatRequest;

/// Its answer in one piece.
pub(crate) struct ChatResponse;

/// One event of its answer as a stream.
pub(crate) struct ChatChunk;

/// Keys that the tables know. Any other key is a text of its own: a caller can write into it.
pub(crate) const KNOWN_KEYS: &[&str] = &[
    "accepted_prediction_tokens",
    "allowed_tools",
    "annotations",
    "arguments",
    "array",
    "audio",
    "audio_tokens",
    "bytes",
    "cached_tokens",
    "choices",
    "code",
    "completion_tokens",
    "completion_tokens_details",
    "content",
    "created",
    "custom",
    "data",
    "delta",
    "description",
    "detail",
    "effort",
    "end_index",
    "enum",
    "error",
    "file",
    "file_data",
    "file_id",
    "filename",
    "finish_reason",
    "format",
    "frequency_penalty",
    "function",
    "function_call",
    "functions",
    "id",
    "image_url",
    "include_obfuscation",
    "include_usage",
    "index",
    "input",
    "input_audio",
    "items",
    "json_schema",
    "logit_bias",
    "logprob",
    "logprobs",
    "max_completion_tokens",
    "max_tokens",
    "message",
    "messages",
    "metadata",
    "modalities",
    "mode",
    "model",
    "n",
    "name",
    "native_finish_reason",
    "obfuscation",
    "object",
    "parallel_tool_calls",
    "param",
    "parameters",
    "prediction",
    "presence_penalty",
    "prompt_cache_key",
    "prompt_tokens",
    "prompt_tokens_details",
    "properties",
    "provider",
    "reasoning",
    "reasoning_content",
    "reasoning_effort",
    "reasoning_tokens",
    "refusal",
    "rejected_prediction_tokens",
    "required",
    "response_format",
    "role",
    "safety_identifier",
    "schema",
    "seed",
    "service_tier",
    "start_index",
    "stop",
    "store",
    "stream",
    "stream_options",
    "strict",
    "system_fingerprint",
    "temperature",
    "text",
    "title",
    "token",
    "tool_call_id",
    "tool_calls",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "total_tokens",
    "transcript",
    "type",
    "url",
    "url_citation",
    "usage",
    "user",
    "verbosity",
    "voice",
    "web_search_options",
];

// === impl ChatRequest ===

impl Table for ChatRequest {
    fn name(&self, path: &[&str]) -> Named {
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

fn envelope(path: &[&str]) -> Named {
    match path {
        ["id" | "object" | "model" | "system_fingerprint" | "service_tier"] => Named::Atom,
        ["choices", _, "finish_reason" | "native_finish_reason"] => Named::Atom,
        ["choices", _, "logprobs", ..] => Named::Carrier,
        _ => Named::Text(Channel::Unlabelled),
    }
}

impl Table for ChatResponse {
    fn name(&self, path: &[&str]) -> Named {
        match path {
            ["choices", _, "message", rest @ ..] => answer(rest),
            _ => envelope(path),
        }
    }
}

// === impl ChatChunk ===

impl Table for ChatChunk {
    fn name(&self, path: &[&str]) -> Named {
        match path {
            ["choices", _, "delta", rest @ ..] => answer(rest),
            // Random padding; held like text it would hold the stream.
            ["obfuscation"] => Named::Opaque("padding"),
            _ => envelope(path),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_keys_are_sorted_for_the_search_and_unique() {
        assert!(KNOWN_KEYS.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn what_no_table_names_is_unlabelled_text() {
        let path = ["choices", "0", "delta", "thoughts"];
        assert_eq!(ChatChunk.name(&path), Named::Text(Channel::Unlabelled));
        assert_eq!(ChatRequest.name(&["messages", "0", "new"]), Named::Text(Channel::Unlabelled));
    }
}
