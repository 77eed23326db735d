//! Databases that earlier versions wrote, one for each format, kept as they were. Each must open and say the same.
//!
//! After adding a migration: `cargo test -p stockade-store --test it golden -- --ignored` writes the file of the new
//! format; the files of older formats are never written again.

use std::path::{Path, PathBuf};

use stockade_store::{ApiToken, MIGRATIONS, RegisteredPrompt, RequestFilter, SqliteDb, Store};
use tempfile::TempDir;

use crate::samples::{NOW, at, counter, key, mark, request, text, workload};

fn golden(version: i64) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/v{version}.db"))
}

#[test]
fn a_database_of_every_format_opens_and_holds_what_it_held() {
    for step in MIGRATIONS {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("store.db");
        std::fs::copy(golden(step.version), &path).unwrap();
        let store = Store::open(&path, at(60)).unwrap();

        let owner = workload("golden");
        let kept = store.workloads().get(owner.id).unwrap().unwrap();
        assert_eq!((&kept.workload, kept.updated), (&owner, at(1)));
        let mut expected = key(1, owner.id);
        (expected.revoked, expected.last_used) = (Some(at(3)), Some(at(2)));
        assert_eq!(store.keys().list(None).unwrap(), [expected, key(2, owner.id)]);
        let newest_first = [request(2, owner.id), request(1, owner.id)];
        assert_eq!(store.requests().list(&RequestFilter::default(), 9).unwrap(), newest_first);
        assert!(store.sessions().is_open("5e55", at(60)).unwrap());
        assert!(!store.signin_links().consume("115c", at(60)).unwrap());
        assert_eq!(store.settings().get("instance").unwrap().as_deref(), Some("golden"));
        assert_eq!(store.registered_prompts().list().unwrap().len(), 1);
        let tokens: Vec<_> = store.api_tokens().list().unwrap().into_iter().map(|t| t.short_id).collect();
        assert_eq!(tokens, ["A123456789"].get(..usize::from(step.version >= 2)).unwrap());
        let counters = store.usage_counters().list().unwrap();
        assert_eq!(counters, [counter("golden")].get(..usize::from(step.version >= 3)).unwrap());
        let since = |version| usize::from(step.version >= version);
        let texts = store.labelled_texts().list().unwrap();
        assert_eq!(texts, [text("golden")].get(..since(4)).unwrap());
        assert_eq!(store.label_marks().list().unwrap(), [mark("golden")].get(..since(4)).unwrap());
        assert!(SqliteDb::open(&path).unwrap().check().unwrap().is_empty());
    }
}

#[test]
#[ignore = "writes the golden file of the newest format"]
fn write_the_golden_file_of_the_newest_format() {
    let target = golden(MIGRATIONS.last().unwrap().version);
    assert!(!target.exists(), "{} is there already and stays as it is", target.display());
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("store.db");
    let store = Store::open(&path, NOW).unwrap();
    let owner = workload("golden");
    store.workloads().create(&owner, NOW).unwrap();
    store.workloads().update(&owner, at(1)).unwrap();
    let first = key(1, owner.id);
    store.keys().create(&first).unwrap();
    store.keys().create(&key(2, owner.id)).unwrap();
    store.keys().touch(&[(first.id, at(2))]).unwrap();
    store.keys().revoke(first.id, at(3)).unwrap();
    store.requests().write(&[request(1, owner.id), request(2, owner.id)], None).unwrap();
    store.sessions().create("5e55", NOW, at(3_600)).unwrap();
    store.signin_links().create("115c", NOW, at(600)).unwrap();
    assert!(store.signin_links().consume("115c", at(1)).unwrap());
    store.settings().set("instance", "golden").unwrap();
    let (digest, note) = ("cd".repeat(32), "v1".to_owned());
    store
        .registered_prompts()
        .register(&RegisteredPrompt { workload: owner.id, digest, note, created: NOW })
        .unwrap();
    let token = ApiToken {
        short_id: "A123456789".to_owned(),
        mac: "ab".repeat(32),
        ring_version: 1,
        scope: "text".to_owned(),
        note: "v2".to_owned(),
        created: NOW,
        expires: at(3_600),
        revoked: None,
    };
    store.api_tokens().create(&token).unwrap();
    store.usage_counters().write(&[counter("golden")]).unwrap();
    store.labelled_texts().put(&text("golden")).unwrap();
    store.label_marks().write(&[mark("golden")]).unwrap();
    SqliteDb::open(&path).unwrap().backup(&target).unwrap();
}
