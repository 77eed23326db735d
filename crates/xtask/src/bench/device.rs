//! What the device itself needs for a durable write, to stand beside what the ledger adds.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result};
use hdrhistogram::Histogram;

use super::load;

/// How much each round writes, about an entry of the ledger.
const BLOCK: [u8; 1024] = [0x5A; 1024];

/// Times `rounds` appends of 1 KiB, each followed by `fdatasync`, in `folder`.
pub(crate) fn fdatasync(folder: &Path, rounds: u64) -> Result<Histogram<u64>> {
    let path = folder.join("fdatasync.probe");
    let file = OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .open(&path)
        .with_context(|| format!("cannot write {}", path.display()))?;
    let mut latencies = load::histogram()?;
    for round in 0..rounds {
        file.write_all_at(&BLOCK, round * BLOCK.len() as u64)?;
        let begin = Instant::now();
        file.sync_data()?;
        load::note(&mut latencies, begin.elapsed());
    }
    drop(file);
    std::fs::remove_file(&path)?;
    Ok(latencies)
}
