//! Proofs that were used: each is good once (RFC 9449 section 11.1).

use std::collections::HashMap;

use parking_lot::Mutex;
use stockade_crypto::{Digest, MacKey, ct_eq, to_hex};
use stockade_domain::Micros;
use stockade_identity::{Possession, Reason};

/// The most proofs that are remembered: some 4,000 requests a second for the minute that a proof is good.
const MAX_SEEN: usize = 1 << 18;

/// What was seen, with when it may be forgotten. Only proofs whose signature, token and request are good get here, so
/// strangers cannot fill it.
#[derive(Debug, Default)]
pub(crate) struct Seen(Mutex<HashMap<Digest, Micros>>);

impl Seen {
    /// Notes a proof.
    ///
    /// # Errors
    /// [`Reason::Proof`] when it was seen before, or when there is no room to remember it.
    pub(crate) fn note(&self, proof: &Possession, now: Micros) -> Result<(), Reason> {
        let mut seen = self.0.lock();
        if seen.len() >= MAX_SEEN {
            seen.retain(|_, until| *until > now);
        }
        if seen.len() >= MAX_SEEN || seen.contains_key(&proof.once) {
            return Err(Reason::Proof);
        }
        seen.insert(proof.once, proof.until);
        Ok(())
    }
}

/// Nonces without a memory: a MAC over the minute. They bound how far ahead proofs can be made (RFC 9449 section 11.2).
#[derive(Debug)]
pub struct Nonces(MacKey);

/// How long a nonce is given out; it is taken for as long again.
const NONCE_MINUTE: i64 = 60_000_000;

impl Nonces {
    /// Nonces under a key.
    #[must_use]
    pub fn new(key: MacKey) -> Self {
        Self(key)
    }

    pub(crate) fn now(&self, now: Micros) -> String {
        self.of(now.as_i64().div_euclid(NONCE_MINUTE))
    }

    pub(crate) fn take(&self, nonce: Option<&str>, now: Micros) -> bool {
        let minute = now.as_i64().div_euclid(NONCE_MINUTE);
        let nonce = nonce.unwrap_or_default().as_bytes();
        [minute, minute.saturating_sub(1)].iter().any(|minute| ct_eq(self.of(*minute).as_bytes(), nonce))
    }

    fn of(&self, minute: i64) -> String {
        to_hex(self.0.mac(&minute.to_be_bytes()).get(..16).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proof(n: u32, until: i64) -> Possession {
        let once = stockade_crypto::sha256(&n.to_be_bytes());
        Possession { thumbprint: String::new(), once, until: Micros::from_i64(until), nonce: None }
    }

    #[test]
    fn each_once_and_never_more_than_fit() {
        let seen = Seen::default();
        let now = Micros::from_i64(1);
        assert_eq!(seen.note(&proof(0, 5), now), Ok(()));
        assert_eq!(seen.note(&proof(0, 5), now), Err(Reason::Proof));
        for n in 1..u32::try_from(MAX_SEEN).unwrap() {
            assert_eq!(seen.note(&proof(n, 5), now), Ok(()));
        }
        assert_eq!(seen.note(&proof(u32::MAX, 5), now), Err(Reason::Proof));
        assert_eq!(seen.note(&proof(u32::MAX, 9), Micros::from_i64(6)), Ok(()));
        assert_eq!(seen.0.lock().len(), 1);
    }

    #[test]
    fn a_nonce_is_good_for_its_minute_and_the_next() {
        let nonces = Nonces::new(MacKey::new(&[7; 32]));
        let at = |seconds: i64| Micros::from_i64(seconds * 1_000_000);
        let nonce = nonces.now(at(59));
        assert!(nonces.take(Some(&nonce), at(0)) && nonces.take(Some(&nonce), at(119)));
        assert!(
            !nonces.take(Some(&nonce), at(120)) && !nonces.take(None, at(0)) && !nonces.take(Some(""), at(0))
        );
    }
}
