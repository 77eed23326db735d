//! The built-in rules.

use stockade_rulebook::{Rulebook, lint};
use stockade_scan::Scanner;

#[test]
fn rules_do_what_their_examples_say() {
    let scanner = Scanner::new(&Rulebook::new(stockade_rules::FILES)).unwrap();
    assert!(scanner.rules() >= 80);
    let failures = scanner.examples();
    assert!(failures.is_empty(), "{} fail: {failures:#?}", failures.len());
}

#[test]
fn rules_are_written_well() {
    let book = Rulebook::new(stockade_rules::FILES);
    for rule in book.load::<toml::Value>("scan").unwrap() {
        let found = lint(&rule.header, rule.origin.stem());
        assert!(found.is_empty(), "{found:?}");
    }
}
