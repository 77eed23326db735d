//! Reads OpenAI responses (<https://platform.openai.com/docs/api-reference/responses/create>).

use super::fields::{Fields, Node, Read};
use super::{Effort, Part, Prompt, Said, Source, Tool, ToolResult, Turn};
use crate::translate::json::{Json, object};

pub(super) fn read(mut fields: Fields) -> Read<Prompt> {
    let mut prompt = Prompt::default();
    super::openai(&mut fields, &mut prompt)?;
    prompt.max_tokens = fields.take("max_output_tokens").map(|node| node.count()).transpose()?;
    if let Some(text) = fields.take("text") {
        let mut text = text.fields()?;
        prompt.format = text.take("format").map(|node| super::format(node, false)).transpose()?.flatten();
        prompt.verbosity = super::verbosity(&mut text)?;
        text.end()?;
    }
    prompt.effort = fields.take("reasoning").map(reasoning).transpose()?.flatten();
    prompt.choice = fields.take("tool_choice").map(super::choice).transpose()?;
    for tool in fields.take("tools").map(Node::list).transpose()?.unwrap_or_default() {
        prompt.tools.push(self::tool(tool.fields()?)?);
    }
    refuse_state(&mut fields)?;
    if let Some(instructions) = fields.string("instructions")? {
        prompt.turns.push(Turn::System(vec![instructions]));
    }
    let input = fields.need("input")?;
    prompt.last.clone_from(&input.at);
    match input.json {
        Json::Text(text) => prompt.push(Turn::User(vec![Part::Text(text)])),
        _ => {
            for item in input.list()? {
                prompt.last.clone_from(&item.at);
                let turn = self::item(item.fields()?)?;
                prompt.push(turn);
            }
        }
    }
    fields.end()?;
    Ok(prompt)
}

/// What leans on something that the provider keeps or does on its own.
fn refuse_state(fields: &mut Fields) -> Read<()> {
    let sealed = Json::List(vec!["reasoning.encrypted_content".into()]);
    fields.forbid("previous_response_id", "a stored answer cannot be continued")?;
    fields.forbid("conversation", "a stored conversation cannot be continued")?;
    fields.forbid("prompt", "a stored prompt cannot be used")?;
    fields.only("background", &[Json::Bool(false)], "nothing runs in the background")?;
    fields.only("include", &[sealed], "this cannot be included")?;
    // Ways to shorten a conversation that is too long; here it stays as it is.
    fields.drop(&["truncation", "context_management"]);
    // It counts calls of the provider's own tools, and there are none.
    fields.drop(&["max_tool_calls"]);
    Ok(())
}

fn reasoning(node: Node) -> Read<Option<Effort>> {
    let mut fields = node.fields()?;
    let effort = fields.take("effort").map(Effort::read).transpose()?;
    fields.drop(&["summary", "generate_summary", "context"]);
    fields.only("mode", &["standard".into()], "this mode of reasoning cannot be translated")?;
    fields.end()?;
    Ok(effort)
}

fn tool(mut fields: Fields) -> Read<Tool> {
    let kind = fields.need("type")?;
    if kind.json.text() != Some("function") {
        return kind.refuse("this kind of tool cannot be translated");
    }
    fields.only("allowed_callers", &[Json::List(vec!["direct".into()])], "only the model can call tools")?;
    fields.only("defer_loading", &[Json::Bool(false)], "tools that are loaded later cannot be translated")?;
    fields.only("output_schema", &[], "the schema of a tool's output cannot be translated")?;
    let tool = super::function(&mut fields, "parameters")?;
    fields.end()?;
    Ok(tool)
}

fn item(mut fields: Fields) -> Read<Turn> {
    let kind = fields.take("type");
    fields.drop(&["id", "status", "phase"]);
    let turn = match kind.as_ref().map(|kind| kind.json.text().unwrap_or_default()) {
        None | Some("message") => message(&mut fields)?,
        Some("function_call") => {
            direct(&mut fields)?;
            Turn::Assistant(vec![Said::Call {
                at: fields.pointer("arguments"),
                id: fields.need("call_id")?.string()?,
                name: fields.need("name")?.string()?,
                arguments: fields.need("arguments")?.string()?,
            }])
        }
        Some("function_call_output") => {
            direct(&mut fields)?;
            fields.drop(&["name"]);
            Turn::Results(vec![ToolResult {
                id: fields.need("call_id")?.string()?,
                parts: parts(fields.need("output")?)?,
                is_error: false,
            }])
        }
        Some("reasoning") => {
            // A seal that only its provider can open.
            fields.drop(&["encrypted_content"]);
            let mut texts = clear(fields.take("content"), "reasoning_text")?;
            let summary = clear(fields.take("summary"), "summary_text")?;
            if texts.is_empty() {
                texts = summary;
            }
            let text = texts.join("\n\n");
            Turn::Assistant(if text.is_empty() { Vec::new() } else { vec![Said::Thinking(text)] })
        }
        Some(_) => {
            return super::refuse(&fields.pointer("type"), "this kind of item cannot be translated");
        }
    };
    fields.end()?;
    Ok(turn)
}

fn direct(fields: &mut Fields) -> Read<()> {
    fields.only("caller", &[object([("type", "direct".into())])], "only the model can call tools")?;
    fields.only("async", &[Json::Bool(false)], "calls that do not wait cannot be translated")?;
    fields.only("namespace", &[], "namespaces of tools cannot be translated")
}

fn clear(node: Option<Node>, kind: &str) -> Read<Vec<String>> {
    let mut texts = Vec::new();
    for part in node.map(Node::list).transpose()?.unwrap_or_default() {
        let mut fields = part.fields()?;
        let named = fields.need("type")?;
        if named.json.text() != Some(kind) {
            return named.refuse("this kind of reasoning cannot be translated");
        }
        texts.push(fields.need("text")?.string()?);
        fields.end()?;
    }
    Ok(texts)
}

fn message(fields: &mut Fields) -> Read<Turn> {
    let role = fields.need("role")?;
    let content = fields.need("content")?;
    Ok(match role.json.text() {
        Some("user") => Turn::User(parts(content)?),
        Some("system" | "developer") => Turn::System(texts(content)?),
        Some("assistant") => Turn::Assistant(match content.json {
            Json::Text(text) => vec![Said::Text(text)],
            _ => content.list()?.into_iter().map(said).collect::<Read<_>>()?,
        }),
        _ => return role.refuse("the translation does not know this role"),
    })
}

fn texts(node: Node) -> Read<Vec<String>> {
    let text = |part| match part {
        Part::Text(text) => Ok(text),
        Part::Image { at, .. } | Part::File { at, .. } => super::refuse(&at, "only text can stand here"),
    };
    parts(node)?.into_iter().map(text).collect()
}

fn parts(node: Node) -> Read<Vec<Part>> {
    match node.json {
        Json::Text(text) => Ok(vec![Part::Text(text)]),
        _ => node.some()?.into_iter().map(part).collect(),
    }
}

fn part(node: Node) -> Read<Part> {
    let at = node.at.clone();
    let mut fields = node.fields()?;
    let kind = fields.need("type")?;
    fields.drop(&["prompt_cache_breakpoint", "detail"]);
    let part = match kind.json.text() {
        Some("input_text" | "text") => Part::Text(fields.need("text")?.string()?),
        Some("input_image") => {
            fields.forbid("file_id", "a stored file cannot be translated")?;
            Part::Image { at, source: Source::url(fields.need("image_url")?)? }
        }
        Some("input_file") => {
            fields.forbid("file_id", "a stored file cannot be translated")?;
            let source = match fields.take("file_url") {
                Some(url) => Source::url(url)?,
                None => Source::data(fields.need("file_data")?)?,
            };
            Part::File { at, name: fields.string("filename")?, source }
        }
        _ => return kind.refuse("this kind of content cannot be translated"),
    };
    fields.end()?;
    Ok(part)
}

fn said(node: Node) -> Read<Said> {
    let mut fields = node.fields()?;
    let kind = fields.need("type")?;
    // Where citations point to, and how sure the model was; the text itself is all here.
    fields.drop(&["annotations", "logprobs", "prompt_cache_breakpoint"]);
    let said = match kind.json.text() {
        Some("output_text" | "input_text" | "text") => Said::Text(fields.need("text")?.string()?),
        Some("refusal") => Said::Refusal(fields.need("refusal")?.string()?),
        _ => return kind.refuse("this kind of content cannot be translated"),
    };
    fields.end()?;
    Ok(said)
}
