//! Values that are known without running anything: texts that are filled in, look-ups with a default, members of classes,
//! what functions of the same file give back.

use tree_sitter::Node as Syntax;

use super::compose::{MAX_ARGUMENTS, MAX_TEXT};
use super::evaluate::Evaluator;
use super::gather::{children, field, member, place};
use crate::node::{Data, Entry, Node};

impl<'t> Evaluator<'t> {
    /// What a call gives that is known without running it: a dictionary, a text that is filled in, the default of a
    /// look-up, what a function of this file returns.
    pub(super) fn known_call(
        &self,
        node: Syntax<'t>,
        callee: &str,
        method: &str,
        arguments: &[Entry],
        depth: usize,
    ) -> Option<Data> {
        let by_position = |at: usize| {
            let key = at.to_string();
            arguments.iter().find(|entry| entry.key == key).map(|entry| &entry.value)
        };
        match callee {
            "dict" | "types.SimpleNamespace" | "collections.OrderedDict" => {
                let mut entries = by_position(0).map(|first| first.entries().to_vec()).unwrap_or_default();
                let named =
                    arguments.iter().filter(|entry| !entry.key.starts_with(|c: char| c.is_ascii_digit()));
                entries.extend(named.cloned());
                return Some(Data::Map(entries));
            }
            "Object.assign" => {
                let all =
                    arguments.iter().filter(|entry| entry.key.starts_with(|c: char| c.is_ascii_digit()));
                return Some(Data::Map(all.flat_map(|entry| entry.value.entries().to_vec()).collect()));
            }
            "Object.freeze" | "JSON.stringify" | "json.dumps" => {
                return by_position(0).map(|first| first.data.clone());
            }
            "Map.of" | "java.util.Map.of" => {
                let pairs = arguments.chunks(2).filter_map(|pair| {
                    let (key, value) = (pair.first()?, pair.get(1)?);
                    Some(Entry { key: key.value.text()?.to_owned(), at: key.at, value: value.value.clone() })
                });
                return Some(Data::Map(pairs.collect()));
            }
            "String.format" | "string.Format" | "fmt.Sprintf" | "util.format" => {
                let (first, rest) = arguments.split_first()?;
                let mut rest = rest.to_vec();
                rest.iter_mut().enumerate().for_each(|(at, entry)| entry.key = at.to_string());
                return fill(first.value.text()?, &rest).map(Data::Text);
            }
            _ => {}
        }
        let asks =
            matches!(method, "get" | "pop" | "getOrDefault" | "GetValue" | "getProperty" | "setdefault");
        if asks && callee != method && arguments.len() == 2 {
            let (key, default) = (by_position(0)?, by_position(1)?);
            let key = key.text().filter(|key| !key.contains('/'))?;
            let object = field(node, "function").and_then(member).map(|(object, _)| object);
            if let Some(object) = object.or_else(|| field(node, "object"))
                && let Some(found) = pick(&self.value(object, depth), key)
            {
                return Some(found.data);
            }
            return Some(Data::Expression { path: "?".to_owned(), parts: vec![default.clone()] });
        }
        if callee == "getattr" && arguments.len() == 3 {
            return Some(Data::Expression { path: "?".to_owned(), parts: vec![by_position(2)?.clone()] });
        }
        let own = callee.trim_start_matches('?');
        let own = own.strip_prefix("self.").or_else(|| own.strip_prefix("this.")).unwrap_or(own);
        if let Some(value) =
            self.from.returns.get(own).filter(|value| !place(**value).covers(node.start_byte()))
        {
            let value = self.value(*value, depth.saturating_add(2));
            let known = match &value.data {
                Data::Text(_) | Data::Environment { .. } | Data::Map(_) | Data::List(_) => true,
                Data::Expression { path, parts } => path == "?" && !parts.is_empty(),
                _ => false,
            };
            return known.then_some(value.data);
        }
        // An accessor of an enumeration's constant gives what the constant was made with.
        if arguments.is_empty() {
            let object = field(node, "function").and_then(member).map(|(object, _)| object);
            let object =
                object.or_else(|| field(node, "object")).filter(|object| member(*object).is_some())?;
            let found = self.member_value(object, depth)?;
            return matches!(found.data, Data::Text(_) | Data::Expression { .. }).then_some(found.data);
        }
        None
    }

    /// The value of a member: a property of a constant object, a constant of a class or an enumeration.
    pub(super) fn member_value(&self, node: Syntax<'t>, depth: usize) -> Option<Node> {
        let (object, property) = member(node)?;
        let name = self.text(property);
        let class = self.from.classes.get(self.text(object).rsplit('.').next().unwrap_or_default());
        if let Some(found) = class.and_then(|class| self.class_member(*class, name)) {
            return Some(match found {
                Ok(value) => self.value(value, depth),
                Err(constant) => {
                    let parts =
                        self.arguments(constant, depth).into_iter().map(|entry| entry.value).collect();
                    Node::new(place(node), Data::Expression { path: "?".to_owned(), parts })
                }
            });
        }
        let value = self.value(object, depth);
        // `Model.FAST.value`
        if name == "value" && value.text().is_some() && member(object).is_some() {
            return Some(value);
        }
        pick(&value, name)
    }

    /// What a class gives a member: an expression, or the constant of an enumeration that is made with arguments.
    fn class_member(&self, class: Syntax<'t>, name: &str) -> Option<Result<Syntax<'t>, Syntax<'t>>> {
        let body = field(class, "body")?;
        for part in children(body).into_iter().take(MAX_ARGUMENTS) {
            let inner = match part.kind() {
                "expression_statement" => children(part),
                "field_declaration" => {
                    let parts = children(part);
                    parts.iter().flat_map(|inner| children(*inner)).chain(parts.iter().copied()).collect()
                }
                "enum_body_declarations" => children(part),
                _ => vec![part],
            };
            for one in inner {
                let named =
                    field(one, "name").or_else(|| field(one, "left")).or_else(|| field(one, "property"));
                if named.is_none_or(|named| self.text(named) != name) {
                    continue;
                }
                if one.kind() == "enum_constant" {
                    return field(one, "arguments").map(|_| Err(one));
                }
                let value = field(one, "value").or_else(|| field(one, "right"));
                let last = || children(one).into_iter().rfind(|child| Some(*child) != named);
                let declared = one.kind() == "variable_declarator";
                if let Some(value) = value.or_else(|| declared.then(last).flatten()) {
                    return Some(Ok(value));
                }
            }
        }
        None
    }

    /// `"..." % value`
    pub(super) fn formatted(&self, left: Syntax<'t>, right: Syntax<'t>, depth: usize) -> Data {
        let (template, value) = (self.value(left, depth), self.value(right, depth));
        let values = match &value.data {
            Data::List(items) => items.clone(),
            _ => vec![value.clone()],
        };
        let entries: Vec<Entry> = values
            .into_iter()
            .enumerate()
            .map(|(at, value)| Entry { key: at.to_string(), at: value.at, value })
            .collect();
        match template.text().and_then(|text| fill(text, &entries)) {
            Some(text) => Data::Text(text),
            None => Data::Expression { path: "+".to_owned(), parts: vec![template, value] },
        }
    }
}

/// Whether a call gives its argument back in another form: `openai.F("x")`, `to.Ptr("x")`.
pub(super) fn is_wrapper(callee: &str) -> bool {
    let Some((_, name)) = callee.rsplit_once('.') else { return false };
    let go = callee.contains('/') || callee.starts_with("aws.") || callee.starts_with("ptr.");
    matches!(name, "Ptr" | "NewOpt") || (go && matches!(name, "F" | "String" | "To"))
}

/// The elements of a list or the alternatives of a value, one of which is meant.
pub(super) fn one_of(data: Data) -> Option<Vec<Node>> {
    match data {
        Data::List(items) if !items.is_empty() => Some(items),
        Data::Expression { path, parts } if path == "?" && !parts.is_empty() => Some(parts),
        _ => None,
    }
}

/// The value of a name in a map, or in any of several maps one of which is meant.
pub(super) fn pick(value: &Node, key: &str) -> Option<Node> {
    if let Some(found) = value.get(key) {
        return Some(found.clone());
    }
    let Data::Expression { path, parts } = &value.data else { return None };
    let found: Vec<Node> = parts.iter().filter_map(|part| part.get(key).cloned()).collect();
    (path == "?" && !found.is_empty())
        .then(|| Node::new(value.at, Data::Expression { path: "?".to_owned(), parts: found }))
}

/// A text with its places filled in, where all that goes there is known: `{}`, `{0}`, `{name}`, `%s`.
pub(super) fn fill(template: &str, arguments: &[Entry]) -> Option<String> {
    let value = |key: &str| arguments.iter().find(|entry| entry.key == key)?.value.scalar();
    let mut out = String::new();
    let mut rest = template;
    let mut next = 0_usize;
    while let Some(at) = rest.find(['{', '%']) {
        let (before, from) = rest.split_at_checked(at)?;
        out.push_str(before);
        let (key, after) = match from.strip_prefix('{') {
            Some(inner) => inner.split_once('}')?,
            None => ("", from.get(2..).filter(|_| from.starts_with("%s") || from.starts_with("%v"))?),
        };
        let key = key.split([':', '!']).next().unwrap_or(key);
        let text = if key.is_empty() {
            next = next.saturating_add(1);
            value(&next.saturating_sub(1).to_string())?
        } else {
            value(key)?
        };
        out.push_str(&text);
        if out.len() > MAX_TEXT {
            return None;
        }
        rest = after;
    }
    out.push_str(rest);
    Some(out)
}
