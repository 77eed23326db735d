//! Writes Anthropic messages.

use super::fields::{Read, refuse};
use super::{Choice, Effort, Format, Part, Prompt, Said, Source, Terms, Thinking, Tool, ToolResult, Turn};
use crate::translate::json::{Json, object};

/// What an image may be here.
const IMAGES: [&str; 4] = ["image/jpeg", "image/png", "image/gif", "image/webp"];

/// The least that may be thought, in tokens.
const MIN_BUDGET: u64 = 1_024;

pub(super) fn write(mut prompt: Prompt, terms: &Terms) -> Read<Json> {
    let max_tokens = prompt.max_tokens.unwrap_or(terms.max_tokens);
    let thinking = thinking(&prompt, terms, max_tokens);
    let mut out = object([("model", prompt.model.into()), ("max_tokens", max_tokens.into())]);
    let first = prompt.turns.iter().position(|turn| !matches!(turn, Turn::System(_)));
    let Some(first) = first else { return refuse(&prompt.last, "there must be more than instructions") };
    let rest = prompt.turns.split_off(first);
    let mut system = Vec::new();
    for turn in prompt.turns {
        if let Turn::System(texts) = turn {
            system.extend(texts.into_iter().filter(|text| !text.is_empty()));
        }
    }
    if !system.is_empty() {
        out.insert("system", content(system.into_iter().map(text).collect()));
    }
    out.insert("messages", messages(rest)?);
    let temperature = prompt.temperature;
    if let Some(node) = &temperature
        && node.json.float().is_some_and(|value| value > 1.0)
    {
        return node.refuse("temperatures above 1 cannot be translated");
    }
    let mut put = |key: &str, value: Option<Json>| {
        if let Some(value) = value {
            out.insert(key, value);
        }
    };
    put("temperature", super::number(temperature)?);
    put("top_p", super::number(prompt.top_p)?);
    if !prompt.stop.is_empty() {
        put("stop_sequences", Some(Json::List(prompt.stop.into_iter().map(Json::from).collect())));
    }
    if !prompt.tools.is_empty() {
        put("tools", Some(Json::List(prompt.tools.into_iter().map(tool).collect())));
        put("tool_choice", choice(prompt.choice, prompt.parallel));
    }
    let mut config = object([]);
    if terms.thinking == Thinking::Adaptive
        && let Some(effort) = prompt.effort.filter(|effort| *effort != Effort::None)
    {
        config.insert("effort", effort.max(Effort::Low).word());
    }
    if let Some(format) = prompt.format {
        config.insert("format", self::format(format)?);
    }
    put("output_config", (!config.is_empty()).then_some(config));
    put("thinking", thinking);
    put("stream", prompt.stream.then_some(true.into()));
    Ok(out)
}

/// Thinking goes with no forced call and no temperature of its own; where it cannot go, effort alone is left.
fn thinking(prompt: &Prompt, terms: &Terms, max_tokens: u64) -> Option<Json> {
    let effort = prompt.effort?;
    if effort == Effort::None {
        return Some(object([("type", "disabled".into())]));
    }
    let is_forced = matches!(prompt.choice, Some(Choice::Any | Choice::Named(_)));
    let is_tempered = prompt.temperature.as_ref().is_some_and(|node| node.json.float() != Some(1.0));
    if is_forced || is_tempered {
        return None;
    }
    if terms.thinking == Thinking::Adaptive {
        return Some(object([("type", "adaptive".into()), ("display", "summarized".into())]));
    }
    // An answer that began without thinking must go on without, and the beginning's seal is not ours to make.
    let began = prompt.turns.iter().skip(prompt.running()).any(|turn| matches!(turn, Turn::Assistant(_)));
    let budget = match effort {
        Effort::None | Effort::Minimal => MIN_BUDGET,
        Effort::Low => 2_048,
        Effort::Medium => 8_192,
        Effort::High => 16_384,
        Effort::Xhigh | Effort::Max => 32_768,
    };
    // Half of the answer's limit is left to the answer.
    let budget = budget.min(max_tokens / 2);
    if began || budget < MIN_BUDGET || prompt.top_p.is_some() {
        return None;
    }
    Some(object([("type", "enabled".into()), ("budget_tokens", budget.into())]))
}

fn messages(turns: Vec<Turn>) -> Read<Json> {
    let mut messages: Vec<(&str, Vec<Json>)> = Vec::new();
    for turn in turns {
        let (role, mut blocks) = match turn {
            Turn::System(texts) => ("system", texts.into_iter().map(text).collect()),
            Turn::User(parts) => ("user", self::parts(parts)?),
            Turn::Results(results) => ("user", results.into_iter().map(result).collect::<Read<_>>()?),
            Turn::Assistant(said) => {
                let blocks = said.into_iter().map(self::said).collect::<Read<Vec<_>>>()?;
                ("assistant", blocks.into_iter().flatten().collect())
            }
        };
        match messages.last_mut() {
            Some((last, list)) if *last == role => list.append(&mut blocks),
            // Nothing that was said can be told.
            _ if role == "assistant" && blocks.is_empty() => {}
            _ => messages.push((role, blocks)),
        }
    }
    let message = |(role, blocks): (&str, _)| object([("role", role.into()), ("content", content(blocks))]);
    Ok(Json::List(messages.into_iter().map(message).collect()))
}

/// Blocks, or the short form of one text.
fn content(blocks: Vec<Json>) -> Json {
    match blocks.as_slice() {
        [] => "".into(),
        [only] if only.get("type").and_then(Json::text) == Some("text") => {
            only.get("text").cloned().unwrap_or(Json::Null)
        }
        _ => Json::List(blocks),
    }
}

fn text(text: String) -> Json {
    object([("type", "text".into()), ("text", text.into())])
}

/// Empty texts are refused there and say nothing.
fn parts(parts: Vec<Part>) -> Read<Vec<Json>> {
    let is_said = |part: &Part| !matches!(part, Part::Text(text) if text.is_empty());
    parts.into_iter().filter(is_said).map(part).collect()
}

fn part(part: Part) -> Read<Json> {
    Ok(match part {
        Part::Text(only) => text(only),
        Part::Image { at, source } => {
            if let Source::Base64 { media_type, .. } = &source
                && !IMAGES.contains(&media_type.as_str())
            {
                return refuse(&at, "this kind of image cannot be translated");
            }
            object([("type", "image".into()), ("source", self::source(source))])
        }
        Part::File { at, name, source } => {
            if let Source::Base64 { media_type, .. } = &source
                && media_type != "application/pdf"
            {
                return refuse(&at, "files other than PDF cannot be translated");
            }
            let mut out = object([("type", "document".into()), ("source", self::source(source))]);
            if let Some(name) = name {
                out.insert("title", name);
            }
            out
        }
    })
}

fn source(source: Source) -> Json {
    match source {
        Source::Url(url) => object([("type", "url".into()), ("url", url.into())]),
        Source::Base64 { media_type, data } => {
            object([("type", "base64".into()), ("media_type", media_type.into()), ("data", data.into())])
        }
    }
}

fn result(result: ToolResult) -> Read<Json> {
    let mut out = object([
        ("type", "tool_result".into()),
        ("tool_use_id", result.id.into()),
        ("content", content(parts(result.parts)?)),
    ]);
    if result.is_error {
        out.insert("is_error", true);
    }
    Ok(out)
}

/// Thinking would need its provider's seal, so it stays behind.
fn said(said: Said) -> Read<Option<Json>> {
    Ok(match said {
        Said::Text(only) | Said::Refusal(only) => (!only.is_empty()).then(|| text(only)),
        Said::Thinking(_) => None,
        Said::Call { at, id, name, arguments } => {
            let input = if arguments.is_empty() { "{}" } else { arguments.as_str() };
            let Ok(input @ Json::Map(_)) = Json::parse(input.as_bytes()) else {
                return refuse(&at, "the arguments of a call must be one JSON object");
            };
            Some(object([
                ("type", "tool_use".into()),
                ("id", id.into()),
                ("name", name.into()),
                ("input", input),
            ]))
        }
    })
}

fn tool(tool: Tool) -> Json {
    let mut out = object([("name", tool.name.into())]);
    if let Some(description) = tool.description {
        out.insert("description", description);
    }
    let mut schema = tool.schema.unwrap_or_else(|| object([]));
    if schema.is_empty() {
        schema.insert("properties", object([]));
    }
    if schema.get("type").is_none() {
        schema.insert("type", "object");
    }
    out.insert("input_schema", schema);
    if tool.strict == Some(true) {
        out.insert("strict", true);
    }
    out
}

fn choice(choice: Option<Choice>, parallel: Option<bool>) -> Option<Json> {
    let one_at_a_time = parallel == Some(false);
    let mut out = match choice {
        None if one_at_a_time => object([("type", "auto".into())]),
        None => return None,
        Some(Choice::None) => return Some(object([("type", "none".into())])),
        Some(Choice::Auto) => object([("type", "auto".into())]),
        Some(Choice::Any) => object([("type", "any".into())]),
        Some(Choice::Named(name)) => object([("type", "tool".into()), ("name", name.into())]),
    };
    if one_at_a_time {
        out.insert("disable_parallel_tool_use", true);
    }
    Some(out)
}

/// The schema holds in any case. Its description is what the model reads, so it moves into the schema.
fn format(format: Format) -> Read<Json> {
    match format {
        Format::Object { at } => refuse(&at, "JSON without a schema cannot be translated"),
        Format::Schema { description, mut schema, .. } => {
            if let Some(description) = description
                && schema.get("description").is_none()
            {
                schema.insert("description", description);
            }
            Ok(object([("type", "json_schema".into()), ("schema", schema)]))
        }
    }
}
