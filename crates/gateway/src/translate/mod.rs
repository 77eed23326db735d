//! Callers speak one API, an upstream another. Requests are read into one neutral form and written in the other API;
//! answers become one neutral sequence of events and are written in the caller's. What cannot be said in the other
//! API and would change the meaning is refused, with its place. `docs/translation.md` lists it all.
//!
//! Nothing here waits, reads a clock or draws a number: what is needed comes in as a value.

mod answer;
pub(crate) mod json;
mod request;
#[cfg(test)]
mod tests;

pub(crate) use answer::{Answer, Caps, Facts};
pub(crate) use request::{ChatLimit, Terms, Thinking, request};

/// An API that a caller or an upstream speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Api {
    /// OpenAI chat completions.
    Chat,
    /// Anthropic messages, version 2023-06-01.
    Messages,
    /// OpenAI responses; for callers only.
    Responses,
    /// OpenAI embeddings; for upstreams only, and only of callers of the two below.
    Embeddings,
    /// Ollama's chat; for callers only, as the three below.
    OllamaChat,
    /// Ollama's completion of one prompt.
    OllamaGenerate,
    /// Ollama's embeddings of texts.
    OllamaEmbed,
    /// Ollama's older embedding of one text.
    OllamaEmbedding,
}

/// A request that the other API cannot express.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} (at {pointer:?})")]
pub(crate) struct Untranslatable {
    /// Where it stands in the caller's body (JSON Pointer, RFC 6901). Keys are the caller's words.
    pub(crate) pointer: String,
    /// What it is. Never holds a word of the caller's.
    pub(crate) what: &'static str,
    /// The code by which a client of the API knows that it can go on without, for `error.details.error_code`.
    pub(crate) code: Option<&'static str>,
}

impl From<crate::sse::SseError> for Malformed {
    fn from(error: crate::sse::SseError) -> Self {
        match error {
            crate::sse::SseError::TooLarge => Self::TooLarge,
            crate::sse::SseError::Utf8 => Self::NotJson,
        }
    }
}

/// An upstream's answer that cannot be told in the caller's API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Malformed {
    /// More than the caps allow.
    #[error("the answer is larger than its cap")]
    TooLarge,
    /// Not JSON, or not UTF-8.
    #[error("the answer is not JSON")]
    NotJson,
    /// It ended before it said that it ends.
    #[error("the answer ended too early")]
    Truncated,
    /// It is an error, in the place of an answer.
    #[error("the answer is an error")]
    Failed,
    /// It does not have the API's shape.
    #[error("the answer has an unknown shape: {0}")]
    Shape(&'static str),
}
