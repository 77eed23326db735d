//! The stand-ins of one request. In memory, for as long as the request lasts.

use std::collections::HashMap;
use std::sync::Arc;

use stockade_domain::WorkloadId;

use super::fake::{Pseudonymiser, normalise};
use super::restore::Finder;
use super::trie::Trie;

/// How often another stand-in is tried when one is taken. With 40 bits, once is already rare.
const ATTEMPTS: u32 = 16;

/// Originals and their stand-ins.
#[derive(Debug, Clone)]
pub struct PseudonymMap {
    pub(super) pairs: Vec<Pair>,
    by_original: HashMap<(String, String), usize>,
    /// Addresses: every character counts.
    pub(super) exact: Trie,
    /// Numbers, which a model may group otherwise.
    pub(super) spaced: Trie,
}

#[derive(Debug, Clone)]
pub(super) struct Pair {
    pub(super) ty: Arc<str>,
    /// As it was written first.
    pub(super) original: Arc<str>,
    attempt: u32,
}

/// A stand-in that stands in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// First byte.
    pub start: usize,
    /// One past the last.
    pub end: usize,
    /// The type of the original.
    pub ty: Arc<str>,
    /// The original.
    pub original: Arc<str>,
    /// It stands where an address is written: a URL, the target of a link, an attribute. It is not turned back there.
    pub in_address: bool,
}

impl PseudonymMap {
    /// An empty map.
    #[must_use]
    pub fn new() -> Self {
        Self {
            pairs: Vec::new(),
            by_original: HashMap::new(),
            exact: Trie::new(false),
            spaced: Trie::new(true),
        }
    }

    /// The stand-in for a value, which is remembered; the same for every spelling of it. `None` when its type has none, or
    /// when every attempt is taken by another value.
    pub fn pseudonymise(
        &mut self,
        with: &Pseudonymiser,
        scope: &[u8],
        workload: &WorkloadId,
        ty: &str,
        value: &str,
    ) -> Option<String> {
        let key = (ty.to_owned(), normalise(ty, value));
        if let Some(pair) = self.by_original.get(&key).and_then(|at| self.pairs.get(*at)) {
            return with.attempt(scope, workload, ty, value, pair.attempt);
        }
        for attempt in 0..ATTEMPTS {
            let fake = with.attempt(scope, workload, ty, value, attempt)?;
            let word = normalise(ty, &fake);
            let trie = if ty == "email" { &mut self.exact } else { &mut self.spaced };
            if word == key.1 || trie.get(word.as_bytes()).is_some() {
                continue;
            }
            let number = self.pairs.len();
            trie.insert(word.as_bytes(), number);
            self.pairs.push(Pair { ty: Arc::from(ty), original: Arc::from(value), attempt });
            self.by_original.insert(key, number);
            return Some(fake);
        }
        None
    }

    /// Where stand-ins stand in a text, in any case and with hidden characters in them.
    #[must_use]
    pub fn recognise(&self, text: &str) -> Vec<Standing> {
        Finder::new().take(self, text, true)
    }

    /// Whether nothing has been replaced.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// How many values have been replaced.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pairs.len()
    }
}

impl Default for PseudonymMap {
    fn default() -> Self {
        Self::new()
    }
}
