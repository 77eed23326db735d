//! `cargo xtask bench ledger`: what durable, provable records cost on this device.
//!
//! Producers append intents and outcomes of 1 KiB in turn. *Closed loop*: each keeps a number of entries under way; what
//! counts is how many become durable in a second. *Open loop*: entries come at a fixed rate whatever the log does; what
//! counts is the time from when an entry was due to when it was acknowledged. The device's own `fdatasync` stands beside.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use clap::Args;
use hdrhistogram::Histogram;
use stockade_crypto::{KeyRing, RootKey, SystemRandom};
use stockade_domain::{
    Action, AuditEvent, CallerRecord, Clock, CredentialKind, DecisionRecord, DetectorRun, Direction, Effect,
    EndReason, Inspection, Intent, IntentMode, KeyId, Micros, Outcome, RequestId, WorkloadId,
};
use stockade_ledger::verify::{Report, verify};
use stockade_ledger::{Ledger, Options as LedgerOptions, RealVfs};

use super::{device, load};
use crate::table::Table;
use crate::{process, workspace};

/// Canonical bytes of an entry that the bench aims at.
const ENTRY_BYTES: usize = 1024;

/// What to measure.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// Threads that append.
    #[arg(long, default_value_t = 8)]
    producers: u64,
    /// Entries that each producer keeps under way in the closed loop.
    #[arg(long, default_value_t = 256)]
    window: u64,
    /// Entries a second in the open loop.
    #[arg(long, default_value_t = 10_000)]
    rate: u64,
    /// Seconds of each loop.
    #[arg(long, default_value_t = 8)]
    seconds: u64,
    /// Bytes of payload beside each intent in the open loop; 0 for none.
    #[arg(long, default_value_t = 0)]
    payload: usize,
    /// Where the log is made; its device is what is measured.
    #[arg(long)]
    directory: Option<PathBuf>,
}

struct WallClock;

impl Clock for WallClock {
    fn now(&self) -> Micros {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Micros::from_i64(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }
}

/// What a loop gave.
struct Measured {
    entries: u64,
    took: Duration,
    latencies: Histogram<u64>,
    rounds: u64,
}

/// Measures and prints.
pub(crate) fn run(options: &Options) -> Result<()> {
    let scratch = match &options.directory {
        Some(directory) => directory.clone(),
        None => workspace::root()?.join("target").join("bench"),
    };
    std::fs::create_dir_all(&scratch)?;
    let folder = tempfile::tempdir_in(&scratch)?;
    let busy = process::load_average();
    let device = device::fdatasync(folder.path(), 2_000)?;
    let closed_path = folder.path().join("closed");
    let closed = closed_loop(options, &closed_path)?;
    let open = open_loop(options, &folder.path().join("open"))?;
    let verified = [1, 2].map(|threads| verify_timed(&closed_path, threads));

    let micros = |nanos: u64| format!("{:.2}", nanos as f64 / 1e6);
    let mut table =
        Table::new(["durable appends of 1 KiB", "entries/s", "p50 ms", "p99 ms", "p99.9 ms", "entries/sync"]);
    for (name, measured) in [
        (format!("closed loop, {} producers x {}", options.producers, options.window), &closed),
        (format!("open loop, {}/s", options.rate), &open),
    ] {
        let quantile = |q| micros(measured.latencies.value_at_quantile(q));
        table.row(vec![
            name,
            format!("{:.0}", measured.entries as f64 / measured.took.as_secs_f64()),
            quantile(0.5),
            quantile(0.99),
            quantile(0.999),
            format!("{:.1}", measured.entries as f64 / measured.rounds.max(1) as f64),
        ]);
    }
    let quantile = |q| micros(device.value_at_quantile(q));
    table.row(vec![
        "the device: 1 KiB and fdatasync".to_owned(),
        format!("{:.0}", 1e9 / device.mean()),
        quantile(0.5),
        quantile(0.99),
        quantile(0.999),
        "1.0".to_owned(),
    ]);
    println!("{}", table.render());
    let mut table = Table::new(["offline verification", "entries", "entries/s"]);
    for (threads, (report, took)) in [1, 2].into_iter().zip(&verified) {
        let entries = report.signed.saturating_add(report.unsigned);
        let verdict = if report.is_good() { "" } else { " (BAD)" };
        table.row(vec![
            format!("{threads} thread(s){verdict}"),
            entries.to_string(),
            format!("{:.0}", entries as f64 / took.as_secs_f64()),
        ]);
    }
    println!("{}", table.render());
    println!(
        "Aims on two idle cores: 50,000/s closed; p99 at most 10 ms open at 10,000/s; 200,000/s verified."
    );
    println!("Load average of the machine when this began: {busy:?}.");
    Ok(())
}

fn open_log(path: &Path) -> Result<Ledger> {
    let keys = KeyRing::new(RootKey::generate(&SystemRandom)?);
    let options = LedgerOptions::new(path, "bench");
    let (ledger, _) =
        Ledger::open(options, Arc::new(RealVfs), Arc::new(WallClock), Arc::new(SystemRandom), &keys)?;
    Ok(ledger)
}

/// Latencies from many completions.
#[derive(Clone)]
struct Recorder(Arc<Mutex<Histogram<u64>>>);

impl Recorder {
    fn new() -> Result<Self> {
        Ok(Self(Arc::new(Mutex::new(load::histogram()?))))
    }

    fn note(&self, latency: Duration) {
        load::note(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner), latency);
    }

    fn read(&self) -> Histogram<u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn closed_loop(options: &Options, path: &Path) -> Result<Measured> {
    let ledger = open_log(path)?;
    let recorder = Recorder::new()?;
    let done = Arc::new(AtomicU64::new(0));
    let begin = Instant::now();
    let end = begin + Duration::from_secs(options.seconds);
    std::thread::scope(|scope| {
        for producer in 0..options.producers {
            let (ledger, recorder, done) = (&ledger, &recorder, &done);
            scope.spawn(move || produce(ledger, recorder, done, producer, options.window, end));
        }
    });
    let took = begin.elapsed();
    let entries = done.load(Ordering::Acquire);
    let rounds = ledger.status().rounds;
    ledger.close()?;
    Ok(Measured { entries, took, latencies: recorder.read(), rounds })
}

/// Appends with a window of entries under way until the time is over and all have been acknowledged.
fn produce(
    ledger: &Ledger,
    recorder: &Recorder,
    done: &Arc<AtomicU64>,
    producer: u64,
    window: u64,
    end: Instant,
) {
    let acknowledged = Arc::new(AtomicU64::new(0));
    let me = std::thread::current();
    let mut pair = Pair::new();
    let mut sent = 0_u64;
    while Instant::now() < end {
        let room = window.saturating_sub(sent.saturating_sub(acknowledged.load(Ordering::Acquire)));
        // Half a window at a time, so that a producer is woken once for many acknowledgements.
        if room < window / 2 {
            std::thread::park_timeout(Duration::from_millis(5));
            continue;
        }
        let Ok(mut reservation) = ledger.reserve(usize::try_from(room).unwrap_or(1)) else {
            std::thread::yield_now();
            continue;
        };
        for _ in 0..room {
            let event = pair.next((producer << 40) | sent);
            sent = sent.saturating_add(1);
            let (acknowledged, done, me, recorder) =
                (acknowledged.clone(), done.clone(), me.clone(), recorder.clone());
            let due = Instant::now();
            reservation.append(event, None, move |answer| {
                if answer.is_ok() {
                    done.fetch_add(1, Ordering::AcqRel);
                    recorder.note(due.elapsed());
                }
                if acknowledged.fetch_add(1, Ordering::AcqRel).is_multiple_of(window / 2) {
                    me.unpark();
                }
            });
        }
    }
    while acknowledged.load(Ordering::Acquire) < sent {
        std::thread::park_timeout(Duration::from_millis(1));
    }
}

fn open_loop(options: &Options, path: &Path) -> Result<Measured> {
    let ledger = open_log(path)?;
    let recorder = Recorder::new()?;
    let done = Arc::new(AtomicU64::new(0));
    let total = options.rate.saturating_mul(options.seconds);
    let payload = vec![b'x'; options.payload];
    let mut pair = Pair::new();
    let begin = Instant::now();
    for n in 0..total {
        let due = begin + Duration::from_nanos(n.saturating_mul(1_000_000_000) / options.rate);
        let now = Instant::now();
        if due > now {
            std::thread::sleep(due - now);
        }
        let mut reservation = ledger.reserve(1).context("the queue is full")?;
        let (done, recorder) = (done.clone(), recorder.clone());
        let payload = (options.payload > 0 && n.is_multiple_of(2)).then_some(payload.as_slice());
        reservation.append(pair.next(n), payload, move |answer| {
            if answer.is_ok() {
                done.fetch_add(1, Ordering::AcqRel);
                recorder.note(due.elapsed());
            }
        });
    }
    while done.load(Ordering::Acquire) < total && ledger.status().stopped.is_none() {
        std::thread::sleep(Duration::from_millis(1));
    }
    let took = begin.elapsed();
    let rounds = ledger.status().rounds;
    ledger.close()?;
    Ok(Measured { entries: done.load(Ordering::Acquire), took, latencies: recorder.read(), rounds })
}

fn verify_timed(path: &Path, threads: usize) -> (Report, Duration) {
    let begin = Instant::now();
    let report = verify(&RealVfs, path, None, threads);
    (report, begin.elapsed())
}

/// An intent and an outcome of about 1 KiB each, given in turn with the ids of ever new requests.
struct Pair {
    intent: AuditEvent,
    outcome: AuditEvent,
    request: RequestId,
}

impl Pair {
    fn new() -> Self {
        let request = RequestId::new(Micros::from_i64(0), [0; 10]);
        let (mut intent, mut outcome) = (intent(request, 0), outcome(request, 0));
        for n in 1..32 {
            let longer = |event: &AuditEvent| serde_json::to_string(event).map_or(0, |text| text.len());
            if longer(&intent) < ENTRY_BYTES - 60 {
                intent = self::intent(request, n);
            }
            if longer(&outcome) < ENTRY_BYTES - 60 {
                outcome = self::outcome(request, n);
            }
        }
        Self { intent, outcome, request }
    }

    fn next(&mut self, n: u64) -> &AuditEvent {
        if n.is_multiple_of(2) {
            let mut random = [0; 10];
            for (to, from) in random.iter_mut().rev().zip(n.to_le_bytes()) {
                *to = from;
            }
            self.request = RequestId::new(Micros::from_i64(1_795_176_000_000_000), random);
        }
        if let (AuditEvent::Intent(intent), AuditEvent::Outcome(outcome)) =
            (&mut self.intent, &mut self.outcome)
        {
            (intent.request, outcome.request) = (self.request, self.request);
        }
        if n.is_multiple_of(2) { &self.intent } else { &self.outcome }
    }
}

fn intent(request: RequestId, detectors: usize) -> AuditEvent {
    AuditEvent::Intent(Box::new(Intent {
        request,
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
            policy_hash: "0".repeat(64),
            reasons: Vec::new(),
            obligations: Vec::new(),
            asked: None,
            trial: None,
        },
        inspection: inspection(Direction::Request, detectors),
    }))
}

fn outcome(request: RequestId, detectors: usize) -> AuditEvent {
    AuditEvent::Outcome(Box::new(Outcome {
        request,
        time: Micros::from_i64(1_795_176_000_500_000),
        end: EndReason::Completed,
        code: None,
        status: 200,
        attempts: vec!["sandbox".to_owned()],
        caller: None,
        inspection: Some(inspection(Direction::Response, detectors)),
        tool_decisions: Vec::new(),
        usage: None,
        charge: None,
        bytes_in: 2_000,
        bytes_out: 3_000,
        first_byte_us: 90_000,
        duration_us: 800_000,
    }))
}

fn inspection(direction: Direction, detectors: usize) -> Inspection {
    let ran = |n| DetectorRun { detector: format!("recognizer-{n:02}"), spans: 3, bytes: 2_000 };
    Inspection {
        direction,
        channels: BTreeMap::new(),
        ran: (0..detectors).map(ran).collect(),
        incomplete: Vec::new(),
        findings: Vec::new(),
        counts: BTreeMap::new(),
        restored: 0,
    }
}
