//! Names: what is found in a text, and that a stream has the same.

use proptest::prelude::*;
use stockade_domain::{Channel, Role, SpanRef};
use stockade_inspect::{Engine, Reach, Report};

use super::{ENGINE, NAMES, context};

fn examine(engine: &Engine, text: &str) -> Report {
    let span = SpanRef { channel: Channel::Content, role: Role::User, path: "", text };
    engine.examine(span, &context(false))
}

fn types(text: &str) -> Vec<(String, &str)> {
    let findings = examine(&NAMES, text).findings;
    findings.iter().map(|finding| (finding.ty.to_string(), &text[finding.start..finding.end])).collect()
}

#[test]
fn names_are_found_where_they_stand() {
    let text = "Dear Ms. Kowalska, my name is Anna Schmidt. I live in Berlin and write to bob@example.org.";
    let found = types(text);
    for (ty, name) in [("person", "Kowalska"), ("person", "Anna Schmidt"), ("location", "Berlin")] {
        assert!(found.contains(&(ty.to_owned(), name)), "{ty} {name}: {found:?}");
    }
    assert!(found.contains(&("email".to_owned(), "bob@example.org")));
}

#[test]
fn names_are_off_unless_asked_for() {
    let text = "My name is Anna Schmidt and I live in Berlin.";
    assert!(examine(&ENGINE, text).findings.is_empty());
    assert!(ENGINE.detectors().iter().all(|detector| &*detector.ty != "person"));
    let person =
        NAMES.detectors().into_iter().find(|detector| &*detector.ty == "person").expect("it is there");
    assert_eq!(person.reach, Reach::Whole);
    let set = NAMES.sets().iter().find(|set| set.detectors.contains(&person.id)).unwrap();
    assert!(set.id.starts_with("names@"), "{}", set.id);
    assert!(examine(&NAMES, text).ran.iter().any(|ran| ran.detector == set.id && ran.bytes == text.len()));
}

#[test]
fn ordinary_words_are_no_names() {
    for text in [
        "Please write a function that sorts a list of numbers and explain how it works.",
        "The meeting is on Monday. Bring your notebook, and a pen.",
        "# Getting started\n\nRun the command and read the output.",
        "{\"status\": \"ok\", \"count\": 3, \"items\": [\"apple\", \"pear\"]}",
        "SELECT id, total FROM orders WHERE total > 100 ORDER BY created_at;",
        "Write to anna.schmidt@berlin.example or see https://anna-schmidt.example/Berlin/Anna.",
        "今天天气很好。 Привет, как дела?",
    ] {
        let names: Vec<_> = types(text).into_iter().filter(|(ty, _)| ty != "email").collect();
        assert_eq!(names, [], "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_stream_has_what_a_whole_text_has(
        words in prop::collection::vec("Anna Schmidt|Berlin|a@b.org|é|\\PC{0,6}|is from|\n|x{300}", 0..120),
        cut in 1_usize..900,
    ) {
        let text = words.join(" ");
        let whole = examine(&NAMES, &text);
        let mut scanner = NAMES.stream(&context(false));
        let (mut findings, mut rest) = (Vec::new(), text.as_str());
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(rest.ceil_char_boundary(cut.min(rest.len())));
            findings.append(&mut scanner.push(piece).findings);
            rest = after;
        }
        findings.append(&mut scanner.finish().findings);
        findings.sort_by_key(|finding| (finding.start, finding.end));
        for finding in &findings {
            prop_assert!(text.get(finding.start..finding.end).is_some_and(|found| !found.is_empty()));
        }
        prop_assert_eq!(whole.findings, findings);
    }
}
