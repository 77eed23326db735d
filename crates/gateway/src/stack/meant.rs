//! Header fields that say how a body is meant: the version of an API, and the parts of it that are asked for.

use http::{HeaderMap, HeaderName, HeaderValue};
use stockade_egress::evidence::{Message, Reference};

use crate::dialect::{Dialect, Family};
use crate::error::Refusal;

/// Parts of Anthropic's API that bring in content which does not pass us, and how their names begin
/// (<https://docs.anthropic.com/en/api/beta-headers>). What others ask for stands in the body, where it is judged.
const BRINGS_IN: &[&str] = &[
    "code-execution-",
    "files-api-",
    "managed-agents-",
    "mcp-client-",
    "message-threads-",
    "skills-",
    "web-fetch-",
    "web-search-",
];

/// At most so many parts are asked for.
const MAX_PARTS: usize = 16;

/// Notes what the header fields of a request say of its body. It is passed on in the same words to an upstream of the
/// same dialect.
pub(super) fn note(
    message: &mut Message,
    dialect: Dialect,
    headers: &HeaderMap,
    is_native: bool,
) -> Result<(), Refusal> {
    if dialect.family() != Family::Anthropic {
        return Ok(());
    }
    let refused = |what: &str| Refusal::new("invalid_request").with_message(what);
    let mut versions = headers.get_all("anthropic-version").iter();
    if let Some(version) = versions.next() {
        if versions.next().is_some() || !version.to_str().is_ok_and(is_date) {
            return Err(refused("`anthropic-version` is one date, such as 2023-06-01"));
        }
        keep(message, is_native, "anthropic-version", version.clone());
    }
    let mut parts = Vec::new();
    for value in headers.get_all("anthropic-beta") {
        let text = value.to_str().map_err(|_| refused("`anthropic-beta` holds no words"))?;
        parts.extend(text.split(',').map(str::trim).filter(|part| !part.is_empty()));
    }
    if parts.len() > MAX_PARTS || !parts.iter().all(|part| is_part(part)) {
        return Err(refused("`anthropic-beta` is a list of at most 16 names"));
    }
    if parts.is_empty() {
        return Ok(());
    }
    if parts.iter().any(|part| BRINGS_IN.iter().any(|begin| part.starts_with(begin))) {
        message.references.push(Reference { path: String::new(), kind: "anthropic-beta" });
    }
    let value =
        HeaderValue::try_from(parts.join(",")).map_err(|_| refused("`anthropic-beta` holds no words"))?;
    keep(message, is_native, "anthropic-beta", value);
    Ok(())
}

fn keep(message: &mut Message, is_native: bool, name: &'static str, value: HeaderValue) {
    if is_native {
        message.fields.push((HeaderName::from_static(name), value));
    }
}

fn is_date(text: &str) -> bool {
    let shape = text.bytes().map(|b| if b.is_ascii_digit() { b'0' } else { b });
    shape.eq(*b"0000-00-00")
}

/// Names are short words with dashes and a date at the end; the shape of no credential.
fn is_part(text: &str) -> bool {
    let dated = |length: usize, is: fn(&str) -> bool| {
        let cut = text.len().checked_sub(length).and_then(|at| text.split_at_checked(at));
        cut.is_some_and(|(name, date)| {
            name.ends_with('-') && is(date) && name.bytes().filter(u8::is_ascii_digit).count() <= 4
        })
    };
    let is_dated = dated(10, is_date) || dated(8, |date| date.bytes().all(|b| b.is_ascii_digit()));
    is_dated
        && text.len() <= 48
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_names() {
        assert!(is_date("2026-10-21") && !is_date("latest") && !is_date("2026-10-2x"));
        assert!(
            is_part("interleaved-thinking-2025-05-14")
                && is_part("claude-code-20250219")
                && !is_part("effort-453914880")
                && !is_part("ghp_x")
                && !is_part("AKIA")
        );
    }
}
