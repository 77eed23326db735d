//! Recall on attack files and false positives on benign ones. Needs `STOCKADE_TESTDATA`; says "not run" without it.
//! Run with `cargo run --release -p stockade-inspect --example inspect_eval [THRESHOLD] [FILE-TO-LIST]`.

#![expect(clippy::print_stdout, reason = "a program that prints figures")]

use std::collections::BTreeMap;
use std::path::PathBuf;

use stockade_domain::{Channel, Direction, Finding, FindingKind, Role, SpanRef, Untrusted};
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
    let mut spans = Spans::default();
    for file in files {
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let (mut flagged, mut total, mut pii, mut bytes) = ([0_u32; 2], [0_u32; 2], 0_u32, 0_usize);
        let start = std::time::Instant::now();
        for line in std::fs::read_to_string(&file)?.lines() {
            let row: serde_json::Value = serde_json::from_str(line)?;
            let text = row.get("text").and_then(|t| t.as_str()).unwrap_or_default();
            let attack = usize::from(row.get("label").and_then(serde_json::Value::as_u64) == Some(1));
            let report = engine.examine(SpanRef { channel: cx.channel, role: cx.role, path: "", text }, &cx);
            spans.count(text, &row, &report.findings);
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
    spans.print();
    Ok(())
}

/// Labelled personal data against findings, by type: wanted, of these found, found where nothing is labelled.
#[derive(Default)]
struct Spans(BTreeMap<&'static str, [u32; 3]>);

impl Spans {
    /// Types of the labels and ours.
    const TYPES: [(&'static str, &'static str); 4] =
        [("EMAIL_ADDRESS", "email"), ("CREDIT_CARD", "card"), ("US_SSN", "us_ssn"), ("IBAN_CODE", "iban")];

    fn count(&mut self, text: &str, row: &serde_json::Value, findings: &[Finding]) {
        let Some(labels) = row.get("spans").and_then(|s| s.as_array()) else { return };
        let byte = |label: &serde_json::Value, key: &str| {
            let at = label.get(key)?.as_u64()?;
            text.char_indices()
                .nth(usize::try_from(at).ok()?)
                .map_or(Some(text.len()), |(byte, _)| Some(byte))
        };
        for (theirs, ours) in Self::TYPES {
            let entry = self.0.entry(ours).or_default();
            let of_type = labels.iter().filter(|l| l.get("t").and_then(|t| t.as_str()) == Some(theirs));
            let places: Vec<(usize, usize)> =
                of_type.filter_map(|l| Some((byte(l, "s")?, byte(l, "e")?))).collect();
            let found: Vec<&Finding> = findings.iter().filter(|f| &*f.ty == ours).collect();
            for (start, end) in &places {
                entry[0] += 1;
                entry[1] += u32::from(found.iter().any(|f| f.start <= *start && f.end >= *end));
            }
            let stray = found.iter().filter(|f| !places.iter().any(|(s, e)| f.start < *e && *s < f.end));
            entry[2] += u32::try_from(stray.count()).unwrap_or(u32::MAX);
        }
    }

    fn print(&self) {
        for (ty, [wanted, found, stray]) in &self.0 {
            println!(
                "{ty:<24} {found} of {wanted} labelled spans found, {stray} findings where none is labelled"
            );
        }
    }
}
