use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use stockade_domain::{AuditEvent, Micros};
use stockade_ledger::PayloadState;
use stockade_ledger::verify::verify_directory;
use stockade_platform::{Layout, PlatformError, restore};

use crate::support::Place;

/// An entry with recorded text beside it.
fn entry(n: u64) -> (AuditEvent, Vec<u8>) {
    let event = AuditEvent::Admin {
        time: Micros::from_i64(1),
        action: "test".to_owned(),
        actor: "system".to_owned(),
        detail: [("n".to_owned(), n.to_string())].into(),
    };
    (event, format!("text {n}").into_bytes())
}

#[test]
fn a_copy_taken_under_load_verifies_and_opens_whole() {
    let place = Place::new();
    let platform = Arc::new(place.open());
    let ledger = platform.journal.ledger().clone();
    // More than two full tiles before the copies begin, and an erased text among them.
    let mut room = ledger.reserve(600).unwrap();
    for n in 0..599 {
        let (event, text) = entry(n);
        room.append(&event, Some(&text), |result| assert!(result.is_ok()));
    }
    let (event, text) = entry(599);
    let last = room.append_blocking(&event, Some(&text)).unwrap();
    ledger.erase(last.index, "cli").unwrap();

    let stop = Arc::new(AtomicBool::new(false));
    let writer = {
        let (ledger, stop) = (ledger.clone(), Arc::clone(&stop));
        std::thread::spawn(move || {
            let mut n = 1_000;
            while !stop.load(Ordering::Relaxed) {
                let (event, text) = entry(n);
                ledger.reserve(1).unwrap().append_blocking(&event, Some(&text)).unwrap();
                n += 1;
            }
            n
        })
    };
    let outside = tempfile::tempdir().unwrap();
    let copies = outside.path().to_owned();
    let mut entries = Vec::new();
    for n in 0..8 {
        let to = copies.join(n.to_string());
        let before = ledger.size();
        let manifest = platform.backup(&to, "cli").unwrap();
        assert!(manifest.entries > before, "everything that was durable before is in the copy");
        entries.push(manifest.entries);
    }
    stop.store(true, Ordering::Relaxed);
    assert!(writer.join().unwrap() > 1_000, "nothing was written meanwhile");
    assert!(entries.is_sorted());

    for (n, entries) in entries.into_iter().enumerate() {
        let (from, to) = (copies.join(n.to_string()), copies.join(format!("{n}-restored")));
        fs::create_dir(&to).unwrap();
        restore(&from, &Layout::new(&to)).unwrap();
        let restored = place.open_at(&to);
        let copy = restored.journal.ledger();
        assert_eq!(copy.size(), entries, "the copy ends where its manifest says");
        assert_eq!(copy.payload(5).unwrap(), PayloadState::Text(b"text 5".to_vec()));
        assert_eq!(copy.payload(last.index).unwrap(), PayloadState::Erased);
        restored.close().unwrap();
        drop(restored);
        assert!(verify_directory(&to.join("ledger"), None).is_good());
    }
}

#[test]
fn a_copy_that_was_touched_restores_nowhere() {
    let place = Place::new();
    let platform = place.open();
    platform.roster.first_workload().unwrap();
    let outside = tempfile::tempdir().unwrap();
    let from = outside.path().join("copy");
    platform.backup(&from, "cli").unwrap();
    let to = outside.path().join("to");
    fs::create_dir(&to).unwrap();
    let layout = Layout::new(&to);
    let refused = |what: &str| {
        let error = restore(&from, &layout).unwrap_err();
        assert!(matches!(error, PlatformError::Damaged(_)), "{what}: {error}");
        assert!(!layout.store().exists() && !layout.ledger().exists(), "{what}: something was written");
    };
    let file = from.join("ledger/checkpoint");
    let whole = fs::read(&file).unwrap();
    for bit in [0, whole.len() * 8 - 1] {
        let mut bad = whole.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        fs::write(&file, bad).unwrap();
        refused("a flipped bit");
    }
    fs::write(&file, &whole).unwrap();
    fs::write(from.join("extra"), b"").unwrap();
    refused("a file too many");
    fs::remove_file(from.join("extra")).unwrap();
    let key = from.join("ledger/ledger.pub");
    let line = fs::read(&key).unwrap();
    fs::remove_file(&key).unwrap();
    refused("a file too few");
    fs::write(&key, line).unwrap();
    std::os::unix::fs::symlink("/etc/hostname", from.join("link")).unwrap();
    refused("a link");
    fs::remove_file(from.join("link")).unwrap();
    restore(&from, &layout).unwrap();
    assert!(matches!(restore(&from, &layout), Err(PlatformError::Conflict(_))));
    assert!(matches!(platform.backup(&from, "cli"), Err(PlatformError::Conflict(_))));
}
