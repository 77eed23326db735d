//! `cargo xtask bench overload`: what still gets done when ten times as much is asked for.
//!
//! Closed loop: each client sends its next request when the last one was answered. A client that is sent away (503) either
//! waits as it was told, as SDKs do, or comes back at once, which is the worst that clients do.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use clap::Args;
use hdrhistogram::Histogram;

use super::client::{Ask, Connection, Target};
use super::load;
use super::mock;
use super::tier::Server;
use crate::table::Table;
use crate::workspace;

/// What to measure.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// Clients at peak; there are ten times as many in overload.
    #[arg(long, default_value_t = 48)]
    clients: usize,
    /// Seconds for each row.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Also write the report to this file.
    #[arg(long)]
    write: Option<PathBuf>,
}

/// How many times the peak is asked for.
const OVERLOAD: usize = 10;

/// What `Retry-After` tells clients that were sent away.
const TOLD: Duration = Duration::from_secs(2);

/// Bytes of a request's body.
const SIZE: usize = 2_000;

/// What a crowd of clients got.
#[derive(Default)]
struct Got {
    good: u64,
    sent_away: u64,
    failed: u64,
}

/// Measures and prints.
pub(crate) fn run(options: &Options, stockade: &Path) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let report = tokio::task::LocalSet::new().block_on(&runtime, measure(options, stockade))?;
    println!("{report}");
    if let Some(path) = &options.write {
        std::fs::write(path, &report).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

async fn measure(options: &Options, stockade: &Path) -> Result<String> {
    let scratch = workspace::root()?.join("target").join("bench");
    std::fs::create_dir_all(&scratch)?;
    let upstream = mock::start().await?;
    let [server, _strict] = Server::stockade(stockade, upstream, &scratch)?;
    let mut out = String::from("# Overload\n\nMade by `cargo xtask bench overload`.\n\n");
    let mut table = Table::new([
        "upstream",
        "clients",
        "",
        "answers/s",
        "of peak",
        "p50 ms",
        "p99 ms",
        "503/s",
        "failed",
    ]);
    for (name, model) in
        [("as fast as it can", mock::MODEL), ("16 at a time, 10 ms each", mock::NARROW_MODEL)]
    {
        let ask = Ask::new(model, false, SIZE, false);
        let mut peak = 0;
        let rows = [
            (options.clients, true),
            (options.clients * OVERLOAD, true),
            (options.clients * OVERLOAD, false),
        ];
        for (number, (clients, is_polite)) in rows.into_iter().enumerate() {
            let (got, latencies) = crowd(&server.target, &ask, clients, is_polite, options.seconds).await?;
            let seconds = options.seconds.max(1);
            if number == 0 {
                peak = got.good;
            }
            let share = got.good.saturating_mul(100) / peak.max(1);
            table.row(vec![
                name.to_owned(),
                clients.to_string(),
                if is_polite { "wait when told" } else { "come back at once" }.to_owned(),
                (got.good / seconds).to_string(),
                format!("{share} %"),
                millis(&latencies, 0.5),
                millis(&latencies, 0.99),
                (got.sent_away / seconds).to_string(),
                got.failed.to_string(),
            ]);
        }
    }
    write!(out, "{}", table.render())?;
    Ok(out)
}

async fn crowd(
    target: &Target,
    ask: &Ask,
    clients: usize,
    is_polite: bool,
    seconds: u64,
) -> Result<(Got, Histogram<u64>)> {
    let got = Rc::new(RefCell::new((Got::default(), load::histogram()?)));
    // What begins and ends is left out.
    let begin = Instant::now() + Duration::from_secs(seconds.div_ceil(2));
    let end = begin + Duration::from_secs(seconds);
    let mut crowd = tokio::task::JoinSet::new();
    for _ in 0..clients {
        let mut connection = Connection::open(target).await?;
        let (ask, got) = (ask.clone(), Rc::clone(&got));
        crowd.spawn_local(async move {
            while Instant::now() < end {
                let asked = Instant::now();
                let answer = connection.status(&ask).await;
                let now = Instant::now();
                let counts = now >= begin && now < end;
                {
                    let (got, latencies) = &mut *got.borrow_mut();
                    match answer {
                        Ok(200) if counts => {
                            got.good += 1;
                            load::note(latencies, now - asked);
                        }
                        Ok(200) => {}
                        Ok(503) => got.sent_away += u64::from(counts),
                        Ok(_) | Err(_) => got.failed += u64::from(counts),
                    }
                }
                match answer {
                    Ok(503) if is_polite => tokio::time::sleep(TOLD).await,
                    Ok(_) => {}
                    Err(_) => break,
                }
            }
        });
    }
    while crowd.join_next().await.is_some() {}
    let (got, latencies) = got.replace((Got::default(), load::histogram()?));
    Ok((got, latencies))
}

fn millis(latencies: &Histogram<u64>, quantile: f64) -> String {
    format!("{:.1}", Duration::from_nanos(latencies.value_at_quantile(quantile)).as_secs_f64() * 1_000.0)
}
