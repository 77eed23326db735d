//! Values with their place: what a document, a call's arguments or a resource hold, in one shape, so that one language of
//! conditions reads them all.

/// A stretch of a file, in bytes: first, and one past the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) struct Place {
    /// First byte.
    pub(crate) start: usize,
    /// One past the last byte.
    pub(crate) end: usize,
}

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    /// Where it stands.
    pub(crate) at: Place,
    /// What it is.
    pub(crate) data: Data,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Data {
    /// Nothing, said.
    Null,
    /// Yes or no.
    Bool(bool),
    /// A number as it is written.
    Number(String),
    /// A text.
    Text(String),
    /// Several in order.
    List(Vec<Node>),
    /// Named ones in order. A name may occur twice.
    Map(Vec<Entry>),
    /// What the environment says, and what counts when it says nothing.
    Environment {
        /// The variable.
        name: String,
        /// The value without it.
        default: Option<Box<Node>>,
    },
    /// What only a running program would know.
    Expression {
        /// What it is called: names resolved through imports, `()` after what is called.
        path: String,
        /// What it is made of: arguments, alternatives, pieces of a text.
        parts: Vec<Node>,
    },
}

/// A named value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    /// The name.
    pub(crate) key: String,
    /// Where the name stands.
    pub(crate) at: Place,
    /// The value.
    pub(crate) value: Node,
}

/// A way to values in a tree: names joined by `.`, `*` for any name, `**` for any depth; a name with a dot in it stands in
/// single quotes. Lists are walked through without being named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Path(Vec<Step>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Key(String),
    Deep,
}

/// How deep a value may be nested.
pub(crate) const MAX_DEPTH: usize = 64;

// === impl Place ===

impl Place {
    /// A place.
    #[must_use]
    pub(crate) const fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    /// Whether it covers a byte.
    #[must_use]
    pub(crate) const fn covers(self, byte: usize) -> bool {
        self.start <= byte && byte < self.end
    }
}

// === impl Node ===

impl Node {
    /// A value at a place.
    #[must_use]
    pub(crate) const fn new(at: Place, data: Data) -> Self {
        Self { at, data }
    }

    /// The text, where it is one.
    #[must_use]
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.data {
            Data::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The entries, where it is a map.
    #[must_use]
    pub(crate) fn entries(&self) -> &[Entry] {
        match &self.data {
            Data::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The elements, where it is a list.
    #[must_use]
    pub(crate) fn items(&self) -> &[Self] {
        match &self.data {
            Data::List(items) => items,
            _ => &[],
        }
    }

    /// The last value of a name: what most readers take when it occurs twice.
    #[must_use]
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        self.entries().iter().rev().find(|entry| entry.key == key).map(|entry| &entry.value)
    }

    /// The text of a name.
    #[must_use]
    pub(crate) fn text_of(&self, key: &str) -> Option<&str> {
        self.get(key).and_then(Self::text)
    }

    /// The texts in it, its own or those of its elements.
    #[must_use]
    pub(crate) fn texts(&self) -> Vec<&str> {
        match &self.data {
            Data::Text(text) => vec![text],
            Data::List(items) => items.iter().filter_map(Self::text).collect(),
            _ => Vec::new(),
        }
    }

    /// A scalar as text.
    #[must_use]
    pub(crate) fn scalar(&self) -> Option<String> {
        match &self.data {
            Data::Text(text) | Data::Number(text) => Some(text.clone()),
            Data::Bool(value) => Some(value.to_string()),
            Data::Null => Some("null".to_owned()),
            _ => None,
        }
    }

    /// The texts that it can come to: itself, the default of an environment variable, the pieces of an expression.
    #[must_use]
    pub(crate) fn constants(&self) -> Vec<(&str, Place)> {
        let mut found = Vec::new();
        self.collect_constants(&mut found, 0);
        found
    }

    fn collect_constants<'a>(&'a self, found: &mut Vec<(&'a str, Place)>, depth: usize) {
        if depth > 6 || found.len() > 16 {
            return;
        }
        let deeper = depth.saturating_add(1);
        match &self.data {
            Data::Text(text) => found.push((text, self.at)),
            Data::Environment { default: Some(default), .. } => default.collect_constants(found, deeper),
            Data::Expression { parts, .. } => {
                parts.iter().for_each(|part| part.collect_constants(found, deeper));
            }
            _ => {}
        }
    }

    /// The environment variable that it comes from.
    #[must_use]
    pub(crate) fn environment(&self) -> Option<&str> {
        match &self.data {
            Data::Environment { name, .. } => Some(name),
            Data::Expression { parts, .. } => parts.iter().find_map(Self::environment),
            _ => None,
        }
    }

    /// Every value at a path, in order.
    #[must_use]
    pub(crate) fn at_path(&self, path: &Path) -> Vec<&Self> {
        let mut found = Vec::new();
        self.walk(&path.0, &mut found, 0);
        found
    }

    fn walk<'a>(&'a self, steps: &[Step], found: &mut Vec<&'a Self>, depth: usize) {
        if depth > MAX_DEPTH.saturating_mul(2) || found.len() > 10_000 {
            return;
        }
        let deeper = depth.saturating_add(1);
        let Some((first, rest)) = steps.split_first() else {
            match &self.data {
                Data::List(items) if !items.is_empty() => {
                    items.iter().for_each(|item| item.walk(steps, found, deeper));
                }
                _ => found.push(self),
            }
            return;
        };
        if let Data::List(items) = &self.data {
            items.iter().for_each(|item| item.walk(steps, found, deeper));
            return;
        }
        match first {
            Step::Key(key) => {
                for entry in self.entries().iter().filter(|entry| matches_key(key, &entry.key)) {
                    entry.value.walk(rest, found, deeper);
                }
            }
            Step::Deep => {
                self.walk(rest, found, deeper);
                self.entries().iter().for_each(|entry| entry.value.walk(steps, found, deeper));
            }
        }
    }
}

fn matches_key(pattern: &str, key: &str) -> bool {
    if pattern.contains('*') { crate::glob::matches(pattern, key) } else { pattern.eq_ignore_ascii_case(key) }
}

// === impl Path ===

impl Path {
    /// Reads a path.
    #[must_use]
    pub(crate) fn new(text: &str) -> Self {
        let mut steps = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let (step, after) = match rest.strip_prefix('\'') {
                Some(quoted) => quoted.split_once('\'').unwrap_or((quoted, "")),
                None => match rest.find('.') {
                    Some(dot) => rest.split_at(dot),
                    None => (rest, ""),
                },
            };
            steps.push(if step == "**" { Step::Deep } else { Step::Key(step.to_owned()) });
            rest = after.strip_prefix('.').unwrap_or(after);
        }
        Self(steps)
    }
}

impl<'de> serde::Deserialize<'de> for Path {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::new(&String::deserialize(deserializer)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_walk_lists_and_depths() {
        let text = r#"{"a": [{"b.c": 1}, {"b.c": "x"}], "d": {"e": {"f": true}}}"#;
        let node = crate::doc::json::parse(text).unwrap();
        assert_eq!(node.at_path(&Path::new("a.'b.c'")).len(), 2);
        assert_eq!(node.at_path(&Path::new("**.f")).len(), 1);
        assert_eq!(node.at_path(&Path::new("d.*.f")).len(), 1);
        assert!(node.at_path(&Path::new("a.g")).is_empty());
    }
}
