//! From a request's bytes to spans: what each text is, who said it, and what cannot be read.

use std::collections::HashMap;

use bytes::Bytes;
use stockade_domain::{Channel, Role};
use stockade_egress::evidence::{Message, ParsedSpan, Reference};

use crate::dialect::{
    Dialect, Family, KNOWN_KEYS, Named, RequestTable, SaidBy, Seen, brings_in, by_form, is_atom,
    is_hosted_tool, is_ollama_mimic, is_seal, is_unreadable, role, segments,
};
use crate::error::Refusal;
use crate::json::{Edit, Leaf, LeafKind, Limits, encode_string, splice, walk};

/// A number with this many digits or more is read as text: it could be a card or an account.
const LONG_NUMBER: usize = 9;

/// Reads the body of a request.
pub(crate) fn parse(dialect: Dialect, body: Bytes, limits: Limits) -> Result<Message, Refusal> {
    let table = dialect.request();
    let mut leaves = Vec::new();
    let mut roles: HashMap<String, Role> = HashMap::new();
    let mut seen = Seen::default();
    let mut message = blank(dialect);
    let mut has_subject = false;
    let mut mistyped = None;
    let mut stateful = false;
    // Tools without a kind and a name: `{"google_search": {}}` is one that the provider runs.
    let (mut named, mut nameless) = (std::collections::BTreeSet::new(), Vec::new());
    let is_anthropic = dialect.family() == Family::Anthropic;
    walk(&body, limits, |leaf| {
        let is_foreign = |path| dialect.family() == Family::Ollama && is_ollama_mimic(path);
        if leaf.kind == LeafKind::Key && (is_mimic(leaf.path) || is_foreign(leaf.path)) {
            // Some readers pass over the case of letters and take the last one.
            mistyped = Some("a key differs from a known one by the case of its letters");
        }
        match (leaf.path, leaf.kind) {
            ("/model", LeafKind::String) => message.model = leaf.text.as_ref().to_owned(),
            ("/stream", LeafKind::Literal) => {
                message.stream = leaf.text == "true" || (leaf.text == "null" && dialect.streams_by_default());
            }
            // A provider that takes "true" for true would send a stream that nobody asked for here.
            ("/stream", kind) if kind != LeafKind::Key => mistyped = Some("`stream` must be a boolean"),
            ("/model", kind) if kind != LeafKind::Key => mistyped = Some("`model` must be a string"),
            ("/background", LeafKind::Literal) if leaf.text == "true" && dialect == Dialect::Responses => {
                mistyped = Some("`background` is not offered: nothing here asks for the answer later");
            }
            // State that the provider holds. Its SDK goes on without when it is told so in its own word.
            ("/thread", kind) if kind != LeafKind::Key && leaf.text != "null" && is_anthropic => {
                stateful = true;
            }
            ("/stream_options/include_usage", LeafKind::Literal) => {
                message.stream_usage = leaf.text == "true"
            }
            (path, LeafKind::Container | LeafKind::String)
                if is_subject(path, leaf.kind, table.subject()) =>
            {
                has_subject = true;
                let is_list = matches!(path, "/messages" | "/input") && leaf.kind == LeafKind::Container;
                if is_list && body.get(leaf.raw.start) != Some(&b'[') {
                    mistyped = Some("`messages` and `input` are no objects");
                }
            }
            (path, LeafKind::Container) if is_tool(path) => {
                message.tools = message.tools.saturating_add(1);
                if path.starts_with("/tools/") && !named.contains(path) {
                    nameless.push(Reference { path: path.to_owned(), kind: "hosted_tool" });
                }
            }
            (path, kind) if kind != LeafKind::Key && brings_in(path).is_some() => {
                let raw = body.get(leaf.raw.clone()).unwrap_or_default();
                let is_empty = kind == LeafKind::Container
                    && path != "/web_search_options"
                    && raw.iter().all(|byte| b"[]{} \t\r\n".contains(byte));
                let is_off = is_empty || (kind == LeafKind::Literal && leaf.text != "true");
                let reference = brings_in(path).filter(|_| !is_off);
                message.references.extend(reference.map(|kind| Reference { path: path.to_owned(), kind }));
            }
            (path, LeafKind::String) if is_role(path) => {
                roles.insert(path.trim_end_matches("/role").to_owned(), role(&leaf.text));
            }
            _ => {}
        }
        if leaf.kind == LeafKind::Key
            && let Some((tool, "type" | "name" | "function")) = leaf.path.rsplit_once('/')
            && tool.starts_with("/tools/")
        {
            named.insert(tool.to_owned());
        }
        if leaf.kind == LeafKind::String
            && let Some(object) = leaf.path.strip_suffix("/type")
        {
            let is_tool = object.contains("/tools/") || object == "/tool_choice";
            if is_tool && is_hosted_tool(&leaf.text) && !is_choice(&leaf.text) && !is_schema(object) {
                message.references.push(Reference { path: object.to_owned(), kind: "hosted_tool" });
            }
            if dialect != Dialect::Chat {
                seen.types.insert(object.to_owned(), leaf.text.as_ref().to_owned());
            }
        }
        if let Some(kept) = keep(leaf) {
            leaves.push(kept);
        }
    })
    .map_err(|e| Refusal::new(e.kind.code()).with_message(e.to_string()))?;
    if message.stream && (dialect.is_embedding() || dialect == Dialect::CountTokens) {
        mistyped = Some("there is no stream of this");
    }
    if stateful {
        let what = "`thread` is not offered: send the whole conversation with each request";
        let refusal = Refusal::new("invalid_request").with_message(what);
        return Err(Refusal { detail: Some("thread_unsupported_request"), ..refusal });
    }
    if let Some(what) = mistyped {
        return Err(Refusal::new("invalid_request").with_message(what));
    }
    if !has_subject || message.model.is_empty() {
        let needed = format!("`model` and `{}` are needed", table.subject());
        return Err(Refusal::new("invalid_request").with_message(needed));
    }
    message.references.append(&mut nameless);
    for leaf in leaves {
        name(leaf, table, &roles, &seen, &mut message);
    }
    message.body = body;
    Ok(message)
}

fn blank(dialect: Dialect) -> Message {
    Message {
        surface: dialect.surface(),
        action: dialect.action(),
        path: dialect.path().into(),
        fetches: false,
        tensors: Vec::new(),
        model: String::new(),
        stream: dialect.streams_by_default(),
        stream_usage: false,
        tools: 0,
        spans: Vec::new(),
        references: Vec::new(),
        opaque: Vec::new(),
        sealed: Vec::new(),
        fields: Vec::new(),
        body: Bytes::new(),
    }
}

/// Reads the body of a request that a model is given as it is: it need not be an object, and names no model.
pub(crate) fn data(dialect: Dialect, body: Bytes, limits: Limits) -> Result<Message, Refusal> {
    let table = dialect.request();
    let mut message = blank(dialect);
    let mut leaves = Vec::new();
    if !body.is_empty() {
        walk(&body, limits, |leaf| leaves.extend(keep(leaf)))
            .map_err(|e| Refusal::new(e.kind.code()).with_message(e.to_string()))?;
    }
    for leaf in leaves {
        name(leaf, table, &HashMap::new(), &Seen::default(), &mut message);
    }
    message.body = body;
    Ok(message)
}

/// Whether a leaf is what the request is about. Messages are always a list.
fn is_subject(path: &str, kind: LeafKind, subject: &str) -> bool {
    // A response may be asked for by a stored prompt alone; policy says whether it may.
    let is_stored =
        subject == "input" && matches!(path, "/prompt" | "/previous_response_id" | "/conversation");
    is_stored
        || (path.strip_prefix('/') == Some(subject) && (kind == LeafKind::Container || subject != "messages"))
}

/// A body whose model is the one that its path names, as Azure's deployments are: what the body says of it does not count.
pub(crate) fn with_model(body: &Bytes, model: &str, limits: Limits) -> Result<Bytes, Refusal> {
    let mut edit = None;
    let mut begin = None;
    walk(body, limits, |leaf| match (leaf.path, leaf.kind) {
        ("/model", LeafKind::Key) => {}
        // Some clients send `null`: the path says it.
        ("/model", _) => edit = Some(Edit { raw: leaf.raw, with: encode_string(model) }),
        ("", LeafKind::Container) => begin = Some(leaf.raw),
        _ => {}
    })
    .map_err(|e| Refusal::new(e.kind.code()).with_message(e.to_string()))?;
    let object = begin.filter(|raw| body.get(raw.start) == Some(&b'{'));
    let Some(object) = object else {
        return Err(Refusal::new("invalid_request").with_message("the body must be an object"));
    };
    let edit = edit.unwrap_or_else(|| {
        let at = object.start.saturating_add(1);
        let is_empty = object.len() <= 2;
        let mut with = b"\"model\":".to_vec();
        with.extend_from_slice(&encode_string(model));
        with.extend_from_slice(if is_empty { b"" } else { b"," });
        Edit { raw: at..at, with }
    });
    splice(body, &mut [edit]).map(Bytes::from).ok_or_else(|| Refusal::new("invalid_request"))
}

/// Whether a key at the top is a known one but for the case of its letters.
fn is_mimic(pointer: &str) -> bool {
    let key = pointer.strip_prefix('/').unwrap_or_default();
    PRECISE.iter().any(|known| *known != key && known.eq_ignore_ascii_case(key))
}

/// Keys at the top whose letters are exactly these: what a request says, to whom, and for how long an answer.
const PRECISE: [&str; 14] = [
    "model",
    "messages",
    "stream",
    "tools",
    "input",
    "prompt",
    "instructions",
    "system",
    "functions",
    "n",
    "best_of",
    "max_tokens",
    "max_completion_tokens",
    "max_output_tokens",
];

/// Words of `tool_choice` that name no tool.
fn is_choice(kind: &str) -> bool {
    matches!(kind, "auto" | "any" | "none" | "required" | "tool" | "allowed_tools")
}

/// Whether an object is part of a schema, where `type` is a type of values.
fn is_schema(object: &str) -> bool {
    let within = |what: &str| object.contains(what);
    within("/parameters") || within("/input_schema") || within("/format") || within("/user_location")
}

/// A leaf that outlives the walk.
struct Kept {
    path: String,
    kind: LeafKind,
    text: String,
    raw: std::ops::Range<usize>,
}

/// Strings and made-up keys, long numbers, and elements of number arrays: everything that can carry text.
fn keep(leaf: Leaf<'_, '_>) -> Option<Kept> {
    let carries = match leaf.kind {
        LeafKind::String => true,
        LeafKind::Key => KNOWN_KEYS.binary_search(&leaf.text.as_ref()).is_err(),
        LeafKind::Number => is_long(&leaf.text) || is_element(leaf.path),
        LeafKind::Literal | LeafKind::Container => false,
    };
    carries.then(|| Kept {
        path: leaf.path.to_owned(),
        kind: leaf.kind,
        text: leaf.text.into_owned(),
        raw: leaf.raw,
    })
}

/// Whether a number is so long that it could be somebody's.
pub(crate) fn is_long(number: &str) -> bool {
    number.bytes().filter(u8::is_ascii_digit).count() >= LONG_NUMBER
}

/// Whether the last segment of a path is an index.
fn is_element(path: &str) -> bool {
    path.rsplit('/').next().is_some_and(|s| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit()))
}

fn is_tool(path: &str) -> bool {
    matches!(segments(path).as_slice(), ["tools" | "functions", _])
}

fn is_role(path: &str) -> bool {
    matches!(segments(path).as_slice(), ["messages" | "input", _, "role"])
}

/// Gives a leaf its name and puts it where it belongs.
fn name(
    leaf: Kept,
    table: &dyn RequestTable,
    roles: &HashMap<String, Role>,
    seen: &Seen,
    message: &mut Message,
) {
    let path = segments(&leaf.path);
    let said_by = match (table.said_by(&path), path.as_slice()) {
        (SaidBy::Is(role), _) => role,
        (SaidBy::Turn, [list, index, ..]) => {
            roles.get(&format!("/{list}/{index}")).copied().unwrap_or(Role::None)
        }
        (SaidBy::Turn, _) => Role::None,
    };
    let reference = |kind| Reference { path: leaf.path.clone(), kind };
    let is_count = leaf.kind == LeafKind::Number && !is_long(&leaf.text);
    let formed = if leaf.kind == LeafKind::String { by_form(&path, &leaf.text) } else { None };
    let named = formed.unwrap_or_else(|| table.name(&path, seen));
    let channel = match (leaf.kind, named) {
        (LeafKind::Key, _) => Channel::Key,
        (_, Named::Text(Channel::ToolDefinition) | Named::Argument) if is_count => return,
        // Weights of tokens, by their ids: they steer, and say nothing.
        _ if is_count && matches!(path.as_slice(), ["logit_bias", _]) => return,
        _ if is_count && table.takes_numbers() => return,
        _ if is_count => return message.opaque.push(reference("numbers")),
        (_, Named::Opaque(kind)) => {
            message.opaque.push(reference(kind));
            if is_unreadable(&leaf.text) {
                return;
            }
            Channel::Unlabelled
        }
        // The media itself, inline: it passes us, but nobody can read it.
        (_, Named::Reference(kind @ ("media" | "image_url" | "url" | "file_url")))
            if leaf.text.starts_with("data:") =>
        {
            message.opaque.push(reference(kind));
            if is_unreadable(&leaf.text) {
                return;
            }
            Channel::Unlabelled
        }
        // Some clients send the field empty.
        (_, Named::Sealed(_)) if leaf.text.is_empty() => return,
        (_, Named::Sealed(kind)) if is_seal(&leaf.text) => {
            message.sealed.push(reference(kind));
            return;
        }
        (_, Named::Reference(kind)) => {
            message.references.push(reference(kind));
            Channel::Unlabelled
        }
        (_, Named::Atom) if is_atom(&leaf.text) => Channel::Atom,
        (
            _,
            Named::Atom | Named::Carrier | Named::Vector | Named::Prediction | Named::Echo | Named::Sealed(_),
        ) => Channel::Unlabelled,
        (_, Named::Argument) => Channel::ToolArgs,
        (_, Named::Text(Channel::Content)) if said_by == Role::System => Channel::System,
        (_, Named::Text(Channel::Content)) if said_by == Role::Tool => Channel::ToolResult,
        (_, Named::Text(channel)) => channel,
    };
    message.spans.push(ParsedSpan {
        channel,
        role: said_by,
        path: leaf.path,
        text: leaf.text,
        raw: leaf.raw,
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_names_the_model_whatever_the_body_says() {
        let limits = Limits { depth: 16, leaves: 1_000 };
        let body = |text: &'static str| with_model(&Bytes::from_static(text.as_bytes()), "dep", limits);
        for text in [r#"{"model":"x","n":1}"#, r#"{"model":null,"n":1}"#, r#"{"model":{"model":"x"},"n":1}"#]
        {
            assert_eq!(body(text).unwrap(), r#"{"model":"dep","n":1}"#);
        }
        assert_eq!(body(r#"{"n":1}"#).unwrap(), r#"{"model":"dep","n":1}"#);
        assert_eq!(body("{}").unwrap(), r#"{"model":"dep"}"#);
        assert!(body("[]").is_err() && body("{").is_err());
    }

    #[test]
    fn weights_of_tokens_are_no_opaque_content_and_lists_of_numbers_are() {
        let limits = Limits { depth: 16, leaves: 1_000 };
        let read = |extra: &str| {
            let body = format!(r#"{{"model":"m","messages":[{{"role":"user","content":"x"}}],{extra}}}"#);
            parse(Dialect::Chat, Bytes::from(body), limits).unwrap()
        };
        assert_eq!(read(r#""tools":[{"google_search":{}},{"function":{"name":"f"}}]"#).references.len(), 1);
        assert_eq!(read(r#""Models":["x"],"enable_search":true,"web_search":false"#).references.len(), 2);
        let message = read(r#""logit_bias":{"50256":-100},"seed":7"#);
        assert!(message.opaque.is_empty());
        assert!(message.spans.iter().any(|s| s.channel == Channel::Key && s.text == "50256"));
        assert_eq!(read(r#""prompt_ids":[72,105]"#).opaque.len(), 2);
    }
}
