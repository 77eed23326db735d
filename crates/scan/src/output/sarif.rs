//! SARIF 2.1.0 (OASIS), for tools that show findings beside code.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use stockade_domain::Severity;

use crate::asset::Finding;
use crate::report::Report;

/// The findings of a report as a SARIF log. Suppressed ones are there and say so.
#[must_use]
pub fn sarif(report: &Report) -> Value {
    let mut rules: BTreeMap<&str, &Finding> = BTreeMap::new();
    for finding in &report.findings {
        rules.entry(&finding.rule_id).or_insert(finding);
    }
    let index: BTreeMap<&str, usize> = rules.keys().enumerate().map(|(at, id)| (*id, at)).collect();
    let results: Vec<Value> = report.findings.iter().map(|finding| result(finding, &index)).collect();
    let notifications: Vec<Value> = report
        .coverage
        .incomplete
        .iter()
        .map(|lack| {
            json!({
                "level": "error",
                "message": { "text": format!("not scanned to the end: {}", lack.why) },
                "locations": [{ "physicalLocation": { "artifactLocation": location(&lack.path) } }],
            })
        })
        .collect();
    json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "Stockade",
                "semanticVersion": report.tool_version,
                "informationUri": "https://example.invalid/stockade",
                "rules": rules.iter().map(|(id, finding)| rule(id, finding)).collect::<Vec<_>>(),
            } },
            "invocations": [{
                "executionSuccessful": report.coverage.incomplete.is_empty(),
                "toolExecutionNotifications": notifications,
            }],
            "originalUriBaseIds": { "SRCROOT": { "description": { "text": "The root of the scanned tree" } } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn rule(id: &str, finding: &Finding) -> Value {
    let help = finding.references.iter().find(|reference| reference.starts_with("https://"));
    let mut rule = json!({
        "id": id,
        "shortDescription": { "text": finding.message },
        "help": { "text": finding.fix },
        "defaultConfiguration": { "level": level(finding.severity) },
        "properties": { "tags": tags(finding), "security-severity": score(finding.severity) },
    });
    if let (Some(help), Some(object)) = (help, rule.as_object_mut()) {
        object.insert("helpUri".to_owned(), json!(help));
    }
    rule
}

fn tags(finding: &Finding) -> Vec<&str> {
    let ids = finding.references.iter().filter(|reference| !reference.starts_with("https://"));
    std::iter::once("security").chain(ids.map(String::as_str)).collect()
}

fn result(finding: &Finding, index: &BTreeMap<&str, usize>) -> Value {
    let mut result = json!({
        "ruleId": finding.rule_id,
        "ruleIndex": index.get(finding.rule_id.as_str()),
        "level": level(finding.severity),
        "message": { "text": finding.message },
        "locations": [{ "physicalLocation": {
            "artifactLocation": location(&finding.path),
            "region": { "startLine": finding.line.max(1) },
        } }],
        "partialFingerprints": { "stockade/v1": finding.fingerprint },
    });
    if let (Some(why), Some(object)) = (&finding.suppressed, result.as_object_mut()) {
        let kind = if why.by == "inline" { "inSource" } else { "external" };
        object.insert("suppressions".to_owned(), json!([{ "kind": kind, "justification": why.reason }]));
    }
    result
}

/// A path as a relative URI reference (RFC 3986), below the root.
fn location(path: &str) -> Value {
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'.' | b'_' | b'~') {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    json!({ "uri": uri, "uriBaseId": "SRCROOT" })
}

const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Info | Severity::Low => "note",
        Severity::Medium => "warning",
        Severity::High | Severity::Critical => "error",
    }
}

/// The number that code hosts sort by.
const fn score(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "0.0",
        Severity::Low => "3.0",
        Severity::Medium => "5.5",
        Severity::High => "8.0",
        Severity::Critical => "9.5",
    }
}
