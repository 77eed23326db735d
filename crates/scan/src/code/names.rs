//! What names say: arguments of clients, ids of models.

use super::ids::by_constant;

/// What an argument of a client is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    Model,
    Endpoint,
    /// A resource of Azure, whose name makes the endpoint.
    Resource,
    Other,
}

impl Key {
    /// By its name, however its language writes names; nothing for a position.
    pub(super) fn of(name: &str) -> Option<Self> {
        if name.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let plain: String =
            name.chars().filter(|c| c.is_ascii_alphanumeric()).map(|c| c.to_ascii_lowercase()).collect();
        Some(match plain.as_str() {
            "model"
            | "modelname"
            | "modelid"
            | "deployment"
            | "deploymentname"
            | "deploymentid"
            | "azuredeployment"
            | "azureopenaiapideploymentname"
            | "engine"
            | "llm"
            | "chatmodel"
            | "embeddingmodel"
            | "modelslug"
            | "foundationmodel"
            | "defaultmodel"
            | "aimodelid"
            | "modelarn"
            | "modelidentifier"
            | "chatmodelid"
            | "embeddingmodelid"
            | "embeddingmodelname" => Self::Model,
            "baseurl"
            | "apibase"
            | "openaiapibase"
            | "azureendpoint"
            | "endpoint"
            | "serverurl"
            | "apiurl"
            | "apihost"
            | "host"
            | "basepath"
            | "endpointurl"
            | "openaiproxyurl"
            | "azureopenaiendpoint"
            | "uri"
            | "apibaseurl"
            | "httpbaseurl"
            | "ollamahost"
            | "openaibaseurl"
            | "anthropicapiurl"
            | "anthropicbaseurl"
            | "openaiapiurl" => Self::Endpoint,
            "resourcename" | "azureopenaiapiinstancename" => Self::Resource,
            _ => Self::Other,
        })
    }

    /// By the name of a builder's method.
    pub(super) fn of_method(name: &str) -> Option<Self> {
        let lower = name.to_ascii_lowercase();
        let bare =
            ["with", "set", "use"].iter().find_map(|prefix| lower.strip_prefix(prefix)).unwrap_or(&lower);
        match Self::of(bare) {
            Some(Self::Other | Self::Resource) | None => None,
            key => key,
        }
    }
}

/// The id that a constant such as `ChatModelGPT4o` or `Model.CLAUDE_SONNET_4_0` stands for; the constant's own name where its library alone knows.
pub(super) fn constant_id(path: &str) -> Option<String> {
    let (_, constant) = path.rsplit_once('.')?;
    if let Some(id) = by_constant(constant) {
        return Some(id.to_owned());
    }
    let name = ["ChatModel", "EmbeddingModel", "Model"]
        .iter()
        .find_map(|prefix| constant.strip_prefix(prefix))
        .unwrap_or(constant);
    let mut id = String::new();
    let mut before = '-';
    let screaming = !name.chars().any(|c| c.is_ascii_lowercase());
    for c in name.chars() {
        let boundary = !screaming && c.is_ascii_uppercase() && !before.is_ascii_uppercase()
            || c.is_ascii_digit() && before.is_ascii_alphabetic() && !(screaming && before == 'O');
        if matches!(c, '_' | '-') || boundary && before != '-' {
            id.push('-');
        }
        if !matches!(c, '_' | '-') {
            id.push(c.to_ascii_lowercase());
        }
        before = if c == '_' { '-' } else { c };
    }
    known_model(&id).then(|| constant.to_owned())
}

pub(super) fn plausible_name(text: &str) -> bool {
    let text = text.trim();
    !text.is_empty()
        && text.len() <= 200
        && !text.contains(['\n', '{', '}', '<', '>'])
        && text.chars().any(char::is_alphanumeric)
}

/// Fills in a region, or leaves its place out.
pub(super) fn fill(template: &str, region: Option<&str>) -> String {
    match region {
        Some(region) => template.replace("{region}", region),
        None => template.replace("{region}.", "").replace("{region}-", ""),
    }
}

/// Whether a text is the id of a well-known model, whole. For places that do not say that they hold one.
pub(crate) fn known_model(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    if lower.len() > 80
        || !lower
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b':' | b'/' | b'_' | b'@'))
    {
        return false;
    }
    let bare = lower.rsplit('/').next().unwrap_or(&lower);
    let versions = |rest: &str, words: &[&str]| {
        rest.split(['-', ':', '.', '_', '@']).all(|part| {
            let number = part.trim_end_matches(['b', 'k', 'm', 'v', 'o']).trim_start_matches(['v', 'b', 'x']);
            number.bytes().all(|b| b.is_ascii_digit()) || words.contains(&part)
        })
    };
    let gpt = [
        "turbo",
        "mini",
        "nano",
        "preview",
        "codex",
        "chat",
        "latest",
        "audio",
        "realtime",
        "search",
        "pro",
        "max",
        "instruct",
        "vision",
        "transcribe",
        "tts",
        "oss",
    ];
    let claude = ["opus", "sonnet", "haiku", "instant", "latest", "anthropic"];
    let gemini = [
        "pro",
        "flash",
        "lite",
        "ultra",
        "nano",
        "preview",
        "exp",
        "latest",
        "thinking",
        "vision",
        "image",
        "live",
        "embedding",
    ];
    let open = [
        "instruct",
        "chat",
        "it",
        "base",
        "hf",
        "large",
        "small",
        "medium",
        "nemo",
        "latest",
        "vision",
        "coder",
        "math",
        "mini",
        "turbo",
        "preview",
        "q4",
        "q8",
        "k",
        "fp16",
        "text",
        "distill",
        "r1",
        "versatile",
        "instant",
        "codestral",
    ];
    let prefixes: [(&str, &[&str]); 16] = [
        ("gpt-", &gpt),
        ("claude-", &claude),
        ("gemini-", &gemini),
        ("text-embedding-", &["ada", "large", "small", "002", "3", "gecko"]),
        ("llama-", &open),
        ("llama", &open),
        ("mistral-", &open),
        ("mixtral-", &open),
        ("codestral-", &open),
        ("qwen", &open),
        ("deepseek-", &["chat", "reasoner", "coder", "r1", "v3", "v2"]),
        ("command-", &["r", "plus", "a", "light", "nightly"]),
        ("gemma", &open),
        (
            "phi-",
            &[
                "mini",
                "medium",
                "small",
                "instruct",
                "vision",
                "multimodal",
                "reasoning",
                "plus",
                "128k",
                "4k",
            ],
        ),
        ("dall-e-", &[]),
        ("whisper-", &["large", "v3", "turbo", "small", "medium", "base", "tiny"]),
    ];
    let digit = bare.bytes().any(|b| b.is_ascii_digit());
    let reasoning = matches!(bare.split('-').next(), Some("o1" | "o3" | "o4"))
        && versions(bare.get(2..).unwrap_or_default().trim_start_matches('-'), &gpt);
    reasoning
        || prefixes.iter().any(|(prefix, words)| {
            bare.strip_prefix(prefix).is_some_and(|rest| {
                !rest.is_empty()
                    && (digit || *prefix == "command-" || *prefix == "deepseek-" || *prefix == "mistral-")
                    && versions(rest, words)
            })
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_stand_for_ids() {
        for (path, id) in [
            ("x.ChatModelGPT4o", Some("gpt-4o")),
            ("x.ModelClaudeSonnet4_0", Some("claude-sonnet-4-0")),
            ("Model.CLAUDE_SONNET_4_0", Some("claude-sonnet-4-0")),
            ("ChatModel.GPT_4O", Some("gpt-4o")),
            ("ChatModel.GPT_4_1", Some("gpt-4.1")),
            ("ChatModel.GPT_9_TURBO", Some("GPT_9_TURBO")),
            ("x.GPT4oMini", Some("gpt-4o-mini")),
            ("x.DefaultName", None),
        ] {
            assert_eq!(constant_id(path).as_deref(), id, "{path}");
        }
    }

    #[test]
    fn models_are_known_whole() {
        for good in [
            "gpt-4o",
            "gpt-4o-mini",
            "gpt-3.5-turbo-16k",
            "claude-3-5-sonnet-20241022",
            "gemini-1.5-pro-002",
            "o3-mini",
            "text-embedding-3-small",
            "llama3.1",
            "meta-llama/Llama-3.1-8B-Instruct",
            "gpt-5-codex",
            "mistral-large-latest",
        ] {
            assert!(known_model(good), "{good}");
        }
        for bad in [
            "gpt-4-seater",
            "claude monet",
            "claude-shannon",
            "gemini",
            "o3-roadster",
            "llama-farm",
            "gpt-shirt",
            "mistral",
            "phi-beta-kappa",
            "gpt-sized-shirt",
        ] {
            assert!(!known_model(bad), "{bad}");
        }
    }
}
