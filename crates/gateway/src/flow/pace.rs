//! How many requests an upstream takes well: fewer when its answers begin to come late, more while requests wait and they
//! do not.
//!
//! What is late is judged against what was usual over minutes, so that models that always think long are not taken for
//! overloaded ones. It works for this process as well: where its processors are what is scarce, answers come late for all.

use std::time::{Duration, Instant};

/// Bounds of a pace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// So many requests may be under way, however late their answers come.
    pub least: usize,
    /// And never more than so many.
    pub most: usize,
}

/// How an answer began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sign {
    /// As it should, in one piece or as a stream. The time to a whole answer says how long it is, the time to a stream does
    /// not: each is judged by its like.
    Begun { stream: bool, after: Duration },
    /// The upstream says that it has too much to do, or says nothing.
    Overloaded,
}

/// The pace of one upstream.
#[derive(Debug)]
pub(super) struct Pace {
    bounds: Bounds,
    limit: f64,
    usual: [Times; 2],
    changed: Instant,
    /// Answers came late at the last look.
    late: bool,
}

/// Times that answers took to begin: of late, and over minutes. In seconds.
#[derive(Debug, Default)]
struct Times {
    recent: f64,
    usual: f64,
    seen: Option<Instant>,
}

/// Where a pace begins.
const FIRST: f64 = 128.0;

/// A pace changes by a tenth, no more often than this.
const STEP: Duration = Duration::from_millis(100);
const CHANGE: f64 = 0.1;

/// What an upstream complains of weighs more.
const COMPLAINT: f64 = 0.2;

/// Answers are late when they take longer than twice the usual time and a moment more.
const LATE: f64 = 2.0;
const MOMENT: f64 = 0.02;

/// Over these times, in seconds, recent and usual are averaged.
const RECENT: f64 = 0.5;
const USUAL: f64 = 180.0;

impl Pace {
    pub(super) fn new(bounds: Bounds, now: Instant) -> Self {
        let mut pace = Self { bounds, limit: FIRST, usual: Default::default(), changed: now, late: false };
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

    /// An answer has begun, or will not.
    pub(super) fn note(&mut self, sign: Sign, now: Instant) {
        match sign {
            Sign::Begun { stream, after } => {
                let [whole, streamed] = &mut self.usual;
                let times = if stream { streamed } else { whole };
                times.note(after.as_secs_f64(), now);
                self.late = times.are_late();
                if self.late {
                    self.change(-CHANGE, now);
                }
            }
            Sign::Overloaded => self.change(-COMPLAINT, now),
        }
    }

    /// Requests wait: there may be room for more.
    pub(super) fn wanted(&mut self, now: Instant) {
        if !self.late {
            self.change(CHANGE, now);
        }
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
    fn note(&mut self, took: f64, now: Instant) {
        let Some(seen) = self.seen.replace(now) else {
            (self.recent, self.usual) = (took, took);
            return;
        };
        // However long ago the last one was, one alone is not what is usual.
        let passed = now.saturating_duration_since(seen).as_secs_f64().min(RECENT);
        let towards = |old: f64, over: f64| old + (took - old) * (1.0 - (-passed / over).exp());
        self.recent = towards(self.recent, RECENT);
        self.usual = towards(self.usual, USUAL);
        // What became faster is usual at once.
        self.usual = self.usual.min(self.recent * LATE);
    }

    fn are_late(&self) -> bool {
        self.recent > self.usual * LATE + MOMENT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server with so many workers, each of which takes 10 ms: what is beyond them waits.
    fn run(pace: &mut Pace, workers: f64, wanted: usize, from: Instant, seconds: u64) -> Instant {
        let mut now = from;
        for _ in 0..seconds * 1_000 {
            now += Duration::from_millis(1);
            let under_way = pace.limit().min(wanted);
            #[expect(clippy::cast_precision_loss, reason = "small numbers")]
            let after = Duration::from_secs_f64(0.01 * (under_way as f64 / workers).max(1.0));
            pace.note(Sign::Begun { stream: true, after }, now);
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
        assert!((20..=120).contains(&pace.limit()), "{}", pace.limit());
        // More room at the server is found.
        run(&mut pace, 400.0, 1_000, crowded, 20);
        assert!(pace.limit() > 400, "{}", pace.limit());
    }

    #[test]
    fn complaints_count_and_bounds_hold() {
        let begin = Instant::now();
        let mut pace = Pace::new(Bounds { least: 10, most: 50 }, begin);
        assert_eq!(pace.limit(), 50);
        for second in 1..30 {
            pace.note(Sign::Overloaded, begin + Duration::from_secs(second));
        }
        assert_eq!(pace.limit(), 10);
    }
}
