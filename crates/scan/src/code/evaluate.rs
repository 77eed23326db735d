//! The second pass: values and names, resolved as far as one file tells.

mod calls;

use self::calls::handed;
use std::cell::Cell;
use std::collections::HashMap;

use tree_sitter::Node as Syntax;

use super::compose::MAX_ARGUMENTS;
use super::gather::{Bound, Gathered, children, field, is_self, member, place};
use super::known::{one_of, pick};
use super::{Assign, Call, Facts};
use crate::node::{Data, Entry, Node, Place};

/// How deep an expression is followed.
const MAX_DEPTH: usize = 24;

/// How many expressions of a file are looked at in all.
const MAX_STEPS: usize = 2_000_000;

/// The longest resolved name, in bytes.
const MAX_PATH: usize = 400;

pub(super) struct Evaluator<'t> {
    pub(super) from: Gathered<'t>,
    by_node: HashMap<usize, usize>,
    steps: Cell<usize>,
}

pub(super) fn evaluate(from: Gathered<'_>) -> Facts {
    let by_node = from.calls.iter().enumerate().map(|(at, site)| (site.node.id(), at)).collect();
    let evaluator = Evaluator { from, by_node, steps: Cell::new(0) };
    let mut calls: Vec<Call> =
        evaluator.from.calls.iter().map(|site| evaluator.call(site.node, site.context)).collect();
    handed(&evaluator.from.functions, &mut calls);
    let assigns =
        evaluator.from.assigns.iter().map(|(left, right)| evaluator.assign(*left, *right)).collect();
    let incomplete = if evaluator.steps.get() > MAX_STEPS { Some("too_complex") } else { None };
    Facts {
        calls,
        assigns,
        incomplete: evaluator.from.incomplete.or(incomplete),
        imports: evaluator.from.imports,
        wildcards: evaluator.from.wildcards,
        tests: evaluator.from.tests,
    }
}

impl<'t> Evaluator<'t> {
    pub(super) fn text(&self, node: Syntax<'_>) -> &'t str {
        self.from.text_of(node)
    }

    /// Whether work is left in the budget.
    pub(super) fn step(&self, depth: usize) -> bool {
        self.steps.set(self.steps.get().saturating_add(1));
        depth < MAX_DEPTH && self.steps.get() <= MAX_STEPS
    }

    fn assign(&self, left: Syntax<'t>, right: Syntax<'t>) -> Assign {
        let target = match member(left) {
            Some((object, property)) if !is_self(self.text(object)) => {
                format!("{}.{}", self.path(object, 0), self.text(property))
            }
            Some((_, property)) => self.text(property).to_owned(),
            None => {
                let subscript = matches!(left.kind(), "subscript" | "subscript_expression");
                if subscript {
                    self.subscript_target(left)
                } else {
                    self.text(left).trim_start_matches("mut ").to_owned()
                }
            }
        };
        Assign { target, value: self.value(right, 0), at: place(left) }
    }

    /// `os.environ["X"] = ...`, `process.env["X"] = ...`.
    fn subscript_target(&self, left: Syntax<'t>) -> String {
        let parts = children(left);
        let object = parts.first().map(|object| self.path(*object, 0)).unwrap_or_default();
        let key = parts.get(1).map(|key| self.value(*key, 0));
        format!("{object}.{}", key.as_ref().and_then(Node::text).unwrap_or("[]"))
    }

    /// What a name stands for at a byte: in the innermost scope the latest binding before, else the first after.
    pub(super) fn lookup(&self, name: &str, at: usize) -> Option<Bound<'t>> {
        let all = self.from.bindings.get(name)?;
        let usable = all.iter().filter(|b| b.scope.covers(at) && !b.value_at.covers(at));
        let best = usable.min_by_key(|b| {
            let size = b.scope.end.saturating_sub(b.scope.start);
            let after = b.from > at;
            let distance = if after { b.from.saturating_sub(at) } else { at.saturating_sub(b.from) };
            // A value is worth more than a declared type, wherever it is assigned, and anything more than nothing: what is
            // imported if it can be, and else `None`, is what is imported.
            let vague = match &b.to {
                Bound::Instance(_) => true,
                Bound::Value(value) => {
                    matches!(value.kind(), "none" | "null" | "null_literal" | "undefined" | "nil")
                }
                _ => false,
            };
            (size, vague, after, distance)
        })?;
        Some(best.to.clone())
    }

    /// The resolved name of an expression.
    pub(super) fn path(&self, node: Syntax<'t>, depth: usize) -> String {
        if !self.step(depth) {
            return "?".to_owned();
        }
        let deeper = depth.saturating_add(1);
        limited(match node.kind() {
            "identifier"
            | "type_identifier"
            | "property_identifier"
            | "package_identifier"
            | "field_identifier" => self.name(self.text(node), node.start_byte(), deeper),
            "generic_name" | "generic_type" | "generic_function" | "template_type" => {
                let inner = field(node, "function")
                    .or_else(|| field(node, "type"))
                    .or_else(|| children(node).first().copied());
                inner.map(|inner| self.path(inner, deeper)).unwrap_or_default()
            }
            "type"
            | "type_annotation"
            | "pointer_type"
            | "nullable_type"
            | "reference_type"
            | "parenthesized_expression"
            | "await"
            | "await_expression"
            | "non_null_expression"
            | "as_expression"
            | "satisfies_expression"
            | "try_expression"
            | "reference_expression"
            | "unary_expression"
            | "postfix_unary_expression"
            | "conditional_access_expression"
            | "type_conversion_expression"
            | "expression_statement" => {
                children(node).first().map(|inner| self.path(*inner, deeper)).unwrap_or_default()
            }
            "cast_expression" => {
                field(node, "value").map(|inner| self.path(inner, deeper)).unwrap_or_default()
            }
            "subscript"
            | "subscript_expression"
            | "element_access_expression"
            | "index_expression"
            | "array_access" => {
                let object =
                    children(node).first().map(|object| self.path(*object, deeper)).unwrap_or_default();
                format!("{object}[]")
            }
            "scoped_identifier" | "scoped_type_identifier" | "qualified_name" if member(node).is_none() => {
                self.text(node).replace("::", ".")
            }
            "import" => "import".to_owned(),
            "string" | "string_literal" | "interpreted_string_literal" | "template_string" => "'".to_owned(),
            _ if self.by_node.contains_key(&node.id()) => self.called(node, deeper),
            _ => match member(node) {
                Some((object, property)) => {
                    if let Some(name) = self.from.self_property(node)
                        && let Some(bound) = self
                            .lookup(&format!(".{name}"), node.start_byte())
                            .or_else(|| self.lookup(name, node.start_byte()))
                    {
                        return self.bound(bound, name, deeper);
                    }
                    format!("{}.{}", self.path(object, deeper), self.text(property))
                }
                None => "?".to_owned(),
            },
        })
    }

    /// The name of what a call gives; imports that are calls give the module.
    pub(super) fn called(&self, node: Syntax<'t>, depth: usize) -> String {
        let (callee, _) = self.callee(node, depth);
        if matches!(
            callee.as_str(),
            "require" | "import" | "importlib.import_module" | "__import__" | "import_module"
        ) {
            let argument = field(node, "arguments").and_then(|list| children(list).first().copied());
            if let Some(module) =
                argument.map(|argument| self.value(argument, depth)).as_ref().and_then(Node::text)
            {
                return module.to_owned();
            }
        }
        // A function of this file gives what it returns.
        let own = callee.strip_prefix('?').unwrap_or(&callee);
        if let Some(value) = self.from.returns.get(own)
            && !place(*value).covers(node.start_byte())
        {
            let path = self.path(*value, depth.saturating_add(1));
            if path != "?" && !path.starts_with('\'') {
                return path;
            }
        }
        format!("{callee}()")
    }

    fn name(&self, name: &str, at: usize, depth: usize) -> String {
        match self.lookup(name, at).or_else(|| self.lookup(&format!(".{name}"), at)) {
            Some(bound) => self.bound(bound, name, depth),
            None => name.to_owned(),
        }
    }

    pub(super) fn bound(&self, bound: Bound<'t>, name: &str, depth: usize) -> String {
        match bound {
            Bound::Import(path) => path,
            Bound::Value(value) => {
                let path = self.path(value, depth);
                // A literal or a parameter has no name of its own.
                if path.is_empty() || path == "?" { format!("?{name}") } else { path }
            }
            Bound::Property(value, key) => format!("{}.{key}", self.path(value, depth)),
            Bound::Element(value) => format!("{}[]", self.path(value, depth)),
            Bound::Instance(ty) => {
                let path = self.path(ty, depth);
                let plain = matches!(
                    path.as_str(),
                    "" | "?" | "str" | "string" | "String" | "var" | "any" | "dict" | "list" | "int"
                );
                if plain { format!("?{name}") } else { format!("{path}()") }
            }
            Bound::Opaque => format!("?{name}"),
        }
    }

    /// The value of an expression.
    pub(super) fn value(&self, node: Syntax<'t>, depth: usize) -> Node {
        let at = place(node);
        if !self.step(depth) {
            return Node::new(at, Data::Expression { path: "?".to_owned(), parts: Vec::new() });
        }
        let deeper = depth.saturating_add(1);
        let data = match node.kind() {
            "string"
            | "string_literal"
            | "interpreted_string_literal"
            | "raw_string_literal"
            | "verbatim_string_literal"
            | "template_string"
            | "interpolated_string_expression"
            | "encapsed_string"
            | "character_literal" => self.string(node, deeper),
            "concatenated_string" => self.joined(children(node), deeper),
            "true" => Data::Bool(true),
            "false" => Data::Bool(false),
            "boolean_literal" => Data::Bool(self.text(node) == "true"),
            "none" | "null" | "null_literal" | "undefined" | "nil" => Data::Null,
            "integer"
            | "float"
            | "number"
            | "integer_literal"
            | "float_literal"
            | "real_literal"
            | "int_literal"
            | "decimal_integer_literal"
            | "decimal_floating_point_literal" => Data::Number(self.text(node).to_owned()),
            "list"
            | "tuple"
            | "set"
            | "array"
            | "array_expression"
            | "collection_expression"
            | "array_initializer" => {
                let items = children(node)
                    .into_iter()
                    .take(MAX_ARGUMENTS)
                    .map(|item| self.value(item, deeper))
                    .collect();
                Data::List(items)
            }
            "dictionary" | "object" | "literal_value" => Data::Map(self.entries(node, deeper)),
            "await"
            | "await_expression"
            | "parenthesized_expression"
            | "as_expression"
            | "satisfies_expression"
            | "non_null_expression"
            | "try_expression"
            | "reference_expression"
            | "postfix_unary_expression"
            | "literal_element"
            | "expression_list"
            | "equals_value_clause" => {
                return match children(node).first() {
                    Some(inner) => self.value(*inner, deeper),
                    None => Node::new(at, Data::Null),
                };
            }
            "cast_expression" => match field(node, "value") {
                Some(inner) => return self.value(inner, deeper),
                None => Data::Null,
            },
            "unary_expression" | "unary_operator" | "not_operator" if self.text(node).starts_with('&') => {
                return match children(node).first() {
                    Some(inner) => self.value(*inner, deeper),
                    None => Node::new(at, Data::Null),
                };
            }
            "binary_operator" | "binary_expression" | "boolean_operator" => self.binary(node, deeper),
            "conditional_expression" | "ternary_expression" => {
                let sides = [field(node, "consequence"), field(node, "alternative")];
                let sides: Vec<_> = if sides.iter().any(Option::is_some) {
                    sides.into_iter().flatten().collect()
                } else {
                    // Python: what, the condition, what else.
                    let all = children(node);
                    all.first().into_iter().chain(all.get(2)).copied().collect()
                };
                let parts = sides.into_iter().map(|part| self.value(part, deeper)).collect();
                Data::Expression { path: "?".to_owned(), parts }
            }
            "identifier" => return self.identifier(node, deeper),
            "subscript" | "subscript_expression" => self.subscript(node, deeper),
            _ if self.by_node.contains_key(&node.id()) => self.call_value(node, deeper),
            _ => {
                if let Some(name) = self.from.self_property(node)
                    && let Some(Bound::Value(value)) = self
                        .lookup(&format!(".{name}"), node.start_byte())
                        .or_else(|| self.lookup(name, node.start_byte()))
                {
                    return self.value(value, deeper);
                }
                if let Some(value) = self.member_value(node, deeper) {
                    return value;
                }
                let path = self.path(node, deeper);
                match path.strip_prefix("process.env.").or_else(|| path.strip_prefix("import.meta.env.")) {
                    Some(name) => Data::Environment { name: name.to_owned(), default: None },
                    None => Data::Expression { path, parts: Vec::new() },
                }
            }
        };
        Node::new(at, data)
    }

    fn identifier(&self, node: Syntax<'t>, depth: usize) -> Node {
        let (name, at) = (self.text(node), node.start_byte());
        let bound = self.lookup(name, at).or_else(|| self.lookup(&format!(".{name}"), at));
        match bound {
            Some(Bound::Value(value)) => self.value(value, depth),
            Some(Bound::Property(value, key)) => {
                let whole = self.value(value, depth);
                match whole.get(&key) {
                    Some(found) => found.clone(),
                    None => self.unknown(node, format!("{}.{key}", self.path(value, depth))),
                }
            }
            Some(Bound::Element(value)) => match one_of(self.value(value, depth).data) {
                Some(parts) => Node::new(place(node), Data::Expression { path: "?".to_owned(), parts }),
                None => self.unknown(node, self.bound(Bound::Element(value), name, depth)),
            },
            Some(bound) => self.unknown(node, self.bound(bound, name, depth)),
            None => self.unknown(node, name.to_owned()),
        }
    }

    fn unknown(&self, node: Syntax<'t>, path: String) -> Node {
        let data = match path.strip_prefix("process.env.") {
            Some(name) => Data::Environment { name: name.to_owned(), default: None },
            None => Data::Expression { path, parts: Vec::new() },
        };
        Node::new(place(node), data)
    }

    fn binary(&self, node: Syntax<'t>, depth: usize) -> Data {
        let (Some(left), Some(right)) = (field(node, "left"), field(node, "right")) else {
            return Data::Null;
        };
        let operator = field(node, "operator").map_or_else(
            || self.from.text.get(left.end_byte()..right.start_byte()).unwrap_or_default().trim(),
            |operator| self.text(operator),
        );
        match operator {
            "+" => self.joined(vec![left, right], depth),
            "%" => self.formatted(left, right, depth),
            "??" | "||" | "or" => {
                let first = self.value(left, depth);
                let second = self.value(right, depth);
                match first.data {
                    Data::Environment { name, default: None } => {
                        Data::Environment { name, default: Some(Box::new(second)) }
                    }
                    data => Data::Expression {
                        path: "?".to_owned(),
                        parts: vec![Node::new(first.at, data), second],
                    },
                }
            }
            // What comes of other operators is neither of their sides.
            operator => Data::Expression {
                path: if matches!(operator, "and" | "&&") { "?" } else { "+" }.to_owned(),
                parts: vec![self.value(left, depth), self.value(right, depth)],
            },
        }
    }

    fn subscript(&self, node: Syntax<'t>, depth: usize) -> Data {
        let parts = children(node);
        let (Some(object), Some(index)) = (parts.first(), parts.get(1)) else { return Data::Null };
        let key = self.value(*index, depth);
        let path = self.path(*object, depth);
        if let Some(key) = key.text() {
            if matches!(path.as_str(), "os.environ" | "process.env") {
                return Data::Environment { name: key.to_owned(), default: None };
            }
            if let Some(found) = pick(&self.value(*object, depth), key) {
                return found.data;
            }
        }
        Data::Expression { path: format!("{path}[]"), parts: Vec::new() }
    }
}

fn limited(mut path: String) -> String {
    if path.len() > MAX_PATH {
        let cut = path.floor_char_boundary(MAX_PATH);
        path.truncate(cut);
    }
    path
}
