//! Programs that read the API by a token.

use std::fs;

use serde_json::Value;

use crate::support::{Place, ask, eventually, mode};

#[test]
fn a_program_reads_the_api_by_a_token() {
    let place = Place::new();
    let server = place.start();
    assert_eq!(server.chat(Some(&place.key()), &ask("say exactly: tick")).status, 200);
    let make = |scope: &str, expires: &str| {
        let out = place.path(scope);
        let path = out.to_str().unwrap().to_owned();
        place.expect(0, &["tokens", "create", "--scope", scope, "--expires", expires, "--out", &path]);
        assert_eq!(mode(&out), 0o600);
        fs::read_to_string(out).unwrap().trim().to_owned()
    };
    let (records, text) = (make("records", "1d"), make("text", "1d"));
    let get = |path: &str, token: &str| server.get("console", path, Some(token));
    let id = eventually(|| {
        let list: Value = serde_json::from_str(&get("/api/v1/requests", &records).body).ok()?;
        let row = &list["requests"][0];
        (row["end"] == "completed").then(|| row["id"].as_str().unwrap().to_owned())
    });
    let one = format!("/api/v1/requests/{id}");
    let (seen, read) = (get(&one, &records), get(&one, &text));
    assert!(
        seen.status == 200 && !seen.body.contains("tick") && seen.body.contains("withheld"),
        "{}",
        seen.body
    );
    assert!(read.status == 200 && read.body.contains("tick"), "{}", read.body);
    eventually(|| (get(&format!("{one}/proof"), &records).status == 200).then_some(()));
    let status: Value = serde_json::from_str(&get("/api/v1/status", &records).body).unwrap();
    assert!(status["ledger"]["signed_at"].is_string(), "{status}");

    // Neither opens the other's door.
    assert_eq!(server.chat(Some(&text), &ask("hello")).status, 401);
    assert_eq!(get("/api/v1/status", &place.key()).status, 401);
    assert_ne!(get("/", &text).status, 200, "a token is no session of the console");

    let short = text.get(4..14).unwrap();
    place.expect(0, &["tokens", "revoke", short]);
    assert_eq!(get(&one, &text).status, 401);
    assert!(place.refusal(&["tokens", "revoke", short]).contains("before"));
    let listed = place.json(&["tokens", "list"]);
    assert_eq!((&listed[1]["state"], &listed[0]["scope"]), (&"revoked".into(), &"records".into()));
    assert!(place.refusal(&["tokens", "create", "--expires", "400d"]).contains("year"));
    let brief = make_brief(&place);
    eventually(|| (get("/api/v1/status", &brief).status == 401).then_some(()));

    let log = place.expect(0, &["audit", "export"]);
    for word in ["token.create", "token.revoke", &format!("\"actor\":\"token:{short}\"")] {
        assert!(log.contains(word), "{word}");
    }
    for secret in [&records, &text] {
        assert!(!log.contains(secret.as_str()));
    }
    assert!(server.stop().status.success());
}

fn make_brief(place: &Place) -> String {
    place.expect(0, &["tokens", "create", "--expires", "1s", "--out", "brief"]);
    fs::read_to_string(place.path("brief")).unwrap().trim().to_owned()
}
