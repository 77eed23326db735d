//! What is found, and where.

use stockade_inspect::Engine;
use stockade_rulebook::{Rulebook, lint};

use super::{NAMES, examine, found};

#[test]
fn every_rule_passes_its_own_examples() {
    let failures = NAMES.examples();
    assert!(failures.is_empty(), "{failures:#?}");
}

#[test]
fn changed_examples_come_out_as_they_should() {
    let outcome = NAMES.adversarial();
    assert!(outcome.tried > 5_000, "{}", outcome.tried);
    assert!(outcome.failures.is_empty(), "{:#?}", outcome.failures);
}

#[test]
fn findings_cover_what_is_hidden_in_them() {
    for (text, ty, place) in [
        ("a 4111\u{200b}1111\u{ad}1111 11\u{2060}11.", "card", "4111\u{200b}1111\u{ad}1111 11\u{2060}11"),
        ("write to ａｌｉｃｅ＠example．com!", "email", "ａｌｉｃｅ＠example．com"),
        ("邮箱是foo@bar.com。谢谢", "email", "foo@bar.com"),
        ("𝟒𝟏𝟏𝟏 𝟏𝟏𝟏𝟏 𝟏𝟏𝟏𝟏 𝟏𝟏𝟏𝟏", "card", "𝟒𝟏𝟏𝟏 𝟏𝟏𝟏𝟏 𝟏𝟏𝟏𝟏 𝟏𝟏𝟏𝟏"),
        ("4111\u{2011}1111\u{2011}1111\u{2011}1111", "card", "4111\u{2011}1111\u{2011}1111\u{2011}1111"),
        (
            "-----BEGIN PRIVATE KEY-----\nMC4C and no end",
            "private_key",
            "-----BEGIN PRIVATE KEY-----\nMC4C and no end",
        ),
        ("x.eyJhbGciOiJIUzI1NiJ9.e30.c2ln.", "jwt", "eyJhbGciOiJIUzI1NiJ9.e30.c2ln"),
    ] {
        assert_eq!(found(text, &examine(text, false).findings), [(ty.to_owned(), place)], "{text}");
    }
}

#[test]
fn escapes_are_read_both_ways() {
    let text = r#"{"to":"alice\u0040example.com","raw":"\nbob@example.org"}"#;
    assert_eq!(
        found(text, &examine(text, true).findings),
        [("email".to_owned(), r"alice\u0040example.com"), ("email".to_owned(), r"\nbob@example.org")]
    );
    let text = r#"{"k":"-----BEGIN PRIVATE KEY-----\nMC4C\n-----END PRIVATE KEY-----\n","x":1}"#;
    let key = r"-----BEGIN PRIVATE KEY-----\nMC4C\n-----END PRIVATE KEY-----";
    assert_eq!(found(text, &examine(text, true).findings), [("private_key".to_owned(), key)]);
}

#[test]
fn a_region_over_its_cap_is_withheld_to_the_end_and_incomplete() {
    let text = format!(
        "a -----BEGIN PRIVATE KEY-----\n{}-----END PRIVATE KEY----- bob@example.org",
        "x".repeat(20_000)
    );
    let report = examine(&text, false);
    assert_eq!(found(&text, &report.findings), [("private_key".to_owned(), &text[2..])]);
    assert_eq!(report.incomplete.len(), 1);
    assert_eq!((&*report.incomplete[0].detector, &*report.incomplete[0].reason), ("private-key", "too_long"));
    assert!(report.ran.iter().all(|ran| ran.bytes == text.len()));
}

#[test]
fn the_built_in_rules_are_well_written() {
    let book = Rulebook::new(stockade_rules::FILES);
    for folder in ["recognizers", "signals", "names"] {
        for rule in book.load::<serde::de::IgnoredAny>(folder).unwrap() {
            assert_eq!(lint(&rule.header, rule.origin.stem()), [], "{}", rule.header.id);
        }
    }
}

#[test]
fn rules_that_cannot_run_are_refused_with_a_reason() {
    const RULE: &str = r#"
id = "x"
title = "X"
severity = "low"
status = "stable"
since = "0.1.0"
why = "-"
fix = "-"
examples = {}
[recognizer]
kind = "pii"
type = "x"
"#;
    for (body, reason) in [
        ("", "neither a pattern nor a region"),
        ("[[recognizer.pattern]]\nregex = 'a+'\nconfidence = 1", "1 to 4096 characters"),
        ("[[recognizer.pattern]]\nregex = 'a{0,3}'\nconfidence = 1", "1 to 4096 characters"),
        ("[[recognizer.pattern]]\nregex = '\\ba'\nconfidence = 1", "looks around"),
        ("[[recognizer.pattern]]\nregex = '('\nconfidence = 1", "unclosed group"),
        ("[[recognizer.pattern]]\nregex = 'a'\nleft = 'z-a'\nconfidence = 1", "class `z-a`"),
        ("[[recognizer.pattern]]\nregexp = 'a'\nconfidence = 1", "unknown field `regexp`"),
        ("[[recognizer.region]]\nopener = 'a'\ncap = 9\nconfidence = 1", "either a closer or an alphabet"),
    ] {
        let text: &'static str = format!("{RULE}{body}").leak();
        let files: &'static [(&str, &str)] = Box::leak(Box::new([("recognizers/x.toml", text)]));
        let error = Engine::new(&Rulebook::new(files)).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
}
