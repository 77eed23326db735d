//! Expressions of ARM templates, Bicep and Terraform, as far as known names settle them. What is not known stays so: an
//! expression comes to a value only if every way to it does.

use std::cell::Cell;
use std::collections::BTreeMap;

use super::functions::{all, chosen, either, equal, function, scalar, truth};
use crate::node::{Data, Node};

/// Whose expressions they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// `[concat(parameters('a'), 'b')]`, without the brackets.
    Arm,
    /// `'${a}b'`.
    Bicep,
    /// `"${var.a}b"`.
    Terraform,
}

/// What names stand for. Names of ARM count without their case and are kept in small letters.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names(BTreeMap<String, Node>);

/// How deep expressions and the names in them are followed.
const MAX_DEPTH: usize = 24;

/// How many steps one value may take.
const MAX_STEPS: usize = 20_000;

/// The longest text that is put together, in bytes.
pub(super) const MAX_TEXT: usize = 4 * 1024;

impl Names {
    /// Gives a name its value; an earlier one is replaced.
    pub(crate) fn set(&mut self, name: impl Into<String>, value: Node) {
        self.0.insert(name.into(), value);
    }

    /// Gives a name its value unless it has one.
    pub(crate) fn offer(&mut self, name: impl Into<String>, value: Node) {
        self.0.entry(name.into()).or_insert(value);
    }

    /// Puts values in the place of expressions that have one.
    pub(crate) fn resolve(&self, dialect: Dialect, node: &mut Node) {
        self.fill(dialect, node, 0);
    }

    fn fill(&self, dialect: Dialect, node: &mut Node, depth: usize) {
        if depth > crate::node::MAX_DEPTH {
            return;
        }
        let deeper = depth.saturating_add(1);
        match &mut node.data {
            Data::Map(entries) => {
                entries.iter_mut().for_each(|entry| self.fill(dialect, &mut entry.value, deeper));
            }
            Data::List(items) => items.iter_mut().for_each(|item| self.fill(dialect, item, deeper)),
            Data::Expression { path, .. } => {
                let steps = Cell::new(0);
                if let Some(data) = self.evaluate(dialect, path, 0, &steps) {
                    node.data = data;
                    if matches!(node.data, Data::Map(_) | Data::List(_)) {
                        self.fill(dialect, node, deeper);
                    }
                }
            }
            _ => {}
        }
    }

    fn evaluate(&self, dialect: Dialect, text: &str, depth: usize, steps: &Cell<usize>) -> Option<Data> {
        if depth > MAX_DEPTH {
            return None;
        }
        let mut reader = Reader { names: self, dialect, text, at: 0, depth, steps };
        let value = reader.choice()?;
        reader.space();
        if reader.at < text.len() { None } else { value }
    }

    /// The value of a name, itself evaluated.
    fn value(&self, dialect: Dialect, name: &str, depth: usize, steps: &Cell<usize>) -> Option<Data> {
        match &self.0.get(name)?.data {
            Data::Expression { path, .. } => self.evaluate(dialect, path, depth.saturating_add(1), steps),
            data => Some(data.clone()),
        }
    }
}

/// What an expression comes to; nothing when it is not known.
pub(super) type Value = Option<Data>;

struct Reader<'a> {
    names: &'a Names,
    dialect: Dialect,
    text: &'a str,
    at: usize,
    depth: usize,
    steps: &'a Cell<usize>,
}

/// Each part gives nothing when the text is not of the grammar, else the value, which may be unknown.
impl Reader<'_> {
    fn rest(&self) -> &[u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    fn space(&mut self) {
        let blanks = self.rest().iter().take_while(|b| b.is_ascii_whitespace()).count();
        self.at = self.at.saturating_add(blanks);
    }

    fn eat(&mut self, word: &str) -> bool {
        self.space();
        let there = self.rest().starts_with(word.as_bytes());
        if there {
            self.at = self.at.saturating_add(word.len());
        }
        there
    }

    fn step(&mut self) -> Option<()> {
        self.steps.set(self.steps.get().saturating_add(1));
        self.depth = self.depth.saturating_add(1);
        (self.steps.get() <= MAX_STEPS && self.depth <= MAX_DEPTH.saturating_mul(4)).then_some(())
    }

    /// `condition ? one : other`
    fn choice(&mut self) -> Option<Value> {
        self.step()?;
        let condition = self.alternatives()?;
        self.depth = self.depth.saturating_sub(1);
        self.space();
        if self.dialect == Dialect::Arm || !self.rest().starts_with(b"?") {
            return Some(condition);
        }
        self.at = self.at.saturating_add(1);
        let one = self.choice()?;
        if !self.eat(":") {
            return None;
        }
        let other = self.choice()?;
        Some(chosen(condition.as_ref(), one, other))
    }

    /// `a ?? b` and `a || b`
    fn alternatives(&mut self) -> Option<Value> {
        let mut value = self.both()?;
        loop {
            if self.eat("??") {
                let other = self.both()?;
                value = match value {
                    Some(Data::Null) => other,
                    known => known,
                };
            } else if self.eat("||") {
                let other = self.both()?;
                value = either(&[value, other]);
            } else {
                return Some(value);
            }
        }
    }

    fn both(&mut self) -> Option<Value> {
        let mut value = self.compared()?;
        while self.eat("&&") {
            let other = self.compared()?;
            value = all(&[value, other]);
        }
        Some(value)
    }

    fn compared(&mut self) -> Option<Value> {
        let value = self.single()?;
        if self.eat("==") {
            let other = self.single()?;
            return Some(equal(value.as_ref(), other.as_ref()).map(Data::Bool));
        }
        if self.eat("!=") {
            let other = self.single()?;
            return Some(equal(value.as_ref(), other.as_ref()).map(|same| Data::Bool(!same)));
        }
        Some(value)
    }

    fn single(&mut self) -> Option<Value> {
        self.step()?;
        self.space();
        let value = match self.rest() {
            [b'!', next, ..] if *next != b'=' => {
                self.at = self.at.saturating_add(1);
                let value = self.single()?;
                truth(value.as_ref()).map(|value| Data::Bool(!value))
            }
            [b'(', ..] => {
                self.at = self.at.saturating_add(1);
                let value = self.choice()?;
                if !self.eat(")") {
                    return None;
                }
                self.members(value)?
            }
            [b'\'', ..] if self.dialect != Dialect::Terraform => self.quoted(b'\'')?,
            [b'"', ..] if self.dialect == Dialect::Terraform => self.quoted(b'"')?,
            [b'[', ..] => {
                let value = self.list()?;
                self.members(value)?
            }
            [b'-' | b'0'..=b'9', ..] => {
                let length =
                    self.rest().iter().take_while(|b| matches!(b, b'-' | b'.' | b'0'..=b'9')).count();
                let number = self.text.get(self.at..self.at.saturating_add(length))?.to_owned();
                self.at = self.at.saturating_add(length);
                Some(Data::Number(number))
            }
            _ => self.named()?,
        };
        self.depth = self.depth.saturating_sub(1);
        Some(value)
    }

    fn list(&mut self) -> Option<Value> {
        self.at = self.at.saturating_add(1);
        let place = crate::node::Place::default();
        let mut items = Some(Vec::new());
        loop {
            if self.eat("]") {
                return Some(items.map(Data::List));
            }
            if self.eat(",") {
                continue;
            }
            let item = self.choice()?;
            items = items.zip(item).map(|(mut items, item)| {
                items.push(Node::new(place, item));
                items
            });
        }
    }

    /// A text, what stands in `${}` put in.
    fn quoted(&mut self, quote: u8) -> Option<Value> {
        self.at = self.at.saturating_add(1);
        let mut out = Some(String::new());
        loop {
            let (first, next) = (self.rest().first().copied()?, self.rest().get(1).copied());
            if first == quote {
                self.at = self.at.saturating_add(1);
                // ARM doubles a quote to escape it.
                if self.dialect == Dialect::Arm && next == Some(quote) {
                    self.at = self.at.saturating_add(1);
                    out.as_mut().into_iter().for_each(|out| out.push('\''));
                    continue;
                }
                return Some(out.filter(|out| out.len() <= MAX_TEXT).map(Data::Text));
            }
            if first == b'$' && next == Some(b'{') && self.dialect != Dialect::Arm {
                self.at = self.at.saturating_add(2);
                let inner = self.choice()?;
                if !self.eat("}") {
                    return None;
                }
                let inner = inner.as_ref().and_then(scalar);
                out = out.zip(inner).map(|(out, inner)| out + &inner).filter(|out| out.len() <= MAX_TEXT);
                continue;
            }
            if first == b'\\' && self.dialect != Dialect::Arm {
                self.at = self.at.saturating_add(1);
            }
            let next = self.text.get(self.at..)?.chars().next()?;
            self.at = self.at.saturating_add(next.len_utf8());
            out.as_mut().into_iter().for_each(|out| out.push(next));
        }
    }

    fn word(&mut self) -> String {
        let hyphens = self.dialect == Dialect::Terraform;
        let of_name = |b: &&u8| b.is_ascii_alphanumeric() || **b == b'_' || hyphens && **b == b'-';
        let length = self.rest().iter().take_while(of_name).count();
        let word = self.text.get(self.at..self.at.saturating_add(length)).unwrap_or_default().to_owned();
        self.at = self.at.saturating_add(length);
        word
    }

    /// A name, a constant or a call, and what is taken of it.
    fn named(&mut self) -> Option<Value> {
        let mut word = self.word();
        if word.is_empty() {
            return None;
        }
        match word.as_str() {
            "true" => return Some(Some(Data::Bool(true))),
            "false" => return Some(Some(Data::Bool(false))),
            "null" => return Some(Some(Data::Null)),
            _ => {}
        }
        if self.rest().starts_with(b"(") {
            let value = self.call(&word)?;
            return self.members(value);
        }
        let value = self.names.value(self.dialect, &word, self.depth, self.steps);
        if value.is_none() && self.dialect == Dialect::Terraform && self.rest().starts_with(b".") {
            // `var.a` is one name.
            self.at = self.at.saturating_add(1);
            let part = self.word();
            word = format!("{word}.{part}");
            let value = self.names.value(self.dialect, &word, self.depth, self.steps);
            return self.members(value);
        }
        self.members(value)
    }

    /// `.a`, `.?a`, `['a']`, `[0]`, `!`
    fn members(&mut self, mut value: Value) -> Option<Value> {
        loop {
            let member = match self.rest() {
                [b'.', b'?', ..] => {
                    self.at = self.at.saturating_add(2);
                    Data::Text(self.word())
                }
                [b'.', ..] => {
                    self.at = self.at.saturating_add(1);
                    Data::Text(self.word())
                }
                [b'!', next, ..] if *next != b'=' => {
                    self.at = self.at.saturating_add(1);
                    continue;
                }
                [b'!'] => {
                    self.at = self.at.saturating_add(1);
                    continue;
                }
                [b'[', ..] => {
                    self.at = self.at.saturating_add(1);
                    if self.rest().starts_with(b"?") {
                        self.at = self.at.saturating_add(1);
                    }
                    if self.eat("*") {
                        value = None;
                    }
                    let key = if self.rest().starts_with(b"]") { None } else { self.choice()? };
                    if !self.eat("]") {
                        return None;
                    }
                    match key {
                        Some(key) => key,
                        None => {
                            value = None;
                            continue;
                        }
                    }
                }
                _ => return Some(value),
            };
            value = value.and_then(|value| self.member(value, &member));
        }
    }

    fn member(&self, value: Data, member: &Data) -> Value {
        let found = match (value, member) {
            (Data::Map(entries), Data::Text(key)) => {
                let same = |entry: &crate::node::Entry| match self.dialect {
                    Dialect::Arm => entry.key.eq_ignore_ascii_case(key),
                    _ => entry.key == *key,
                };
                entries.into_iter().rev().find(same)?.value.data
            }
            (Data::List(items), Data::Number(at)) => items.into_iter().nth(at.parse().ok()?)?.data,
            _ => return None,
        };
        match found {
            Data::Expression { path, .. } => {
                self.names.evaluate(self.dialect, &path, self.depth.saturating_add(1), self.steps)
            }
            data => Some(data),
        }
    }

    fn call(&mut self, name: &str) -> Option<Value> {
        self.at = self.at.saturating_add(1);
        let mut arguments = Vec::new();
        loop {
            if self.eat(")") {
                break;
            }
            if self.eat(",") {
                continue;
            }
            arguments.push(self.choice()?);
        }
        let name = name.to_ascii_lowercase();
        if self.dialect == Dialect::Arm && matches!(name.as_str(), "parameters" | "variables") {
            let Some(Some(Data::Text(of))) = arguments.first() else { return Some(None) };
            let full = format!("{name}.{}", of.to_ascii_lowercase());
            return Some(self.names.value(self.dialect, &full, self.depth, self.steps));
        }
        if self.dialect == Dialect::Arm && name == "copyindex" && arguments.is_empty() {
            return Some(self.names.value(self.dialect, "copyindex()", self.depth, self.steps));
        }
        Some(function(&name, &arguments))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::Place;

    fn node(data: Data) -> Node {
        Node::new(Place::default(), data)
    }

    fn text(text: &str) -> Node {
        node(Data::Text(text.to_owned()))
    }

    fn said(names: &Names, dialect: Dialect, expression: &str) -> Option<String> {
        let mut node = node(Data::Expression { path: expression.to_owned(), parts: Vec::new() });
        names.resolve(dialect, &mut node);
        node.scalar()
    }

    #[test]
    fn known_names_settle_expressions() {
        let mut names = Names::default();
        names.set("parameters.name", text("shop"));
        names.set("parameters.private", node(Data::Bool(true)));
        let inner =
            Data::Expression { path: "concat(parameters('Name'), '-ai')".to_owned(), parts: Vec::new() };
        names.set("variables.full", node(inner));
        for (expression, value) in [
            ("parameters('NAME')", Some("shop")),
            ("variables('full')", Some("shop-ai")),
            ("toUpper(format('{0}/{1}', variables('full'), 'it''s'))", Some("SHOP-AI/IT'S")),
            ("if(parameters('private'), 'Disabled', 'Enabled')", Some("Disabled")),
            ("if(parameters('unknown'), 'Disabled', 'Disabled')", Some("Disabled")),
            ("if(parameters('unknown'), 'Disabled', 'Enabled')", None),
            ("and(false, parameters('unknown'))", Some("false")),
            ("uniqueString(resourceGroup().id)", None),
            ("concat('a', uniqueString('x'))", None),
            ("coalesce(null(), 'x')", None),
            ("concat('a'", None),
        ] {
            assert_eq!(said(&names, Dialect::Arm, expression).as_deref(), value, "{expression}");
        }
        let mut names = Names::default();
        names.set("name", text("shop"));
        let entry = crate::node::Entry { key: "k".to_owned(), at: Place::default(), value: text("v") };
        names.set("map", node(Data::Map(vec![entry])));
        for (expression, value) in [
            ("'${name}-${map.k}'", Some("shop-v")),
            ("name == 'shop' ? 'a' : 'b'", Some("a")),
            ("!empty(name) && map['k'] != 'w'", Some("true")),
            ("name ?? 'x'", Some("shop")),
            ("'${name}-${other}'", None),
            ("toLower('A')", Some("a")),
            ("map.?none", None),
        ] {
            assert_eq!(said(&names, Dialect::Bicep, expression).as_deref(), value, "{expression}");
        }
        let mut names = Names::default();
        names.set("var.name", text("shop"));
        names.set("each.value", text("shop"));
        for (expression, value) in [
            ("\"${var.name}-x\"", Some("shop-x")),
            ("var.name == \"shop\" ? true : false", Some("true")),
            ("lower(\"ABC\")", Some("abc")),
            ("format(\"%s-%s\", var.name, each.value)", Some("shop-shop")),
            ("join(\"-\", [\"a\", var.name])", Some("a-shop")),
            ("azurerm_x.y.id", None),
        ] {
            assert_eq!(said(&names, Dialect::Terraform, expression).as_deref(), value, "{expression}");
        }
    }

    #[test]
    fn names_in_a_circle_end() {
        let mut names = Names::default();
        names.set("a", node(Data::Expression { path: "b".to_owned(), parts: Vec::new() }));
        names.set("b", node(Data::Expression { path: "'${a}${a}${a}'".to_owned(), parts: Vec::new() }));
        assert_eq!(said(&names, Dialect::Bicep, "a"), None);
        let deep = "(".repeat(5_000) + "1";
        assert_eq!(said(&names, Dialect::Bicep, &deep), None);
    }
}
