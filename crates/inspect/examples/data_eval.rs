//! What recognizers find, row by row, as JSON lines: for `cargo xtask eval pii` and `eval secrets`, which count.
//! Run with `data_eval FILE...`; each line of a file has `text`. Prints type, rule, start, end in bytes and the text found.

#![expect(clippy::print_stdout, reason = "a program that prints findings")]

use stockade_domain::{Channel, Direction, FindingKind, Role, SpanRef};
use stockade_inspect::{Context, Engine};
use stockade_rulebook::Rulebook;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let engine = Engine::new(&Rulebook::new(stockade_rules::FILES))?;
    let cx = Context::new(Direction::Request, Channel::Content, Role::User);
    for file in std::env::args().skip(1) {
        for (row, line) in std::fs::read_to_string(&file)?.lines().enumerate() {
            let value: serde_json::Value = serde_json::from_str(line)?;
            let text = value.get("text").and_then(|t| t.as_str()).unwrap_or_default();
            let report = engine.examine(SpanRef { channel: cx.channel, role: cx.role, path: "", text }, &cx);
            for finding in report.findings.iter().filter(|f| f.kind != FindingKind::Injection) {
                let found = text.get(finding.start..finding.end).unwrap_or_default();
                let around = text.get(
                    text.floor_char_boundary(finding.start.saturating_sub(40))
                        ..text.ceil_char_boundary((finding.end + 20).min(text.len())),
                );
                let line = serde_json::json!({
                    "file": file, "row": row, "type": &*finding.ty, "rule": &*finding.rule_id,
                    "start": finding.start, "end": finding.end, "found": found, "around": around,
                });
                println!("{line}");
            }
        }
    }
    Ok(())
}
