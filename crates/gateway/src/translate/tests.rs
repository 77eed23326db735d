//! Whole translations against golden files, and what holds for any bytes.
//!
//! `testdata/translate/request/{caller's API}` holds bodies, `testdata/translate/answer/{upstream's API}` whole answers and
//! streams, each with its translations beside it. `STOCKADE_UPDATE_GOLDEN=1` writes the translations anew.

mod properties;
mod refusals;

use std::path::{Path, PathBuf};

use super::json::Json;
use super::*;

const APIS: [(Api, &str); 3] =
    [(Api::Chat, "chat"), (Api::Messages, "messages"), (Api::Responses, "responses")];

/// What callers speak, beside what upstreams speak.
const CALLERS: [(Api, &str); 2] =
    [(Api::OllamaChat, "ollama_chat"), (Api::OllamaGenerate, "ollama_generate")];

/// Vectors are no conversation: they come from one API, in the words of two.
const VECTORS: [(Api, &str); 2] =
    [(Api::OllamaEmbed, "ollama_embed"), (Api::OllamaEmbedding, "ollama_embedding")];

const CAPS: Caps = Caps { event: 1 << 20, whole: 1 << 20 };

#[test]
fn requests_are_translated_as_the_golden_files_say() {
    for (from, folder) in APIS.into_iter().chain(CALLERS) {
        for (name, input) in inputs(&root().join("request").join(folder)) {
            for (to, word) in APIS.into_iter().filter(|(to, _)| *to != from && *to != Api::Responses) {
                let body = request(from, to, &input, &Terms::default())
                    .unwrap_or_else(|refused| panic!("{folder}/{name} to {word}: {refused}"));
                golden(
                    &root().join("request").join(folder).join(format!("{name}.{word}.json")),
                    pretty(&body),
                );
            }
        }
    }
}

#[test]
fn vectors_are_translated_as_the_golden_files_say() {
    for (api, word) in VECTORS {
        for (name, input) in inputs(&root().join("request").join(word)) {
            let body = request(api, Api::Embeddings, &input, &Terms::default()).unwrap();
            golden(&root().join("request").join(word).join(format!("{name}.embeddings.json")), pretty(&body));
        }
        let folder = root().join("answer/embeddings");
        for (name, input) in inputs(&folder) {
            let (out, broken) = translated(Api::Embeddings, api, false, &[&input]);
            assert_eq!(broken, None);
            golden(&folder.join(format!("{name}.{word}.json")), pretty(&out));
        }
    }
    for body in
        [r#"{"model":"m","input":[1,2]}"#, r#"{"model":"m"}"#, r#"{"model":"m","input":"a","extra":1}"#]
    {
        assert!(
            request(Api::OllamaEmbed, Api::Embeddings, body.as_bytes(), &Terms::default()).is_err(),
            "{body}"
        );
    }
    for answer in [r#"{"data":[{"embedding":"AAAA"}]}"#, r#"{"data":7}"#, "[]", r#"{"error":{}}"#] {
        let (_, broken) = translated(Api::Embeddings, Api::OllamaEmbed, false, &[answer.as_bytes()]);
        assert!(broken.is_some(), "{answer}");
    }
}

#[test]
fn the_upstream_s_owner_says_which_words_it_knows() {
    let body = br#"{"model":"m","max_tokens":9000,"messages":[{"role":"user","content":"x"}],"reasoning_effort":"high"}"#;
    let terms = Terms { thinking: Thinking::Budget, ..Terms::default() };
    let out = |body: &[u8]| Json::parse(&request(Api::Chat, Api::Messages, body, &terms).unwrap()).unwrap();
    // Half of the limit is left to the answer; with less than twice the least budget nothing is thought.
    assert_eq!(out(body).at(&["thinking", "budget_tokens"]).and_then(Json::count), Some(4_500));
    assert_eq!(out(body).get("output_config"), None);
    let small = String::from_utf8_lossy(body).replace("9000", "2000");
    assert_eq!(out(small.as_bytes()).get("thinking"), None);
    let forced = String::from_utf8_lossy(body).replace("\"high\"", "\"high\",\"temperature\":0");
    assert_eq!(out(forced.as_bytes()).get("thinking"), None);
    let off = String::from_utf8_lossy(body).replace("\"high\"", "\"none\"");
    assert_eq!(out(off.as_bytes()).at(&["thinking", "type"]).and_then(Json::text), Some("disabled"));
    let called = br#"{"model":"m","messages":[{"role":"user","content":"x"},
        {"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]},
        {"role":"tool","tool_call_id":"c","content":"y"}],"reasoning_effort":"high"}"#;
    assert_eq!(out(called).get("thinking"), None);

    let terms = Terms { limit: ChatLimit::MaxCompletionTokens, ..Terms::default() };
    let body = br#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}]}"#;
    let out = Json::parse(&request(Api::Messages, Api::Chat, body, &terms).unwrap()).unwrap();
    assert_eq!(out.get("max_completion_tokens").and_then(Json::count), Some(9));
    assert_eq!(out.get("max_tokens"), None);
}

#[test]
fn answers_are_translated_as_the_golden_files_say() {
    for (from, folder) in [APIS[0], APIS[1]] {
        let folder = root().join("answer").join(folder);
        for (name, input) in inputs(&folder) {
            let stream = name.ends_with("stream");
            for (to, word) in APIS.into_iter().chain(CALLERS).filter(|(to, _)| *to != from) {
                let text = match translated(from, to, stream, &[&input]) {
                    (out, None) => out,
                    (out, Some(malformed)) => [out, format!("({malformed})\n").into_bytes()].concat(),
                };
                let text = if stream { String::from_utf8(text).unwrap() } else { pretty(&text) };
                let ending = match (stream, word.starts_with("ollama")) {
                    (true, true) => "ndjson",
                    (true, false) => "sse",
                    (false, _) => "json",
                };
                golden(&folder.join(format!("{name}.{word}.{ending}")), text);
            }
        }
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/translate")
}

fn inputs(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut inputs = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if let Some((name, "in.json" | "in.sse")) = name.split_once('.') {
            inputs.push((name.to_owned(), std::fs::read(&path).unwrap()));
        }
    }
    assert!(!inputs.is_empty(), "{}", folder.display());
    inputs.sort();
    inputs
}

fn golden(path: &Path, now: String) {
    if std::env::var_os("STOCKADE_UPDATE_GOLDEN").is_some() {
        std::fs::write(path, &now).unwrap();
    }
    let golden = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(golden, now, "{}: STOCKADE_UPDATE_GOLDEN=1 writes it anew", path.display());
}

fn facts() -> Facts {
    Facts {
        model: "model-asked-for".to_owned(),
        include_usage: true,
        seed: "01abc".to_owned(),
        created: 1_700_000_000,
    }
}

fn translated(from: Api, to: Api, stream: bool, pieces: &[&[u8]]) -> (Vec<u8>, Option<Malformed>) {
    let mut answer = Answer::new(from, to, stream, facts(), CAPS);
    let mut out = Vec::new();
    for piece in pieces {
        match answer.push(piece) {
            Ok(told) => out.extend(told),
            Err(malformed) => return (out, Some(malformed)),
        }
    }
    // Once for what was told before an error, and once for the error.
    for _ in 0..2 {
        match answer.finish() {
            Ok(told) => out.extend(told),
            Err(malformed) => return (out, Some(malformed)),
        }
    }
    (out, None)
}

/// Cuts bytes at places that a test draws.
pub(super) fn cut<'a>(bytes: &'a [u8], places: &[usize]) -> Vec<&'a [u8]> {
    let mut places: Vec<usize> = places.iter().map(|place| place % (bytes.len() + 1)).collect();
    places.sort_unstable();
    let mut pieces = Vec::new();
    let mut from = 0;
    for place in places {
        pieces.push(&bytes[from..place]);
        from = place;
    }
    pieces.push(&bytes[from..]);
    pieces
}

/// JSON for people, in the order in which it was written.
fn pretty(text: &[u8]) -> String {
    let mut out = String::new();
    lay(&Json::parse(text).unwrap(), 1, &mut out);
    out.push('\n');
    out
}

fn lay(json: &Json, depth: usize, out: &mut String) {
    let (ends, items): (_, Vec<(String, &Json)>) = match json {
        Json::List(list) if !list.is_empty() => {
            (['[', ']'], list.iter().map(|v| (String::new(), v)).collect())
        }
        Json::Map(map) if !map.is_empty() => {
            (['{', '}'], map.iter().map(|(k, v)| (format!("{}: ", Json::from(k.as_str())), v)).collect())
        }
        leaf => return leaf.write(out),
    };
    out.push(ends[0]);
    for (at, (key, value)) in items.iter().enumerate() {
        out.push_str(if at > 0 { ",\n" } else { "\n" });
        out.push_str(&"  ".repeat(depth));
        out.push_str(key);
        lay(value, depth + 1, out);
    }
    out.push('\n');
    out.push_str(&"  ".repeat(depth - 1));
    out.push(ends[1]);
}
