//! A lane: one text of an answer, in whatever pieces it comes, with what is to be replaced in it.
//!
//! What comes out depends on the text alone, not on the pieces: a piece is rendered only when everything that could
//! begin before its end is known.

mod called;
mod rewrite;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use stockade_domain::{
    Channel, Direction, Finding, FindingKind, Handling, Incomplete, Obligation, Role, SpanRef,
};
use stockade_inspect::leak::{GuardKind, GuardScanner};
use stockade_inspect::{Context, Engine, RestoreStep, Restorer, Scanner, Stripper};

use crate::redact::{Piece, Redactor, Region};
use crate::request::mend_numbers;
use crate::tally::Tally;

/// So many bytes of what has left count for what waits.
const BEFORE: usize = 256;

/// After so many bytes of a part, longer than any streamed recognizer, what stands before it makes no difference.
const PART: usize = 8_192;

/// How a lane lets its text go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Release {
    /// As soon as no finding can begin in it.
    Flowing,
    /// Whole, when it is complete and was decided on: the arguments of a tool call.
    Whole,
    /// In its pieces, when it is complete and was decided on: the values of an object that a tool is called with.
    Held,
}

/// One text of an answer.
pub(super) struct Lane {
    pub(super) channel: Channel,
    pub(super) path: String,
    release: Release,
    scanner: Option<Scanner>,
    /// Reads the part that began last by itself, from where it begins: what stands whole in it is found, whatever stands
    /// before it without a space.
    alone: Option<(Scanner, usize)>,
    /// Where the part begins that began last, and whether it was read by itself.
    part: usize,
    part_is_read: bool,
    engine: Engine,
    /// The last of what was rendered, where parts may come: words before what waits count for it.
    before: String,
    has_parts: bool,
    /// What could not be read of a part.
    lacks: Vec<Incomplete>,
    restorer: Option<Restorer>,
    guards: Option<GuardScanner>,
    stripper: Option<Stripper>,
    /// The prompt was given away: a canary was seen.
    gives_away: bool,
    /// Nothing leaves before the text is complete.
    buffers: bool,
    /// Text from `base` on: what was not rendered yet.
    tail: String,
    base: usize,
    /// Where the lane's own text begins; before it lies what has left otherwise.
    begun: usize,
    len: usize,
    safe: usize,
    finished: bool,
    regions: Vec<Region>,
    restores: Vec<(Range<usize>, Arc<str>)>,
    findings: BTreeMap<(usize, usize, String), Finding>,
    /// What is asked for of what a tool is called with, once that was decided.
    decided: Option<Vec<Obligation>>,
    /// The edited text of a lane that goes out whole; taken by the first piece.
    whole: Option<(String, Vec<Piece>)>,
}

/// What a lane has beside the engine.
pub(super) struct With {
    pub(super) restorer: Option<Restorer>,
    pub(super) guards: Option<GuardScanner>,
    pub(super) strips: bool,
    pub(super) buffers: bool,
    /// Whether the text may come in parts of which some have left when the next begins.
    pub(super) has_parts: bool,
}

impl Lane {
    pub(super) fn new(engine: &Engine, channel: Channel, release: Release, path: String, with: With) -> Self {
        let context =
            Context { json_escapes: true, ..Context::new(Direction::Response, channel, Role::Assistant) };
        Self {
            channel,
            path,
            release,
            scanner: Some(engine.stream(&context)),
            alone: None,
            part: 0,
            part_is_read: false,
            engine: engine.clone(),
            before: String::new(),
            has_parts: with.has_parts,
            lacks: Vec::new(),
            restorer: if channel == Channel::Content { with.restorer } else { None },
            guards: with.guards,
            stripper: with.strips.then(Stripper::default),
            gives_away: false,
            buffers: with.buffers,
            tail: String::new(),
            base: 0,
            begun: 0,
            len: 0,
            safe: 0,
            finished: false,
            regions: Vec::new(),
            restores: Vec::new(),
            findings: BTreeMap::new(),
            decided: None,
            whole: None,
        }
    }

    /// A part of the text ends here and another begins, in a stream: a block, an item. Each is read by itself too.
    pub(super) fn begin_part(&mut self, redactor: &Redactor) {
        if self.len > self.begun && self.scanner.is_some() {
            self.end_part(redactor);
            self.alone = Some((self.engine.stream(&self.context()), self.len));
        }
        self.part = self.len;
    }

    /// Takes a whole part of a text that is complete before any of it leaves.
    pub(super) fn push_part(&mut self, part: &str, redactor: &Redactor) -> Range<usize> {
        let is_first = self.len == self.begun;
        if !is_first && !self.part_is_read {
            self.end_part(redactor);
        }
        self.part = self.len;
        let place = self.push(part, redactor);
        // A text of one part is read once.
        self.part_is_read = !is_first;
        if !is_first {
            self.end_part(redactor);
        }
        place
    }

    /// Takes a value of an object, behind what stands before it there; gives the place of the value alone.
    pub(super) fn push_value(&mut self, lead: &str, value: &str, redactor: &Redactor) -> Range<usize> {
        self.push(lead, redactor);
        self.push(value, redactor)
    }

    /// What waits of the part is read as if the text ended here.
    fn end_part(&mut self, redactor: &Redactor) {
        if let Some((alone, from)) = self.alone.take() {
            let report = alone.finish();
            self.lacks.extend(report.incomplete);
            return self.found_from(report.findings, from, redactor);
        }
        let from = self.part.max(self.base);
        let waits = self.tail.get(from.saturating_sub(self.base)..).unwrap_or_default();
        if waits.is_empty() {
            return;
        }
        // Of what has left, what belongs to the part counts as its words.
        let own = self.before.len().min(from.saturating_sub(self.part));
        let before = self.before.get(self.before.ceil_char_boundary(self.before.len().saturating_sub(own))..);
        let before = before.unwrap_or_default();
        let text = format!("{before}{waits}");
        let (ahead, offset) = (before.len(), from.saturating_sub(before.len()));
        let span = SpanRef { channel: self.channel, role: Role::Assistant, path: &self.path, text: &text };
        let report = self.engine.examine(span, &self.context());
        self.lacks.extend(report.incomplete);
        let found = report.findings.into_iter().filter(|finding| finding.end > ahead).collect();
        self.found_from(found, offset, redactor);
    }

    /// Takes in findings that are counted from a place in the lane; of what has left nothing is taken out any more.
    fn found_from(&mut self, findings: Vec<Finding>, from: usize, redactor: &Redactor) {
        for finding in findings {
            let start = finding.start.saturating_add(from).max(self.base);
            let end = finding.end.saturating_add(from);
            if start < end {
                self.found(Finding { start, end, ..finding }, redactor);
            }
        }
    }

    fn context(&self) -> Context {
        Context { json_escapes: true, ..Context::new(Direction::Response, self.channel, Role::Assistant) }
    }

    /// Takes the next piece; gives the place it has in the lane.
    pub(super) fn push(&mut self, piece: &str, redactor: &Redactor) -> Range<usize> {
        let start = self.len;
        self.len = self.len.saturating_add(piece.len());
        self.tail.push_str(piece);
        if let Some(scanner) = &mut self.scanner {
            let step = scanner.push(piece);
            let mut safe = step.safe;
            if let Some(restorer) = &mut self.restorer {
                let step = restorer.push(piece);
                safe = safe.min(step.safe);
                self.restore(step);
            }
            let mut leaks = Vec::new();
            if let Some(guards) = &mut self.guards {
                let step = guards.push(piece);
                safe = safe.min(step.safe);
                leaks = step.findings;
            }
            if let Some((mut alone, from)) = self.alone.take() {
                let step = alone.push(piece);
                safe = safe.min(step.safe.saturating_add(from));
                self.found_from(step.findings, from, redactor);
                // Where so much of a part has gone by, what stands before it makes no difference.
                self.alone = (self.len.saturating_sub(from) <= PART).then_some((alone, from));
            }
            if !self.buffers {
                self.safe = self.safe.max(safe.min(self.len));
            }
            for finding in step.findings.into_iter().chain(leaks) {
                self.found(finding, redactor);
            }
        }
        start..self.len
    }

    /// Makes the lane the continuation of a text that has left: what begins there and goes on here is found, and what is
    /// here of it is taken out.
    pub(super) fn go_on_from(&mut self, left: &str, redactor: &Redactor) {
        self.push(left, redactor);
        self.tail.clear();
        self.base = self.len;
        self.begun = self.len;
        self.findings.retain(|(_, end, _), _| *end > self.len);
        self.regions.retain(|region| region.end > self.len);
    }

    /// The text is complete.
    pub(super) fn finish(&mut self, redactor: &mut Redactor, tally: &mut Tally) {
        if std::mem::replace(&mut self.finished, true) {
            return;
        }
        let before = self.decided.clone().map(|obligations| redactor.under(obligations));
        self.end(redactor, tally);
        if let Some(before) = before {
            redactor.under(before);
        }
    }

    fn end(&mut self, redactor: &mut Redactor, tally: &mut Tally) {
        if self.alone.is_some() {
            self.end_part(redactor);
        }
        tally.ran(&[], &self.lacks);
        if let Some(restorer) = self.restorer.take() {
            self.restore(restorer.finish());
        }
        if let Some(scanner) = self.scanner.take() {
            let report = scanner.finish();
            tally.ran(&report.ran, &report.incomplete);
            for finding in report.findings {
                self.found(finding, redactor);
            }
        }
        if let Some(guards) = self.guards.take() {
            let report = guards.finish();
            tally.ran(&report.ran, &report.incomplete);
            for finding in report.findings {
                self.found(finding, redactor);
            }
        }
        if self.decided.is_some() {
            self.regions = redactor.regions(self.findings.values());
            self.restore_waived(redactor);
        }
        tally.saw(self.channel, self.len);
        for finding in self.findings.values() {
            tally.found(self.channel, &self.path, finding, redactor.handling(finding));
        }
        self.safe = self.len;
        if self.release == Release::Whole && !self.restores.is_empty() {
            let rendered = self.rewritten(&(self.base..self.len), redactor, tally);
            self.whole = Some((rendered.text, rendered.pieces));
        } else if self.release == Release::Whole {
            let regions: Vec<Region> = std::mem::take(&mut self.regions)
                .into_iter()
                .filter(|region| region.end > self.base)
                .map(|region| region.counted_from(self.base))
                .collect();
            let (text, pieces) = redactor.edit(&self.tail, &regions);
            let text =
                if regions.is_empty() { text } else { mend_numbers(redactor, &self.tail, &regions, text) };
            self.whole = Some((text, pieces));
        }
    }

    fn restore(&mut self, step: RestoreStep) {
        self.restores.extend(step.restorations.into_iter().map(|r| (r.start..r.end, r.original)));
    }

    fn found(&mut self, finding: Finding, redactor: &Redactor) {
        // What has left otherwise was told there.
        if finding.end <= self.begun {
            return;
        }
        let key = (finding.start, finding.end, finding.rule_id.as_ref().to_owned());
        if self.findings.contains_key(&key) {
            return;
        }
        self.gives_away |= finding.ty.as_ref() == GuardKind::Canary.as_str()
            && finding.kind == FindingKind::Leak
            && redactor.handling(&finding) == Handling::Redacted;
        redactor.add(&mut self.regions, &finding);
        self.findings.insert(key, finding);
    }

    /// Whether the text gave the system prompt away: no redaction makes the rest of it safe to send.
    pub(super) fn gives_away(&self) -> bool {
        self.gives_away
    }

    pub(super) fn is_finished(&self) -> bool {
        self.finished
    }

    /// Whether a piece that ends here may leave.
    pub(super) fn is_ready(&self, end: usize) -> bool {
        match self.release {
            Release::Flowing => end <= self.safe,
            Release::Whole | Release::Held => self.finished,
        }
    }

    /// What was found so far.
    pub(super) fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.findings.values()
    }

    /// What is to be replaced in the lane's own text, counted from where that begins.
    pub(super) fn own_regions(&self, redactor: &Redactor) -> Vec<Region> {
        let regions = redactor.regions(self.findings()).into_iter();
        regions
            .filter(|region| region.end > self.begun)
            .map(|region| region.counted_from(self.begun))
            .collect()
    }

    /// The text that was not rendered yet.
    pub(super) fn tail(&self) -> &str {
        &self.tail
    }

    /// The text of a piece as it leaves. Pieces are rendered in the order in which they came.
    pub(super) fn render(
        &mut self,
        piece: &Range<usize>,
        redactor: &mut Redactor,
        tally: &mut Tally,
    ) -> Rendered {
        if self.release == Release::Whole {
            // An empty piece at the start stays empty: clients join what comes after it.
            if piece.is_empty() {
                return Rendered { text: String::new(), pieces: Vec::new() };
            }
            let (mut text, pieces) = self.whole.take().unwrap_or_default();
            if let Some(stripper) = &mut self.stripper {
                text = stripper.push(&text).into_owned();
            }
            self.skip_to(piece.end);
            return Rendered { text, pieces };
        }
        let mut rendered = self.rewritten(piece, redactor, tally);
        self.skip_to(piece.end);
        if let Some(stripper) = &mut self.stripper {
            rendered.text = stripper.push(&rendered.text).into_owned();
        }
        rendered
    }

    fn text(&self, range: Range<usize>) -> &str {
        let from = range.start.saturating_sub(self.base);
        let to = range.end.saturating_sub(self.base);
        self.tail.get(from..to).unwrap_or_default()
    }

    /// Forgets text up to here. A replacement that began before goes on to be skipped, so its region stays.
    fn skip_to(&mut self, end: usize) {
        let drop = end.saturating_sub(self.base);
        if drop > 0 && self.tail.is_char_boundary(drop) {
            if self.has_parts {
                self.before.push_str(self.tail.get(..drop).unwrap_or_default());
                let over = self.before.ceil_char_boundary(self.before.len().saturating_sub(BEFORE));
                self.before.drain(..over);
            }
            self.tail.drain(..drop);
            self.base = end;
        }
        self.regions.retain(|r| r.end > end);
        self.restores.retain(|(place, _)| place.end > end);
    }

    /// Whether this is all the text that the lane ever got.
    pub(super) fn holds_only(&self, text: &str) -> bool {
        self.len.saturating_sub(self.begun) == text.len() && (self.tail == text || self.tail.is_empty())
    }

    /// How many bytes of text wait in the lane.
    pub(super) fn held(&self) -> usize {
        self.tail.len()
    }
}

/// A piece as it leaves.
pub(super) struct Rendered {
    pub(super) text: String,
    pub(super) pieces: Vec<Piece>,
}
