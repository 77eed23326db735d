//! Events, keys and logs for tests.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use stockade_crypto::{KeyRing, RootKey, SystemRandom};
use stockade_domain::{
    Action, AuditEvent, CallerRecord, Clock, CredentialKind, DecisionRecord, Direction, Effect, EndReason,
    Inspection, Intent, IntentMode, KeyId, Micros, Outcome, RequestId, WorkloadId,
};
use stockade_ledger::{Ledger, LedgerError, Options, RealVfs, Recovery, Vfs};

/// A clock that moves by one millisecond whenever it is read.
pub(crate) struct TestClock(pub(crate) AtomicI64);

impl Clock for TestClock {
    fn now(&self) -> Micros {
        Micros::from_i64(self.0.fetch_add(1_000, Ordering::Relaxed))
    }
}

pub(crate) fn clock() -> Arc<TestClock> {
    Arc::new(TestClock(AtomicI64::new(1_795_176_000_000_000)))
}

pub(crate) fn keys() -> KeyRing {
    let line = format!("stockade-root-key-1 {}\n", "2a".repeat(32));
    KeyRing::new(RootKey::from_file(&line).unwrap())
}

pub(crate) fn options(directory: &Path) -> Options {
    Options {
        segment_entries: 256,
        checkpoint_interval: Duration::from_millis(1),
        ..Options::new(directory, "test")
    }
}

pub(crate) fn open_with(options: Options, vfs: Arc<dyn Vfs>) -> Result<(Ledger, Recovery), LedgerError> {
    Ledger::open(options, vfs, clock(), Arc::new(SystemRandom), &keys())
}

pub(crate) fn open(directory: &Path) -> (Ledger, Recovery) {
    open_with(options(directory), Arc::new(RealVfs)).unwrap()
}

pub(crate) fn request(n: u64) -> RequestId {
    let [.., a, b, c, d, e, f, g, h] = n.to_be_bytes();
    RequestId::new(Micros::from_i64(1_795_176_000_000_000), [0, 0, a, b, c, d, e, f, g, h])
}

fn inspection(direction: Direction) -> Inspection {
    Inspection {
        direction,
        channels: BTreeMap::new(),
        ran: Vec::new(),
        incomplete: Vec::new(),
        findings: Vec::new(),
        counts: BTreeMap::new(),
        restored: 0,
    }
}

pub(crate) fn intent(n: u64) -> AuditEvent {
    AuditEvent::Intent(Box::new(Intent {
        request: request(n),
        time: Micros::from_i64(1_795_176_000_000_000),
        caller: CallerRecord {
            workload: WorkloadId::new(Micros::from_i64(1), [1; 10]),
            key: Some(KeyId::new(Micros::from_i64(1), [2; 10])),
            credential: CredentialKind::ApiKey,
            token: None,
            certificate: None,
            user_proof: None,
            user: None,
            chain: Vec::new(),
        },
        action: Action::Invoke,
        surface: "openai.chat".to_owned(),
        model: "sandbox".to_owned(),
        targets: vec!["sandbox".to_owned()],
        stream: true,
        mode: IntentMode::Overlap,
        decision: DecisionRecord {
            effect: Effect::Permit,
            policies: vec!["default-invoke".to_owned()],
            policy_hash: "00".repeat(32),
            reasons: Vec::new(),
            obligations: Vec::new(),
            asked: None,
            trial: None,
        },
        inspection: inspection(Direction::Request),
    }))
}

pub(crate) fn outcome(n: u64) -> AuditEvent {
    AuditEvent::Outcome(Box::new(Outcome {
        request: request(n),
        time: Micros::from_i64(1_795_176_000_500_000),
        end: EndReason::Completed,
        code: None,
        status: 200,
        attempts: vec!["sandbox".to_owned()],
        caller: None,
        inspection: None,
        tool_decisions: Vec::new(),
        usage: None,
        charge: None,
        bytes_in: 10,
        bytes_out: 20,
        first_byte_us: 1_000,
        duration_us: 2_000,
    }))
}

/// A small entry that says `n`.
pub(crate) fn admin(n: u64) -> AuditEvent {
    AuditEvent::Admin {
        time: Micros::from_i64(1_795_176_000_000_000),
        action: "test.note".to_owned(),
        actor: "system".to_owned(),
        detail: BTreeMap::from([("n".to_owned(), n.to_string())]),
    }
}

/// Appends without waiting one by one; returns when all are durable.
pub(crate) fn append_all(ledger: &Ledger, events: &[(AuditEvent, Option<&[u8]>)]) {
    let (sender, answers) = std::sync::mpsc::channel();
    let mut room = ledger.reserve(events.len()).unwrap();
    for (event, payload) in events {
        let sender = sender.clone();
        room.append(event, *payload, move |answer| sender.send(answer.map(|_| ())).unwrap());
    }
    drop(sender);
    for answer in answers {
        answer.unwrap();
    }
}
