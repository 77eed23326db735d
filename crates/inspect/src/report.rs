//! What an examination says, and how findings become stretches to redact.

use std::sync::Arc;

use stockade_domain::{Finding, Incomplete, Ran};

/// What was found, what ran and what could not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Findings by start. From a [`Scanner`](crate::Scanner) only those that no step has given yet.
    pub findings: Vec<Finding>,
    /// How much the text looks like an attempt to steer a model: 0 to 1000.
    pub score: u16,
    /// The [sets of detectors](crate::DetectorSet) that looked at the whole text, but for those of their detectors that
    /// `incomplete` names.
    pub ran: Vec<Ran>,
    /// Detectors, or whole sets, that could not. Not empty means that policy denies.
    pub incomplete: Vec<Incomplete>,
}

/// A stretch of text that findings cover together: what redaction replaces by one mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Region {
    /// First byte.
    pub start: usize,
    /// One past the last.
    pub end: usize,
    /// The rules that found something in it, in order of place, each once.
    pub rules: Vec<Arc<str>>,
    /// The type of the longest finding in it; of two of a length, the first.
    pub ty: Arc<str>,
}

/// The union of findings. Findings that overlap share a region; findings that only touch do not.
#[must_use]
pub fn union<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> Vec<Region> {
    let mut sorted: Vec<&Finding> = findings.into_iter().collect();
    sorted.sort_by_key(|f| (f.start, f.end));
    let mut regions: Vec<(Region, usize)> = Vec::new();
    for finding in sorted {
        let length = finding.end.saturating_sub(finding.start);
        match regions.last_mut() {
            Some((region, longest)) if finding.start < region.end => {
                region.end = region.end.max(finding.end);
                if !region.rules.contains(&finding.rule_id) {
                    region.rules.push(Arc::clone(&finding.rule_id));
                }
                if length > *longest {
                    *longest = length;
                    region.ty = Arc::clone(&finding.ty);
                }
            }
            _ => regions.push((
                Region {
                    start: finding.start,
                    end: finding.end,
                    rules: vec![Arc::clone(&finding.rule_id)],
                    ty: Arc::clone(&finding.ty),
                },
                length,
            )),
        }
    }
    regions.into_iter().map(|(region, _)| region).collect()
}
