use std::fs;

use serde_json::Value;

use crate::support::{Place, ask, eventually, mode, text};

#[test]
fn keys_and_workloads_with_a_server_and_without() {
    let place = Place::new();
    assert!(place.refusal(&["keys", "list"]).contains("stockade up"));
    let server = place.start();
    place.expect(0, &["workload", "create", "reports", "--model", "sandbox", "--audience", "team"]);
    assert!(place.refusal(&["workload", "create", "reports"]).contains("already"));
    let out = place.path("reports.key");
    place.expect(
        0,
        &["keys", "create", "--workload", "reports", "--expires", "7d", "--out", out.to_str().unwrap()],
    );
    assert_eq!(mode(&out), 0o600);
    let key = fs::read_to_string(&out).unwrap();
    assert_eq!(server.chat(Some(key.trim()), &ask("hello")).status, 200);
    place.expect(0, &["workload", "set", "reports", "--model", "other"]);
    assert_eq!(server.chat(Some(key.trim()), &ask("hello")).status, 403);
    assert!(server.stop().status.success());

    let long = ["keys", "create", "--workload", "reports", "--expires", "99999999999d"];
    assert!(place.refusal(&long).contains("hundred years"));

    // The same verbs, now that nothing runs.
    let made = place.json(&["keys", "create", "--workload", "reports", "--expires", "never"]);
    let file = made["file"].as_str().unwrap();
    assert!(fs::read_to_string(file).unwrap().starts_with("stk_"));
    assert!(!made.to_string().contains(fs::read_to_string(file).unwrap().trim()), "a secret was printed");
    place.expect(0, &["keys", "revoke", made["key"]["short_id"].as_str().unwrap()]);
    let table = place.expect(0, &["keys", "list"]);
    assert!(table.contains("revoked") && table.contains("playground"), "{table}");
    let shown = place.json(&["workload", "show", "reports"]);
    assert_eq!((&shown["audience"], &shown["models"][0]), (&Value::from("team"), &Value::from("other")));
    assert!(place.refusal(&["signin"]).contains("no server runs"));
    assert!(place.refusal(&["keys", "create", "--workload", "nobody"]).contains("no workload"));
}

#[test]
fn a_sign_in_link_opens_the_console_once() {
    let place = Place::new();
    let server = place.start();
    let said = text(&place.run(&["signin"]).stdout);
    assert!(!said.contains("token="), "a secret was printed where nobody reads it: {said}");
    let url = fs::read_to_string(place.data().join("run/signin.url")).unwrap();
    let (_, path) = url.trim().split_once("://").unwrap().1.split_once('/').unwrap();
    // A look at the page does not use the link up.
    assert_eq!(server.get("console", &format!("/{path}"), None).status, 200);
    assert_eq!(server.get("console", &format!("/{path}"), None).status, 200);
    assert_ne!(server.get("console", "/api/v1/requests", None).status, 200);
}

#[test]
fn the_record_is_read_proved_and_verified() {
    let place = Place::new();
    let server = place.start();
    assert_eq!(server.chat(Some(&place.key()), &ask("hello")).status, 200);
    assert_eq!(server.chat(Some("stk_wrong"), &ask("hello")).status, 401);
    let outcome = eventually(|| {
        let log = place.expect(0, &["audit", "export"]);
        let entries = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        entries.map(|entry| entry["event"].clone()).find(|event| event["type"] == "outcome")
    });
    let request = outcome["request"].as_str().unwrap();
    let proof = place.path("proof.json");
    place.expect(0, &["audit", "prove", request, "--out", proof.to_str().unwrap()]);
    let key = place.data().join("ledger/ledger.pub");
    let verify = ["audit", "verify", "--proof", proof.to_str().unwrap(), "--key", key.to_str().unwrap()];
    assert!(place.expect(0, &verify).starts_with("good"));
    let altered = fs::read_to_string(&proof).unwrap().replace("sandbox", "sandbax");
    fs::write(&proof, altered).unwrap();
    assert!(place.expect(1, &verify).starts_with("BAD"));
    assert!(server.stop().status.success());

    let tail = place.expect(0, &["audit", "tail", "-n", "3"]);
    assert_eq!(tail.lines().count(), 3, "{tail}");
    let all = place.expect(0, &["audit", "export"]);
    assert!(all.contains("invalid_api_key"), "{all}");
    assert_eq!(place.json(&["audit", "verify"])["good"], true);

    let frames = fs::read_dir(place.data().join("ledger/frames")).unwrap().next().unwrap().unwrap().path();
    let mut bytes = fs::read(&frames).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&frames, bytes).unwrap();
    let said = place.expect(1, &["audit", "verify"]);
    assert!(said.contains("BAD: entry"), "{said}");
    assert!(place.refusal(&Place::UP).contains("damaged"));
}

#[test]
fn a_copy_taken_while_it_runs_is_a_whole_installation() {
    let place = Place::new();
    let server = place.start();
    let key = place.key();
    for _ in 0..5 {
        assert_eq!(server.chat(Some(&key), &ask("hello")).status, 200);
    }
    let copy = place.path("copy");
    let to = copy.to_str().unwrap();
    let manifest = place.json(&["backup", to]);
    assert!(manifest["entries"].as_u64().unwrap() >= 10, "{manifest}");
    assert!(place.refusal(&["backup", to]).contains("exists already"));
    let inside = place.data().join("copy");
    assert!(place.refusal(&["backup", inside.to_str().unwrap()]).contains("data directory"));
    assert!(!inside.exists());
    assert_eq!(server.chat(Some(&key), &ask("hello")).status, 200);
    assert!(server.stop().status.success());
    assert!(place.refusal(&["restore", to]).contains("there is an installation already"));

    fs::rename(place.data(), place.path("old")).unwrap();
    place.expect(0, &["restore", to]);
    assert!(place.expect(0, &["audit", "verify"]).starts_with("good:"));
    let server = place.start();
    assert_eq!(server.chat(Some(&key), &ask("hello")).status, 200);
    assert!(server.stop().status.success());

    fs::remove_dir_all(place.data()).unwrap();
    let file = copy.join("ledger/ledger.pub");
    fs::write(&file, b"x").unwrap();
    assert!(place.refusal(&["restore", to]).contains("ledger/ledger.pub"));
    assert!(!place.data().exists(), "a restore that failed left something");
}

#[test]
fn policies_rules_and_ids_explain_themselves() {
    let place = Place::new();
    assert!(place.expect(0, &["policy", "check"]).starts_with("good"));
    assert!(place.expect(0, &["policy", "test"]).contains(" 0 failed"));
    fs::create_dir(place.path("extra")).unwrap();
    fs::write(place.path("extra/mine.cedar"), "@id(\"mine\")\npermit (principal, action, resorce);\n")
        .unwrap();
    let said = place.expect(1, &["policy", "check", "extra"]);
    assert!(said.contains("mine.cedar"), "{said}");
    let case = "[workloads.app]\nmodels = [\"m\"]\n[models.m]\nupstream = \"u\"\n\
                [[case]]\nname = \"one\"\nworkload = \"app\"\naction = \"invoke\"\nmodel = \"m\"\n";
    fs::write(place.path("case.toml"), case).unwrap();
    assert!(place.expect(0, &["policy", "explain", "case.toml"]).contains("invoke-listed-models"));
    assert!(place.expect(0, &["rules", "test"]).contains(" 0 examples failed"));
    assert!(place.expect(0, &["rules", "list"]).contains("email"));
    for id in ["email", "prompt-injection", "policy_denied"] {
        assert!(place.expect(0, &["explain", id]).starts_with(id));
    }
    assert!(place.refusal(&["explain", "nothing-like-it"]).contains("nothing has the id"));
    assert!(place.refusal(&["explain", "emial"]).contains("did you mean `email`?"));
    assert!(place.expect(0, &["completions", "bash"]).contains("stockade"));
    assert!(place.refusal(&["completions", "bash", "--format", "json"]).contains("json"));
    fs::create_dir(place.path("empty")).unwrap();
    assert_eq!(place.expect(0, &["scan", "empty", "--format", "jsonl"]), "");
}

#[test]
fn the_configuration_is_begun_checked_and_shown() {
    let place = Place::new();
    place.expect(0, &["config", "init"]);
    assert!(place.refusal(&["config", "init"]).contains("stockade.toml"));
    assert!(place.expect(0, &["config", "check"]).starts_with("good"));
    let mut command = place.command(&["config", "show", "--origin"]);
    let output = command.env("STOCKADE__LIMITS__JSON_DEPTH", "7").output().unwrap();
    let shown = text(&output.stdout);
    assert!(shown.lines().any(|line| line.contains("json_depth") && line.contains("environment")), "{shown}");
    fs::write(place.path("stockade.toml"), "[limits]\njson_depht = 3\n").unwrap();
    let said = place.refusal(&["config", "check"]);
    assert!(said.contains("json_depth"), "{said}");
}

#[test]
fn the_doctor_looks_at_everything() {
    let place = Place::new();
    let server = place.start();
    let out = place.expect(0, &["doctor"]);
    for word in ["root key", "data", "server", "disk", "clock", "ledger", "policies"] {
        assert!(out.contains(word), "{word}: {out}");
    }
    assert!(server.stop().status.success());
    let checks = place.json(&["doctor", "--offline"]);
    assert!(checks.as_array().unwrap().iter().all(|check| check["state"] != "fail"), "{checks}");

    let other = Place::new();
    drop(other.start());
    fs::copy(other.path("keys/root.key"), place.path("keys/root.key")).unwrap();
    let out = place.expect(1, &["doctor", "--offline"]);
    assert!(out.contains("FAIL  root key") && out.contains("another installation"), "{out}");
    assert!(place.refusal(&Place::UP).contains("not the key of this instance"));
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let place = Place::new();
    let mut child = place.command(&["rules", "list"]).spawn().unwrap();
    drop(child.stdout.take());
    assert!(child.wait().unwrap().success());
}
