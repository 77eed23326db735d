//! A report for people. All that comes from the tree is escaped.

use stockade_domain::Untrusted;
use stockade_scan::{Asset, Difference, Finding, Gateway, Kind, Report, Scope, severity_word};

use crate::output::table;

/// The most rows of a list.
const ROWS: usize = 200;

pub(super) fn report(report: &Report) -> String {
    let mut parts = vec![format!("workload {} (named by its {})", clean(&report.workload), source(report))];
    parts.push(String::new());
    parts.push(assets(report));
    if !report.findings.is_empty() {
        parts.push(String::new());
        parts.push(findings(&report.findings));
    }
    parts.push(String::new());
    parts.extend(coverage(report));
    parts.push(join(report));
    parts.join("\n")
}

fn source(report: &Report) -> &str {
    if report.workload_from == "directory" { "directory" } else { "stockade.toml" }
}

fn clean(text: &str) -> String {
    Untrusted::new(text).for_log()
}

/// One row for each entity, and a dash for what was not looked at.
fn assets(report: &Report) -> String {
    if report.coverage.read == 0 && report.assets.is_empty() {
        let row = |kind: Kind| [kind.as_str().to_owned(), "- not scanned".to_owned()];
        return table(["KIND", "FOUND"], Kind::ALL.map(row));
    }
    let mut rows: Vec<[String; 5]> = Vec::new();
    for kind in Kind::ALL {
        let all: Vec<&Asset> = report.assets.iter().filter(|asset| asset.kind == kind).collect();
        if all.is_empty() {
            rows.push([
                kind.as_str().to_owned(),
                "0 clean".to_owned(),
                String::new(),
                String::new(),
                String::new(),
            ]);
        }
        for asset in all {
            let first = asset.occurrences.first();
            let place = first.map(|o| format!("{}:{}", o.path, o.line)).unwrap_or_default();
            let more = asset.occurrences.len().saturating_sub(1);
            let place = if more > 0 { format!("{place} +{more}") } else { place };
            rows.push([
                kind.as_str().to_owned(),
                asset.name.clone(),
                place,
                asset.confidence.to_string(),
                note(asset),
            ]);
        }
    }
    let hidden = rows.len().saturating_sub(ROWS);
    rows.truncate(ROWS);
    let mut text = table(["KIND", "NAME", "WHERE", "SURE", "NOTE"], rows);
    if hidden > 0 {
        text.push_str(&format!("\n... and {hidden} more; --format json has all"));
    }
    text
}

fn note(asset: &Asset) -> String {
    let mut notes = Vec::new();
    match asset.scope {
        Scope::Product => {}
        Scope::Test => notes.push("tests only".to_owned()),
        Scope::Docs => notes.push("documentation only".to_owned()),
        Scope::Vendored => notes.push("vendored".to_owned()),
    }
    let is = |name: &str, value: &str| asset.facts.get(name).is_some_and(|v| v == value);
    if asset.kind == Kind::Sdk && is("used", "true") && is("declared", "false") {
        notes.push("used, not declared".to_owned());
    }
    if asset.kind == Kind::Sdk && is("used", "false") && is("declared", "true") {
        notes.push("declared, not used".to_owned());
    }
    if is("default", "true") {
        notes.push("the client's default".to_owned());
    }
    notes.join(", ")
}

fn findings(findings: &[Finding]) -> String {
    let mut sorted: Vec<&Finding> = findings.iter().collect();
    sorted.sort_by_key(|finding| (finding.suppressed.is_some(), std::cmp::Reverse(finding.severity)));
    let hidden = sorted.len().saturating_sub(ROWS);
    let row = |finding: &&Finding| {
        let message = match &finding.suppressed {
            Some(why) => format!("[{}: {}] {}", why.by, why.reason, finding.message),
            None => finding.message.clone(),
        };
        [
            severity_word(finding.severity).to_owned(),
            finding.rule_id.clone(),
            format!("{}:{}", finding.path, finding.line),
            message,
        ]
    };
    let mut text = table(["SEVERITY", "RULE", "WHERE", "WHAT"], sorted.iter().take(ROWS).map(row));
    if hidden > 0 {
        text.push_str(&format!("\n... and {hidden} more; --format json has all"));
    }
    text
}

fn coverage(report: &Report) -> Vec<String> {
    let coverage = &report.coverage;
    let mut lines = vec![format!(
        "{} files, {} read, {} skipped, {} incomplete",
        coverage.files,
        coverage.read,
        coverage.skipped.len(),
        coverage.incomplete.len()
    )];
    for lack in coverage.incomplete.iter().take(20) {
        lines.push(format!("NOT SCANNED to the end: {} ({})", clean(&lack.path), clean(&lack.why)));
    }
    for note in coverage.notes.iter().take(20) {
        lines.push(format!("note: {} ({})", clean(&note.path), clean(&note.why)));
    }
    let counts: Vec<String> =
        report.summary.findings.iter().map(|(severity, count)| format!("{count} {severity}")).collect();
    let findings = if counts.is_empty() { "no findings".to_owned() } else { counts.join(", ") };
    lines.push(format!("findings: {findings}; {} put aside", report.summary.suppressed));
    lines
}

/// The last lines: what goes through the gateway.
fn join(report: &Report) -> String {
    let endpoints = report
        .assets
        .iter()
        .filter(|asset| asset.kind == Kind::ModelEndpoint && asset.scope == Scope::Product)
        .count();
    let Some(gateway) = &report.gateway else {
        return format!(
            "{endpoints} model endpoints in this code, - seen at the gateway (no server runs here)"
        );
    };
    let mut lines = vec![clean(&gateway.asked)];
    for unseen in &gateway.unseen {
        lines.push(format!(
            "{}:{}  {}  {}",
            clean(&unseen.path),
            unseen.line,
            clean(&unseen.endpoint),
            clean(&unseen.change)
        ));
    }
    lines.push(format!(
        "{} model endpoints in this code, {} seen at the gateway",
        gateway.endpoints,
        seen(gateway)
    ));
    lines.join("\n")
}

fn seen(gateway: &Gateway) -> String {
    gateway.seen.map_or_else(|| "-".to_owned(), |seen| seen.to_string())
}

pub(super) fn difference(difference: &Difference) -> String {
    let mut lines = Vec::new();
    let asset = |sign: &str, asset: &Asset| format!("{sign} {} {}", asset.kind.as_str(), clean(&asset.name));
    lines.extend(difference.assets_added.iter().map(|one| asset("+", one)));
    lines.extend(difference.assets_removed.iter().map(|one| asset("-", one)));
    let finding = |sign: &str, one: &Finding| {
        format!("{sign} {} {} {}:{}", severity_word(one.severity), one.rule_id, clean(&one.path), one.line)
    };
    lines.extend(difference.findings_added.iter().map(|one| finding("+", one)));
    lines.extend(difference.findings_removed.iter().map(|one| finding("-", one)));
    if lines.is_empty() {
        lines.push("no difference".to_owned());
    }
    lines.join("\n")
}
