//! One reading of a text on its way through the automata.

use regex_automata::MatchError;

use super::automata::Caches;
use super::pattern::{Class, Pattern, Patterns, Purpose};
use super::region::Progress;
use crate::rule::Nearby;
use crate::validate::accepts;
use crate::view::Window;

/// A validated match in original offsets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span {
    /// First original byte.
    pub(crate) start: usize,
    /// One past the last.
    pub(crate) end: usize,
    /// Number of the rule.
    pub(crate) rule: usize,
    /// In thousandths.
    pub(crate) confidence: u16,
}

/// A reading: its window, and how far it has been decided.
///
/// Everything that begins before `decided` is known: no match that begins there can still begin, end or change.
#[derive(Clone)]
pub(crate) struct Lane {
    pub(crate) window: Window,
    decided: usize,
    regions: Vec<Progress>,
}

/// A match of which the shape is certain.
struct Candidate {
    pattern: usize,
    start: usize,
    end: usize,
}

impl Span {
    pub(super) fn new(rule: usize, start: usize, end: usize, confidence: u16) -> Self {
        Self { start, end, rule, confidence }
    }
}

impl Lane {
    pub(crate) fn new(patterns: &Patterns) -> Self {
        let regions = patterns.regions.iter().map(|_| Progress::default()).collect();
        Self { window: Window::default(), decided: Window::FIRST, regions }
    }

    /// The original offset before which nothing more can be found, open regions left aside.
    pub(crate) fn decided(&self) -> usize {
        self.window.start_of(self.decided)
    }

    /// The original offsets from which open regions withhold.
    pub(crate) fn open(&self) -> impl Iterator<Item = usize> {
        self.regions.iter().filter_map(Progress::open_from)
    }

    /// Number of the rule and original offset of regions that outgrew their cap.
    pub(crate) fn overflows(&self, patterns: &Patterns) -> impl Iterator<Item = (usize, usize)> {
        let both = self.regions.iter().zip(&patterns.regions);
        both.filter_map(|(progress, region)| Some((region.rule, progress.overflow()?)))
    }

    /// Decides as much of the window as can be; `last` says that nothing follows. What is found goes to `out`.
    pub(crate) fn advance(
        &mut self,
        patterns: &Patterns,
        caches: &mut Caches,
        last: bool,
        out: &mut Vec<Span>,
    ) -> Result<(), MatchError> {
        let (base, text) = self.window.kept();
        let from = self.decided.saturating_sub(base);
        let mut decided = if last { text.len() } else { patterns.automata.hold(caches, text, from)? };
        let mut candidates = Vec::new();
        patterns.automata.ends(caches, text, from, |cache, number, end| {
            let Some(pattern) = patterns.patterns.get(number) else { return Ok(()) };
            let allowed = match text.get(end) {
                Some(next) => !has(&pattern.right, *next),
                None => last,
            };
            if !allowed || end <= from {
                return Ok(());
            }
            patterns.automata.starts(cache, text, number, from, end, |start| {
                let before = start.checked_sub(1).and_then(|at| text.get(at));
                if before.is_some_and(|byte| has(&pattern.left, *byte)) {
                    return;
                }
                match &pattern.context {
                    // The context's right side is not all there: the match is decided when it is.
                    Some(context) if !last && end.saturating_add(context.after) >= text.len() => {
                        decided = decided.min(start);
                    }
                    Some(context) if !context.is_near(text, start, end) => {}
                    _ => candidates.push(Candidate { pattern: number, start, end }),
                }
            })
        })?;
        // Of one pattern and end the starts come last first: backwards, the widest candidate comes before what it contains.
        let mut covered = None;
        for candidate in candidates.iter().rev().filter(|candidate| candidate.start < decided) {
            let Some(pattern) = patterns.patterns.get(candidate.pattern) else { continue };
            let same = Some((candidate.pattern, candidate.end));
            if covered != same && take(&mut self.regions, &self.window, pattern, base, candidate, out) {
                covered = same.filter(|_| pattern.is_found_alike());
            }
        }
        self.decided = base.saturating_add(decided);
        for (progress, region) in self.regions.iter_mut().zip(&patterns.regions) {
            progress.sort();
            progress.advance(region, &self.window, self.decided, last, out);
        }
        self.window.forget(self.decided.saturating_sub(patterns.before));
        Ok(())
    }
}

/// Keeps a candidate that its validator accepts; says whether it did.
fn take(
    regions: &mut [Progress],
    window: &Window,
    pattern: &Pattern,
    base: usize,
    candidate: &Candidate,
    out: &mut Vec<Span>,
) -> bool {
    let start = base.saturating_add(candidate.start);
    let end = base.saturating_add(candidate.end);
    match pattern.purpose {
        Purpose::Find(rule) => {
            let text = window.kept().1.get(candidate.start..candidate.end).unwrap_or_default();
            let Some(change) = accepts(pattern.validator, text) else { return false };
            let confidence = pattern.confidence.saturating_add_signed(change).min(1_000);
            let last_byte = window.end_of(end.saturating_sub(1));
            out.push(Span::new(rule, window.start_of(start), last_byte, confidence));
        }
        Purpose::Open(region) => {
            if let Some(progress) = regions.get_mut(region) {
                progress.opener(start, end);
            }
        }
        Purpose::Close(region) => {
            if let Some(progress) = regions.get_mut(region) {
                progress.closer(start, end);
            }
        }
    }
    true
}

fn has(class: &Class, byte: u8) -> bool {
    class.get(usize::from(byte)).copied().unwrap_or(false)
}

impl Nearby {
    /// The same with its words in lower case, as [`Self::is_near`] wants them.
    pub(super) fn lower(&self) -> Self {
        Self { words: self.words.iter().map(|w| w.to_ascii_lowercase()).collect(), ..self.clone() }
    }

    /// Whether one of the words stands within the window around `start..end`, the match itself left out.
    fn is_near(&self, text: &[u8], start: usize, end: usize) -> bool {
        let before = text.get(start.saturating_sub(self.before)..start).unwrap_or_default();
        let right = end.saturating_add(self.after).min(text.len());
        let after = text.get(end..right).unwrap_or_default();
        [before, after].into_iter().any(|part| {
            let part = part.to_ascii_lowercase();
            self.words.iter().any(|word| stands_in(&part, word))
        })
    }
}

/// Whether a context word stands in a text. Beyond the text's ends nothing is known and nothing is asked.
fn stands_in(text: &[u8], word: &str) -> bool {
    let open_left = word.starts_with('*');
    let open_right = word.ends_with('*');
    let needle = word.trim_matches('*').as_bytes();
    memchr::memmem::find_iter(text, needle).any(|at| {
        let letter =
            |place: Option<usize>| place.and_then(|p| text.get(p)).is_some_and(u8::is_ascii_alphabetic);
        (open_left || !letter(at.checked_sub(1)))
            && (open_right || !letter(Some(at.saturating_add(needle.len()))))
    })
}
