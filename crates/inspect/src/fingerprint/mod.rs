//! Exact data match: values of one's own (secrets, customer numbers, records) known by keyed digests only.
//!
//! A value is a row of words: letters and digits, folded as text is folded for reading, whatever stands between them. For
//! each of its beginnings there is a short keyed digest (SipHash-2-4), by which a text is followed word by word at little
//! cost; for the whole, an HMAC-SHA-256, which decides. Without the key neither says anything about the value, and what is
//! found does not say which value it was.

mod digest;
mod reader;
mod set;

pub use set::{FingerprintError, FingerprintKey, Fingerprints};

pub(crate) use digest::Sip;
pub(crate) use reader::PrintReader;
pub(crate) use set::Prints;
