use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use proptest::prelude::*;
use stockade_domain::{Clock, Micros};

use super::*;

#[derive(Default)]
struct TestClock(AtomicI64);

impl Clock for TestClock {
    fn now(&self) -> Micros {
        Micros::from_i64(self.0.load(Ordering::Relaxed))
    }
}

fn claim(limit: &str, measure: Measure, window: Window, most: u64, fixed: u64, rate: u64) -> Claim {
    let key = CounterKey { limit: limit.into(), measure, window, subject: "all".into() };
    Claim { key, most, fixed, rate }
}

/// What happens to a ledger of use.
#[derive(Debug, Clone)]
enum Step {
    Reserve {
        fixed: u64,
        least: u64,
        more: u64,
    },
    Extend {
        which: usize,
        least: u64,
        more: u64,
    },
    /// Uses so much of what was reserved, in percent.
    Settle {
        which: usize,
        percent: u64,
    },
    Wait {
        seconds: i64,
    },
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..200_u64, 0..100_u64, 0..400_u64).prop_map(|(fixed, least, more)| Step::Reserve { fixed, least, more }),
        2 => (any::<usize>(), 1..50_u64, 0..300_u64).prop_map(|(which, least, more)| Step::Extend { which, least, more }),
        4 => (any::<usize>(), 0..=100_u64).prop_map(|(which, percent)| Step::Settle { which, percent }),
        1 => (1..80_i64).prop_map(|seconds| Step::Wait { seconds }),
        1 => Just(Step::Restart),
    ]
}

proptest! {
    /// Whatever is reserved, extended and settled in whatever order: no limit is ever passed, nothing that was used is
    /// forgotten before its time, and what is refused did not fit.
    #[test]
    fn settled_and_reserved_use_never_passes_a_limit(steps in prop::collection::vec(step(), 1..120)) {
        let clock = Arc::new(TestClock::default());
        clock.0.store(1_800_000_000_000_000, Ordering::Relaxed);
        let mut meters = Meters::new(Arc::<TestClock>::clone(&clock));
        let (tokens, money) = (1_000_u64, 3_000_u64);
        let claims = |fixed: u64| -> Arc<[Claim]> {
            Arc::new([
                claim("t", Measure::Tokens, Window::Minute, tokens, fixed, 1_000_000),
                claim("m", Measure::Money, Window::Day, money, fixed.saturating_mul(2), 3_000_000),
            ])
        };
        let mut open: Vec<(Arc<[Claim]>, u64)> = Vec::new();
        // What was settled: when, tokens, money.
        let mut settled: Vec<(i64, u64, u64)> = Vec::new();
        for step in steps {
            let now = clock.0.load(Ordering::Relaxed);
            match step {
                Step::Reserve { fixed, least, more } => {
                    let claims = claims(fixed);
                    let wanted = Tokens { least, most: least + more };
                    match futures_util::FutureExt::now_or_never(meters.reserve(Arc::clone(&claims), wanted)).unwrap() {
                        Ok(reserved) => {
                            prop_assert!((least..=least + more).contains(&reserved.answer));
                            open.push((claims, reserved.answer));
                        }
                        Err(reached) => {
                            let claim = claims.iter().find(|c| c.key == reached.at.key).unwrap();
                            prop_assert!(claim.amount(least) > reached.at.left());
                            prop_assert_eq!(reached.retry.is_none(), claim.amount(least) > claim.most);
                        }
                    }
                }
                Step::Extend { which, least, more } if !open.is_empty() => {
                    let at = which % open.len();
                    let (claims, held) = open.get_mut(at).unwrap();
                    if let Ok(given) = meters.extend(claims, *held, Tokens { least, most: least + more }) {
                        prop_assert!((least..=least + more).contains(&given));
                        *held += given;
                    }
                }
                Step::Settle { which, percent } if !open.is_empty() => {
                    let (claims, held) = open.swap_remove(which % open.len());
                    let part = |claim: usize| claims.get(claim).unwrap().amount(held) * percent / 100;
                    let spent = Spent { tokens: part(0), money: part(1) };
                    meters.settle(&claims, held, spent);
                    settled.push((now, spent.tokens, spent.money));
                }
                Step::Wait { seconds } => { clock.0.fetch_add(seconds * 1_000_000, Ordering::Relaxed); }
                Step::Restart => {
                    let saved: Vec<_> = meters.take_changes().into_iter().filter_map(|(k, s)| Some((k, s?))).collect();
                    let json = serde_json::to_string(&saved.iter().map(|(_, s)| s).collect::<Vec<_>>()).unwrap();
                    let read: Vec<SavedUse> = serde_json::from_str(&json).unwrap();
                    meters = Meters::new(Arc::<TestClock>::clone(&clock));
                    meters.restore(saved.into_iter().map(|(key, _)| key).zip(read));
                    // What was under way counts as used.
                    for (claims, held) in open.drain(..) {
                        let all = |claim: usize| claims.get(claim).unwrap().amount(held);
                        settled.push((now, all(0), all(1)));
                    }
                }
                _ => {}
            }
            let now = clock.0.load(Ordering::Relaxed);
            let day = now.div_euclid(86_400_000_000);
            for level in meters.levels() {
                let of_tokens = level.key.measure == Measure::Tokens;
                let most = if of_tokens { tokens } else { money };
                prop_assert!(level.used + level.reserved <= most, "{level:?}");
                let counts = |at: i64| if of_tokens { now - at < 60_000_000 } else { at.div_euclid(86_400_000_000) == day };
                let used: u64 = settled.iter().filter(|s| counts(s.0)).map(|s| if of_tokens { s.1 } else { s.2 }).sum();
                prop_assert!(level.used >= used, "{} of {used} are remembered", level.used);
                let index = usize::from(!of_tokens);
                let reserved: u64 = open.iter().map(|(c, held)| c.get(index).unwrap().amount(*held)).sum();
                prop_assert_eq!(level.reserved, reserved);
            }
        }
    }
}

#[test]
fn all_claims_are_taken_or_none() {
    let meters = Meters::new(Arc::new(TestClock::default()));
    let claims: Arc<[Claim]> = Arc::new([
        claim("a", Measure::Tokens, Window::Minute, 100, 10, 1_000_000),
        claim("b", Measure::Requests, Window::Minute, 1, 1, 0),
        claim("c", Measure::Concurrent, Window::Minute, 5, 1, 0),
    ]);
    let reserve = |least| {
        let tokens = Tokens { least, most: 50 };
        futures_util::FutureExt::now_or_never(meters.reserve(Arc::clone(&claims), tokens)).unwrap()
    };
    assert_eq!(reserve(1).unwrap().answer, 50);
    let reached = reserve(1).unwrap_err();
    assert_eq!(&*reached.at.key.limit, "b");
    let levels = meters.levels();
    let reserved: Vec<u64> = levels.iter().map(|level| level.reserved).collect();
    assert_eq!(reserved, [60, 0, 1], "{levels:?}");
    meters.settle(&claims, 50, Spent { tokens: 12, money: 0 });
    assert!(meters.levels().iter().all(|level| level.reserved == 0));
}

#[test]
fn a_request_that_can_never_fit_is_told_so() {
    let meters = Meters::new(Arc::new(TestClock::default()));
    let claims: Arc<[Claim]> = Arc::new([claim("a", Measure::Tokens, Window::Day, 100, 90, 1_000_000)]);
    let tokens = Tokens { least: 11, most: 11 };
    let reached = futures_util::FutureExt::now_or_never(meters.reserve(claims, tokens)).unwrap().unwrap_err();
    assert_eq!(reached.retry, None);
    assert_eq!(refusal(&reached, Vec::new()).code, "request_over_limit");
}
