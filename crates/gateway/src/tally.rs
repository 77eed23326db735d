//! What inspection saw in one direction, added up for the record.

use std::collections::{BTreeMap, BTreeSet};

use stockade_domain::{
    Channel, DetectorRun, Direction, Finding, FindingKind, FindingRecord, Handling, Incomplete, Inspection,
    MAX_RECORDED_FINDINGS, Ran,
};

/// How many places an incomplete inspection is named for.
const MAX_INCOMPLETE: usize = 32;

/// Adds up what ran on how much.
#[derive(Debug)]
pub(crate) struct Tally {
    direction: Direction,
    channels: BTreeMap<Channel, u64>,
    ran: BTreeMap<String, (u64, u64)>,
    incomplete: BTreeSet<String>,
    findings: Vec<FindingRecord>,
    counts: BTreeMap<FindingKind, u64>,
    restored: u64,
}

impl Tally {
    pub(crate) fn new(direction: Direction) -> Self {
        Self {
            direction,
            channels: BTreeMap::new(),
            ran: BTreeMap::new(),
            incomplete: BTreeSet::new(),
            findings: Vec::new(),
            counts: BTreeMap::new(),
            restored: 0,
        }
    }

    /// A text of a channel was looked at.
    pub(crate) fn saw(&mut self, channel: Channel, bytes: usize) {
        let count = self.channels.entry(channel).or_default();
        *count = count.saturating_add(wide(bytes));
    }

    /// What ran on one text, and what could not.
    pub(crate) fn ran(&mut self, ran: &[Ran], incomplete: &[Incomplete]) {
        for run in ran {
            if let Some(known) = self.ran.get_mut(run.detector.as_ref()) {
                *known = (known.0.saturating_add(1), known.1.saturating_add(wide(run.bytes)));
            } else {
                self.ran.insert(run.detector.as_ref().to_owned(), (1, wide(run.bytes)));
            }
        }
        for lack in incomplete.iter().take(MAX_INCOMPLETE) {
            if self.incomplete.len() < MAX_INCOMPLETE {
                self.incomplete.insert(format!("{}:{}", lack.detector, lack.reason));
            }
        }
    }

    /// Something was found, and handled so.
    pub(crate) fn found(&mut self, channel: Channel, path: &str, finding: &Finding, handling: Handling) {
        let count = self.counts.entry(finding.kind).or_default();
        *count = count.saturating_add(1);
        if self.findings.len() < MAX_RECORDED_FINDINGS {
            self.findings.push(FindingRecord {
                rule: finding.rule_id.as_ref().to_owned(),
                kind: finding.kind,
                channel,
                path: public_path(path),
                start: wide(finding.start),
                end: wide(finding.end),
                handling,
            });
        }
    }

    /// A pseudonym was turned back.
    pub(crate) fn restored(&mut self) {
        self.restored = self.restored.saturating_add(1);
    }

    pub(crate) fn is_incomplete(&self) -> bool {
        !self.incomplete.is_empty()
    }

    pub(crate) fn into_record(self) -> Inspection {
        Inspection {
            direction: self.direction,
            channels: self.channels,
            ran: self
                .ran
                .into_iter()
                .map(|(detector, (spans, bytes))| DetectorRun { detector, spans, bytes })
                .collect(),
            incomplete: self.incomplete.into_iter().collect(),
            findings: self.findings,
            counts: self.counts,
            restored: self.restored,
        }
    }
}

fn wide(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

/// A path for a record that cannot be erased: a key that somebody made up could itself be what must not be kept, so
/// any segment that is neither an index nor a known key becomes `*`.
fn public_path(path: &str) -> String {
    let mut out = String::with_capacity(path.len().min(256));
    for segment in path.split('/').skip(1).take(16) {
        let known = crate::dialect::KNOWN_KEYS.binary_search(&segment).is_ok();
        let index = segment.len() <= 9 && segment.bytes().all(|b| b.is_ascii_digit());
        out.push('/');
        out.push_str(if known || index { segment } else { "*" });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_up_keys_do_not_reach_the_ledger() {
        assert_eq!(public_path("/messages/0/content"), "/messages/0/content");
        assert_eq!(public_path("/metadata/alice@example.org"), "/metadata/*");
    }
}
