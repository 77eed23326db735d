//! What is measured, from a bare proxy to the real gateway, each as a process on the gateway's core.

use std::fmt;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context as _, Result};
use clap::ValueEnum;

use super::client::Target;
use super::proxy;
use super::stack::{self, Has};
use crate::process::{self, Running};
use crate::server::Stockade;

/// The core that servers run on; the generator and the mock upstream have another.
pub(crate) const SERVER_CORE: usize = 0;

/// Tiers that `cargo xtask serve-tier` runs in a process of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Tier {
    /// A bare proxy, no checks.
    T0,
    /// The gateway with keys only.
    T1,
    /// And with policies.
    T2,
    /// And with inspection and the answer's filter.
    T3,
}

impl Tier {
    /// Serves for ever; prints the address, then a space and the key if callers need one.
    pub(crate) fn serve(self, upstream: SocketAddr) -> Result<()> {
        match self {
            Self::T0 => proxy::serve(upstream),
            Self::T1 => stack::serve(Has { policies: false, rules: false }, upstream),
            Self::T2 => stack::serve(Has { policies: true, rules: false }, upstream),
            Self::T3 => stack::serve(Has { policies: true, rules: true }, upstream),
        }
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::T0 => "T0 bare proxy",
            Self::T1 => "T1 keys",
            Self::T2 => "T2 and policies",
            Self::T3 => "T3 and inspection",
        })
    }
}

/// A server under measurement. It ends with this value.
pub(crate) struct Server {
    /// Where to send, and whose CPU to count.
    pub(crate) target: Target,
    /// Whether requests carry a tool, which makes the gateway wait for the record before it dispatches.
    pub(crate) tools: bool,
    process: Process,
}

enum Process {
    Own { _running: Running },
    Stockade { stockade: Box<Stockade> },
    Shared,
}

impl Server {
    /// Starts a tier of our own.
    pub(crate) fn tier(tier: Tier, upstream: SocketAddr) -> Result<Self> {
        let name = tier.to_possible_value().context("every tier has a name")?.get_name().to_owned();
        let mut command = process::pinned(SERVER_CORE, std::env::current_exe()?);
        command.args(["serve-tier", &name, "--upstream", &upstream.to_string()]);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut running = Running::start(&mut command)?;
        let output = running.child().stdout.take().context("the tier has no output")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let mut words = line.split_whitespace();
        let address = words.next().and_then(|word| word.parse().ok());
        let address = address.with_context(|| format!("{tier} did not say where it listens"))?;
        let key = words.next().map(str::to_owned);
        let target = Target { name: tier.to_string(), address, key, pid: Some(running.pid()) };
        Ok(Self { target, tools: false, process: Process::Own { _running: running } })
    }

    /// Starts the real gateway, once for both of its tiers: the intent is written beside the dispatch (`overlap`), or
    /// before it (`strict`, which a request with a tool in it asks for).
    pub(crate) fn stockade(binary: &Path, upstream: SocketAddr, scratch: &Path) -> Result<[Self; 2]> {
        let config =
            format!("[upstreams.mock]\nbase_url = \"http://{upstream}/v1\"\nmodels = [\"mock-*\"]\n");
        let stockade = Stockade::start(binary, &config, scratch, Some(SERVER_CORE))?;
        let target = |name: &str| Target {
            name: name.to_owned(),
            address: stockade.gateway(),
            key: Some(stockade.key().to_owned()),
            pid: Some(stockade.pid()),
        };
        let (overlap, strict) = (target("T4 overlap"), target("T4 strict"));
        Ok([
            Self {
                target: overlap,
                tools: false,
                process: Process::Stockade { stockade: Box::new(stockade) },
            },
            Self { target: strict, tools: true, process: Process::Shared },
        ])
    }

    /// What the real gateway printed, which says why it ended if it did.
    pub(crate) fn output(&self) -> Option<String> {
        match &self.process {
            Process::Stockade { stockade } => Some(stockade.log()),
            Process::Own { .. } | Process::Shared => None,
        }
    }

    /// A server that was started elsewhere.
    pub(crate) fn own(target: Target, running: Running) -> Self {
        Self { target, tools: false, process: Process::Own { _running: running } }
    }
}
