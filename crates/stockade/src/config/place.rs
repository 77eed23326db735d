//! Places in the file: the path of a setting, and where that stands in the text.

use std::fmt;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The path of a setting: names of tables and keys, and at the end perhaps which item of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    names: Vec<String>,
    item: Option<usize>,
    /// A key of that item, where items are tables.
    key: Option<&'static str>,
}

impl Place {
    /// A setting by its dotted path. For names that an operator chooses, [`Place::upstream`].
    pub(crate) fn of(path: &str) -> Self {
        Self { names: path.split('.').map(str::to_owned).collect(), item: None, key: None }
    }

    /// A key of an upstream, whose name may hold anything.
    pub(crate) fn upstream(name: &str, key: &str) -> Self {
        Self { names: ["upstreams", name, key].map(str::to_owned).to_vec(), item: None, key: None }
    }

    /// The table of an upstream.
    pub(crate) fn upstreams(name: &str) -> Self {
        Self { names: ["upstreams", name].map(str::to_owned).to_vec(), item: None, key: None }
    }

    /// An item of this list.
    pub(crate) fn item(mut self, at: usize) -> Self {
        self.item = Some(at);
        self
    }

    /// A key of the item, which is a table.
    pub(crate) fn key(mut self, key: &'static str) -> Self {
        self.key = Some(key);
        self
    }

    /// Where it stands in a text: the value, or else the name of the nearest table around it that is there.
    pub(super) fn find(&self, text: &str) -> Option<Range<usize>> {
        let whole = DeTable::parse(text).ok()?;
        let mut table = whole.get_ref();
        let mut around = None;
        for name in &self.names {
            let Some((key, value)) = table.iter().find(|(key, _)| key.get_ref() == name.as_str()) else {
                return around;
            };
            match value.get_ref() {
                // A table's own extent is not of one piece: its name stands for it.
                DeValue::Table(inner) => {
                    around = Some(key.span());
                    table = inner;
                }
                _ => return Some(self.in_list(value)),
            }
        }
        around
    }

    fn in_list(&self, value: &Spanned<DeValue<'_>>) -> Range<usize> {
        match (value.get_ref(), self.item) {
            (DeValue::Array(items), Some(at)) => {
                let Some(item) = items.get(at) else { return value.span() };
                let DeValue::Table(table) = item.get_ref() else { return item.span() };
                let keyed = table.iter().find(|(key, _)| self.key == Some(key.get_ref().as_ref()));
                // A table's own extent is not of one piece: its first key stands for it.
                let first = table.iter().map(|(key, _)| key.span()).min_by_key(|span| span.start);
                keyed.map(|(_, value)| value.span()).or(first).unwrap_or_else(|| item.span())
            }
            _ => value.span(),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.names.join("."))?;
        match (self.item, self.key) {
            (Some(at), Some(key)) => write!(f, "[{at}].{key}"),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_found_however_it_is_written() {
        let tables = "[[limits.usage]]\nname = \"a\"\n[[limits.usage]]\nname = \"b\"\ntokens = 0\n";
        let place = Place::of("limits.usage").item(1);
        let seen = |place: Place| place.find(tables).and_then(|range| tables.get(range));
        assert_eq!(seen(place.clone().key("tokens")), Some("0"));
        assert_eq!(seen(place.key("money")), Some("name"));
        let text = "limits.body = \"0 B\"\nupstreams = { \"a.b\" = { models = [\"x\", \"*y\"] } }\n\
                    [server] # connections = 0\nhosts = [\"a b\"]\n[labels]\n";
        let seen = |place: Place| place.find(text).and_then(|range| text.get(range)).map(str::to_owned);
        assert_eq!(seen(Place::of("limits.body")).as_deref(), Some("\"0 B\""));
        assert_eq!(seen(Place::upstream("a.b", "models").item(1)).as_deref(), Some("\"*y\""));
        assert_eq!(seen(Place::upstream("a.b", "label_max")).as_deref(), Some("\"a.b\""));
        assert_eq!(seen(Place::of("server.hosts").item(0)).as_deref(), Some("\"a b\""));
        assert_eq!(seen(Place::of("labels.order")).as_deref(), Some("labels"));
        assert_eq!(seen(Place::of("rules.dir")), None);
    }
}
