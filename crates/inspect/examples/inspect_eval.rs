//! Recall on attack files and false positives on benign ones. Needs `STOCKADE_TESTDATA`; says "not run" without it.
//! Run with `cargo run --release -p stockade-inspect --example inspect_eval [THRESHOLD] [FILE-TO-LIST]`.

#![expect(clippy::print_stdout, reason = "a program that prints figures")]

use std::path::PathBuf;

use stockade_domain::{Channel, Direction, FindingKind, Role, SpanRef, Untrusted};
use stockade_inspect::{Context, Engine};
use stockade_rulebook::Rulebook;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let Some(folder) = std::env::var_os("STOCKADE_TESTDATA").map(PathBuf::from) else {
        println!("not run: STOCKADE_TESTDATA is not set");
        return Ok(());
    };
    let mut arguments = std::env::args().skip(1);
    let threshold: u16 = arguments.next().map_or(Ok(500), |a| a.parse())?;
    let listed = arguments.next();
    let engine = Engine::new(&Rulebook::new(stockade_rules::FILES))?;
    let cx = Context::new(Direction::Request, Channel::Content, Role::User);
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder.join("text"))?.map(|e| e.map(|e| e.path())).collect::<Result<_, _>>()?;
    files.sort();
    for file in files {
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let (mut flagged, mut total, mut pii, mut bytes) = ([0_u32; 2], [0_u32; 2], 0_u32, 0_usize);
        let start = std::time::Instant::now();
        for line in std::fs::read_to_string(&file)?.lines() {
            let row: serde_json::Value = serde_json::from_str(line)?;
            let text = row.get("text").and_then(|t| t.as_str()).unwrap_or_default();
            let attack = usize::from(row.get("label").and_then(serde_json::Value::as_u64) == Some(1));
            let report = engine.examine(SpanRef { channel: cx.channel, role: cx.role, path: "", text }, &cx);
            let hit = report.score >= threshold;
            bytes += text.len();
            pii += u32::from(report.findings.iter().any(|f| f.kind != FindingKind::Injection));
            if let (Some(flagged), Some(total)) = (flagged.get_mut(attack), total.get_mut(attack)) {
                *flagged += u32::from(hit);
                *total += 1;
            }
            if listed.as_deref() == Some(name.as_str()) && hit == (attack == 0) {
                let shown: String = text.chars().take(300).collect();
                let rules: Vec<&str> = report.findings.iter().map(|f| &*f.rule_id).collect();
                println!("{} {rules:?} {}", report.score, Untrusted::new(&shown).for_log());
                for finding in report.findings.iter().filter(|f| f.kind == FindingKind::Injection) {
                    let place = text.get(finding.start..finding.end).unwrap_or_default();
                    println!("    {}", Untrusted::new(place).for_log());
                }
            }
        }
        let share = |at: usize| {
            let (flagged, total) =
                (flagged.get(at).copied().unwrap_or(0), total.get(at).copied().unwrap_or(0));
            if total == 0 {
                "-".to_owned()
            } else {
                format!("{:.1} %", 100.0 * f64::from(flagged) / f64::from(total))
            }
        };
        let rate = bytes / usize::try_from(start.elapsed().as_micros().max(1))?;
        println!(
            "{name:<24} recall {:>8}   false positives {:>8}   other findings {pii:>5}   {rate:>5} MB/s",
            share(1),
            share(0)
        );
    }
    Ok(())
}
