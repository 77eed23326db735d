//! `cargo xtask bench gateway`: what standing in front of a model costs.
//!
//! The method is that of the public comparisons that hold up: pinned cores, an own upstream that answers at once, added
//! latency as the difference to direct calls of the same round, throughput as the highest rate that keeps its 99th
//! percentile. Everything runs on one machine; figures of two machines do not compare, ratios of one run do.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Args;
use hdrhistogram::Histogram;

use super::client::{Ask, Connection, Target};
use super::load::{self, Awake};
use super::peer::{self, Peer};
use super::tier::{Server, Tier};
use super::{device, mock};
use crate::process::{self, Memory};
use crate::table::Table;
use crate::workspace;

/// Bytes of a request's body.
const SIZES: [usize; 3] = [200, 8_000, 120_000];
/// The size at which throughput, CPU and streams are measured.
const MIDDLE: usize = 8_000;

/// Where a rate counts as too high: what a person does not notice, and what still works.
const CEILINGS: [Duration; 2] = [Duration::from_millis(5), Duration::from_millis(500)];

/// What to measure.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// Gateways of others to measure in the same run.
    #[arg(long, value_enum)]
    peer: Vec<Peer>,
    /// Leave the real gateway out.
    #[arg(long)]
    tiers_only: bool,
    /// Rounds of interleaved calls; medians are over these.
    #[arg(long, default_value_t = 9, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Calls of each target in a round, at 8 KB.
    #[arg(long, default_value_t = 400)]
    calls: usize,
    /// Seconds that each rate is held while the highest is sought.
    #[arg(long, default_value_t = 3)]
    step_seconds: u64,
    /// Only the added latency: a minute, to compare two trees.
    #[arg(long)]
    latency_only: bool,
    /// Also write the report to this file.
    #[arg(long)]
    write: Option<PathBuf>,
}

/// Measures and prints.
pub(crate) fn run(options: &Options, stockade: Option<&Path>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let report = tokio::task::LocalSet::new().block_on(&runtime, measure(options, stockade))?;
    println!("{report}");
    if let Some(path) = &options.write {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        }
        std::fs::write(path, &report).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

async fn measure(options: &Options, stockade: Option<&Path>) -> Result<String> {
    let scratch = workspace::root()?.join("target").join("bench");
    std::fs::create_dir_all(&scratch)?;
    let upstream = mock::start().await?;
    let load_before = process::load_average();
    let servers = start(options, stockade, upstream, &scratch)?;
    let idle: Vec<Memory> = servers.iter().map(resident).collect::<Result<_>>()?;
    let direct = Target { name: "direct".to_owned(), address: upstream, key: None, pid: None };

    let awake = Awake::new();
    for server in &servers {
        warm_up(server).await?;
    }
    let added = added_latency(options, &direct, &servers).await?;
    if options.latency_only {
        return Ok(added.to_string());
    }
    let streams = streamed(options, &direct, &servers).await?;
    drop(awake);
    let capacity = throughput(options, &direct, &servers)
        .await
        .with_context(|| servers.iter().filter_map(Server::output).collect::<Vec<_>>().join("\n"))?;
    let memory = memory_table(&servers, &idle)?;
    let device = device::fdatasync(&scratch, 500)?;

    let mut out = String::from("# What the gateway costs\n\n");
    writeln!(out, "Made by `cargo xtask bench gateway`. {}", machine())?;
    writeln!(out, "Load average before {load_before}, after {}.", process::load_average())?;
    writeln!(
        out,
        "Servers run on one core; the upstream and the load generator share another and one thread, so a direct call \
         costs no switch between processes. {}\n",
        peer::remark(&options.peer).unwrap_or_default()
    )?;
    writeln!(
        out,
        "## Added latency\n\nMicroseconds over direct calls of the same round, one call at a time: median of {} rounds \
         and, in brackets, the middle half of them.\n\n{added}",
        options.rounds
    )?;
    writeln!(
        out,
        "## Streams\n\n{} deltas, {} byte prompt; microseconds. Time to first piece is over direct; gaps are those \
         between pieces that the upstream sends every {} ms.\n\n{streams}",
        mock::DELTAS,
        MIDDLE,
        mock::PACE.as_millis()
    )?;
    writeln!(
        out,
        "## Throughput\n\nOpen loop, {MIDDLE} byte bodies, latency from the intended start; the highest rate whose 99th \
         percentile stays below a ceiling.\n\n{capacity}"
    )?;
    writeln!(out, "## Memory\n\nMiB resident.\n\n{memory}")?;
    writeln!(
        out,
        "## The device\n\n1 KiB appended and `fdatasync`, where the ledger of this run lies: p50 {} us, p99 {} us.",
        micros(device.value_at_quantile(0.5)),
        micros(device.value_at_quantile(0.99))
    )?;
    Ok(out)
}

fn start(
    options: &Options,
    stockade: Option<&Path>,
    upstream: SocketAddr,
    scratch: &Path,
) -> Result<Vec<Server>> {
    let mut servers = Vec::new();
    for tier in <Tier as clap::ValueEnum>::value_variants() {
        servers.push(Server::tier(*tier, upstream)?);
    }
    if let Some(binary) = stockade.filter(|_| !options.tiers_only) {
        servers.extend(Server::stockade(binary, upstream, scratch)?);
    }
    for peer in &options.peer {
        servers.push(peer.start(upstream)?);
    }
    Ok(servers)
}

async fn warm_up(server: &Server) -> Result<()> {
    let mut connection = Connection::open(&server.target).await?;
    load::one_by_one(&mut connection, &Ask::new(mock::MODEL, false, MIDDLE, server.tools), 200).await?;
    Ok(())
}

/// Every target in turn, round after round, so that a noisy minute falls on all of them.
async fn added_latency(options: &Options, direct: &Target, servers: &[Server]) -> Result<String> {
    let mut table = Table::new(["", "0.2 KB p50", "p99", "8 KB p50", "p99", "120 KB p50", "p99"]);
    let mut cells: Vec<Vec<String>> = vec![vec![format!("{} (itself)", direct.name)]];
    cells.extend(servers.iter().map(|server| vec![server.target.name.clone()]));
    for size in SIZES {
        let calls = if size > MIDDLE { options.calls / 4 } else { options.calls }.max(20);
        let mut rounds: Vec<Vec<[u64; 2]>> = vec![Vec::new(); servers.len() + 1];
        for _ in 0..options.rounds {
            let base = quantiles(&calls_to(direct, size, false, calls).await?);
            for (number, quantiles_of) in rounds.iter_mut().enumerate() {
                let Some(server) = number.checked_sub(1).and_then(|n| servers.get(n)) else {
                    quantiles_of.push(base);
                    continue;
                };
                let [p50, p99] = quantiles(&calls_to(&server.target, size, server.tools, calls).await?);
                let [base50, base99] = base;
                quantiles_of.push([p50.saturating_sub(base50), p99.saturating_sub(base99)]);
            }
        }
        for (row, quantiles_of) in cells.iter_mut().zip(&rounds) {
            row.push(middle(quantiles_of.iter().map(|[p50, _]| *p50)));
            row.push(middle(quantiles_of.iter().map(|[_, p99]| *p99)));
        }
    }
    cells.into_iter().for_each(|row| table.row(row));
    Ok(table.render())
}

async fn calls_to(target: &Target, size: usize, tools: bool, calls: usize) -> Result<Histogram<u64>> {
    let mut connection = Connection::open(target).await?;
    load::one_by_one(&mut connection, &Ask::new(mock::MODEL, false, size, tools), calls).await
}

async fn streamed(options: &Options, direct: &Target, servers: &[Server]) -> Result<String> {
    let mut table = Table::new(["", "first piece p50", "p99", "gap p50", "gap p99"]);
    let all = std::iter::once((direct, false)).chain(servers.iter().map(|s| (&s.target, s.tools)));
    let mut base = BTreeMap::new();
    for (number, (target, tools)) in all.enumerate() {
        let (mut first, mut gaps) = (load::histogram()?, load::histogram()?);
        let fast = Ask::new(mock::MODEL, true, MIDDLE, tools);
        let paced = Ask::new(mock::PACED_MODEL, true, MIDDLE, tools);
        let mut connection = Connection::open(target).await?;
        for _ in 0..options.rounds * 20 {
            load::note(&mut first, connection.stream(&fast).await?.first);
        }
        for _ in 0..options.rounds {
            for gap in connection.stream(&paced).await?.gaps {
                load::note(&mut gaps, gap);
            }
        }
        let quantile = |q: f64| first.value_at_quantile(q);
        if number == 0 {
            base = BTreeMap::from([("p50", quantile(0.5)), ("p99", quantile(0.99))]);
        }
        let over = |name: &str, q: f64| {
            let direct = base.get(name).copied().unwrap_or(0);
            micros(if number == 0 { direct } else { quantile(q).saturating_sub(direct) })
        };
        table.row(vec![
            if number == 0 { format!("{} (itself)", target.name) } else { target.name.clone() },
            over("p50", 0.5),
            over("p99", 0.99),
            micros(gaps.value_at_quantile(0.5)),
            micros(gaps.value_at_quantile(0.99)),
        ]);
    }
    Ok(table.render())
}

async fn throughput(options: &Options, direct: &Target, servers: &[Server]) -> Result<String> {
    let mut table = Table::new([
        "",
        "requests/s, p99 <= 5 ms",
        "p50 us",
        "CPU us a request",
        "requests/s, p99 <= 500 ms",
        "p50 us",
        "CPU us a request",
    ]);
    let time = Duration::from_secs(options.step_seconds.max(1));
    let all = std::iter::once((direct, false)).chain(servers.iter().map(|s| (&s.target, s.tools)));
    for (target, tools) in all {
        let ask = Ask::new(mock::MODEL, false, MIDDLE, tools);
        let mut row = vec![target.name.clone()];
        for ceiling in CEILINGS {
            match load::capacity(target, &ask, time, ceiling).await? {
                None => row.extend(["none", "-", "-"].map(str::to_owned)),
                Some(best) => {
                    let [p50, _] = quantiles(&best.latencies);
                    let cpu = best.cpu_per_request.map(|time| time.as_micros().to_string());
                    row.extend([best.rate.to_string(), micros(p50), cpu.unwrap_or_else(|| "-".to_owned())]);
                }
            }
        }
        table.row(row);
    }
    Ok(table.render())
}

fn memory_table(servers: &[Server], idle: &[Memory]) -> Result<String> {
    let mut table = Table::new(["", "idle", "after load", "at most"]);
    let mib = |kib: u64| format!("{}.{}", kib / 1024, kib % 1024 * 10 / 1024);
    for (server, idle) in servers.iter().zip(idle) {
        let after = resident(server)?;
        table.row(vec![server.target.name.clone(), mib(idle.now), mib(after.now), mib(after.most)]);
    }
    Ok(table.render())
}

fn resident(server: &Server) -> Result<Memory> {
    server.target.pid.map_or(Ok(Memory::default()), process::memory)
}

fn quantiles(latencies: &Histogram<u64>) -> [u64; 2] {
    [latencies.value_at_quantile(0.5), latencies.value_at_quantile(0.99)]
}

/// `median (first quartile to third quartile)` of nanoseconds, in microseconds.
fn middle(values: impl Iterator<Item = u64>) -> String {
    let mut sorted: Vec<u64> = values.collect();
    sorted.sort_unstable();
    let at = |quarter: usize| sorted.get(sorted.len() * quarter / 4).or(sorted.last()).copied().unwrap_or(0);
    format!("{} ({}-{})", micros(at(2)), micros(at(1)), micros(at(3)))
}

fn micros(nanoseconds: u64) -> String {
    ((nanoseconds + 500) / 1000).to_string()
}

fn machine() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split(':').nth(1));
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let cores = info.lines().filter(|line| line.starts_with("processor")).count();
    format!("Machine: {}, {cores} cores, Linux {}.", model.unwrap_or("unknown").trim(), kernel.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_rounds() {
        assert_eq!(middle([5_000, 1_000, 3_000, 2_000, 4_000].into_iter()), "3 (2-4)");
        assert_eq!(middle(std::iter::empty()), "0 (0-0)");
    }
}
