//! Sealed content that was emptied on its way to a client, and comes back from it.
//!
//! Where policy lets no sealed content pass, a thinking block reaches the client with an empty signature and a reasoning item
//! without its content. SDKs send both back as they came, and providers refuse what they did not sign. Providers allow them to
//! be left out instead; so they are.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use bytes::Bytes;

use crate::dialect::{Dialect, segments};
use crate::json::{Edit, JsonError, LeafKind, Limits, splice, walk};

/// A body without emptied blocks and items.
pub(crate) fn leave_out_empty(dialect: Dialect, body: Bytes, limits: Limits) -> Result<Bytes, JsonError> {
    let keys: &[&str] = match dialect {
        Dialect::Messages | Dialect::CountTokens => &["\"signature\"", "redacted_thinking"],
        Dialect::Responses => &["\"encrypted_content\""],
        _ => return Ok(body),
    };
    if !keys.iter().any(|key| memchr::memmem::find(&body, key.as_bytes()).is_some()) {
        return Ok(body);
    }
    let seen = Seen::of(&body, limits)?;
    let edits = if dialect == Dialect::Responses { seen.items(&body) } else { seen.blocks(&body) };
    let mut edits = edits.unwrap_or_default();
    if edits.is_empty() {
        return Ok(body);
    }
    Ok(splice(&body, &mut edits).map_or(body, Bytes::from))
}

/// What tells which blocks and items are empty.
#[derive(Default)]
struct Seen {
    types: BTreeMap<String, String>,
    /// Objects with an empty seal.
    empty: BTreeSet<String>,
    containers: BTreeMap<String, Range<usize>>,
    /// Messages that are not the user's.
    replies: BTreeSet<String>,
    /// Lists that hold something else than objects: they are not put together anew.
    mixed: BTreeSet<String>,
}

impl Seen {
    fn of(body: &[u8], limits: Limits) -> Result<Self, JsonError> {
        let mut seen = Self::default();
        walk(body, limits, |leaf| {
            let (object, key) = leaf.path.rsplit_once('/').unwrap_or_default();
            match (leaf.kind, key) {
                (LeafKind::Container, _) if segments(leaf.path).len() <= 4 => {
                    seen.containers.insert(leaf.path.to_owned(), leaf.raw);
                }
                (LeafKind::String, "type") => {
                    seen.types.insert(object.to_owned(), leaf.text.into_owned());
                }
                (LeafKind::String, "role") if leaf.text == "assistant" => {
                    seen.replies.insert(object.to_owned());
                }
                (LeafKind::String, "signature" | "data" | "encrypted_content") if leaf.text.is_empty() => {
                    seen.empty.insert(object.to_owned());
                }
                (LeafKind::String | LeafKind::Number | LeafKind::Literal, _)
                    if number(leaf.path).is_some() =>
                {
                    seen.mixed.insert(object.to_owned());
                }
                _ => {}
            }
        })?;
        Ok(seen)
    }

    /// Whether an object of one of these types has an empty seal.
    fn is_empty(&self, object: &str, types: &[&str]) -> bool {
        self.empty.contains(object) && self.types.get(object).is_some_and(|ty| types.contains(&ty.as_str()))
    }

    /// Responses: reasoning items of the input.
    fn items(&self, body: &[u8]) -> Option<Vec<Edit>> {
        let input = self.containers.get("/input")?.clone();
        let (kept, left) = self.children("/input", |path| !self.is_empty(path, &["reasoning"]));
        if left == 0 || self.mixed.contains("/input") {
            return Some(Vec::new());
        }
        let kept: Vec<&[u8]> = kept.iter().filter_map(|(_, raw)| body.get(raw.clone())).collect();
        Some(vec![Edit { raw: input, with: list(&kept) }])
    }

    /// Messages: thinking blocks of replies. A reply in the middle of its calls may then not begin with a thought, which a
    /// provider demands as long as thinking is on.
    fn blocks(&self, body: &[u8]) -> Option<Vec<Edit>> {
        let messages =
            self.containers.get("/messages").filter(|_| !self.mixed.contains("/messages"))?.clone();
        let (all, _) = self.children("/messages", |_| true);
        let last = self.replies.iter().filter_map(|path| number(path)).max();
        let mut texts: Vec<Vec<u8>> = Vec::with_capacity(all.len());
        let mut changed = false;
        let mut thinks_no_more = false;
        for (path, raw) in &all {
            let whole = body.get(raw.clone())?;
            let content = format!("{path}/content");
            let place = self.containers.get(&content).filter(|_| self.replies.contains(path));
            let Some(place) = place else {
                texts.push(whole.to_vec());
                continue;
            };
            let is_kept = |block: &str| !self.is_empty(block, &["thinking", "redacted_thinking"]);
            let (kept, left) = self.children(&content, is_kept);
            if left == 0 || self.mixed.contains(&content) {
                texts.push(whole.to_vec());
                continue;
            }
            changed = true;
            thinks_no_more |= number(path) == last
                && kept.iter().any(|(block, _)| self.types.get(block).is_some_and(|ty| ty == "tool_use"));
            // A reply that was nothing but a thought goes whole.
            if kept.is_empty() {
                continue;
            }
            let kept: Vec<&[u8]> = kept.iter().filter_map(|(_, raw)| body.get(raw.clone())).collect();
            let at = place.start.checked_sub(raw.start)?..place.end.checked_sub(raw.start)?;
            texts.push(splice(whole, &mut [Edit { raw: at, with: list(&kept) }])?);
        }
        if !changed {
            return Some(Vec::new());
        }
        let texts: Vec<&[u8]> = texts.iter().map(Vec::as_slice).collect();
        let mut edits = vec![Edit { raw: messages, with: list(&texts) }];
        if thinks_no_more && let Some(thinking) = self.containers.get("/thinking") {
            edits.push(Edit { raw: thinking.clone(), with: br#"{"type":"disabled"}"#.to_vec() });
        }
        Some(edits)
    }

    /// The objects of a list that are kept, in order, and how many are not.
    fn children(&self, list: &str, is_kept: impl Fn(&str) -> bool) -> (Vec<(String, Range<usize>)>, usize) {
        let mut kept: Vec<(String, Range<usize>)> = Vec::new();
        let mut left = 0_usize;
        let prefix = format!("{list}/");
        for (path, raw) in self.containers.range(prefix.clone()..) {
            let Some(rest) = path.strip_prefix(&prefix) else { break };
            if rest.contains('/') {
                continue;
            }
            if is_kept(path) {
                kept.push((path.clone(), raw.clone()));
            } else {
                left = left.saturating_add(1);
            }
        }
        kept.sort_by_key(|(_, raw)| raw.start);
        (kept, left)
    }
}

fn number(path: &str) -> Option<u64> {
    path.rsplit('/').next()?.parse().ok()
}

/// A list of these elements.
fn list(elements: &[&[u8]]) -> Vec<u8> {
    let mut out = vec![b'['];
    out.extend_from_slice(&elements.join(&b","[..]));
    out.push(b']');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn without(dialect: Dialect, body: &'static str) -> String {
        let limits = Limits { depth: 16, leaves: 1_000 };
        let out = leave_out_empty(dialect, Bytes::from_static(body.as_bytes()), limits).unwrap();
        String::from_utf8(out.to_vec()).unwrap()
    }

    #[test]
    fn emptied_thoughts_are_left_out_and_whole_ones_stay() {
        let body = r#"{"thinking":{"type":"enabled","budget_tokens":1024},"messages":[{"role":"user","content":"q"},
 {"role":"assistant","content":[{"type":"thinking","thinking":"a","signature":""},{"type":"text","text":"b"}]},
 {"role":"user","content":[{"type":"text","text":"r"}]},{"role":"assistant","content":[{"type":"redacted_thinking","data":""}, {"type":"tool_use","id":"t","name":"f","input":{"signature":""}}]}],"x":1}"#;
        let expected = r#"{"thinking":{"type":"disabled"},"messages":[{"role":"user","content":"q"},{"role":"assistant","content":[{"type":"text","text":"b"}]},{"role":"user","content":[{"type":"text","text":"r"}]},{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":{"signature":""}}]}],"x":1}"#;
        assert_eq!(without(Dialect::Messages, body), expected);
        for same in [
            r#"{"messages":[{"role":"assistant","content":[{"type":"thinking","thinking":"a","signature":"c2Vh"}]}]}"#,
            r#"{"messages":[{"role":"user","content":[{"type":"thinking","thinking":"a","signature":""}]}]}"#,
            r#"{"messages":"signature","signature":""}"#,
        ] {
            assert_eq!(without(Dialect::Messages, same), same);
        }
    }

    #[test]
    fn emptied_reasoning_is_left_out() {
        let body = r#"{"input":[{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":""},{"type":"message","role":"user","content":"a"}]}"#;
        let kept = r#"{"input":[{"type":"message","role":"user","content":"a"}]}"#;
        assert_eq!(without(Dialect::Responses, body), kept);
    }
}
