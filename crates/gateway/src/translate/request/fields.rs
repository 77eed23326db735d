//! Reads objects key by key. What nobody asked for is refused at the end, so that nothing is dropped unseen.

use crate::translate::Untranslatable;
use crate::translate::json::{Json, pointer};

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) at: String,
    pub(super) json: Json,
}

/// The members of an object that were not read yet.
#[derive(Debug, Default)]
pub(super) struct Fields {
    pub(super) at: String,
    members: Vec<(String, Json)>,
}

pub(super) type Read<T> = Result<T, Untranslatable>;

pub(super) fn refuse<T>(at: &str, what: &'static str) -> Read<T> {
    Err(Untranslatable { pointer: at.to_owned(), what, code: None })
}

// === impl Node ===

impl Node {
    pub(super) fn refuse<T>(&self, what: &'static str) -> Read<T> {
        refuse(&self.at, what)
    }

    pub(super) fn fields(self) -> Read<Fields> {
        match self.json {
            Json::Map(members) => Ok(Fields { at: self.at, members }),
            _ => refuse(&self.at, "this must be an object"),
        }
    }

    pub(super) fn list(self) -> Read<Vec<Self>> {
        let Json::List(list) = self.json else { return refuse(&self.at, "this must be a list") };
        let at = self.at;
        let node = |(index, json)| Self { at: pointer(&at, index), json };
        Ok(list.into_iter().enumerate().map(node).collect())
    }

    /// A list that says something.
    pub(super) fn some(self) -> Read<Vec<Self>> {
        if self.json.is_empty() { self.refuse("this must not be empty") } else { self.list() }
    }

    pub(super) fn string(self) -> Read<String> {
        match self.json {
            Json::Text(text) => Ok(text),
            _ => refuse(&self.at, "this must be a string"),
        }
    }

    pub(super) fn flag(&self) -> Read<bool> {
        match self.json {
            Json::Bool(flag) => Ok(flag),
            _ => self.refuse("this must be true or false"),
        }
    }

    pub(super) fn count(&self) -> Read<u64> {
        self.json.count().map_or_else(|| self.refuse("this must be a whole number"), Ok)
    }

    pub(super) fn object(self) -> Read<Json> {
        if matches!(self.json, Json::Map(_)) { Ok(self.json) } else { self.refuse("this must be an object") }
    }
}

// === impl Fields ===

impl Fields {
    pub(super) fn pointer(&self, key: &str) -> String {
        pointer(&self.at, key)
    }

    /// A member that is not null.
    pub(super) fn take(&mut self, key: &str) -> Option<Node> {
        let index = self.members.iter().position(|(k, _)| k == key)?;
        let (_, json) = self.members.remove(index);
        (json != Json::Null).then(|| Node { at: self.pointer(key), json })
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.members.iter().any(|(k, json)| k == key && *json != Json::Null)
    }

    pub(super) fn need(&mut self, key: &str) -> Read<Node> {
        match self.take(key) {
            Some(node) => Ok(node),
            None => refuse(&self.pointer(key), "this is missing"),
        }
    }

    pub(super) fn string(&mut self, key: &str) -> Read<Option<String>> {
        self.take(key).map(Node::string).transpose()
    }

    pub(super) fn flag(&mut self, key: &str) -> Read<Option<bool>> {
        self.take(key).map(|node| node.flag()).transpose()
    }

    /// Advice: what the other API has no word for and what changes no answer's meaning.
    pub(super) fn drop(&mut self, keys: &[&str]) {
        self.members.retain(|(key, _)| !keys.contains(&key.as_str()));
    }

    /// Fields that may only say what holds anyway.
    pub(super) fn only(&mut self, key: &str, harmless: &[Json], what: &'static str) -> Read<()> {
        match self.take(key) {
            Some(node) if !node.json.is_empty() && !harmless.contains(&node.json) => node.refuse(what),
            _ => Ok(()),
        }
    }

    /// A field that may not be there.
    pub(super) fn forbid(&mut self, key: &str, what: &'static str) -> Read<()> {
        self.take(key).map_or(Ok(()), |node| node.refuse(what))
    }

    /// Nothing may be left.
    pub(super) fn end(self) -> Read<()> {
        match self.members.iter().find(|(_, json)| *json != Json::Null) {
            Some((key, _)) => refuse(&self.pointer(key), "the translation does not know this field"),
            None => Ok(()),
        }
    }
}
