//! Opening a directory: what was acknowledged is kept, what a crash tore off at the end is cut, and damage anywhere else
//! is named and refused.
//!
//! Only what lies after the last signed size can be torn, and of that only the last round, as a sync lies between two
//! rounds. Everything before is taken for damage: a log that quietly repaired itself could be shortened by whoever
//! damages it.

mod frames;
mod tree;

use std::any::Any;
use std::io;
use std::path::Path;

use stockade_crypto::SigningKey;
use stockade_domain::Clock;

use crate::entry::{Facts, Subject};
use crate::error::LedgerError;
use crate::frame::HEADER_BYTES;
use crate::layout;
use crate::merkle::empty_root;
use crate::note::{Checkpoint, verifier_key};
use crate::read;
use crate::requests::{OpenIntents, Requests};
use crate::shared::Options;
use crate::tiles::Edge;
use crate::vfs::{OpenMode, Vfs, read_file, replace_file};
use crate::window::Window;
use crate::writer::create_segment;

/// A directory that is ready to be appended to.
pub(crate) struct Recovered {
    pub(crate) window: Window,
    pub(crate) edge: Edge,
    /// The incomplete entry bundle under the checkpoint.
    pub(crate) bundle: Vec<u8>,
    pub(crate) requests: Requests,
    pub(crate) note: String,
    /// Entries that are durable.
    pub(crate) size: u64,
    pub(crate) truncated_bytes: u64,
    /// The last entry of the append segments that has a payload.
    pub(crate) last_payload: Option<u64>,
    /// Announced erasures that may not have been carried out.
    pub(crate) erasures: Vec<Subject>,
    /// Keeps other processes out.
    pub(crate) lock: Box<dyn Any + Send + Sync>,
}

pub(crate) fn open_directory(
    vfs: &dyn Vfs,
    options: &Options,
    clock: &dyn Clock,
    key: &SigningKey,
) -> Result<Recovered, LedgerError> {
    let root = options.directory.as_path();
    let failed = |what: &str, e| LedgerError::io(format!("{what} {}", root.display()), e);
    vfs.create_dir(root).map_err(|e| failed("making", e))?;
    let lock = vfs.lock(root).map_err(|e| failed("locking", e))?;
    let lock = lock.ok_or_else(|| LedgerError::Locked(root.display().to_string().into()))?;
    match small_file(vfs, root, layout::FORMAT)? {
        None => create(vfs, options, clock, key)?,
        Some(format) if format == layout::FORMAT_LINE.as_bytes() => (),
        // From here on it is of this version: an older program would not find its new payloads.
        Some(format) if format == layout::FIRST_FORMAT_LINE.as_bytes() => {
            replace_file(vfs, root, layout::FORMAT, layout::FORMAT_LINE.as_bytes())
                .map_err(|e| failed("taking over", e))?;
        }
        Some(_) => {
            return Err(LedgerError::damaged(layout::FORMAT, "it is not of a version that is known here"));
        }
    }
    let line = format!("{}\n", verifier_key(&options.origin(), &key.verifying_key()));
    if small_file(vfs, root, layout::KEY)?.as_deref() != Some(line.as_bytes()) {
        let why =
            "ledger.pub is not the key of this instance: the root key or the instance id is another one";
        return Err(LedgerError::Foreign(why.into()));
    }
    let (checkpoint, note) = read_checkpoint(vfs, options, key)?
        .ok_or_else(|| LedgerError::damaged(layout::CHECKPOINT, "it is missing"))?;
    let found = frames::recover(vfs, root, checkpoint.size)?;
    let (edge, bundle) = tree::recover(vfs, root, &checkpoint, &found)?;
    tree::remove_beyond(vfs, root, checkpoint.size, found.size_before_cut)
        .map_err(|e| failed("removing unsigned tiles in", e))?;
    let mut requests = restore_requests(vfs, root, found.first)?;
    let (mut erasures, mut last_payload) = (Vec::new(), None);
    for (index, facts) in (found.first..).zip(&found.facts) {
        last_payload = facts.payload.as_ref().map(|_| index).or(last_payload);
        requests.note(facts.subject, index);
        if matches!(facts.subject, Subject::Erases(_) | Subject::Expires(..)) {
            erasures.push(facts.subject);
        }
    }
    Ok(Recovered {
        window: found.window,
        edge,
        bundle,
        requests,
        note,
        size: found.size,
        truncated_bytes: found.truncated_bytes,
        last_payload,
        erasures,
        lock,
    })
}

/// Lays out an empty log. The file `format` comes last: a directory without it was never a log, unless it has entries.
fn create(vfs: &dyn Vfs, options: &Options, clock: &dyn Clock, key: &SigningKey) -> Result<(), LedgerError> {
    let root = options.directory.as_path();
    let started = read_checkpoint(vfs, options, key).is_ok_and(|c| c.is_none_or(|(c, _)| c.size == 0));
    let attempt = || -> io::Result<bool> {
        for folder in [layout::FRAMES, layout::PAYLOADS, layout::TILES] {
            vfs.create_dir(&root.join(folder))?;
        }
        let segments = vfs.list(&root.join(layout::FRAMES))?;
        let mut empty = segments.len() <= 1;
        if let Some(segment) = segments.first() {
            let file = vfs.open(&root.join(layout::FRAMES).join(&segment.name), OpenMode::Read)?;
            empty &= file.len()? <= HEADER_BYTES as u64;
        }
        if !started || !empty {
            return Ok(false);
        }
        let line = format!("{}\n", verifier_key(&options.origin(), &key.verifying_key()));
        replace_file(vfs, root, layout::KEY, line.as_bytes())?;
        create_segment(vfs, root, 0, clock.now().as_i64())?;
        let checkpoint = Checkpoint { origin: options.origin(), size: 0, root: empty_root() };
        replace_file(vfs, root, layout::CHECKPOINT, checkpoint.sign(key).as_bytes())?;
        replace_file(vfs, root, layout::FORMAT, layout::FORMAT_LINE.as_bytes())?;
        if let Some(above) = root.parent().filter(|above| !above.as_os_str().is_empty()) {
            vfs.sync_dir(above)?;
        }
        Ok(true)
    };
    match attempt() {
        Ok(true) => Ok(()),
        Ok(false) => Err(LedgerError::damaged(layout::FORMAT, "it is missing, but there are entries")),
        Err(e) => Err(LedgerError::io(format!("making a log in {}", root.display()), e)),
    }
}

fn small_file(vfs: &dyn Vfs, root: &Path, name: &str) -> Result<Option<Vec<u8>>, LedgerError> {
    read_file(vfs, &root.join(name), layout::SMALL_FILE)
        .map_err(|e| LedgerError::io(format!("reading {name}"), e))
}

fn read_checkpoint(
    vfs: &dyn Vfs,
    options: &Options,
    key: &SigningKey,
) -> Result<Option<(Checkpoint, String)>, LedgerError> {
    let Some(note) = small_file(vfs, &options.directory, layout::CHECKPOINT)? else { return Ok(None) };
    let checkpoint = Checkpoint::verify(&note, &options.origin(), &key.verifying_key())
        .map_err(|e| LedgerError::damaged(layout::CHECKPOINT, e.to_string()))?;
    Ok(Some((checkpoint, String::from_utf8_lossy(&note).into_owned())))
}

/// Open requests before the first entry of the append segments.
fn restore_requests(vfs: &dyn Vfs, root: &Path, first: u64) -> Result<Requests, LedgerError> {
    if first == 0 {
        return Ok(Requests::default());
    }
    let snapshot = small_file(vfs, root, layout::OPEN_INTENTS)?.and_then(|bytes| OpenIntents::decode(&bytes));
    if let Some(snapshot) = snapshot.filter(|s| s.size >= first) {
        return Ok(Requests::restore(snapshot));
    }
    let mut requests = Requests::default();
    for number in 0..first / crate::tiles::TILE_WIDTH {
        for (index, entry) in read::bundle(vfs, root, number, first, 0..first)? {
            let facts =
                Facts::read(&entry).map_err(|why| LedgerError::damaged(format!("entry {index}"), why))?;
            requests.note(facts.subject, index);
        }
    }
    Ok(requests)
}
