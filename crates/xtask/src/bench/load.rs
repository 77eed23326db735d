//! Load: one request after another, and open loop at a given rate.
//!
//! In open loop, requests start by the clock whatever the answers do, and a latency is counted from the moment at which
//! the request should have started, so that a stall is charged to every request that it held up. Arrivals are evenly
//! spaced. The generator never sleeps: timers of a millisecond would be a larger error than what is measured.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::Result;
use hdrhistogram::Histogram;
use tokio::sync::Semaphore;
use tokio::task::yield_now;

use super::client::{Ask, Connection, Target};
use crate::process;

/// Connections of the open-loop generator.
const CONNECTIONS: usize = 64;
/// Requests that may wait for a connection before a step is given up.
const BACKLOG: usize = 5_000;
/// Nanoseconds that a histogram holds at most.
const LONGEST: u64 = 120_000_000_000;
/// How often a rate may miss before it counts as too high; a shared machine has its moments.
const CHANCES: usize = 3;

/// Latencies in nanoseconds, to three digits.
pub(crate) fn histogram() -> Result<Histogram<u64>> {
    Ok(Histogram::new_with_bounds(1, LONGEST, 3)?)
}

/// Adds a latency to a histogram.
pub(crate) fn note(histogram: &mut Histogram<u64>, latency: Duration) {
    histogram.saturating_record(u64::try_from(latency.as_nanos()).unwrap_or(LONGEST));
}

/// Keeps the current thread awake for as long as it lives, so that no answer waits for a sleeping core.
pub(crate) struct Awake(tokio::task::JoinHandle<()>);

impl Awake {
    /// Begins.
    pub(crate) fn new() -> Self {
        Self(tokio::task::spawn_local(async {
            loop {
                yield_now().await;
            }
        }))
    }
}

impl Drop for Awake {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// One request after another on one connection.
pub(crate) async fn one_by_one(
    connection: &mut Connection,
    ask: &Ask,
    count: usize,
) -> Result<Histogram<u64>> {
    let mut latencies = histogram()?;
    for _ in 0..count {
        let begin = Instant::now();
        connection.whole(ask).await?;
        note(&mut latencies, begin.elapsed());
    }
    Ok(latencies)
}

/// What one rate did.
pub(crate) struct Step {
    /// From intended start to the answer's last byte.
    pub(crate) latencies: Histogram<u64>,
    /// Requests a second that were asked for.
    pub(crate) rate: u64,
    /// All were answered and none failed.
    complete: bool,
    /// CPU time of the server for each request.
    pub(crate) cpu_per_request: Option<Duration>,
}

/// Requests at a fixed rate for a time.
pub(crate) async fn open_loop(target: &Target, ask: &Ask, rate: u64, time: Duration) -> Result<Step> {
    let latencies = Rc::new(RefCell::new(histogram()?));
    let failed = Rc::new(Cell::new(0_u64));
    let waiting = Rc::new(RefCell::new(VecDeque::<Instant>::new()));
    let ready = Rc::new(Semaphore::new(0));
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..CONNECTIONS {
        let mut connection = Connection::open(target).await?;
        let (latencies, failed, waiting, ready) =
            (latencies.clone(), failed.clone(), waiting.clone(), ready.clone());
        let ask = ask.clone();
        workers.spawn_local(async move {
            while let Ok(permit) = ready.acquire().await {
                permit.forget();
                let Some(intended) = waiting.borrow_mut().pop_front() else { continue };
                match connection.whole(&ask).await {
                    Ok(()) => note(&mut latencies.borrow_mut(), intended.elapsed()),
                    Err(_) => {
                        failed.set(failed.get() + 1);
                        break;
                    }
                }
            }
        });
    }

    let cpu_before = target.pid.map(process::cpu_time).transpose()?;
    let total = rate.saturating_mul(u64::try_from(time.as_millis())?) / 1000;
    let begin = Instant::now();
    let mut overrun = false;
    for number in 0..total {
        let intended = begin + Duration::from_nanos(number.saturating_mul(1_000_000_000) / rate.max(1));
        while Instant::now() < intended {
            yield_now().await;
        }
        waiting.borrow_mut().push_back(intended);
        ready.add_permits(1);
        if waiting.borrow().len() > BACKLOG || failed.get() > 0 {
            overrun = true;
            break;
        }
    }
    while !waiting.borrow().is_empty() && begin.elapsed() < time * 2 && failed.get() == 0 {
        yield_now().await;
    }
    ready.close();
    while workers.join_next().await.is_some() {}

    let latencies = latencies.borrow().clone();
    let answered = latencies.len();
    let cpu_per_request = match (cpu_before, target.pid) {
        (Some(before), Some(pid)) if answered > 0 => {
            let spent = process::cpu_time(pid)?.saturating_sub(before);
            Some(Duration::from_nanos(u64::try_from(spent.as_nanos())? / answered))
        }
        _ => None,
    };
    Ok(Step { latencies, rate, complete: !overrun && answered == total, cpu_per_request })
}

/// The highest rate at which 99 of 100 requests take no more than `ceiling`, within a twentieth; none if even the lowest
/// rate is too much.
pub(crate) async fn capacity(
    target: &Target,
    ask: &Ask,
    time: Duration,
    ceiling: Duration,
) -> Result<Option<Step>> {
    const LOWEST: u64 = 10;
    let mut best: Option<Step> = None;
    let mut rate = LOWEST;
    // Doubling finds the first rate that is too high; halving the gap then finds the edge.
    let mut too_high = loop {
        match keeps_up(target, ask, rate, time, ceiling).await? {
            None => break rate,
            step => best = step,
        }
        rate = rate.saturating_mul(2);
    };
    let mut good = best.as_ref().map_or(0, |step| step.rate);
    while good > 0 && too_high - good > too_high / 20 {
        let rate = good.midpoint(too_high);
        match keeps_up(target, ask, rate, time, ceiling).await? {
            None => too_high = rate,
            step => (good, best) = (rate, step),
        }
    }
    Ok(best)
}

async fn keeps_up(
    target: &Target,
    ask: &Ask,
    rate: u64,
    time: Duration,
    ceiling: Duration,
) -> Result<Option<Step>> {
    for _ in 0..CHANCES {
        let step = open_loop(target, ask, rate, time).await?;
        let p99 = Duration::from_nanos(step.latencies.value_at_quantile(0.99));
        if step.complete && p99 <= ceiling {
            return Ok(Some(step));
        }
        // Far off is no bad moment.
        if p99 > ceiling * 20 {
            return Ok(None);
        }
    }
    Ok(None)
}
