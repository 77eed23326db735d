//! The rules of artifacts: each passes the lint of rules, and finds what its examples say.

use std::collections::BTreeMap;

use stockade_rulebook::{Rulebook, lint};
use stockade_scan::artifact::{Body, Policy};

use crate::artifact::{CORPUS, POLICY, look};

#[test]
fn every_rule_passes_the_lint() {
    let book = Rulebook::new(stockade_rules::FILES);
    let rules = book.load::<Body>("artifacts").unwrap();
    assert!(rules.len() > 40);
    let complaints: Vec<String> =
        rules.iter().flat_map(|r| lint(&r.header, r.origin.stem())).map(|l| l.to_string()).collect();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn every_rule_finds_its_examples() {
    let book = Rulebook::new(stockade_rules::FILES);
    let mut wrong = Vec::new();
    let mut seen: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for rule in book.load::<Body>("artifacts").unwrap() {
        let id = &rule.header.id;
        let examples = &rule.header.examples;
        if rule.body.is_structure() {
            let Some(corpus) = CORPUS.as_deref() else { continue };
            let cases = examples
                .matching
                .iter()
                .map(|p| (p, true))
                .chain(examples.no_match.iter().map(|p| (p, false)));
            for (path, expected) in cases {
                let found = seen.entry(path.clone()).or_insert_with(|| {
                    let bytes = std::fs::read(corpus.join(path)).unwrap_or_else(|e| panic!("{path}: {e}"));
                    look(path, &bytes).issues.iter().map(|i| i.rule_id.to_string()).collect()
                });
                if found.contains(id) != expected {
                    wrong.push(format!("{id}: {path} has {found:?}"));
                }
            }
        } else {
            let says = |path: &str| Policy::explains(&POLICY, path).is_some_and(|r| r == *id);
            wrong.extend(examples.matching.iter().filter(|p| !says(p)).map(|p| format!("{id}: not {p}")));
            wrong.extend(examples.no_match.iter().filter(|p| says(p)).map(|p| format!("{id}: also {p}")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
