//! The channels of Ollama's protocol: native, and by an upstream that speaks chat completions.

use super::{AnswerChannel, Events, RequestChannel, Talk};

const PIECE: &str = r#"{"model":"leak","created_at":"2026-01-02T03:04:05.1Z","message":{"role":"assistant","content":"@hole@"},"done":false}"#;
const SO: &str = r#"{"model":"leak","created_at":"2026-01-02T03:04:05.1Z","message":{"role":"assistant","content":"so"},"done":false}"#;
const END: &str = r#"{"model":"leak","created_at":"2026-01-02T03:04:06Z","message":{"role":"assistant","content":""},"done":true,"done_reason":"stop","total_duration":4935886791,"prompt_eval_count":2,"eval_count":3}"#;
const GENERATED: &str =
    r#"{"model":"leak","created_at":"2026-01-02T03:04:06Z","response":"","done":true,"done_reason":"stop"}"#;
const CHAT_END: &str = r#"{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"leak","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;
const CHAT_CALLED: &str = r#"{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"leak","choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}"#;

const fn pieces(
    piece: &'static [&'static str],
    after: &'static [&'static str],
    place: &'static str,
) -> Option<Events> {
    let place = if place.is_empty() { None } else { Some(place) };
    Some(Events { before: &[], piece, after, is_joined: true, place })
}

const fn single(
    piece: &'static [&'static str],
    after: &'static [&'static str],
    place: Option<&'static str>,
) -> Option<Events> {
    Some(Events { before: &[], piece, after, is_joined: false, place })
}

const fn answer(
    talk: Talk,
    name: &'static str,
    stream: Option<Events>,
    whole: Option<&'static str>,
) -> AnswerChannel {
    AnswerChannel { talk, name, stream, whole, is_inner: false }
}

const fn request(
    talk: Talk,
    name: &'static str,
    body: &'static str,
    place: Option<&'static str>,
) -> RequestChannel {
    RequestChannel { talk, name, body, place, is_inner: false }
}

/// Where an upstream puts the text.
pub(super) const ANSWERS: &[AnswerChannel] = &[
    answer(
        Talk::Ollama,
        "content",
        pieces(&[PIECE], &[END], "message.content"),
        Some(
            r#"{"model":"leak","created_at":"2026-01-02T03:04:06Z","message":{"role":"assistant","content":"@hole@"},"done":true}"#,
        ),
    ),
    answer(
        Talk::Ollama,
        "thinking",
        pieces(
            &[
                r#"{"model":"leak","message":{"role":"assistant","content":"","thinking":"@hole@"},"done":false}"#,
            ],
            &[SO, END],
            "message.thinking",
        ),
        Some(
            r#"{"model":"leak","message":{"role":"assistant","content":"so","thinking":"@hole@"},"done":true}"#,
        ),
    ),
    answer(
        Talk::Ollama,
        "tool arguments",
        single(
            &[
                r#"{"model":"leak","message":{"role":"assistant","content":"","tool_calls":[{"function":{"name":"demo_mail","arguments":{"to":"@hole@"}}}]},"done":false}"#,
            ],
            &[END],
            Some("message.tool_calls.0.function.arguments.to"),
        ),
        Some(
            r#"{"model":"leak","message":{"role":"assistant","content":"","tool_calls":[{"function":{"name":"demo_mail","arguments":{"to":"@hole@"}}}]},"done":true}"#,
        ),
    ),
    answer(
        Talk::Ollama,
        "tool name, id and keys of arguments",
        single(
            &[
                r#"{"model":"leak","message":{"role":"assistant","content":"","tool_calls":[{"id":"@hole@","function":{"name":"@hole@","arguments":{"@hole@":1}}}]},"done":false}"#,
            ],
            &[END],
            None,
        ),
        Some(
            r#"{"model":"leak","message":{"role":"assistant","content":"","tool_calls":[{"id":"@hole@","function":{"name":"@hole@","arguments":{"@hole@":1}}}]},"done":true}"#,
        ),
    ),
    answer(
        Talk::Ollama,
        "unknown fields, keys and images",
        single(
            &[
                r#"{"model":"leak","message":{"role":"assistant","content":"so","new":"@hole@","images":["@hole@"]},"extra":{"@hole@":["@hole@"]},"done":false}"#,
            ],
            &[END],
            None,
        ),
        Some(
            r#"{"model":"leak","message":{"role":"assistant","content":"so","new":"@hole@","images":["@hole@"]},"extra":{"@hole@":["@hole@"]},"done":true}"#,
        ),
    ),
    answer(
        Talk::Ollama,
        "unknown field that goes on",
        pieces(
            &[r#"{"model":"leak","message":{"role":"assistant","content":"","new":"@hole@"},"done":false}"#],
            &[SO, END],
            "message.new",
        ),
        None,
    ),
    answer(
        Talk::Ollama,
        "log probabilities",
        pieces(
            &[
                r#"{"model":"leak","message":{"role":"assistant","content":"x"},"logprobs":[{"token":"@hole@","logprob":-0.5,"top_logprobs":[{"token":"@hole@","logprob":-0.5}]}],"done":false}"#,
            ],
            &[END],
            // They are dropped where the text is edited.
            "",
        ),
        None,
    ),
    answer(
        Talk::Ollama,
        "model, time, reason and role",
        single(
            &[
                r#"{"model":"@hole@","created_at":"@hole@","remote_host":"@hole@","message":{"role":"@hole@","content":"so"},"done":false}"#,
            ],
            &[
                r#"{"model":"leak","message":{"role":"assistant","content":""},"done":true,"done_reason":"@hole@"}"#,
            ],
            None,
        ),
        Some(
            r#"{"model":"@hole@","created_at":"@hole@","message":{"role":"@hole@","content":"so"},"done":true,"done_reason":"@hole@"}"#,
        ),
    ),
    answer(
        Talk::Ollama,
        "error line and what comes after the last",
        single(&[SO, r#"{"error":"@hole@"}"#], &[END, PIECE], None),
        Some(r#"{"error":"@hole@"}"#),
    ),
    answer(
        Talk::OllamaGenerate,
        "response",
        pieces(
            &[r#"{"model":"leak","created_at":"2026-01-02T03:04:05Z","response":"@hole@","done":false}"#],
            &[GENERATED],
            "response",
        ),
        Some(r#"{"model":"leak","response":"@hole@","done":true}"#),
    ),
    answer(
        Talk::OllamaGenerate,
        "thinking",
        pieces(
            &[r#"{"model":"leak","response":"","thinking":"@hole@","done":false}"#],
            &[GENERATED],
            "thinking",
        ),
        Some(r#"{"model":"leak","response":"so","thinking":"@hole@","context":["@hole@"],"done":true}"#),
    ),
    answer(
        Talk::OllamaEmbed,
        "vectors and fields",
        None,
        Some(r#"{"model":"@hole@","embeddings":[["@hole@"],[0.1]],"extra":"@hole@"}"#),
    ),
    answer(
        Talk::OllamaOverChat,
        "content",
        pieces(
            &[
                r#"{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"leak","choices":[{"index":0,"delta":{"content":"@hole@"},"finish_reason":null}]}"#,
            ],
            &[CHAT_END],
            "message.content",
        ),
        Some(
            r#"{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"leak","choices":[{"index":0,"message":{"role":"assistant","content":"@hole@"},"finish_reason":"stop"}]}"#,
        ),
    ),
    answer(
        Talk::OllamaOverChat,
        "reasoning_content",
        pieces(
            &[
                r#"{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"leak","choices":[{"index":0,"delta":{"reasoning_content":"@hole@"},"finish_reason":null}]}"#,
            ],
            &[CHAT_END],
            "message.thinking",
        ),
        None,
    ),
    AnswerChannel {
        is_inner: true,
        ..answer(
            Talk::OllamaOverChat,
            "tool arguments",
            Some(Events {
                before: &[
                    r#"{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"leak","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"demo_mail","arguments":""}}]},"finish_reason":null}]}"#,
                ],
                piece: &[
                    r#"{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"leak","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"@hole@"}}]},"finish_reason":null}]}"#,
                ],
                after: &[CHAT_CALLED],
                is_joined: true,
                place: Some("message.tool_calls.0.function.arguments.to"),
            }),
            None,
        )
    },
];

/// Where a client puts the text.
pub(super) const REQUESTS: &[RequestChannel] = &[
    request(
        Talk::Ollama,
        "user",
        r#"{"model":"@model@","messages":[{"role":"user","content":"@hole@"}]}"#,
        Some("messages.0.content"),
    ),
    request(
        Talk::Ollama,
        "system, thinking, calls and results",
        r#"{"model":"@model@","messages":[{"role":"system","content":"@hole@"},{"role":"assistant","content":"@hole@","thinking":"@hole@","tool_calls":[{"function":{"name":"demo_mail","arguments":{"to":"@hole@","@hole@":1}}}]},{"role":"tool","tool_name":"demo_mail","content":"@hole@"}]}"#,
        None,
    ),
    request(
        Talk::Ollama,
        "tools, format, options and unknown fields",
        r#"{"model":"@model@","messages":[{"role":"user","content":"hi","new":"@hole@"}],"tools":[{"type":"function","function":{"name":"demo_mail","description":"@hole@","parameters":{"type":"object","description":"@hole@"}}}],"format":{"type":"object","description":"@hole@"},"options":{"stop":["@hole@"],"@hole@":1},"keep_alive":"@hole@","extra":["@hole@"]}"#,
        None,
    ),
    request(Talk::OllamaGenerate, "prompt", r#"{"model":"@model@","prompt":"@hole@"}"#, Some("prompt")),
    request(
        Talk::OllamaGenerate,
        "system, template and suffix",
        r#"{"model":"@model@","prompt":"hi","system":"@hole@","template":"@hole@","suffix":"@hole@"}"#,
        None,
    ),
    request(Talk::OllamaEmbed, "inputs", r#"{"model":"@model@","input":["hi","@hole@"]}"#, Some("input.1")),
    request(
        Talk::OllamaOverChat,
        "user and system",
        r#"{"model":"@model@","messages":[{"role":"system","content":"@hole@"},{"role":"user","content":"@hole@"}]}"#,
        Some("messages.1.content"),
    ),
];
