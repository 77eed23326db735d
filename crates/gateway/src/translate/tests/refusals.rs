//! What cannot be said is refused where it stands.

use super::*;

fn refused(from: Api, to: Api, body: &str) -> String {
    match request(from, to, body.as_bytes(), &Terms::default()) {
        Ok(body) => panic!("taken: {}", String::from_utf8_lossy(&body)),
        Err(refused) => refused.pointer,
    }
}

/// Bodies from what each adds to a good one, with the pointer that must be told.
fn each(from: Api, to: Api, head: &str, cases: &[(&str, &str)]) {
    for (members, pointer) in cases {
        assert_eq!(refused(from, to, &format!("{{{head},{members}}}")), *pointer, "{members}");
    }
}

#[test]
fn chat_to_messages() {
    let head = r#""model":"m""#;
    let hi = r#""messages":[{"role":"user","content":"hi"}]"#;
    let with = |member: &str| format!("{hi},{member}");
    let top = [
        (r#""n":2"#, "/n"),
        (r#""audio":{"voice":"a","format":"wav"}"#, "/audio"),
        (r#""modalities":["text","audio"]"#, "/modalities"),
        (r#""logprobs":true"#, "/logprobs"),
        (r#""logit_bias":{"5":-100}"#, "/logit_bias"),
        (r#""frequency_penalty":0.5"#, "/frequency_penalty"),
        (r#""web_search_options":{}"#, "/web_search_options"),
        (r#""functions":[{"name":"f"}]"#, "/functions"),
        (r#""store":true"#, "/store"),
        (r#""verbosity":"lavish""#, "/verbosity"),
        (r#""temperature":1.5"#, "/temperature"),
        (r#""temperature":"hot""#, "/temperature"),
        (r#""max_tokens":1.5"#, "/max_tokens"),
        (r#""response_format":{"type":"json_object"}"#, "/response_format"),
        (r#""response_format":{"type":"grammar"}"#, "/response_format/type"),
        (r#""tools":[{"type":"custom","custom":{"name":"f"}}]"#, "/tools/0/type"),
        (
            r#""tools":[{"type":"function","function":{"name":"f","new~/field":1}}]"#,
            "/tools/0/function/new~0~1field",
        ),
        (r#""tool_choice":{"type":"allowed_tools","allowed_tools":{}}"#, "/tool_choice/type"),
        (r#""some_new_field":{}"#, "/some_new_field"),
    ];
    for (member, pointer) in top {
        each(Api::Chat, Api::Messages, head, &[(&with(member), pointer)]);
    }
    let last = r#"{"role":"user","content":"hi"}"#;
    let messages = [
        (r#"{"role":"user","name":"ann","content":"hi"}"#, "/messages/0/name"),
        (r#"{"role":"function","content":"hi"}"#, "/messages/0/role"),
        (
            r#"{"role":"user","content":[{"type":"input_audio","input_audio":{}}]}"#,
            "/messages/0/content/0/type",
        ),
        (
            r#"{"role":"user","content":[{"type":"file","file":{"file_id":"f"}}]}"#,
            "/messages/0/content/0/file/file_id",
        ),
        (
            r#"{"role":"user","content":[{"type":"file","file":{"file_data":"data:text/csv;base64,AA=="}}]}"#,
            "/messages/0/content/0",
        ),
        (
            r#"{"role":"user","content":[{"type":"image_url","image_url":{"url":"file:///etc/passwd"}}]}"#,
            "/messages/0/content/0/image_url/url",
        ),
        (
            r#"{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/tiff;base64,AA=="}}]}"#,
            "/messages/0/content/0",
        ),
        (
            r#"{"role":"system","content":[{"type":"image_url","image_url":{"url":"https://a.example/b.png"}}]}"#,
            "/messages/0/content/0",
        ),
        (
            r#"{"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"[1]"}}]}"#,
            "/messages/0/tool_calls/0/function/arguments",
        ),
        (r#"{"role":"assistant","audio":{"id":"a"}}"#, "/messages/0/audio"),
        (
            r#"{"role":"assistant","function_call":{"name":"f","arguments":"{}"}}"#,
            "/messages/0/function_call",
        ),
    ];
    for (message, pointer) in messages {
        each(Api::Chat, Api::Messages, head, &[(&format!(r#""messages":[{message},{last}]"#), pointer)]);
    }
    let ends = [
        (r#""messages":[]"#, ""),
        (
            r#""messages":[{"role":"user","content":"hi"},{"role":"assistant","content":"The"}]"#,
            "/messages/1",
        ),
        (r#""messages":{}"#, "/messages"),
        (r#""messages":[{"role":"user","content":[]}]"#, "/messages/0/content"),
        (r#""messages":[{"role":"system","content":"x"}]"#, "/messages/0"),
        (
            r#""messages":[{"role":"user","content":"x"}],"max_tokens":1,"max_completion_tokens":1"#,
            "/max_tokens",
        ),
    ];
    each(Api::Chat, Api::Messages, head, &ends);
}

#[test]
fn messages_to_chat() {
    let head = r#""model":"m","max_tokens":9"#;
    let hi = r#""messages":[{"role":"user","content":"hi"}]"#;
    let top = [
        (r#""top_k":5"#, "/top_k"),
        (r#""container":"c""#, "/container"),
        (r#""mcp_servers":[{"type":"url"}]"#, "/mcp_servers"),
        (r#""inference_geo":"eu""#, "/inference_geo"),
        (r#""tools":[{"type":"web_search_20250305","name":"web_search"}]"#, "/tools/0/type"),
        (r#""tools":[{"name":"f"}]"#, "/tools/0/input_schema"),
        (r#""tools":[{"name":"f","input_schema":{},"defer_loading":true}]"#, "/tools/0/defer_loading"),
        (r#""thinking":{"type":"dreaming"}"#, "/thinking/type"),
        (r#""system":[{"type":"image"}]"#, "/system/0/type"),
        (r#""new_field":1"#, "/new_field"),
    ];
    for (member, pointer) in top {
        each(Api::Messages, Api::Chat, head, &[(&format!("{hi},{member}"), pointer)]);
    }
    let blocks = [
        (r#"{"type":"image","source":{"type":"file","file_id":"f"}}"#, "/messages/0/content/0/source/type"),
        (
            r#"{"type":"document","source":{"type":"url","url":"https://a.example/b.pdf"}}"#,
            "/messages/0/content/0",
        ),
        (
            r#"{"type":"document","citations":{"enabled":true},"source":{"type":"url","url":"https://a.example/"}}"#,
            "/messages/0/content/0/citations",
        ),
        (r#"{"type":"search_result"}"#, "/messages/0/content/0/type"),
        (
            r#"{"type":"tool_result","tool_use_id":"t","content":[{"type":"image","source":{"type":"url","url":"https://a.example/b.png"}}]}"#,
            "/messages/0/content/0/content/0",
        ),
    ];
    for (block, pointer) in blocks {
        let members = format!(r#""messages":[{{"role":"user","content":[{block}]}}]"#);
        each(Api::Messages, Api::Chat, head, &[(&members, pointer)]);
    }
    let ends = [
        (
            r#""messages":[{"role":"user","content":"hi"},{"role":"assistant","content":"The"}]"#,
            "/messages/1",
        ),
        (r#""messages":[{"role":"tool","content":"hi"}]"#, "/messages/0/role"),
    ];
    each(Api::Messages, Api::Chat, head, &ends);
    assert_eq!(refused(Api::Messages, Api::Chat, &format!(r#"{{"model":"m",{hi}}}"#)), "/max_tokens");
}

#[test]
fn clients_are_told_how_to_go_on() {
    let body = br#"{"model":"m","max_tokens":9,"messages":[],"thread":{"type":"create"}}"#;
    let refused = request(Api::Messages, Api::Chat, body, &Terms::default()).unwrap_err();
    assert_eq!((refused.pointer.as_str(), refused.code), ("/thread", Some("thread_unsupported_request")));
}

#[test]
fn responses_to_either() {
    let head = r#""model":"m""#;
    let top = [
        (r#""previous_response_id":"resp_1""#, "/previous_response_id"),
        (r#""conversation":"conv_1""#, "/conversation"),
        (r#""prompt":{"id":"p"}"#, "/prompt"),
        (r#""background":true"#, "/background"),
        (r#""store":true"#, "/store"),
        (r#""include":["web_search_call.action.sources"]"#, "/include"),
        (r#""tools":[{"type":"web_search"}]"#, "/tools/0/type"),
        (r#""tools":[{"type":"mcp","server_label":"s"}]"#, "/tools/0/type"),
        (r#""tool_choice":{"type":"file_search"}"#, "/tool_choice/type"),
        (r#""reasoning":{"effort":"vast"}"#, "/reasoning/effort"),
        (r#""text":{"verbosity":1}"#, "/text/verbosity"),
    ];
    let items = [
        (r#"{"type":"item_reference","id":"msg_1"}"#, "/input/0/type"),
        (r#"{"type":"web_search_call","id":"ws_1"}"#, "/input/0/type"),
        (r#"{"role":"user","content":[{"type":"input_image","file_id":"f"}]}"#, "/input/0/content/0/file_id"),
        (r#"{"role":"user","content":[{"type":"input_audio"}]}"#, "/input/0/content/0/type"),
        (
            r#"{"role":"user","content":[{"type":"input_file","file_data":"AAAA"}]}"#,
            "/input/0/content/0/file_data",
        ),
    ];
    for to in [Api::Chat, Api::Messages] {
        for (member, pointer) in top {
            each(Api::Responses, to, head, &[(&format!(r#""input":"hi",{member}"#), pointer)]);
        }
        for (item, pointer) in items {
            let input = format!(r#""input":[{item},{{"role":"user","content":"hi"}}]"#);
            each(Api::Responses, to, head, &[(&input, pointer)]);
        }
        each(Api::Responses, to, head, &[(r#""input":[{"role":"assistant","content":"The"}]"#, "/input/0")]);
    }
}

#[test]
fn what_is_no_request_is_refused() {
    for body in ["", "[]", "5", "{", "{}", "null", "\u{feff}{}"] {
        for (from, _) in APIS {
            assert!(request(from, Api::Chat, body.as_bytes(), &Terms::default()).is_err(), "{body}");
        }
    }
    let good = br#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#;
    assert!(request(Api::Chat, Api::Responses, good, &Terms::default()).is_err());
}

/// Objects whose members are advice, by the key under which they stand.
const ADVICE: &[&str] = &["metadata", "stream_options", "cache_control"];

/// Every object of a body, with its place.
fn objects(json: &mut Json, at: &str, visit: &mut impl FnMut(&mut Json, &str)) {
    if matches!(json, Json::Map(_)) {
        visit(json, at);
    }
    match json {
        Json::Map(members) => {
            for (key, value) in members {
                objects(value, &json::pointer(at, key), visit);
            }
        }
        Json::List(list) => {
            for (index, value) in list.iter_mut().enumerate() {
                objects(value, &json::pointer(at, index), visit);
            }
        }
        _ => {}
    }
}

#[test]
fn nothing_unknown_is_dropped_unseen() {
    for (from, folder) in APIS {
        for (name, input) in inputs(&root().join("request").join(folder)) {
            let mut places = 0;
            objects(&mut Json::parse(&input).unwrap(), "", &mut |_, _| places += 1);
            for nth in 0..places {
                let mut body = Json::parse(&input).unwrap();
                let (mut at, mut seen) = (String::new(), 0);
                objects(&mut body, "", &mut |object, place| {
                    if seen == nth {
                        object.insert("unknown_field", "said");
                        at = place.to_owned();
                    }
                    seen += 1;
                });
                for (to, _) in APIS.into_iter().filter(|(to, _)| *to != from && *to != Api::Responses) {
                    match request(from, to, body.to_string().as_bytes(), &Terms::default()) {
                        Ok(out) => {
                            let is_advice = ADVICE.iter().any(|key| at.ends_with(key));
                            let is_said = String::from_utf8_lossy(&out).contains("unknown_field");
                            assert!(is_said != is_advice, "{folder}/{name}: {at:?} is dropped");
                        }
                        Err(refused) => assert!(
                            refused.pointer == format!("{at}/unknown_field") || refused.pointer == at,
                            "{folder}/{name}: {at:?} is refused at {:?}",
                            refused.pointer
                        ),
                    }
                }
            }
        }
    }
}

#[test]
fn ollama_to_chat() {
    let head = r#""model":"m""#;
    let hi = r#""messages":[{"role":"user","content":"hi"}]"#;
    let with = |member: &str| format!("{hi},{member}");
    let top = [
        (r#""options":{"top_k":40}"#, "/options/top_k"),
        (r#""options":{"repeat_penalty":1.1}"#, "/options/repeat_penalty"),
        (r#""options":{"unknown":1}"#, "/options/unknown"),
        (r#""think":"a lot""#, "/think"),
        (r#""format":"yaml""#, "/format"),
        (r#""logprobs":true"#, "/logprobs"),
        (r#""tools":[{"type":"other","function":{"name":"f"}}]"#, "/tools/0/type"),
        (r#""new":1"#, "/new"),
    ];
    let top: Vec<(String, &str)> = top.iter().map(|(member, at)| (with(member), *at)).collect();
    let top: Vec<(&str, &str)> = top.iter().map(|(member, at)| (member.as_str(), *at)).collect();
    each(Api::OllamaChat, Api::Chat, head, &top);
    let messages = [
        (r#""messages":[]"#, ""),
        (r#""messages":[{"role":"tool","content":"sent"}]"#, "/messages/0/role"),
        (r#""messages":[{"role":"judge","content":"x"}]"#, "/messages/0/role"),
        (r#""messages":[{"role":"user","content":"x","images":["AAAA"]}]"#, "/messages/0/images/0"),
        (r#""messages":[{"role":"assistant","content":"so"}]"#, "/messages/0"),
        (
            r#""messages":[{"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":"{}"}}]}]"#,
            "/messages/0/tool_calls/0/function/arguments",
        ),
    ];
    each(Api::OllamaChat, Api::Chat, head, &messages);
    let prompt = [
        (r#""prompt":"x","suffix":"y""#, "/suffix"),
        (r#""prompt":"x","raw":true"#, "/raw"),
        (r#""prompt":"x","template":"y""#, "/template"),
        (r#""prompt":"x","context":[1,2]"#, "/context"),
        (r#""stream":false"#, "/prompt"),
    ];
    each(Api::OllamaGenerate, Api::Messages, head, &prompt);
}
