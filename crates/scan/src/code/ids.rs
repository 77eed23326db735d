//! Ids of well-known models, for constants of libraries that stand for them: `GPT_4_O_MINI` is `gpt-4o-mini`, which its
//! letters alone do not tell.

/// Ids as their providers write them.
const IDS: [&str; 132] = [
    "gpt-3.5-turbo",
    "gpt-3.5-turbo-16k",
    "gpt-3.5-turbo-instruct",
    "gpt-3.5-turbo-0125",
    "gpt-3.5-turbo-0613",
    "gpt-3.5-turbo-1106",
    "gpt-4",
    "gpt-4-0314",
    "gpt-4-0613",
    "gpt-4-32k",
    "gpt-4-32k-0613",
    "gpt-4-turbo",
    "gpt-4-turbo-preview",
    "gpt-4-turbo-2024-04-09",
    "gpt-4-0125-preview",
    "gpt-4-1106-preview",
    "gpt-4-vision-preview",
    "gpt-4o",
    "gpt-4o-2024-05-13",
    "gpt-4o-2024-08-06",
    "gpt-4o-2024-11-20",
    "gpt-4o-audio-preview",
    "gpt-4o-realtime-preview",
    "gpt-4o-search-preview",
    "gpt-4o-transcribe",
    "gpt-4o-mini",
    "gpt-4o-mini-2024-07-18",
    "gpt-4o-mini-search-preview",
    "gpt-4o-mini-transcribe",
    "gpt-4o-mini-tts",
    "chatgpt-4o-latest",
    "gpt-4.1",
    "gpt-4.1-2025-04-14",
    "gpt-4.1-mini",
    "gpt-4.1-mini-2025-04-14",
    "gpt-4.1-nano",
    "gpt-4.1-nano-2025-04-14",
    "gpt-4.5-preview",
    "gpt-5",
    "gpt-5-2025-08-07",
    "gpt-5-chat-latest",
    "gpt-5-codex",
    "gpt-5-mini",
    "gpt-5-nano",
    "gpt-5-pro",
    "gpt-5.1",
    "gpt-5.1-chat-latest",
    "gpt-5.1-codex",
    "gpt-5.2",
    "o1",
    "o1-2024-12-17",
    "o1-mini",
    "o1-preview",
    "o1-pro",
    "o3",
    "o3-2025-04-16",
    "o3-mini",
    "o3-mini-2025-01-31",
    "o3-pro",
    "o4-mini",
    "o4-mini-2025-04-16",
    "text-embedding-3-large",
    "text-embedding-3-small",
    "text-embedding-ada-002",
    "text-embedding-004",
    "gemini-embedding-001",
    "dall-e-2",
    "dall-e-3",
    "gpt-image-1",
    "whisper-1",
    "tts-1",
    "tts-1-hd",
    "omni-moderation-latest",
    "claude-2",
    "claude-2.0",
    "claude-2.1",
    "claude-instant-1.2",
    "claude-3-haiku-20240307",
    "claude-3-opus-20240229",
    "claude-3-opus-latest",
    "claude-3-sonnet-20240229",
    "claude-3-5-haiku-20241022",
    "claude-3-5-haiku-latest",
    "claude-3-5-sonnet-20240620",
    "claude-3-5-sonnet-20241022",
    "claude-3-5-sonnet-latest",
    "claude-3-7-sonnet-20250219",
    "claude-3-7-sonnet-latest",
    "claude-haiku-4-5",
    "claude-haiku-4-5-20251001",
    "claude-opus-4-0",
    "claude-opus-4-20250514",
    "claude-opus-4-1",
    "claude-opus-4-1-20250805",
    "claude-opus-4-5",
    "claude-sonnet-4-0",
    "claude-sonnet-4-20250514",
    "claude-sonnet-4-5",
    "claude-sonnet-4-5-20250929",
    "gemini-pro",
    "gemini-1.0-pro",
    "gemini-1.5-flash",
    "gemini-1.5-flash-8b",
    "gemini-1.5-pro",
    "gemini-2.0-flash",
    "gemini-2.0-flash-exp",
    "gemini-2.0-flash-lite",
    "gemini-2.5-flash",
    "gemini-2.5-flash-lite",
    "gemini-2.5-pro",
    "mistral-embed",
    "mistral-large-latest",
    "mistral-medium-latest",
    "mistral-small-latest",
    "mistral-tiny",
    "open-mistral-7b",
    "open-mistral-nemo",
    "open-mixtral-8x7b",
    "open-mixtral-8x22b",
    "codestral-latest",
    "ministral-3b-latest",
    "ministral-8b-latest",
    "pixtral-12b-2409",
    "command-r",
    "command-r-plus",
    "deepseek-chat",
    "deepseek-reasoner",
    "grok-2",
    "grok-3",
    "grok-3-mini",
    "grok-4",
    "llama-3.3-70b-versatile",
];

/// Constants that have a name of their own.
const ALIASES: [(&str, &str); 5] = [
    ("adaembeddingv2", "text-embedding-ada-002"),
    ("smallembedding3", "text-embedding-3-small"),
    ("largeembedding3", "text-embedding-3-large"),
    ("claude3haiku", "claude-3-haiku-20240307"),
    ("claude3opus", "claude-3-opus-20240229"),
];

/// What libraries put before the id.
const PREFIXES: [&str; 4] = ["chatmodel", "embeddingmodel", "imagemodel", "model"];

/// The id that a constant's name stands for.
pub(super) fn by_constant(name: &str) -> Option<&'static str> {
    let squeezed = squeeze(name);
    let bare = PREFIXES.iter().find_map(|prefix| squeezed.strip_prefix(prefix));
    std::iter::once(squeezed.as_str()).chain(bare).find_map(|name| {
        let known = IDS.iter().find(|id| squeeze(id) == name).copied();
        known.or_else(|| ALIASES.iter().find(|(alias, _)| *alias == name).map(|(_, id)| *id))
    })
}

/// Letters and digits alone; `3Dot5` is `3.5`.
fn squeeze(name: &str) -> String {
    let plain: String =
        name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    let mut out = String::with_capacity(plain.len());
    let mut parts = plain.split("dot").peekable();
    while let Some(part) = parts.next() {
        out.push_str(part);
        let digits = part.bytes().last().is_some_and(|b| b.is_ascii_digit())
            && parts.peek().is_some_and(|next| next.bytes().next().is_some_and(|b| b.is_ascii_digit()));
        if parts.peek().is_some() && !digits {
            out.push_str("dot");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_are_found_in_the_table() {
        for (name, id) in [
            ("GPT_4_O_MINI", Some("gpt-4o-mini")),
            ("GPT_4_O", Some("gpt-4o")),
            ("GPT_3_5_TURBO_INSTRUCT", Some("gpt-3.5-turbo-instruct")),
            ("GPT_4_1", Some("gpt-4.1")),
            ("GPT3Dot5Turbo", Some("gpt-3.5-turbo")),
            ("ChatModelGPT4_1Mini", Some("gpt-4.1-mini")),
            ("ModelClaude3_7SonnetLatest", Some("claude-3-7-sonnet-latest")),
            ("AdaEmbeddingV2", Some("text-embedding-ada-002")),
            ("GPT_9", None),
        ] {
            assert_eq!(by_constant(name), id, "{name}");
        }
        let mut all: Vec<String> = IDS.iter().map(|id| squeeze(id)).collect();
        all.sort();
        let count = all.len();
        all.dedup();
        assert_eq!(all.len(), count, "two ids are the same without their signs");
    }
}
