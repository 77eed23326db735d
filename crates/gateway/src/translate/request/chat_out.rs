//! Writes OpenAI chat completions.

use super::fields::{Read, refuse};
use super::{ChatLimit, Choice, Format, Part, Prompt, Said, Source, Terms, Tool, ToolResult, Turn};
use crate::translate::json::{Json, object};

/// The API wants a name for the schema of an answer, and a file name for a file.
const SCHEMA_NAME: &str = "answer";
const FILE_NAME: &str = "document.pdf";

pub(super) fn write(prompt: Prompt, terms: &Terms) -> Read<Json> {
    let running = prompt.running();
    let mut messages = Vec::new();
    for (at, turn) in prompt.turns.into_iter().enumerate() {
        match turn {
            Turn::System(texts) => messages.push(message("system", self::texts(texts))),
            Turn::User(parts) => messages.push(message("user", content(parts)?)),
            Turn::Results(results) => {
                for result in results {
                    messages.push(self::result(result)?);
                }
            }
            Turn::Assistant(said) => messages.extend(assistant(said, at >= running)),
        }
    }
    let mut out = object([("model", prompt.model.into()), ("messages", messages.into())]);
    let mut put = |key: &str, value: Option<Json>| {
        if let Some(value) = value {
            out.insert(key, value);
        }
    };
    let limit = match terms.limit {
        ChatLimit::MaxTokens => "max_tokens",
        ChatLimit::MaxCompletionTokens => "max_completion_tokens",
    };
    put(limit, prompt.max_tokens.map(Json::from));
    put("temperature", super::number(prompt.temperature)?);
    put("top_p", super::number(prompt.top_p)?);
    put("stop", list(prompt.stop.into_iter().map(Json::from)));
    if !prompt.tools.is_empty() {
        put("tools", list(prompt.tools.into_iter().map(tool)));
        put("tool_choice", prompt.choice.map(choice));
        put("parallel_tool_calls", prompt.parallel.map(Json::from));
    }
    put("response_format", prompt.format.map(format));
    put("reasoning_effort", prompt.effort.map(|effort| effort.word().into()));
    put("verbosity", prompt.verbosity.map(Json::from));
    if prompt.stream {
        put("stream", Some(true.into()));
        // Without it a stream never says what it cost.
        put("stream_options", Some(object([("include_usage", true.into())])));
    }
    Ok(out)
}

fn list(items: impl Iterator<Item = Json>) -> Option<Json> {
    let list: Vec<Json> = items.collect();
    (!list.is_empty()).then_some(Json::List(list))
}

fn message(role: &str, content: Json) -> Json {
    object([("role", role.into()), ("content", content)])
}

fn text(text: String) -> Json {
    object([("type", "text".into()), ("text", text.into())])
}

/// One text is a string, which every server of this API reads.
fn texts(mut texts: Vec<String>) -> Json {
    match texts.len() {
        0 => Json::Null,
        1 => texts.pop().into(),
        _ => Json::List(texts.into_iter().map(text).collect()),
    }
}

fn content(mut parts: Vec<Part>) -> Read<Json> {
    if let [Part::Text(only)] = parts.as_mut_slice() {
        return Ok(std::mem::take(only).into());
    }
    parts.into_iter().map(part).collect::<Read<Vec<_>>>().map(Json::List)
}

fn part(part: Part) -> Read<Json> {
    Ok(match part {
        Part::Text(only) => text(only),
        Part::Image { source, .. } => {
            object([("type", "image_url".into()), ("image_url", object([("url", source.into_url().into())]))])
        }
        Part::File { at, source: Source::Url(_), .. } => {
            return refuse(&at, "a file that stands elsewhere cannot be translated");
        }
        Part::File { name, source, .. } => {
            let file = object([
                ("filename", name.unwrap_or_else(|| FILE_NAME.to_owned()).into()),
                ("file_data", source.into_url().into()),
            ]);
            object([("type", "file".into()), ("file", file)])
        }
    })
}

fn result(result: ToolResult) -> Read<Json> {
    let text = |part| match part {
        Part::Text(text) => Ok(text),
        Part::Image { at, .. } | Part::File { at, .. } => {
            refuse(&at, "only text can be the result of a tool")
        }
    };
    let mut texts = result.parts.into_iter().map(text).collect::<Read<Vec<String>>>()?;
    if texts.is_empty() {
        texts.push(String::new());
    }
    // There is no flag for it, so it is said.
    if result.is_error
        && let Some(first) = texts.first_mut()
    {
        first.insert_str(0, "Error: ");
    }
    Ok(object([("role", "tool".into()), ("tool_call_id", result.id.into()), ("content", self::texts(texts))]))
}

/// A message, unless nothing in it can be told.
fn assistant(said: Vec<Said>, is_running: bool) -> Option<Json> {
    let (mut thoughts, mut spoken, mut refusals, mut calls) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for said in said {
        match said {
            Said::Thinking(text) if is_running => thoughts.push(text),
            Said::Thinking(_) => {}
            Said::Text(text) => spoken.push(text),
            Said::Refusal(text) => refusals.push(text),
            Said::Call { id, name, arguments, .. } => {
                let function = object([("name", name.into()), ("arguments", arguments.into())]);
                calls.push(object([("id", id.into()), ("type", "function".into()), ("function", function)]));
            }
        }
    }
    if thoughts.is_empty() && spoken.is_empty() && refusals.is_empty() && calls.is_empty() {
        return None;
    }
    let mut out = message("assistant", texts(spoken));
    if !thoughts.is_empty() {
        out.insert("reasoning_content", thoughts.join("\n\n"));
    }
    if !refusals.is_empty() {
        out.insert("refusal", refusals.join("\n\n"));
    }
    if !calls.is_empty() {
        out.insert("tool_calls", calls);
    }
    Some(out)
}

fn tool(tool: Tool) -> Json {
    let mut function = object([("name", tool.name.into())]);
    if let Some(description) = tool.description {
        function.insert("description", description);
    }
    if let Some(schema) = tool.schema {
        function.insert("parameters", schema);
    }
    if let Some(strict) = tool.strict {
        function.insert("strict", strict);
    }
    object([("type", "function".into()), ("function", function)])
}

fn choice(choice: Choice) -> Json {
    match choice {
        Choice::None => "none".into(),
        Choice::Auto => "auto".into(),
        Choice::Any => "required".into(),
        Choice::Named(name) => {
            object([("type", "function".into()), ("function", object([("name", name.into())]))])
        }
    }
}

fn format(format: Format) -> Json {
    match format {
        Format::Object { .. } => object([("type", "json_object".into())]),
        Format::Schema { name, description, schema, strict } => {
            let mut inner = object([("name", name.unwrap_or_else(|| SCHEMA_NAME.to_owned()).into())]);
            if let Some(description) = description {
                inner.insert("description", description);
            }
            inner.insert("schema", schema);
            if let Some(strict) = strict {
                inner.insert("strict", strict);
            }
            object([("type", "json_schema".into()), ("json_schema", inner)])
        }
    }
}
