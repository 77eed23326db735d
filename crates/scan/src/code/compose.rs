//! Values that are made of others: what calls give, arguments, objects, texts in pieces.

use tree_sitter::Node as Syntax;

use super::Language;
use super::evaluate::Evaluator;
use super::gather::{Bound, children, field, member, place};
use super::known::{fill, is_wrapper};
use crate::node::{Data, Entry, Node, Place};

/// The longest text that is joined from pieces, in bytes.
pub(super) const MAX_TEXT: usize = 64 * 1024;

/// The most arguments of a call that are kept.
pub(super) const MAX_ARGUMENTS: usize = 256;

impl<'t> Evaluator<'t> {
    pub(super) fn call_value(&self, node: Syntax<'t>, depth: usize) -> Data {
        let (callee, receiver) = self.callee(node, depth);
        let arguments = self.arguments(node, depth);
        let positional =
            |at: &str| arguments.iter().find(|entry| entry.key == at).map(|entry| entry.value.clone());
        match callee.as_str() {
            "os.getenv"
            | "os.environ.get"
            | "os.Getenv"
            | "System.getenv"
            | "Environment.GetEnvironmentVariable"
            | "System.Environment.GetEnvironmentVariable"
            | "std.env.var"
            | "env.var"
            | "Deno.env.get"
            | "os.LookupEnv"
            | "decouple.config"
            | "environ.get" => {
                if let Some(name) = positional("0").as_ref().and_then(Node::text) {
                    let default = positional("1").or_else(|| positional("default")).map(Box::new);
                    return Data::Environment { name: name.to_owned(), default };
                }
            }
            _ => {}
        }
        let method = callee.rsplit('.').next().unwrap_or_default();
        if let Some(data) = self.known_call(node, &callee, method, &arguments, depth) {
            return data;
        }
        // Methods that give back what they are called on, or its text.
        let transparent = matches!(
            method,
            "to_string"
                | "to_owned"
                | "into"
                | "as_str"
                | "clone"
                | "strip"
                | "rstrip"
                | "trim"
                | "toString"
                | "ToString"
                | "replace"
                | "unwrap"
                | "expect"
                | "unwrap_or"
                | "unwrap_or_else"
                | "unwrap_or_default"
                | "orElse"
                | "format"
                | "toLowerCase"
                | "lower"
                | "dedent"
        );
        if transparent
            && let Some(object) = field(node, "function")
                .and_then(member)
                .map(|(object, _)| object)
                .or_else(|| field(node, "object"))
        {
            let value = self.value(object, depth);
            return match value.data {
                Data::Environment { name, default: None }
                    if method.starts_with("unwrap_or") || method == "orElse" =>
                {
                    Data::Environment { name, default: positional("0").map(Box::new) }
                }
                Data::Text(text) if method == "format" => match fill(&text, &arguments) {
                    Some(filled) => Data::Text(filled),
                    None => Data::Expression {
                        path: "format()".to_owned(),
                        parts: vec![Node::new(value.at, Data::Text(text))],
                    },
                },
                data => data,
            };
        }
        if (is_wrapper(&callee)
            || matches!(
                callee.as_str(),
                "String.from"
                    | "str"
                    | "String"
                    | "Some"
                    | "Ok"
                    | "textwrap.dedent"
                    | "Box.new"
                    | "pydantic.SecretStr"
                    | "SecretStr"
                    | "URI.create"
                    | "java.net.URI.create"
                    | "URL"
                    | "Uri"
                    | "System.Uri"
                    | "aws.String"
            ))
            && let Some(value) = positional("0")
        {
            return value.data;
        }
        let mut parts: Vec<Node> = arguments.into_iter().map(|entry| entry.value).collect();
        // A builder's values are those of its links.
        let mut link = receiver;
        for _ in 0..12 {
            let Some(site) = link.and_then(|at| self.from.calls.get(at)) else { break };
            if depth > 6 {
                break;
            }
            parts.extend(
                self.arguments(site.node, depth.saturating_add(6)).into_iter().map(|entry| entry.value),
            );
            link = self.callee(site.node, depth.saturating_add(1)).1;
        }
        Data::Expression { path: self.called(node, depth), parts }
    }

    /// The arguments of a call, by name or position.
    pub(super) fn arguments(&self, node: Syntax<'t>, depth: usize) -> Vec<Entry> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut position = 0_usize;
        let deeper = depth.saturating_add(1);
        let mut push = |key: Option<String>, at: Place, value: Node| {
            let key = key.unwrap_or_else(|| {
                let key = position.to_string();
                position = position.saturating_add(1);
                key
            });
            entries.push(Entry { key, at, value });
        };
        // C# gives the list of `new(...)` no name.
        let list = field(node, "arguments")
            .or_else(|| children(node).into_iter().find(|child| child.kind() == "argument_list"));
        for argument in list.map(children).unwrap_or_default().into_iter().take(MAX_ARGUMENTS) {
            let at = place(argument);
            match argument.kind() {
                "comment" | "line_comment" | "block_comment" => {}
                "keyword_argument" => {
                    if let (Some(name), Some(value)) = (field(argument, "name"), field(argument, "value")) {
                        push(Some(self.text(name).to_owned()), place(name), self.value(value, deeper));
                    }
                }
                "argument" => {
                    let name = field(argument, "name");
                    if let Some(value) = children(argument).into_iter().rfind(|child| Some(*child) != name) {
                        push(name.map(|name| self.text(name).to_owned()), at, self.value(value, deeper));
                    }
                }
                "dictionary_splat" => {
                    if let Some(inner) = children(argument).first() {
                        for entry in self.value(*inner, deeper).entries() {
                            push(Some(entry.key.clone()), entry.at, entry.value.clone());
                        }
                    }
                }
                _ => {
                    let value = self.value(argument, deeper);
                    // JavaScript names its arguments by an object.
                    if matches!(
                        self.from.language,
                        Language::JavaScript | Language::TypeScript | Language::Tsx
                    ) {
                        for entry in value.entries() {
                            push(Some(entry.key.clone()), entry.at, entry.value.clone());
                        }
                    }
                    push(None, at, value);
                }
            }
        }
        let literal = match node.kind() {
            "composite_literal" | "struct_expression" => field(node, "body"),
            _ => field(node, "initializer").or_else(|| {
                children(node).into_iter().find(|child| child.kind() == "initializer_expression")
            }),
        };
        if let Some(literal) = literal {
            for entry in self.entries(literal, deeper) {
                push(Some(entry.key), entry.at, entry.value);
            }
        }
        entries
    }

    /// The entries of an object, dictionary, struct or initialiser.
    pub(super) fn entries(&self, node: Syntax<'t>, depth: usize) -> Vec<Entry> {
        let mut entries = Vec::new();
        for part in children(node).into_iter().take(MAX_ARGUMENTS) {
            match part.kind() {
                "spread_element" | "dictionary_splat" => {
                    if let Some(inner) = children(part).first()
                        && let Data::Map(more) = self.value(*inner, depth).data
                    {
                        entries.extend(more);
                    }
                }
                "shorthand_property_identifier" | "shorthand_field_initializer" => {
                    let name = if part.kind() == "shorthand_field_initializer" {
                        children(part).first().copied()
                    } else {
                        Some(part)
                    };
                    let Some(name) = name else { continue };
                    let at = place(name);
                    let value = match self.lookup(self.text(name), part.start_byte()) {
                        Some(Bound::Value(value)) => self.value(value, depth),
                        Some(bound) => Node::new(
                            at,
                            Data::Expression {
                                path: self.bound(bound, self.text(name), depth),
                                parts: Vec::new(),
                            },
                        ),
                        None => Node::new(
                            at,
                            Data::Expression { path: self.text(name).to_owned(), parts: Vec::new() },
                        ),
                    };
                    entries.push(Entry { key: self.text(name).to_owned(), at, value });
                }
                "pair" | "keyed_element" | "field_initializer" | "assignment_expression" => {
                    let parts = children(part);
                    let key = field(part, "key")
                        .or_else(|| field(part, "field"))
                        .or_else(|| field(part, "left"))
                        .or(parts.first().copied());
                    let value =
                        field(part, "value").or_else(|| field(part, "right")).or(parts.last().copied());
                    if let (Some(key), Some(value)) = (key, value) {
                        let name = self.text(key).trim_matches(['"', '\'', '`']);
                        let name = if key.kind() == "string" {
                            name.to_owned()
                        } else {
                            name.trim_matches(['[', ']']).to_owned()
                        };
                        entries.push(Entry { key: name, at: place(key), value: self.value(value, depth) });
                    }
                }
                _ => {}
            }
        }
        entries
    }

    /// A text literal, in pieces where it is filled in.
    pub(super) fn string(&self, node: Syntax<'t>, depth: usize) -> Data {
        let whole = self.text(node);
        // What stands between holes; a piece that is not a text is a hole.
        let mut pieces: Vec<Node> = Vec::new();
        let mut literal = String::new();
        let mut holes = false;
        for part in children(node) {
            match part.kind() {
                "string_content"
                | "string_fragment"
                | "multiline_string_fragment"
                | "string_literal_content"
                | "template_chars"
                | "interpreted_string_literal_content"
                | "raw_string_literal_content"
                | "interpolation_text"
                | "raw_string_content"
                | "verbatim_string_literal_content"
                | "string_text"
                | "string_content_fragment" => literal.push_str(self.text(part)),
                "escape_sequence" => literal.push_str(unescape(self.text(part))),
                "interpolation" | "template_substitution" => {
                    holes = true;
                    if !literal.is_empty() {
                        pieces.push(Node::new(place(node), Data::Text(std::mem::take(&mut literal))));
                    }
                    if let Some(inner) =
                        children(part).into_iter().find(|child| child.kind() != "interpolation_brace")
                    {
                        pieces.push(self.value(inner, depth));
                    }
                }
                "string_start" | "string_end" | "interpolation_start" | "interpolation_quote" => {}
                _ => {}
            }
        }
        if holes {
            if !literal.is_empty() {
                pieces.push(Node::new(place(node), Data::Text(literal)));
            }
            return fold(pieces);
        }
        if literal.is_empty() && whole.len() > 2 {
            // Grammars that do not name the content.
            literal = whole
                .trim_start_matches(['@', '$', 'r', '#'])
                .trim_end_matches('#')
                .trim_matches(['"', '\'', '`'])
                .to_owned();
        }
        Data::Text(literal)
    }

    pub(super) fn joined(&self, parts: Vec<Syntax<'t>>, depth: usize) -> Data {
        fold(parts.into_iter().map(|part| self.value(part, depth)).collect())
    }
}

/// Pieces of a text: one text where all are known.
fn fold(pieces: Vec<Node>) -> Data {
    let mut text = String::new();
    for piece in &pieces {
        match &piece.data {
            Data::Text(more) if text.len().saturating_add(more.len()) <= MAX_TEXT => text.push_str(more),
            Data::Number(more) => text.push_str(more),
            _ => return Data::Expression { path: "+".to_owned(), parts: pieces },
        }
    }
    Data::Text(text)
}

/// The character of a simple escape; others stay as they are written.
fn unescape(escape: &str) -> &str {
    match escape {
        "\\n" => "\n",
        "\\t" => "\t",
        "\\r" => "\r",
        "\\\\" => "\\",
        "\\\"" => "\"",
        "\\'" => "'",
        "\\/" => "/",
        other => other,
    }
}
