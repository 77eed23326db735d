//! Values of one's own, known by keyed digests: made by a verb, used by the gateway and by `inspect`.

use std::fs;
use std::io::Write as _;
use std::process::Stdio;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::{Place, ask, eventually, text};

const CUSTOMERS: &str = "number;name;town\nKD-4711-Q9;\"Grünwald; Anna\";Kiel\nKD-0815-Z2;Ole Olsen;Ry\n";

/// Every byte of a file of rules, as a text.
fn rule_files(place: &Place) -> String {
    let folder = fs::read_dir(place.path("own/recognizers")).unwrap();
    folder.map(|file| fs::read_to_string(file.unwrap().path()).unwrap()).collect()
}

fn inspected(place: &Place, said: &str) -> Value {
    let output = place.run(&["inspect", "--dir", "own", "--json", "--redact", "--text", said]);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output.stderr)))
}

#[test]
fn a_list_is_found_and_its_file_does_not_hold_it() {
    let place = Place::new();
    fs::write(place.path("customers.csv"), CUSTOMERS).unwrap();
    let table = ["--column", "number", "--separator", ";", "customers.csv"];
    let rule = ["rules", "fingerprint", "--dir", "own", "--id", "own-customers", "--type", "customer"];
    let made = place.json(&[&rule[..], &["--kind", "pii"], &table].concat());
    assert_eq!((&made["values"], &made["left_out_count"]), (&json!(2), &json!(0)));

    let mut child = place
        .command(&["rules", "fingerprint", "--dir", "own", "--id", "own-words"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all("orchid.falcon-77\n\nbluebird meadow\n".as_bytes()).unwrap();
    assert!(child.wait_with_output().unwrap().status.success());

    let files = rule_files(&place).to_lowercase();
    for value in ["4711", "0815", "orchid", "falcon", "bluebird", "grünwald"] {
        assert!(!files.contains(value), "the file of the rule holds `{value}`");
    }
    let seen = inspected(&place, "send kd 4711/q9 and Orchid Falcon 77 to KD-4711-Q8");
    assert_eq!(seen["redacted"], "send [redacted:customer] and [redacted:own_record] to KD-4711-Q8");
    assert_eq!(seen["verdict"], "redact");
    place.expect(0, &["rules", "test", "--dir", "own"]);
    assert!(place.expect(0, &["rules", "list", "--dir", "own"]).contains("own-customers"));

    // A key of another installation finds nothing and says so, rather than finding nothing.
    let other = Place::new();
    drop(other.start());
    let mut command = place.command(&["inspect", "--dir", "own", "--text", "x"]);
    let output = command.env("STOCKADE_ROOT_KEY_FILE", other.path("keys/root.key")).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("another key"), "{}", text(&output.stderr));
}

#[test]
fn the_gateway_takes_a_changed_list_over() {
    let place = Place::new();
    fs::create_dir(place.path("own")).unwrap();
    fs::write(place.path("stockade.toml"), "[rules]\ndir = \"own\"\n").unwrap();
    fs::write(place.path("list"), "orchid falcon 77\n").unwrap();
    place.expect(0, &["rules", "fingerprint", "--id", "own-words", "list"]);
    let server = place.start();
    let said = |what: &str| server.chat(Some(&place.key()), &ask(&format!("say exactly: {what}"))).body;
    let answer = said("the word is Orchid-Falcon-77, is it not?");
    assert!(answer.contains("[redacted:own_record]") && !answer.contains("Falcon"), "{answer}");
    assert!(said("the word is silver birch 12").contains("silver birch 12"));

    fs::write(place.path("list"), "orchid falcon 77\nsilver birch 12\n").unwrap();
    place.expect(0, &["rules", "fingerprint", "--id", "own-words", "list"]);
    server.signal(Signal::HUP);
    let answer = eventually(|| {
        Some(said("the word is silver birch 12 and orchid falcon 77"))
            .filter(|answer| !answer.contains("birch"))
    });
    assert!(!answer.contains("falcon"), "{answer}");

    // A list that cannot be used is refused, and the old one stays in force.
    fs::write(place.path("own/recognizers/own-words.toml"), "id = \"own-words\"\n").unwrap();
    server.signal(Signal::HUP);
    std::thread::sleep(std::time::Duration::from_millis(500));
    assert!(!said("the word is silver birch 12").contains("birch"));
    let said = text(&server.stop().stderr);
    assert!(said.contains("taken over") && said.contains("rules"), "{said}");
    assert!(said.contains("not taken"), "{said}");
    let log = place.expect(0, &["audit", "export"]);
    assert!(log.contains("own-words") && !log.contains("birch"));
}

#[test]
fn a_scan_finds_values_in_a_tree_and_says_where() {
    let place = Place::new();
    fs::write(place.path("list"), "orchid falcon 77\n").unwrap();
    let make = ["rules", "fingerprint", "--dir", "own", "--id", "own-words", "--type", "code_name"];
    place.expect(0, &[&make[..], &["list"]].concat());
    fs::create_dir(place.path("tree")).unwrap();
    fs::write(place.path("tree/app.py"), "import os\n\n# The project Orchid-Falcon-77 begins in May.\n")
        .unwrap();
    let scan = ["scan", "tree", "--rules", "own", "--format", "json", "--cache", "cache"];
    let findings = || {
        let report: Value = serde_json::from_str(&place.expect(1, &scan)).unwrap();
        report["findings"].as_array().unwrap().clone()
    };
    for _ in 0..2 {
        let found = findings();
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!((&found[0]["rule_id"], &found[0]["line"]), (&json!("own-words"), &json!(3)));
        assert!(!found[0].to_string().contains("Falcon"), "{found:?}");
    }
    // The list is another one now: what was kept of it counts no longer.
    fs::write(place.path("list"), "silver birch 12\n").unwrap();
    place.expect(0, &[&make[..], &["list"]].concat());
    place.expect(0, &scan);
}

#[test]
fn a_list_is_taken_whole_or_what_is_left_out_is_said() {
    let place = Place::new();
    fs::write(place.path("list"), "a long enough value\n12345\nanother value\n").unwrap();
    let make = ["rules", "fingerprint", "--dir", "own", "--id", "own-list"];
    let run = |more: &[&str]| place.refusal(&[&make[..], more].concat());
    let said = run(&["list"]);
    assert!(said.contains("line 2") && said.contains("--skip"), "{said}");
    assert!(!place.path("own").exists());
    let out = place.expect(3, &[&make[..], &["--skip", "list"]].concat());
    assert!(out.contains("2 values in") && out.contains("left out: lines 2"), "{out}");
    assert!(run(&["--column", "name", "list"]).contains("no column `name`"));
    assert!(place.refusal(&["rules", "fingerprint", "--id", "x-y", "list"]).contains("--dir"));
    assert!(
        place
            .refusal(&["rules", "fingerprint", "--dir", "own", "--id", "email", "list"])
            .contains("built-in")
    );
    fs::write(place.path("own/recognizers/mine.toml"), MINE).unwrap();
    assert!(
        place.refusal(&["rules", "fingerprint", "--dir", "own", "--id", "mine", "list"]).contains("already")
    );
    assert!(inspected(&place, "the code is zq-4711")["redacted"].as_str().unwrap().contains("[redacted:zq]"));
}

const MINE: &str = "id = \"mine\"\ntitle = \"t\"\nseverity = \"low\"\nstatus = \"stable\"\nsince = \"1.0.0\"\n\
    why = \"w\"\nfix = \"f\"\n[recognizer]\nkind = \"pii\"\ntype = \"zq\"\n[[recognizer.pattern]]\n\
    regex = \"zq-[0-9]{4}\"\nleft = \"a-z\"\nright = \"0-9\"\nconfidence = 900\n[examples]\n\
    match = [\"zq-1234\"]\nno_match = []\n";
