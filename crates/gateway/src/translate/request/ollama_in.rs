//! Reads Ollama's chat and its completion of one prompt (<https://github.com/ollama/ollama/blob/main/docs/api.md>).

use std::collections::VecDeque;

use super::fields::{Fields, Node, Read, refuse};
use super::{Effort, Format, Part, Prompt, Said, Source, ToolResult, Turn};
use crate::translate::json::Json;

/// Options about the machine that the model runs on, and hints that promise nothing.
const MACHINE: &[&str] = &[
    "f16_kv",
    "logits_all",
    "low_vram",
    "main_gpu",
    "num_batch",
    "num_ctx",
    "num_gpu",
    "num_gqa",
    "num_keep",
    "num_thread",
    "numa",
    "penalize_newline",
    "rope_frequency_base",
    "rope_frequency_scale",
    "seed",
    "use_mlock",
    "use_mmap",
    "vocab_only",
];

/// Ways to choose a token that the other APIs have no word for, with what turns each of them off.
const SAMPLING: &[(&str, &[&str])] = &[
    ("frequency_penalty", &["0", "0.0"]),
    ("min_p", &["0", "0.0"]),
    ("mirostat", &["0"]),
    ("presence_penalty", &["0", "0.0"]),
    ("repeat_penalty", &["1", "1.0"]),
    ("tfs_z", &["1", "1.0"]),
    ("top_k", &["0"]),
    ("typical_p", &["1", "1.0"]),
];

/// What says something only where one of those is on.
const SAMPLING_TERMS: &[&str] = &["mirostat_eta", "mirostat_tau", "repeat_last_n"];

/// A call that waits for its result.
struct Waiting {
    id: String,
    name: String,
}

/// A chat.
pub(super) fn chat(mut fields: Fields) -> Read<Prompt> {
    let mut prompt = common(&mut fields)?;
    for tool in fields.take("tools").map(Node::list).transpose()?.unwrap_or_default() {
        let mut tool = tool.fields()?;
        tool.only("type", &["function".into()], "tools other than functions cannot be translated")?;
        let mut function = tool.need("function")?.fields()?;
        prompt.tools.push(super::function(&mut function, "parameters")?);
        function.end()?;
        tool.end()?;
    }
    let (mut waiting, mut calls) = (VecDeque::new(), 0);
    for message in fields.need("messages")?.list()? {
        prompt.last.clone_from(&message.at);
        let turn = self::message(message.fields()?, &mut waiting, &mut calls)?;
        match (prompt.turns.last_mut(), turn) {
            // Each result is a message of its own here, and all of one turn belong together.
            (Some(Turn::Results(results)), Turn::Results(mut more)) => results.append(&mut more),
            (_, turn) => prompt.push(turn),
        }
    }
    fields.end()?;
    Ok(prompt)
}

/// One prompt.
pub(super) fn generate(mut fields: Fields) -> Read<Prompt> {
    let mut prompt = common(&mut fields)?;
    fields.only("suffix", &["".into()], "a text to be filled in cannot be translated")?;
    fields.only("template", &["".into()], "a template cannot be translated")?;
    fields.only("raw", &[Json::Bool(false)], "a raw prompt cannot be translated")?;
    fields.only("context", &[], "the tokens of an earlier conversation cannot be translated")?;
    if let Some(system) = fields.string("system")?.filter(|system| !system.is_empty()) {
        prompt.turns.push(Turn::System(vec![system]));
    }
    let text = fields.need("prompt")?.string()?;
    let parts = parts(text, fields.take("images"))?;
    prompt.last = fields.pointer("prompt");
    prompt.turns.push(Turn::User(parts));
    fields.end()?;
    Ok(prompt)
}

/// What both have in common.
fn common(fields: &mut Fields) -> Read<Prompt> {
    let mut prompt = Prompt {
        model: fields.need("model")?.string()?,
        // Who says nothing gets a stream.
        stream: fields.flag("stream")?.unwrap_or(true),
        format: fields.take("format").map(format).transpose()?.flatten(),
        effort: fields.take("think").map(effort).transpose()?,
        ..Prompt::default()
    };
    fields.drop(&["keep_alive", "truncate", "shift"]);
    fields.only("logprobs", &[Json::Bool(false)], "log probabilities cannot be translated")?;
    fields.only("top_logprobs", &[Json::from(0_u64)], "log probabilities cannot be translated")?;
    if let Some(options) = fields.take("options") {
        self::options(options.fields()?, &mut prompt)?;
    }
    Ok(prompt)
}

fn options(mut fields: Fields, prompt: &mut Prompt) -> Read<()> {
    // A negative number, or none, sets no limit.
    prompt.max_tokens = fields.take("num_predict").and_then(|limit| limit.json.count());
    prompt.temperature = fields.take("temperature");
    prompt.top_p = fields.take("top_p");
    prompt.stop = match fields.take("stop") {
        Some(Node { json: Json::Text(stop), .. }) => vec![stop],
        Some(stop) => stop.list()?.into_iter().map(Node::string).collect::<Read<_>>()?,
        None => Vec::new(),
    };
    fields.drop(MACHINE);
    fields.drop(SAMPLING_TERMS);
    for (key, off) in SAMPLING {
        let off: Vec<Json> = off.iter().map(|digits| Json::Number((*digits).to_owned())).collect();
        fields.only(key, &off, "this way to choose tokens cannot be translated")?;
    }
    fields.end()
}

/// `json`, or a schema.
fn format(node: Node) -> Read<Option<Format>> {
    match node.json.text() {
        Some("") => return Ok(None),
        Some("json") => return Ok(Some(Format::Object { at: node.at })),
        Some(_) => return node.refuse("the translation does not know this format"),
        None => {}
    }
    let schema = node.object()?;
    Ok(Some(Format::Schema { name: None, description: None, schema, strict: None }))
}

/// Whether to think, or how much.
fn effort(node: Node) -> Read<Effort> {
    match node.json {
        Json::Bool(true) => Ok(Effort::Medium),
        Json::Bool(false) => Ok(Effort::None),
        _ => Effort::read(node),
    }
}

fn message(mut fields: Fields, waiting: &mut VecDeque<Waiting>, calls: &mut usize) -> Read<Turn> {
    let role = fields.need("role")?;
    let text = fields.string("content")?.unwrap_or_default();
    let turn = match role.json.text() {
        Some("system") => Turn::System(vec![text]),
        Some("user") => Turn::User(parts(text, fields.take("images"))?),
        Some("assistant") => Turn::Assistant(said(text, &mut fields, waiting, calls)?),
        Some("tool") => {
            let id = fields.string("tool_call_id")?;
            let name = fields.string("tool_name")?.or(fields.string("name")?);
            let id = answered(waiting, id, name.as_deref());
            let Some(id) = id else { return role.refuse("this result belongs to no call") };
            Turn::Results(vec![ToolResult { id, parts: vec![Part::Text(text)], is_error: false }])
        }
        _ => return role.refuse("the translation does not know this role"),
    };
    fields.end()?;
    Ok(turn)
}

/// Which call a result is of. Ollama's calls need no ids: then their names tell them apart, and their order.
fn answered(waiting: &mut VecDeque<Waiting>, id: Option<String>, name: Option<&str>) -> Option<String> {
    let at = match (&id, name) {
        (Some(id), _) => waiting.iter().position(|call| call.id == *id),
        (None, Some(name)) => waiting.iter().position(|call| call.name == name),
        (None, None) => (!waiting.is_empty()).then_some(0),
    };
    waiting.remove(at?).map(|call| call.id)
}

fn said(
    text: String,
    fields: &mut Fields,
    waiting: &mut VecDeque<Waiting>,
    calls: &mut usize,
) -> Read<Vec<Said>> {
    let mut said = Vec::new();
    if let Some(thinking) = fields.string("thinking")?.filter(|text| !text.is_empty()) {
        said.push(Said::Thinking(thinking));
    }
    if !text.is_empty() {
        said.push(Said::Text(text));
    }
    for call in fields.take("tool_calls").map(Node::list).transpose()?.unwrap_or_default() {
        let mut call = call.fields()?;
        call.drop(&["type"]);
        let mut function = call.need("function")?.fields()?;
        function.drop(&["index"]);
        let name = function.need("name")?.string()?;
        let at = function.pointer("arguments");
        let arguments = function.take("arguments").map(Node::object).transpose()?;
        let arguments = arguments.map_or_else(|| "{}".to_owned(), |arguments| arguments.to_string());
        function.end()?;
        let id = call.string("id")?.filter(|id| !id.is_empty());
        call.end()?;
        let id = id.unwrap_or_else(|| format!("call_{calls}"));
        *calls = calls.saturating_add(1);
        waiting.push_back(Waiting { id: id.clone(), name: name.clone() });
        said.push(Said::Call { at, id, name, arguments });
    }
    if said.is_empty() {
        said.push(Said::Text(String::new()));
    }
    Ok(said)
}

fn parts(text: String, images: Option<Node>) -> Read<Vec<Part>> {
    let mut parts = vec![Part::Text(text)];
    for image in images.map(Node::list).transpose()?.unwrap_or_default() {
        let at = image.at.clone();
        let data = image.string()?;
        let Some(media_type) = media_type(&data) else {
            return refuse(&at, "this is no PNG, JPEG, GIF or WebP image in base64");
        };
        let source = Source::Base64 { media_type: media_type.to_owned(), data };
        parts.push(Part::Image { at, source });
    }
    Ok(parts)
}

/// What an image is, by how its base64 begins: the first bytes of each format are fixed.
fn media_type(data: &str) -> Option<&'static str> {
    [("iVBORw0KGgo", "image/png"), ("/9j/", "image/jpeg"), ("R0lGOD", "image/gif"), ("UklGR", "image/webp")]
        .into_iter()
        .find_map(|(begin, name)| data.starts_with(begin).then_some(name))
}
