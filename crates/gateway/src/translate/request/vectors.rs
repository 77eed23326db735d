//! Reads Ollama's request for embeddings and writes OpenAI's.

use super::fields::{Fields, Node, Read};
use crate::translate::Api;
use crate::translate::json::{Json, object};

/// The upstream's body.
pub(super) fn translated(from: Api, mut fields: Fields) -> Read<Json> {
    let model = fields.need("model")?.string()?;
    let subject = if from == Api::OllamaEmbedding { "prompt" } else { "input" };
    let input = fields.need(subject)?;
    let input = match input.json {
        Json::Text(text) => text.into(),
        _ => Json::List(
            input.list()?.into_iter().map(|text| Ok(Node::string(text)?.into())).collect::<Read<_>>()?,
        ),
    };
    let mut out = object([("model", model.into()), ("input", input), ("encoding_format", "float".into())]);
    if let Some(dimensions) = fields.take("dimensions") {
        out.insert("dimensions", dimensions.count()?);
    }
    // How a model is run, and what becomes of texts that are too long for it, is the upstream's affair.
    fields.drop(&["keep_alive", "options", "truncate"]);
    fields.end()?;
    Ok(out)
}
