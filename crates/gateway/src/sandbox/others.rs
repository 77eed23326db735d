//! The sandbox model's other protocols: legacy completions, which it answers as it answers a chat, and embeddings, which
//! count words. They are good enough to try a program on, and for nothing else.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use stockade_crypto::sha256;

use super::wire::Answer;

/// Numbers of a vector when nobody says how many.
const DIMENSIONS: u64 = 256;

/// Numbers of a vector at most.
const MAX_DIMENSIONS: u64 = 4_096;

/// Texts of one request at most.
const MAX_TEXTS: usize = 2_048;

/// A completion, whole or as the events of a stream.
pub(super) fn completion(body: &[u8]) -> Result<(Answer, Vec<Vec<u8>>), String> {
    let request: Value = serde_json::from_slice(body).map_err(|e| e.to_string())?;
    let prompt = match request.get("prompt") {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(texts)) => texts.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n"),
        _ => return Err("`prompt` is missing".to_owned()),
    };
    let mut chat = json!({"messages": [{"role": "user", "content": prompt}]});
    for key in ["model", "stream", "n", "stream_options"] {
        if let (Some(value), Some(object)) = (request.get(key), chat.as_object_mut()) {
            object.insert(key.to_owned(), value.clone());
        }
    }
    let answer = Answer::to(chat.to_string().as_bytes())?;
    let pieces = if answer.stream { answer.events() } else { vec![answer.whole()] };
    let pieces = pieces.iter().map(|piece| translated(piece)).collect();
    Ok((answer, pieces))
}

/// A chat's answer or event in the words of completions.
fn translated(piece: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(piece);
    let (lead, json, trail) = match text.strip_prefix("data: ") {
        Some(rest) => ("data: ", rest.trim_end(), "\n\n"),
        None => ("", text.as_ref(), ""),
    };
    let Ok(mut value) = serde_json::from_str::<Value>(json) else { return piece.to_vec() };
    if let Some(object) = value.as_object_mut() {
        object.insert("object".to_owned(), json!("text_completion"));
    }
    for choice in value.get_mut("choices").and_then(Value::as_array_mut).into_iter().flatten() {
        let said = ["/message/content", "/delta/content"].iter().find_map(|at| choice.pointer(at).cloned());
        *choice = json!({
            "index": choice.get("index"), "text": said.and_then(|s| s.as_str().map(str::to_owned)).unwrap_or_default(),
            "logprobs": null, "finish_reason": choice.get("finish_reason"),
        });
    }
    format!("{lead}{value}{trail}").into_bytes()
}

/// Vectors of texts: each word adds to a few places, and the length is one.
pub(super) fn embeddings(body: &[u8]) -> Result<Vec<u8>, String> {
    let request: Value = serde_json::from_slice(body).map_err(|e| e.to_string())?;
    let texts: Vec<&str> = match request.get("input") {
        Some(Value::String(text)) => vec![text],
        Some(Value::Array(list)) if list.len() <= MAX_TEXTS => {
            list.iter().filter_map(Value::as_str).collect()
        }
        _ => return Err("`input` is a text, or a list of at most 2,048 texts".to_owned()),
    };
    let asked = request.get("dimensions").and_then(Value::as_u64).unwrap_or(DIMENSIONS);
    let dimensions = usize::try_from(asked.clamp(1, MAX_DIMENSIONS)).unwrap_or(1);
    let in_base64 = request.get("encoding_format").and_then(Value::as_str) == Some("base64");
    let mut words = 0_usize;
    let data: Vec<Value> = texts
        .iter()
        .enumerate()
        .map(|(index, text)| {
            words = words.saturating_add(text.split_whitespace().count());
            let vector = vector(text, dimensions);
            let embedding = if in_base64 {
                let bytes: Vec<u8> = vector.iter().flat_map(|number| number.to_le_bytes()).collect();
                json!(STANDARD.encode(bytes))
            } else {
                json!(vector)
            };
            json!({"object": "embedding", "index": index, "embedding": embedding})
        })
        .collect();
    let answer = json!({
        "object": "list", "data": data, "model": request.get("model"),
        "usage": {"prompt_tokens": words, "total_tokens": words},
    });
    Ok(answer.to_string().into_bytes())
}

fn vector(text: &str, dimensions: usize) -> Vec<f32> {
    let mut out = vec![0.0_f32; dimensions];
    for word in text.to_lowercase().split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()) {
        for piece in sha256(word.as_bytes()).chunks_exact(4) {
            let number = piece.iter().fold(0_usize, |n, b| (n << 8) | usize::from(*b));
            if let Some(place) = number.checked_rem(dimensions).and_then(|at| out.get_mut(at)) {
                *place += if number & 0x8000_0000 == 0 { 1.0 } else { -1.0 };
            }
        }
    }
    let length = out.iter().map(|n| n * n).sum::<f32>().sqrt();
    if length > 0.0 {
        out.iter_mut().for_each(|n| *n /= length);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn like_texts_have_like_vectors() {
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f32>();
        let vector = |text| vector(text, 256);
        let (cat, kitten, tax) =
            (vector("the cat sat"), vector("The cat slept"), vector("income tax return"));
        assert!(dot(&cat, &kitten) > dot(&cat, &tax));
        assert!((dot(&cat, &cat) - 1.0).abs() < 1e-5);
    }

    #[test]
    fn a_completion_says_what_a_chat_says() {
        let (_, pieces) = completion(br#"{"model":"sandbox","prompt":"say exactly: hello"}"#).unwrap();
        let whole: Value = serde_json::from_slice(&pieces[0]).unwrap();
        assert_eq!(whole["choices"][0]["text"], "[sandbox] hello");
        let (answer, pieces) = completion(br#"{"prompt":"say exactly: a b","stream":true}"#).unwrap();
        assert!(answer.stream && pieces.last().is_some_and(|p| p == b"data: [DONE]\n\n"));
    }
}
