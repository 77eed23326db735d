//! A failure at each call to the disk, one after the other, and a disk that fills up at each call.

use std::path::Path;
use std::sync::Arc;

use stockade_domain::AuditEvent;
use stockade_ledger::testing::{Faults, SimVfs};
use stockade_ledger::{LedgerError, Unavailable};

use crate::common::{admin, intent, open_with, options, outcome};

/// A short life with all that a log does; returns the acknowledged entries.
fn live(disk: &SimVfs) -> Vec<(u64, AuditEvent)> {
    let mut acked = Vec::new();
    let Ok((ledger, _)) = open_with(options(Path::new("/ledger")), Arc::new(disk.clone())) else {
        return acked;
    };
    let mut failed = false;
    for n in 0..12 {
        let event = match n {
            0 => intent(0),
            9 => outcome(0),
            _ => admin(n),
        };
        let Ok(mut room) = ledger.reserve(1) else {
            failed = true;
            break;
        };
        match room.append_blocking(&event, (n % 3 == 0).then_some(b"payload".as_slice())) {
            Ok(receipt) => {
                assert!(!failed, "an append succeeded after one had failed");
                acked.push((receipt.index, event));
            }
            Err(e) => {
                assert!(matches!(e, LedgerError::Stopped(_)), "{e}");
                failed = true;
            }
        }
        if n == 5 {
            let _may_fail = ledger.sign_now();
        }
    }
    if failed {
        assert_eq!(ledger.reserve(1).err(), Some(Unavailable::Stopped));
        assert!(ledger.status().stopped.is_some());
    } else {
        let _may_fail = ledger.erase(3, "system");
    }
    let _may_fail = ledger.close();
    acked
}

fn survives(faults: Faults, power_loss: bool) {
    let disk = SimVfs::new(faults);
    let acked = live(&disk);
    let peace = Faults::default();
    let disk = if power_loss { disk.after_power_loss(peace) } else { disk.after_restart(peace) };
    let (ledger, _) = open_with(options(Path::new("/ledger")), Arc::new(disk))
        .unwrap_or_else(|e| panic!("{faults:?}: it does not open again: {e}"));
    for (index, event) in acked {
        let entry = ledger.entry(index).unwrap().and_then(|entry| entry.event());
        assert_eq!(entry, Some(event), "{faults:?}: entry {index} was acknowledged and is lost");
    }
    ledger.reserve(1).unwrap().append_blocking(&admin(99), None).unwrap();
}

#[test]
fn a_failure_at_any_call_stops_the_log_and_loses_nothing() {
    let calm = SimVfs::new(Faults::default());
    live(&calm);
    let calls = calm.calls() + 10;
    assert!(calls > 100, "the script makes only {calls} calls");
    for at in 1..=calls {
        for power_loss in [false, true] {
            survives(Faults { fail_at: Some(at), seed: at, ..Faults::default() }, power_loss);
        }
    }
}

/// The log of a short life without room, in bytes, is much smaller than the room that is made for more.
#[test]
fn a_nearly_full_disk_is_used_up_before_the_log_stops() {
    let whole = {
        let calm = SimVfs::new(Faults::default());
        live(&calm).len()
    };
    for kilobytes in [40, 64, 100, 200, 1_000, 2_100, 3_800, 6_500] {
        let faults = Faults { capacity: Some(kilobytes * 1_024), ..Faults::default() };
        assert_eq!(live(&SimVfs::new(faults)).len(), whole, "{kilobytes} KiB");
    }
    for bytes in (500..20_000).step_by(371) {
        survives(Faults { capacity: Some(bytes), seed: bytes, ..Faults::default() }, bytes % 2 == 0);
    }
}

#[test]
fn a_full_disk_stops_the_log_and_loses_nothing() {
    let calm = SimVfs::new(Faults::default());
    live(&calm);
    for at in 1..=calm.calls() + 10 {
        survives(Faults { full_at: Some(at), seed: at, ..Faults::default() }, at % 2 == 0);
    }
}
