//! URLs of models: who listens where, and what a URL says besides.

/// Hosts of providers; a leading `*` stands for any beginning.
const HOSTS: [&str; 44] = [
    "api.openai.com",
    "*.openai.azure.com",
    "*.services.ai.azure.com",
    "*.inference.ai.azure.com",
    "api.anthropic.com",
    "generativelanguage.googleapis.com",
    "*aiplatform.googleapis.com",
    "bedrock-runtime.*.amazonaws.com",
    "bedrock-agent-runtime.*.amazonaws.com",
    "runtime.sagemaker.*.amazonaws.com",
    "api.mistral.ai",
    "codestral.mistral.ai",
    "api.groq.com",
    "api.cohere.com",
    "api.cohere.ai",
    "api.together.xyz",
    "api.together.ai",
    "openrouter.ai",
    "api.deepseek.com",
    "api.x.ai",
    "api.perplexity.ai",
    "api.fireworks.ai",
    "router.huggingface.co",
    "api-inference.huggingface.co",
    "*.endpoints.huggingface.cloud",
    "api.replicate.com",
    "api.voyageai.com",
    "api.jina.ai",
    "api.cerebras.ai",
    "api.ai21.com",
    "api.sambanova.ai",
    "api.novita.ai",
    "api.deepinfra.com",
    "api.hyperbolic.xyz",
    "dashscope.aliyuncs.com",
    "dashscope-intl.aliyuncs.com",
    "api.moonshot.ai",
    "api.moonshot.cn",
    "open.bigmodel.cn",
    "api.siliconflow.cn",
    "integrate.api.nvidia.com",
    "models.github.ai",
    "ai-gateway.vercel.sh",
    "api.stability.ai",
];

/// What a request asks for, at the end of a path. What stands before is the endpoint.
const OPERATIONS: [&str; 17] = [
    "/chat/completions",
    "/completions",
    "/responses",
    "/embeddings",
    "/moderations",
    "/images/generations",
    "/audio/transcriptions",
    "/audio/speech",
    "/v1/messages",
    "/models",
    "/rerank",
    "/api/generate",
    "/api/chat",
    "/api/embeddings",
    "/api/embed",
    "/api/tags",
    "/api/pull",
];

/// Paths by which an endpoint of the usual form is known on any host.
const SPOKEN: [&str; 5] =
    ["/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/messages", "/v1/responses"];

/// The port of Ollama.
const OLLAMA: &str = ":11434";

/// Words one of which a text holds that names such a URL.
pub(crate) const WORDS: [&str; 30] = [
    "api.openai.com",
    ".openai.azure.com",
    ".ai.azure.com",
    "api.anthropic.com",
    "generativelanguage.googleapis.com",
    "aiplatform.googleapis.com",
    "bedrock-runtime",
    "runtime.sagemaker",
    ".mistral.ai",
    "api.groq.com",
    "api.cohere.",
    "api.together.",
    "openrouter.ai",
    "api.deepseek.com",
    "api.x.ai",
    "api.perplexity.ai",
    "api.fireworks.ai",
    "huggingface.co",
    "api.replicate.com",
    "api.voyageai.com",
    "api.cerebras.ai",
    "dashscope",
    "api.moonshot.",
    "integrate.api.nvidia.com",
    "models.github.ai",
    "ai-gateway.vercel.sh",
    "/v1/chat/completions",
    "/v1/embeddings",
    "/v1/messages",
    ":11434",
];

/// What a URL of a model says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    /// The endpoint, without what is asked for.
    pub(crate) endpoint: String,
    /// The model, where its name is part of the path.
    pub(crate) model: Option<String>,
}

/// Reads a URL of a known provider or of the usual form; nothing for any other. `whole` is false where only the beginning
/// of the URL is known.
pub(crate) fn address(text: &str, whole: bool) -> Option<Address> {
    let text = text.trim();
    let scheme = ["https://", "http://"].into_iter().find(|scheme| text.starts_with(scheme))?;
    let rest = text.get(scheme.len()..)?;
    let rest = rest.split(['?', '#']).next().unwrap_or(rest);
    let slash = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(slash)?;
    let host = authority.split(':').next().unwrap_or(authority);
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b':');
    if host.is_empty() || !authority.bytes().all(plain) || (path.is_empty() && !whole) {
        return None;
    }
    let known = HOSTS.iter().any(|pattern| crate::glob::matches(pattern, &host.to_ascii_lowercase()));
    let ollama = authority.ends_with(OLLAMA) || (host.contains("ollama") && path.starts_with("/api/"));
    let spoken = SPOKEN.iter().any(|end| path.ends_with(end));
    if !(known || ollama || spoken) {
        return None;
    }
    let base = format!("{scheme}{authority}");
    // A website of a provider is not its interface.
    if host == "openrouter.ai" && !path.starts_with("/api") {
        return None;
    }
    if !whole || path.contains(['{', '$', '<', '%', ' ', '"', '\'']) {
        return Some(Address { endpoint: base, model: None });
    }
    let between = |start: &str, ends: &[char]| {
        let (_, rest) = path.split_once(start)?;
        let name = rest.split(ends).next().unwrap_or(rest);
        (!name.is_empty()).then(|| name.to_owned())
    };
    if let Some(model) = between("/deployments/", &['/']) {
        return Some(Address { endpoint: base, model: Some(model) });
    }
    if path.contains(':')
        && let Some(model) = between("/models/", &[':', '/'])
    {
        return Some(Address { endpoint: base, model: Some(model) });
    }
    if host.starts_with("bedrock") {
        return Some(Address { endpoint: base, model: between("/model/", &['/']) });
    }
    if host == "api-inference.huggingface.co" {
        let model = path.split_once("/models/").map(|(_, model)| model.trim_end_matches('/').to_owned());
        return Some(Address { endpoint: base, model });
    }
    let path = path.trim_end_matches('/');
    let path = OPERATIONS.iter().find_map(|end| path.strip_suffix(end)).unwrap_or(path);
    Some(Address { endpoint: format!("{base}{path}"), model: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_taken_apart() {
        for (text, endpoint, model) in [
            ("https://api.openai.com/v1/chat/completions", "https://api.openai.com/v1", None),
            ("https://api.anthropic.com/v1/messages", "https://api.anthropic.com", None),
            ("http://localhost:11434/api/generate", "http://localhost:11434", None),
            ("http://vllm:8000/v1/chat/completions", "http://vllm:8000/v1", None),
            (
                "https://r.openai.azure.com/openai/deployments/chat/chat/completions?api-version=1",
                "https://r.openai.azure.com",
                Some("chat"),
            ),
            (
                "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-pro:generateContent",
                "https://generativelanguage.googleapis.com",
                Some("gemini-2.5-pro"),
            ),
        ] {
            let found = address(text, true).unwrap();
            assert_eq!((found.endpoint.as_str(), found.model.as_deref()), (endpoint, model), "{text}");
        }
        for text in [
            "https://platform.openai.com/docs",
            "https://openrouter.ai/models",
            "https://example.com/api/chat",
            "api.openai.com",
            "https://user@api.openai.com.evil.example/v1",
        ] {
            assert_eq!(address(text, true), None, "{text}");
        }
    }
}
