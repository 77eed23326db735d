//! Bytes of tokens that say what the token says.

use std::collections::{BTreeMap, BTreeSet};

use super::event::RawLeaf;
use crate::json::LeafKind;

/// Lists of bytes that say just what the token beside them says.
pub(super) struct Honest(BTreeSet<String>);

impl Honest {
    pub(super) fn of(leaves: &[RawLeaf]) -> Self {
        let mut bytes: BTreeMap<&str, Vec<Option<u8>>> = BTreeMap::new();
        for leaf in leaves.iter().filter(|l| l.kind == LeafKind::Number) {
            if let Some((list, _)) = leaf.path.rsplit_once('/').filter(|(list, _)| list.ends_with("/bytes")) {
                bytes.entry(list).or_default().push(leaf.text.parse().ok());
            }
        }
        let says = |token: &RawLeaf| {
            let list = format!("{}/bytes", token.path.strip_suffix("/token")?);
            let said = bytes.get(list.as_str())?;
            said.iter().copied().eq(token.text.bytes().map(Some)).then_some(list)
        };
        Self(leaves.iter().filter(|l| l.kind == LeafKind::String).filter_map(says).collect())
    }

    /// Whether the list is one.
    pub(super) fn is(&self, list: &str) -> bool {
        self.0.contains(list)
    }
}
