//! What else stands in the stream: storages of PyTorch's old format, arrays behind joblib's wrappers.

use std::collections::HashMap;
use std::collections::HashSet;

use super::{Cursor, Follows, Machine, Node, Place, ReadAt, Scan, Storage, Value};

/// The storages behind the pickles of PyTorch's old format: each an element count and the elements.
pub(super) fn legacy_storages(
    scan: &mut Scan<'_>,
    source: &dyn ReadAt,
    place: &Place,
    start: u64,
    storages: &HashMap<String, Storage>,
) -> u64 {
    let mut cursor = Cursor::new(source, start);
    // Their order is that of the fifth pickle; sizes are told apart by the counts that stand before each.
    for _ in 0..storages.len() {
        let Some(count) = cursor.u64() else { break };
        let sizes: HashSet<u64> = storages
            .values()
            .filter(|s| u64::try_from(s.elements).is_ok_and(|n| n == count))
            .filter_map(Storage::element_size)
            .collect();
        let size = match sizes.iter().collect::<Vec<_>>().as_slice() {
            [size] => **size,
            _ => {
                // Several types with one count: take all of the rest as theirs when the sum fits.
                let total: u64 = storages
                    .values()
                    .filter_map(|s| {
                        Some(
                            u64::try_from(s.elements).ok()?.checked_mul(s.element_size()?)?.saturating_add(8),
                        )
                    })
                    .fold(0, u64::saturating_add);
                let end = start.saturating_add(total);
                return if end <= source.len() { end } else { start };
            }
        };
        if cursor.skip(count.saturating_mul(size)).is_none() {
            scan.incomplete(place, "storages of the old PyTorch format", "the file ends before they do");
            return source.len();
        }
    }
    cursor.offset()
}

/// The array behind joblib's wrapper, from the state that the wrapper just got.
pub(super) fn array_behind(machine: &Machine<'_>) -> Follows {
    let mut elements: Option<u64> = None;
    let mut size = None;
    let mut object = false;
    let mut padded = false;
    for pair in machine.items().chunks_exact(2) {
        let [key, value] = pair else { continue };
        match machine.text(*key).as_deref() {
            Some("shape") => {
                elements = machine.tuple(*value).iter().try_fold(1u64, |n, v| match v {
                    Value::Int(d) => n.checked_mul(u64::try_from(*d).ok()?),
                    _ => None,
                });
            }
            Some("numpy_array_alignment_bytes") => padded = matches!(value, Value::Int(_)),
            Some("dtype") => {
                if let Value::Result(node) = value
                    && let Some(Node::Result { args, .. }) = machine.node(*node)
                    && let Some(code) = machine.tuple(args).first().and_then(|v| machine.text(*v))
                {
                    object = code.starts_with('O');
                    let digits = code.trim_start_matches(|c: char| !c.is_ascii_digit());
                    let width = if code.contains('U') { 4 } else { 1 };
                    size = digits.parse::<u64>().ok().and_then(|n| n.checked_mul(width));
                }
            }
            _ => {}
        }
    }
    if object {
        return Follows::Pickle;
    }
    match (elements, size) {
        (Some(n), Some(size)) => Follows::Raw { bytes: n.saturating_mul(size), padded },
        _ => Follows::Opcodes,
    }
}
