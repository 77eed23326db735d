//! The first pass over a syntax tree: imports, bindings of names, and where calls and assignments stand.

use std::collections::HashMap;

use tree_sitter::Node as Syntax;

use super::{Import, Language};
use crate::node::Place;

/// What the first pass collects.
pub(super) struct Gathered<'t> {
    pub(super) language: Language,
    pub(super) text: &'t str,
    pub(super) imports: Vec<Import>,
    pub(super) wildcards: Vec<String>,
    pub(super) bindings: HashMap<String, Vec<Binding<'t>>>,
    pub(super) calls: Vec<Site<'t>>,
    pub(super) assigns: Vec<(Syntax<'t>, Syntax<'t>)>,
    pub(super) contexts: Vec<Context<'t>>,
    pub(super) tests: Vec<Place>,
    /// What functions of this file give back: the first `return` of each.
    pub(super) returns: HashMap<String, Syntax<'t>>,
    /// Functions of this file, for calls that are given one.
    pub(super) functions: Vec<(String, Place)>,
    /// Classes and enumerations of this file, whose members are named through them.
    pub(super) classes: HashMap<String, Syntax<'t>>,
    pub(super) incomplete: Option<&'static str>,
}

/// A call and what it stands in.
#[derive(Clone, Copy)]
pub(super) struct Site<'t> {
    pub(super) node: Syntax<'t>,
    pub(super) context: Option<usize>,
}

/// A function around a call that is decorated, or an argument of another call.
pub(super) struct Context<'t> {
    pub(super) outer: Option<usize>,
    pub(super) node: Syntax<'t>,
}

/// What a name stands for from some byte on, in some stretch.
#[derive(Clone)]
pub(super) struct Binding<'t> {
    pub(super) scope: Place,
    pub(super) from: usize,
    /// The stretch of the value, in which the name does not yet have it.
    pub(super) value_at: Place,
    pub(super) to: Bound<'t>,
}

#[derive(Clone)]
pub(super) enum Bound<'t> {
    /// The value of an expression.
    Value(Syntax<'t>),
    /// A property of the value of an expression.
    Property(Syntax<'t>, String),
    /// An element of the value of an expression.
    Element(Syntax<'t>),
    /// A resolved name.
    Import(String),
    /// A value of a declared type.
    Instance(Syntax<'t>),
    /// Something, we do not know what.
    Opaque,
}

/// The most nodes of a tree that are looked at.
const MAX_NODES: usize = 2_000_000;

pub(super) fn gather<'t>(language: Language, text: &'t str, root: Syntax<'t>) -> Gathered<'t> {
    let mut gathered = Gathered {
        language,
        text,
        imports: Vec::new(),
        wildcards: Vec::new(),
        bindings: HashMap::new(),
        calls: Vec::new(),
        assigns: Vec::new(),
        contexts: Vec::new(),
        tests: Vec::new(),
        returns: HashMap::new(),
        functions: Vec::new(),
        classes: HashMap::new(),
        incomplete: None,
    };
    let all = place(root);
    let mut stack = vec![(root, all, None)];
    let mut seen = 0_usize;
    while let Some((node, scope, context)) = stack.pop() {
        seen = seen.saturating_add(1);
        if seen > MAX_NODES {
            gathered.incomplete = Some("too_large");
            break;
        }
        let (scope, context) = gathered.visit(node, scope, context);
        let mut cursor = node.walk();
        let from = stack.len();
        stack.extend(node.named_children(&mut cursor).map(|child| (child, scope, context)));
        if let Some(children) = stack.get_mut(from..) {
            children.reverse();
        }
    }
    gathered
}

/// A node's place.
pub(super) fn place(node: Syntax<'_>) -> Place {
    Place::new(node.start_byte(), node.end_byte())
}

/// A node's child of a field.
pub(super) fn field<'t>(node: Syntax<'t>, name: &str) -> Option<Syntax<'t>> {
    node.child_by_field_name(name)
}

/// A node's named children.
pub(super) fn children(node: Syntax<'_>) -> Vec<Syntax<'_>> {
    let mut cursor = node.walk();
    node.named_children(&mut cursor).filter(|child| !child.is_extra()).collect()
}

/// What a `self` is called.
pub(super) fn is_self(text: &str) -> bool {
    matches!(text, "self" | "this" | "cls")
}

impl<'t> Gathered<'t> {
    pub(super) fn text_of(&self, node: Syntax<'_>) -> &'t str {
        self.text.get(node.start_byte()..node.end_byte()).unwrap_or_default()
    }

    fn bind(&mut self, name: &str, scope: Place, from: usize, value_at: Place, to: Bound<'t>) {
        self.bindings.entry(name.to_owned()).or_default().push(Binding { scope, from, value_at, to });
    }

    /// Notes what a node says; gives the scope and context of its children.
    fn visit(&mut self, node: Syntax<'t>, scope: Place, context: Option<usize>) -> (Place, Option<usize>) {
        match node.kind() {
            "import_statement" if self.language == Language::Python => self.python_import(node, scope),
            "import_from_statement" => self.python_from(node, scope),
            "import_statement" => self.javascript_import(node),
            "using_directive" => self.csharp_using(node),
            "import_declaration" if self.language == Language::Java => self.java_import(node),
            "import_spec" => self.go_import(node),
            "use_declaration" => {
                if let Some(argument) = field(node, "argument") {
                    self.rust_use(argument, String::new(), scope, 0);
                }
            }
            "call"
            | "call_expression"
            | "new_expression"
            | "invocation_expression"
            | "object_creation_expression"
            | "implicit_object_creation_expression"
            | "method_invocation"
            | "composite_literal"
            | "struct_expression" => {
                self.calls.push(Site { node, context });
            }
            "assignment" | "assignment_expression" | "assignment_statement" | "short_var_declaration" => {
                if let (Some(left), Some(right)) = (field(node, "left"), field(node, "right")) {
                    self.assign_all(left, right, scope);
                } else if let (Some(left), Some(ty)) = (field(node, "left"), field(node, "type")) {
                    self.bind(self.text_of(left), scope, node.end_byte(), place(ty), Bound::Instance(ty));
                }
            }
            "named_expression"
            | "const_item"
            | "static_item"
            | "const_spec"
            | "var_spec"
            | "let_declaration"
            | "variable_declarator"
            | "field_definition"
            | "public_field_definition"
            | "property_declaration"
            | "property_signature" => self.declare(node, scope),
            "jsx_attribute" => {
                if let [name, value] = children(node).as_slice()
                    && let Some(inner) = children(*value).first()
                    && value.kind() == "jsx_expression"
                {
                    self.assigns.push((*name, *inner));
                }
            }
            "return_statement" | "arrow_expression_clause" => self.returned(node),
            "class_definition"
            | "class_declaration"
            | "enum_declaration"
            | "record_declaration"
            | "interface_declaration"
            | "impl_item" => {
                if let Some(name) = field(node, "name").or_else(|| field(node, "type")) {
                    self.classes.entry(self.text_of(name).to_owned()).or_insert(node);
                }
            }
            "with_item" => {
                if let Some(pattern) = field(node, "value").filter(|value| value.kind() == "as_pattern") {
                    let parts = children(pattern);
                    if let (Some(value), Some(alias)) = (parts.first(), field(pattern, "alias")) {
                        let name = self.text_of(alias).to_owned();
                        self.bind(&name, scope, pattern.end_byte(), place(*value), Bound::Value(*value));
                    }
                }
            }
            "for_statement"
            | "for_in_statement"
            | "for_in_clause"
            | "enhanced_for_statement"
            | "foreach_statement"
            | "for_expression" => {
                let left =
                    field(node, "left").or_else(|| field(node, "name")).or_else(|| field(node, "pattern"));
                let right = field(node, "right").or_else(|| field(node, "value"));
                if let (Some(left), Some(right)) = (left, right) {
                    let name =
                        self.text_of(left).trim_start_matches("const ").trim_start_matches("let ").to_owned();
                    self.bind(&name, scope, right.end_byte(), place(right), Bound::Element(right));
                }
            }
            "function_definition"
            | "function_declaration"
            | "method_definition"
            | "method_declaration"
            | "function_item"
            | "lambda"
            | "arrow_function"
            | "function_expression"
            | "constructor_declaration"
            | "local_function_statement"
            | "lambda_expression"
            | "func_literal"
            | "closure_expression"
            | "generator_function_declaration" => {
                return self.function(node, context);
            }
            "mod_item" if field(node, "name").is_some_and(|name| self.text_of(name) == "tests") => {
                self.tests.push(place(node));
            }
            _ => {}
        }
        (scope, context)
    }

    /// A function: its parameters are bound in it; what decorates it or takes it as an argument is the context of its calls.
    fn function(&mut self, node: Syntax<'t>, context: Option<usize>) -> (Place, Option<usize>) {
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
    fn variable_of(&self, node: Syntax<'t>) -> Option<Syntax<'t>> {
        node.parent().filter(|parent| parent.kind() == "variable_declarator").and_then(|parent| field(parent, "name"))
    }

    /// The classes that a method's class is made from.
    fn bases(&self, node: Syntax<'t>) -> Vec<Syntax<'t>> {
        const MOST: usize = 4;
        let mut outer = node;
        for _ in 0..4 {
            let Some(parent) = outer.parent() else { return Vec::new() };
            outer = parent;
            if matches!(outer.kind(), "class_definition" | "class_declaration" | "class") {
                let list = field(outer, "superclasses").or_else(|| {
                    children(outer).into_iter().find(|child| matches!(child.kind(), "class_heritage" | "base_list" | "superclass"))
                });
                let bases = list.map(children).unwrap_or_default().into_iter().map(|base| match base.kind() {
                    "extends_clause" => field(base, "value").unwrap_or(base),
                    _ => base,
                });
                return bases.filter(|base| base.kind() != "keyword_argument").take(MOST).collect();
            }
        }
        Vec::new()
    }

    /// Whether a function serves a web framework's route by its decorator.
    fn is_route(&self, node: Syntax<'t>) -> bool {
        let Some(parent) = node.parent().filter(|parent| parent.kind() == "decorated_definition") else { return false };
        children(parent).into_iter().filter(|child| child.kind() == "decorator").any(|decorator| {
            let text = self.text_of(decorator).split('(').next().unwrap_or_default();
            let verb = text.rsplit_once('.').map(|(_, verb)| verb.trim());
            matches!(verb, Some("get" | "post" | "put" | "patch" | "delete" | "route" | "websocket" | "api_route"))
        })
    }

    /// Notes what a function gives back that ends with an expression, or is one.
    fn last_expression(&mut self, node: Syntax<'t>) {
        let Some(body) = field(node, "body") else { return };
        let value = match (self.language, node.kind()) {
            (Language::Rust, "function_item") => children(body).last().copied(),
            (Language::JavaScript | Language::TypeScript | Language::Tsx, "arrow_function") => {
                (body.kind() != "statement_block").then_some(body)
            }
            _ => None,
        };
        let name = field(node, "name")
            .or_else(|| node.parent().filter(|p| p.kind() == "variable_declarator").and_then(|p| field(p, "name")));
        if let (Some(value), Some(name)) = (value, name)
            && !value.kind().ends_with("_statement")
        {
            let name = self.text_of(name).to_owned();
            self.returns.entry(name).or_insert(value);
        }
    }

    /// Notes what the function around gives back.
    fn returned(&mut self, node: Syntax<'t>) {
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

    fn opaque_pattern(&mut self, pattern: Syntax<'t>, scope: Place) {
        for part in children(pattern) {
            let name = field(part, "value").or_else(|| field(part, "left")).unwrap_or(part);
            self.bind(self.text_of(name), scope, pattern.start_byte(), Place::default(), Bound::Opaque);
        }
    }

    fn declare(&mut self, node: Syntax<'t>, scope: Place) {
        let names =
            field(node, "name").or_else(|| field(node, "pattern")).or_else(|| field(node, "property"));
        let Some(name) = names.or_else(|| children(node).first().copied()) else { return };
        let value = field(node, "value").or_else(|| {
            // C# writes the value after `=` without a field.
            (self.language == Language::CSharp && node.kind() == "variable_declarator")
                .then(|| {
                    children(node)
                        .into_iter()
                        .rfind(|child| *child != name && child.kind() != "bracketed_argument_list")
                })
                .flatten()
        });
        let ty = field(node, "type").or_else(|| node.parent().and_then(|parent| field(parent, "type")));
        let is_field =
            matches!(node.kind(), "field_definition" | "public_field_definition" | "property_declaration")
                || node.parent().is_some_and(|parent| {
                    parent.kind() == "field_declaration"
                        || parent.parent().is_some_and(|outer| outer.kind() == "field_declaration")
                });
        let scope = if is_field { Place::new(0, self.text.len()) } else { scope };
        match (value, ty) {
            (Some(value), _) => self.assign_all(name, value, scope),
            (None, Some(ty)) => {
                let to = Bound::Instance(ty);
                self.bind(self.text_of(name), scope, node.start_byte(), place(ty), to);
            }
            (None, None) => {}
        }
    }

    fn assign_all(&mut self, left: Syntax<'t>, right: Syntax<'t>, scope: Place) {
        let lefts = if matches!(left.kind(), "expression_list" | "pattern_list" | "tuple_pattern") {
            children(left)
        } else {
            vec![left]
        };
        let rights = if matches!(right.kind(), "expression_list" | "tuple")
            && (lefts.len() > 1 || right.kind() == "expression_list")
        {
            children(right)
        } else {
            vec![right]
        };
        for (at, left) in lefts.iter().enumerate() {
            // Go: `client, err := New()`; the first name gets the value.
            let value = if rights.len() == lefts.len() {
                rights.get(at)
            } else if at == 0 {
                rights.first()
            } else {
                None
            };
            match value {
                Some(value) => self.assign(*left, *value, scope),
                None => self.bind(
                    self.text_of(*left),
                    scope,
                    right.end_byte(),
                    place(right),
                    Bound::Element(right),
                ),
            }
        }
    }

    fn assign(&mut self, left: Syntax<'t>, right: Syntax<'t>, scope: Place) {
        let from = right.end_byte();
        match left.kind() {
            "object_pattern" => {
                for part in children(left) {
                    let key = field(part, "key").or_else(|| field(part, "left")).unwrap_or(part);
                    let name = field(part, "value").or_else(|| field(part, "left")).unwrap_or(part);
                    let to = Bound::Property(right, self.text_of(key).to_owned());
                    self.bind(self.text_of(name), scope, from, place(right), to);
                }
            }
            "attribute"
            | "member_expression"
            | "member_access_expression"
            | "field_access"
            | "selector_expression"
            | "field_expression"
            | "subscript"
            | "subscript_expression" => {
                if let Some(name) = self.self_property(left) {
                    let all = Place::new(0, self.text.len());
                    self.bind(&format!(".{name}"), all, from, place(right), Bound::Value(right));
                }
                self.assigns.push((left, right));
            }
            _ => {
                let name = self.text_of(left).trim_start_matches("mut ").trim_start_matches('*');
                self.bind(name, scope, from, place(right), Bound::Value(right));
                self.assigns.push((left, right));
            }
        }
    }

    /// `x` of `self.x` and `this.x`.
    pub(super) fn self_property(&self, node: Syntax<'t>) -> Option<&'t str> {
        let (object, property) = member(node)?;
        is_self(self.text_of(object)).then(|| self.text_of(property))
    }

    fn import(&mut self, module: &str, node: Syntax<'t>) {
        self.imports.push(Import { module: module.to_owned(), at: place(node) });
    }

    fn python_import(&mut self, node: Syntax<'t>, scope: Place) {
        for part in children(node) {
            let (name, alias) = match part.kind() {
                "aliased_import" => (field(part, "name"), field(part, "alias")),
                "dotted_name" => (Some(part), None),
                _ => continue,
            };
            let Some(name) = name else { continue };
            let module = self.text_of(name);
            self.import(module, part);
            let local =
                alias.map_or_else(|| module.split('.').next().unwrap_or(module), |alias| self.text_of(alias));
            let path = if alias.is_some() { module } else { local };
            self.bind(local, scope, part.end_byte(), Place::default(), Bound::Import(path.to_owned()));
        }
    }

    fn python_from(&mut self, node: Syntax<'t>, scope: Place) {
        let Some(module_node) = field(node, "module_name") else { return };
        let module = self.text_of(module_node);
        for part in children(node).into_iter().filter(|part| *part != module_node) {
            let (name, alias) = match part.kind() {
                "wildcard_import" => {
                    self.import(module, node);
                    self.wildcards.push(module.to_owned());
                    continue;
                }
                "aliased_import" => (field(part, "name"), field(part, "alias")),
                "dotted_name" => (Some(part), None),
                _ => continue,
            };
            let Some(name) = name else { continue };
            let full = format!("{module}.{}", self.text_of(name));
            self.import(&full, part);
            let local = self.text_of(alias.unwrap_or(name));
            self.bind(local, scope, part.end_byte(), Place::default(), Bound::Import(full));
        }
    }

    fn javascript_import(&mut self, node: Syntax<'t>) {
        let all = Place::new(0, self.text.len());
        let Some(source) = field(node, "source") else { return };
        let module = self.text_of(source).trim_matches(['"', '\'', '`']);
        self.import(module, node);
        let Some(clause) = children(node).into_iter().find(|child| child.kind() == "import_clause") else {
            return;
        };
        for part in children(clause) {
            match part.kind() {
                "identifier" => {
                    let to = Bound::Import(format!("{module}.default"));
                    self.bind(self.text_of(part), all, 0, Place::default(), to);
                }
                "namespace_import" => {
                    for name in children(part) {
                        self.bind(
                            self.text_of(name),
                            all,
                            0,
                            Place::default(),
                            Bound::Import(module.to_owned()),
                        );
                    }
                }
                "named_imports" => {
                    for specifier in children(part) {
                        let Some(name) = field(specifier, "name") else { continue };
                        let local = self.text_of(field(specifier, "alias").unwrap_or(name));
                        let to = Bound::Import(format!("{module}.{}", self.text_of(name)));
                        self.bind(local, all, 0, Place::default(), to);
                    }
                }
                _ => {}
            }
        }
    }

    fn csharp_using(&mut self, node: Syntax<'t>) {
        let all = Place::new(0, self.text.len());
        let alias = field(node, "name");
        let Some(name) = children(node).into_iter().rfind(|child| Some(*child) != alias) else { return };
        let module = self.text_of(name);
        self.import(module, node);
        match alias {
            Some(alias) => {
                self.bind(self.text_of(alias), all, 0, Place::default(), Bound::Import(module.to_owned()))
            }
            None => self.wildcards.push(module.to_owned()),
        }
    }

    fn java_import(&mut self, node: Syntax<'t>) {
        let all = Place::new(0, self.text.len());
        let parts = children(node);
        let Some(name) = parts.first() else { return };
        let path = self.text_of(*name);
        if parts.iter().any(|part| part.kind() == "asterisk") {
            self.import(path, node);
            self.wildcards.push(path.to_owned());
        } else {
            self.import(path, node);
            let local = path.rsplit('.').next().unwrap_or(path);
            self.bind(local, all, 0, Place::default(), Bound::Import(path.to_owned()));
        }
    }

    fn go_import(&mut self, node: Syntax<'t>) {
        let all = Place::new(0, self.text.len());
        let Some(path) = field(node, "path") else { return };
        let module = self.text_of(path).trim_matches(['"', '`']);
        self.import(module, node);
        let bound = || Bound::Import(module.to_owned());
        match field(node, "name") {
            Some(name) if self.text_of(name) == "." => self.wildcards.push(module.to_owned()),
            Some(name) => self.bind(self.text_of(name), all, 0, Place::default(), bound()),
            None => {
                // The package's own name is not in the path; these are what people do.
                let mut segments = module.rsplit('/');
                let mut last = segments.next().unwrap_or(module);
                if last
                    .strip_prefix('v')
                    .is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_digit()) && !rest.is_empty())
                {
                    last = segments.next().unwrap_or(last);
                }
                let last = last.split(".v").next().unwrap_or(last);
                let bare = last.strip_prefix("go-").unwrap_or(last);
                let bare = bare.strip_suffix("-go").unwrap_or(bare);
                let joined = last.replace('-', "");
                let underscored = last.replace('-', "_");
                for name in [last, bare, &joined, &underscored] {
                    if !self.bindings.contains_key(name) {
                        self.bind(name, all, 0, Place::default(), bound());
                    }
                }
            }
        }
    }

    fn rust_use(&mut self, node: Syntax<'t>, prefix: String, scope: Place, depth: usize) {
        if depth > 16 {
            return;
        }
        let join = |tail: &str| {
            let tail = tail.replace("::", ".");
            if prefix.is_empty() { tail } else { format!("{prefix}.{tail}") }
        };
        let deeper = depth.saturating_add(1);
        match node.kind() {
            "use_list" => children(node)
                .into_iter()
                .for_each(|child| self.rust_use(child, prefix.clone(), scope, deeper)),
            "scoped_use_list" => {
                let path =
                    field(node, "path").map_or_else(|| prefix.clone(), |path| join(self.text_of(path)));
                if let Some(list) = field(node, "list") {
                    self.rust_use(list, path, scope, deeper);
                }
            }
            "use_as_clause" => {
                if let (Some(path), Some(alias)) = (field(node, "path"), field(node, "alias")) {
                    let full = join(self.text_of(path));
                    self.import(&full, node);
                    self.bind(self.text_of(alias), scope, 0, Place::default(), Bound::Import(full));
                }
            }
            "use_wildcard" => {
                if let Some(path) = children(node).first() {
                    let full = join(self.text_of(*path));
                    self.import(&full, node);
                    self.wildcards.push(full);
                }
            }
            "self" => {
                self.import(&prefix, node);
                let local = prefix.rsplit('.').next().unwrap_or(&prefix).to_owned();
                self.bind(&local, scope, 0, Place::default(), Bound::Import(prefix));
            }
            _ => {
                let full = join(self.text_of(node));
                self.import(&full, node);
                let local = full.rsplit('.').next().unwrap_or(&full).to_owned();
                self.bind(&local, scope, 0, Place::default(), Bound::Import(full));
            }
        }
    }
}

/// Object and property of a member access, in any language.
pub(super) fn member(node: Syntax<'_>) -> Option<(Syntax<'_>, Syntax<'_>)> {
    let (object, property) = match node.kind() {
        "attribute" => ("object", "attribute"),
        "member_expression" => ("object", "property"),
        "member_access_expression" => ("expression", "name"),
        "field_access" => ("object", "field"),
        "selector_expression" => ("operand", "field"),
        "field_expression" => ("value", "field"),
        "scoped_identifier" | "scoped_type_identifier" if node.child_by_field_name("path").is_some() => {
            ("path", "name")
        }
        "qualified_type" => ("package", "name"),
        _ => return None,
    };
    Some((field(node, object)?, field(node, property)?))
}
