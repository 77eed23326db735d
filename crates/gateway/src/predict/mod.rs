//! Requests to models that are not generative: texts in them are read like any other, numbers are the model's business.
//! Of lists of numbers the record keeps shape, type and a keyed fingerprint, never a number.

mod filter;
mod soften;

use std::ops::Range;

use bytes::Bytes;
use stockade_crypto::{MacKey, to_hex};
use stockade_egress::evidence::{Message, Tensor};

use crate::dialect::Dialect;
use crate::error::Refusal;
use crate::json::{Edit, LeafKind, Limits, splice, walk};
use crate::read;

pub(crate) use filter::PredictFilter;
pub(crate) use soften::Softening;

/// Where a request goes below its upstream's base URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Below {
    /// The model that the path names, to policies and limits.
    pub(crate) model: String,
    /// The rest of the path; the characters of names and slashes alone.
    pub(crate) path: String,
}

/// Values of one request: a picture as numbers has some hundred thousand.
const MAX_VALUES: usize = 1 << 20;

/// Lists of numbers that the record tells one by one.
const MAX_TENSORS: usize = 64;

/// Reads a request.
pub(crate) fn parse(
    dialect: Dialect,
    body: Bytes,
    below: &Below,
    limits: Limits,
    key: &MacKey,
) -> Result<Message, Refusal> {
    let texts = limits.leaves;
    let limits = Limits { leaves: texts.max(MAX_VALUES), ..limits };
    let (body, tensors) = if dialect == Dialect::PredictAbout {
        (body, Vec::new())
    } else {
        let body = in_json(body, limits)?;
        let tensors = tensors(&body, limits, key)?;
        (body, tensors)
    };
    let mut message = read::data(dialect, body, limits)?;
    // Numbers may be many; each text is looked at.
    if message.spans.len() > texts {
        return Err(Refusal::new("json_too_large"));
    }
    message.model.clone_from(&below.model);
    message.path = below.path.clone().into();
    message.fetches = dialect == Dialect::PredictAbout;
    message.tensors = tensors;
    Ok(message)
}

fn broken(error: &crate::json::JsonError) -> Refusal {
    Refusal::new(error.kind.code()).with_message(error.to_string())
}

/// The same request, asking for its answer in JSON. Tensors behind the JSON, as the protocol's binary extension has them,
/// would go by unread; a client that asked for them in its answer reads JSON as well.
fn in_json(body: Bytes, limits: Limits) -> Result<Bytes, Refusal> {
    let mut edits = Vec::new();
    let mut is_binary = false;
    walk(&body, limits, |leaf| {
        if leaf.kind == LeafKind::Key {
            return;
        }
        if leaf.path.ends_with("/parameters/binary_data_size") {
            is_binary = true;
        }
        let asks = ["/parameters/binary_data_output", "/parameters/binary_data"];
        if leaf.text == "true" && asks.iter().any(|end| leaf.path.ends_with(end)) {
            edits.push(Edit { raw: leaf.raw, with: b"false".to_vec() });
        }
    })
    .map_err(|error| broken(&error))?;
    if is_binary {
        return Err(Refusal::new("binary_tensors"));
    }
    if edits.is_empty() {
        return Ok(body);
    }
    splice(&body, &mut edits).map(Bytes::from).ok_or_else(|| Refusal::new("invalid_request"))
}

/// The outermost lists in which there are numbers only.
fn tensors(body: &Bytes, limits: Limits, key: &MacKey) -> Result<Vec<Tensor>, Refusal> {
    let mut lists: Vec<(String, Range<usize>)> = Vec::new();
    // A list is told after what is in it: what is said in words, and where the last of it stood.
    let mut last_words = None;
    walk(body, limits, |leaf| match leaf.kind {
        LeafKind::Key | LeafKind::String => last_words = Some(leaf.raw.start),
        LeafKind::Container if body.get(leaf.raw.start) == Some(&b'[') => {
            let is_numbers = last_words.is_none_or(|at| at < leaf.raw.start) && leaf.raw.len() > 2;
            while lists.last().is_some_and(|(_, inner)| is_numbers && inner.start >= leaf.raw.start) {
                lists.pop();
            }
            if is_numbers && !leaf.path.ends_with("/shape") && lists.len() < MAX_TENSORS {
                lists.push((leaf.path.to_owned(), leaf.raw));
            }
        }
        LeafKind::Container | LeafKind::Number | LeafKind::Literal => {}
    })
    .map_err(|error| broken(&error))?;
    let tensor = |(path, raw): (String, Range<usize>)| {
        let text = body.get(raw).unwrap_or_default();
        let has = |bytes: &[u8]| text.iter().any(|byte| bytes.contains(byte));
        let kind = if has(b"tf") {
            "bool"
        } else if has(b".eE") {
            "float"
        } else {
            "int"
        };
        let tag = key.mac_parts(&[b"tensor", text]);
        Tensor { path, shape: shape(text), kind, fingerprint: to_hex(tag.get(..16).unwrap_or_default()) }
    };
    Ok(lists.into_iter().map(tensor).collect())
}

/// How many elements the first list of each depth has.
fn shape(text: &[u8]) -> Vec<u64> {
    // Of each depth the count, and whether its first list has ended.
    let mut levels: Vec<(u64, bool)> = Vec::new();
    let (mut depth, mut has_item) = (0_usize, false);
    for byte in text {
        let level = depth.checked_sub(1);
        match byte {
            b'[' => {
                if levels.len() <= depth {
                    levels.push((0, false));
                }
                depth = depth.saturating_add(1);
                has_item = false;
            }
            b',' | b']' => {
                if let Some((count, has_ended)) =
                    level.and_then(|at| levels.get_mut(at)).filter(|level| !level.1)
                {
                    *count = count.saturating_add(u64::from(has_item));
                    *has_ended = *byte == b']';
                }
                has_item = *byte == b']';
                depth = depth.saturating_sub(usize::from(*byte == b']'));
            }
            b' ' | b'\t' | b'\r' | b'\n' => {}
            _ => has_item = true,
        }
    }
    levels.into_iter().map(|(count, _)| count).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { depth: 32, leaves: 1_000 };

    fn read(body: &str) -> Result<Message, Refusal> {
        let below = Below { model: "m".to_owned(), path: "/invocations".to_owned() };
        let key = MacKey::new(&[7; 32]);
        parse(Dialect::Predict, Bytes::from(body.to_owned()), &below, LIMITS, &key)
    }

    #[test]
    fn lists_of_numbers_are_told_by_shape_type_and_fingerprint() {
        let message = read(r#"{"inputs":[{"name":"x","shape":[2,3],"datatype":"FP32","data":[[1.5,2,3],[4,5,6]]}],"ids":[1,2],"words":["a",[true]]}"#).unwrap();
        let told: Vec<_> =
            message.tensors.iter().map(|t| (t.path.as_str(), t.shape.clone(), t.kind)).collect();
        assert_eq!(
            told,
            [
                ("/inputs/0/data", vec![2, 3], "float"),
                ("/ids", vec![2], "int"),
                ("/words/1", vec![1], "bool")
            ]
        );
        assert!(message.tensors.iter().all(|t| t.fingerprint.len() == 32));
        assert!(message.opaque.is_empty());
        assert_eq!(message.path, "/invocations");
        let again = read(r#"{"x":[1.5]}"#).unwrap();
        assert_ne!(again.tensors[0].fingerprint, message.tensors[0].fingerprint);
    }

    #[test]
    fn shapes_count_the_first_of_each_depth() {
        assert_eq!(shape(b"[[1, 2, 3], [4, 5, 6]]"), [2, 3]);
        assert_eq!(shape(b"[1]"), [1]);
        assert_eq!(shape(b"[[[1],[2]],[[3],[4]],[[5],[6]]]"), [3, 2, 1]);
        assert_eq!(shape(b"[[],[]]"), [2, 0]);
    }

    #[test]
    fn nothing_goes_by_unread() {
        let binary =
            r#"{"inputs":[{"name":"x","shape":[2],"datatype":"FP32","parameters":{"binary_data_size":8}}]}"#;
        assert_eq!(read(binary).unwrap_err().code, "binary_tensors");
        let asked = read(r#"{"inputs":[],"parameters":{"binary_data_output":true},"outputs":[{"name":"y","parameters":{"binary_data":true}}]}"#).unwrap();
        assert!(!String::from_utf8_lossy(&asked.body).contains("true"));
        let texts = read(r#"{"dataframe_split":{"columns":["note"],"data":[["hello"],[4111111111111111]]}}"#)
            .unwrap();
        let said: Vec<&str> = texts.spans.iter().map(|s| s.text.as_str()).collect();
        assert!(said.contains(&"hello") && said.contains(&"4111111111111111"), "{said:?}");
        assert_eq!(read("[").unwrap_err().code, "invalid_json");
    }
}
