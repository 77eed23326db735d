//! One page of HTML that needs nothing else: no script, no request, light and dark.

use std::fmt::Write as _;

use stockade_domain::Untrusted;

use crate::asset::{Kind, Scope};
use crate::report::{Report, severity_word};

const STYLE: &str = include_str!("style.css");

/// The most rows of a table.
const ROWS: usize = 5_000;

/// A report as a page. Whatever comes from the tree is escaped; the page's policy allows its own style and nothing else.
#[must_use]
pub fn html(report: &Report) -> String {
    let mut page = String::new();
    let name = safe(&report.workload);
    let style = STYLE;
    let _ = write!(
        page,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta http-equiv=\"Content-Security-Policy\" \
         content=\"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n<meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n<title>{name}: AI \
         assets and findings</title>\n<style>{style}</style>\n</head>\n<body>\n<header><h1>{name}</h1><p>Named by its {}; \
         Stockade {}.</p></header>\n<main>\n",
        safe(if report.workload_from == "directory" { "directory" } else { "stockade.toml" }),
        safe(&report.tool_version)
    );
    totals(report, &mut page);
    findings(report, &mut page);
    assets(report, &mut page);
    join(report, &mut page);
    coverage(report, &mut page);
    page.push_str("</main>\n</body>\n</html>\n");
    page
}

/// Hidden characters made visible, then escaped for HTML.
fn safe(text: &str) -> String {
    Untrusted::new(&Untrusted::new(text).for_log()).for_html()
}

fn totals(report: &Report, page: &mut String) {
    page.push_str("<section class=\"totals\" aria-label=\"Totals\">\n");
    for severity in ["critical", "high", "medium", "low", "info"] {
        let count = report.summary.findings.get(severity).copied().unwrap_or(0);
        let _ = writeln!(page, "<div class=\"total {severity}\"><b>{count}</b><span>{severity}</span></div>");
    }
    let assets = report.assets.iter().filter(|asset| asset.scope == Scope::Product).count();
    let _ = writeln!(page, "<div class=\"total\"><b>{assets}</b><span>assets</span></div>");
    let lacks = report.coverage.incomplete.len();
    let _ = writeln!(
        page,
        "<div class=\"total\"><b>{lacks}</b><span>not scanned to the end</span></div>\n</section>"
    );
}

fn findings(report: &Report, page: &mut String) {
    page.push_str("<section><h2>Findings</h2>\n");
    if report.findings.is_empty() {
        page.push_str("<p>None.</p></section>\n");
        return;
    }
    let mut sorted: Vec<_> = report.findings.iter().collect();
    sorted.sort_by_key(|finding| (finding.suppressed.is_some(), std::cmp::Reverse(finding.severity)));
    page.push_str("<div class=\"wide\"><table><thead><tr><th>Severity<th>Where<th>What<th>What to do</tr></thead><tbody>\n");
    for finding in sorted.iter().take(ROWS) {
        let word = severity_word(finding.severity);
        let aside = finding.suppressed.as_ref().map(|why| {
            format!("<p class=\"aside\">Put aside ({}): {}</p>", safe(&why.by), safe(&why.reason))
        });
        let _ = writeln!(
            page,
            "<tr><td><span class=\"badge {word}\">{word}</span><td><code>{}:{}</code><td><b>{}</b><br><code>{}</code>{}<td>{}</tr>",
            safe(&finding.path),
            finding.line,
            safe(&finding.message),
            safe(&finding.rule_id),
            aside.unwrap_or_default(),
            safe(&finding.fix)
        );
    }
    page.push_str("</tbody></table></div></section>\n");
}

fn assets(report: &Report, page: &mut String) {
    page.push_str("<section><h2>Assets</h2>\n<div class=\"wide\"><table><thead><tr><th>Kind<th>Name<th>Where<th>Sure<th>Known</tr></thead><tbody>\n");
    let mut rows = 0_usize;
    for kind in Kind::ALL {
        let all: Vec<_> = report.assets.iter().filter(|asset| asset.kind == kind).collect();
        if all.is_empty() {
            let said = if report.coverage.read == 0 { "- not scanned" } else { "0 clean" };
            let _ = writeln!(page, "<tr class=\"none\"><td>{}<td colspan=\"4\">{said}</tr>", kind.as_str());
        }
        for asset in all {
            rows = rows.saturating_add(1);
            if rows > ROWS {
                break;
            }
            let mut places = String::new();
            for one in asset.occurrences.iter().take(8) {
                let _ = write!(places, "<code>{}:{}</code> ", safe(&one.path), one.line);
            }
            if asset.occurrences.len() > 8 {
                let _ = write!(places, "and {} more", asset.occurrences.len().saturating_sub(8));
            }
            let mut facts = String::new();
            for (name, value) in &asset.facts {
                let _ = write!(facts, "{} {}<br>", safe(&name.replace('_', " ")), safe(value));
            }
            let scope = match asset.scope {
                Scope::Product => "",
                Scope::Test => " <span class=\"badge\">tests</span>",
                Scope::Docs => " <span class=\"badge\">documentation</span>",
                Scope::Vendored => " <span class=\"badge\">vendored</span>",
            };
            let _ = writeln!(
                page,
                "<tr><td>{}<td><b>{}</b>{scope}<td>{places}<td>{}<td>{facts}</tr>",
                kind.as_str(),
                safe(&asset.name),
                asset.confidence
            );
        }
    }
    page.push_str("</tbody></table></div></section>\n");
}

fn join(report: &Report, page: &mut String) {
    page.push_str("<section><h2>Gateway</h2>\n");
    match &report.gateway {
        None => page.push_str("<p>- not asked: no server ran where the scan did.</p>"),
        Some(gateway) => {
            let _ = writeln!(
                page,
                "<p>{} model endpoints in this code, {} seen at the gateway.</p><ul>",
                gateway.endpoints,
                gateway.seen.map_or_else(|| "-".to_owned(), |seen| seen.to_string())
            );
            for unseen in &gateway.unseen {
                let _ = writeln!(
                    page,
                    "<li><code>{}:{}</code> {}: {}</li>",
                    safe(&unseen.path),
                    unseen.line,
                    safe(&unseen.endpoint),
                    safe(&unseen.change)
                );
            }
            page.push_str("</ul>");
        }
    }
    page.push_str("</section>\n");
}

fn coverage(report: &Report, page: &mut String) {
    let coverage = &report.coverage;
    let _ = writeln!(
        page,
        "<section><h2>Coverage</h2>\n<p>{} files, {} read, {} skipped, {} not scanned to the end.</p>",
        coverage.files,
        coverage.read,
        coverage.skipped.len(),
        coverage.incomplete.len()
    );
    for (title, lacks) in [("Not scanned to the end", &coverage.incomplete), ("Skipped", &coverage.skipped)] {
        if !lacks.is_empty() {
            let _ = writeln!(page, "<details><summary>{title}</summary><ul>");
            for lack in lacks.iter().take(ROWS) {
                let _ = writeln!(page, "<li><code>{}</code> {}</li>", safe(&lack.path), safe(&lack.why));
            }
            page.push_str("</ul></details>\n");
        }
    }
    page.push_str("</section>\n");
}
