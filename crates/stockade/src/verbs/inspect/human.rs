//! What people see: the lines with something in them, marked, and what would happen.

use std::io::IsTerminal as _;

use anyhow::Result;
use stockade_domain::{Finding, FindingKind, Untrusted};

use super::judge::{Judge, Level};
use super::lines::Lines;
use super::{Headers, InspectArgs, Seen, redact, references};
use crate::output::{self, print, say, write_out};

/// How many lines of one text are shown.
const MAX_LINES: usize = 200;

/// How many characters around a finding are shown of its line.
const AROUND: usize = 48;

/// How many characters of a finding are shown.
const MAX_MARKED: usize = 160;

/// Whether colour is wanted, and which.
#[derive(Debug, Clone, Copy)]
struct Paint(bool);

pub(super) fn show(seen: &[Seen], args: &InspectArgs, headers: &Headers, judge: &Judge) -> Result<()> {
    let paint = Paint::wanted();
    for (number, one) in seen.iter().enumerate() {
        if args.redact {
            write_out(safe(&redact::redacted(&one.text, &one.report.findings)).as_bytes())?;
            say(summary(one, seen.len() > 1, Paint(false)));
            continue;
        }
        if number > 0 {
            print("")?;
        }
        let mut lines = marked(one, paint);
        for lack in &one.report.incomplete {
            let detector = Untrusted::new(&lack.detector).for_log();
            lines.push(format!("NOT LOOKED AT to the end: {detector}: {}", lack.reason));
        }
        lines.push(summary(one, seen.len() > 1, paint));
        if args.explain {
            explain(one, headers, judge, &mut lines);
        }
        print(lines.join("\n"))?;
    }
    Ok(())
}

/// A text for a terminal; as it is for a program.
fn safe(text: &str) -> String {
    if std::io::stdout().is_terminal() { Untrusted::new(text).for_terminal() } else { text.to_owned() }
}

fn summary(seen: &Seen, named: bool, paint: Paint) -> String {
    let name = if named { format!("{}: ", Untrusted::new(&seen.name).for_log()) } else { String::new() };
    let why = if seen.decision.reasons.is_empty() {
        String::new()
    } else {
        format!(" ({})", seen.decision.reasons.join(", "))
    };
    let score = f64::from(seen.report.score) / 1_000.0;
    let count = match seen.report.findings.len() {
        1 => "1 finding".to_owned(),
        count => format!("{count} findings"),
    };
    format!("{name}{}{why}: {count}, injection score {score:.2}", paint.level(seen.level))
}

/// A line for each finding, with what stands around it.
fn marked(seen: &Seen, paint: Paint) -> Vec<String> {
    let findings = &seen.report.findings;
    let places = Lines::new(&seen.text, findings);
    let line = |finding| marked_line(finding, &seen.text, &places, paint);
    let mut lines: Vec<String> = findings.iter().take(MAX_LINES).map(line).collect();
    if let Some(more) = findings.len().checked_sub(MAX_LINES).filter(|more| *more > 0) {
        lines.push(format!("... and {more} more"));
    }
    lines
}

fn marked_line(finding: &Finding, text: &str, places: &Lines, paint: Paint) -> String {
    let (before, rest) = text.split_at_checked(finding.start).unwrap_or((text, ""));
    let (marked, after) =
        rest.split_at_checked(finding.end.saturating_sub(finding.start)).unwrap_or((rest, ""));
    let before = before.rsplit('\n').next().unwrap_or_default();
    let after = after.split('\n').next().unwrap_or_default();
    let cut = before.char_indices().rev().nth(AROUND.saturating_sub(1)).map_or(0, |(at, _)| at);
    let head = if cut > 0 { "…" } else { "" };
    let before = before.get(cut..).unwrap_or_default();
    let end = after.char_indices().nth(AROUND).map(|(at, _)| at);
    let tail = if end.is_some() { "…" } else { "" };
    let after = after.get(..end.unwrap_or(after.len())).unwrap_or_default();
    let length = marked.char_indices().nth(MAX_MARKED).map(|(at, _)| at);
    let more = if length.is_some() { "…" } else { "" };
    let marked = marked.get(..length.unwrap_or(marked.len())).unwrap_or_default();
    let log = |text: &str| Untrusted::new(text).for_log();
    let (line, _) = places.of(finding.start);
    let sure = f64::from(finding.confidence.thousandths()) / 1_000.0;
    format!(
        "{line:>5} | {head}{}{}{}{tail}\n      |   {} {} ({}) {sure:.2} at {}..{}",
        log(before),
        paint.mark(finding.kind, &format!("{}{more}", log(marked))),
        log(after),
        finding.kind,
        log(&finding.ty),
        log(&finding.rule_id),
        finding.start,
        finding.end,
    )
}

/// Why each rule found what it found, and which policies decided.
fn explain(seen: &Seen, headers: &Headers, judge: &Judge, lines: &mut Vec<String>) {
    let mut told: Vec<&str> = Vec::new();
    for finding in &seen.report.findings {
        let Some(header) = headers.get(&finding.rule_id).filter(|_| !told.contains(&&*finding.rule_id))
        else {
            continue;
        };
        told.push(&finding.rule_id);
        lines.push(String::new());
        lines.push(format!("{}: {}", header.id, header.title));
        lines.push(format!("  why  {}", header.why));
        lines.push(format!("  fix  {}", header.fix));
        lines.push(format!("  see  {}", references(header).join(", ")));
    }
    lines.push(String::new());
    lines.push("decided by".to_owned());
    for (id, title, why) in judge.describe(&seen.decision.policies) {
        lines.push(format!("  {id}: {title}"));
        lines.push(format!("       {why}"));
    }
    if !seen.decision.obligations.is_empty() {
        let all: Vec<String> = seen.decision.obligations.iter().map(ToString::to_string).collect();
        lines.push(format!("obliged to {}", all.join(", ")));
    }
}

// === impl Paint ===

impl Paint {
    fn wanted() -> Self {
        Self(output::takes_colour(&std::io::stdout()))
    }

    /// What was found, set apart from what stands around it.
    fn mark(self, kind: FindingKind, text: &str) -> String {
        let colour = match kind {
            FindingKind::Injection => "1;31",
            FindingKind::Secret | FindingKind::Leak => "1;33",
            FindingKind::Pii => "1;36",
        };
        if self.0 { format!("\u{1b}[{colour}m{text}\u{1b}[0m") } else { format!("»{text}«") }
    }

    fn level(self, level: Level) -> String {
        let colour = match level {
            Level::Allow => "1;32",
            Level::Annotate | Level::Redact => "1;33",
            Level::Block => "1;31",
        };
        if self.0 { format!("\u{1b}[{colour}m{level}\u{1b}[0m") } else { level.to_string() }
    }
}
