//! OpenAI's legacy completions and its embeddings, as tables
//! (<https://platform.openai.com/docs/api-reference/completions>, <https://platform.openai.com/docs/api-reference/embeddings>).

use stockade_domain::{Channel, Role};

use super::openai::{envelope, owner};
use super::{AnswerTable, Named, Place, RequestTable, SaidBy, Seen};

/// `POST /v1/completions`.
pub(crate) struct CompletionRequest;

/// Its answer; an event of a stream looks the same.
pub(crate) struct Completion;

/// `POST /v1/embeddings`.
pub(crate) struct EmbeddingRequest;

/// Its answer.
pub(crate) struct Embedding;

// === impl CompletionRequest ===

impl RequestTable for CompletionRequest {
    fn name(&self, path: &[&str], _: &Seen) -> Named {
        match path {
            // Numbers in it are token ids, which nobody here can read.
            ["prompt" | "suffix" | "stop", ..] => Named::Text(Channel::Content),
            ["model"] => Named::Atom,
            _ => Named::Text(Channel::Unlabelled),
        }
    }

    fn said_by(&self, path: &[&str]) -> SaidBy {
        match path {
            ["prompt" | "suffix", ..] => SaidBy::Is(Role::User),
            _ => SaidBy::Is(Role::None),
        }
    }

    fn subject(&self) -> &'static str {
        "prompt"
    }
}

// === impl Completion ===

impl AnswerTable for Completion {
    fn name(&self, _: &str, path: &[&str], _: &Seen) -> Named {
        match path {
            ["choices", _, "text"] => Named::Text(Channel::Content),
            _ => envelope(path),
        }
    }

    fn place(&self, _: &str, path: &[&str], seen: &Seen) -> Place {
        owner(path, seen)
    }
}

// === impl EmbeddingRequest ===

impl RequestTable for EmbeddingRequest {
    fn name(&self, path: &[&str], _: &Seen) -> Named {
        match path {
            ["input", ..] => Named::Text(Channel::Content),
            ["model" | "encoding_format"] => Named::Atom,
            _ => Named::Text(Channel::Unlabelled),
        }
    }

    fn said_by(&self, path: &[&str]) -> SaidBy {
        match path {
            ["input", ..] => SaidBy::Is(Role::User),
            _ => SaidBy::Is(Role::None),
        }
    }

    fn subject(&self) -> &'static str {
        "input"
    }
}

// === impl Embedding ===

impl AnswerTable for Embedding {
    fn name(&self, _: &str, path: &[&str], _: &Seen) -> Named {
        match path {
            ["data", _, "embedding", ..] => Named::Vector,
            ["object" | "model" | "id"] | ["data", _, "object"] => Named::Atom,
            _ => Named::Text(Channel::Unlabelled),
        }
    }

    fn place(&self, _: &str, _: &[&str], _: &Seen) -> Place {
        Place::default()
    }
}
