//! What the store costs: `cargo run --release -p stockade-store --example store_cost -- DIRECTORY`.
//!
//! Writes, reads and backs up a database in the directory, which decides about the figures: a commit waits for its disk.
#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::collections::BTreeMap;
use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use stockade_domain::{Effect, EndReason, KeyId, Micros, RequestId, WorkloadId};
use stockade_store::{RequestFilter, RequestRow, SqliteDb, Store};

const ROWS: u32 = 100_000;
const BATCH: u32 = 500;
const SMALL: u32 = 500;

fn main() -> Result<(), Box<dyn Error>> {
    let directory = PathBuf::from(std::env::args().nth(1).ok_or("name a directory")?);
    let (path, copy) = (directory.join("cost.db"), directory.join("cost-copy.db"));
    let now = Micros::from_i64(1_795_176_000_000_000);
    let db = Arc::new(SqliteDb::open(&path)?);
    let store = Store::new(Arc::<SqliteDb>::clone(&db), now)?;

    let begin = Instant::now();
    for n in 0..SMALL {
        store.settings().set("counter", &n.to_string())?;
    }
    report("one durable write", begin, SMALL);

    let begin = Instant::now();
    for batch in 0..ROWS / BATCH {
        let rows: Vec<RequestRow> = (0..BATCH).map(|n| row(now, batch * BATCH + n)).collect();
        store.requests().write(&rows, None)?;
    }
    report("a request's row, in batches of 500", begin, ROWS);

    let begin = Instant::now();
    for _ in 0..SMALL {
        store.requests().list(&RequestFilter::default(), 50)?;
    }
    report("the newest page of 50", begin, SMALL);

    let filter = RequestFilter { effect: Some(Effect::Deny), ..RequestFilter::default() };
    let begin = Instant::now();
    for _ in 0..SMALL {
        store.requests().list(&filter, 50)?;
    }
    report("the newest 50 denials of 1 in 100", begin, SMALL);

    let begin = Instant::now();
    for _ in 0..ROWS {
        store.keys().by_short_id("0123456789")?;
    }
    report("a key by its short id", begin, ROWS);

    let begin = Instant::now();
    db.backup(&copy)?;
    report("a backup, checked and synced", begin, 1);
    println!("{:<36} {:>12.1} MiB", "of a database of", std::fs::metadata(&copy)?.len() as f64 / 1_048_576.0);
    Ok(())
}

fn row(now: Micros, number: u32) -> RequestRow {
    let time = Micros::from_i64(now.as_i64() + i64::from(number) * 1_000);
    let denied = number.is_multiple_of(100);
    RequestRow {
        id: RequestId::new(time, [7; 10]),
        time,
        workload: WorkloadId::new(now, [1; 10]),
        key: Some(KeyId::new(now, [1; 10])),
        surface: "openai.chat".to_owned(),
        model: "gpt".to_owned(),
        upstream: "openai".to_owned(),
        effect: if denied { Effect::Deny } else { Effect::Permit },
        status: if denied { 403 } else { 200 },
        end: Some(if denied { EndReason::Denied } else { EndReason::Completed }),
        counts: BTreeMap::from([("secret".to_owned(), 1), ("pii".to_owned(), 2)]),
        intent_index: Some(u64::from(number) * 2),
        outcome_index: Some(u64::from(number) * 2 + 1),
        duration_us: 1_234,
    }
}

fn report(what: &str, begin: Instant, times: u32) {
    println!("{what:<36} {:>12.1} us", begin.elapsed().as_secs_f64() * 1e6 / f64::from(times));
}
