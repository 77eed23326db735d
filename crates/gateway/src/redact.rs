//! What is done about findings: marks, pseudonyms, and the pieces that the record shows.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use stockade_domain::{Channel, DecisionRecord, Finding, Handling, Obligation, Role};

use stockade_inspect::has_stand_in;

use crate::pseudonyms::Pseudonyms;

/// A stretch of text that is replaced as one. Regions of a text do not touch each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Region {
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// The type of the widest finding in it.
    pub(crate) ty: Arc<str>,
    pub(crate) handling: Handling,
    /// One finding covers it exactly, so that a pseudonym can stand for it.
    exact: bool,
    widest: usize,
}

/// A piece of a recorded text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "mark", rename_all = "snake_case")]
pub enum Piece {
    /// As it was.
    Plain {
        /// The text.
        text: String,
    },
    /// Something stood here that was taken out.
    Redacted {
        /// Its type.
        ty: String,
    },
    /// A pseudonym stands for something of this type.
    Pseudonym {
        /// Its type.
        ty: String,
        /// The pseudonym.
        text: String,
    },
    /// The caller got its own text back for this pseudonym.
    Restored {
        /// The pseudonym.
        text: String,
    },
}

/// One text of a recorded message, after redaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedSpan {
    /// What part of the message it is.
    pub channel: Channel,
    /// Who is said to have said it.
    pub role: Role,
    /// JSON Pointer; of a stream, the pointer with `*` for the index of the piece.
    pub path: String,
    /// The text in pieces.
    pub pieces: Vec<Piece>,
}

/// Carries out `redact:` and `pseudonymise:` obligations.
#[derive(Debug)]
pub(crate) struct Redactor {
    obligations: Vec<Obligation>,
    pseudonyms: Pseudonyms,
}

impl Redactor {
    pub(crate) fn new(obligations: &[Obligation], pseudonyms: Pseudonyms) -> Self {
        Self { obligations: obligations.to_vec(), pseudonyms }
    }

    pub(crate) fn pseudonyms(&self) -> &Pseudonyms {
        &self.pseudonyms
    }

    pub(crate) fn into_pseudonyms(self) -> Pseudonyms {
        self.pseudonyms
    }

    /// What is asked for beside what a decision of its own asks for, for what a tool is called with: everything, but a
    /// pseudonym that the decision waives.
    pub(crate) fn for_call(&self, decision: &DecisionRecord) -> Vec<Obligation> {
        let waives = |obligation: &Obligation| {
            let waived = format!("{}{obligation}", stockade_authz::reason::WAIVED);
            matches!(obligation, Obligation::Pseudonymise(_)) && decision.reasons.contains(&waived)
        };
        let mut out = decision.obligations.clone();
        for obligation in &self.obligations {
            if !out.contains(obligation) && !waives(obligation) {
                out.push(obligation.clone());
            }
        }
        out
    }

    /// The same redactor under other obligations, until it is asked back: the obligations that it had.
    pub(crate) fn under(&mut self, obligations: Vec<Obligation>) -> Vec<Obligation> {
        std::mem::replace(&mut self.obligations, obligations)
    }

    /// What the obligations ask for a finding. Redaction outweighs a pseudonym.
    pub(crate) fn handling(&self, finding: &Finding) -> Handling {
        self.handling_of(finding.kind.as_str(), finding.ty.as_ref())
    }

    /// The same, by the family and the type of a finding.
    pub(crate) fn handling_of(&self, kind: &str, ty: &str) -> Handling {
        self.obligations.iter().fold(Handling::Noted, |handling, obligation| match obligation {
            Obligation::Redact(what) if what == kind || what == ty => Handling::Redacted,
            Obligation::Pseudonymise(what) if (what == kind || what == ty) && handling == Handling::Noted => {
                Handling::Pseudonymised
            }
            _ => handling,
        })
    }

    /// Adds a finding to the regions of a text, merging what overlaps: the union does not depend on the order.
    pub(crate) fn add(&self, regions: &mut Vec<Region>, finding: &Finding) {
        let handling = self.handling(finding);
        if handling == Handling::Noted || finding.start >= finding.end {
            return;
        }
        let width = finding.end.saturating_sub(finding.start);
        let mut new = Region {
            start: finding.start,
            end: finding.end,
            ty: Arc::clone(&finding.ty),
            handling,
            exact: true,
            widest: width,
        };
        regions.retain(|old| {
            let apart = old.end <= new.start || new.end <= old.start;
            if !apart {
                new.swallow(old);
            }
            apart
        });
        let at = regions.partition_point(|r| r.start < new.start);
        regions.insert(at, new);
    }

    /// The regions of a text.
    pub(crate) fn regions<'f>(&self, findings: impl IntoIterator<Item = &'f Finding>) -> Vec<Region> {
        let mut regions = Vec::new();
        for finding in findings {
            self.add(&mut regions, finding);
        }
        regions
    }

    /// What stands in place of a region, and how the record shows it.
    pub(crate) fn replace(&mut self, region: &Region, original: &str) -> (String, Piece) {
        if region.handling == Handling::Pseudonymised
            && region.exact
            && let Some(value) = spelled_out(original)
        {
            // The model repeats what it was given, where it is not turned back: a stand-in needs no other.
            if self.pseudonyms.is_stand_in(&value) {
                let piece = Piece::Pseudonym { ty: region.ty.as_ref().to_owned(), text: original.to_owned() };
                return (original.to_owned(), piece);
            }
            let Some(fake) = self.pseudonyms.pseudonym(&region.ty, &value) else {
                return redacted(&region.ty);
            };
            return (fake.clone(), Piece::Pseudonym { ty: region.ty.as_ref().to_owned(), text: fake });
        }
        redacted(&region.ty)
    }

    /// A text with its regions replaced, in pieces.
    pub(crate) fn edit(&mut self, text: &str, regions: &[Region]) -> (String, Vec<Piece>) {
        let mut out = String::with_capacity(text.len());
        let mut pieces = Vec::new();
        let mut at = 0;
        for region in regions {
            let before = text.get(at..region.start).unwrap_or_default();
            push_plain(&mut pieces, before);
            out.push_str(before);
            let (with, piece) = self.replace(region, text.get(region.start..region.end).unwrap_or_default());
            out.push_str(&with);
            pieces.push(piece);
            at = region.end;
        }
        let rest = text.get(at..).unwrap_or_default();
        push_plain(&mut pieces, rest);
        out.push_str(rest);
        (out, pieces)
    }
}

fn redacted(ty: &str) -> (String, Piece) {
    (format!("[redacted:{ty}]"), Piece::Redacted { ty: ty.to_owned() })
}

/// A value as it reads: inside tool arguments it may be spelled with JSON escapes, whose digits are not its own.
fn spelled_out(original: &str) -> Option<Cow<'_, str>> {
    if original.contains('\\') {
        serde_json::from_str(&format!("\"{original}\"")).ok().map(Cow::Owned)
    } else {
        Some(Cow::Borrowed(original))
    }
}

impl Region {
    /// The same region in a text that begins later.
    pub(crate) fn counted_from(mut self, begin: usize) -> Self {
        self.start = self.start.saturating_sub(begin);
        self.end = self.end.saturating_sub(begin);
        self
    }

    fn swallow(&mut self, other: &Self) {
        let (start, end) = (self.start.min(other.start), self.end.max(other.end));
        let rank = |region: &Self| (region.widest, has_stand_in(&region.ty));
        if rank(other) > rank(self) || (rank(other) == rank(self) && other.ty < self.ty) {
            self.ty = Arc::clone(&other.ty);
            self.widest = other.widest;
        }
        self.exact = self.widest == end.saturating_sub(start);
        if other.handling == Handling::Redacted {
            self.handling = Handling::Redacted;
        }
        self.start = start;
        self.end = end;
    }
}

/// Adds plain text to pieces, joining it with plain text before it.
pub(crate) fn push_plain(pieces: &mut Vec<Piece>, text: &str) {
    if text.is_empty() {
        return;
    }
    if let Some(Piece::Plain { text: last }) = pieces.last_mut() {
        last.push_str(text);
    } else {
        pieces.push(Piece::Plain { text: text.to_owned() });
    }
}

/// What a piece of text is written with, in bytes, at least.
const FRAME: usize = 64;

/// The readable part of a record, bounded.
#[derive(Debug, Default)]
pub(crate) struct Recording {
    spans: Vec<RecordedSpan>,
    left: usize,
    cut: bool,
}

impl Recording {
    /// A recording of at most this many bytes of text; 0 records nothing.
    pub(crate) fn new(limit: usize) -> Self {
        Self { spans: Vec::new(), left: limit, cut: false }
    }

    /// Adds pieces to a text, which is made when it is new.
    pub(crate) fn add(&mut self, channel: Channel, role: Role, path: &str, pieces: Vec<Piece>) {
        // A text costs its place and its frame too, so that a thousand texts of a letter are bounded like one of a thousand.
        let size: usize = pieces.iter().map(|piece| piece.len().saturating_add(FRAME)).sum();
        let size = size.saturating_add(path.len());
        if size > self.left {
            self.cut = true;
            self.left = 0;
            return;
        }
        self.left = self.left.saturating_sub(size);
        if let Some(known) =
            self.spans.iter_mut().rev().take(16).find(|s| s.path == path && s.channel == channel)
        {
            for piece in pieces {
                match piece {
                    Piece::Plain { text } => push_plain(&mut known.pieces, &text),
                    piece => known.pieces.push(piece),
                }
            }
        } else {
            self.spans.push(RecordedSpan { channel, role, path: path.to_owned(), pieces });
        }
    }

    /// The payload: the texts, whether all of them are there, and what else is to be kept readable.
    pub(crate) fn into_payload(self, about: serde_json::Value) -> Vec<u8> {
        serde_json::json!({"about": about, "spans": self.spans, "truncated": self.cut})
            .to_string()
            .into_bytes()
    }
}

impl Piece {
    fn len(&self) -> usize {
        match self {
            Self::Plain { text } | Self::Restored { text } | Self::Pseudonym { text, .. } => text.len(),
            Self::Redacted { ty } => ty.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use stockade_domain::{Confidence, FindingKind, Severity};

    fn finding(start: usize, end: usize, ty: &str, kind: FindingKind) -> Finding {
        Finding {
            rule_id: Arc::from("x"),
            kind,
            ty: Arc::from(ty),
            start,
            end,
            confidence: Confidence::FULL,
            severity: Severity::High,
        }
    }

    fn redactor() -> Redactor {
        let obligations = ["redact:secret", "pseudonymise:pii"].map(|o| o.parse().unwrap());
        Redactor::new(&obligations, Pseudonyms::for_tests())
    }

    #[test]
    fn escapes_are_not_taken_for_digits() {
        assert_eq!(spelled_out(r"\u0031\u0032-3").as_deref(), Some("12-3"));
        assert_eq!(spelled_out("12-3").as_deref(), Some("12-3"));
        assert_eq!(spelled_out(r"1\x"), None);
    }

    #[test]
    fn the_union_is_replaced_and_the_rest_untouched() {
        let mut redactor = redactor();
        let regions = redactor.regions(&[
            finding(4, 8, "token", FindingKind::Secret),
            finding(2, 6, "other", FindingKind::Secret),
            finding(9, 10, "note", FindingKind::Injection),
        ]);
        assert_eq!(regions.len(), 1);
        let (text, pieces) = redactor.edit("0123456789", &regions);
        assert_eq!(text, "01[redacted:other]89");
        assert_eq!(pieces.len(), 3);
    }

    proptest! {
        #[test]
        fn the_order_of_findings_does_not_matter(
            spans in prop::collection::vec((0_usize..30, 1_usize..8, any::<bool>(), 0_usize..3), 0..6),
            seed in any::<u64>(),
        ) {
            let redactor = redactor();
            let findings: Vec<Finding> = spans.iter().map(|(s, l, secret, ty)| {
                finding(*s, s + l, ["a", "b", "c"][*ty], if *secret { FindingKind::Secret } else { FindingKind::Pii })
            }).collect();
            let mut shuffled = findings.clone();
            let len = shuffled.len().max(1);
            shuffled.rotate_left(usize::try_from(seed % 97).unwrap() % len);
            shuffled.reverse();
            let places = |r: Vec<Region>| r.into_iter().map(|r| (r.start, r.end, r.handling)).collect::<Vec<_>>();
            prop_assert_eq!(places(redactor.regions(&findings)), places(redactor.regions(&shuffled)));
        }
    }
}
