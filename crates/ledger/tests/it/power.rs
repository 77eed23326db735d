//! Power loss at random moments, on a simulated disk that drops, tears and reorders what was not synced.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc;

use stockade_domain::AuditEvent;
use stockade_ledger::testing::{Faults, Seeded, SimVfs};
use stockade_ledger::verify::verify;
use stockade_ledger::{Ledger, PayloadState};

use crate::common::{admin, intent, keys, open_with, options, outcome};

const DIRECTORY: &str = "/ledger";

/// What was promised before the power went.
#[derive(Default)]
struct Promised {
    acked: BTreeMap<u64, (AuditEvent, Option<Vec<u8>>)>,
    submitted: HashSet<String>,
    signed: u64,
}

fn event(n: u64) -> AuditEvent {
    match n % 4 {
        0 => intent(n),
        1 => outcome(n - 1),
        _ => admin(n),
    }
}

fn text(event: &AuditEvent) -> String {
    format!("{event:?}")
}

/// Appends until the power goes or all is done.
fn append_some(ledger: &Ledger, random: &mut Seeded, next: &mut u64, promised: &mut Promised) {
    let count = [1, 10, 40, 700][random.below(4) as usize];
    let (sender, answers) = mpsc::channel();
    let mut sent = 0;
    while sent < count {
        let burst = 1 + random.below(count - sent);
        let Ok(mut room) = ledger.reserve(burst as usize) else { break };
        for _ in 0..burst {
            let event = event(*next);
            let payload = (random.below(3) == 0).then(|| format!("payload {next}").repeat(40).into_bytes());
            *next += 1;
            promised.submitted.insert(text(&event));
            let sender = sender.clone();
            let kept = (event.clone(), payload.clone());
            room.append(&event, payload.as_deref(), move |answer| {
                let _gone = sender.send(answer.map(|receipt| (receipt.index, kept)));
            });
        }
        sent += burst;
        if random.below(2) == 0 {
            std::thread::sleep(std::time::Duration::from_micros(random.below(300)));
        }
        promised.signed = promised.signed.max(ledger.status().signed);
    }
    drop(sender);
    promised.acked.extend(answers.into_iter().filter_map(Result::ok));
    promised.signed = promised.signed.max(ledger.status().signed);
}

/// One life of a log: a few runs that each end in a power loss, then a run in peace in which all that was promised must
/// be there.
fn live(seed: u64, sync_lies: bool) -> Result<(), String> {
    let mut random = Seeded::new(seed);
    let mut promised = Promised::default();
    let mut next = 0;
    let reach = [40, 120, 400, 2_000][random.below(4) as usize];
    let faults = |random: &mut Seeded, power_off: bool| Faults {
        power_off_at: power_off.then(|| 1 + random.below(reach)),
        sync_lies,
        seed: random.below(u64::MAX),
        ..Faults::default()
    };
    let mut disk = SimVfs::new(faults(&mut random, true));
    for _ in 0..1 + random.below(3) {
        if let Ok((ledger, _)) = open_with(options(Path::new(DIRECTORY)), Arc::new(disk.clone())) {
            append_some(&ledger, &mut random, &mut next, &mut promised);
            if random.below(4) == 0 {
                let _power_may_be_off = ledger.close();
            }
        }
        disk = disk.after_power_loss(faults(&mut random, true));
    }
    let disk = disk.after_power_loss(faults(&mut random, false));
    let opened = open_with(options(Path::new(DIRECTORY)), Arc::new(disk.clone()));
    let (ledger, recovery) = opened.map_err(|e| format!("it does not open: {e}"))?;
    if recovery.signed < promised.signed {
        return Err(format!("{} were signed, {} are", promised.signed, recovery.signed));
    }
    if !recovery.payload_problems.is_empty() {
        return Err(format!("payloads: {:?}", recovery.payload_problems));
    }
    for (index, (event, payload)) in &promised.acked {
        let entry = ledger.entry(*index).map_err(|e| e.to_string())?;
        if entry.and_then(|entry| entry.event()).as_ref() != Some(event) {
            return Err(format!("entry {index} was acknowledged and is lost"));
        }
        let expected = payload.clone().map_or(PayloadState::None, PayloadState::Text);
        if ledger.payload(*index).map_err(|e| e.to_string())? != expected {
            return Err(format!("the payload of entry {index} was acknowledged and is lost"));
        }
    }
    for index in 0..ledger.size() {
        let event = ledger.entry(index).map_err(|e| e.to_string())?.and_then(|entry| entry.event());
        let known = event.is_some_and(|event| {
            matches!(event, AuditEvent::Interrupted(_)) || promised.submitted.contains(&text(&event))
        });
        if !known {
            return Err(format!("entry {index} was never submitted"));
        }
    }
    append_some(&ledger, &mut random, &mut next, &mut promised);
    ledger.close().map_err(|e| e.to_string())?;
    let key = keys().signing_key(stockade_crypto::KeyRole::LedgerSigning, 1, b"stockade/test").unwrap();
    let report = verify(&disk, Path::new(DIRECTORY), Some(&key.verifying_key()), 1);
    if !report.is_good() || report.open_intents > ledger.status().open_intents as u64 {
        return Err(format!("it does not verify: {:?}", report.first_bad()));
    }
    Ok(())
}

fn seeds() -> u64 {
    std::env::var("STOCKADE_SEEDS").ok().and_then(|n| n.parse().ok()).unwrap_or(1_000)
}

#[test]
fn what_was_acknowledged_survives_a_power_loss() {
    let count = seeds();
    std::thread::scope(|scope| {
        for lane in 0..4 {
            scope.spawn(move || {
                for seed in (lane..count).step_by(4) {
                    if let Err(why) = live(seed, false) {
                        panic!("seed {seed}: {why}");
                    }
                }
            });
        }
    });
}

#[test]
fn a_disk_that_does_not_sync_is_found_out() {
    let lost = (0..60).filter(|seed| live(*seed, true).is_err()).count();
    assert!(lost > 20, "the test of power loss bites in only {lost} of 60 runs without fdatasync");
}
