//! Dialects: tables that name what the generic walker finds. They never decide whether a text is looked at.

mod anthropic;
mod completions;
mod form;
mod keys;
mod ollama;
mod openai;
mod predict;
mod responses;
mod words;

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

pub(crate) use form::{brings_in, is_hosted_tool, is_unreadable, named as by_form};
pub(crate) use keys::KNOWN_KEYS;
pub(crate) use ollama::{is_mimic as is_ollama_mimic, second};
pub(crate) use words::KNOWN_WORDS;

use stockade_domain::{Action, Channel, Role};

/// What is spoken on one route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Dialect {
    /// OpenAI chat completions.
    Chat,
    /// OpenAI completions, the legacy ones.
    Completions,
    /// OpenAI embeddings.
    Embeddings,
    /// OpenAI responses.
    Responses,
    /// Anthropic messages.
    Messages,
    /// Anthropic's count of a message's tokens.
    CountTokens,
    /// Ollama's chat.
    OllamaChat,
    /// Ollama's completion of one prompt.
    OllamaGenerate,
    /// Ollama's embeddings of texts.
    OllamaEmbed,
    /// Ollama's older embedding of one text.
    OllamaEmbedding,
    /// A prediction of a model that is not generative.
    Predict,
    /// What such a model's server says of it.
    PredictAbout,
}

/// How errors and credentials look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    /// OpenAI and Azure OpenAI.
    OpenAi,
    /// Anthropic.
    Anthropic,
    /// Ollama.
    Ollama,
    /// Servers of models that are not generative.
    Predict,
}

/// How the messages of a stream are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// Server-sent events.
    Events,
    /// A JSON text a line.
    Lines,
}

/// What a leaf of a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Named {
    /// Text in a channel.
    Text(Channel),
    /// A leaf of the object that a tool is called with: the call's arguments are the object, this is one text in them.
    Argument,
    /// An identifier or enum value; text after all when it is outside the grammar.
    Atom,
    /// Content that cannot be read as text.
    Opaque(&'static str),
    /// Content that does not pass through us.
    Reference(&'static str),
    /// Content that its provider signed or encrypted: passed whole, or dropped whole.
    Sealed(&'static str),
    /// A copy of text in another form (log probabilities), kept only when it says what the text says.
    Carrier,
    /// A vector that a model made: numbers, or their bytes in base64.
    Vector,
    /// What a model predicts: numbers, and words among them.
    Prediction,
    /// What is sent back to the client that said it; it is not repeated.
    Echo,
}

/// Names the leaves of one kind of request. A path is the JSON Pointer cut at its slashes.
pub(crate) trait RequestTable: Sync {
    /// What the leaf is; [`Channel::Unlabelled`] text when nothing names it.
    fn name(&self, path: &[&str], seen: &Seen) -> Named;

    /// Who is said to have said it.
    fn said_by(&self, path: &[&str]) -> SaidBy {
        match path {
            ["messages", _, ..] => SaidBy::Turn,
            _ => SaidBy::Is(Role::None),
        }
    }

    /// Whether numbers are what the model is asked about, and no content that nobody can read.
    fn takes_numbers(&self) -> bool {
        false
    }

    /// A key at the top that a request must have beside `model`.
    fn subject(&self) -> &'static str;
}

/// Who said a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SaidBy {
    /// The `role` of the list's element that it stands in: the first two segments of its path.
    Turn,
    /// This one.
    Is(Role),
}

/// Names the leaves of one kind of answer, and says which text each is a piece of. `kind` is the `type` of an event.
pub(crate) trait AnswerTable: Sync {
    /// What the leaf is; [`Channel::Unlabelled`] text when nothing names it.
    fn name(&self, kind: &str, path: &[&str], seen: &Seen) -> Named;

    /// Where it belongs.
    fn place(&self, kind: &str, path: &[&str], seen: &Seen) -> Place;
}

/// Where a leaf of an answer belongs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// Its choice: messages of one choice keep their order. Without one it belongs to every message.
    pub(crate) choice: Option<u64>,
    /// The block, item or tool call in the choice.
    pub(crate) unit: Option<u64>,
    /// The unit is a tool call: name and complete arguments are decided together before any of it leaves.
    pub(crate) is_call: bool,
    /// The text that it is a piece of, when that is not told by its path.
    pub(crate) lane: Option<String>,
    /// It is a complete text and no piece of one.
    pub(crate) is_whole: bool,
    /// It begins a part of its text: a block, an item.
    pub(crate) begins_part: bool,
}

/// What else stands in a message that tells where its leaves belong.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Numbers under `index`, `output_index` and their like, by pointer.
    pub(crate) indices: BTreeMap<String, u64>,
    /// Strings under `type`, by pointer of the object.
    pub(crate) types: BTreeMap<String, String>,
}

// === impl Dialect ===

impl Dialect {
    /// The name in records.
    pub(crate) const fn surface(self) -> &'static str {
        match self {
            Self::Chat => "openai.chat",
            Self::Completions => "openai.completions",
            Self::Embeddings => "openai.embeddings",
            Self::Responses => "openai.responses",
            Self::Messages => "anthropic.messages",
            Self::CountTokens => "anthropic.count_tokens",
            Self::OllamaChat => "ollama.chat",
            Self::OllamaGenerate => "ollama.generate",
            Self::OllamaEmbed | Self::OllamaEmbedding => "ollama.embed",
            Self::Predict => "predict",
            Self::PredictAbout => "predict.about",
        }
    }

    /// What is asked for.
    pub(crate) const fn action(self) -> Action {
        match self {
            Self::Embeddings | Self::OllamaEmbed | Self::OllamaEmbedding => Action::Embed,
            Self::Predict | Self::PredictAbout => Action::Predict,
            _ => Action::Invoke,
        }
    }

    /// The path at an upstream that speaks it, below its base URL.
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::Chat => "/chat/completions",
            Self::Completions => "/completions",
            Self::Embeddings => "/embeddings",
            Self::Responses => "/responses",
            Self::Messages => "/v1/messages",
            Self::CountTokens => "/v1/messages/count_tokens",
            Self::OllamaChat => "/api/chat",
            Self::OllamaGenerate => "/api/generate",
            Self::OllamaEmbed => "/api/embed",
            Self::OllamaEmbedding => "/api/embeddings",
            // Each request names its own.
            Self::Predict | Self::PredictAbout => "",
        }
    }

    /// The path of an OpenAI protocol at a server whose base URL ends before the version, as Ollama's does.
    pub(crate) const fn versioned_path(self) -> &'static str {
        match self {
            Self::Chat => "/v1/chat/completions",
            Self::Completions => "/v1/completions",
            Self::Embeddings => "/v1/embeddings",
            Self::Responses => "/v1/responses",
            other => other.path(),
        }
    }

    pub(crate) const fn family(self) -> Family {
        match self {
            Self::Messages | Self::CountTokens => Family::Anthropic,
            Self::OllamaChat | Self::OllamaGenerate | Self::OllamaEmbed | Self::OllamaEmbedding => {
                Family::Ollama
            }
            Self::Predict | Self::PredictAbout => Family::Predict,
            _ => Family::OpenAi,
        }
    }

    /// Names the leaves of requests.
    pub(crate) fn request(self) -> &'static dyn RequestTable {
        match self {
            Self::Chat => &openai::ChatRequest,
            Self::Completions => &completions::CompletionRequest,
            Self::Embeddings => &completions::EmbeddingRequest,
            Self::Responses => &responses::ResponsesRequest,
            Self::Messages | Self::CountTokens => &anthropic::MessagesRequest,
            Self::OllamaChat => &ollama::ChatRequest,
            Self::OllamaGenerate => &ollama::GenerateRequest,
            Self::OllamaEmbed => &ollama::EmbedRequest { subject: "input" },
            Self::OllamaEmbedding => &ollama::EmbedRequest { subject: "prompt" },
            Self::Predict | Self::PredictAbout => &predict::Request,
        }
    }

    /// Names the leaves of answers.
    pub(crate) fn answer(self, is_stream: bool) -> &'static dyn AnswerTable {
        match (self, is_stream) {
            (Self::Chat, false) => &openai::ChatResponse,
            (Self::Chat, true) => &openai::ChatChunk,
            (Self::Completions, _) => &completions::Completion,
            (Self::Embeddings, _) => &completions::Embedding,
            (Self::Responses, false) => &responses::Response,
            (Self::Responses, true) => &responses::ResponseEvent,
            (Self::Messages | Self::CountTokens, false) => &anthropic::MessageAnswer,
            (Self::Messages | Self::CountTokens, true) => &anthropic::MessageEvent,
            (Self::OllamaChat | Self::OllamaGenerate | Self::OllamaEmbed | Self::OllamaEmbedding, _) => {
                &ollama::Answer
            }
            (Self::Predict | Self::PredictAbout, _) => &predict::Answer,
        }
    }

    /// Whether the events of its streams carry a `type`, repeated in the `event` line.
    pub(crate) const fn has_typed_events(self) -> bool {
        matches!(self, Self::Messages | Self::Responses)
    }

    /// How the messages of its streams are told apart.
    pub(crate) const fn framing(self) -> Framing {
        match self.family() {
            Family::Ollama => Framing::Lines,
            Family::OpenAi | Family::Anthropic | Family::Predict => Framing::Events,
        }
    }

    /// Whether a message of its own ends its streams, and not a word beside the messages.
    pub(crate) const fn has_last_message(self) -> bool {
        self.has_typed_events() || matches!(self.family(), Family::Ollama)
    }

    /// Whether calls stand whole in one message of a stream, so that two messages never speak of the same one.
    pub(crate) const fn calls_at_once(self) -> bool {
        matches!(self, Self::OllamaChat)
    }

    /// Whether it is answered by vectors, in one piece.
    pub(crate) const fn is_embedding(self) -> bool {
        matches!(self, Self::Embeddings | Self::OllamaEmbed | Self::OllamaEmbedding)
    }

    /// Whether a model that is not generative is asked.
    pub(crate) const fn is_predict(self) -> bool {
        matches!(self, Self::Predict | Self::PredictAbout)
    }

    /// Whether a request that does not say so gets a stream.
    pub(crate) const fn streams_by_default(self) -> bool {
        matches!(self, Self::OllamaChat | Self::OllamaGenerate)
    }

    /// The key at the top of a whole answer that makes it one.
    pub(crate) const fn body_of_answer(self) -> &'static str {
        match self {
            Self::Chat | Self::Completions => "choices",
            Self::Embeddings => "data",
            Self::Responses => "output",
            Self::Messages => "content",
            Self::CountTokens | Self::Predict | Self::PredictAbout => "",
            Self::OllamaChat => "message",
            Self::OllamaGenerate => "response",
            Self::OllamaEmbed => "embeddings",
            Self::OllamaEmbedding => "embedding",
        }
    }
}

// === impl Seen ===

impl Seen {
    /// The number under a pointer, else the position in the list.
    pub(crate) fn index(&self, pointer: &str, position: &str) -> u64 {
        self.indices.get(pointer).copied().or_else(|| position.parse().ok()).unwrap_or(0)
    }

    /// The `type` of the object under a pointer.
    pub(crate) fn kind(&self, pointer: &str) -> &str {
        self.types.get(pointer).map_or("", String::as_str)
    }
}

/// The grammar of atoms: what ids, enum values and media types are made of. Anything else is text.
pub(crate) fn is_atom(text: &str) -> bool {
    text.len() <= 128
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b':' | b'/' | b'-'))
}

/// Whether a kind of block or item asks for a tool: the caller's, or one that the provider runs. Kinds that come later
/// follow the same pattern.
pub(crate) fn is_call_kind(kind: &str) -> bool {
    kind.ends_with("tool_use") || kind.ends_with("_call") || kind.ends_with("_request")
}

/// Whether a text is made of the characters of base64 (RFC 4648 sections 4 and 5) alone.
pub(crate) fn is_base64(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    text.len().saturating_sub(body.len()) <= 2
        && body.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'-' | b'_'))
}

/// Whether a text can be a seal: base64 (RFC 4648 section 4), or a Fernet token in its url-safe form, and longer than what
/// people have names for. An account, a key or a token is no seal, whatever field it stands in.
pub(crate) fn is_seal(text: &str) -> bool {
    let is_url_safe = text.contains(['-', '_']);
    text.len() >= SHORTEST_SEAL && is_base64(text) && (!is_url_safe || text.starts_with(FERNET))
}

const SHORTEST_SEAL: usize = 64;

/// Version and the first bytes of the time (<https://github.com/fernet/spec>): so begins what OpenAI encrypts.
const FERNET: &str = "gAAAAA";

/// Whether a text can be a vector: numbers in base64, four bytes each, none of them impossible.
pub(crate) fn is_vector(text: &str) -> bool {
    let Ok(bytes) = STANDARD.decode(text) else { return false };
    let (numbers, rest) = bytes.as_chunks::<4>();
    let sizes = numbers.iter().map(|bytes| f32::from_le_bytes(*bytes).abs());
    let largest = sizes.fold(0.0_f32, |largest, size| if size <= largest { largest } else { size });
    rest.is_empty() && VECTOR.contains(&largest)
}

/// The largest number of a vector that a model makes is near one. Letters read as numbers are far larger, digits far smaller.
const VECTOR: std::ops::RangeInclusive<f32> = 1e-3..=100.0;

/// The JSON Pointer of a path, with `*` for positions in lists. The rank among alternatives stays: the text of a rank is
/// read across positions.
pub(crate) fn starred(path: &[&str]) -> String {
    let is_index = |segment: &str| !segment.is_empty() && segment.bytes().all(|b| b.is_ascii_digit());
    let under_top = path.contains(&"top_logprobs");
    let last_index = path.iter().rposition(|segment| is_index(segment));
    path.iter().enumerate().fold(String::new(), |mut out, (at, segment)| {
        out.push('/');
        out.push_str(if is_index(segment) && !(under_top && Some(at) == last_index) { "*" } else { segment });
        out
    })
}

/// Whether a text is a word of the protocols, which needs no second look.
pub(crate) fn is_word(text: &str) -> bool {
    KNOWN_WORDS.binary_search(&text).is_ok()
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

/// The JSON Pointer of a path.
pub(crate) fn pointer(path: &[&str]) -> String {
    path.iter().fold(String::new(), |mut out, segment| {
        out.push('/');
        out.push_str(segment);
        out
    })
}
