//! `kill -9` at random moments: the test binary runs itself as a child that appends and says what was acknowledged.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use stockade_ledger::testing::Seeded;
use stockade_ledger::verify::verify_directory;

use crate::common::{admin, open};

const CHILD: &str = "STOCKADE_LEDGER_CHILD";

/// Not a test of its own: the child of the one below. Appends for ever.
#[test]
fn child() {
    let Some(directory) = std::env::var_os(CHILD) else { return };
    let (ledger, _) = open(directory.as_ref());
    let out = Arc::new(Mutex::new(std::io::stdout()));
    let mut n = 0;
    loop {
        let Ok(mut room) = ledger.reserve(1) else { continue };
        let out = out.clone();
        let payload = (n % 7 == 0).then_some(b"some text".as_slice());
        room.append(&admin(n), payload, move |answer| {
            let mut out = out.lock().unwrap();
            writeln!(out, "ack {} {n}", answer.unwrap().index).unwrap();
            out.flush().unwrap();
        });
        n += 1;
        if n.is_multiple_of(16) {
            std::thread::sleep(Duration::from_micros(200));
        }
    }
}

#[test]
fn what_was_acknowledged_survives_kill_9() {
    let rounds = std::env::var("STOCKADE_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(200);
    let directory = tempfile::tempdir().unwrap();
    let mut random = Seeded::new(9);
    let mut acked = 0;
    for round in 0..rounds {
        let path = directory.path().join(format!("ledger-{}", round / 20));
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "kill::child", "--nocapture", "--test-threads=1"])
            .env(CHILD, &path)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        let (tell, told) = std::sync::mpsc::channel();
        let reader = std::thread::spawn(move || {
            let read = lines.lines().map_while(Result::ok).inspect(|line| {
                if line.contains("ack ") {
                    let _nobody_waits = tell.send(());
                }
            });
            read.collect::<Vec<_>>()
        });
        // Some while it starts, some while it writes, however busy the machine is.
        if round % 4 > 0 {
            let _too_slow = told.recv_timeout(Duration::from_secs(20));
        }
        std::thread::sleep(Duration::from_millis(random.below(60)));
        child.kill().unwrap();
        child.wait().unwrap();
        let (ledger, _) = open(&path);
        for line in reader.join().unwrap() {
            let mut words = line.split(' ').skip_while(|word| *word != "ack").skip(1);
            // The last line may be cut; only a whole one says that something was acknowledged.
            let (Some(Ok(index)), Some(Ok(n))) =
                (words.next().map(str::parse::<u64>), words.next().map(str::parse::<u64>))
            else {
                continue;
            };
            let entry = ledger.entry(index).unwrap().and_then(|entry| entry.event());
            let cut =
                entry.as_ref().is_some_and(|e| *e != admin(n) && format!("{e:?}").contains(&n.to_string()));
            assert!(entry == Some(admin(n)) || cut, "round {round}: entry {index} is lost: {entry:?}");
            acked += 1;
        }
        ledger.close().unwrap();
        if round % 20 == 19 {
            let report = verify_directory(&path, Some(&ledger.public_key()));
            assert!(report.is_good(), "round {round}: {:?}", report.first_bad());
        }
    }
    assert!(acked > rounds, "only {acked} entries were acknowledged in {rounds} rounds");
}
