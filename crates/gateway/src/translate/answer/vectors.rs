//! Reads OpenAI's embeddings and writes Ollama's. They are no conversation, and are told in one piece.

use super::Facts;
use crate::translate::json::{Json, object};
use crate::translate::{Api, Malformed};

/// Numbers of one answer. Each takes more memory than its digits.
const MAX_NUMBERS: usize = 1_000_000;

/// The caller's answer, and how many tokens went in.
pub(super) fn translated(to: Api, body: &[u8], facts: &Facts) -> Result<(Json, Option<u64>), Malformed> {
    let json = Json::parse_up_to(body, MAX_NUMBERS).map_err(|_| Malformed::NotJson)?;
    if json.get("error").is_some() {
        return Err(Malformed::Failed);
    }
    let data = json.get("data").and_then(Json::list).ok_or(Malformed::Shape("there are no vectors"))?;
    let mut vectors = Vec::with_capacity(data.len());
    for (at, entry) in data.iter().enumerate() {
        let place = entry.get("index").and_then(Json::count).unwrap_or(u64::try_from(at).unwrap_or(u64::MAX));
        let vector = entry.get("embedding").and_then(Json::list);
        let vector = vector.filter(|list| list.iter().all(|number| number.float().is_some()));
        vectors.push((place, vector.ok_or(Malformed::Shape("a vector is no list of numbers"))?.to_vec()));
    }
    vectors.sort_by_key(|(place, _)| *place);
    let tokens = json.at(&["usage", "prompt_tokens"]).and_then(Json::count);
    let mut vectors = vectors.into_iter().map(|(_, vector)| Json::List(vector));
    let out = if to == Api::OllamaEmbedding {
        object([("embedding", vectors.next().unwrap_or(Json::List(Vec::new())))])
    } else {
        let mut out = object([
            ("model", facts.model.as_str().into()),
            ("embeddings", vectors.collect::<Vec<_>>().into()),
        ]);
        if let Some(tokens) = tokens {
            out.insert("prompt_eval_count", tokens);
        }
        out
    };
    Ok((out, tokens))
}
