//! Calls: what is called, on what, with what around it.

use super::{
    Bound, Call, Data, Entry, Evaluator, Node, Place, Syntax, children, field, limited, member, place,
};

impl<'t> Evaluator<'t> {
    pub(super) fn call(&self, node: Syntax<'t>, context: Option<usize>) -> Call {
        let (mut callee, mut receiver) = self.callee(node, 0);
        let mut arguments = self.arguments(node, 0);
        if let Some((path, from)) = self.deferred(node, &callee) {
            (callee, receiver) = (path, from);
            shift(&mut arguments);
        }
        let args = Node::new(place(node), Data::Map(arguments));
        let mut within = Vec::new();
        let mut next = context;
        while let Some(context) = next.and_then(|at| self.from.contexts.get(at)) {
            let node = context.node;
            within.push(match node.kind() {
                "decorator" => children(node).first().map(|inner| self.path(*inner, 0)).unwrap_or_default(),
                "attribute" | "annotation" | "marker_annotation" => {
                    field(node, "name").map(|name| self.path(name, 0)).unwrap_or_default()
                }
                _ => self.path(node, 0),
            });
            next = context.outer;
            if within.len() > 8 {
                break;
            }
        }
        let within = within
            .into_iter()
            .map(|path| path.strip_suffix("()").map_or(path.clone(), str::to_owned))
            .collect();
        Call { callee, args, target: self.target(node), receiver, within, at: place(node) }
    }

    /// What is called with the arguments of a call that only hands it on: `partial(f, x=1)` calls `f`.
    pub(super) fn deferred(&self, node: Syntax<'t>, callee: &str) -> Option<(String, Option<usize>)> {
        if !matches!(
            callee,
            "functools.partial"
                | "partial"
                | "staticmethod"
                | "asyncio.to_thread"
                | "functools.partialmethod"
        ) {
            return None;
        }
        let first = children(field(node, "arguments")?).first().copied()?;
        let path = self.path(first, 0);
        let named = !path.starts_with(['?', '\'']) && path.contains('.') && !path.ends_with(')');
        let receiver = member(first).and_then(|(object, _)| self.receiver(object, 1));
        named.then_some((path, receiver))
    }

    /// The variable that the value of a call, or of a chain that begins with it, goes to.
    pub(super) fn target(&self, node: Syntax<'t>) -> Option<String> {
        let mut child = node;
        for _ in 0..12 {
            let parent = child.parent()?;
            match parent.kind() {
                "assignment" | "assignment_expression" | "assignment_statement" | "short_var_declaration" => {
                    let left = field(parent, "left")?;
                    let left = if left.kind() == "expression_list" {
                        children(left).first().copied()?
                    } else {
                        left
                    };
                    let name = member(left).map_or(left, |(_, property)| property);
                    return (field(parent, "right")?.end_byte() >= child.end_byte()
                        && left.end_byte() <= child.start_byte())
                    .then(|| self.text(name).to_owned());
                }
                "variable_declarator"
                | "const_item"
                | "static_item"
                | "var_spec"
                | "const_spec"
                | "let_declaration"
                | "field_definition"
                | "public_field_definition"
                | "property_declaration" => {
                    let name = field(parent, "name")
                        .or_else(|| field(parent, "pattern"))
                        .or_else(|| field(parent, "property"))?;
                    let name = self.text(name).trim_start_matches("mut ");
                    return (!name.starts_with(['{', '['])).then(|| name.to_owned());
                }
                "await"
                | "await_expression"
                | "parenthesized_expression"
                | "expression_list"
                | "try_expression"
                | "as_expression"
                | "non_null_expression"
                | "equals_value_clause"
                | "reference_expression"
                | "unary_expression"
                | "call"
                | "call_expression"
                | "invocation_expression"
                | "method_invocation"
                | "attribute"
                | "member_expression"
                | "member_access_expression"
                | "field_expression"
                | "selector_expression" => {
                    // Only along the chain, not out of arguments.
                    if field(parent, "arguments").is_some_and(|arguments| arguments.id() == child.id()) {
                        return None;
                    }
                    child = parent;
                }
                _ => return None,
            }
        }
        None
    }

    /// What is called, and the call whose result it is called on.
    pub(in crate::code) fn callee(&self, node: Syntax<'t>, depth: usize) -> (String, Option<usize>) {
        let deeper = depth.saturating_add(1);
        if node.kind() == "method_invocation" {
            let name = field(node, "name").map(|name| self.text(name)).unwrap_or_default();
            return match field(node, "object") {
                Some(object) => {
                    (limited(format!("{}.{name}", self.path(object, deeper))), self.receiver(object, deeper))
                }
                None => (name.to_owned(), None),
            };
        }
        let function = match node.kind() {
            "new_expression" => field(node, "constructor"),
            "object_creation_expression" | "composite_literal" => field(node, "type"),
            "struct_expression" => field(node, "name"),
            "implicit_object_creation_expression" => self.declared_type(node),
            _ => field(node, "function"),
        };
        let Some(mut function) = function else { return (String::new(), None) };
        // `Agent[Context](...)`: a class with the types of its parameters.
        if function.kind() == "subscript"
            && let Some(inner) = field(function, "value")
            && self
                .text(inner)
                .rsplit('.')
                .next()
                .is_some_and(|name| name.starts_with(|c: char| c.is_ascii_uppercase()))
        {
            function = inner;
        }
        let receiver = member(function).and_then(|(object, _)| self.receiver(object, deeper));
        (self.path(function, deeper), receiver)
    }

    /// The type of `T x = new() { ... }`.
    pub(super) fn declared_type(&self, node: Syntax<'t>) -> Option<Syntax<'t>> {
        let mut outer = node;
        for _ in 0..4 {
            outer = outer.parent()?;
            if let Some(ty) = field(outer, "type") {
                return Some(ty);
            }
        }
        None
    }

    pub(super) fn receiver(&self, object: Syntax<'t>, depth: usize) -> Option<usize> {
        if !self.step(depth) {
            return None;
        }
        let deeper = depth.saturating_add(1);
        if let Some(at) = self.by_node.get(&object.id()) {
            return Some(*at);
        }
        match object.kind() {
            "identifier" => match self.lookup(self.text(object), object.start_byte())? {
                Bound::Value(value) => self.receiver(value, deeper),
                _ => None,
            },
            "await"
            | "await_expression"
            | "parenthesized_expression"
            | "try_expression"
            | "non_null_expression"
            | "reference_expression"
            | "unary_expression" => self.receiver(children(object).first().copied()?, deeper),
            _ => {
                if let Some(name) = self.from.self_property(object) {
                    return match self.lookup(&format!(".{name}"), object.start_byte())? {
                        Bound::Value(value) => self.receiver(value, deeper),
                        _ => None,
                    };
                }
                let (inner, _) = member(object)?;
                self.receiver(inner, deeper)
            }
        }
    }
}

/// A function that is handed to a call stands in it, as one does that is written there: `Tool(func=run)`.
pub(super) fn handed(functions: &[(String, Place)], calls: &mut [Call]) {
    const MOST: usize = 256;
    let mut found: Vec<(Place, String)> = Vec::new();
    for call in calls.iter() {
        for entry in call.args.entries() {
            let Data::Expression { path, parts } = &entry.value.data else { continue };
            if !parts.is_empty() || found.len() >= MOST {
                continue;
            }
            let name = path.rsplit('.').next().unwrap_or(path).trim_start_matches('?');
            if let Some((_, place)) = functions.iter().find(|(known, _)| known == name) {
                found.push((*place, call.callee.clone()));
            }
        }
    }
    for (place, callee) in found {
        for call in calls.iter_mut().filter(|call| place.covers(call.at.start)) {
            call.within.push(callee.clone());
        }
    }
}

/// The arguments without the first by position.
pub(super) fn shift(arguments: &mut Vec<Entry>) {
    arguments.retain(|entry| entry.key != "0");
    for entry in arguments {
        if let Ok(at) = entry.key.parse::<usize>() {
            entry.key = at.saturating_sub(1).to_string();
        }
    }
}
