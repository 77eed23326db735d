//! What leaves depends on the text, never on the pieces it came in.
#![expect(clippy::string_slice, reason = "test texts are cut where characters begin")]

use std::sync::Arc;

use bytes::Bytes;
use proptest::prelude::*;
use serde_json::{Value, json};
use stockade_authz::InspectionContext;
use stockade_domain::{DecisionRecord, Effect, Obligation};
use stockade_egress::evidence::ResponseFilter;
use stockade_inspect::Engine;
use stockade_inspect::leak::Guards;
use stockade_rulebook::Rulebook;

use super::{AnswerFilter, AnswerLimits, AnswerParts};
use crate::dialect::Dialect;
use crate::flow::Pass;
use crate::limits::Hold;
use crate::pseudonyms::Pseudonyms;
use crate::redact::Redactor;

pub(super) const EMAIL: &str = "alice.smith@contoso.com";
pub(super) const KEY: &str = "AKIAQYLPMN5HHHFPZAM2";
const CARD: &str = "4012 8888 8888 1881";

fn engine() -> Engine {
    static ENGINE: std::sync::OnceLock<Engine> = std::sync::OnceLock::new();
    ENGINE.get_or_init(|| Engine::new(&Rulebook::new(stockade_rules::FILES)).unwrap()).clone()
}

fn obligations() -> Vec<Obligation> {
    ["redact:secret", "redact:pii"].map(|o| o.parse().unwrap()).to_vec()
}

fn filter(stream: bool) -> AnswerFilter {
    filter_of(Dialect::Chat, stream, false)
}

pub(super) fn filter_of(dialect: Dialect, stream: bool, passes_sealed: bool) -> AnswerFilter {
    let judge = |name: &str, _: &InspectionContext| DecisionRecord {
        effect: if name == "demo_bad" { Effect::Deny } else { Effect::Permit },
        policies: Vec::new(),
        policy_hash: String::new(),
        reasons: Vec::new(),
        obligations: Vec::new(),
        asked: None,
        trial: None,
    };
    AnswerFilter::new(AnswerParts {
        dialect,
        passes_sealed,
        passes_opaque: false,
        stream,
        engine: engine(),
        redactor: Redactor::new(&obligations(), Pseudonyms::for_tests()),
        guards: Guards::default(),
        strips: false,
        buffers: false,
        judge: Arc::new(judge),
        hearing: crate::labels::tests::hearing(),
        hold: Hold::default(),
        pass: Pass::default(),
        hides_usage: false,
        limits: AnswerLimits { event: 1 << 20, held: 1 << 20, depth: 64 },
        record_limit: 1 << 16,
    })
}

fn run(stream: bool, pieces: &[&[u8]]) -> (String, Option<&'static str>) {
    feed(filter(stream), pieces)
}

/// Feeds pieces of bytes; gives what left, and the code of the cut if there was one.
pub(super) fn feed(mut filter: AnswerFilter, pieces: &[&[u8]]) -> (String, Option<&'static str>) {
    let mut out = Vec::new();
    for piece in pieces {
        match filter.push(Bytes::copy_from_slice(piece)) {
            Ok(held) => {
                out.extend_from_slice(&held.out);
                if held.done {
                    return (String::from_utf8(out).unwrap(), None);
                }
            }
            Err(cut) => {
                out.extend_from_slice(&cut.last_words);
                return (String::from_utf8(out).unwrap(), Some(cut.code));
            }
        }
    }
    match filter.finish() {
        Ok(rest) => {
            out.extend_from_slice(&rest);
            (String::from_utf8(out).unwrap(), None)
        }
        Err(cut) => {
            out.extend_from_slice(&cut.last_words);
            (String::from_utf8(out).unwrap(), Some(cut.code))
        }
    }
}

fn event(choice: u64, delta: Value, finish: Value) -> String {
    let event = json!({"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m",
        "choices": [{"index": choice, "delta": delta, "finish_reason": finish}]});
    format!("data: {event}\n\n")
}

fn events(out: &str) -> Vec<Value> {
    out.split("\n\n").filter_map(|e| serde_json::from_str(e.strip_prefix("data: ")?).ok()).collect()
}

/// The text of one field of one choice, put together again.
fn text(out: &str, choice: u64, field: &str) -> String {
    events(out)
        .iter()
        .flat_map(|e| e["choices"].as_array().cloned().unwrap_or_default())
        .filter(|c| c["index"] == choice)
        .filter_map(|c| c["delta"][field].as_str().map(str::to_owned))
        .collect()
}

fn cut_at(text: &str, cuts: &[usize]) -> Vec<String> {
    let mut cuts: Vec<usize> =
        cuts.iter().map(|c| c % (text.len() + 1)).filter(|c| text.is_char_boundary(*c)).collect();
    cuts.sort_unstable();
    let mut out = Vec::new();
    let mut from = 0;
    for cut in cuts {
        out.push(text[from..cut].to_owned());
        from = cut;
    }
    out.push(text[from..].to_owned());
    out
}

fn whole(content: &str) -> String {
    let body = json!({"id": "c1", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": "stop"}]});
    let (out, cut) = run(false, &[body.to_string().as_bytes()]);
    assert_eq!(cut, None);
    serde_json::from_str::<Value>(&out).unwrap()["choices"][0]["message"]["content"]
        .as_str()
        .unwrap()
        .to_owned()
}

fn streamed(field: &str, pieces: &[String]) -> String {
    let mut body: String = pieces.iter().map(|p| event(0, json!({field: p}), Value::Null)).collect();
    body.push_str(&event(0, json!({}), json!("stop")));
    body.push_str("data: [DONE]\n\n");
    let (out, cut) = run(true, &[body.as_bytes()]);
    assert_eq!(cut, None);
    assert!(out.ends_with("data: [DONE]\n\n"));
    text(&out, 0, field)
}

#[test]
fn a_planted_value_split_anywhere_never_leaves() {
    for planted in [EMAIL, KEY, CARD] {
        for field in ["content", "reasoning_content", "refusal", "thoughts"] {
            for cut in 0..=planted.len() {
                let text = streamed(
                    field,
                    &[format!("see {}", &planted[..cut]), format!("{} now", &planted[cut..])],
                );
                assert!(
                    text.starts_with("see [redacted:") && text.ends_with("] now"),
                    "{field} {cut}: {text}"
                );
            }
        }
    }
}

#[test]
fn innocent_events_pass_as_they_came() {
    let mut body = event(0, json!({"role": "assistant", "content": ""}), Value::Null);
    for word in ["Grüße", " an", " alle", ",\n", "auch", " Bob."] {
        body.push_str(&event(0, json!({"content": word}), Value::Null));
    }
    body.push_str(&event(0, json!({}), json!("stop")));
    body.push_str("data: [DONE]\n\n");
    assert_eq!(run(true, &[body.as_bytes()]), (body, None));
}

#[test]
fn tool_calls_are_released_whole_and_after_the_decision() {
    let call = |name: Value, arguments: &str| json!({"tool_calls": [{"index": 0, "function": {"name": name, "arguments": arguments}}]});
    let head = event(0, call(json!("demo_x"), ""), Value::Null);
    let mut filter = filter(true);
    assert!(filter.push(Bytes::from(head.clone())).unwrap().out.is_empty());
    assert!(filter.push(Bytes::from(event(0, json!({"tool_calls": [{"index": 0, "function": {"arguments": "{\"to\":\"alice.smith\\u0040con"}}]}), Value::Null))).unwrap().out.is_empty());
    assert!(filter.push(Bytes::from(event(0, json!({"tool_calls": [{"index": 0, "function": {"arguments": "toso.com\",\"card\":4012888888881881}"}}]}), Value::Null))).unwrap().out.is_empty());
    let held = filter.push(Bytes::from(event(0, json!({}), json!("tool_calls")))).unwrap();
    let out = String::from_utf8(held.out.to_vec()).unwrap();
    let arguments: String = events(&out)
        .iter()
        .filter_map(|e| {
            e["choices"][0]["delta"]["tool_calls"][0]["function"]["arguments"].as_str().map(str::to_owned)
        })
        .collect();
    let parsed: Value = serde_json::from_str(&arguments).unwrap();
    assert_eq!(parsed, json!({"to": "[redacted:email]", "card": "[redacted:card]"}), "{out}");

    let mut body = event(0, call(json!("demo_bad"), "{}"), Value::Null);
    body.push_str(&event(0, json!({}), json!("tool_calls")));
    let (out, cut) = run(true, &[body.as_bytes()]);
    assert_eq!(cut, Some("tool_denied"));
    assert!(!out.contains("demo_bad") && out.contains("content_filter") && out.ends_with("data: [DONE]\n\n"));
}

#[test]
fn choices_are_apart_and_keep_their_order() {
    let mut body = String::new();
    body.push_str(&event(0, json!({"content": "a AKIAQYLPMN5"}), Value::Null));
    body.push_str(&event(1, json!({"content": "plain words "}), Value::Null));
    body.push_str(&event(0, json!({"content": "HHHFPZAM2 b"}), Value::Null));
    body.push_str(&event(1, json!({}), json!("stop")));
    body.push_str(&event(0, json!({}), json!("stop")));
    body.push_str("data: [DONE]\n\n");
    let (out, cut) = run(true, &[body.as_bytes()]);
    assert_eq!(cut, None);
    assert_eq!(text(&out, 0, "content"), "a [redacted:aws_access_key] b");
    assert_eq!(text(&out, 1, "content"), "plain words ");
    let finished: Vec<_> = events(&out)
        .iter()
        .filter(|e| !e["choices"][0]["finish_reason"].is_null())
        .map(|e| e["choices"][0]["index"].clone())
        .collect();
    assert_eq!(finished.len(), 2);
}

#[test]
fn log_probabilities_go_with_an_edited_text_and_stay_with_others() {
    let piece = |token: &str| {
        json!({"id": "c", "choices": [{"index": 0, "delta": {"content": token}, "finish_reason": null,
        "logprobs": {"content": [{"token": token, "logprob": -0.5, "bytes": token.as_bytes(), "top_logprobs": []}]}}]})
    };
    let mut body: String =
        ["Hello ", EMAIL, " and more"].iter().map(|t| format!("data: {}\n\n", piece(t))).collect();
    body.push_str(&event(0, json!({}), json!("stop")));
    body.push_str("data: [DONE]\n\n");
    let (out, _) = run(true, &[body.as_bytes()]);
    let events = events(&out);
    assert_eq!(events[0], piece("Hello "));
    assert!(events[1]["choices"][0]["logprobs"].is_null());
    assert!(!out.contains("alice") && !out.contains("97,108,105"));
}

#[test]
fn a_field_that_comes_with_every_event_does_not_hold_the_stream() {
    let mut filter = filter(true);
    let mut left = 0;
    for word in ["One ", "two ", "three ", "four "] {
        let event =
            json!({"id": "c", "vendor": "Contoso", "choices": [{"index": 0, "delta": {"content": word}}]});
        let held = filter.push(Bytes::from(format!("data: {event}\n\n"))).unwrap();
        left += events(std::str::from_utf8(&held.out).unwrap()).len();
    }
    assert!(left >= 3, "{left}");
}

#[test]
fn an_answer_of_endless_new_fields_is_cut() {
    let fields: String = (0..9_000).map(|n| format!("\"f{n}\":\"x\",")).collect();
    let (out, cut) = run(true, &[format!("data: {{{fields}\"choices\":[]}}\n\n").as_bytes()]);
    assert_eq!(cut, Some("upstream_too_large"));
    assert!(out.len() < 1_000);
}

#[test]
fn an_answer_that_ends_early_still_tells_what_was_found() {
    let mut filter = filter(true);
    filter.push(Bytes::from(event(0, json!({"content": format!("{EMAIL} and ")}), Value::Null))).unwrap();
    let inspection = filter.stats().inspection.unwrap();
    assert_eq!(inspection.findings.len(), 1);
    assert!(inspection.ran.iter().any(|r| r.detector.starts_with("pii@") && r.bytes > 0));
}

#[test]
fn an_empty_finish_reason_ends_nothing() {
    let mut body = event(0, json!({"content": "One "}), json!(""));
    body.push_str(&event(0, json!({"content": "two"}), json!("")));
    body.push_str(&event(0, json!({}), json!("stop")));
    body.push_str("data: [DONE]\n\n");
    assert_eq!(run(true, &[body.as_bytes()]), (body, None));
}

#[test]
fn padding_does_not_hold_the_stream() {
    let mut filter = filter(true);
    let mut left = 0;
    for (word, padding) in [("One ", "aZ3k"), ("two ", "q9LmN"), ("three ", "Xy7")] {
        let event =
            json!({"id": "c", "obfuscation": padding, "choices": [{"index": 0, "delta": {"content": word}}]});
        let held = filter.push(Bytes::from(format!("data: {event}\n\n"))).unwrap();
        left += events(std::str::from_utf8(&held.out).unwrap()).len();
    }
    assert_eq!(left, 3);
}

#[test]
fn broken_streams_end_in_the_dialect() {
    let begun = event(0, json!({"content": "x "}), Value::Null);
    for (bytes, code) in [
        (format!("{begun}data: {{\"a\":\n\n"), "upstream_malformed"),
        (format!("{begun}data: {{\"error\":{{\"message\":\"{EMAIL}\"}}}}\n\n"), "upstream_failed"),
        (begun.clone(), "upstream_failed"),
        (format!("{begun}data: {}", "x".repeat(1 << 21)), "upstream_too_large"),
    ] {
        let (out, cut) = run(true, &[bytes.as_bytes()]);
        assert_eq!(cut, Some(code));
        assert!(out.ends_with("data: [DONE]\n\n") && !out.contains("alice"), "{out}");
    }
    assert_eq!(run(false, &[b"<html>"]).1, Some("upstream_malformed"));
}

fn content() -> impl Strategy<Value = String> {
    let fragment = prop::sample::select(vec![
        EMAIL,
        KEY,
        CARD,
        "alice",
        "@",
        "contoso",
        ".com",
        " ",
        "4012",
        "-",
        "AKIA",
        "eyJhbGciOi",
        "-----BEGIN PRIVATE KEY-----",
        "-----END PRIVATE KEY-----",
        "é",
        "\u{200b}",
        "\n",
        "the quick ",
        "\"",
        "\\u0040",
        "123-45-6789",
        "DE89370400440532013000",
    ]);
    prop::collection::vec(fragment, 0..10).prop_map(|f| f.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn any_pieces_give_what_the_whole_gives(text in content(), cuts in prop::collection::vec(0_usize..200, 0..12)) {
        prop_assert_eq!(streamed("content", &cut_at(&text, &cuts)), whole(&text));
    }

    #[test]
    fn any_byte_pieces_give_the_same_bytes(text in content(), cuts in prop::collection::vec(0_usize..2_000, 0..12)) {
        let body = format!("{}{}data: [DONE]\n\n", event(0, json!({"content": text}), Value::Null), event(0, json!({}), json!("stop")));
        let mut cuts: Vec<usize> = cuts.into_iter().map(|c| c % (body.len() + 1)).collect();
        cuts.sort_unstable();
        let mut pieces = Vec::new();
        let mut from = 0;
        for cut in cuts {
            pieces.push(&body.as_bytes()[from..cut]);
            from = cut;
        }
        pieces.push(&body.as_bytes()[from..]);
        prop_assert_eq!(run(true, &pieces), run(true, &[body.as_bytes()]));
    }
}
