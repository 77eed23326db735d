//! Findings as a SARIF 2.1.0 log (OASIS, Static Analysis Results Interchange Format), for whatever shows such logs.
//! The text that was found is not in it: logs are uploaded and kept.

use std::path::Path;

use serde_json::{Value, json};
use stockade_domain::{Finding, Severity};

use super::lines::Lines;
use super::{Headers, Seen, references};

/// The schema that the log keeps to.
const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

pub(super) fn log(seen: &[Seen], headers: &Headers) -> Value {
    let mut ids: Vec<&str> =
        seen.iter().flat_map(|one| &one.report.findings).map(|finding| &*finding.rule_id).collect();
    ids.sort_unstable();
    ids.dedup();
    let rules: Vec<Value> = ids.iter().map(|id| rule(id, headers)).collect();
    let mut results = Vec::new();
    for one in seen {
        let lines = Lines::new(&one.text, &one.report.findings);
        results.extend(one.report.findings.iter().map(|finding| result(one, finding, &ids, &lines)));
    }
    let mut driver = json!({"name": "stockade", "version": env!("CARGO_PKG_VERSION"), "rules": rules});
    let about = env!("CARGO_PKG_REPOSITORY");
    if let Some(driver) = driver.as_object_mut().filter(|_| !about.is_empty()) {
        driver.insert("informationUri".to_owned(), json!(about));
    }
    let lacks: Vec<Value> = seen.iter().flat_map(notifications).collect();
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": driver},
            "columnKind": "unicodeCodePoints",
            "invocations": [{
                "executionSuccessful": lacks.is_empty(),
                "toolExecutionNotifications": lacks,
            }],
            "results": results,
        }],
    })
}

fn rule(id: &str, headers: &Headers) -> Value {
    let Some(header) = headers.get(id) else { return json!({"id": id}) };
    let mut rule = json!({
        "id": id,
        "shortDescription": {"text": header.title},
        "fullDescription": {"text": header.why},
        "help": {"text": format!("{} {}", header.fix, references(header).join(" ")).trim_end()},
        "defaultConfiguration": {"level": level(header.severity)},
    });
    if let (Some(rule), Some(first)) = (rule.as_object_mut(), header.references.first()) {
        rule.insert("helpUri".to_owned(), json!(first));
    }
    rule
}

fn result(seen: &Seen, finding: &Finding, ids: &[&str], lines: &Lines) -> Value {
    let (start_line, start_column) = lines.of(finding.start);
    let (end_line, end_column) = lines.of(finding.end);
    let mut result = json!({
        "ruleId": &*finding.rule_id,
        "level": level(finding.severity),
        "message": {"text": format!("{} of type {}", finding.kind, finding.ty)},
        "rank": f64::from(finding.confidence.thousandths()) / 10.0,
        "locations": [{"physicalLocation": {
            "artifactLocation": {"uri": uri(seen)},
            "region": {
                "startLine": start_line,
                "startColumn": start_column,
                "endLine": end_line,
                "endColumn": end_column,
            },
        }}],
        "properties": {
            "kind": finding.kind,
            "type": &*finding.ty,
            "start": finding.start,
            "end": finding.end,
            "verdict": seen.level,
        },
    });
    if let (Some(result), Ok(index)) = (result.as_object_mut(), ids.binary_search(&&*finding.rule_id)) {
        result.insert("ruleIndex".to_owned(), json!(index));
    }
    result
}

/// What was not looked at to its end.
fn notifications(seen: &Seen) -> impl Iterator<Item = Value> {
    seen.report.incomplete.iter().map(|lack| {
        json!({
            "level": "error",
            "message": {"text": format!("{}: {} did not look at all of it: {}", seen.name, lack.detector, lack.reason)},
        })
    })
}

const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "note",
    }
}

/// A path as a URI reference (RFC 3986 section 4.2); what is no file keeps its name.
fn uri(seen: &Seen) -> String {
    let Some(file) = &seen.file else { return seen.name.clone() };
    let mut out = String::from(if file.is_absolute() { "file://" } else { "" });
    for byte in shown(file).bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                out.push(char::from(byte))
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}
