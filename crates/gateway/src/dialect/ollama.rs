//! Ollama's own protocol, as tables (<https://github.com/ollama/ollama/blob/main/docs/api.md>).

use stockade_domain::{Channel, Role};

use super::{AnswerTable, Named, Place, RequestTable, SaidBy, Seen};

/// `POST /api/chat`.
pub(crate) struct ChatRequest;

/// `POST /api/generate`.
pub(crate) struct GenerateRequest;

/// `POST /api/embed` and the older `POST /api/embeddings`.
pub(crate) struct EmbedRequest {
    /// The key that holds the texts.
    pub(crate) subject: &'static str,
}

/// An answer to any of them; a line of a stream looks the same.
pub(crate) struct Answer;

// === requests ===

/// What every request may say beside its texts.
fn common(path: &[&str]) -> Named {
    use Channel::{Content, System, ToolDefinition, Unlabelled};
    use Named::{Atom, Text};
    match path {
        ["model" | "think" | "keep_alive"] => Atom,
        // `json`, or a schema.
        ["format"] => Atom,
        ["format", ..] => Text(ToolDefinition),
        ["options", "stop", ..] => Text(Content),
        // A template makes the prompt that the model reads.
        ["template" | "system"] => Text(System),
        _ => Text(Unlabelled),
    }
}

impl RequestTable for ChatRequest {
    fn name(&self, path: &[&str], _: &Seen) -> Named {
        use Channel::{Content, Reasoning, ToolDefinition, ToolName, Unlabelled};
        use Named::{Argument, Atom, Opaque, Text};
        match path {
            ["messages", _, rest @ ..] => match rest {
                ["content"] => Text(Content),
                ["thinking"] => Text(Reasoning),
                ["role" | "tool_call_id"] | ["tool_calls", _, "id" | "type"] => Atom,
                ["images", _] => Opaque("image"),
                ["tool_name" | "name"] | ["tool_calls", _, "function", "name"] => Text(ToolName),
                ["tool_calls", _, "function", "arguments", ..] => Argument,
                _ => Text(Unlabelled),
            },
            ["tools", _, "type"] => Atom,
            ["tools", _, "function", "name"] => Text(ToolName),
            ["tools", ..] => Text(ToolDefinition),
            _ => common(path),
        }
    }

    fn subject(&self) -> &'static str {
        "messages"
    }
}

impl RequestTable for GenerateRequest {
    fn name(&self, path: &[&str], _: &Seen) -> Named {
        match path {
            ["prompt" | "suffix"] => Named::Text(Channel::Content),
            ["images", _] => Named::Opaque("image"),
            // Token ids of an earlier conversation, which nobody here can read.
            ["context", ..] => Named::Opaque("tokens"),
            _ => common(path),
        }
    }

    fn said_by(&self, path: &[&str]) -> SaidBy {
        match path {
            ["prompt" | "suffix"] => SaidBy::Is(Role::User),
            ["system" | "template"] => SaidBy::Is(Role::System),
            _ => SaidBy::Is(Role::None),
        }
    }

    fn subject(&self) -> &'static str {
        "prompt"
    }
}

impl RequestTable for EmbedRequest {
    fn name(&self, path: &[&str], _: &Seen) -> Named {
        match path {
            [key, ..] if *key == self.subject => Named::Text(Channel::Content),
            _ => common(path),
        }
    }

    fn said_by(&self, path: &[&str]) -> SaidBy {
        match path {
            [key, ..] if *key == self.subject => SaidBy::Is(Role::User),
            _ => SaidBy::Is(Role::None),
        }
    }

    fn subject(&self) -> &'static str {
        self.subject
    }
}

/// Keys that Ollama reads. It is written in Go, whose reader passes over the case of letters.
const KEYS: &[&str] = &[
    "arguments",
    "content",
    "context",
    "dimensions",
    "format",
    "function",
    "images",
    "input",
    "keep_alive",
    "messages",
    "model",
    "name",
    "num_predict",
    "options",
    "prompt",
    "raw",
    "role",
    "stop",
    "stream",
    "suffix",
    "system",
    "template",
    "think",
    "thinking",
    "tool_call_id",
    "tool_calls",
    "tool_name",
    "tools",
];

/// Whether Ollama would take a key for a known one although it is spelled otherwise: then it would read what nobody here
/// has read in that place. Keys of schemas and of a tool's arguments are the caller's own.
pub(crate) fn is_mimic(path: &str) -> bool {
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let Some((key, above)) = segments.split_last() else { return false };
    if above.iter().any(|at| matches!(*at, "arguments" | "parameters" | "properties" | "format")) {
        return false;
    }
    // Go folds these two into `s` and `k` (Unicode, CaseFolding.txt).
    let folded: String = key
        .chars()
        .map(|c| match c {
            'ſ' => 's',
            '\u{212a}' => 'k',
            c => c.to_ascii_lowercase(),
        })
        .collect();
    folded != *key && KEYS.contains(&folded.as_str())
}

// === answers ===

impl AnswerTable for Answer {
    fn name(&self, _: &str, path: &[&str], _: &Seen) -> Named {
        use Channel::{Content, Reasoning, ToolName, Unlabelled};
        use Named::{Argument, Atom, Carrier, Opaque, Text, Vector};
        match path {
            ["message", "content"] | ["response"] => Text(Content),
            ["message", "thinking"] | ["thinking"] => Text(Reasoning),
            ["message", "role"] | ["message", "tool_calls", _, "type"] => Atom,
            ["message", "tool_calls", _, "function", "name"] => Text(ToolName),
            ["message", "tool_calls", _, "function", "arguments", ..] => Argument,
            ["message", "images", _] => Opaque("image"),
            ["model" | "remote_model" | "remote_host" | "done_reason"] => Atom,
            ["logprobs", ..] => Carrier,
            ["embedding", ..] | ["embeddings", ..] => Vector,
            ["context", ..] => Opaque("tokens"),
            _ => Text(Unlabelled),
        }
    }

    fn place(&self, _: &str, path: &[&str], _: &Seen) -> Place {
        let place = Place { choice: Some(0), ..Place::default() };
        match path {
            // A line that calls a tool calls it whole.
            ["message", "tool_calls", at, ..] => {
                Place { unit: at.parse().ok(), is_call: true, is_whole: true, ..place }
            }
            ["message" | "response" | "thinking" | "logprobs" | "done_reason" | "context", ..] => place,
            // What may come with every line and say the same.
            _ => Place::default(),
        }
    }
}

/// A time as Ollama writes it (RFC 3339 section 5.6), down to the second. What stands behind it is left out: so many digits
/// could be somebody's.
pub(crate) fn second(time: &str) -> Option<String> {
    let (head, rest) = time.split_at_checked(SECOND)?;
    let shape = head.bytes().map(|b| if b.is_ascii_digit() { b'0' } else { b });
    let is_zone =
        rest.strip_prefix('.').map_or(rest, |rest| rest.trim_start_matches(|c: char| c.is_ascii_digit()));
    let is_time = shape.eq(*b"0000-00-00T00:00:00")
        && (is_zone == "Z"
            || is_zone.bytes().map(|b| if b.is_ascii_digit() { b'0' } else { b }).skip(1).eq(*b"00:00"));
    is_time.then(|| format!("{head}{}", is_zone.get(..is_zone.len().min(6)).unwrap_or("Z")))
}

/// `2026-01-02T03:04:05`.
const SECOND: usize = 19;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_lose_what_is_finer_than_a_second() {
        assert_eq!(second("2026-01-02T03:04:05.123456789Z").as_deref(), Some("2026-01-02T03:04:05Z"));
        assert_eq!(second("2026-01-02T03:04:05.1-07:00").as_deref(), Some("2026-01-02T03:04:05-07:00"));
        for no in [
            "",
            "2026-01-02",
            "2026-01-02T03:04:05",
            "2026-01-02T03:04:05Zebra",
            "2026-01-02T03:04:05.1x07:00x",
        ] {
            assert_eq!(second(no), None, "{no}");
        }
    }

    #[test]
    fn keys_are_known_in_one_spelling() {
        for mimic in [
            "/Messages",
            "/messages/0/Images",
            "/meſſages",
            "/messages/0/tool_calls/0/Function",
            "/thin\u{212a}",
        ] {
            assert!(is_mimic(mimic), "{mimic}");
        }
        for own in ["/messages", "/tools/0/function/parameters/properties/Name", "/format/Content", "/Other"]
        {
            assert!(!is_mimic(own), "{own}");
        }
    }
}
