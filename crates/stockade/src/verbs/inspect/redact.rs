//! A text with marks in place of what was found.

use stockade_domain::{Finding, FindingKind};
use stockade_inspect::union;

/// The text with every secret, leak and piece of personal data replaced by `[redacted:<type>]`. What overlaps becomes one
/// mark. Attempts to steer a model stay: they are judged, not taken out.
pub(super) fn redacted(text: &str, findings: &[Finding]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for region in union(findings.iter().filter(|finding| finding.kind != FindingKind::Injection)) {
        out.push_str(text.get(at..region.start).unwrap_or_default());
        out.push_str("[redacted:");
        out.push_str(&region.ty);
        out.push(']');
        at = region.end;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}
