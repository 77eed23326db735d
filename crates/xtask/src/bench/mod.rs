//! Benchmarks: programs that print figures beside a peer, never assertions about time in a test.

mod client;
mod console;
mod device;
mod gateway;
mod inspect;
mod ledger;
mod load;
mod mock;
mod overload;
mod peer;
mod proxy;
mod scan;
mod stack;
mod tier;

use std::net::SocketAddr;
use std::os::unix::process::CommandExt as _;

use anyhow::Result;
use clap::Subcommand;

use crate::workspace::{self, Profile};
use crate::{process, workspace::build};
pub(crate) use tier::Tier;

/// The core of the load generator; servers have core 0.
const LOAD_CORE: usize = 1;

/// What to measure.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Bench {
    /// Latency, throughput, CPU and memory of the gateway and its tiers.
    Gateway(gateway::Options),
    /// Answers a second when ten times as much is asked for.
    Overload(overload::Options),
    /// Durable appends, the latency of their acknowledgement, and verification.
    Ledger(ledger::Options),
    /// Inspection: latency and throughput by size and sort of text, what hostile texts cost, start-up and memory.
    Inspect(inspect::Options),
    /// Pages of the console over a million stored requests.
    Console(console::Options),
    /// CPU time, wall time and memory of a scan of generated repositories.
    Scan(scan::Options),
}

/// Runs a benchmark. A development build of this program builds and becomes an optimised one on its own core first.
pub(crate) fn run(bench: &Bench) -> Result<()> {
    // Inspection is measured in processes of its own.
    if cfg!(debug_assertions) && !matches!(bench, Bench::Inspect(_)) {
        let optimised = build("xtask", Profile::Release)?;
        let mut command = match bench {
            Bench::Gateway(_) | Bench::Overload(_) => process::pinned(LOAD_CORE, optimised),
            // The log's threads and its producers share the cores, as they do in the product.
            Bench::Ledger(_) | Bench::Inspect(_) | Bench::Scan(_) | Bench::Console(_) => {
                std::process::Command::new(optimised)
            }
        };
        command.args(std::env::args_os().skip(1));
        return Err(command.exec().into());
    }
    match bench {
        Bench::Ledger(options) => ledger::run(options),
        Bench::Inspect(options) => inspect::run(options),
        Bench::Scan(options) => scan::run(options, &workspace::build_stockade(Profile::Release)?),
        Bench::Console(options) => console::run(options, &workspace::build_stockade(Profile::Release)?),
        Bench::Overload(options) => overload::run(options, &workspace::build_stockade(Profile::Release)?),
        Bench::Gateway(options) => {
            let stockade = workspace::has("stockade")?
                .then(|| workspace::build_stockade(Profile::Release))
                .transpose()?;
            gateway::run(options, stockade.as_deref())
        }
    }
}

/// Serves a tier for ever.
pub(crate) fn serve(tier: Tier, upstream: SocketAddr) -> Result<()> {
    tier.serve(upstream)
}
