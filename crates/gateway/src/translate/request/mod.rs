//! Requests: read into a [`Prompt`], written from it.

mod chat_in;
mod chat_out;
mod fields;
mod messages_in;
mod messages_out;
mod ollama_in;
mod responses_in;
mod vectors;

use super::json::Json;
use super::{Api, Untranslatable};
use fields::{Fields, Node, Read, refuse};

/// What only the upstream's owner knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Terms {
    /// `max_tokens` for Messages, which must have it, when the caller sets none.
    pub(crate) max_tokens: u64,
    /// What a Chat upstream calls the limit.
    pub(crate) limit: ChatLimit,
    /// How a Messages upstream is asked to think.
    pub(crate) thinking: Thinking,
}

/// The field of Chat that bounds an answer. Either one is ignored or refused somewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChatLimit {
    /// `max_tokens`: what most servers of this API know.
    MaxTokens,
    /// `max_completion_tokens`: what OpenAI's reasoning models insist on.
    MaxCompletionTokens,
}

/// The two generations of thinking in Messages; a model takes one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Thinking {
    /// `output_config.effort` with `thinking.type: adaptive`.
    Adaptive,
    /// `thinking.type: enabled` with a budget.
    Budget,
}

/// A request in no API's words.
#[derive(Debug, Default)]
struct Prompt {
    model: String,
    stream: bool,
    max_tokens: Option<u64>,
    temperature: Option<Node>,
    top_p: Option<Node>,
    stop: Vec<String>,
    turns: Vec<Turn>,
    /// Where the last turn stands.
    last: String,
    tools: Vec<Tool>,
    choice: Option<Choice>,
    parallel: Option<bool>,
    format: Option<Format>,
    effort: Option<Effort>,
    verbosity: Option<String>,
}

#[derive(Debug)]
enum Turn {
    System(Vec<String>),
    User(Vec<Part>),
    Results(Vec<ToolResult>),
    Assistant(Vec<Said>),
}

/// Content that is given to a model.
#[derive(Debug)]
enum Part {
    Text(String),
    Image { at: String, source: Source },
    File { at: String, name: Option<String>, source: Source },
}

#[derive(Debug)]
enum Source {
    Url(String),
    Base64 { media_type: String, data: String },
}

/// Content that a model gave.
#[derive(Debug)]
enum Said {
    Text(String),
    Refusal(String),
    Thinking(String),
    Call { at: String, id: String, name: String, arguments: String },
}

#[derive(Debug)]
struct ToolResult {
    id: String,
    parts: Vec<Part>,
    is_error: bool,
}

#[derive(Debug)]
struct Tool {
    name: String,
    description: Option<String>,
    schema: Option<Json>,
    strict: Option<bool>,
}

#[derive(Debug, PartialEq, Eq)]
enum Choice {
    None,
    Auto,
    Any,
    Named(String),
}

#[derive(Debug)]
enum Format {
    /// JSON of any shape.
    Object {
        at: String,
    },
    Schema {
        name: Option<String>,
        description: Option<String>,
        schema: Json,
        strict: Option<bool>,
    },
}

/// How much a model should think.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Effort {
    None,
    Minimal,
    Low,
    Medium,
    High,
    Xhigh,
    Max,
}

/// The upstream's body for a caller's body.
pub(crate) fn request(from: Api, to: Api, body: &[u8], terms: &Terms) -> Result<Vec<u8>, Untranslatable> {
    let Ok(json) = Json::parse(body) else { return refuse("", "this must be one JSON text") };
    let fields = Node { at: String::new(), json }.fields()?;
    if to == Api::Embeddings {
        return Ok(vectors::translated(from, fields)?.to_string().into_bytes());
    }
    let prompt = match from {
        Api::Chat => chat_in::read(fields),
        Api::Messages => messages_in::read(fields),
        Api::Responses => responses_in::read(fields),
        Api::OllamaChat => ollama_in::chat(fields),
        Api::OllamaGenerate => ollama_in::generate(fields),
        Api::Embeddings | Api::OllamaEmbed | Api::OllamaEmbedding => {
            refuse("", "vectors are no conversation")
        }
    }?;
    prompt.check()?;
    let out = match to {
        Api::Chat => chat_out::write(prompt, terms),
        Api::Messages => messages_out::write(prompt, terms),
        _ => refuse("", "no upstream is spoken to in this API"),
    }?;
    Ok(out.to_string().into_bytes())
}

impl Default for Terms {
    fn default() -> Self {
        Self { max_tokens: 4_096, limit: ChatLimit::MaxTokens, thinking: Thinking::Adaptive }
    }
}

// === impl Prompt ===

impl Prompt {
    /// Adds a turn. What the model said in a row, in several items of Responses, is one turn.
    fn push(&mut self, turn: Turn) {
        match (self.turns.last_mut(), turn) {
            (Some(Turn::Assistant(said)), Turn::Assistant(mut more)) => said.append(&mut more),
            (_, turn) => self.turns.push(turn),
        }
    }

    fn check(&self) -> Read<()> {
        match self.turns.last() {
            None => refuse(&self.last, "there is no message"),
            // One API goes on where such a message ends, the other answers it.
            Some(Turn::Assistant(_)) => refuse(&self.last, "the beginning of an answer cannot be translated"),
            Some(_) => Ok(()),
        }
    }

    /// The first turn after the last word of a person: there reasoning may still be of use. What is said along with the
    /// results of calls begins nothing new.
    fn running(&self) -> usize {
        let begins = |at: &usize| {
            let before = at.checked_sub(1).and_then(|at| self.turns.get(at));
            matches!(self.turns.get(*at), Some(Turn::User(_))) && !matches!(before, Some(Turn::Results(_)))
        };
        (0..self.turns.len()).rev().find(begins).map_or(0, |at| at.saturating_add(1))
    }
}

// === impl Effort ===

impl Effort {
    const ALL: [(Self, &str); 7] = [
        (Self::None, "none"),
        (Self::Minimal, "minimal"),
        (Self::Low, "low"),
        (Self::Medium, "medium"),
        (Self::High, "high"),
        (Self::Xhigh, "xhigh"),
        (Self::Max, "max"),
    ];

    fn read(node: Node) -> Read<Self> {
        let at = node.at.clone();
        let word = node.string()?;
        match Self::ALL.iter().find(|(_, name)| *name == word) {
            Some((effort, _)) => Ok(*effort),
            None => refuse(&at, "the translation does not know this effort"),
        }
    }

    fn word(self) -> &'static str {
        Self::ALL.iter().find(|(effort, _)| *effort == self).map_or("medium", |(_, name)| name)
    }
}

// === impl Source ===

impl Source {
    /// Reads a URL, which may hold the content itself (RFC 2397, base64 only).
    fn url(node: Node) -> Read<Self> {
        let at = node.at.clone();
        let url = node.string()?;
        if let Some(rest) = url.strip_prefix("data:") {
            let Some((head, data)) = rest.split_once(',') else { return refuse(&at, "this is no data URL") };
            let Some(head) = head.strip_suffix(";base64") else {
                return refuse(&at, "a data URL must be in base64");
            };
            let media_type = head.split(';').next().unwrap_or_default().to_owned();
            return Ok(Self::Base64 { media_type, data: data.to_owned() });
        }
        if url.starts_with("https://") || url.starts_with("http://") {
            return Ok(Self::Url(url));
        }
        refuse(&at, "this must be an http or a data URL")
    }

    /// Reads a data URL.
    fn data(node: Node) -> Read<Self> {
        let at = node.at.clone();
        match Self::url(node)? {
            Self::Url(_) => refuse(&at, "this must be a data URL"),
            data @ Self::Base64 { .. } => Ok(data),
        }
    }

    fn into_url(self) -> String {
        match self {
            Self::Url(url) => url,
            Self::Base64 { media_type, data } => format!("data:{media_type};base64,{data}"),
        }
    }
}

/// A function, as all three APIs define it.
fn function(fields: &mut Fields, parameters: &str) -> Read<Tool> {
    Ok(Tool {
        name: fields.need("name")?.string()?,
        description: fields.string("description")?,
        schema: fields.take(parameters).map(Node::object).transpose()?,
        strict: fields.flag("strict")?,
    })
}

/// A format. Chat writes the schema's fields one level further down than Responses.
fn format(node: Node, is_nested: bool) -> Read<Option<Format>> {
    let at = node.at.clone();
    let mut fields = node.fields()?;
    let kind = fields.need("type")?;
    let format = match kind.json.text() {
        Some("text") => None,
        Some("json_object") => Some(Format::Object { at }),
        Some("json_schema") => {
            if is_nested {
                let inner = fields.need("json_schema")?.fields()?;
                std::mem::replace(&mut fields, inner).end()?;
            }
            Some(Format::Schema {
                name: fields.string("name")?,
                description: fields.string("description")?,
                schema: fields.need("schema")?.object()?,
                strict: fields.flag("strict")?,
            })
        }
        _ => return kind.refuse("the translation does not know this format"),
    };
    fields.end()?;
    Ok(format)
}

/// What Chat and Responses name alike.
fn openai(fields: &mut Fields, prompt: &mut Prompt) -> Read<()> {
    prompt.model = fields.need("model")?.string()?;
    prompt.stream = fields.flag("stream")?.unwrap_or(false);
    prompt.temperature = fields.take("temperature");
    prompt.top_p = fields.take("top_p");
    prompt.parallel = fields.flag("parallel_tool_calls")?;
    fields.drop(&[
        "metadata",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "safety_identifier",
        "service_tier",
        "stream_options",
        "user",
    ]);
    fields.only("store", &[Json::Bool(false)], "nothing is stored")?;
    fields.only("top_logprobs", &[Json::from(0_u64)], "log probabilities cannot be translated")?;
    fields.forbid("moderation", "moderation cannot be translated")
}

/// `tool_choice` of Chat and of Responses; they differ in where the name stands.
fn choice(node: Node) -> Read<Choice> {
    match node.json.text() {
        Some("none") => return Ok(Choice::None),
        Some("auto") => return Ok(Choice::Auto),
        Some("required") => return Ok(Choice::Any),
        _ => {}
    }
    let mut fields = node.fields()?;
    let kind = fields.need("type")?;
    if kind.json.text() != Some("function") {
        return kind.refuse("this choice of tools cannot be translated");
    }
    let mut named = match fields.take("function") {
        Some(function) => std::mem::replace(&mut fields, function.fields()?),
        None => Fields::default(),
    };
    let name = fields.need("name")?.string()?;
    fields.end()?;
    named.drop(&["type"]);
    named.end()?;
    Ok(Choice::Named(name))
}

/// A number, digit by digit.
fn number(node: Option<Node>) -> Read<Option<Json>> {
    match node {
        Some(node) if node.json.float().is_none() => node.refuse("this must be a number"),
        node => Ok(node.map(|node| node.json)),
    }
}

/// How verbose to be; the middle is what a model is anyway.
fn verbosity(fields: &mut Fields) -> Read<Option<String>> {
    match fields.take("verbosity") {
        Some(node) if !["low", "medium", "high"].map(Json::from).contains(&node.json) => {
            node.refuse("the translation does not know this verbosity")
        }
        node => Ok(node.map(Node::string).transpose()?.filter(|word| word != "medium")),
    }
}
