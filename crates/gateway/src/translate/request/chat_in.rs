//! Reads OpenAI chat completions (<https://platform.openai.com/docs/api-reference/chat/create>).

use super::fields::{Fields, Node, Read, refuse};
use super::{Effort, Part, Prompt, Said, Source, ToolResult, Turn};
use crate::translate::json::Json;

pub(super) fn read(mut fields: Fields) -> Read<Prompt> {
    let mut prompt = Prompt::default();
    super::openai(&mut fields, &mut prompt)?;
    prompt.max_tokens = match fields.take("max_completion_tokens") {
        Some(_) if fields.has("max_tokens") => {
            return refuse(&fields.pointer("max_tokens"), "there are two limits");
        }
        Some(limit) => Some(limit.count()?),
        None => fields.take("max_tokens").map(|limit| limit.count()).transpose()?,
    };
    prompt.stop = fields.take("stop").map(stop).transpose()?.unwrap_or_default();
    prompt.effort = fields.take("reasoning_effort").map(Effort::read).transpose()?;
    prompt.format =
        fields.take("response_format").map(|node| super::format(node, true)).transpose()?.flatten();
    prompt.choice = fields.take("tool_choice").map(super::choice).transpose()?;
    for tool in fields.take("tools").map(Node::list).transpose()?.unwrap_or_default() {
        prompt.tools.push(self::tool(tool)?);
    }
    // Both are hints: a seed promises nothing, a prediction only makes the same answer come sooner.
    fields.drop(&["seed", "prediction"]);
    let zero = [Json::from(0_u64), Json::Number("0.0".to_owned())];
    fields.only("n", &[Json::from(1_u64)], "only one answer can be asked for")?;
    fields.only("frequency_penalty", &zero, "penalties cannot be translated")?;
    fields.only("presence_penalty", &zero, "penalties cannot be translated")?;
    fields.only("logprobs", &[Json::Bool(false)], "log probabilities cannot be translated")?;
    fields.only("logit_bias", &[], "a bias of tokens cannot be translated")?;
    fields.only(
        "modalities",
        &[Json::List(vec!["text".into()])],
        "answers other than text cannot be translated",
    )?;
    fields.only("functions", &[], "this older form of tools cannot be translated")?;
    fields.forbid("function_call", "this older form of tools cannot be translated")?;
    fields.forbid("audio", "audio cannot be translated")?;
    fields.forbid("web_search_options", "tools of the provider cannot be translated")?;
    prompt.verbosity = super::verbosity(&mut fields)?;
    for message in fields.need("messages")?.list()? {
        prompt.last.clone_from(&message.at);
        let turn = self::message(message.fields()?)?;
        prompt.push(turn);
    }
    fields.end()?;
    Ok(prompt)
}

fn stop(node: Node) -> Read<Vec<String>> {
    match node.json {
        Json::Text(stop) => Ok(vec![stop]),
        _ => node.list()?.into_iter().map(Node::string).collect(),
    }
}

fn tool(node: Node) -> Read<super::Tool> {
    let mut fields = node.fields()?;
    let kind = fields.need("type")?;
    if kind.json.text() != Some("function") {
        return kind.refuse("this kind of tool cannot be translated");
    }
    let mut inner = fields.need("function")?.fields()?;
    let tool = super::function(&mut inner, "parameters")?;
    inner.end()?;
    fields.end()?;
    Ok(tool)
}

fn message(mut fields: Fields) -> Read<Turn> {
    let role = fields.need("role")?;
    if role.json.text() == Some("tool") {
        fields.drop(&["name"]);
    }
    fields.only("name", &[], "names of participants cannot be translated")?;
    let turn = match role.json.text() {
        Some("system" | "developer") => Turn::System(texts(fields.need("content")?)?),
        Some("user") => Turn::User(parts(fields.need("content")?)?),
        Some("tool") => Turn::Results(vec![ToolResult {
            id: fields.need("tool_call_id")?.string()?,
            parts: parts(fields.need("content")?)?,
            is_error: false,
        }]),
        Some("assistant") => Turn::Assistant(assistant(&mut fields)?),
        _ => return role.refuse("the translation does not know this role"),
    };
    fields.end()?;
    Ok(turn)
}

fn texts(node: Node) -> Read<Vec<String>> {
    let text = |part| match part {
        Part::Text(text) => Ok(text),
        Part::Image { at, .. } | Part::File { at, .. } => refuse(&at, "only text can stand here"),
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
    fields.drop(&["prompt_cache_breakpoint", "cache_control"]);
    let kind = fields.need("type")?;
    let part = match kind.json.text() {
        Some("text") => Part::Text(fields.need("text")?.string()?),
        Some("image_url") => {
            let mut image = fields.need("image_url")?.fields()?;
            // How finely an image is looked at: the other API decides by its size.
            image.drop(&["detail"]);
            let source = Source::url(image.need("url")?)?;
            image.end()?;
            Part::Image { at, source }
        }
        Some("file") => {
            let mut file = fields.need("file")?.fields()?;
            file.forbid("file_id", "a stored file cannot be translated")?;
            let source = Source::data(file.need("file_data")?)?;
            let name = file.string("filename")?;
            file.end()?;
            Part::File { at, name, source }
        }
        _ => return kind.refuse("this kind of content cannot be translated"),
    };
    fields.end()?;
    Ok(part)
}

fn assistant(fields: &mut Fields) -> Read<Vec<Said>> {
    let mut said = Vec::new();
    // Where citations point to; the text that cites stands in the message itself.
    fields.drop(&["annotations"]);
    fields.forbid("audio", "audio cannot be translated")?;
    fields.forbid("function_call", "this older form of tools cannot be translated")?;
    let reasoning = [fields.string("reasoning_content")?, fields.string("reasoning")?];
    said.extend(reasoning.into_iter().flatten().next().map(Said::Thinking));
    match fields.take("content") {
        Some(Node { json: Json::Text(text), .. }) => said.push(Said::Text(text)),
        Some(list) => {
            for part in list.list()? {
                said.push(spoken(part)?);
            }
        }
        None => {}
    }
    said.extend(fields.string("refusal")?.map(Said::Refusal));
    for call in fields.take("tool_calls").map(Node::list).transpose()?.unwrap_or_default() {
        said.push(self::call(call)?);
    }
    Ok(said)
}

fn spoken(node: Node) -> Read<Said> {
    let mut fields = node.fields()?;
    fields.drop(&["prompt_cache_breakpoint", "cache_control"]);
    let kind = fields.need("type")?;
    let said = match kind.json.text() {
        Some("text") => Said::Text(fields.need("text")?.string()?),
        Some("refusal") => Said::Refusal(fields.need("refusal")?.string()?),
        _ => return kind.refuse("this kind of content cannot be translated"),
    };
    fields.end()?;
    Ok(said)
}

fn call(node: Node) -> Read<Said> {
    let mut fields = node.fields()?;
    let kind = fields.need("type")?;
    if kind.json.text() != Some("function") {
        return kind.refuse("this kind of tool cannot be translated");
    }
    // A position in a stream that some clients leave behind.
    fields.drop(&["index"]);
    let mut function = fields.need("function")?.fields()?;
    let said = Said::Call {
        at: function.pointer("arguments"),
        id: fields.need("id")?.string()?,
        name: function.need("name")?.string()?,
        arguments: function.need("arguments")?.string()?,
    };
    function.end()?;
    fields.end()?;
    Ok(said)
}
