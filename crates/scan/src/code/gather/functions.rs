//! Functions: their parameters, what they stand in, what they give back.

use super::{Bound, Context, Gathered, Language, Place, Syntax, children, field, place};

impl<'t> Gathered<'t> {
    /// A function: its parameters are bound in it; what decorates it or takes it as an argument is the context of its calls.
    pub(super) fn function(&mut self, node: Syntax<'t>, context: Option<usize>) -> (Place, Option<usize>) {
        let scope = place(node);
        let start = node.start_byte();
        self.last_expression(node);
        if let Some(parameter) = field(node, "parameter") {
            self.bind(self.text_of(parameter), scope, start, Place::default(), Bound::Opaque);
        }
        let parameters = field(node, "parameters");
        // Java: `r -> ...`
        let single = parameters.filter(|list| list.kind() == "identifier");
        let served = self.is_route(node);
        for parameter in single.into_iter().chain(parameters.map(children).unwrap_or_default()) {
            let name = field(parameter, "name")
                .or_else(|| field(parameter, "pattern"))
                .or_else(|| field(parameter, "left"));
            let name = match (parameter.kind(), name) {
                ("identifier", _) => parameter,
                ("object_pattern", _) => {
                    self.opaque_pattern(parameter, scope);
                    continue;
                }
                ("typed_parameter", _) => children(parameter).into_iter().next().unwrap_or(parameter),
                (_, Some(name)) if name.kind() == "object_pattern" => {
                    self.opaque_pattern(name, scope);
                    continue;
                }
                (_, Some(name)) => name,
                (_, None) => parameter,
            };
            let value = field(parameter, "value").or_else(|| field(parameter, "right"));
            let ty = field(parameter, "type");
            let to = match (value, ty) {
                (Some(value), _) => Bound::Value(value),
                // What a web framework hands to a route comes from the request.
                _ if served => Bound::Import(format!("request.{}", self.text_of(name))),
                (None, Some(ty)) => Bound::Instance(ty),
                (None, None) => Bound::Opaque,
            };
            self.bind(self.text_of(name), scope, start, Place::default(), to);
        }
        let mut inner = context;
        if let Some(name) = field(node, "name").or_else(|| self.variable_of(node)) {
            self.functions.push((self.text_of(name).to_owned(), scope));
        }
        // A method is what its class is: the tool's, the agent's.
        for base in self.bases(node) {
            self.contexts.push(Context { outer: inner, node: base });
            inner = Some(self.contexts.len().saturating_sub(1));
        }
        if let Some(parent) = node.parent() {
            if parent.kind() == "decorated_definition" {
                for decorator in children(parent).into_iter().filter(|child| child.kind() == "decorator") {
                    self.contexts.push(Context { outer: inner, node: decorator });
                    inner = Some(self.contexts.len().saturating_sub(1));
                }
            } else if matches!(parent.kind(), "arguments" | "argument_list")
                && let Some(call) = parent.parent()
            {
                self.contexts.push(Context { outer: inner, node: call });
                inner = Some(self.contexts.len().saturating_sub(1));
            } else if parent.kind() == "pair"
                && let Some(call) = parent.parent().and_then(|n| n.parent()).and_then(|n| n.parent())
                && call.kind() == "call_expression"
            {
                self.contexts.push(Context { outer: inner, node: call });
                inner = Some(self.contexts.len().saturating_sub(1));
            }
        }
        for attribute in
            children(node).into_iter().filter(|child| matches!(child.kind(), "attribute_list" | "modifiers"))
        {
            for one in children(attribute) {
                self.contexts.push(Context { outer: inner, node: one });
                inner = Some(self.contexts.len().saturating_sub(1));
            }
        }
        (scope, inner)
    }

    /// The variable that a function without a name is given to.
    pub(super) fn variable_of(&self, node: Syntax<'t>) -> Option<Syntax<'t>> {
        node.parent()
            .filter(|parent| parent.kind() == "variable_declarator")
            .and_then(|parent| field(parent, "name"))
    }

    /// The classes that a method's class is made from.
    pub(super) fn bases(&self, node: Syntax<'t>) -> Vec<Syntax<'t>> {
        const MOST: usize = 4;
        let mut outer = node;
        for _ in 0..4 {
            let Some(parent) = outer.parent() else { return Vec::new() };
            outer = parent;
            if matches!(outer.kind(), "class_definition" | "class_declaration" | "class") {
                let list = field(outer, "superclasses").or_else(|| {
                    children(outer)
                        .into_iter()
                        .find(|child| matches!(child.kind(), "class_heritage" | "base_list" | "superclass"))
                });
                let bases =
                    list.map(children).unwrap_or_default().into_iter().map(|base| match base.kind() {
                        "extends_clause" => field(base, "value").unwrap_or(base),
                        _ => base,
                    });
                return bases.filter(|base| base.kind() != "keyword_argument").take(MOST).collect();
            }
        }
        Vec::new()
    }

    /// Whether a function serves a web framework's route by its decorator.
    pub(super) fn is_route(&self, node: Syntax<'t>) -> bool {
        let Some(parent) = node.parent().filter(|parent| parent.kind() == "decorated_definition") else {
            return false;
        };
        children(parent).into_iter().filter(|child| child.kind() == "decorator").any(|decorator| {
            let text = self.text_of(decorator).split('(').next().unwrap_or_default();
            let verb = text.rsplit_once('.').map(|(_, verb)| verb.trim());
            matches!(
                verb,
                Some("get" | "post" | "put" | "patch" | "delete" | "route" | "websocket" | "api_route")
            )
        })
    }

    /// Notes what a function gives back that ends with an expression, or is one.
    pub(super) fn last_expression(&mut self, node: Syntax<'t>) {
        let Some(body) = field(node, "body") else { return };
        let value = match (self.language, node.kind()) {
            (Language::Rust, "function_item") => children(body).last().copied(),
            (Language::JavaScript | Language::TypeScript | Language::Tsx, "arrow_function") => {
                (body.kind() != "statement_block").then_some(body)
            }
            _ => None,
        };
        let name = field(node, "name").or_else(|| {
            node.parent().filter(|p| p.kind() == "variable_declarator").and_then(|p| field(p, "name"))
        });
        if let (Some(value), Some(name)) = (value, name)
            && !value.kind().ends_with("_statement")
        {
            let name = self.text_of(name).to_owned();
            self.returns.entry(name).or_insert(value);
        }
    }

    /// Notes what the function around gives back.
    pub(super) fn returned(&mut self, node: Syntax<'t>) {
        let Some(value) = children(node).first().copied() else { return };
        let mut outer = node;
        for _ in 0..16 {
            let Some(parent) = outer.parent() else { return };
            outer = parent;
            if let (true, Some(name)) =
                (outer.kind().contains("function") || outer.kind().contains("method"), field(outer, "name"))
            {
                let name = self.text_of(name).to_owned();
                self.returns.entry(name).or_insert(value);
                return;
            }
        }
    }

    pub(super) fn opaque_pattern(&mut self, pattern: Syntax<'t>, scope: Place) {
        for part in children(pattern) {
            let name = field(part, "value").or_else(|| field(part, "left")).unwrap_or(part);
            self.bind(self.text_of(name), scope, pattern.start_byte(), Place::default(), Bound::Opaque);
        }
    }
}
