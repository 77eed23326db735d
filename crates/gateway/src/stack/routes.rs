//! What is asked for, by method and path.

use http::{HeaderMap, Method};

use super::predict;
use crate::dialect::{Dialect, Family, is_atom};
use crate::predict::Below;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Route {
    /// Something of a model.
    Model { dialect: Dialect, named: ByPath },
    /// The models that exist, or one of them.
    Models { one: Option<String>, family: Family },
    /// What Ollama says of itself and its models.
    Ollama(Told),
    /// What a server of models that are not generative says of itself.
    Server { model: String, told: predict::Told },
}

/// What Ollama's clients ask beside answers of models.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// The models that exist.
    Tags,
    /// The models that are loaded.
    Loaded,
    /// One model.
    Show,
    /// The version of the server.
    Version,
}

/// What a path says of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ByPath {
    /// The body names the model.
    Nothing,
    /// The path does, as Azure's deployments, and the body gets its name.
    Model(String),
    /// The path does, and says where at the upstream it is.
    Below(Below),
}

/// Why a path leads nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stray {
    Path,
    Method,
    /// It would change the models of a server.
    Management,
}

/// How errors look to whoever asks for this path.
pub(super) fn family(path: &str, headers: &HeaderMap) -> Family {
    let is_models = path.starts_with("/v1/models") && headers.contains_key("anthropic-version");
    if path == "/ollama" || path.starts_with("/ollama/") {
        Family::Ollama
    } else if path.starts_with("/predict/") {
        Family::Predict
    } else if is_models || path.starts_with("/anthropic/") || path.starts_with("/v1/messages") {
        Family::Anthropic
    } else {
        Family::OpenAi
    }
}

/// Finds what is asked for.
pub(super) fn route(method: &Method, path: &str, headers: &HeaderMap) -> Result<Route, Stray> {
    let family = family(path, headers);
    if family == Family::Ollama && manages(path) {
        return Err(Stray::Management);
    }
    if family == Family::Predict {
        return predict::find(method, path).ok_or(Stray::Path)?;
    }
    let found = find(path, family).ok_or(Stray::Path)?;
    let is_told =
        matches!(found, Route::Models { .. } | Route::Ollama(Told::Tags | Told::Loaded | Told::Version));
    let wanted = if is_told { Method::GET } else { Method::POST };
    if *method == wanted { Ok(found) } else { Err(Stray::Method) }
}

/// Calls of Ollama's that change which models a server has
/// (<https://github.com/ollama/ollama/blob/main/docs/api.md>): no method of theirs is offered.
fn manages(path: &str) -> bool {
    let below = path.strip_prefix("/ollama/api/").unwrap_or_default();
    matches!(below, "pull" | "push" | "create" | "delete" | "copy")
        || below == "blobs"
        || below.starts_with("blobs/")
}

fn ollama(path: &str) -> Option<Route> {
    let dialect = match path.strip_prefix("/ollama/api/")? {
        "chat" => Dialect::OllamaChat,
        "generate" => Dialect::OllamaGenerate,
        "embed" => Dialect::OllamaEmbed,
        "embeddings" => Dialect::OllamaEmbedding,
        "tags" => return Some(Route::Ollama(Told::Tags)),
        "ps" => return Some(Route::Ollama(Told::Loaded)),
        "show" => return Some(Route::Ollama(Told::Show)),
        "version" => return Some(Route::Ollama(Told::Version)),
        _ => return None,
    };
    Some(Route::Model { dialect, named: ByPath::Nothing })
}

fn find(path: &str, family: Family) -> Option<Route> {
    // Azure: by deployment, or its `v1` API. The `api-version` in the query says nothing that the body does not.
    if let Some(rest) = path.strip_prefix("/openai/deployments/") {
        let (name, operation) = rest.split_once('/')?;
        let dialect = match operation {
            "chat/completions" => Dialect::Chat,
            "completions" => Dialect::Completions,
            "embeddings" => Dialect::Embeddings,
            _ => return None,
        };
        let is_name = is_atom(name) && !name.is_empty();
        return is_name.then(|| Route::Model { dialect, named: ByPath::Model(name.to_owned()) });
    }
    let below = match family {
        Family::Anthropic => path.strip_prefix("/anthropic").unwrap_or(path).strip_prefix("/v1/")?,
        Family::Ollama => return ollama(path),
        Family::Predict => return None,
        Family::OpenAi => path
            .strip_prefix("/v1/")
            .or_else(|| path.strip_prefix("/openai/v1/"))
            .or_else(|| path.strip_prefix("/openai/"))?,
    };
    let dialect = match (family, below) {
        (_, "models") => return Some(Route::Models { one: None, family }),
        (Family::OpenAi, "chat/completions") => Dialect::Chat,
        (Family::OpenAi, "completions") => Dialect::Completions,
        (Family::OpenAi, "embeddings") => Dialect::Embeddings,
        (Family::OpenAi, "responses") => Dialect::Responses,
        (Family::Anthropic, "messages") => Dialect::Messages,
        (Family::Anthropic, "messages/count_tokens") => Dialect::CountTokens,
        _ => {
            let one = below.strip_prefix("models/").filter(|one| !one.is_empty())?;
            return Some(Route::Models { one: Some(one.to_owned()), family });
        }
    };
    Some(Route::Model { dialect, named: ByPath::Nothing })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dialect(path: &str) -> Option<Dialect> {
        match route(&Method::POST, path, &HeaderMap::new()) {
            Ok(Route::Model { dialect, .. }) => Some(dialect),
            _ => None,
        }
    }

    #[test]
    fn paths_lead_to_dialects() {
        assert_eq!(dialect("/v1/chat/completions"), Some(Dialect::Chat));
        assert_eq!(dialect("/openai/v1/responses"), Some(Dialect::Responses));
        assert_eq!(dialect("/openai/responses"), Some(Dialect::Responses));
        assert_eq!(dialect("/openai/deployments/my-gpt/embeddings"), Some(Dialect::Embeddings));
        assert_eq!(dialect("/v1/messages"), Some(Dialect::Messages));
        assert_eq!(dialect("/anthropic/v1/messages/count_tokens"), Some(Dialect::CountTokens));
        for stray in [
            "/",
            "/v1",
            "/v1/",
            "/anthropic/v1/chat/completions",
            "/openai/deployments/a%2fb/embeddings",
            "/openai/deployments//embeddings",
        ] {
            assert_eq!(dialect(stray), None, "{stray}");
        }
        assert_eq!(route(&Method::GET, "/v1/messages", &HeaderMap::new()), Err(Stray::Method));
        assert_eq!(dialect("/ollama/api/chat"), Some(Dialect::OllamaChat));
        assert_eq!(dialect("/ollama/api/nothing"), None);
        for (method, path) in [
            (Method::POST, "/ollama/api/pull"),
            (Method::DELETE, "/ollama/api/delete"),
            (Method::HEAD, "/ollama/api/blobs/sha256:00"),
            (Method::GET, "/ollama/api/copy"),
        ] {
            assert_eq!(route(&method, path, &HeaderMap::new()), Err(Stray::Management), "{path}");
        }
    }
}
