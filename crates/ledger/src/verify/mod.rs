//! The offline verifier: derives everything again from the bytes in a directory, with no key but the public one.
//!
//! Every bit is either checked or named as not being part of the log. In the order of the checks: version, key and
//! checkpoint; entry bundles against tiles and the signed root; append segments against the signed leaves; what is not
//! signed yet by its checksums; payloads against the entries that speak of them; the list of open intents.

mod files;
mod payloads;
mod signed;
mod walk;
mod window;

use std::path::Path;
use std::time::Duration;

use stockade_crypto::VerifyingKey;

use crate::layout;
use crate::note::{Checkpoint, parse_verifier_key};
use crate::vfs::{RealVfs, Vfs, read_file};

/// How often a log that is written to is looked at before what was found bad is believed.
const LOOKS: usize = 6;

/// A log that is written to has a new checkpoint within this time.
const SIGNED_WITHIN: Duration = Duration::from_millis(1_500);

/// How long between two looks at a checkpoint.
const PAUSE: Duration = Duration::from_millis(25);

/// The first thing that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bad {
    /// The entry that it concerns, where it concerns one.
    pub index: Option<u64>,
    /// The file, relative to the directory.
    pub file: String,
    /// What is wrong.
    pub why: String,
}

/// What a verification found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// Whose log it is: `stockade/<instance id>`.
    pub origin: String,
    /// Entries under the signed checkpoint.
    pub signed: u64,
    /// Entries after it, not yet signed: guarded against accidents by checksums, not against an author.
    pub unsigned: u64,
    /// Payloads that are there and are the ones that the entries speak of (as sealed bytes; opening them needs a key).
    pub payloads_intact: u64,
    /// Payloads whose erasure is on the record.
    pub payloads_erased: u64,
    /// Requests without an outcome.
    pub open_intents: u64,
    /// Files that are not part of the log, for example what a crash left over.
    pub leftovers: Vec<String>,
    /// What is wrong, the first entry first. Empty when all is well.
    pub bad: Vec<Bad>,
}

impl Report {
    /// Whether everything is as it was written.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.bad.is_empty()
    }

    /// The first bad entry or file.
    #[must_use]
    pub fn first_bad(&self) -> Option<&Bad> {
        self.bad.first()
    }
}

impl std::fmt::Display for Bad {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.index {
            Some(index) => write!(f, "entry {index}, {}: {}", self.file, self.why),
            None => write!(f, "{}: {}", self.file, self.why),
        }
    }
}

/// Verifies the log in a directory of the real disk on all cores. Without a key, the one in its `ledger.pub` is
/// believed, which shows that the log is whole but not whose it is.
///
/// The log may be written to meanwhile. What does not fit then may be what was replaced between two looks: where the
/// checkpoint moves, the log is looked at again, up to the checkpoint only, since what comes after it is being written. What
/// is wrong stays wrong.
#[must_use]
pub fn verify_directory(directory: &Path, key: Option<&VerifyingKey>) -> Report {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut limit = None;
    let mut report = Report::default();
    for _ in 0..LOOKS {
        let before = small(&RealVfs, directory, layout::CHECKPOINT).ok();
        report = verify_up_to(&RealVfs, directory, key, threads, limit);
        let is_tile = |path: &String| path.starts_with("tile/");
        if report.is_good() && !report.leftovers.iter().any(is_tile) {
            break;
        }
        let moved = || small(&RealVfs, directory, layout::CHECKPOINT).ok() != before;
        let begun = std::time::Instant::now();
        while !moved() {
            if begun.elapsed() > SIGNED_WITHIN {
                return report;
            }
            std::thread::sleep(PAUSE);
        }
        if report.is_good() {
            // Tiles beside those of the checkpoint that was read are of the one before it or the one after it.
            report.leftovers.retain(|path| !is_tile(path));
            break;
        }
        limit = Some(0);
    }
    report
}

/// Verifies the log in a directory of any disk with a number of threads.
#[must_use]
pub fn verify(vfs: &dyn Vfs, directory: &Path, key: Option<&VerifyingKey>, threads: usize) -> Report {
    verify_up_to(vfs, directory, key, threads, None)
}

/// Verifies a log that may be in use: entries from `limit` on are not looked at.
pub(crate) fn verify_up_to(
    vfs: &dyn Vfs,
    directory: &Path,
    key: Option<&VerifyingKey>,
    threads: usize,
    limit: Option<u64>,
) -> Report {
    let mut report = Report::default();
    let checkpoint = match anchor(vfs, directory, key) {
        Ok(checkpoint) => checkpoint,
        Err(bad) => {
            report.bad.push(bad);
            return report;
        }
    };
    report.origin.clone_from(&checkpoint.origin);
    report.signed = checkpoint.size;
    let mut walk = walk::Walk::new(vfs, directory);
    match signed::check(vfs, directory, &checkpoint, threads, &mut walk) {
        Err(bad) => walk.bad.push(bad),
        Ok(()) => match window::check(vfs, directory, checkpoint.size, limit, &mut walk) {
            Err(bad) => walk.bad.push(bad),
            Ok(total) => {
                report.unsigned = total.saturating_sub(checkpoint.size);
                walk.finish(total, checkpoint.size, limit.is_some());
            }
        },
    }
    report.leftovers = files::leftovers(vfs, directory, checkpoint.size, &mut walk.bad);
    report.payloads_intact = walk.intact;
    report.payloads_erased = walk.erased;
    report.open_intents = u64::try_from(walk.requests.open_count()).unwrap_or(u64::MAX);
    report.bad = walk.bad;
    report.bad.sort_by_key(|bad| bad.index.unwrap_or(u64::MAX));
    report
}

/// Version, key and checkpoint: what everything else is measured by.
fn anchor(vfs: &dyn Vfs, directory: &Path, key: Option<&VerifyingKey>) -> Result<Checkpoint, Bad> {
    let format = small(vfs, directory, layout::FORMAT)?;
    if ![layout::FORMAT_LINE, layout::FIRST_FORMAT_LINE].iter().any(|line| format == line.as_bytes()) {
        return Err(bad(None, layout::FORMAT, "it is neither `stockade-ledger 1` nor `stockade-ledger 2`"));
    }
    let line = small(vfs, directory, layout::KEY)?;
    let line = std::str::from_utf8(&line).ok().and_then(|l| l.strip_suffix('\n'));
    let (origin, named) = line
        .and_then(parse_verifier_key)
        .ok_or_else(|| bad(None, layout::KEY, "it is not one line with a verifier key"))?;
    if key.is_some_and(|key| *key != named) {
        return Err(bad(None, layout::KEY, "it is another key than the one to verify with"));
    }
    let note = small(vfs, directory, layout::CHECKPOINT)?;
    Checkpoint::verify(&note, &origin, &named).map_err(|e| bad(None, layout::CHECKPOINT, e.to_string()))
}

fn small(vfs: &dyn Vfs, directory: &Path, name: &str) -> Result<Vec<u8>, Bad> {
    match read_file(vfs, &directory.join(name), layout::SMALL_FILE) {
        Ok(Some(bytes)) => Ok(bytes),
        Ok(None) => Err(bad(None, name, "it is missing")),
        Err(e) => Err(bad(None, name, e.to_string())),
    }
}

fn bad(index: Option<u64>, file: impl Into<String>, why: impl Into<String>) -> Bad {
    Bad { index, file: file.into(), why: why.into() }
}
