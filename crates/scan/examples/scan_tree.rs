//! Scans one tree and prints what it took: `scan_tree PATH [CACHE]`, with `SCAN_JSON` set the report instead. For benchmarks,
//! which start it as a program of its own.

#![expect(clippy::print_stdout, reason = "a program that prints figures")]

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context as _, Result};
use stockade_rulebook::Rulebook;
use stockade_scan::{Options, Scanner};

fn main() -> Result<()> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let root = arguments.next().context("name a tree")?;
    let begun = Instant::now();
    let scanner = Scanner::deferred(&Rulebook::new(stockade_rules::FILES))?;
    let ready = begun.elapsed();
    let report = scanner.scan(&root, &Options { cache: arguments.next(), ..Options::default() })?;
    if std::env::var_os("SCAN_JSON").is_some() {
        println!("{}", serde_json::to_string(&report)?);
        return Ok(());
    }
    println!(
        "{} files, {} read, {} skipped, {} incomplete; {} assets, {} findings; ready {:.0} ms, all {:.0} ms",
        report.coverage.files,
        report.coverage.read,
        report.coverage.skipped.len(),
        report.coverage.incomplete.len(),
        report.assets.len(),
        report.findings.len(),
        ready.as_secs_f64() * 1e3,
        begun.elapsed().as_secs_f64() * 1e3
    );
    for lack in report.coverage.incomplete.iter().take(20) {
        println!("  incomplete: {:?} {:?}", lack.path, lack.why);
    }
    Ok(())
}
