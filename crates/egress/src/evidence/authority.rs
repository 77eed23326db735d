//! Who may decide: the holder of the one minter that belongs to an egress client.

use std::sync::Arc;

use stockade_domain::DecisionRecord;

/// The identity of an egress client. Decisions and permits carry it, and are worth nothing elsewhere.
#[derive(Debug)]
pub struct Authority {
    seal: Arc<Seal>,
}

#[derive(Debug)]
pub(crate) struct Seal {
    // A type with a size: two live allocations of it never share an address, which is what `Arc::ptr_eq` compares.
    _identity: u8,
}

/// Makes decisions. There is one per client, it cannot be cloned, and only the policy engine is wired with it.
#[derive(Debug)]
pub struct Minter {
    seal: Arc<Seal>,
}

/// A decision of the policy engine.
#[derive(Debug)]
pub struct Decision {
    pub(crate) record: DecisionRecord,
    pub(crate) seal: Arc<Seal>,
}

impl Authority {
    pub(crate) fn pair() -> (Arc<Self>, Minter) {
        let seal = Arc::new(Seal { _identity: 0 });
        (Arc::new(Self { seal: Arc::clone(&seal) }), Minter { seal })
    }

    pub(crate) fn made(&self, seal: &Arc<Seal>) -> bool {
        Arc::ptr_eq(&self.seal, seal)
    }
}

impl Minter {
    /// Turns what the policies said into a decision that can clear a request.
    #[must_use]
    pub fn decision(&self, record: DecisionRecord) -> Decision {
        Decision { record, seal: Arc::clone(&self.seal) }
    }
}

impl Decision {
    /// What the policies said.
    #[must_use]
    pub fn record(&self) -> &DecisionRecord {
        &self.record
    }
}
