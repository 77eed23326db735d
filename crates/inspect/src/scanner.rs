//! A stream under examination: pieces in, final findings and a safe offset out.

use std::collections::VecDeque;
use std::sync::Arc;

use stockade_domain::{Finding, Incomplete, Ran};

use crate::decode::BUDGET;
use crate::engine::{Context, Inner};
use crate::reader::{Decoded, Reader};
use crate::report::Report;
use crate::scan::{Lane, Span};
use crate::score::together;
use crate::signal::{Source, score};
use crate::tagger::NameReader;
use crate::view::{Piece, Unescaper};

/// Examines one stream. Idle, it holds the text that is withheld and little else.
pub struct Scanner {
    engine: Arc<Inner>,
    /// Original bytes taken in.
    taken: usize,
    /// The text as it stands.
    plain: Lane,
    /// The text is the source of JSON strings.
    json_escapes: bool,
    /// The text with its escapes resolved, from the first escape on: up to there it is the text as it stands.
    resolved: Option<Resolved>,
    /// Only signs are looked for: no recognizer reads the text.
    signs_only: bool,
    /// Looks for attempts to steer and for what is encoded, in the last reading.
    reader: Reader,
    /// Looks for names, in the text as it stands.
    names: NameReader,
    /// Matches that are not final: something may still overlap them.
    pending: Vec<Span>,
    /// What has been given as safe.
    safe: usize,
    /// The automata gave up, which ends all release.
    failed: bool,
}

/// The second reading, in which escapes are what they stand for.
struct Resolved {
    lane: Lane,
    /// Original bytes taken in.
    taken: usize,
    unescaper: Unescaper,
    /// Escapes that are not released: start and end in original bytes.
    escapes: VecDeque<(usize, usize)>,
}

/// What one piece brought.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Step {
    /// Findings that became final, by start; they end at or before `safe`.
    pub findings: Vec<Finding>,
    /// How many bytes of all input so far may leave, findings redacted. Never less than before.
    pub safe: usize,
}

impl Scanner {
    pub(crate) fn new(engine: Arc<Inner>, cx: &Context) -> Self {
        Self::with(engine, cx.json_escapes, Reader::new(cx.is_data(), Source::Text, 0, BUDGET))
    }

    fn with(engine: Arc<Inner>, json_escapes: bool, reader: Reader) -> Self {
        let plain = Lane::new(&engine.patterns);
        Self {
            engine,
            taken: 0,
            plain,
            json_escapes,
            resolved: None,
            signs_only: false,
            reader,
            names: NameReader::default(),
            pending: Vec::new(),
            safe: 0,
            failed: false,
        }
    }

    /// Examines what decoding of a text gave that was itself decoded `depth` times.
    pub(crate) fn decoded(engine: &Arc<Inner>, text: &str, data: bool, depth: u8, budget: usize) -> Decoded {
        let reader = Reader::new(data, Source::Decoded, depth.saturating_add(1), budget);
        let mut scanner = Self::with(Arc::clone(engine), false, reader);
        scanner.take(text, true);
        let over = scanner.failed || scanner.reader.is_over() || scanner.overflows().next().is_some();
        let budget = scanner.reader.budget();
        let (hits, opinion) = scanner.reader.into_signs();
        Decoded { spans: scanner.pending, hits, opinion, budget, over }
    }

    /// Looks for signs in a second reading of a text that was itself decoded `depth` times.
    pub(crate) fn view(engine: &Arc<Inner>, text: &str, data: bool, depth: u8, budget: usize) -> Decoded {
        let reader = Reader::new(data, Source::Reading, depth.saturating_add(1), budget);
        let mut scanner = Self { signs_only: true, ..Self::with(Arc::clone(engine), false, reader) };
        scanner.take(text, true);
        let (over, budget) = (scanner.reader.is_over(), scanner.reader.budget());
        let (hits, opinion) = scanner.reader.into_signs();
        Decoded { spans: Vec::new(), hits, opinion, budget, over }
    }

    /// Takes in a piece of the text.
    pub fn push(&mut self, piece: &str) -> Step {
        if let Some(names) = &self.engine.names {
            self.names.push(names, piece);
        }
        self.take(piece, false);
        self.settle(false)
    }

    /// Ends the stream: all the rest may leave, findings redacted. The report has the findings that no step gave.
    #[must_use]
    pub fn finish(self) -> Report {
        self.finish_with("")
    }

    pub(crate) fn finish_with(mut self, piece: &str) -> Report {
        let engine = Arc::clone(&self.engine);
        self.take(piece, true);
        let mut findings = self.settle(true).findings;
        if let Some(names) = &engine.names {
            self.names.push(names, piece);
            let spans = self.names.finish(names);
            findings.extend(spans.into_iter().filter_map(|span| engine.finding(span)));
        }
        let mut incomplete: Vec<Incomplete> = Vec::new();
        let mut add = |detector: &Arc<str>, reason: &str| {
            if incomplete.iter().all(|known| known.detector != *detector) {
                incomplete.push(Incomplete { detector: Arc::clone(detector), reason: Arc::from(reason) });
            }
        };
        for (rule, _) in self.overflows() {
            if let Some(rule) = self.engine.rules.get(rule) {
                add(&rule.id, "too_long");
            }
        }
        let over = self.failed || self.reader.is_over();
        for set in engine.sets.iter().filter(|_| over) {
            add(&set.id, "over_budget");
        }
        let bytes = self.taken;
        let ran = engine.sets.iter().filter(|_| !over);
        let ran = ran.map(|set| Ran { detector: Arc::clone(&set.id), bytes }).collect();
        let (signs, opinion) = self.reader.into_signs();
        findings.extend(signs.iter().filter_map(|sign| engine.sign(*sign)));
        findings.sort_by_key(|finding| (finding.start, finding.end));
        Report { findings, score: together(score(&signs), opinion), ran, incomplete }
    }

    fn take(&mut self, piece: &str, last: bool) {
        let engine = Arc::clone(&self.engine);
        let patterns = &engine.patterns;
        if self.resolved.is_none() && Unescaper::begins_in(piece, self.json_escapes) {
            let unescaper = Unescaper::new(self.json_escapes);
            let (lane, taken) = (self.plain.clone(), self.taken);
            self.resolved = Some(Resolved { lane, taken, unescaper, escapes: VecDeque::new() });
        }
        let (before, reader) = (self.taken, &mut self.reader);
        self.taken = before.saturating_add(piece.len());
        let data = !self.signs_only;
        if data {
            self.plain.window.push(piece);
        }
        if let Some(Resolved { lane, taken, unescaper, escapes }) = &mut self.resolved {
            unescaper.push(piece, last, |piece| {
                let start = *taken;
                match piece {
                    Piece::Verbatim(text) => {
                        *taken = start.saturating_add(text.len());
                        if data {
                            lane.window.push(text);
                        }
                        reader.text(&engine, text, start);
                    }
                    Piece::Escaped(c, length) => {
                        *taken = start.saturating_add(length);
                        if data {
                            lane.window.push_char(c, length);
                            escapes.push_back((start, *taken));
                        }
                        reader.char(&engine, c, start, *taken);
                    }
                }
            });
        } else {
            reader.text(&engine, piece, before);
        }
        if last {
            reader.end(&engine, self.taken);
        }
        if self.signs_only {
            return;
        }
        let (plain, resolved) = (&mut self.plain, self.resolved.as_mut().map(|r| &mut r.lane));
        let mut found = Vec::new();
        let done = patterns.automata().with_caches(|caches| {
            plain.advance(patterns, caches, last, &mut found)?;
            resolved.map_or(Ok(()), |lane| lane.advance(patterns, caches, last, &mut found))
        });
        self.failed |= done.is_err();
        found.extend(self.reader.found());
        for mut span in found {
            self.widen(&mut span);
            self.pending.push(span);
        }
        // What stands in a region that is withheld for good adds nothing to it.
        let sealed = self.overflows().map(|(_, start)| start).chain(self.reader.sealed()).min();
        if let Some(sealed) = sealed {
            let whole = |span: &Span| last && span.start == sealed && span.end == self.taken;
            self.pending.retain(|span| span.start < sealed || whole(span));
            if let Some(resolved) = &mut self.resolved {
                resolved.escapes.retain(|(start, _)| *start < sealed);
            }
        }
    }

    /// Makes a span that begins or ends inside an escape cover all of it.
    fn widen(&self, span: &mut Span) {
        let Some(resolved) = &self.resolved else { return };
        if let Some((start, _)) = resolved.around(span.start) {
            span.start = start;
        }
        if let Some((_, end)) = resolved.around(span.end) {
            span.end = end;
        }
    }

    /// Gives out what is final: stretches of overlapping matches that end before anything undecided.
    fn settle(&mut self, last: bool) -> Step {
        if self.failed {
            return Step { findings: Vec::new(), safe: self.safe };
        }
        let decided = if last { self.taken } else { self.decided() };
        let mut step = Step { findings: Vec::new(), safe: decided };
        // An escape may have been complete only after a match in the other reading ended inside it.
        let mut pending = std::mem::take(&mut self.pending);
        pending.iter_mut().for_each(|span| self.widen(span));
        self.pending = pending;
        self.pending.sort_unstable();
        let mut final_ones = 0;
        while let Some((count, start, end)) = stretch(self.pending.get(final_ones..).unwrap_or_default()) {
            if end > decided {
                step.safe = decided.min(start);
                break;
            }
            let spans = self.pending.iter().skip(final_ones).take(count);
            step.findings.extend(merged(spans).into_iter().filter_map(|span| self.engine.finding(span)));
            final_ones = final_ones.saturating_add(count);
        }
        self.pending.drain(..final_ones);
        if let Some(resolved) = &mut self.resolved {
            while resolved.escapes.front().is_some_and(|(_, end)| *end <= step.safe) {
                resolved.escapes.pop_front();
            }
        }
        self.safe = step.safe;
        step
    }

    /// The original offset before which nothing more can be found in any reading. Never inside an escape.
    fn decided(&self) -> usize {
        let lanes = || std::iter::once(&self.plain).chain(self.resolved.as_ref().map(|r| &r.lane));
        let decided =
            lanes().map(Lane::decided).chain(lanes().flat_map(Lane::open)).chain(self.reader.open());
        let decided = decided.min().unwrap_or(0);
        match self.resolved.as_ref().and_then(|r| r.around(decided)) {
            Some((start, _)) => start,
            None => decided,
        }
    }

    fn overflows(&self) -> impl Iterator<Item = (usize, usize)> {
        let resolved = self.resolved.iter().flat_map(|r| r.lane.overflows(&self.engine.patterns));
        self.plain.overflows(&self.engine.patterns).chain(resolved)
    }
}

impl Resolved {
    /// The escape that a place cuts in two.
    fn around(&self, place: usize) -> Option<(usize, usize)> {
        let after = self.escapes.partition_point(|(start, _)| *start < place);
        let escape = *self.escapes.get(after.checked_sub(1)?)?;
        (place < escape.1).then_some(escape)
    }
}

/// Of spans sorted by start: how many of the first overlap into one stretch, and its start and end.
fn stretch(spans: &[Span]) -> Option<(usize, usize, usize)> {
    let (first, rest) = spans.split_first()?;
    let mut end = first.end;
    let mut count = 1_usize;
    for span in rest {
        if span.start >= end {
            break;
        }
        end = end.max(span.end);
        count = count.saturating_add(1);
    }
    Some((count, first.start, end))
}

/// One span for all overlapping spans of a rule. The spans are sorted by start.
fn merged<'a>(spans: impl Iterator<Item = &'a Span>) -> Vec<Span> {
    let mut out: Vec<Span> = Vec::new();
    for span in spans {
        match out.iter_mut().rev().find(|known| known.rule == span.rule) {
            Some(known) if span.start < known.end => {
                known.end = known.end.max(span.end);
                known.confidence = known.confidence.max(span.confidence);
            }
            _ => out.push(*span),
        }
    }
    out
}

impl std::fmt::Debug for Scanner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scanner").field("taken", &self.taken).finish_non_exhaustive()
    }
}
