//! Regions: from an opener on everything is withheld until the end is seen.

use std::collections::VecDeque;

use super::lane::Span;
use super::pattern::{Class, Region};
use crate::validate::accepts;
use crate::view::Window;

/// Where one region of one lane stands.
#[derive(Debug, Clone, Default)]
pub(super) struct Progress {
    /// The first place that has not been looked at.
    cursor: usize,
    /// Decided matches of opener and closer that are still ahead, by start: start and end.
    openers: VecDeque<(usize, usize)>,
    closers: VecDeque<(usize, usize)>,
    phase: Phase,
}

#[derive(Debug, Clone, Default)]
enum Phase {
    #[default]
    Idle,
    /// Collecting what the head's validator will judge.
    Head { open: Open, head: Vec<u8> },
    /// It counts; looking for its end. `solid` says that something other than trimmed bytes has come, `solid_end` is
    /// the original offset one past it.
    Body { open: Open, solid: bool, solid_end: usize },
    /// Longer than the cap: withheld for good.
    Overflow { open: Open },
}

/// What to do after one step.
enum Next {
    /// Go on from this place in this phase.
    Go(usize, Phase),
    /// Wait for more text.
    Wait(usize, Phase),
}

/// A region whose end is the end of a run of its alphabet.
struct Run {
    open: Open,
    solid: bool,
    solid_end: usize,
}

#[derive(Debug, Clone, Copy)]
struct Open {
    /// Place of the first byte.
    place: usize,
    /// Its original offset.
    start: usize,
}

impl Progress {
    pub(super) fn opener(&mut self, start: usize, end: usize) {
        self.openers.push_back((start, end));
    }

    pub(super) fn closer(&mut self, start: usize, end: usize) {
        self.closers.push_back((start, end));
    }

    /// Puts what came in since the last [`Self::advance`] in order; of two with one start the shorter counts.
    pub(super) fn sort(&mut self) {
        self.openers.make_contiguous().sort_unstable();
        self.closers.make_contiguous().sort_unstable();
    }

    /// The original offset from which this region withholds.
    pub(super) fn open_from(&self) -> Option<usize> {
        match &self.phase {
            Phase::Idle => None,
            Phase::Head { open, .. } | Phase::Body { open, .. } | Phase::Overflow { open } => {
                Some(open.start)
            }
        }
    }

    /// The original offset of a region that outgrew its cap.
    pub(super) fn overflow(&self) -> Option<usize> {
        match &self.phase {
            Phase::Overflow { open } => Some(open.start),
            _ => None,
        }
    }

    /// Looks at the text up to `decided`; `last` says that nothing follows it.
    pub(super) fn advance(
        &mut self,
        region: &Region,
        window: &Window,
        decided: usize,
        last: bool,
        out: &mut Vec<Span>,
    ) {
        loop {
            let next = match std::mem::take(&mut self.phase) {
                Phase::Idle => self.next_opener(region, window, decided),
                Phase::Head { open, head } => self.head(region, window, decided, last, open, head),
                Phase::Body { open, solid, solid_end } => match &region.alphabet {
                    Some(alphabet) => {
                        let run = Run { open, solid, solid_end };
                        self.run(region, alphabet, window, decided, last, run, out)
                    }
                    None => self.close(region, window, decided, last, open, out),
                },
                Phase::Overflow { open } => {
                    self.openers.clear();
                    self.closers.clear();
                    if last {
                        out.push(Span::new(region.rule, open.start, window.taken(), region.confidence));
                    }
                    Next::Wait(decided, Phase::Overflow { open })
                }
            };
            match next {
                Next::Go(cursor, phase) => (self.cursor, self.phase) = (cursor, phase),
                Next::Wait(cursor, phase) => {
                    (self.cursor, self.phase) = (cursor, phase);
                    return;
                }
            }
        }
    }

    fn next_opener(&mut self, region: &Region, window: &Window, decided: usize) -> Next {
        while let Some((place, end)) = self.openers.front().copied().filter(|(place, _)| *place < decided) {
            self.openers.pop_front();
            if place < self.cursor {
                continue;
            }
            let open = Open { place, start: window.start_of(place) };
            return match &region.head {
                Some(_) => Next::Go(place, Phase::Head { open, head: Vec::new() }),
                None => Next::Go(end, Phase::Body { open, solid: false, solid_end: 0 }),
            };
        }
        while self.closers.front().is_some_and(|(place, _)| *place < decided) {
            self.closers.pop_front();
        }
        Next::Wait(decided, Phase::Idle)
    }

    fn head(
        &self,
        region: &Region,
        window: &Window,
        decided: usize,
        last: bool,
        open: Open,
        mut head: Vec<u8>,
    ) -> Next {
        let (Some(rule), Some(alphabet)) = (&region.head, &region.alphabet) else {
            return Next::Go(decided, Phase::Idle);
        };
        let mut place = self.cursor;
        while let Some(byte) = window.byte(place).filter(|_| place < decided) {
            if byte == rule.until {
                let good = accepts(rule.validator, &head).is_some();
                let body = Phase::Body { open, solid: false, solid_end: 0 };
                return Next::Go(place.saturating_add(1), if good { body } else { Phase::Idle });
            }
            if !has(alphabet, byte) || head.len() >= rule.max {
                return Next::Go(place, Phase::Idle);
            }
            head.push(byte);
            place = place.saturating_add(1);
        }
        if last { Next::Go(place, Phase::Idle) } else { Next::Wait(place, Phase::Head { open, head }) }
    }

    /// A region that lasts as long as its alphabet.
    #[expect(
        clippy::too_many_arguments,
        reason = "one step of a state machine: its state and its surroundings"
    )]
    fn run(
        &self,
        region: &Region,
        alphabet: &Class,
        window: &Window,
        decided: usize,
        last: bool,
        mut run: Run,
        out: &mut Vec<Span>,
    ) -> Next {
        let mut place = self.cursor;
        let mut ended = last;
        while let Some(byte) = window.byte(place).filter(|_| place < decided) {
            if !has(alphabet, byte) {
                ended = true;
                break;
            }
            if !has(&region.trim, byte) {
                run.solid = true;
                run.solid_end = window.end_of(place);
            }
            place = place.saturating_add(1);
            if place.saturating_sub(run.open.place) > region.cap {
                return Next::Go(place, Phase::Overflow { open: run.open });
            }
        }
        if !ended {
            return Next::Wait(
                place,
                Phase::Body { open: run.open, solid: run.solid, solid_end: run.solid_end },
            );
        }
        if run.solid {
            out.push(Span::new(region.rule, run.open.start, run.solid_end, region.confidence));
        }
        Next::Go(place, Phase::Idle)
    }

    /// A region that lasts up to its closer, or to the end of the text.
    fn close(
        &mut self,
        region: &Region,
        window: &Window,
        decided: usize,
        last: bool,
        open: Open,
        out: &mut Vec<Span>,
    ) -> Next {
        while let Some((start, end)) = self.closers.front().copied().filter(|(start, _)| *start < decided) {
            self.closers.pop_front();
            if start < self.cursor {
                continue;
            }
            if end.saturating_sub(open.place) > region.cap {
                return Next::Go(end, Phase::Overflow { open });
            }
            let last_byte = window.end_of(end.saturating_sub(1));
            out.push(Span::new(region.rule, open.start, last_byte, region.confidence));
            return Next::Go(end, Phase::Idle);
        }
        if decided.saturating_sub(open.place) > region.cap {
            return Next::Go(decided, Phase::Overflow { open });
        }
        if last {
            out.push(Span::new(region.rule, open.start, window.taken(), region.confidence));
            return Next::Go(decided, Phase::Idle);
        }
        // The cursor stays just behind the opener: closers count from there.
        Next::Wait(self.cursor, Phase::Body { open, solid: false, solid_end: 0 })
    }
}

fn has(class: &Class, byte: u8) -> bool {
    class.get(usize::from(byte)).copied().unwrap_or(false)
}
