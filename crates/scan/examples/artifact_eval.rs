//! Scans a labelled corpus and counts: `artifact_eval CORPUS [--all]`. The corpus has a `labels.json` that gives each
//! path its label (malicious, review or benign). `--all` prints one line for each file.
#![expect(clippy::print_stdout, reason = "a tool that reports on stdout")]

use std::collections::BTreeMap;
use std::error::Error;
use std::fs::File;
use std::path::Path;
use std::time::Instant;

use stockade_rulebook::Rulebook;
use stockade_scan::artifact::{Options, Policy, Verdict, scan};

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let root = args.first().map(Path::new).ok_or("which corpus?")?;
    let all = args.iter().any(|a| a == "--all");
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
