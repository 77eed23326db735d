//! Dialects: tables that name what the generic walker finds. They never decide whether a text is looked at.

mod openai;

pub(crate) use openai::{ChatChunk, ChatRequest, ChatResponse, KNOWN_KEYS};

use stockade_domain::{Channel, Role};

/// What a leaf of a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Named {
    /// Text in a channel.
    Text(Channel),
    /// An identifier or enum value; text after all when it is outside the grammar.
    Atom,
    /// Content that cannot be read as text.
    Opaque(&'static str),
    /// Content that does not pass through us.
    Reference(&'static str),
    /// A copy of text in another form (log probabilities), kept only when it says what the text says.
    Carrier,
}

/// Names the leaves of one kind of message. `path` is the JSON Pointer cut at its slashes.
pub(crate) trait Table {
    /// What the leaf is; [`Channel::Unlabelled`] text when nothing names it.
    fn name(&self, path: &[&str]) -> Named;
}

/// The grammar of atoms: what ids, enum values and media types are made of. Anything else is text.
pub(crate) fn is_atom(text: &str) -> bool {
    text.len() <= 128
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b':' | b'/' | b'-'))
}

/// The role that a message claims.
pub(crate) fn role(word: &str) -> Role {
    match word {
        "system" | "developer" => Role::System,
        "user" => Role::User,
        "assistant" => Role::Assistant,
        "tool" | "function" => Role::Tool,
        _ => Role::None,
    }
}

/// Cuts a JSON Pointer at its slashes. Escapes stay: no key that a table names has any.
pub(crate) fn segments(pointer: &str) -> Vec<&str> {
    pointer.split('/').skip(1).collect()
}
