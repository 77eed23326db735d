//! What a user of the log sees.

use std::sync::Arc;
use std::time::Duration;

use stockade_domain::AuditEvent;
use stockade_ledger::verify::{Report, verify_directory};
use stockade_ledger::{LedgerError, Options, PayloadState, RealVfs, Unavailable, verify_bundle};

use crate::common::{admin, append_all, intent, open, open_with, options, outcome, request};

#[test]
fn entries_come_back_and_the_directory_verifies() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger");
    let (ledger, recovery) = open(&path);
    assert_eq!(recovery, stockade_ledger::Recovery::default());
    let receipt = ledger.reserve(1).unwrap().append_blocking(&intent(1), Some(b"secret text")).unwrap();
    assert_eq!(receipt.index, 0);
    let events: Vec<_> = (0..1_000).map(|n| (admin(n), None)).collect();
    append_all(&ledger, &events);
    ledger.reserve(1).unwrap().append_blocking(&outcome(1), None).unwrap();
    assert_eq!(ledger.size(), 1_002);
    assert_eq!(ledger.entry(0).unwrap().unwrap().event(), Some(intent(1)));
    for n in [0, 1, 255, 256, 257, 999] {
        assert_eq!(ledger.entry(n + 1).unwrap().unwrap().event(), Some(admin(n)));
    }
    assert_eq!(ledger.entry(1_002).unwrap(), None);
    assert_eq!(ledger.payload(0).unwrap(), PayloadState::Text(b"secret text".to_vec()));
    assert_eq!(ledger.payload(1).unwrap(), PayloadState::None);
    let places = ledger.find(request(1)).unwrap();
    assert_eq!((places.intent, places.outcome), (Some(0), Some(1_001)));
    let proof = ledger.prove(request(1)).unwrap().to_file();
    let proved = verify_bundle(&proof, Some(&ledger.public_key())).unwrap();
    assert_eq!((proved.intent, proved.outcome), (Some(0), Some(1_001)));
    ledger.close().unwrap();
    let report = verify_directory(&path, Some(&ledger.public_key()));
    assert!(report.is_good(), "{report:?}");
    assert_eq!(
        (report.signed, report.unsigned, report.payloads_intact, report.open_intents),
        (1_002, 0, 1, 0)
    );
    assert_eq!(report.leftovers, Vec::<String>::new());
}

#[test]
fn a_start_closes_open_requests_and_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger");
    let (ledger, _) = open(&path);
    append_all(&ledger, &[(intent(1), None), (intent(2), None), (outcome(1), None)]);
    for round in 0..4_u64 {
        append_all(&ledger, &(0..200).map(|n| (admin(round * 1_000 + n), None)).collect::<Vec<_>>());
        ledger.sign_now().unwrap();
    }
    ledger.close().unwrap();
    drop(ledger);
    let (ledger, recovery) = open(&path);
    assert_eq!(recovery.open_intents, [request(2)]);
    assert_eq!((recovery.entries, recovery.signed, recovery.truncated_bytes), (803, 803, 0));
    let last = ledger.entry(803).unwrap().unwrap().event();
    assert!(matches!(last, Some(AuditEvent::Interrupted(i)) if i.request == request(2)));
    let places = ledger.find(request(2)).unwrap();
    assert_eq!((places.intent, places.outcome), (Some(1), Some(803)));
    ledger.close().unwrap();
    let report = verify_directory(&path, None);
    assert!(report.is_good() && report.open_intents == 0, "{report:?}");
}

#[test]
fn room_is_reserved_and_given_back() {
    let directory = tempfile::tempdir().unwrap();
    let small = Options { queue_slots: 4, ..options(&directory.path().join("ledger")) };
    let (ledger, _) = open_with(small, Arc::new(RealVfs)).unwrap();
    let mut three = ledger.reserve(3).unwrap();
    assert_eq!(ledger.reserve(2).err(), Some(Unavailable::Full));
    three.append_blocking(&admin(1), None).unwrap();
    drop(three);
    let mut four = ledger.reserve(4).unwrap();
    four.append_blocking(&admin(2), None).unwrap();
    drop(four);
    let mut one = ledger.reserve(1).unwrap();
    one.append_blocking(&admin(3), None).unwrap();
    assert!(matches!(one.append_blocking(&admin(4), None), Err(LedgerError::NoSlot)));
    let mut late = ledger.reserve(1).unwrap();
    ledger.close().unwrap();
    assert!(matches!(late.append_blocking(&admin(4), None), Err(LedgerError::Closed)));
    assert_eq!(ledger.reserve(1).err(), Some(Unavailable::Stopped));
}

#[test]
fn a_queue_full_of_bytes_reserves_nothing_more() {
    let disk = stockade_ledger::testing::SimVfs::new(stockade_ledger::testing::Faults::default());
    let small = Options { queue_bytes: 10_000, ..options(std::path::Path::new("/ledger")) };
    let (ledger, _) = open_with(small, Arc::new(disk)).unwrap();
    // The first completion holds the writer up, so that the second entry waits in the queue.
    let (go, hold) = std::sync::mpsc::channel::<()>();
    let mut room = ledger.reserve(2).unwrap();
    room.append(&admin(1), None, move |_| hold.recv().unwrap());
    while ledger.size() == 0 {
        std::thread::yield_now();
    }
    let (sender, second) = std::sync::mpsc::channel();
    room.append(&admin(2), Some(&[0; 20_000]), move |answer| sender.send(answer.map(|_| ())).unwrap());
    assert_eq!(ledger.reserve(1).err(), Some(Unavailable::Full));
    go.send(()).unwrap();
    second.recv().unwrap().unwrap();
    assert!(ledger.reserve(1).is_ok());
}

#[test]
fn what_cannot_be_taken_is_refused_and_harms_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let (ledger, _) = open(&directory.path().join("ledger"));
    let mut room = ledger.reserve(4).unwrap();
    let note = |action: &str, text: String| AuditEvent::Admin {
        time: stockade_domain::Micros::from_i64(0),
        action: action.to_owned(),
        actor: "system".to_owned(),
        detail: [("text".to_owned(), text)].into(),
    };
    let too_large = room.append_blocking(&note("test", "x".repeat(17_000)), None);
    assert!(matches!(too_large, Err(LedgerError::EntryTooLarge { .. })));
    let reserved = room.append_blocking(&note("payload.erase", String::new()), None);
    assert!(matches!(reserved, Err(LedgerError::ReservedAction(_))));
    let payload = vec![0; 2 * 1024 * 1024];
    assert!(matches!(
        room.append_blocking(&admin(1), Some(&payload)),
        Err(LedgerError::PayloadTooLarge { .. })
    ));
    room.append_blocking(&note("test", "\u{0}\u{1f}\"\\\u{7f}é".to_owned()), None).unwrap();
    assert_eq!(ledger.size(), 1);
}

#[test]
fn one_directory_has_one_writer_and_one_key() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger");
    let (ledger, _) = open(&path);
    let again = open_with(options(&path), Arc::new(RealVfs));
    assert!(matches!(again, Err(LedgerError::Locked(_))), "{again:?}");
    drop(ledger);
    let other = Options { instance: "other".to_owned(), ..options(&path) };
    assert!(matches!(open_with(other, Arc::new(RealVfs)), Err(LedgerError::Foreign(_))));
    open(&path);
}

#[test]
fn a_log_verifies_while_it_is_in_use() {
    let directory = tempfile::tempdir().unwrap();
    let (ledger, _) = open(&directory.path().join("ledger"));
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut n = 0;
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                let payload = (n % 3 == 0).then_some(b"text".as_slice());
                append_all(&ledger, &[(admin(n), payload), (intent(n), None), (outcome(n), None)]);
                n += 1;
            }
        });
        let reports: Vec<_> = std::iter::repeat_with(|| {
            std::thread::sleep(Duration::from_millis(5));
            ledger.verify(2)
        })
        .take(40)
        .collect();
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        let sizes: Vec<_> = reports.iter().map(|report| report.signed + report.unsigned).collect();
        assert!(sizes.is_sorted() && reports.iter().all(Report::is_good), "{reports:?}");
    });
    ledger.sign_now().unwrap();
    ledger.close().unwrap();
    let report = verify_directory(&directory.path().join("ledger"), None);
    assert!(report.is_good() && report.leftovers.is_empty(), "{report:?}");
}

#[test]
fn a_log_that_is_written_to_verifies_at_every_look() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger");
    let quick =
        Options { checkpoint_interval: Duration::from_millis(5), segment_entries: 512, ..options(&path) };
    let (ledger, _) = open_with(quick, Arc::new(RealVfs)).unwrap();
    let (going, stop) = std::sync::mpsc::channel::<()>();
    std::thread::scope(|scope| {
        // A look that fails ends the writer too.
        let going = going;
        let ledger = &ledger;
        scope.spawn(move || {
            let mut n = 0;
            while stop.try_recv() == Err(std::sync::mpsc::TryRecvError::Empty) {
                append_all(ledger, &[(admin(n), None), (admin(n), Some(b"text".as_slice()))]);
                n += 1;
                // So slow that the log stays small, so quick that each look meets several checkpoints.
                std::thread::sleep(Duration::from_millis(2));
            }
        });
        let begun = std::time::Instant::now();
        let mut looks = 0;
        while begun.elapsed() < Duration::from_secs(4) {
            let report = verify_directory(&path, None);
            assert!(report.is_good(), "look {looks}: {report:?}");
            assert!(!report.leftovers.iter().any(|file| file.starts_with("tile/")), "{report:?}");
            looks += 1;
        }
        drop(going);
        assert!(looks > 2, "{looks}");
    });
    ledger.close().unwrap();
    let tile = path.join("tile/0/000");
    let mut bytes = std::fs::read(&tile).unwrap();
    bytes[40] ^= 1;
    std::fs::write(&tile, bytes).unwrap();
    assert!(!verify_directory(&path, None).is_good());
}
