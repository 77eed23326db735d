//! The pseudonyms of one request: made on the way in, turned back on the way out, never stored.

use std::sync::Arc;

use stockade_domain::WorkloadId;
use stockade_inspect::{PseudonymMap, Pseudonymiser, Restorer};

/// The request-scoped map between originals and pseudonyms.
pub(crate) struct Pseudonyms {
    pseudonymiser: Arc<Pseudonymiser>,
    workload: WorkloadId,
    scope: [u8; 32],
    map: PseudonymMap,
    /// What the caller sent itself: only that comes back to it.
    sent: Option<Arc<PseudonymMap>>,
}

impl Pseudonyms {
    /// An empty map. Within one scope (a conversation) the same original gets the same pseudonym.
    pub(crate) fn new(pseudonymiser: Arc<Pseudonymiser>, workload: WorkloadId, scope: [u8; 32]) -> Self {
        Self { pseudonymiser, workload, scope, map: PseudonymMap::new(), sent: None }
    }

    /// The pseudonym of a text, when there is a form for its type.
    pub(crate) fn pseudonym(&mut self, ty: &str, original: &str) -> Option<String> {
        self.map.pseudonymise(&self.pseudonymiser, &self.scope, &self.workload, ty, original)
    }

    /// Whether a text is a pseudonym that this request was sent with.
    pub(crate) fn is_stand_in(&self, text: &str) -> bool {
        self.sent.as_ref().is_some_and(
            |map| matches!(map.recognise(text).as_slice(), [one] if one.start == 0 && one.end == text.len()),
        )
    }

    /// The request is complete: what is in the map now is what may come back.
    pub(crate) fn sent(mut self) -> Self {
        let map = std::mem::take(&mut self.map);
        self.sent = (!map.is_empty()).then(|| Arc::new(map));
        self
    }

    /// Finds pseudonyms on their way back; `None` when there are none.
    pub(crate) fn restorer(&self) -> Option<Restorer> {
        self.sent.as_ref().map(|map| Restorer::new(Arc::clone(map)))
    }

    #[cfg(test)]
    pub(crate) fn for_tests() -> Self {
        let key = stockade_crypto::MacKey::new(&[7; 32]);
        let workload = WorkloadId::new(stockade_domain::Micros::from_i64(0), [0; 10]);
        Self::new(Arc::new(Pseudonymiser::new(key)), workload, [0; 32])
    }
}

impl std::fmt::Debug for Pseudonyms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pseudonyms(..)")
    }
}
