//! Loading, overlay and lint, from outside.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use serde::Deserialize;
use stockade_rulebook::{Origin, Rulebook, lint};

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    word: String,
}

const GOOD: &str = r#"
id = "a-word"
title = "A word"
severity = "low"
status = "stable"
since = "0.1.0"
why = "Because."
fix = "Do not."
references = ["https://example.org/"]
atlas = ["AML.T0051"]
owasp = ["LLM01:2025"]

[signal]
word = "one"

[examples]
match = ["a", "b", "c"]
no_match = ["d", "e", "f"]
"#;

fn message(text: &'static str) -> String {
    let files: &'static [(&'static str, &'static str)] = Box::leak(Box::new([("x/a-word.toml", text)]));
    Rulebook::new(files).load::<Body>("x").unwrap_err().to_string()
}

#[test]
fn reads_a_rule_and_lints_it_clean() {
    let rules = Rulebook::new(&[("x/a-word.toml", GOOD), ("y/other.toml", "")]).load::<Body>("x").unwrap();
    assert_eq!(rules.len(), 1);
    assert_eq!(rules[0].body.word, "one");
    assert_eq!(lint(&rules[0].header, rules[0].origin.stem()), []);
    assert_eq!(lint(&rules[0].header, "b").len(), 1);
}

#[test]
fn errors_name_file_and_place() {
    let unknown = message(Box::leak(GOOD.replace("word = \"one\"", "wodr = 1").into_boxed_str()));
    assert!(
        unknown.contains("rules/x/a-word.toml") && unknown.contains("wodr") && unknown.contains("line 14"),
        "{unknown}"
    );
    let missing = message(Box::leak(GOOD.replace("why =", "# why =").into_boxed_str()));
    assert!(missing.contains("why"), "{missing}");
    let framework = message(Box::leak(GOOD.replace("AML.T0051", "T51").into_boxed_str()));
    assert!(framework.contains("T51"), "{framework}");
}

#[test]
fn a_user_rule_replaces_the_built_in_one() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("x")).unwrap();
    let file = directory.path().join("x/a-word.toml");
    std::fs::write(&file, GOOD.replace("\"one\"", "\"two\"")).unwrap();
    std::fs::write(directory.path().join("x/README.md"), "not a rule").unwrap();
    let book = Rulebook::new(&[("x/a-word.toml", GOOD)]).overlay(directory.path()).unwrap();
    let rules = book.load::<Body>("x").unwrap();
    assert_eq!(rules.len(), 1);
    assert_eq!((rules[0].body.word.as_str(), &rules[0].origin), ("two", &Origin::User(file)));
    std::fs::write(directory.path().join("x/again.toml"), GOOD).unwrap();
    let twice =
        Rulebook::new(&[]).overlay(directory.path()).unwrap().load::<Body>("x").unwrap_err().to_string();
    assert!(twice.contains("again.toml") && twice.contains("a-word"), "{twice}");
}
