//! JSON as the gateway reads it: strictly, once, with the place of every text.
//!
//! `serde_json` would accept duplicate keys (the last one wins, in other readers the first) and forget where a text
//! stood. A gateway that reads another message than the model does is a hole, so this reader refuses what is
//! ambiguous (RFC 8259 section 4, RFC 7493 section 2.3) and keeps offsets, so that an edit touches nothing else.

mod splice;
mod walk;

pub(crate) use splice::{Edit, encode_string, splice};
pub(crate) use walk::{JsonError, Leaf, LeafKind, Limits, walk};
