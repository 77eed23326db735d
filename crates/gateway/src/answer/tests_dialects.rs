//! Every dialect: what leaves depends on the text alone, calls are held, and an end is in the dialect.

use serde_json::{Value, json};
use stockade_egress::evidence::ResponseFilter;

use super::tests::{EMAIL, KEY, feed, filter_of};
use crate::dialect::Dialect;

/// Events as an upstream writes them.
fn stream_of(dialect: Dialect, events: &[Value]) -> String {
    let mut out = String::new();
    for event in events {
        if dialect.has_typed_events() {
            out.push_str(&format!("event: {}\n", event["type"].as_str().unwrap()));
        }
        out.push_str(&format!("data: {event}\n\n"));
    }
    if !dialect.has_typed_events() {
        out.push_str("data: [DONE]\n\n");
    }
    out
}

/// The events of a stream, and whether each `event` line says what the data says.
fn read(stream: &str) -> Vec<Value> {
    let mut out = Vec::new();
    for block in stream.split("\n\n").filter(|b| !b.is_empty()) {
        let mut kind = None;
        for line in block.lines() {
            if let Some(name) = line.strip_prefix("event: ") {
                kind = Some(name.to_owned());
            } else if let Some(data) = line.strip_prefix("data: ").filter(|d| *d != "[DONE]") {
                let event: Value = serde_json::from_str(data).unwrap();
                if let Some(kind) = &kind {
                    assert_eq!(event["type"].as_str(), Some(kind.as_str()));
                }
                out.push(event);
            }
        }
    }
    out
}

fn run(dialect: Dialect, text: &str) -> (String, Option<&'static str>) {
    let whole = feed(filter_of(dialect, true, false), &[text.as_bytes()]);
    // Cut at every byte, the same leaves.
    let bytes: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
    let single = feed(filter_of(dialect, true, false), &bytes);
    assert_eq!(whole.0, single.0);
    whole
}

/// A message whose text blocks say these pieces.
fn message(pieces: &[&str], blocks: usize) -> Vec<Value> {
    let mut out = vec![
        json!({"type": "message_start", "message": {"id": "msg_1", "type": "message", "role": "assistant",
        "model": "claude-x", "content": [], "stop_reason": null, "stop_sequence": null, "usage": {"input_tokens": 3, "output_tokens": 1}}}),
    ];
    for (index, piece) in pieces.chunks(pieces.len().div_ceil(blocks)).enumerate() {
        out.push(json!({"type": "content_block_start", "index": index, "content_block": {"type": "text", "text": ""}}));
        for piece in piece {
            out.push(json!({"type": "content_block_delta", "index": index, "delta": {"type": "text_delta", "text": piece}}));
        }
        out.push(json!({"type": "content_block_stop", "index": index}));
    }
    out.push(json!({"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": null}, "usage": {"output_tokens": 9}}));
    out.push(json!({"type": "message_stop"}));
    out
}

fn said(events: &[Value]) -> String {
    events.iter().filter_map(|e| e.pointer("/delta/text").and_then(Value::as_str)).collect()
}

fn pieces_of(text: &str) -> Vec<String> {
    text.chars().map(String::from).collect()
}

#[test]
fn messages_lose_what_may_not_leave_wherever_blocks_are_cut() {
    let text = format!("Write to {EMAIL} with {KEY} now.");
    let pieces = pieces_of(&text);
    let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
    for blocks in [1, 2, 5] {
        let (out, cut) = run(Dialect::Messages, &stream_of(Dialect::Messages, &message(&pieces, blocks)));
        assert_eq!(cut, None);
        assert_eq!(said(&read(&out)), "Write to [redacted:email] with [redacted:aws_access_key] now.");
        assert!(out.ends_with("event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"));
    }
}

#[test]
fn a_whole_message_is_filtered_and_its_calls_are_decided() {
    let answer = |name: &str| {
        json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x", "stop_reason": "tool_use",
            "stop_sequence": null, "usage": {"input_tokens": 1, "output_tokens": 2}, "content": [
                {"type": "thinking", "thinking": format!("about {KEY}"), "signature": "c2VhbGVkIGJ5IHRoZSBwcm92aWRlciwgYXQgc29tZSBsZW5ndGghIGFuZCBhIGJpdCBtb3Jl"},
                {"type": "text", "text": "AKIAQYLPMN5H"}, {"type": "text", "text": "HHFPZAM2 is it"},
                {"type": "tool_use", "id": "toolu_1", "name": name, "input": {"to": EMAIL, "rows": [1, 2, 3], "deep": {"k": KEY}}}]})
        .to_string()
    };
    let (out, cut) = feed(filter_of(Dialect::Messages, false, true), &[answer("demo_mail").as_bytes()]);
    assert_eq!(cut, None, "{out}");
    let out: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(out["content"][0]["thinking"], "about [redacted:aws_access_key]");
    assert_eq!(out["content"][0]["signature"], "", "a seal over what was edited");
    assert_eq!(out["content"][1]["text"], "[redacted:aws_access_key]");
    assert_eq!(out["content"][2]["text"], " is it");
    let input = &out["content"][3]["input"];
    assert_eq!(
        *input,
        json!({"to": "[redacted:email]", "rows": [1, 2, 3], "deep": {"k": "[redacted:aws_access_key]"}})
    );
    let (out, cut) = feed(filter_of(Dialect::Messages, false, false), &[answer("demo_bad").as_bytes()]);
    assert_eq!(cut, Some("tool_denied"));
    assert!(out.contains("\"type\":\"error\"") && !out.contains("demo_bad"));
}

#[test]
fn a_call_in_a_stream_of_blocks_is_held_until_it_is_decided() {
    let events = |name: &str| {
        let mut events = message(&["Let me ", "see."], 1);
        let call = vec![
            json!({"type": "content_block_start", "index": 1, "content_block": {"type": "tool_use", "id": "toolu_1", "name": name, "input": {}}}),
            json!({"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": "{\"to\": \"alice.sm"}}),
            json!({"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": "ith@contoso.com\"}"}}),
            json!({"type": "content_block_stop", "index": 1}),
        ];
        let at = events.len() - 2;
        events.splice(at..at, call);
        stream_of(Dialect::Messages, &events)
    };
    let (out, cut) = run(Dialect::Messages, &events("demo_mail"));
    assert_eq!(cut, None);
    let arguments: String =
        read(&out).iter().filter_map(|e| e.pointer("/delta/partial_json").and_then(Value::as_str)).collect();
    assert_eq!(arguments, "{\"to\": \"[redacted:email]\"}");
    let (out, cut) = run(Dialect::Messages, &events("demo_bad"));
    assert_eq!(cut, Some("tool_denied"));
    assert!(!out.contains("demo_bad") && !out.contains("alice"));
    let kinds: Vec<String> = read(&out).iter().map(|e| e["type"].as_str().unwrap().to_owned()).collect();
    assert_eq!(kinds.last().map(String::as_str), Some("message_stop"));
    assert_eq!(read(&out)[kinds.len() - 2]["delta"]["stop_reason"], "refusal");
}

#[test]
fn what_a_provider_sealed_goes_whole_or_not_at_all() {
    let mut events = message(&["x"], 1);
    let block = vec![
        json!({"type": "content_block_start", "index": 1, "content_block": {"type": "thinking", "thinking": "", "signature": ""}}),
        json!({"type": "content_block_delta", "index": 1, "delta": {"type": "thinking_delta", "thinking": "hmm"}}),
        json!({"type": "content_block_delta", "index": 1, "delta": {"type": "signature_delta", "signature": "c2VhbGVkIGJ5IHRoZSBwcm92aWRlciwgYXQgc29tZSBsZW5ndGghIGFuZCBhIGJpdCBtb3Jl"}}),
        json!({"type": "content_block_stop", "index": 1}),
    ];
    let at = events.len() - 2;
    events.splice(at..at, block);
    let text = stream_of(Dialect::Messages, &events);
    let (out, _) = feed(filter_of(Dialect::Messages, true, true), &[text.as_bytes()]);
    assert!(out.contains("c2VhbGVkIGJ5IHRoZSBwcm92aWRlciwgYXQgc29tZSBsZW5ndGghIGFuZCBhIGJpdCBtb3Jl"));
    let (out, cut) = feed(filter_of(Dialect::Messages, true, false), &[text.as_bytes()]);
    assert_eq!(cut, None);
    assert!(
        out.contains("hmm")
            && !out.contains("c2VhbGVkIGJ5IHRoZSBwcm92aWRlciwgYXQgc29tZSBsZW5ndGghIGFuZCBhIGJpdCBtb3Jl")
    );
}

#[test]
fn an_answer_that_breaks_off_is_no_answer() {
    let mut events = message(&["x"], 1);
    events.pop();
    let (out, cut) = run(Dialect::Messages, &stream_of(Dialect::Messages, &events));
    assert_eq!(cut, Some("upstream_failed"));
    assert_eq!(read(&out).last().unwrap()["type"], "error");
    let error = json!({"type": "error", "error": {"type": "overloaded_error", "message": KEY}});
    let (out, cut) = run(Dialect::Messages, &stream_of(Dialect::Messages, &[error]));
    assert_eq!(cut, Some("upstream_failed"));
    assert!(!out.contains(KEY));
}

/// A response whose one message says these pieces, and which calls a tool.
fn response(pieces: &[&str], call: Option<&str>) -> Vec<Value> {
    let text: String = pieces.concat();
    let head = |status: &str, output: Value| {
        json!({"id": "resp_1", "object": "response", "created_at": 1_700_000_000, "status": status, "model": "gpt-x",
            "output": output, "instructions": "You are Bob.", "error": null, "incomplete_details": null, "usage": null})
    };
    let part = |text: &str| json!({"type": "output_text", "text": text, "annotations": []});
    let item = |status: &str, content: Value| json!({"id": "msg_1", "type": "message", "status": status, "role": "assistant", "content": content});
    let mut out = vec![
        json!({"type": "response.created", "response": head("in_progress", json!([]))}),
        json!({"type": "response.output_item.added", "output_index": 0, "item": item("in_progress", json!([]))}),
        json!({"type": "response.content_part.added", "item_id": "msg_1", "output_index": 0, "content_index": 0, "part": part("")}),
    ];
    for piece in pieces {
        out.push(json!({"type": "response.output_text.delta", "item_id": "msg_1", "output_index": 0, "content_index": 0, "delta": piece}));
    }
    let done = item("completed", json!([part(&text)]));
    out.push(json!({"type": "response.output_text.done", "item_id": "msg_1", "output_index": 0, "content_index": 0, "text": text}));
    out.push(json!({"type": "response.content_part.done", "item_id": "msg_1", "output_index": 0, "content_index": 0, "part": part(&text)}));
    out.push(json!({"type": "response.output_item.done", "output_index": 0, "item": done}));
    let mut output = vec![done];
    if let Some(name) = call {
        let arguments = format!("{{\"to\":\"{EMAIL}\"}}");
        let call = |arguments: &str| json!({"id": "fc_1", "type": "function_call", "status": "completed", "call_id": "call_1", "name": name, "arguments": arguments});
        out.push(json!({"type": "response.output_item.added", "output_index": 1, "item": call("")}));
        for piece in <[&str; 2]>::from(arguments.split_at(10)) {
            out.push(json!({"type": "response.function_call_arguments.delta", "item_id": "fc_1", "output_index": 1, "delta": piece}));
        }
        out.push(json!({"type": "response.function_call_arguments.done", "item_id": "fc_1", "output_index": 1, "arguments": arguments}));
        out.push(json!({"type": "response.output_item.done", "output_index": 1, "item": call(&arguments)}));
        output.push(call(&arguments));
    }
    out.push(json!({"type": "response.completed", "response": head("completed", json!(output))}));
    for (number, event) in out.iter_mut().enumerate() {
        event["sequence_number"] = json!(number);
    }
    out
}

#[test]
fn responses_say_the_same_in_pieces_and_in_every_repetition() {
    let text = format!("Write to {EMAIL} with {KEY} now.");
    let pieces = pieces_of(&text);
    let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
    let events = response(&pieces, Some("demo_mail"));
    let (out, cut) = run(Dialect::Responses, &stream_of(Dialect::Responses, &events));
    assert_eq!(cut, None);
    let left = read(&out);
    assert_eq!(left.len(), events.len());
    let clean = "Write to [redacted:email] with [redacted:aws_access_key] now.";
    let deltas = left.iter().filter(|e| e["type"] == "response.output_text.delta");
    assert_eq!(deltas.filter_map(|e| e["delta"].as_str()).collect::<String>(), clean);
    let last = &left.last().unwrap()["response"];
    assert_eq!(last["output"][0]["content"][0]["text"], clean);
    assert_eq!(last["output"][1]["arguments"], "{\"to\":\"[redacted:email]\"}");
    assert_eq!(last["instructions"], Value::Null);
    assert!(!out.contains("alice") && !out.contains(KEY) && !out.contains("You are Bob"));
    for (before, after) in events.iter().zip(&left) {
        assert_eq!(before["type"], after["type"]);
        assert_eq!(before["sequence_number"], after["sequence_number"]);
    }
}

#[test]
fn a_call_in_a_response_is_held_and_denied_whole() {
    let (out, cut) =
        run(Dialect::Responses, &stream_of(Dialect::Responses, &response(&["Hi."], Some("demo_bad"))));
    assert_eq!(cut, Some("tool_denied"));
    assert!(!out.contains("demo_bad") && !out.contains("alice"));
    let last = read(&out).pop().unwrap();
    assert_eq!(last["type"], "response.incomplete");
    assert_eq!(last["response"]["incomplete_details"]["reason"], "content_filter");
    assert_eq!(last["response"]["id"], "resp_1");
}

#[test]
fn a_whole_response_is_filtered() {
    let output = json!([{"id": "msg_1", "type": "message", "status": "completed", "role": "assistant",
        "content": [{"type": "output_text", "text": format!("key {KEY}"), "annotations": []}]},
        {"id": "fc_1", "type": "function_call", "status": "completed", "call_id": "call_1", "name": "demo_x", "arguments": format!("{{\"a\":\"{EMAIL}\"}}")}]);
    let answer = json!({"id": "resp_1", "object": "response", "created_at": 1_700_000_000, "status": "completed", "model": "m",
        "output": output, "error": null, "instructions": "secret prompt"});
    let (out, cut) = feed(filter_of(Dialect::Responses, false, false), &[answer.to_string().as_bytes()]);
    assert_eq!(cut, None, "{out}");
    assert!(!out.contains(KEY) && !out.contains("alice") && !out.contains("secret prompt"));
}

#[test]
fn completions_and_embeddings_are_read_too() {
    let event = |text: &str, finish: Option<&str>| {
        json!({"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "m",
            "choices": [{"index": 0, "text": text, "logprobs": null, "finish_reason": finish}]})
    };
    let events = [event("to alice.sm", None), event("ith@contoso.com", None), event(".", Some("stop"))];
    let (out, cut) = run(Dialect::Completions, &stream_of(Dialect::Completions, &events));
    assert_eq!(cut, None);
    let text: String =
        read(&out).iter().filter_map(|e| e.pointer("/choices/0/text").and_then(Value::as_str)).collect();
    assert_eq!(text, "to [redacted:email].");
    let vectors = json!({"object": "list", "model": "m", "usage": {"prompt_tokens": 3, "total_tokens": 3}, "data": [
        {"object": "embedding", "index": 0, "embedding": [0.0023, -0.006_929_283_495_992_422, 4_111_111_111_111_111_u64, 1e-7]},
        {"object": "embedding", "index": 1, "embedding": "AACAPwAAAEA="},
        {"object": "embedding", "index": 2, "embedding": KEY.to_owned() + "!"}]});
    let (out, cut) = feed(filter_of(Dialect::Embeddings, false, false), &[vectors.to_string().as_bytes()]);
    assert_eq!(cut, None, "{out}");
    let out: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(out["data"][0]["embedding"][1], json!(-0.006_929_283_495_992_422));
    assert_eq!(out["data"][0]["embedding"][2], json!(0), "an account's number is no part of a vector");
    assert_eq!(out["data"][1]["embedding"], "AACAPwAAAEA=");
    assert!(!out.to_string().contains(KEY));
}

#[test]
fn what_stands_whole_in_a_block_is_found_whatever_its_neighbours_are() {
    for (a, b) in [(format!("key {KEY}"), "xyz".to_owned()), ("xyz".to_owned(), format!("{KEY} is it"))] {
        let (out, cut) = run(Dialect::Messages, &stream_of(Dialect::Messages, &message(&[&a, &b], 2)));
        assert_eq!(cut, None);
        assert!(!out.contains(KEY), "{out}");
        assert!(said(&read(&out)).contains("xyz"));
        let blocks = json!([{"type": "text", "text": a}, {"type": "text", "text": b}]);
        let answer = json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": blocks,
            "stop_reason": "end_turn", "stop_sequence": null, "usage": {"input_tokens": 1, "output_tokens": 1}});
        let (out, cut) = feed(filter_of(Dialect::Messages, false, false), &[answer.to_string().as_bytes()]);
        assert_eq!(cut, None);
        assert!(!out.contains(KEY), "{out}");
    }
}

#[test]
fn an_unknown_field_that_comes_with_every_event_holds_nothing() {
    let mut events = message(&["one ", "two ", "three ", "four ", "five "], 1);
    for event in events.iter_mut().filter(|e| e["type"] == "content_block_delta") {
        event["trace"] = json!("alice-7f3a");
    }
    let sent: Vec<u8> = stream_of(Dialect::Messages, &events[..7]).into_bytes();
    let mut filter = filter_of(Dialect::Messages, true, false);
    let out = filter.push(bytes::Bytes::from(sent)).unwrap().out;
    let out = String::from_utf8(out.to_vec()).unwrap();
    assert!(said(&read(&out)).starts_with("one two three"), "{out}");
    let (out, cut) = run(Dialect::Messages, &stream_of(Dialect::Messages, &events));
    assert_eq!((said(&read(&out)).as_str(), cut), ("one two three four five ", None));
}

#[test]
fn a_block_that_begins_with_text_is_malformed() {
    let mut events = message(&["x"], 1);
    events[1]["content_block"]["text"] = json!(" zz ");
    let (_, cut) = run(Dialect::Messages, &stream_of(Dialect::Messages, &events));
    assert_eq!(cut, Some("upstream_malformed"));
}

#[test]
fn odd_numbers_of_blocks_are_malformed() {
    let start = |index: Value, block: Value| json!({"type": "content_block_start", "index": index, "content_block": block});
    let call = |name: &str| json!({"type": "tool_use", "id": "t", "name": name, "input": {"a": 1}});
    let stop = json!({"type": "content_block_stop", "index": 0});
    let odd = [
        vec![start(json!(null), call("demo_bad"))],
        vec![start(json!("0"), call("demo_bad"))],
        vec![start(json!(1), call("demo_bad"))],
        vec![start(json!(0), call("demo_a")), stop.clone(), start(json!(0), call("demo_bad")), stop.clone()],
        vec![start(json!(0), call("demo_")), start(json!(0), call("demo_bad")), stop],
    ];
    for blocks in odd {
        let mut events = message(&["x"], 1);
        events.splice(1..4, blocks);
        let (out, cut) = run(Dialect::Messages, &stream_of(Dialect::Messages, &events));
        assert!(cut.is_some() && !out.contains("demo_bad"), "{out}");
    }
}

#[test]
fn many_parts_are_read_in_time_that_grows_with_them() {
    // Reading all that came before again with each part would take hours.
    let blocks: Vec<Value> =
        (0..20_000).map(|n| json!({"type": "text", "text": format!("part {n} of it ")})).collect();
    let answer =
        json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": blocks,
        "stop_reason": "end_turn", "stop_sequence": null, "usage": {"input_tokens": 1, "output_tokens": 1}})
        .to_string();
    let (out, cut) = feed(filter_of(Dialect::Messages, false, false), &[answer.as_bytes()]);
    assert_eq!((out == answer, cut), (true, None));
}
