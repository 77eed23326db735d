//! The channels, as the wire has them.

use super::{AnswerChannel, Events, RequestChannel, Talk};

const START: &str = r#"{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"leak","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":1}}}"#;
const STOP_0: &str = r#"{"type":"content_block_stop","index":0}"#;
const END: &str = r#"{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":2}}"#;
const STOP: &str = r#"{"type":"message_stop"}"#;
const TEXT_0: &str = r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#;
const SO: &str = r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"so"}}"#;
const CALL_0: &str = r#"{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"toolu_1","name":"demo_mail","input":{}}}"#;
const TEXT_PIECE: &str =
    r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"@hole@"}}"#;
const CALL_PIECE: &str =
    r#"{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"@hole@"}}"#;

const CREATED: &str = r#"{"type":"response.created","sequence_number":0,"response":{"id":"resp_1","object":"response","created_at":1,"status":"in_progress","model":"leak","output":[]}}"#;
const ITEM: &str = r#"{"type":"response.output_item.added","output_index":0,"sequence_number":1,"item":{"id":"msg_1","type":"message","status":"in_progress","role":"assistant","content":[]}}"#;
const TEXT_DONE: &[&str] = &[
    r#"{"type":"response.output_text.done","item_id":"msg_1","output_index":0,"content_index":0,"sequence_number":3,"text":"@whole@"}"#,
    r#"{"type":"response.content_part.done","item_id":"msg_1","output_index":0,"content_index":0,"sequence_number":4,"part":{"type":"output_text","text":"@whole@","annotations":[]}}"#,
    r#"{"type":"response.output_item.done","output_index":0,"sequence_number":5,"item":{"id":"msg_1","type":"message","status":"completed","role":"assistant","content":[{"type":"output_text","text":"@whole@","annotations":[]}]}}"#,
    r#"{"type":"response.completed","sequence_number":6,"response":{"id":"resp_1","object":"response","created_at":1,"status":"completed","model":"leak","output":[{"id":"msg_1","type":"message","status":"completed","role":"assistant","content":[{"type":"output_text","text":"@whole@","annotations":[]}]}]}}"#,
];
const CALL_DONE: &[&str] = &[
    r#"{"type":"response.function_call_arguments.done","item_id":"fc_1","output_index":0,"sequence_number":3,"arguments":"@whole@"}"#,
    r#"{"type":"response.output_item.done","output_index":0,"sequence_number":4,"item":{"id":"fc_1","type":"function_call","status":"completed","call_id":"call_1","name":"demo_mail","arguments":"@whole@"}}"#,
    r#"{"type":"response.completed","sequence_number":5,"response":{"id":"resp_1","object":"response","created_at":1,"status":"completed","model":"leak","output":[{"id":"fc_1","type":"function_call","status":"completed","call_id":"call_1","name":"demo_mail","arguments":"@whole@"}]}}"#,
];
const COMPLETED: &str = r#"{"type":"response.completed","sequence_number":9,"response":{"id":"resp_1","object":"response","created_at":1,"status":"completed","model":"leak","output":[]}}"#;

const CHAT_PIECE: &str = r#"{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"leak","choices":[{"index":0,"delta":{"content":"@hole@"},"finish_reason":null}]}"#;
const CHAT_CALL: &str = r#"{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"leak","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"demo_mail","arguments":""}}]},"finish_reason":null}]}"#;
const CHAT_CALL_PIECE: &str = r#"{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"leak","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"@hole@"}}]},"finish_reason":null}]}"#;
const CHAT_THOUGHT: &str = r#"{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"leak","choices":[{"index":0,"delta":{"reasoning_content":"@hole@"},"finish_reason":null}]}"#;
const CHAT_END: &str = r#"{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"leak","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;
const CHAT_CALLED: &str = r#"{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"leak","choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}"#;
const CHAT_WHOLE: &str = r#"{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"leak","choices":[{"index":0,"message":{"role":"assistant","content":"@hole@"},"finish_reason":"stop"}]}"#;

const fn joined(
    before: &'static [&'static str],
    piece: &'static [&'static str],
    after: &'static [&'static str],
    place: &'static str,
) -> Option<Events> {
    let place = if place.is_empty() { None } else { Some(place) };
    Some(Events { before, piece, after, is_joined: true, place })
}

const fn single(
    before: &'static [&'static str],
    piece: &'static [&'static str],
    after: &'static [&'static str],
) -> Option<Events> {
    Some(Events { before, piece, after, is_joined: false, place: None })
}

const fn answer(
    talk: Talk,
    name: &'static str,
    stream: Option<Events>,
    whole: Option<&'static str>,
) -> AnswerChannel {
    AnswerChannel { talk, name, stream, whole, is_inner: false }
}

const fn call(
    talk: Talk,
    name: &'static str,
    stream: Option<Events>,
    whole: Option<&'static str>,
) -> AnswerChannel {
    AnswerChannel { talk, name, stream, whole, is_inner: true }
}

/// Every channel of an answer.
pub(crate) const ANSWERS: &[AnswerChannel] = &[
    answer(
        Talk::Messages,
        "text",
        joined(&[START, TEXT_0], &[TEXT_PIECE], &[STOP_0, END, STOP], "delta.text"),
        Some(
            r#"{"id":"msg_1","type":"message","role":"assistant","model":"leak","content":[{"type":"text","text":"@hole@"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":1}}"#,
        ),
    ),
    answer(
        Talk::Messages,
        "text, a block for each piece",
        joined(
            &[START],
            &[
                r#"{"type":"content_block_start","index":"@number@","content_block":{"type":"text","text":""}}"#,
                r#"{"type":"content_block_delta","index":"@number@","delta":{"type":"text_delta","text":"@hole@"}}"#,
                r#"{"type":"content_block_stop","index":"@number@"}"#,
            ],
            &[END, STOP],
            "delta.text",
        ),
        None,
    ),
    answer(
        Talk::Messages,
        "text at a block's start",
        single(
            &[START],
            &[r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":"@hole@"}}"#],
            &[SO, STOP_0, END, STOP],
        ),
        None,
    ),
    answer(
        Talk::Messages,
        "thinking",
        joined(
            &[
                START,
                r#"{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}"#,
            ],
            &[
                r#"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"@hole@"}}"#,
            ],
            &[STOP_0, END, STOP],
            "delta.thinking",
        ),
        Some(
            r#"{"id":"msg_1","type":"message","role":"assistant","model":"leak","content":[{"type":"thinking","thinking":"@hole@","signature":"x"},{"type":"text","text":"so"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":1}}"#,
        ),
    ),
    answer(
        Talk::Messages,
        "signature",
        single(
            &[
                START,
                r#"{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}"#,
            ],
            &[
                r#"{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"@hole@"}}"#,
            ],
            &[STOP_0, END, STOP],
        ),
        Some(
            r#"{"id":"msg_1","type":"message","role":"assistant","model":"leak","content":[{"type":"thinking","thinking":"hm","signature":"@hole@"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":1}}"#,
        ),
    ),
    answer(
        Talk::Messages,
        "redacted thinking",
        single(
            &[START],
            &[
                r#"{"type":"content_block_start","index":0,"content_block":{"type":"redacted_thinking","data":"@hole@"}}"#,
            ],
            &[STOP_0, END, STOP],
        ),
        None,
    ),
    call(
        Talk::Messages,
        "tool arguments",
        joined(&[START, CALL_0], &[CALL_PIECE], &[STOP_0, END, STOP], "inner.to"),
        Some(
            r#"{"id":"msg_1","type":"message","role":"assistant","model":"leak","content":[{"type":"tool_use","id":"toolu_1","name":"demo_mail","input":{"to":"@hole@"}}],"stop_reason":"tool_use","stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":1}}"#,
        ),
    ),
    answer(
        Talk::Messages,
        "arguments at a call's start",
        single(
            &[START],
            &[
                r#"{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"toolu_1","name":"demo_mail","input":{"to":"@hole@","@hole@":1}}}"#,
            ],
            &[STOP_0, END, STOP],
        ),
        None,
    ),
    answer(
        Talk::Messages,
        "tool name",
        single(
            &[START],
            &[
                r#"{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"toolu_1","name":"@hole@","input":{}}}"#,
            ],
            &[STOP_0, END, STOP],
        ),
        None,
    ),
    answer(
        Talk::Messages,
        "citation",
        single(
            &[START, TEXT_0, SO],
            &[
                r#"{"type":"content_block_delta","index":0,"delta":{"type":"citations_delta","citation":{"type":"char_location","cited_text":"@hole@","document_title":"@hole@"}}}"#,
            ],
            &[STOP_0, END, STOP],
        ),
        Some(
            r#"{"id":"msg_1","type":"message","role":"assistant","model":"leak","content":[{"type":"text","text":"so","citations":[{"type":"char_location","cited_text":"@hole@"}]}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":1}}"#,
        ),
    ),
    answer(
        Talk::Messages,
        "id and model",
        single(
            &[],
            &[
                r#"{"type":"message_start","message":{"id":"@hole@","type":"message","role":"assistant","model":"@hole@","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":1}}}"#,
            ],
            &[TEXT_0, SO, STOP_0, END, STOP],
        ),
        None,
    ),
    answer(
        Talk::Messages,
        "stop sequence",
        single(
            &[START, TEXT_0, SO, STOP_0],
            &[
                r#"{"type":"message_delta","delta":{"stop_reason":"stop_sequence","stop_sequence":"@hole@"},"usage":{"output_tokens":2}}"#,
            ],
            &[STOP],
        ),
        None,
    ),
    answer(
        Talk::Messages,
        "unknown event",
        single(
            &[START, TEXT_0, SO],
            &[r#"{"type":"news","index":0,"note":{"deep":["@hole@"],"@hole@":1}}"#],
            &[STOP_0, END, STOP],
        ),
        None,
    ),
    answer(
        Talk::Messages,
        "unknown delta",
        joined(
            &[START, TEXT_0, SO],
            &[r#"{"type":"content_block_delta","index":0,"delta":{"type":"new_delta","notes":"@hole@"}}"#],
            &[STOP_0, END, STOP],
            "delta.notes",
        ),
        None,
    ),
    answer(
        Talk::Responses,
        "text",
        joined(
            &[CREATED, ITEM],
            &[
                r#"{"type":"response.output_text.delta","item_id":"msg_1","output_index":0,"content_index":0,"sequence_number":2,"delta":"@hole@"}"#,
            ],
            TEXT_DONE,
            "delta",
        ),
        Some(
            r#"{"id":"resp_1","object":"response","created_at":1,"status":"completed","model":"leak","error":null,"output":[{"id":"msg_1","type":"message","status":"completed","role":"assistant","content":[{"type":"output_text","text":"@hole@","annotations":[]}]}]}"#,
        ),
    ),
    answer(
        Talk::Responses,
        "text that only the end says",
        single(
            &[CREATED],
            &[
                r#"{"type":"response.completed","sequence_number":6,"response":{"id":"resp_1","object":"response","created_at":1,"status":"completed","model":"leak","instructions":"@hole@","output":[{"id":"msg_1","type":"message","status":"completed","role":"assistant","content":[{"type":"output_text","text":"@hole@","annotations":[{"type":"url_citation","url":"@hole@","title":"@hole@"}]}]}]}}"#,
            ],
            &[],
        ),
        None,
    ),
    call(
        Talk::Responses,
        "tool arguments",
        joined(
            &[
                CREATED,
                r#"{"type":"response.output_item.added","output_index":0,"sequence_number":1,"item":{"id":"fc_1","type":"function_call","status":"in_progress","call_id":"call_1","name":"demo_mail","arguments":""}}"#,
            ],
            &[
                r#"{"type":"response.function_call_arguments.delta","item_id":"fc_1","output_index":0,"sequence_number":2,"delta":"@hole@"}"#,
            ],
            CALL_DONE,
            // Its repetitions make the arguments stand there four times.
            "",
        ),
        Some(
            r#"{"id":"resp_1","object":"response","created_at":1,"status":"completed","model":"leak","error":null,"output":[{"id":"fc_1","type":"function_call","status":"completed","call_id":"call_1","name":"demo_mail","arguments":"@hole@"}]}"#,
        ),
    ),
    answer(
        Talk::Responses,
        "refusal",
        joined(
            &[CREATED, ITEM],
            &[
                r#"{"type":"response.refusal.delta","item_id":"msg_1","output_index":0,"content_index":0,"sequence_number":2,"delta":"@hole@"}"#,
            ],
            &[COMPLETED],
            "delta",
        ),
        None,
    ),
    answer(
        Talk::Responses,
        "reasoning summary",
        joined(
            &[
                CREATED,
                r#"{"type":"response.output_item.added","output_index":0,"sequence_number":1,"item":{"id":"rs_1","type":"reasoning","summary":[]}}"#,
            ],
            &[
                r#"{"type":"response.reasoning_summary_text.delta","item_id":"rs_1","output_index":0,"summary_index":0,"sequence_number":2,"delta":"@hole@"}"#,
            ],
            &[COMPLETED],
            "delta",
        ),
        None,
    ),
    answer(
        Talk::Responses,
        "ids and encrypted reasoning",
        single(
            &[CREATED],
            &[
                r#"{"type":"response.output_item.done","output_index":0,"sequence_number":2,"item":{"id":"@hole@","type":"reasoning","summary":[],"encrypted_content":"@hole@"}}"#,
            ],
            &[COMPLETED],
        ),
        None,
    ),
    answer(
        Talk::Responses,
        "unknown event",
        single(
            &[CREATED],
            &[r#"{"type":"response.news","sequence_number":2,"note":{"@hole@":["@hole@"]}}"#],
            &[COMPLETED],
        ),
        None,
    ),
    answer(
        Talk::Completions,
        "text",
        joined(
            &[],
            &[
                r#"{"id":"cmpl-1","object":"text_completion","created":1,"model":"leak","choices":[{"index":0,"text":"@hole@","logprobs":null,"finish_reason":null}]}"#,
            ],
            &[
                r#"{"id":"cmpl-1","object":"text_completion","created":1,"model":"leak","choices":[{"index":0,"text":"","logprobs":null,"finish_reason":"stop"}]}"#,
            ],
            "choices.0.text",
        ),
        Some(
            r#"{"id":"cmpl-1","object":"text_completion","created":1,"model":"leak","choices":[{"index":0,"text":"@hole@","logprobs":null,"finish_reason":"stop"}]}"#,
        ),
    ),
    answer(
        Talk::Completions,
        "logprobs",
        single(
            &[],
            &[
                r#"{"id":"cmpl-1","object":"text_completion","created":1,"model":"leak","choices":[{"index":0,"text":"x","logprobs":{"tokens":["@hole@"],"token_logprobs":[-0.5],"top_logprobs":[{"@hole@":-0.5}],"text_offset":[0]},"finish_reason":"stop"}]}"#,
            ],
            &[],
        ),
        None,
    ),
    answer(
        Talk::Embeddings,
        "vector",
        None,
        Some(
            r#"{"object":"list","model":"leak","data":[{"object":"embedding","index":0,"embedding":"@hole@"}],"usage":{"prompt_tokens":1,"total_tokens":1}}"#,
        ),
    ),
    answer(
        Talk::Embeddings,
        "unknown field",
        None,
        Some(
            r#"{"object":"list","model":"leak","data":[{"object":"embedding","index":0,"embedding":[0.5],"note":"@hole@"}],"x":{"@hole@":1}}"#,
        ),
    ),
    answer(
        Talk::MessagesOverChat,
        "text",
        joined(&[], &[CHAT_PIECE], &[CHAT_END], "delta.text"),
        Some(CHAT_WHOLE),
    ),
    answer(
        Talk::MessagesOverChat,
        "reasoning",
        joined(&[], &[CHAT_THOUGHT], &[CHAT_END], "delta.thinking"),
        None,
    ),
    call(
        Talk::MessagesOverChat,
        "tool arguments",
        joined(&[CHAT_CALL], &[CHAT_CALL_PIECE], &[CHAT_CALLED], "inner.to"),
        None,
    ),
    answer(
        Talk::ResponsesOverChat,
        "text",
        joined(&[], &[CHAT_PIECE], &[CHAT_END], "delta"),
        Some(CHAT_WHOLE),
    ),
    call(
        Talk::ResponsesOverChat,
        "tool arguments",
        joined(&[CHAT_CALL], &[CHAT_CALL_PIECE], &[CHAT_CALLED], ""),
        None,
    ),
    answer(
        Talk::ChatOverMessages,
        "text",
        joined(&[START, TEXT_0], &[TEXT_PIECE], &[STOP_0, END, STOP], "choices.0.delta.content"),
        None,
    ),
    call(
        Talk::ChatOverMessages,
        "tool arguments",
        joined(&[START, CALL_0], &[CALL_PIECE], &[STOP_0, END, STOP], "inner.to"),
        None,
    ),
    answer(
        Talk::ResponsesOverMessages,
        "text",
        joined(&[START, TEXT_0], &[TEXT_PIECE], &[STOP_0, END, STOP], "delta"),
        None,
    ),
];

const fn request(
    talk: Talk,
    name: &'static str,
    body: &'static str,
    place: Option<&'static str>,
) -> RequestChannel {
    RequestChannel { talk, name, body, place, is_inner: false }
}

/// Every channel of a request.
pub(crate) const REQUESTS: &[RequestChannel] = &[
    request(
        Talk::Messages,
        "user",
        r#"{"model":"@model@","max_tokens":9,"messages":[{"role":"user","content":"@hole@"}]}"#,
        Some("messages.0.content"),
    ),
    request(
        Talk::Messages,
        "text block",
        r#"{"model":"@model@","max_tokens":9,"messages":[{"role":"user","content":[{"type":"text","text":"@hole@"}]}]}"#,
        Some("messages.0.content.0.text"),
    ),
    request(
        Talk::Messages,
        "system",
        r#"{"model":"@model@","max_tokens":9,"system":"@hole@","messages":[{"role":"user","content":"hi"}]}"#,
        Some("system"),
    ),
    request(
        Talk::Messages,
        "system block",
        r#"{"model":"@model@","max_tokens":9,"system":[{"type":"text","text":"@hole@"}],"messages":[{"role":"user","content":"hi"}]}"#,
        Some("system.0.text"),
    ),
    request(
        Talk::Messages,
        "tool result",
        r#"{"model":"@model@","max_tokens":9,"messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","content":"@hole@"}]}]}"#,
        Some("messages.0.content.0.content"),
    ),
    request(
        Talk::Messages,
        "tool result block",
        r#"{"model":"@model@","max_tokens":9,"messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","content":[{"type":"text","text":"@hole@"}]}]}]}"#,
        Some("messages.0.content.0.content.0.text"),
    ),
    request(
        Talk::Messages,
        "tool input",
        r#"{"model":"@model@","max_tokens":9,"messages":[{"role":"assistant","content":[{"type":"tool_use","id":"t1","name":"demo_mail","input":{"to":"@hole@"}}]},{"role":"user","content":"hi"}]}"#,
        Some("messages.0.content.0.input.to"),
    ),
    request(
        Talk::Messages,
        "tool input key",
        r#"{"model":"@model@","max_tokens":9,"messages":[{"role":"assistant","content":[{"type":"tool_use","id":"t1","name":"demo_mail","input":{"@hole@":1}}]},{"role":"user","content":"hi"}]}"#,
        None,
    ),
    request(
        Talk::Messages,
        "document in plain text",
        r#"{"model":"@model@","max_tokens":9,"messages":[{"role":"user","content":[{"type":"document","title":"@hole@","context":"@hole@","source":{"type":"text","media_type":"text/plain","data":"@hole@"}}]}]}"#,
        Some("messages.0.content.0.source.data"),
    ),
    request(
        Talk::Messages,
        "image in base64",
        r#"{"model":"@model@","max_tokens":9,"messages":[{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"@hole@"}}]}]}"#,
        None,
    ),
    request(
        Talk::Messages,
        "signature",
        r#"{"model":"@model@","max_tokens":9,"messages":[{"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"@hole@"}]},{"role":"user","content":"hi"}]}"#,
        None,
    ),
    request(
        Talk::Messages,
        "tool definition",
        r#"{"model":"@model@","max_tokens":9,"messages":[{"role":"user","content":"hi"}],"tools":[{"name":"demo_mail","description":"@hole@","input_schema":{"type":"object","properties":{"to":{"enum":["@hole@"]}}}}]}"#,
        Some("tools.0.description"),
    ),
    request(
        Talk::Messages,
        "stop, metadata and unknown fields",
        r#"{"model":"@model@","max_tokens":9,"messages":[{"role":"user","content":"hi"}],"stop_sequences":["@hole@"],"metadata":{"user_id":"@hole@"},"extra":{"@hole@":["@hole@"]}}"#,
        None,
    ),
    request(Talk::Responses, "input", r#"{"model":"@model@","input":"@hole@"}"#, Some("input")),
    request(
        Talk::Responses,
        "input part",
        r#"{"model":"@model@","input":[{"role":"user","content":[{"type":"input_text","text":"@hole@"}]}]}"#,
        Some("input.0.content.0.text"),
    ),
    request(
        Talk::Responses,
        "instructions",
        r#"{"model":"@model@","input":"hi","instructions":"@hole@"}"#,
        Some("instructions"),
    ),
    RequestChannel {
        talk: Talk::Responses,
        name: "call arguments",
        body: r#"{"model":"@model@","input":[{"type":"function_call","call_id":"c1","name":"demo_mail","arguments":"{\"to\":\"@hole@\"}"},{"type":"function_call_output","call_id":"c1","output":"done"}]}"#,
        place: None,
        is_inner: true,
    },
    request(
        Talk::Responses,
        "call output",
        r#"{"model":"@model@","input":[{"type":"function_call","call_id":"c1","name":"demo_mail","arguments":"{}"},{"type":"function_call_output","call_id":"c1","output":"@hole@"}]}"#,
        Some("input.1.output"),
    ),
    request(
        Talk::Responses,
        "reasoning",
        r#"{"model":"@model@","input":[{"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"@hole@"}],"encrypted_content":"@hole@"},{"role":"user","content":"hi"}]}"#,
        None,
    ),
    request(
        Talk::Responses,
        "prompt, tools and unknown fields",
        r#"{"model":"@model@","input":"hi","prompt":{"id":"p1","variables":{"x":"@hole@"}},"tools":[{"type":"function","name":"demo_mail","description":"@hole@","parameters":{"type":"object"}}],"metadata":{"@hole@":"@hole@"},"text":{"format":{"type":"json_schema","name":"x","schema":{"description":"@hole@"}}},"extra":"@hole@"}"#,
        None,
    ),
    request(Talk::Completions, "prompt", r#"{"model":"@model@","prompt":"@hole@"}"#, Some("prompt")),
    request(
        Talk::Completions,
        "prompts, suffix and stop",
        r#"{"model":"@model@","prompt":["hi","@hole@"],"suffix":"@hole@","stop":["@hole@"]}"#,
        None,
    ),
    request(Talk::Embeddings, "input", r#"{"model":"@model@","input":"@hole@"}"#, Some("input")),
    request(Talk::Embeddings, "inputs", r#"{"model":"@model@","input":["hi","@hole@"]}"#, Some("input.1")),
    request(
        Talk::MessagesOverChat,
        "user and system",
        r#"{"model":"@model@","max_tokens":9,"system":"@hole@","messages":[{"role":"user","content":"@hole@"}]}"#,
        Some("messages.1.content"),
    ),
    request(
        Talk::ResponsesOverChat,
        "input and instructions",
        r#"{"model":"@model@","input":"@hole@","instructions":"@hole@"}"#,
        Some("messages.1.content"),
    ),
    request(
        Talk::ChatOverMessages,
        "user and system",
        r#"{"model":"@model@","messages":[{"role":"system","content":"@hole@"},{"role":"user","content":"@hole@"}]}"#,
        None,
    ),
];
