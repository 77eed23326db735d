//! What holds for any bytes and any cuts.

use proptest::prelude::*;

use super::*;

const PAIRS: [(Api, Api); 8] = [
    (Api::Chat, Api::Messages),
    (Api::Chat, Api::Responses),
    (Api::Messages, Api::Chat),
    (Api::Messages, Api::Responses),
    (Api::Chat, Api::OllamaChat),
    (Api::Chat, Api::OllamaGenerate),
    (Api::Messages, Api::OllamaChat),
    (Api::Messages, Api::OllamaGenerate),
];

/// Events that could come from an upstream, good and bad.
fn event() -> impl Strategy<Value = String> {
    let text = r#"[a-c{}":,\\ é]{0,6}"#.prop_map(|text| Json::from(text).to_string());
    prop_oneof![
        (text.clone(), 0..3_u8).prop_map(|(text, at)| {
            let key = ["content", "reasoning_content", "refusal"][usize::from(at)];
            format!(r#"{{"choices":[{{"index":0,"delta":{{"{key}":{text}}}}}]}}"#)
        }),
        (text.clone(), 0..3_u8, any::<bool>()).prop_map(|(text, index, named)| {
            let name = if named { r#""name":"f","# } else { "" };
            format!(
                r#"{{"choices":[{{"delta":{{"tool_calls":[{{"index":{index},"function":{{{name}"arguments":{text}}}}}]}}}}]}}"#
            )
        }),
        Just(r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#.to_owned()),
        Just(r#"{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}"#.to_owned()),
        Just("[DONE]".to_owned()),
        Just(r#"{"error":{"type":"overloaded_error","message":"secret"}}"#.to_owned()),
        Just(r#"{"type":"message_start","message":{"usage":{"input_tokens":3}}}"#.to_owned()),
        (0..3_u8, 0..3_u8).prop_map(|(index, at)| {
            let block = [
                r#"{"type":"text","text":""}"#,
                r#"{"type":"thinking","thinking":"x"}"#,
                r#"{"type":"tool_use","id":"t","name":"f","input":{}}"#,
            ][usize::from(at)];
            format!(r#"{{"type":"content_block_start","index":{index},"content_block":{block}}}"#)
        }),
        (text, 0..3_u8).prop_map(|(text, index)| {
            format!(
                r#"{{"type":"content_block_delta","index":{index},"delta":{{"type":"text_delta","text":{text}}}}}"#
            )
        }),
        (0..3_u8).prop_map(|index| format!(r#"{{"type":"content_block_stop","index":{index}}}"#)),
        Just(r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"}}"#.to_owned()),
        Just(r#"{"type":"message_stop"}"#.to_owned()),
        r#"[{}\[\]":,a-c0-9]{0,8}"#,
    ]
}

fn stream() -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![Just("\n"), Just("\r\n"), Just("\r")];
    prop::collection::vec((event(), line), 0..12).prop_map(|events| {
        let lines = events.iter().map(|(event, line)| format!("data: {event}{line}{line}"));
        lines.collect::<String>().into_bytes()
    })
}

proptest! {
    #[test]
    fn pieces_do_not_matter(stream in stream(), cuts in prop::collection::vec(0_usize..2_000, 0..8)) {
        for (from, to) in PAIRS {
            let whole = translated(from, to, true, &[&stream]);
            prop_assert_eq!(&whole, &translated(from, to, true, &cut(&stream, &cuts)));
            prop_assert!(!String::from_utf8(whole.0).unwrap().contains("secret"));
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        for (from, to) in PAIRS {
            for stream in [false, true] {
                let mut answer = Answer::new(from, to, stream, facts(), CAPS);
                let _ = answer.push(&bytes);
                let _ = answer.finish();
            }
            let _ = request(to, from, &bytes, &Terms::default());
        }
    }

    #[test]
    fn a_stream_of_messages_is_well_formed(stream in stream()) {
        let (out, malformed) = translated(Api::Chat, Api::Messages, true, &[&stream]);
        let mut open = None;
        let mut next = 0;
        let mut last = String::new();
        for event in events(&out) {
            let index = event.get("index").and_then(Json::count);
            last = event.get("type").and_then(Json::text).unwrap().to_owned();
            match last.as_str() {
                "content_block_start" => {
                    prop_assert_eq!((open, index), (None, Some(next)));
                    open = index;
                }
                "content_block_delta" => prop_assert_eq!(index, open),
                "content_block_stop" => {
                    prop_assert_eq!(index, open.take());
                    next += 1;
                }
                "message_delta" => prop_assert_eq!(open, None),
                _ => {}
            }
        }
        prop_assert!(malformed.is_some() || last == "message_stop" || last == "error", "{last}");
    }

    #[test]
    fn a_stream_of_responses_is_well_formed(stream in stream()) {
        let (out, malformed) = translated(Api::Chat, Api::Responses, true, &[&stream]);
        let events = events(&out);
        for (at, event) in events.iter().enumerate() {
            prop_assert_eq!(event.get("sequence_number").and_then(Json::count), Some(at as u64));
        }
        let told = |kind: &str| events.iter().filter(|e| e.get("type").and_then(Json::text) == Some(kind)).count();
        if malformed.is_none() {
            prop_assert_eq!(told("response.output_item.added"), told("response.output_item.done"));
            prop_assert_eq!(told("response.content_part.added"), told("response.content_part.done"));
            let last = events.last().unwrap();
            let items = last.at(&["response", "output"]).and_then(Json::list).unwrap().len();
            prop_assert_eq!(items, told("response.output_item.done"));
        }
    }
}

fn events(out: &[u8]) -> Vec<Json> {
    let text = std::str::from_utf8(out).unwrap();
    let data = text.lines().filter_map(|line| line.strip_prefix("data: ")).filter(|data| *data != "[DONE]");
    data.map(|data| Json::parse(data.as_bytes()).unwrap()).collect()
}

#[test]
fn what_is_held_is_bounded() {
    let caps = Caps { event: 4_096, whole: 16_384 };
    let bad = [
        r#"data: {"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"xxxxxxxxxxxxxxxx"}}]}}]}"#,
        r#"data: {"choices":[{"delta":{"tool_calls":[{"id":"","function":{"name":"f"}}]}}]}"#,
        r#"data: {"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"name":"f","arguments":"{"}}],"content":"a"}}]}

data: {"choices":[{"delta":{"reasoning_content":"b"}}]}"#,
        "data: x",
        ": comment",
    ];
    for line in bad {
        let mut answer = Answer::new(Api::Chat, Api::Messages, true, facts(), caps);
        let mut results = (0..100_000).map(|_| answer.push(format!("{line}\n\n").as_bytes()));
        assert_eq!(results.any(|result| result.is_err()), line != ": comment", "{line}");
    }
    for to in [Api::Messages, Api::Responses] {
        let mut answer = Answer::new(Api::Chat, to, false, facts(), caps);
        assert_eq!(answer.push(&[b' '; 16_385]), Err(Malformed::TooLarge));
    }
    let mut answer = Answer::new(Api::Messages, Api::Responses, true, facts(), caps);
    let piece = br#"data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"0123456789"}}"#;
    let start = r#"data: {"type":"message_start"}

data: {"type":"content_block_start","index":0,"content_block":{"type":"text"}}

"#;
    answer.push(start.as_bytes()).unwrap();
    let mut results = (0..10_000).map(|_| answer.push(&[piece.as_slice(), b"\n\n"].concat()));
    assert!(results.any(|result| result == Err(Malformed::TooLarge)));
}
