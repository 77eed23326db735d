//! What inspection saw in one direction.

use stockade_domain::{Handling, Inspection};

use super::{text, units, words};

pub(crate) struct InspectionView {
    /// In a sentence.
    pub(crate) sentence: String,
    /// How the eye should take it.
    pub(crate) tone: &'static str,
    /// Bytes of text by channel.
    pub(crate) channels: Vec<(&'static str, String)>,
    /// Detector, spans, bytes.
    pub(crate) ran: Vec<(String, String, String)>,
    /// `detector:reason`.
    pub(crate) incomplete: Vec<String>,
    pub(crate) findings: Vec<FindingView>,
    /// Findings that are counted, not listed.
    pub(crate) unlisted: u64,
    pub(crate) restored: u64,
}

pub(crate) struct FindingView {
    pub(crate) rule: String,
    pub(crate) kind: &'static str,
    pub(crate) channel: &'static str,
    pub(crate) path: String,
    pub(crate) bytes: String,
    pub(crate) handling: &'static str,
}

impl InspectionView {
    pub(crate) fn new(seen: &Inspection) -> Self {
        let all: u64 = seen.counts.values().fold(0, |sum, n| sum.saturating_add(*n));
        let listed = u64::try_from(seen.findings.len()).unwrap_or(u64::MAX);
        let bytes = seen.channels.values().fold(0_u64, |sum, n| sum.saturating_add(*n));
        let blocked = seen.findings.iter().any(|f| f.handling == Handling::Blocked);
        Self {
            sentence: sentence(seen, all, bytes, blocked),
            tone: match () {
                () if blocked || !seen.incomplete.is_empty() => "bad",
                () if all > 0 => "warn",
                () if seen.ran.is_empty() => "quiet",
                () => "good",
            },
            channels: seen.channels.iter().map(|(c, n)| (c.as_str(), units::size(*n))).collect(),
            ran: seen
                .ran
                .iter()
                .map(|r| (text::line(&r.detector), units::count(r.spans), units::size(r.bytes)))
                .collect(),
            incomplete: seen.incomplete.iter().map(|what| text::line(what)).collect(),
            findings: seen.findings.iter().map(FindingView::new).collect(),
            unlisted: all.saturating_sub(listed),
            restored: seen.restored,
        }
    }
}

fn sentence(seen: &Inspection, all: u64, bytes: u64, blocked: bool) -> String {
    let detectors = u64::try_from(seen.ran.len()).unwrap_or(u64::MAX);
    let looked = if detectors == 0 {
        "No detector ran".to_owned()
    } else {
        format!("{} looked at {} of text", units::counted(detectors, "detector set"), units::size(bytes))
    };
    let found = match all {
        0 if detectors == 0 => String::new(),
        0 => " and found nothing".to_owned(),
        n if blocked => {
            format!(" and found {}, at least one of which stopped it", units::counted(n, "thing"))
        }
        n => format!(" and found {}", units::counted(n, "thing")),
    };
    let gap = if seen.incomplete.is_empty() { "" } else { " Not all of it could be looked at." };
    format!("{looked}{found}.{gap}")
}

// === impl FindingView ===

impl FindingView {
    fn new(finding: &stockade_domain::FindingRecord) -> Self {
        Self {
            rule: text::line(&finding.rule),
            kind: finding.kind.as_str(),
            channel: finding.channel.as_str(),
            path: text::line(&finding.path),
            bytes: format!("{}–{}", units::count(finding.start), units::count(finding.end)),
            handling: words::handling(finding.handling),
        }
    }
}
