//! `cargo xtask bench inspect`: what inspection costs, by size and sort of text, beside other tools on the same texts.
//!
//! Each round runs every tool in a process of its own, one after the other, so that what else the machine does meets all
//! of them; a figure is the median of the rounds. A search for the text that costs most for its length stands at the end.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use clap::{Args, ValueEnum};
use serde::Deserialize;

use crate::table::Table;
use crate::{process, workspace};

/// Times other tools; the figures have the form of our own.
const PEER_SCRIPT: &str = include_str!("inspect_peer.py");

/// What is measured of the peers: what people write, and two hostile sorts.
const PEER_SORTS: [&str; 5] = ["prose", "source code", "mixed scripts", "near matches", "digit rows"];

/// How often a start is measured.
const STARTS: usize = 7;

/// What to measure.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// How often everything is measured; figures are medians.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Seconds of the search for the text that costs most; 0 for none.
    #[arg(long, default_value_t = 30)]
    search: u64,
    /// Tools to run beside, from PyPI, in a cached environment.
    #[arg(long, value_delimiter = ',', value_enum)]
    peer: Vec<Peer>,
    /// Also write the report to a file.
    #[arg(long)]
    write: Option<PathBuf>,
}

/// A tool to compare with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Peer {
    /// The pattern recognizers of presidio-analyzer, without a language model.
    Presidio,
    /// detect-secrets with its default plugins.
    DetectSecrets,
}

/// One line of a tool.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Line {
    Row { engine: String, sort: String, ordinary: bool, size: usize, p50: u64, p99: u64, least: u64 },
    Start { start_us: u64, resident_kib: u64 },
    Ordinary { ordinary: f64 },
    Find { cost: f64, times: f64, varied: bool, motif: String },
}

/// What rounds gave for one tool, sort and size, in nanoseconds.
#[derive(Debug, Default)]
struct Figures {
    p50: Vec<u64>,
    p99: Vec<u64>,
    least: Vec<u64>,
}

/// All figures: by tool, sort and size, in the order in which they came.
#[derive(Debug, Default)]
struct Measured {
    order: Vec<(String, String, bool)>,
    figures: BTreeMap<(String, String), BTreeMap<usize, Figures>>,
    starts: BTreeMap<String, Vec<(u64, u64)>>,
}

/// Measures and prints.
pub(crate) fn run(options: &Options) -> Result<()> {
    let program = build()?;
    let busy = process::load_average();
    let mut measured = Measured::default();
    for _ in 0..STARTS {
        measured.take("stockade", &lines(Command::new(&program).arg("--start"))?);
    }
    let texts = workspace::root()?.join("target").join("bench").join("inspect.jsonl");
    if let Some(folder) = texts.parent() {
        std::fs::create_dir_all(folder)?;
    }
    workspace::must(Command::new(&program).arg("--texts").arg(&texts))?;
    for _ in 0..options.rounds.max(1) {
        measured.take("stockade", &lines(Command::new(&program).arg("--rows"))?);
        for peer in &options.peer {
            measured.take(peer.name(), &lines(&mut peer.command(&texts)?)?);
        }
    }
    let seconds = options.search.to_string();
    let finds = match options.search {
        0 => Vec::new(),
        _ => lines(Command::new(&program).args(["--search", &seconds]))?,
    };
    let report = report(options, &measured, &finds, &busy);
    print!("{report}");
    if let Some(file) = &options.write {
        std::fs::write(file, &report).with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(())
}

/// Builds the program that measures, with the features that everything else is built with.
fn build() -> Result<PathBuf> {
    let mut command = workspace::cargo()?;
    command.args(["build", "--release", "--package", "stockade", "--package", "xtask"]);
    command.args(["--package", "stockade-inspect", "--example", "inspect_cost"]);
    command.args(["--message-format", "json-render-diagnostics"]);
    let output = command.stderr(Stdio::inherit()).output().context("cannot run cargo build")?;
    if !output.status.success() {
        bail!("cannot build inspect_cost");
    }
    let messages = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut executables = messages.lines().filter_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        let wanted = message.pointer("/target/name")?.as_str()? == "inspect_cost";
        message.get("executable")?.as_str().filter(|_| wanted).map(PathBuf::from)
    });
    executables.next_back().context("cargo build says nothing about inspect_cost")
}

fn lines(command: &mut Command) -> Result<Vec<Line>> {
    let output = command.stderr(Stdio::inherit()).output().context("cannot start a tool")?;
    if !output.status.success() {
        bail!("a tool failed: {}", output.status);
    }
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines()
        .map(|line| serde_json::from_str(line).with_context(|| format!("not a figure: {line}")))
        .collect()
}

// === impl Peer ===

impl Peer {
    fn name(self) -> &'static str {
        match self {
            Self::Presidio => "presidio",
            Self::DetectSecrets => "detect-secrets",
        }
    }

    fn package(self) -> &'static str {
        match self {
            Self::Presidio => "presidio-analyzer==2.2.366",
            Self::DetectSecrets => "detect-secrets==1.5.0",
        }
    }

    /// Installs it once into a cache.
    fn command(self, texts: &Path) -> Result<Command> {
        let cache = workspace::root()?.join("target").join("peers").join(self.package());
        let python = cache.join("bin").join("python");
        if !python.exists() {
            std::fs::create_dir_all(&cache)?;
            workspace::must(Command::new("python3").args(["-m", "venv"]).arg(&cache))?;
            workspace::must(Command::new(&python).args(["-m", "pip", "install", "--quiet", self.package()]))?;
        }
        let mut command = Command::new(python);
        command.args(["-c", PEER_SCRIPT, self.name()]).arg(texts).args(PEER_SORTS);
        Ok(command)
    }
}

// === impl Measured ===

impl Measured {
    fn take(&mut self, tool: &str, lines: &[Line]) {
        for line in lines {
            match line {
                Line::Row { engine, sort, ordinary, size, p50, p99, least } => {
                    let key = (engine.clone(), sort.clone(), *ordinary);
                    if !self.order.contains(&key) {
                        self.order.push(key);
                    }
                    let sizes = self.figures.entry((engine.clone(), sort.clone())).or_default();
                    let figures = sizes.entry(*size).or_default();
                    figures.p50.push(*p50);
                    figures.p99.push(*p99);
                    figures.least.push(*least);
                }
                Line::Start { start_us, resident_kib } => {
                    self.starts.entry(tool.to_owned()).or_default().push((*start_us, *resident_kib));
                }
                Line::Ordinary { .. } | Line::Find { .. } => {}
            }
        }
    }

    /// Nanoseconds a byte of the quickest run of a text of about 32 KB.
    fn least(&self, engine: &str, sort: &str) -> Option<f64> {
        let sizes = self.figures.get(&(engine.to_owned(), sort.to_owned()))?;
        let (size, figures) = sizes.range(30_000..40_000).next()?;
        Some(median(&figures.least) as f64 / *size as f64)
    }
}

fn median(all: &[u64]) -> u64 {
    let mut sorted = all.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

fn report(options: &Options, measured: &Measured, finds: &[Line], busy: &str) -> String {
    let mut out = String::from("# What inspection costs\n\n");
    let peers: String = options.peer.iter().map(|peer| format!(" --peer {}", peer.name())).collect();
    let _ = write!(
        out,
        "Made by `cargo xtask bench inspect --rounds {}{peers}`. Load average before {}, after {}.\nMedians of the rounds; every tool \
         in a process of its own, one thread, in turn.\n\n",
        options.rounds,
        busy.trim(),
        process::load_average().trim()
    );
    out.push_str("## Start\n\n");
    let mut table = Table::new(["fresh process", "ready ms", "resident MiB"]);
    for (tool, starts) in &measured.starts {
        let micros = median(&starts.iter().map(|(micros, _)| *micros).collect::<Vec<_>>());
        let memory = median(&starts.iter().map(|(_, memory)| *memory).collect::<Vec<_>>());
        table.row(vec![
            tool.clone(),
            format!("{:.1}", micros as f64 / 1e3),
            format!("{:.1}", memory as f64 / 1024.0),
        ]);
    }
    out.push_str(&table.render());
    out.push_str(
        "\n## By size and sort\n\n`all` is every rule but names, `data` recognizers alone, `names` all with the tagger. Times in \
         microseconds; MB/s on one core, from the p50.\n\n",
    );
    out.push_str(&sizes(measured));
    out.push_str(
        "\n## Beside prose\n\nNanoseconds a byte of 32 KB, quickest run, and how many times the prose of the same run.\n\n",
    );
    let prose = measured.least("all", "prose").unwrap_or(1.0);
    let mut table = Table::new(["sort", "ns a byte", "times prose"]);
    for (engine, sort, _) in measured.order.iter().filter(|(engine, _, _)| engine == "all") {
        let cost = measured.least(engine, sort).unwrap_or_default();
        table.row(vec![sort.clone(), format!("{cost:.1}"), format!("{:.1}", cost / prose)]);
    }
    out.push_str(&table.render());
    if !finds.is_empty() {
        out.push_str(&found(options, finds));
    }
    out
}

fn sizes(measured: &Measured) -> String {
    let mut table = Table::new(["engine, sort"]);
    for size in ["0.2 KB", "2 KB", "32 KB", "256 KB"] {
        table.head(&[&format!("{size} p50"), "p99", "MB/s"]);
    }
    for (engine, sort, _) in &measured.order {
        let mut row = vec![format!("{engine}, {sort}")];
        let sizes = measured.figures.get(&(engine.clone(), sort.clone()));
        for (size, figures) in sizes.into_iter().flatten() {
            let p50 = median(&figures.p50);
            row.push(format!("{:.1}", p50 as f64 / 1e3));
            row.push(format!("{:.1}", median(&figures.p99) as f64 / 1e3));
            row.push(format!("{:.2}", *size as f64 * 1e3 / p50.max(1) as f64));
        }
        table.row(row);
    }
    table.render()
}

/// What the search found, the worst first.
fn found(options: &Options, finds: &[Line]) -> String {
    let mut out = format!(
        "\n## The worst that was found\n\nMotifs repeated to 12 KB, changed at random and kept when they cost more, for {} s.\n\n",
        options.search
    );
    let mut table = Table::new(["motif", "ns a byte", "times prose"]);
    for line in finds {
        if let Line::Find { cost, times, varied, motif } = line {
            let motif = motif.escape_default().to_string().replace('|', "\\|");
            let varied = if *varied { ", other digits each time" } else { "" };
            table.row(vec![format!("`{motif}`{varied}"), format!("{cost:.1}"), format!("{times:.1}")]);
        }
    }
    out.push_str(&table.render());
    for line in finds {
        if let Line::Ordinary { ordinary } = line {
            let _ = write!(out, "\nProse in that process: {ordinary:.1} ns a byte.\n");
        }
    }
    out
}
