//! Safetensors: a header of JSON, then numbers. Everything that the reference loader refuses is a finding.

use super::json::{self, Json};
use super::read::{ReadAt, bytes_at};
use super::rule;
use super::scanner::{Place, Scan};

/// The longest header that the reference loader reads, in bytes.
const MAX_HEADER: u64 = 100_000_000;

/// How much of a tail is looked at to see whether it is zeros; a shorter one is told of whatever it is.
const TAIL: usize = 16;

/// Analyses a file; the offset behind the last tensor.
pub(crate) fn analyse(scan: &mut Scan<'_>, source: &dyn ReadAt, place: &Place) -> u64 {
    let len = source.len();
    let Some(header) = bytes_at(source, 0, 8).first_chunk::<8>().map(|b| u64::from_le_bytes(*b)) else {
        return 0;
    };
    let data = header.saturating_add(8);
    if header > MAX_HEADER || data > len {
        let message = format!("a header of {header} bytes in a file of {len}");
        scan.issue(rule::SAFETENSORS, place, message, Some(0));
        scan.incomplete(place, "safetensors", "its header is longer than the file or than loaders read");
        return 8;
    }
    let text = bytes_at(source, 8, usize::try_from(header).unwrap_or(0));
    let json = match json::parse(&text) {
        Ok(json @ Json::Object(_)) => json,
        Ok(_) => return broken(scan, place, "it is no object", data),
        Err(e) => return broken(scan, place, &e.to_string(), data),
    };
    if let Some(name) = json.duplicate() {
        let message = format!("two entries are called `{name}`: readers choose different ones");
        scan.issue(rule::SAFETENSORS, place, message, Some(8));
    }
    let room = len.saturating_sub(data);
    let mut spans: Vec<(u64, u64, &str)> = Vec::new();
    let mut parameters = 0u64;
    for (name, tensor) in json.members() {
        if name == "__metadata__" {
            metadata(scan, tensor);
            continue;
        }
        match span(tensor, room) {
            Ok((from, to, elements)) => {
                parameters = parameters.saturating_add(elements);
                spans.push((from, to, name));
            }
            Err(why) => scan.issue(rule::SAFETENSORS, place, format!("tensor `{name}`: {why}"), Some(8)),
        }
    }
    scan.report.facts.tensors.get_or_insert(spans.len() as u64);
    scan.report.facts.parameters.get_or_insert(parameters);
    spans.sort_unstable();
    let mut at = 0u64;
    for (from, to, name) in spans {
        if from < at {
            scan.issue(
                rule::SAFETENSORS,
                place,
                format!("tensor `{name}` shares bytes with another"),
                Some(8),
            );
        } else if from > at {
            let message =
                format!("{} bytes before tensor `{name}` that belong to none", from.saturating_sub(at));
            scan.issue(rule::HIDDEN, place, message, Some(data.saturating_add(at)));
        }
        at = at.max(to);
    }
    // Of a long tail that is not zeros the account of all bytes tells; here no reader allows any.
    let tail = room.saturating_sub(at);
    let end = data.saturating_add(at);
    let sample = bytes_at(source, end, TAIL);
    if tail > 0 && (tail <= TAIL as u64 || sample.iter().all(|byte| *byte == 0)) {
        let message = format!("{tail} bytes behind the last tensor that belong to none");
        scan.issue(rule::HIDDEN, place, message, Some(end));
    }
    data.saturating_add(at)
}

fn broken(scan: &mut Scan<'_>, place: &Place, why: &str, end: u64) -> u64 {
    scan.issue(rule::SAFETENSORS, place, format!("the header cannot be read: {why}"), Some(8));
    scan.incomplete(place, "safetensors", "its header cannot be read");
    end
}

fn metadata(scan: &mut Scan<'_>, metadata: &Json) {
    let text = |key: &str| metadata.get(key).and_then(Json::text).map(str::to_owned);
    let facts = &mut scan.report.facts;
    facts.architecture = facts.architecture.take().or_else(|| text("modelspec.architecture"));
    facts.name = facts.name.take().or_else(|| text("modelspec.title"));
    facts.licence = facts.licence.take().or_else(|| text("modelspec.license")).or_else(|| text("license"));
}

/// Where a tensor's bytes are and how many elements it has.
fn span(tensor: &Json, room: u64) -> Result<(u64, u64, u64), String> {
    let dtype = tensor.get("dtype").and_then(Json::text).ok_or("it has no type")?;
    let bits = bits(dtype).ok_or_else(|| format!("the type `{dtype}` does not exist"))?;
    let shape = tensor.get("shape").ok_or("it has no shape")?;
    let mut elements = 1u64;
    for size in shape.items() {
        let size = size.unsigned().ok_or("a size that is no number")?;
        elements = elements.checked_mul(size).ok_or("its sizes overflow")?;
    }
    let offsets = tensor.get("data_offsets").map(Json::items);
    let Some([from, to]) = offsets else { return Err("it has no place".to_owned()) };
    let (Some(from), Some(to)) = (from.unsigned(), to.unsigned()) else {
        return Err("a place that is no number".to_owned());
    };
    if from > to || to > room {
        return Err(format!("its place {from}..{to} is outside of the {room} bytes that follow"));
    }
    let need = elements.checked_mul(bits).ok_or("its sizes overflow")?.div_ceil(8);
    if need != to.saturating_sub(from) {
        return Err(format!("its shape needs {need} bytes and its place has {}", to.saturating_sub(from)));
    }
    Ok((from, to, elements))
}

/// Bits of an element.
fn bits(dtype: &str) -> Option<u64> {
    Some(match dtype {
        "F64" | "I64" | "U64" | "C64" => 64,
        "F32" | "I32" | "U32" => 32,
        "F16" | "BF16" | "I16" | "U16" => 16,
        "BOOL" | "I8" | "U8" | "F8_E4M3" | "F8_E5M2" | "F8_E8M0" | "F8_E4M3FNUZ" | "F8_E5M2FNUZ" => 8,
        "F6_E2M3" | "F6_E3M2" => 6,
        "F4" => 4,
        _ => return None,
    })
}
