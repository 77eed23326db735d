//! Reads Anthropic messages (<https://docs.anthropic.com/en/api/messages>).

use super::fields::{Fields, Node, Read, refuse};
use super::{Choice, Effort, Format, Part, Prompt, Said, Source, Tool, ToolResult, Turn};
use crate::translate::Untranslatable;
use crate::translate::json::{Json, object};

/// Budgets of thinking, in tokens, up to which an effort is called low or medium.
const LOW_BUDGET: u64 = 4_096;
const MEDIUM_BUDGET: u64 = 16_384;

pub(super) fn read(mut fields: Fields) -> Read<Prompt> {
    let mut prompt = Prompt {
        model: fields.need("model")?.string()?,
        stream: fields.flag("stream")?.unwrap_or(false),
        max_tokens: Some(fields.need("max_tokens")?.count()?),
        temperature: fields.take("temperature"),
        top_p: fields.take("top_p"),
        ..Prompt::default()
    };
    if let Some(stop) = fields.take("stop_sequences") {
        prompt.stop = stop.list()?.into_iter().map(Node::string).collect::<Read<_>>()?;
    }
    prompt.effort = fields.take("thinking").map(thinking).transpose()?.flatten();
    if let Some(config) = fields.take("output_config") {
        output(config.fields()?, &mut prompt)?;
    }
    for node in fields.take("tools").map(Node::list).transpose()?.unwrap_or_default() {
        prompt.tools.push(tool(node.fields()?)?);
    }
    if let Some(choice) = fields.take("tool_choice") {
        self::choice(choice.fields()?, &mut prompt)?;
    }
    fields.drop(&["metadata", "service_tier", "cache_control", "diagnostics", "speed"]);
    // Clients that meet this code send the whole conversation instead.
    fields
        .forbid("thread", "a stored conversation cannot be continued")
        .map_err(|refused| Untranslatable { code: Some("thread_unsupported_request"), ..refused })?;
    fields.forbid("top_k", "top_k cannot be translated")?;
    fields.forbid("container", "tools of the provider cannot be translated")?;
    fields.only("mcp_servers", &[], "tools of the provider cannot be translated")?;
    // Ways to shorten a conversation that is too long; here it stays as it is.
    fields.drop(&["context_management"]);
    fields.forbid("inference_geo", "the place of inference cannot be translated")?;
    if let Some(system) = fields.take("system") {
        prompt.turns.push(Turn::System(texts(system)?));
    }
    for message in fields.need("messages")?.list()? {
        prompt.last.clone_from(&message.at);
        self::message(message.fields()?, &mut prompt)?;
    }
    fields.end()?;
    Ok(prompt)
}

fn thinking(node: Node) -> Read<Option<Effort>> {
    let mut fields = node.fields()?;
    fields.drop(&["display"]);
    let kind = fields.need("type")?;
    let effort = match kind.json.text() {
        // How much is left to the model, and each model has its own habit.
        Some("disabled" | "adaptive" | "between_tools") => None,
        Some("enabled") => Some(match fields.need("budget_tokens")?.count()? {
            budget if budget <= LOW_BUDGET => Effort::Low,
            budget if budget <= MEDIUM_BUDGET => Effort::Medium,
            _ => Effort::High,
        }),
        _ => return kind.refuse("the translation does not know this kind of thinking"),
    };
    fields.end()?;
    Ok(effort)
}

fn output(mut fields: Fields, prompt: &mut Prompt) -> Read<()> {
    if let Some(effort) = fields.take("effort") {
        prompt.effort = Some(Effort::read(effort)?);
    }
    if let Some(format) = fields.take("format") {
        let mut format = format.fields()?;
        let kind = format.need("type")?;
        if kind.json.text() != Some("json_schema") {
            return kind.refuse("the translation does not know this format");
        }
        let schema = format.need("schema")?.object()?;
        prompt.format = Some(Format::Schema { name: None, description: None, schema, strict: Some(true) });
        format.end()?;
    }
    fields.end()
}

fn tool(mut fields: Fields) -> Read<Tool> {
    if let Some(kind) = fields.take("type")
        && kind.json.text() != Some("custom")
    {
        return kind.refuse("tools of the provider cannot be translated");
    }
    fields.drop(&["cache_control", "eager_input_streaming"]);
    fields.only("allowed_callers", &[Json::List(vec!["direct".into()])], "only the model can call tools")?;
    fields.only("defer_loading", &[Json::Bool(false)], "tools that are loaded later cannot be translated")?;
    fields.only("input_examples", &[], "examples of a tool's input cannot be translated")?;
    let at = fields.pointer("input_schema");
    let tool = super::function(&mut fields, "input_schema")?;
    if tool.schema.is_none() {
        return refuse(&at, "this is missing");
    }
    fields.end()?;
    Ok(tool)
}

fn choice(mut fields: Fields, prompt: &mut Prompt) -> Read<()> {
    let kind = fields.need("type")?;
    prompt.parallel = fields.flag("disable_parallel_tool_use")?.map(|disabled| !disabled);
    prompt.choice = Some(match kind.json.text() {
        Some("auto") => Choice::Auto,
        Some("any") => Choice::Any,
        Some("none") => Choice::None,
        Some("tool") => Choice::Named(fields.need("name")?.string()?),
        _ => return kind.refuse("this choice of tools cannot be translated"),
    });
    fields.end()
}

fn texts(node: Node) -> Read<Vec<String>> {
    if let Json::Text(text) = node.json {
        return Ok(vec![text]);
    }
    let mut texts = Vec::new();
    for block in node.some()? {
        let mut fields = block.fields()?;
        let kind = fields.need("type")?;
        if kind.json.text() != Some("text") {
            return kind.refuse("only text can stand here");
        }
        texts.push(text(fields)?);
    }
    Ok(texts)
}

/// The rest of a block of text. Citations say where a text came from; the text itself is all here.
fn text(mut fields: Fields) -> Read<String> {
    fields.drop(&["cache_control", "citations"]);
    let text = fields.need("text")?.string()?;
    fields.end()?;
    Ok(text)
}

fn message(mut fields: Fields, prompt: &mut Prompt) -> Read<()> {
    let role = fields.need("role")?;
    let content = fields.need("content")?;
    fields.end()?;
    match role.json.text() {
        Some("system") => prompt.push(Turn::System(texts(content)?)),
        Some("user") => match content.json {
            Json::Text(text) => prompt.push(Turn::User(vec![Part::Text(text)])),
            _ => {
                let mut parts = Vec::new();
                for block in content.some()? {
                    if block.json.get("type").and_then(Json::text) != Some("tool_result") {
                        parts.push(part(block)?);
                        continue;
                    }
                    if !parts.is_empty() {
                        prompt.push(Turn::User(std::mem::take(&mut parts)));
                    }
                    prompt.push(Turn::Results(vec![result(block)?]));
                }
                if !parts.is_empty() {
                    prompt.push(Turn::User(parts));
                }
            }
        },
        Some("assistant") => match content.json {
            Json::Text(text) => prompt.push(Turn::Assistant(vec![Said::Text(text)])),
            _ => {
                let said = content.list()?.into_iter().map(said).collect::<Read<Vec<_>>>()?;
                prompt.push(Turn::Assistant(said.into_iter().flatten().collect()));
            }
        },
        _ => return role.refuse("the translation does not know this role"),
    }
    Ok(())
}

fn result(node: Node) -> Read<ToolResult> {
    let mut fields = node.fields()?;
    fields.drop(&["type", "cache_control"]);
    fields.forbid("toolset_name", "sets of tools cannot be translated")?;
    let id = fields.need("tool_use_id")?.string()?;
    let is_error = fields.flag("is_error")?.unwrap_or(false);
    let parts = match fields.take("content") {
        None => Vec::new(),
        Some(Node { json: Json::Text(text), .. }) => vec![Part::Text(text)],
        Some(list) => list.list()?.into_iter().map(part).collect::<Read<_>>()?,
    };
    fields.end()?;
    Ok(ToolResult { id, parts, is_error })
}

fn part(node: Node) -> Read<Part> {
    let at = node.at.clone();
    let mut fields = node.fields()?;
    let kind = fields.need("type")?;
    fields.drop(&["cache_control"]);
    let part = match kind.json.text() {
        Some("text") => return text(fields).map(Part::Text),
        Some("image") => {
            fields.forbid("transformations", "changes to an image cannot be translated")?;
            Part::Image { at, source: source(fields.need("source")?)? }
        }
        Some("document") => {
            let off = object([("enabled", false.into())]);
            fields.only("citations", &[off], "citations cannot be translated")?;
            fields.only("context", &[], "the context of a document cannot be translated")?;
            Part::File { at, name: fields.string("title")?, source: source(fields.need("source")?)? }
        }
        _ => return kind.refuse("this kind of content cannot be translated"),
    };
    fields.end()?;
    Ok(part)
}

fn source(node: Node) -> Read<Source> {
    let mut fields = node.fields()?;
    let kind = fields.need("type")?;
    let source = match kind.json.text() {
        Some("base64") => Source::Base64 {
            media_type: fields.need("media_type")?.string()?,
            data: fields.need("data")?.string()?,
        },
        Some("url") => Source::url(fields.need("url")?)?,
        _ => return kind.refuse("this source of content cannot be translated"),
    };
    fields.end()?;
    Ok(source)
}

fn said(node: Node) -> Read<Option<Said>> {
    let mut fields = node.fields()?;
    let kind = fields.need("type")?;
    fields.drop(&["cache_control"]);
    let said = match kind.json.text() {
        Some("text") => return text(fields).map(|text| Some(Said::Text(text))),
        Some("thinking") => {
            // A seal that only its provider can check.
            fields.drop(&["signature"]);
            Said::Thinking(fields.need("thinking")?.string()?)
        }
        Some("redacted_thinking") => {
            fields.drop(&["data"]);
            return fields.end().map(|()| None);
        }
        Some("tool_use") => {
            fields.only("caller", &[object([("type", "direct".into())])], "only the model can call tools")?;
            fields.forbid("toolset_name", "sets of tools cannot be translated")?;
            Said::Call {
                at: fields.pointer("input"),
                id: fields.need("id")?.string()?,
                name: fields.need("name")?.string()?,
                arguments: fields.need("input")?.object()?.to_string(),
            }
        }
        _ => return kind.refuse("this kind of content cannot be translated"),
    };
    fields.end()?;
    Ok(Some(said))
}
