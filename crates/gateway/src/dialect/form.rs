//! What a leaf of a request is by its form, whatever table it stands in: media, and what is brought in from elsewhere.
//! Servers of the same protocol differ in where they take these, and they take more every month.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Named, is_base64};

/// Keys at the top of a body whose being there brings in content that does not pass us, or takes the request elsewhere than
/// policy decided: fields of OpenAI, Azure, Anthropic, and of servers that speak OpenAI's protocol (OpenRouter, LiteLLM,
/// vLLM, Gemini, Grok, Qwen, Mistral). Sorted.
const BRINGS_IN: &[&str] = &[
    "agent_id",
    "api_base",
    "api_key",
    "assistant_id",
    "base_url",
    "cached_content",
    "chat_template",
    "container",
    "conversation",
    "conversation_id",
    "custom_llm_provider",
    "data_sources",
    "disable_guardrails",
    "enable_search",
    "extra_body",
    "extra_headers",
    "extra_query",
    "fallback_models",
    "fallbacks",
    "files",
    "guardrails",
    "kv_transfer_params",
    "lora_request",
    "mcp_servers",
    "models",
    "plugins",
    "prompt_embeds",
    "provider",
    "search_options",
    "search_parameters",
    "thread_id",
    "user_config",
    "web_search",
    "web_search_options",
    "webhook_url",
];

/// Tools that the caller runs, by how their kind begins; every other kind is run by the provider.
const CALLERS: &[&str] = &[
    "apply_patch",
    "bash_",
    "computer",
    "custom",
    "function",
    "local_shell",
    "memory_",
    "namespace",
    "shell",
    "text_editor_",
    "tool_search",
];

/// Fields that name a file or a place at the provider.
const IDS: &[&str] = &[
    "container_id",
    "file_id",
    "file_ids",
    "vector_store_id",
    "vector_store_ids",
    "connector_id",
    "previous_message_id",
];

/// Fields that hold media, or the address of media.
const MEDIA: &[&str] = &[
    "audio_url",
    "file_url",
    "image",
    "image_url",
    "images",
    "input_audio",
    "input_image",
    "input_video",
    "video",
    "video_url",
];

/// Whether a key at the top of a body brings in content from elsewhere, an empty object under it included.
pub(crate) fn brings_in(pointer: &str) -> Option<&'static str> {
    let key = pointer.strip_prefix('/')?;
    // Some readers pass over the case of letters.
    let small = || key.bytes().map(|byte| byte.to_ascii_lowercase());
    BRINGS_IN
        .binary_search_by(|known| known.bytes().cmp(small()))
        .ok()
        .and_then(|at| BRINGS_IN.get(at))
        .copied()
}

/// Whether a tool of this kind is run by the provider. Without a kind it is the caller's.
pub(crate) fn is_hosted_tool(kind: &str) -> bool {
    !kind.is_empty() && !CALLERS.iter().any(|begin| kind.starts_with(begin))
}

/// What a string is by its form; none where only its table knows.
pub(crate) fn named(path: &[&str], text: &str) -> Option<Named> {
    let is_index = |segment: &&str| !segment.is_empty() && segment.bytes().all(|b| b.is_ascii_digit());
    let last = path.iter().rev().find(|segment| !is_index(segment)).copied()?;
    // Words of a schema and the arguments of a caller's own tool are no media, whatever they are called.
    let is_own = |segment: &&str| {
        matches!(
            *segment,
            "properties"
                | "parameters"
                | "input_schema"
                | "input_examples"
                | "required"
                | "enum"
                | "metadata"
                | "arguments"
        )
    };
    if path.iter().any(is_own) || path.iter().skip(1).any(|segment| *segment == "input") {
        return None;
    }
    if matches!(path, ["documents", ..]) && matches!(last, "url" | "uri") && text.contains("://") {
        return Some(Named::Reference("url"));
    }
    if IDS.contains(&last) {
        return Some(Named::Reference("file_id"));
    }
    if last == "type" && text.starts_with("container_") {
        return Some(Named::Reference("container"));
    }
    if last.starts_with("encrypted_") {
        return Some(Named::Sealed("encrypted"));
    }
    let holder = path.len().checked_sub(2).and_then(|at| path.get(at)).copied().unwrap_or_default();
    let is_media = MEDIA.contains(&last) || (MEDIA.contains(&holder) && matches!(last, "url" | "data"));
    if !is_media {
        return None;
    }
    if text.contains("://") || text.starts_with("data:") {
        return Some(Named::Reference("media"));
    }
    (text.len() >= SHORTEST_MEDIA && is_base64(text)).then_some(Named::Opaque("media"))
}

const SHORTEST_MEDIA: usize = 64;

/// Whether inline media is nothing but media: base64 of something that is no text. All else is read as text too.
pub(crate) fn is_unreadable(text: &str) -> bool {
    let data = match text.strip_prefix("data:") {
        Some(url) => match url.split_once(";base64,") {
            Some((_, data)) => data,
            None => return false,
        },
        None => text,
    };
    let start = data.get(..data.len().min(READ)).unwrap_or_default();
    let Ok(bytes) = STANDARD.decode(start) else { return false };
    // A character may be cut at the end of what was read.
    let is_utf8 = match std::str::from_utf8(&bytes) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none() && error.valid_up_to() > 0,
    };
    is_base64(data) && !(is_utf8 && bytes.iter().all(|b| *b >= b' ' || b.is_ascii_whitespace()))
}

/// So much of media is decoded to see what it is; a multiple of four.
const READ: usize = 4_096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_known_in_any_case_and_sorted() {
        assert!(BRINGS_IN.is_sorted());
        assert_eq!(brings_in("/Fallbacks"), Some("fallbacks"));
        assert_eq!(brings_in("/messages/0/models"), None);
    }

    #[test]
    fn media_is_known_wherever_it_stands() {
        let media = |path: &[&str], text: &str| named(path, text).is_some();
        assert!(media(&["messages", "0", "content", "1", "image_url"], "https://x.example/a.png"));
        assert!(media(&["messages", "0", "content", "1", "video_url", "url"], "data:video/mp4;base64,AAAA"));
        assert!(media(&["messages", "0", "images", "0"], &"iVBORw0KGgo".repeat(8)));
        assert!(!media(&["messages", "0", "images", "0"], "two cats"));
        assert!(!media(
            &["tools", "0", "function", "parameters", "properties", "image", "description"],
            "https://x"
        ));
        assert!(media(&["input", "0", "outputs", "0", "file_id"], "x"));
        assert!(!media(&["messages", "0", "content", "0", "input", "file_id"], "report-7"));
        assert!(!media(&["metadata", "file_id"], "a"));
    }

    #[test]
    fn only_what_is_no_text_is_unreadable() {
        assert!(is_unreadable("data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAA"));
        assert!(!is_unreadable("data:text/plain;base64,aGVsbG8gd29ybGQ="));
        assert!(!is_unreadable("data:,hello"));
        assert!(!is_unreadable("my key is here"));
    }

    #[test]
    fn tools_of_the_provider() {
        for kind in ["web_search_20250305", "code_execution_20250825", "mcp", "mcp_toolset", "file_search"] {
            assert!(is_hosted_tool(kind), "{kind}");
        }
        for kind in
            ["", "function", "custom", "bash_20250124", "text_editor_20250728", "computer_use_preview"]
        {
            assert!(!is_hosted_tool(kind), "{kind}");
        }
    }
}
