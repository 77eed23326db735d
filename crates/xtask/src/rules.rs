//! The rules of inspection as a page.

use std::fmt::Write as _;

use anyhow::Result;
use serde::Deserialize;
use stockade_rulebook::{Rule, Rulebook, Status};

/// As much of a recognizer as the page shows.
#[derive(Deserialize)]
struct Recognizer {
    kind: String,
    #[serde(rename = "type")]
    ty: String,
    #[serde(default)]
    locales: Vec<String>,
    #[serde(default)]
    pattern: Vec<Pattern>,
}

#[derive(Deserialize)]
struct Pattern {
    #[serde(default)]
    validator: Option<String>,
    #[serde(default)]
    context: Option<toml::Value>,
    #[serde(default)]
    lead: Option<String>,
    #[serde(default)]
    hinted: bool,
}

/// `docs/rules.md`.
pub(crate) fn page() -> Result<String> {
    let book = Rulebook::new(stockade_rules::FILES);
    let recognizers = book.load::<Recognizer>("recognizers")?;
    let signals = book.load::<serde::de::IgnoredAny>("signals")?;
    let mut out = String::from(
        "# Rules of inspection\n\nEvery built-in rule. `stockade explain ID` says why it matters and what to do about a finding. Made by\n\
         `cargo xtask generate`; do not edit.\n\nHow a match is told from what only looks like one: *check*, a check digit, a number plan or a measure of \
         randomness;\n*context*, a word near it; *lead*, what stands just before it; *form*, nothing but its shape. What stands in \
         brackets runs only\nwhere one of the rule's countries is chosen.\n",
    );
    for (kind, title) in [("pii", "Personal data"), ("secret", "Credentials")] {
        let rules: Vec<_> = recognizers
            .iter()
            .filter(|rule| rule.body.kind == kind && rule.header.status != Status::Removed)
            .collect();
        write!(
            out,
            "\n## {title}\n\n{} rules.\n\n| rule | finds | type | countries | told by |\n| --- | --- | --- | --- | --- |\n",
            rules.len()
        )?;
        for rule in rules {
            let locales = rule.body.locales.join(" ");
            writeln!(
                out,
                "| `{}` | {} | `{}` | {locales} | {} |",
                rule.header.id,
                rule.header.title,
                rule.body.ty,
                told_by(rule)
            )?;
        }
    }
    let leaks = book.load::<serde::de::IgnoredAny>("leaks")?;
    write!(out, "\n## Leaks\n\n{} rules.\n\n| rule | finds |\n| --- | --- |\n", leaks.len())?;
    for rule in leaks {
        writeln!(out, "| `{}` | {} |", rule.header.id, rule.header.title)?;
    }
    let signals: Vec<_> = signals.iter().filter(|rule| rule.header.status != Status::Removed).collect();
    write!(out, "\n## Signs of attacks\n\n{} rules.\n\n| rule | finds |\n| --- | --- |\n", signals.len())?;
    for rule in signals {
        writeln!(out, "| `{}` | {} |", rule.header.id, rule.header.title)?;
    }
    Ok(out)
}

fn told_by(rule: &Rule<Recognizer>) -> String {
    if rule.body.pattern.is_empty() {
        return "opener and end".to_owned();
    }
    let mut ways: Vec<String> = Vec::new();
    for pattern in &rule.body.pattern {
        let parts = [
            ("check", pattern.validator.is_some()),
            ("context", pattern.context.is_some()),
            ("lead", pattern.lead.is_some()),
        ];
        let named: Vec<&str> = parts.iter().filter(|(_, there)| *there).map(|(name, _)| *name).collect();
        let way = if named.is_empty() { "form".to_owned() } else { named.join(" and ") };
        let way = if pattern.hinted { format!("[{way}]") } else { way };
        if !ways.contains(&way) {
            ways.push(way);
        }
    }
    ways.join("; ")
}
