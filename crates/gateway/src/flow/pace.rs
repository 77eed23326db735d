//! How many requests an upstream takes well: fewer when it becomes slow, more while requests wait and it is not.
//!
//! What is slow is judged against what was usual over minutes, and like against like: a stream by the time until it begins, a
//! whole answer by its time for so many tokens, since long answers are no sign of load. The time that a request takes in this
//! process is judged likewise: where its processors are what is scarce, fewer requests are worked on at one time.

use std::time::{Duration, Instant};

/// Bounds of a pace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// So many requests may be under way, however slow the upstream is.
    pub least: usize,
    /// And never more than so many.
    pub most: usize,
}

/// What says how an upstream fares.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Sign {
    /// Something took so long, in seconds.
    Took(Sort, f64),
    /// The upstream says that it has too much to do, or fails, or says nothing.
    Trouble,
}

/// Times that can be compared with each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sort {
    /// A request in this process, until it leaves.
    Own,
    /// Until a stream begins.
    Stream,
    /// A whole answer, for so many tokens.
    Whole,
    /// An answer without generation: vectors, counts.
    Short,
}

/// The pace of one upstream.
#[derive(Debug)]
pub(super) struct Pace {
    bounds: Bounds,
    limit: f64,
    times: [Times; 4],
    changed: Instant,
    troubled: Option<Instant>,
}

/// Times of one sort: of late, and over minutes. In seconds.
#[derive(Debug, Default)]
struct Times {
    recent: f64,
    usual: f64,
    seen: Option<Instant>,
    /// When they were found to be slow, if they are.
    slow: Option<Instant>,
}

/// Where a pace begins.
const FIRST: f64 = 128.0;

/// A pace changes by a tenth, no more often than this.
const STEP: Duration = Duration::from_millis(100);
const CHANGE: f64 = 0.1;

/// Trouble weighs more.
const TROUBLE: f64 = 0.2;

/// An upstream that failed is asked after others for so long.
const AILING: Duration = Duration::from_secs(10);

/// What was slow is no longer so after this time without another look.
const STALE: Duration = Duration::from_secs(1);

/// Over these times, in seconds, recent and usual are averaged; recent over ten at least.
const RECENT: f64 = 0.5;
const USUAL: f64 = 180.0;
const ONE_OF_TEN: f64 = 0.1;

impl Pace {
    pub(super) fn new(bounds: Bounds, now: Instant) -> Self {
        let mut pace = Self { bounds, limit: FIRST, times: Default::default(), changed: now, troubled: None };
        pace.keep_within();
        pace
    }

    /// How many requests may be under way.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is within bounds that are small"
    )]
    pub(super) fn limit(&self) -> usize {
        self.limit as usize
    }

    /// Takes a sign while so many requests are under way.
    pub(super) fn note(&mut self, sign: Sign, under_way: usize, now: Instant) {
        let by = match sign {
            Sign::Took(sort, took) => {
                let [own, stream, whole, short] = &mut self.times;
                let times = match sort {
                    Sort::Own => own,
                    Sort::Stream => stream,
                    Sort::Whole => whole,
                    Sort::Short => short,
                };
                times.note(took, sort, now);
                if times.slow.is_none() { 0.0 } else { CHANGE }
            }
            Sign::Trouble => {
                self.troubled = Some(now);
                TROUBLE
            }
        };
        // Where half of the places are free, they are not what is wrong.
        if by > 0.0 && under_way.saturating_mul(2) >= self.limit() {
            self.change(-by, now);
        }
    }

    /// Requests wait: there may be room for more.
    pub(super) fn wanted(&mut self, now: Instant) {
        let is_fresh = |at: Instant| now.saturating_duration_since(at) < STALE;
        let is_slow = self.times.iter().any(|times| times.slow.is_some_and(is_fresh));
        if !is_slow && !self.troubled.is_some_and(is_fresh) {
            self.change(CHANGE, now);
        }
    }

    /// Whether it failed or complained a short while ago.
    pub(super) fn is_ailing(&self, now: Instant) -> bool {
        self.troubled.is_some_and(|at| now.saturating_duration_since(at) < AILING)
    }

    fn change(&mut self, by: f64, now: Instant) {
        if now.saturating_duration_since(self.changed) >= STEP {
            self.changed = now;
            self.limit *= 1.0 + by;
            if by > 0.0 {
                self.limit += 1.0;
            }
            self.keep_within();
        }
    }

    fn keep_within(&mut self) {
        #[expect(clippy::cast_precision_loss, reason = "bounds are far below 2^52")]
        let (least, most) = (self.bounds.least as f64, self.bounds.most as f64);
        self.limit = self.limit.min(most).max(least);
    }
}

impl Times {
    fn note(&mut self, took: f64, sort: Sort, now: Instant) {
        let Some(seen) = self.seen.replace(now) else {
            (self.recent, self.usual) = (took, took);
            return;
        };
        let passed = now.saturating_duration_since(seen).as_secs_f64();
        let towards = |old: f64, over: f64| {
            let share = 1.0 - (-passed / over).exp();
            old + (took - old) * share.min(ONE_OF_TEN)
        };
        self.recent = towards(self.recent, RECENT);
        self.usual = towards(self.usual, USUAL);
        let (factor, moment) = sort.slow();
        // What became faster is usual at once.
        self.usual = self.usual.min(self.recent * factor);
        self.slow = (self.recent > self.usual * factor + moment).then_some(now);
    }
}

impl Sort {
    /// From where on it is slow: so many times what is usual, and so many seconds more.
    const fn slow(self) -> (f64, f64) {
        match self {
            Self::Own | Self::Short => (2.0, 0.02),
            Self::Stream | Self::Whole => (3.0, 0.1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server with so many workers, each of which takes 50 ms: what is beyond them waits.
    fn run(pace: &mut Pace, workers: f64, wanted: usize, from: Instant, seconds: u64) -> Instant {
        let mut now = from;
        for _ in 0..seconds * 1_000 {
            now += Duration::from_millis(1);
            let under_way = pace.limit().min(wanted);
            #[expect(clippy::cast_precision_loss, reason = "small numbers")]
            let took = 0.05 * (under_way as f64 / workers).max(1.0);
            pace.note(Sign::Took(Sort::Stream, took), under_way, now);
            if wanted > under_way {
                pace.wanted(now);
            }
        }
        now
    }

    #[test]
    fn it_finds_what_a_server_takes() {
        let begin = Instant::now();
        let mut pace = Pace::new(Bounds { least: 4, most: 2_000 }, begin);
        let calm = run(&mut pace, 20.0, 10, begin, 5);
        assert_eq!(pace.limit(), 128, "nobody asked for another");
        let crowded = run(&mut pace, 20.0, 1_000, calm, 20);
        assert!((20..=150).contains(&pace.limit()), "{}", pace.limit());
        // More room at the server is found.
        run(&mut pace, 400.0, 1_000, crowded, 20);
        assert!(pace.limit() > 400, "{}", pace.limit());
    }

    #[test]
    fn one_long_answer_is_no_sign_and_slowness_is_forgotten() {
        let begin = Instant::now();
        let mut pace = Pace::new(Bounds { least: 4, most: 2_000 }, begin);
        let at = |seconds: u64| begin + Duration::from_secs(seconds);
        for second in 0..60 {
            pace.note(Sign::Took(Sort::Whole, 0.5), 128, at(second));
        }
        pace.note(Sign::Took(Sort::Whole, 8.0), 128, at(60));
        assert_eq!(pace.limit(), 128);
        for _ in 0..20 {
            pace.note(Sign::Took(Sort::Whole, 30.0), 128, at(61));
            pace.note(Sign::Took(Sort::Whole, 30.0), 128, at(62));
        }
        let slow = pace.limit();
        assert!(slow < 128);
        pace.wanted(at(62));
        assert_eq!(pace.limit(), slow);
        pace.wanted(at(64));
        assert!(pace.limit() > slow, "nobody has looked for a while");
    }

    #[test]
    fn trouble_counts_and_bounds_hold() {
        let begin = Instant::now();
        let mut pace = Pace::new(Bounds { least: 10, most: 50 }, begin);
        assert_eq!(pace.limit(), 50);
        pace.note(Sign::Trouble, 10, begin + Duration::from_secs(1));
        assert_eq!(pace.limit(), 50, "there was room enough");
        for second in 1..30 {
            pace.note(Sign::Trouble, 50, begin + Duration::from_secs(second));
        }
        assert_eq!(pace.limit(), 10);
        assert!(pace.is_ailing(begin + Duration::from_secs(35)));
        assert!(!pace.is_ailing(begin + Duration::from_secs(40)));
    }
}
