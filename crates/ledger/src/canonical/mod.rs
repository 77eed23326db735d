//! Canonical JSON (RFC 8785) without floating-point numbers: one text for one value, so that a hash of the text is a
//! hash of the value.
//!
//! Keys are sorted by their UTF-16 code units (RFC 8785 section 3.2.3), strings use the shortest escapes of section
//! 3.2.2.2, and numbers are integers within ±(2^53 - 1), for which section 3.2.2.3 and plain decimal agree.

mod check;
mod encode;

use std::cmp::Ordering;

pub(crate) use check::check;
pub(crate) use encode::{EncodeError, Encoder};

/// The largest integer that every JSON implementation keeps exactly (RFC 7493 section 2.2).
pub(crate) const MAX_SAFE_INTEGER: u64 = (1 << 53) - 1;

/// How deep objects and arrays may nest.
pub(crate) const MAX_DEPTH: usize = 32;

/// The order of two keys by UTF-16 code units. For ASCII it is the order of the bytes.
fn compare_keys(a: &str, b: &str) -> Ordering {
    if a.is_ascii() && b.is_ascii() { a.cmp(b) } else { a.encode_utf16().cmp(b.encode_utf16()) }
}
