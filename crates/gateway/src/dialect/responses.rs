//! OpenAI responses, as tables (<https://platform.openai.com/docs/api-reference/responses>).
//!
//! A stream says each text several times: in pieces, then whole when it is done, then again in its part, its item and the
//! closing response. The texts of all items are shown in a row, so each of these ways of saying them is one text.

use stockade_domain::{Channel, Role};

use super::{AnswerTable, Named, Place, RequestTable, SaidBy, Seen, is_call_kind};

/// `POST /v1/responses`.
pub(crate) struct ResponsesRequest;

/// The answer in one piece.
pub(crate) struct Response;

/// One event of the answer as a stream.
pub(crate) struct ResponseEvent;

// === impl ResponsesRequest ===

impl RequestTable for ResponsesRequest {
    fn name(&self, path: &[&str], seen: &Seen) -> Named {
        use Channel::{Content, System, ToolDefinition, ToolName, Unlabelled};
        use Named::{Atom, Reference, Text};
        match path {
            ["instructions"] => Text(System),
            ["input"] => Text(Content),
            ["input", at, rest @ ..] => item(rest, seen.kind(&format!("/input/{at}"))),
            ["tools", _, "type"] => Atom,
            ["tools", _, "name"] => Text(ToolName),
            ["tools", ..] | ["text", "format", ..] => Text(ToolDefinition),
            ["tool_choice", "name"] => Text(ToolName),
            ["tool_choice", ..] | ["text", "verbosity"] | ["reasoning", _] | ["include", _] => Atom,
            ["model" | "service_tier" | "truncation"] => Atom,
            // Kept by the provider, or made from what it keeps.
            ["previous_response_id"] => Reference("previous_response_id"),
            ["conversation", ..] => Reference("conversation"),
            ["prompt", "variables", ..] => Text(Content),
            ["prompt", ..] => Reference("prompt"),
            _ => Text(Unlabelled),
        }
    }

    fn said_by(&self, path: &[&str]) -> SaidBy {
        match path {
            ["instructions"] => SaidBy::Is(Role::System),
            ["input"] | ["prompt", ..] => SaidBy::Is(Role::User),
            ["input", _, "output", ..] => SaidBy::Is(Role::Tool),
            ["input", _, "arguments" | "summary" | "action" | "input" | "code", ..] => {
                SaidBy::Is(Role::Assistant)
            }
            ["input", ..] => SaidBy::Turn,
            _ => SaidBy::Is(Role::None),
        }
    }

    fn subject(&self) -> &'static str {
        "input"
    }
}

/// A leaf of an input item, below the item.
fn item(path: &[&str], kind: &str) -> Named {
    use Channel::{Content, Reasoning, Refusal, ToolArgs, ToolName, ToolResult, Unlabelled};
    use Named::{Argument, Atom, Opaque, Reference, Sealed, Text};
    match path {
        // An item by its id alone: the provider has it. Its type may be left out.
        ["id"] if matches!(kind, "" | "item_reference" | "image_generation_call") => {
            Reference("item_reference")
        }
        ["type" | "role" | "id" | "call_id" | "status" | "phase"] => Atom,
        ["content" | "output", _, "type" | "detail" | "format"] | ["summary", _, "type"] => Atom,
        ["encrypted_content"] => Sealed("reasoning"),
        ["summary" | "content", _, "text"] if kind == "reasoning" => Text(Reasoning),
        ["content"] | ["content", _, "text"] => Text(Content),
        ["content", _, "refusal"] => Text(Refusal),
        ["content" | "output", _, "image_url"] | ["output", "image_url"] => Reference("image_url"),
        ["content" | "output", _, "file_id"] | ["output", "file_id"] => Reference("file_id"),
        ["content" | "output", _, "file_url"] => Reference("file_url"),
        ["content" | "output", _, "file_data"] => Opaque("file_data"),
        ["content", _, "input_audio", "data"] => Opaque("input_audio"),
        ["content", _, "input_audio", "format"] => Atom,
        ["name"] => Text(ToolName),
        ["arguments" | "input" | "code"] => Text(ToolArgs),
        ["action", ..] => Argument,
        ["output", ..] | ["outputs" | "results", ..] => Text(ToolResult),
        _ => Text(Unlabelled),
    }
}

// === answers ===

/// A leaf of an output item, below the item.
fn output(path: &[&str]) -> Named {
    use Channel::{Content, Reasoning, Refusal, ToolArgs, ToolName, ToolResult, Unlabelled};
    use Named::{Argument, Atom, Opaque, Sealed, Text};
    match path {
        ["type" | "role" | "id" | "call_id" | "status" | "phase" | "container_id"] => Atom,
        ["content", _, "type"] | ["summary", _, "type"] => Atom,
        ["content", _, "logprobs", ..] => Named::Carrier,
        ["content", _, "text"] => Text(Content),
        ["content", _, "refusal"] => Text(Refusal),
        ["summary", _, "text"] => Text(Reasoning),
        ["encrypted_content"] => Sealed("reasoning"),
        ["name"] => Text(ToolName),
        ["arguments" | "input" | "code"] => Text(ToolArgs),
        ["action", ..] => Argument,
        ["result"] => Opaque("image"),
        ["output", ..] | ["outputs" | "results", ..] => Text(ToolResult),
        _ => Text(Unlabelled),
    }
}

/// A leaf of the response object.
fn response(path: &[&str]) -> Named {
    match path {
        ["output", _, rest @ ..] => output(rest),
        // The system prompt, as the upstream saw it: whoever asked knows it, and its answer must not give it away.
        ["instructions", ..] => Named::Echo,
        ["id" | "object" | "model" | "status" | "service_tier" | "truncation" | "previous_response_id"] => {
            Named::Atom
        }
        ["tool_choice"] | ["reasoning", _] | ["text", "verbosity"] | ["text", "format", "type"] => {
            Named::Atom
        }
        ["incomplete_details", "reason"] | ["tools", _, "type"] => Named::Atom,
        _ => Named::Text(Channel::Unlabelled),
    }
}

fn place_in_response(path: &[&str], prefix: &str, seen: &Seen) -> Place {
    let place = Place { choice: Some(0), is_whole: !prefix.is_empty(), ..Place::default() };
    let ["output", at, ..] = path else { return place };
    if is_call_kind(seen.kind(&format!("{prefix}/output/{at}"))) {
        Place { unit: at.parse().ok(), is_call: true, ..place }
    } else {
        place
    }
}

impl AnswerTable for Response {
    fn name(&self, _: &str, path: &[&str], _: &Seen) -> Named {
        response(path)
    }

    fn place(&self, _: &str, path: &[&str], seen: &Seen) -> Place {
        place_in_response(path, "", seen)
    }
}

impl AnswerTable for ResponseEvent {
    fn name(&self, kind: &str, path: &[&str], _: &Seen) -> Named {
        use Channel::{Content, Reasoning, Refusal, ToolArgs};
        use Named::{Atom, Text};
        match path {
            ["type" | "item_id"] => Atom,
            ["obfuscation"] => Named::Opaque("padding"),
            ["logprobs", ..] => Named::Carrier,
            ["response", rest @ ..] => response(rest),
            ["item", rest @ ..] => output(rest),
            ["part", "type"] => Atom,
            ["part", "logprobs", ..] => Named::Carrier,
            ["part", "text"] if kind.contains("reasoning") => Text(Reasoning),
            ["part", "text"] => Text(Content),
            ["part", "refusal"] => Text(Refusal),
            ["partial_image_b64"] => Named::Opaque("image"),
            ["name"] => Text(Channel::ToolName),
            ["delta" | "text" | "refusal" | "arguments" | "input" | "code"] => Text(match kind {
                _ if kind.contains("reasoning") => Reasoning,
                _ if kind.contains("refusal") => Refusal,
                _ if kind.contains("arguments") || kind.contains("call") => ToolArgs,
                _ => Content,
            }),
            _ => Text(Channel::Unlabelled),
        }
    }

    fn place(&self, kind: &str, path: &[&str], seen: &Seen) -> Place {
        if let ["response", rest @ ..] = path {
            return place_in_response(rest, "/response", seen);
        }
        let unit = seen.indices.get("/output_index").copied();
        let place = Place { choice: Some(0), unit, is_whole: true, ..Place::default() };
        // What a client shows is the texts of all items in a row: each way of saying them is one text.
        let begins_part = !kind.ends_with(".delta");
        let shown = |lane: String| Place {
            unit: None,
            is_whole: false,
            lane: Some(lane),
            begins_part,
            ..place.clone()
        };
        let is_reasoning = kind.contains("reasoning") || seen.kind("/item") == "reasoning";
        let is_reasoning = is_reasoning || seen.kind("/part").contains("reasoning");
        let begins = kind.ends_with(".added");
        match path {
            ["item", "content", _, what @ ("text" | "refusal")] | ["part", what @ ("text" | "refusal")]
                if !is_reasoning =>
            {
                let is_part = matches!(path, ["part", ..]);
                shown(match (begins, is_part) {
                    (true, _) => format!("{CONTENT}/{what}"),
                    (false, true) => format!("/part/{what}"),
                    (false, false) => format!("/item/content/*/{what}"),
                })
            }
            // What a part of reasoning begins with goes on in its deltas.
            ["part", "text"] if begins => {
                let lane = kind.replace("_part.added", "_text").replace("content_text", "reasoning_text");
                let lane = format!("/{lane}");
                Place { is_whole: false, lane: Some(lane), ..place }
            }
            ["item", ..] => {
                let is_call = is_call_kind(seen.kind("/item"));
                let goes_on = begins && is_call;
                Place { is_call, is_whole: !goes_on, lane: goes_on.then(|| begun(path)), ..place }
            }
            ["delta"] if kind == "response.output_text.delta" => shown(format!("{CONTENT}/text")),
            ["delta"] if kind == "response.refusal.delta" => shown(format!("{CONTENT}/refusal")),
            ["text"] if kind == "response.output_text.done" => shown("/text".to_owned()),
            ["refusal"] if kind == "response.refusal.done" => shown("/refusal".to_owned()),
            ["logprobs", ..] => shown(format!("/{kind}{}", super::starred(path))),
            ["delta"] => {
                let of = kind.strip_suffix(".delta").unwrap_or(kind);
                let is_call = of.contains("arguments") || of.contains("call");
                let lane = if is_call { ARGUMENTS.to_owned() } else { format!("/{of}") };
                Place { is_call, is_whole: false, lane: Some(lane), ..place }
            }
            // A call's arguments once more, at times with its name.
            ["arguments" | "name" | "input" | "code"] => Place { is_call: kind.contains("call"), ..place },
            ["annotation", ..] => Place { is_whole: false, ..place },
            ["type" | "item_id"] => place,
            // What no table knows, beside a delta: it may come with every event and say the same.
            _ if kind.ends_with(".delta") => Place::default(),
            _ => place,
        }
    }
}

/// Where the pieces of what is shown, and of a call's arguments, stand in the response.
const CONTENT: &str = "/output/*/content/*";
const ARGUMENTS: &str = "/output/*/arguments";

/// The lane of a leaf of an item that begins: a call's arguments go on in their deltas.
fn begun(path: &[&str]) -> String {
    match path {
        ["item", "arguments" | "input" | "code"] => ARGUMENTS.to_owned(),
        path => super::pointer(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_a_text_share_a_lane_and_so_do_its_repetitions() {
        let mut seen = Seen::default();
        seen.indices.insert("/output_index".to_owned(), 1);
        let delta = ResponseEvent.place("response.output_text.delta", &["delta"], &seen);
        assert_eq!((delta.unit, delta.is_whole, delta.is_call), (None, false, false));
        assert_eq!(delta.lane.as_deref(), Some("/output/*/content/*/text"));
        let again = ResponseEvent.place("response.output_text.done", &["text"], &seen);
        assert_eq!((again.unit, again.lane.as_deref()), (None, Some("/text")));
        let call = ResponseEvent.place("response.function_call_arguments.delta", &["delta"], &seen);
        assert!(call.is_call);
    }

    #[test]
    fn what_the_provider_keeps_is_a_reference() {
        let seen = Seen::default();
        assert!(matches!(ResponsesRequest.name(&["input", "0", "id"], &seen), Named::Reference(_)));
        assert!(matches!(ResponsesRequest.name(&["previous_response_id"], &seen), Named::Reference(_)));
        assert_eq!(ResponsesRequest.name(&["instructions"], &seen), Named::Text(Channel::System));
    }
}
