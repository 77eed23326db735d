//! The first pass over a syntax tree: imports, bindings of names, and where calls and assignments stand.

mod functions;
mod imports;

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
