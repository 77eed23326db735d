//! `config check` and `up` take and refuse the same files.

use std::fs;

use crate::support::{Place, text};

/// Files that are refused, each with a word that the refusal must hold and the text that it must point at.
const REFUSED: &[(&str, &str, &str)] = &[
    ("[policies]\ndir = \"/nonexist\"\n", "policies.dir", "\"/nonexist\""),
    ("[policies]\ndir = \"bad-policies\"\n", "policies.dir", "\"bad-policies\""),
    ("[rules]\ndir = \"/nonexist\"\n", "rules.dir", "\"/nonexist\""),
    ("[rules]\ndir = \"bad-rules\"\n", "rules.dir", "\"bad-rules\""),
    ("[rules]\nlocales = [\"de\", \"xx\"]\n", "country `xx`", "\"xx\""),
    ("[limits]\nconnections = 0\n", "connections", "0"),
    ("[limits]\nbody = \"0 B\"\n", "body", "\"0 B\""),
    ("[limits]\nhead_timeout = \"0s\"\n", "head_timeout", "\"0s\""),
    ("[labels]\norder = [\"public\", \"confidential\", \"public\"]\n", "twice", "\"public\""),
    ("[labels]\norder = []\n", "labels.order", "[]"),
    ("[labels]\norder = [\"public\", \"secret\"]\n", "confidential", "[\"public\", \"secret\"]"),
    ("[server]\nhosts = [\"a.example\", \"a b\"]\n", "a b", "\"a b\""),
    ("[server]\nhosts = [\"https://a.example\"]\n", "https://", "\"https://a.example\""),
    ("[server]\nconsole = \"127.0.0.1:8470\"\n", "server.console", "\"127.0.0.1:8470\""),
    ("[server]\ntls_certificate = \"no.pem\"\ntls_key = \"no.pem\"\n", "tls_certificate", "\"no.pem\""),
    ("[upstreams.a]\nbase_url = \"https://a.example/v1\"\nmodels = [\"m\", \"*x\"]\n", "*x", "\"*x\""),
    (
        "[upstreams.a]\nbase_url = \"https://a.example/v1\"\nmodels = [\"m\"]\napi_key = \"env:NOPE\"\n",
        "NOPE",
        "\"env:NOPE\"",
    ),
    (
        "[upstreams.a]\nbase_url = \"https://a.example/v1\"\nmodels = [\"m\"]\napi_key = \"file:/nonexist\"\n",
        "/nonexist",
        "\"file:/nonexist\"",
    ),
    (
        "[upstreams.a]\nbase_url = \"https://a.example/v1\"\nmodels = [\"m\"]\napi_key = \"file:empty\"\n",
        "nothing in",
        "\"file:empty\"",
    ),
    (
        "[upstreams.a]\nbase_url = \"https://a.example/v1\"\nmodels = [\"m\"]\nlabel_max = \"secret\"\n",
        "`secret`",
        "\"secret\"",
    ),
    ("[upstreams.\"a b\"]\nbase_url = \"https://a.example/v1\"\nmodels = [\"m\"]\n", "a b", "\"a b\""),
];

#[test]
fn a_check_refuses_what_up_refuses_and_shows_the_place() {
    let place = Place::new();
    fs::create_dir_all(place.path("bad-policies")).unwrap();
    fs::write(place.path("bad-policies/mine.cedar"), "permit (principal, action, resorce);\n").unwrap();
    fs::create_dir_all(place.path("bad-rules/recognizers")).unwrap();
    fs::write(place.path("bad-rules/recognizers/mine.toml"), "id = \"mine\"\n").unwrap();
    fs::write(place.path("empty"), "\n").unwrap();
    for (file, needle, pointed) in REFUSED {
        fs::write(place.path("stockade.toml"), file).unwrap();
        let said = place.refusal(&["config", "check"]);
        let line = file.lines().find(|line| line.contains(pointed)).unwrap();
        for part in [needle, line, "here"] {
            assert!(said.contains(part), "{part}\n{file}\n{said}");
        }
        let up = place.refusal(&Place::UP);
        assert!(up.contains(needle), "{file}\n{up}");
        let doctor = text(&place.run(&["doctor", "--offline"]).stdout);
        assert!(doctor.contains("FAIL  configuration"), "{file}\n{doctor}");
    }
    assert!(!place.data().join("store.db").exists());
}

#[test]
fn what_the_environment_adds_is_checked_too() {
    let place = Place::new();
    let check = |args: &[&str], name: &str, value: &str| {
        let output = place.command(args).env(name, value).output().unwrap();
        (output.status.code(), text(&output.stderr))
    };
    let (code, said) = check(&["config", "check"], "STOCKADE__POLICIES__DIR", "/nonexist");
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("environment") && said.contains("/nonexist"), "{said}");
    let (code, said) = check(&["config", "check"], "OPENAI_API_KEY", "sk-x\u{1}y");
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("--no-env-upstreams") && !said.contains("sk-x"), "{said}");
    let (code, said) = check(&["config", "check", "--no-env-upstreams"], "OPENAI_API_KEY", "sk-x\u{1}y");
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn labels_of_ones_own_stand_around_those_that_policies_speak_of() {
    let place = Place::new();
    let file = "[labels]\norder = [\"public\", \"confidential\", \"secret\"]\n\
                [upstreams.a]\nbase_url = \"https://a.example/v1\"\nmodels = [\"m\"]\nlabel_max = \"secret\"\n";
    fs::write(place.path("stockade.toml"), file).unwrap();
    assert!(place.expect(0, &["config", "check"]).starts_with("good"));
}
