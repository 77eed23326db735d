//! Ollama's lines: what leaves depends on the text alone, calls stand whole, and no number carries anybody's.
#![expect(clippy::string_slice, reason = "test texts are cut where characters begin")]

use proptest::prelude::*;
use serde_json::{Value, json};

use super::tests::{EMAIL, KEY, feed, filter_of};
use crate::dialect::Dialect;

fn line(message: &Value) -> String {
    let line = json!({"model": "m", "created_at": "2026-01-02T03:04:05.123456789Z", "message": message, "done": false});
    format!("{line}\n")
}

fn last() -> String {
    let line = json!({
        "model": "m", "created_at": "2026-01-02T03:04:06.4Z", "message": {"role": "assistant", "content": ""}, "done": true,
        "done_reason": "stop", "total_duration": 4_012_888_888_881_881_u64, "prompt_eval_count": 3, "eval_count": 5,
    });
    format!("{line}\n")
}

fn said(text: &str) -> String {
    line(&json!({"role": "assistant", "content": text}))
}

fn call(name: &str, arguments: &Value) -> String {
    line(
        &json!({"role": "assistant", "content": "", "tool_calls": [{"id": "c", "function": {"name": name, "arguments": arguments}}]}),
    )
}

fn stream(lines: &[String]) -> (String, Option<&'static str>) {
    feed(filter_of(Dialect::OllamaChat, true, false), &[lines.concat().as_bytes()])
}

fn lines(out: &str) -> Vec<Value> {
    out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn text(out: &str) -> String {
    lines(out).iter().filter_map(|l| l["message"]["content"].as_str().map(str::to_owned)).collect()
}

#[test]
fn a_value_is_found_wherever_it_is_cut() {
    let whole = format!("Ask {EMAIL}, key {KEY}.");
    let expected = text(&stream(&[said(&whole), last()]).0);
    assert!(!expected.contains(EMAIL) && !expected.contains(KEY) && expected.starts_with("Ask "));
    for at in 0..=whole.len() {
        let (out, cut) = stream(&[said(&whole[..at]), said(&whole[at..]), last()]);
        assert_eq!((text(&out), cut), (expected.clone(), None), "{at}");
    }
}

#[test]
fn thinking_and_what_comes_later_is_looked_at_too() {
    let thinking =
        line(&json!({"role": "assistant", "content": "", "thinking": KEY, "new": {"deep": KEY}, KEY: 1}));
    let (out, cut) = stream(&[thinking, last()]);
    assert!(cut.is_none() && !out.contains(KEY) && out.contains("\"thinking\""), "{out}");
}

#[test]
fn each_line_calls_its_own() {
    let (out, cut) = stream(&[
        call("demo_a", &json!({"to": "a", "key": KEY})),
        call("demo_b", &json!({"to": "b", "n": [1, 2.5, true]})),
        last(),
    ]);
    assert!(cut.is_none() && !out.contains(KEY), "{out}");
    let calls: Vec<Value> =
        lines(&out).iter().map(|l| l["message"]["tool_calls"][0]["function"].clone()).collect();
    assert_eq!(calls[0]["arguments"]["to"], "a");
    assert_eq!(calls[1], json!({"name": "demo_b", "arguments": {"to": "b", "n": [1, 2.5, true]}}));
    let (out, cut) = stream(&[call("demo_a", &json!({})), call("demo_bad", &json!({"to": "b"})), last()]);
    assert_eq!(cut, Some("tool_denied"));
    assert!(
        !out.contains("demo_bad") && lines(&out).last().unwrap()["done_reason"] == "content_filter",
        "{out}"
    );
}

#[test]
fn numbers_and_times_say_no_more_than_they_must() {
    let (out, _) = stream(&[said("hi"), last()]);
    let lines = lines(&out);
    assert_eq!(lines[0]["created_at"], "2026-01-02T03:04:05Z");
    assert_eq!(lines[1]["total_duration"], 4_010_000_000_000_000_u64);
    let whole =
        json!({"model": "m", "response": "x", "done": true, "context": [101, 7592], "eval_duration": 5});
    let filter = filter_of(Dialect::OllamaGenerate, false, false);
    let (out, cut) = feed(filter, &[whole.to_string().as_bytes()]);
    assert_eq!((cut, &serde_json::from_str::<Value>(&out).unwrap()["context"]), (None, &Value::Null));
}

#[test]
fn what_is_no_answer_is_none() {
    for bad in
        ["[DONE]\n", "7\n", "{\"x\":1}\n", "{\"message\":{\"content\":\"a\"},\"done\":\"yes\"}\n", "{", ""]
    {
        assert!(stream(&[bad.to_owned()]).1.is_some(), "{bad}");
    }
    let (out, cut) = stream(&[said("so"), "{\"error\":\"the key is AKIA\"}\n".to_owned(), last()]);
    assert!(cut == Some("upstream_failed") && !out.contains("AKIA") && out.contains("\"error\""), "{out}");
    // The last line may lack its break; what comes after it is nobody's.
    assert!(stream(&[said("so"), last().trim_end().to_owned()]).1.is_none());
    assert!(!stream(&[said("so"), last(), said(KEY)]).0.contains(KEY));
}

proptest! {
    #[test]
    fn pieces_do_not_matter(cuts in prop::collection::vec(0_usize..2_000, 0..8)) {
        let bytes = [said("Write to "), said(EMAIL), call("demo_a", &json!({"k": KEY})), last()].concat();
        let bytes = bytes.as_bytes();
        let mut cuts: Vec<usize> = cuts.into_iter().map(|c| c % (bytes.len() + 1)).collect();
        cuts.sort_unstable();
        let mut pieces = Vec::new();
        let mut from = 0;
        for cut in cuts {
            pieces.push(&bytes[from..cut]);
            from = cut;
        }
        pieces.push(&bytes[from..]);
        let of = |pieces: &[&[u8]]| feed(filter_of(Dialect::OllamaChat, true, false), pieces);
        prop_assert_eq!(of(&pieces), of(&[bytes]));
    }
}
