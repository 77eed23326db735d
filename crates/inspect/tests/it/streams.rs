//! A stream says what the whole text says, however it is cut, and never too late.

use proptest::prelude::*;
use stockade_domain::{Finding, FindingKind};

use super::{ENGINE, context, examine};

/// Examines the text in pieces that end at the cuts. Panics when a finding comes after its first byte was released.
fn in_pieces(text: &str, cuts: &[usize], json_escapes: bool) -> Vec<Finding> {
    let mut scanner = ENGINE.stream(&context(json_escapes));
    let mut findings: Vec<Finding> = Vec::new();
    let (mut safe, mut from) = (0, 0);
    for cut in cuts.iter().copied().chain([text.len()]) {
        let step = scanner.push(&text[from..cut]);
        assert!(step.safe >= safe && step.safe <= cut && text.is_char_boundary(step.safe), "{safe} {step:?}");
        for finding in &step.findings {
            assert!(finding.start >= safe && finding.end <= step.safe, "{safe} {finding:?}");
        }
        findings.extend(step.findings);
        (safe, from) = (step.safe, cut);
    }
    let report = scanner.finish();
    let mut data = report.findings.iter().filter(|f| f.kind != FindingKind::Injection);
    assert!(data.all(|f| f.start >= safe), "{safe} {report:?}");
    findings.extend(report.findings);
    findings.sort_by_key(|f| (f.start, f.end));
    findings
}

/// Pieces of what recognizers look for, hidden and foreign characters, escapes, prose.
const FRAGMENTS: &[&str] = &[
    "alice@",
    "example",
    ".",
    "com",
    " ",
    "4111 1111 1111 1111",
    "4111",
    "1111",
    " 2",
    "4",
    "-",
    "DE89 3704 0044 0532 0130 00",
    "GB29NWBK",
    "60161331926819",
    "AKIAIOSFODNN7EXAMPLE",
    "AKIA",
    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "secret ",
    "ssn ",
    "536228145",
    "536-22-8145",
    "ghp_0123456789abcdefghij",
    "ABCDEFGHIJ012345",
    "eyJhbGciOiJIUzI1NiJ9",
    ".e30",
    ".c2ln",
    "eyJ",
    "-----BEGIN ",
    "RSA PRIVATE KEY-----",
    "-----END RSA PRIVATE KEY-----",
    "\n",
    "the quick brown fox ",
    "é",
    "\u{200b}",
    "密",
    "①",
    "４１１１",
    "\u{e0041}",
    "\\u0040",
    "\\u00",
    "40",
    "\\n",
    "\\",
    "\"",
    "\\ud83d",
    "\\ude00",
    "bob",
    "_",
    "Ym9iQGV4YW1wbGUub3JnIHdyb3RlIGl0",
    "NDExMSAxMTExIDExMTEgMTExMQ==",
    "626f62406578616d706c652e6f7267",
    "QUtJQUlPU0ZPRE5ON0VYQU1QTEU",
    "%40",
    "&#64;",
    "&#",
    "%4",
    "/",
];

fn text() -> impl Strategy<Value = String> {
    proptest::collection::vec(proptest::sample::select(FRAGMENTS), 0..14).prop_map(|parts| parts.concat())
}

fn cuts(text: &str, wanted: &[usize]) -> Vec<usize> {
    let mut cuts: Vec<usize> =
        wanted.iter().map(|w| text.floor_char_boundary(w % (text.len() + 1))).collect();
    cuts.sort_unstable();
    cuts
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn cuts_do_not_matter(text in text(), wanted in proptest::collection::vec(any::<usize>(), 0..8), json in any::<bool>()) {
        let whole = examine(&text, json).findings;
        prop_assert_eq!(in_pieces(&text, &cuts(&text, &wanted), json), whole);
    }

    #[test]
    fn any_text_will_do(text in any::<String>(), json in any::<bool>()) {
        let every: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        prop_assert_eq!(in_pieces(&text, &every, json), examine(&text, json).findings);
    }

    #[test]
    fn one_character_at_a_time(text in text(), json in any::<bool>()) {
        let every: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        prop_assert_eq!(in_pieces(&text, &every, json), examine(&text, json).findings);
    }
}

#[test]
fn long_regions_and_many_pieces() {
    let key = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----", "MIIE".repeat(2_000));
    let token = format!("eyJhbGciOiJIUzI1NiJ9.{}.c2ln", "e30x".repeat(3_000));
    let over = format!("eyJhbGciOiJIUzI1NiJ9.{} bob@example.org", "e30x".repeat(5_000));
    let text = format!("a@example.com {key} b {token} c@example.com {over}");
    let whole = examine(&text, false);
    let data = whole.findings.iter().filter(|f| f.kind != FindingKind::Injection).count();
    assert_eq!((data, whole.incomplete.len()), (5, 1));
    for size in [1, 7, 4_096, 70_000] {
        let cuts: Vec<usize> = (0..text.len()).step_by(size).collect();
        assert_eq!(in_pieces(&text, &cuts, false), whole.findings);
        assert_eq!(in_pieces(&text, &cuts, true), whole.findings);
    }
}

#[test]
fn engines_are_shared_and_scanners_travel() {
    fn shared<T: Send + Sync + Clone + 'static>(_: &T) {}
    fn travels<T: Send + 'static>(_: &T) {}
    shared(&*ENGINE);
    travels(&ENGINE.stream(&context(true)));
}

#[test]
fn many_streams_at_once() {
    let text = "mail alice@example.com or 4111 1111 1111 1111 ".repeat(50);
    let whole = examine(&text, false).findings;
    std::thread::scope(|scope| {
        for size in 1..9 {
            let (text, whole) = (&text, &whole);
            scope.spawn(move || {
                let cuts: Vec<usize> = (0..text.len()).step_by(size).collect();
                assert_eq!(&in_pieces(text, &cuts, size % 2 == 0), whole);
            });
        }
    });
}

#[test]
fn prose_leaves_soon() {
    let text = "The quick brown fox jumps over the lazy dog, said Alice to order 12-34 at example dot com. "
        .repeat(40);
    let mut scanner = ENGINE.stream(&context(false));
    let mut most = 0;
    for (at, c) in text.char_indices() {
        let safe = scanner.push(c.encode_utf8(&mut [0; 4])).safe;
        most = most.max(at + 1 - safe);
    }
    assert!(most <= 16, "{most} bytes held");
}
