//! Anthropic messages, as tables (<https://docs.anthropic.com/en/api/messages>, version 2023-06-01).

use stockade_domain::{Channel, Role};

use super::{AnswerTable, Named, Place, RequestTable, SaidBy, Seen, is_call_kind, pointer};

/// `POST /v1/messages` and `/v1/messages/count_tokens`.
pub(crate) struct MessagesRequest;

/// The answer in one piece.
pub(crate) struct MessageAnswer;

/// One event of the answer as a stream.
pub(crate) struct MessageEvent;

// === impl MessagesRequest ===

impl RequestTable for MessagesRequest {
    fn name(&self, path: &[&str], seen: &Seen) -> Named {
        use Channel::{Content, System, ToolDefinition, ToolName, Unlabelled};
        use Named::{Atom, Reference, Text};
        match path {
            ["system"] | ["system", _, "text"] => Text(System),
            // A document in plain text is read; an image or a PDF in base64 cannot be.
            [object @ .., "data"] if seen.kind(&pointer(object)) == "text" => Text(Channel::ToolResult),
            ["system", _, rest @ ..] => block(rest),
            ["messages", _, "role"] => Atom,
            ["messages", _, "content"] => Text(Content),
            ["messages", _, "content", _, rest @ ..] => block(rest),
            ["tools", _, "name"] | ["tool_choice", "name"] => Text(ToolName),
            ["tools", _, "type"] | [.., "cache_control", _] | ["tool_choice", "type"] => Atom,
            ["tools", ..] | ["output_config" | "output_format", ..] => Text(ToolDefinition),
            ["model" | "service_tier" | "speed" | "inference_geo"] | ["thinking", _] => Atom,
            ["stop_sequences", _] => Text(Content),
            // Servers and containers that the provider talks to by itself.
            ["mcp_servers", ..] => Reference("mcp_server"),
            ["container", ..] => Reference("container"),
            _ => Text(Unlabelled),
        }
    }

    fn said_by(&self, path: &[&str]) -> SaidBy {
        match path {
            ["system", ..] => SaidBy::Is(Role::System),
            // What stands inside a block's own content is a tool's result or a document.
            ["messages", _, "content", _, "content" | "source", ..] => SaidBy::Is(Role::Tool),
            ["messages", ..] => SaidBy::Turn,
            _ => SaidBy::Is(Role::None),
        }
    }

    fn subject(&self) -> &'static str {
        "messages"
    }
}

/// A leaf of a content block of a request, below the block.
fn block(path: &[&str]) -> Named {
    use Channel::{Content, Reasoning, ToolName, ToolResult, Unlabelled};
    use Named::{Argument, Atom, Opaque, Reference, Sealed, Text};
    match path {
        ["type" | "id" | "tool_use_id"] => Atom,
        ["cache_control", _] => Atom,
        ["text"] => Text(Content),
        ["thinking"] => Text(Reasoning),
        ["signature" | "encrypted_content"] => Sealed("signature"),
        // Redacted thinking: encrypted by the provider.
        ["data"] => Sealed("redacted_thinking"),
        ["name"] => Text(ToolName),
        ["input", ..] => Argument,
        // A result of a tool, in one text or in blocks of its own; or the blocks of a document.
        ["content"] => Text(ToolResult),
        ["content", _, "text" | "title"] => Text(ToolResult),
        ["content", _, rest @ ..] => match block(rest) {
            Text(Content) => Text(ToolResult),
            named => named,
        },
        ["source", "type" | "media_type"] => Atom,
        ["source", "url"] => Reference("url"),
        ["source", "file_id"] | ["file_id"] => Reference("file_id"),
        ["source", "data"] => Opaque("source"),
        ["source", "content"] | ["source", "content", _, "text"] => Text(ToolResult),
        ["source", "content", _, rest @ ..] => block(rest),
        ["title" | "context"] => Text(ToolResult),
        _ => Text(Unlabelled),
    }
}

// === answers ===

/// A leaf of a content block of an answer, below the block.
fn said(path: &[&str]) -> Named {
    use Channel::{Content, Reasoning, ToolName, ToolResult, Unlabelled};
    use Named::{Argument, Atom, Sealed, Text};
    match path {
        ["type" | "id" | "tool_use_id"] => Atom,
        ["text"] => Text(Content),
        ["thinking"] => Text(Reasoning),
        ["signature"] => Sealed("signature"),
        ["data"] => Sealed("redacted_thinking"),
        ["name"] => Text(ToolName),
        ["input", ..] => Argument,
        [.., "encrypted_content" | "encrypted_index"] => Sealed("encrypted"),
        ["content", ..] => Text(ToolResult),
        _ => Text(Unlabelled),
    }
}

fn message(path: &[&str]) -> Named {
    match path {
        ["id" | "type" | "role" | "model" | "stop_reason"] | ["usage", "service_tier" | "inference_geo"] => {
            Named::Atom
        }
        ["stop_sequence"] => Named::Text(Channel::Content),
        ["container", "id"] => Named::Atom,
        _ => Named::Text(Channel::Unlabelled),
    }
}

impl AnswerTable for MessageAnswer {
    fn name(&self, _: &str, path: &[&str], _: &Seen) -> Named {
        match path {
            ["content", _, rest @ ..] => said(rest),
            _ => message(path),
        }
    }

    fn place(&self, _: &str, path: &[&str], seen: &Seen) -> Place {
        let place = Place { choice: Some(0), ..Place::default() };
        match path {
            ["content", at, ..] if is_call_kind(seen.kind(&format!("/content/{at}"))) => {
                Place { unit: at.parse().ok(), is_call: true, ..place }
            }
            _ => place,
        }
    }
}

impl AnswerTable for MessageEvent {
    fn name(&self, kind: &str, path: &[&str], _: &Seen) -> Named {
        match (kind, path) {
            (_, ["type"] | ["delta", "type"]) => Named::Atom,
            ("message_start", ["message", "content", _, rest @ ..]) => said(rest),
            ("message_start", ["message", rest @ ..]) => message(rest),
            ("content_block_start", ["content_block", rest @ ..]) => said(rest),
            ("content_block_delta", ["delta", "partial_json"]) => Named::Text(Channel::ToolArgs),
            ("content_block_delta", ["delta", rest @ ..]) => said(rest),
            ("message_delta", ["delta", rest @ ..]) => message(rest),
            _ => message(path),
        }
    }

    fn place(&self, kind: &str, path: &[&str], seen: &Seen) -> Place {
        let unit = seen.indices.get("").copied();
        let place = |lane: &str, is_call| Place {
            choice: Some(0),
            unit,
            is_call,
            lane: (!lane.is_empty()).then(|| lane.to_owned()),
            is_whole: false,
            begins_part: kind == "content_block_start",
        };
        match (kind, path) {
            // The words of an event, which differ from kind to kind.
            (_, ["type"] | ["delta", "type"]) => place("", false),
            // A text begins where a block's start says, goes on in its deltas, and in the next block of text: an answer
            // with citations is cut in the middle of sentences.
            ("content_block_start", ["content_block", "text"]) | (_, ["delta", "text"]) => {
                Place { unit: None, ..place("/content/*/text", false) }
            }
            ("content_block_start", ["content_block", "thinking"]) | (_, ["delta", "thinking"]) => {
                place("/content/*/thinking", false)
            }
            ("content_block_delta", ["delta", "partial_json"]) => place("/content/*/input", true),
            ("content_block_start", ["content_block", ..]) => {
                place("", is_call_kind(seen.kind("/content_block")))
            }
            ("content_block_delta", ["delta", ..]) => place("", false),
            // What no table knows, beside the delta: it may come with every event and say the same.
            ("content_block_delta" | "content_block_stop", _) => Place::default(),
            // It may come more than once.
            ("message_delta", _) => Place { choice: Some(0), ..Place::default() },
            _ => Place { choice: Some(0), is_whole: true, ..Place::default() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_known_by_its_index_and_text_goes_on_from_block_to_block() {
        let mut seen = Seen::default();
        seen.indices.insert(String::new(), 3);
        let start = MessageEvent.place("content_block_start", &["content_block", "text"], &seen);
        let delta = MessageEvent.place("content_block_delta", &["delta", "text"], &seen);
        assert!(start.begins_part && !delta.begins_part);
        assert_eq!(start.lane, delta.lane);
        assert_eq!((start.unit, start.is_call), (None, false));
        let json = MessageEvent.place("content_block_delta", &["delta", "partial_json"], &seen);
        assert_eq!((json.unit, json.is_call), (Some(3), true));
    }

    #[test]
    fn results_of_tools_are_results_whoever_says_them() {
        let name = |path: &[&str]| MessagesRequest.name(path, &Seen::default());
        let result = ["messages", "1", "content", "0", "content", "0", "text"];
        assert_eq!(name(&result), Named::Text(Channel::ToolResult));
        assert_eq!(MessagesRequest.said_by(&result), SaidBy::Is(Role::Tool));
        assert_eq!(name(&["messages", "1", "content", "0", "input", "to"]), Named::Argument);
        assert_eq!(name(&["system"]), Named::Text(Channel::System));
        assert!(matches!(name(&["messages", "0", "content", "0", "signature"]), Named::Sealed(_)));
    }
}
