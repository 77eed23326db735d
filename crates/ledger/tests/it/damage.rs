//! Damage at rest: what a start accepts, what it refuses, and what it says.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use stockade_domain::AuditEvent;
use stockade_ledger::testing::{Faults, SimVfs};
use stockade_ledger::{LedgerError, PayloadState};

use crate::common::{admin, intent, open_with, options};

const FRAMES: &str = "/ledger/frames/00000000000000000000.frames";

/// A log of ten signed entries with a payload at entry 0, and `unsigned` more, each in a round of its own.
fn disk(unsigned: u64) -> SimVfs {
    let disk = SimVfs::new(Faults::default());
    let (ledger, _) = open(&disk).unwrap();
    let mut room = ledger.reserve(10).unwrap();
    room.append_blocking(&admin(0), Some(b"text")).unwrap();
    for n in 1..10 {
        room.append_blocking(&admin(n), None).unwrap();
    }
    ledger.close().unwrap();
    drop(ledger);
    let before = disk.files();
    let (ledger, _) = open(&disk).unwrap();
    for n in 0..unsigned {
        ledger.reserve(1).unwrap().append_blocking(&admin(10 + n), None).unwrap();
    }
    ledger.close().unwrap();
    // The frames of the longer log under the earlier checkpoint: as if the power had gone before it was signed.
    let frames = disk.files().remove(Path::new(FRAMES)).unwrap();
    let early = SimVfs::new(Faults::default());
    for folder in ["/ledger", "/ledger/frames", "/ledger/payloads", "/ledger/tile", "/ledger/tile/0"] {
        stockade_ledger::Vfs::create_dir(&early, Path::new(folder)).unwrap();
    }
    for folder in ["/ledger/tile/0/000.p", "/ledger/tile/entries", "/ledger/tile/entries/000.p"] {
        stockade_ledger::Vfs::create_dir(&early, Path::new(folder)).unwrap();
    }
    for (path, bytes) in before {
        early.put(&path, &bytes);
    }
    early.put(Path::new(FRAMES), &frames);
    early
}

fn open(disk: &SimVfs) -> Result<(stockade_ledger::Ledger, stockade_ledger::Recovery), LedgerError> {
    open_with(options(Path::new("/ledger")), Arc::new(disk.clone()))
}

fn flip(disk: &SimVfs, path: &str, at: usize) {
    let mut bytes = disk.files().remove(&PathBuf::from(path)).unwrap();
    bytes[at] ^= 0x10;
    disk.put(Path::new(path), &bytes);
}

/// Where each frame of the segment begins.
fn frames(disk: &SimVfs) -> Vec<usize> {
    let bytes = disk.files().remove(Path::new(FRAMES)).unwrap();
    let mut at = 32;
    let mut begins = Vec::new();
    while at < bytes.len() {
        begins.push(at);
        at += 24 + u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    }
    begins
}

fn refusal(disk: &SimVfs) -> String {
    match open(disk) {
        Err(e @ LedgerError::Damaged { .. }) => e.to_string(),
        other => panic!("it should have been refused: {other:?}"),
    }
}

#[test]
fn damage_before_the_signed_size_is_named_and_refused() {
    let disk = disk(0);
    let at = frames(&disk)[4] + 60;
    flip(&disk, FRAMES, at);
    assert!(refusal(&disk).contains("entry 4 at byte"), "{}", refusal(&disk));
    flip(&disk, FRAMES, at);
    assert!(open(&disk).is_ok());
    for path in ["/ledger/tile/0/000.p/10", "/ledger/checkpoint", "/ledger/format"] {
        let disk = self::disk(0);
        flip(&disk, path, 12);
        refusal(&disk);
    }
    let disk = self::disk(0);
    let mut bytes = disk.files().remove(Path::new(FRAMES)).unwrap();
    bytes.truncate(frames(&disk)[9]);
    disk.put(Path::new(FRAMES), &bytes);
    assert!(refusal(&disk).contains("entries 9 to 9 are signed but missing"), "{}", refusal(&disk));
}

#[test]
fn a_bad_last_round_is_cut_and_a_bad_earlier_one_refused() {
    let disk = disk(3);
    let at = frames(&disk)[12];
    flip(&disk, FRAMES, at + 50);
    let (ledger, recovery) = open(&disk).unwrap();
    assert_eq!(recovery.entries, 12);
    assert!(recovery.truncated_bytes > 0);
    assert_eq!(ledger.entry(11).unwrap().unwrap().event(), Some(admin(11)));
    drop(ledger);
    let disk = self::disk(3);
    let at = frames(&disk)[10];
    flip(&disk, FRAMES, at + 50);
    assert!(refusal(&disk).contains("entry 10 at byte"), "{}", refusal(&disk));
}

#[test]
fn damaged_payloads_never_stop_the_log() {
    for (part, at) in
        [("header", 5), ("length", 33), ("checksum", 38), ("index", 41), ("salt", 50), ("text", 85)]
    {
        let disk = disk(0);
        flip(&disk, "/ledger/payloads/00000000000000000000.records", at);
        let (ledger, _) = open(&disk).unwrap();
        assert!(ledger.payload(0).is_err(), "{part}");
        ledger.reserve(1).unwrap().append_blocking(&admin(10), Some(b"more")).unwrap();
        assert_eq!(ledger.payload(10).unwrap(), PayloadState::Text(b"more".to_vec()));
        ledger.close().unwrap();
    }
}

#[test]
fn an_interrupted_request_is_closed_once() {
    let disk = SimVfs::new(Faults::default());
    let (ledger, _) = open(&disk).unwrap();
    ledger.reserve(1).unwrap().append_blocking(&intent(7), None).unwrap();
    drop(ledger);
    for opened in [1, 0, 0] {
        let (ledger, recovery) = open(&disk).unwrap();
        assert_eq!(recovery.open_intents.len(), opened);
        assert_eq!(ledger.size(), 2);
        let last = ledger.entry(1).unwrap().and_then(|entry| entry.event());
        assert!(matches!(last, Some(AuditEvent::Interrupted(_))));
    }
}
