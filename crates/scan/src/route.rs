//! What to change so that a call goes through the gateway: clients are told where to go in ways of their own, and some speak
//! what the gateway does not.

use crate::asset::Asset;

/// How the clients of a provider are told where to go.
enum Way {
    /// By a variable that the client reads, where it reads one, or an argument; then what follows the gateway's address.
    Client { variable: Option<&'static str>, argument: &'static str, path: &'static str },
    /// Only by another client: the provider has an address that speaks OpenAI's API.
    OpenAi(&'static str),
    /// Not at all.
    Unspoken,
}

/// Parts of addresses or of names of variables, with the way of the provider's own clients.
const WAYS: &[(&[&str], Way)] = &[
    (&["anthropic"], client(Some("ANTHROPIC_BASE_URL"), "base_url", "/anthropic")),
    (&["inference.ai.azure", "models.ai.azure", "services.ai.azure"], client(None, "endpoint", "/v1")),
    (&["azure"], client(Some("AZURE_OPENAI_ENDPOINT"), "azure_endpoint", "")),
    (&["api.groq.com"], client(Some("GROQ_BASE_URL"), "base_url", "")),
    (&["api.mistral.ai"], client(None, "server_url", "")),
    (&["api.cerebras.ai"], client(Some("CEREBRAS_BASE_URL"), "base_url", "")),
    (&["api.together.xyz", "api.together.ai"], client(Some("TOGETHER_BASE_URL"), "base_url", "/v1")),
    (&["api.cohere."], Way::OpenAi("https://api.cohere.ai/compatibility/v1")),
    (
        &["generativelanguage.googleapis"],
        Way::OpenAi("https://generativelanguage.googleapis.com/v1beta/openai"),
    ),
    (&[":11434", "ollama"], Way::OpenAi("http://localhost:11434/v1")),
    (&["replicate.com", "bedrock", "aiplatform.googleapis", "sagemaker"], Way::Unspoken),
    (&["api.openai.com", "openai"], client(Some("OPENAI_BASE_URL"), "base_url", "/v1")),
];

const fn client(variable: Option<&'static str>, argument: &'static str, path: &'static str) -> Way {
    Way::Client { variable, argument, path }
}

/// What to change where an endpoint is named. `known` says that the gateway has it as an upstream.
pub(crate) fn change(asset: &Asset, listener: &str, known: bool) -> String {
    let name = asset.name.to_ascii_lowercase();
    let fits = |parts: &&[&str]| parts.iter().any(|part| name.contains(part));
    let way = WAYS.iter().find(|(parts, _)| fits(parts)).map(|(_, way)| way);
    // An address that nobody knows is taken for one that speaks OpenAI's API, as most do.
    let (variable, argument, path) = match way {
        Some(Way::Client { variable, argument, path }) => (*variable, *argument, *path),
        Some(Way::OpenAi(base)) => {
            let own = asset.name.starts_with("http") && name.contains(":11434");
            let base =
                if own { format!("{}/v1", asset.name.trim_end_matches('/')) } else { (*base).to_owned() };
            return format!(
                "the gateway does not speak this client's API: call it by an OpenAI client with \
                 base_url=\"{listener}/v1\" and a Stockade key, and add {base} as an upstream"
            );
        }
        Some(Way::Unspoken) => {
            return "the gateway does not speak this provider's API yet: this call cannot go through it"
                .to_owned();
        }
        None => (None, "base_url", "/v1"),
    };
    let url = format!("{listener}{path}");
    let is_default = asset.facts.contains_key("default");
    let how = match (asset.facts.get("environment").map(String::as_str), variable) {
        (Some(variable), _) => format!("set {variable}={url}"),
        (None, Some(variable)) if is_default => format!("set {variable}={url}, or pass {argument}=\"{url}\""),
        (None, None) if is_default => format!("pass {argument}=\"{url}\""),
        (None, _) => format!("replace {} by {url}", asset.name),
    };
    let upstream =
        if known { "; the gateway has this upstream" } else { ", and add the endpoint as an upstream" };
    format!("{how} and use a Stockade key{upstream}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::asset::{Kind, Scope};

    fn advice(name: &str, facts: &[(&str, &str)]) -> String {
        let facts = facts.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let asset = Asset {
            id: String::new(),
            kind: Kind::ModelEndpoint,
            name: name.to_owned(),
            workload: String::new(),
            scope: Scope::Product,
            confidence: 1000,
            facts,
            occurrences: Vec::new(),
        };
        change(&asset, "http://127.0.0.1:8470", false)
    }

    #[test]
    fn each_client_is_told_in_its_own_way() {
        let default = [("default", "true")];
        assert!(
            advice("https://api.openai.com/v1", &default)
                .starts_with("set OPENAI_BASE_URL=http://127.0.0.1:8470/v1,")
        );
        assert!(
            advice("https://api.groq.com", &default).starts_with("set GROQ_BASE_URL=http://127.0.0.1:8470,")
        );
        assert!(
            advice("https://api.mistral.ai", &default)
                .starts_with("pass server_url=\"http://127.0.0.1:8470\"")
        );
        assert!(
            advice("http://gpu01.lan:11434", &[]).contains("add http://gpu01.lan:11434/v1 as an upstream")
        );
        assert!(advice("https://api.replicate.com", &default).contains("cannot go through"));
        assert!(
            advice("https://llm.corp.example/v1", &[]).starts_with("replace https://llm.corp.example/v1 by")
        );
        assert!(advice("$MODEL_URL", &[("environment", "MODEL_URL")]).starts_with("set MODEL_URL="));
    }
}
