//! Scans the labelled corpus and counts: `artifact_eval [CORPUS] [--all] [--peer NAME,...] [--mutate N]`.
//!
//! A corpus has a `labels.json` that gives each path its label (malicious, review or benign); without one named, the
//! project's own is generated (`tests/artifacts/generate.py`). `--all` prints one line for each file, otherwise only
//! those that are judged unlike their label. `--peer` runs other scanners on the same files,
//! `--mutate` scans N damaged copies, where only a panic or a long run is wrong.
#![expect(clippy::print_stdout, reason = "a tool that reports on stdout")]

use std::collections::BTreeMap;
use std::error::Error;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use stockade_rulebook::Rulebook;
use stockade_scan::artifact::{Options, Policy, Verdict, scan};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (mut root, mut all, mut peers, mut mutations) = (None, false, None, None);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--all" => all = true,
            "--peer" => peers = args.next(),
            "--mutate" => mutations = args.next().map(|n| n.parse()).transpose()?,
            _ => root = Some(PathBuf::from(arg)),
        }
    }
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/artifacts");
    let cache = std::env::temp_dir().join("stockade-artifacts");
    let root = match root {
        Some(root) => root,
        None => {
            let to = cache.join("corpus");
            python(Command::new("python3").arg(scripts.join("generate.py")).arg(&to))?;
            to
        }
    };
    count(&root, all)?;
    if let Some(runs) = mutations {
        mutate(&root, runs)?;
    }
    if let Some(peers) = peers {
        python(
            Command::new("python3")
                .arg(scripts.join("peers.py"))
                .args([&root, &cache.join("peers")])
                .arg(peers),
        )?;
    }
    Ok(())
}

fn python(command: &mut Command) -> Result<(), Box<dyn Error>> {
    let status = command.status()?;
    if status.success() { Ok(()) } else { Err(format!("python3 ended with {status}").into()) }
}

fn count(root: &Path, all: bool) -> Result<(), Box<dyn Error>> {
    let labels: BTreeMap<String, String> = serde_json::from_slice(&std::fs::read(root.join("labels.json"))?)?;
    let policy = Policy::load(&Rulebook::new(stockade_rules::FILES))?;
    let mut counts: BTreeMap<&str, [usize; 5]> = BTreeMap::new();
    let mut slowest = (0.0f64, String::new());
    let start = Instant::now();
    for (path, label) in &labels {
        let file = File::open(root.join(path))?;
        let began = Instant::now();
        let report = scan(path, &file, &Options::default(), &policy);
        let seconds = began.elapsed().as_secs_f64();
        if seconds > slowest.0 {
            slowest = (seconds, path.clone());
        }
        let verdict = report.verdict;
        let incomplete = !report.incomplete.is_empty();
        let row = counts.entry(label).or_default();
        let [files, clean, review, blocked, open] = row;
        *files = files.saturating_add(1);
        match verdict {
            Verdict::Clean => *clean = clean.saturating_add(1),
            Verdict::Review => *review = review.saturating_add(1),
            Verdict::Malicious => *blocked = blocked.saturating_add(1),
        }
        if incomplete {
            *open = open.saturating_add(1);
        }
        let wrong = match label.as_str() {
            "malicious" => verdict != Verdict::Malicious,
            "review" => verdict != Verdict::Review,
            _ => verdict != Verdict::Clean || incomplete,
        };
        if all || wrong {
            let first = report
                .issues
                .first()
                .map_or(String::new(), |i| format!("{}: {} ({:?})", i.rule_id, i.message, i.member));
            let why =
                report.incomplete.first().map_or(String::new(), |i| format!(" [{}: {}]", i.what, i.why));
            println!("{:<10} {path}: {first}{why}", verdict.as_str());
        }
    }
    println!(
        "{:<10} {:>6} {:>6} {:>6} {:>8} {:>10}",
        "label", "files", "clean", "review", "blocked", "incomplete"
    );
    for (label, [files, clean, review, blocked, open]) in &counts {
        println!("{label:<10} {files:>6} {clean:>6} {review:>6} {blocked:>8} {open:>10}");
    }
    let seconds = start.elapsed().as_secs_f64();
    println!("{} files in {seconds:.3} s; slowest {:.3} s, {}", labels.len(), slowest.0, slowest.1);
    Ok(())
}

/// Scans damaged copies of the small files; a panic ends the program, a long run is told.
fn mutate(root: &Path, runs: u64) -> Result<(), Box<dyn Error>> {
    let labels: BTreeMap<String, String> = serde_json::from_slice(&std::fs::read(root.join("labels.json"))?)?;
    let mut seeds = Vec::new();
    for path in labels.keys() {
        let bytes = std::fs::read(root.join(path))?;
        if bytes.len() < 64 * 1024 && !bytes.is_empty() {
            seeds.push((path, bytes));
        }
    }
    let policy = Policy::load(&Rulebook::new(stockade_rules::FILES))?;
    let mut dice = 0x9e37_79b9_7f4a_7c15u64;
    let mut roll = |sides: usize| {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        usize::try_from(dice % (sides.max(1) as u64)).unwrap_or(0)
    };
    let start = Instant::now();
    let mut slowest = (0.0f64, String::new());
    for _ in 0..runs {
        let Some((path, seed)) = seeds.get(roll(seeds.len())) else { break };
        let mut bytes = seed.clone();
        for _ in 0..roll(6).saturating_add(1) {
            let at = roll(bytes.len());
            let value = u8::try_from(roll(256)).unwrap_or(0);
            match roll(5) {
                0 => bytes.truncate(at),
                1 => bytes.insert(at, value),
                2 => {
                    let tail = bytes.split_off(at);
                    bytes.extend(tail.iter().rev().take(64).copied().collect::<Vec<_>>());
                    bytes.extend(tail);
                }
                _ => {
                    if let Some(byte) = bytes.get_mut(at) {
                        *byte = value;
                    }
                }
            }
        }
        let began = Instant::now();
        let _ = scan(path, &bytes, &Options::default(), &policy);
        let seconds = began.elapsed().as_secs_f64();
        if seconds > slowest.0 {
            slowest = (seconds, path.to_string());
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{runs} damaged copies in {seconds:.1} s without a panic; slowest {:.3} s, {}",
        slowest.0, slowest.1
    );
    Ok(())
}
