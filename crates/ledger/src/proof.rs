//! Proof bundles: one file that shows that a request's entries are in the signed log, and verifies alone.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use stockade_crypto::{Digest, VerifyingKey};
use stockade_domain::RequestId;

use crate::canonical::Encoder;
use crate::entry::{Facts, Subject};
use crate::error::LedgerError;
use crate::ledger::Ledger;
use crate::merkle::{inclusion_path, leaf_hash, root_of, split_u64, verify_inclusion};
use crate::note::{Checkpoint, parse_verifier_key, verifier_key};
use crate::read;
use crate::tiles::{TILE_WIDTH, nodes_at, width_of};

/// What stands in `type`.
const TYPE: &str = "stockade-proof";

/// The longest bundle that is read, in bytes: two entries, their paths, a checkpoint, all generously.
const MAX_BUNDLE: usize = 256 * 1024;

/// What a bundle does not show, in its own words, so that nobody who is handed one has to know it.
const LIMITS: &str = "This shows that the entries are in the log that the checkpoint signs. It does not show that the \
log is the only one: whoever holds the signing key could have written another, unless a witness has cosigned. It does \
not show when an entry was written but by its own clock, nor that what it says is true, nor that nothing was left out \
before it was written.";

/// A proof bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bundle {
    /// The signed checkpoint.
    pub checkpoint: String,
    /// What the bundle does not show.
    pub does_not_prove: String,
    /// The request's entries with their proofs, in the order of the log.
    pub entries: Vec<ProvedEntry>,
    /// The C2SP verifier key of the log.
    pub public_key: String,
    /// The request.
    pub request: RequestId,
    /// `stockade-proof`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Version of this form: 1.
    pub v: u8,
}

/// An entry and its way to the root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProvedEntry {
    /// The entry's canonical JSON, as text, so that it is kept to the byte.
    pub entry: String,
    /// Its place in the log.
    pub index: u64,
    /// Sibling hashes from the leaf up (RFC 6962 section 2.1.1), base64.
    pub path: Vec<String>,
}

/// What a verified bundle shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proved {
    /// Whose log: `stockade/<instance id>`.
    pub origin: String,
    /// How many entries the log had when the checkpoint was signed.
    pub size: u64,
    /// The request.
    pub request: RequestId,
    /// Index of its intent entry, if it is among the proved ones.
    pub intent: Option<u64>,
    /// Index of its outcome entry, if it is among the proved ones.
    pub outcome: Option<u64>,
}

impl Bundle {
    /// The bundle's file: canonical JSON and a newline.
    #[must_use]
    pub fn to_file(&self) -> Vec<u8> {
        let mut encoder = Encoder::default();
        let mut bytes = encoder.encode(self).map(<[u8]>::to_vec).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }
}

impl Ledger {
    /// The proof of a request's intent and outcome, under the latest checkpoint; one is signed first if need be.
    ///
    /// # Errors
    /// [`LedgerError::NotFound`] when the log has no entry of the request.
    pub fn prove(&self, request: RequestId) -> Result<Bundle, LedgerError> {
        let places = self.find(request)?;
        let indices: Vec<u64> = [places.intent, places.outcome].into_iter().flatten().collect();
        let Some(last) = indices.iter().max() else {
            return Err(LedgerError::NotFound(format!("entry of {request}").into()));
        };
        let shared = &*self.inner.shared;
        shared.wait_signed(last.saturating_add(1), crate::ledger::PATIENCE)?;
        let origin = shared.options.origin();
        // A later checkpoint may remove the partial tiles of this one while they are read: then it is taken instead.
        let mut outcome = Err(LedgerError::Full);
        for _ in 0..8 {
            let note = self.checkpoint();
            let checkpoint = Checkpoint::verify(note.as_bytes(), &origin, &self.inner.public)
                .map_err(|e| LedgerError::damaged("checkpoint", e.to_string()))?;
            outcome = indices.iter().map(|index| self.prove_entry(*index, checkpoint.size)).collect();
            if outcome.is_ok() || self.checkpoint() == note {
                return outcome.map(|entries| Bundle {
                    checkpoint: note.to_string(),
                    does_not_prove: LIMITS.to_owned(),
                    entries,
                    public_key: self.verifier_key(),
                    request,
                    kind: TYPE.to_owned(),
                    v: 1,
                });
            }
        }
        outcome.and(Err(LedgerError::Full))
    }

    /// The key that verifies the checkpoints, as one line, as C2SP `signed-note` writes a verifier key.
    #[must_use]
    pub fn verifier_key(&self) -> String {
        verifier_key(&self.inner.shared.options.origin(), &self.inner.public)
    }

    fn prove_entry(&self, index: u64, size: u64) -> Result<ProvedEntry, LedgerError> {
        let entry =
            self.entry(index)?.ok_or_else(|| LedgerError::NotFound(format!("entry {index}").into()))?;
        let mut tiles = Tiles { ledger: self, size, read: HashMap::new() };
        let path = inclusion_path(index, size, &mut |begin, end| tiles.subtree(begin, end))?;
        Ok(ProvedEntry { entry: entry.json, index, path: path.iter().map(|h| STANDARD.encode(h)).collect() })
    }
}

/// Tiles of a tree of a size.
struct Tiles<'a> {
    ledger: &'a Ledger,
    size: u64,
    read: HashMap<(u8, u64), Vec<Digest>>,
}

impl Tiles<'_> {
    /// The root over leaves `begin..end`, a range as it occurs in the recursion of RFC 6962.
    fn subtree(&mut self, begin: u64, end: u64) -> Result<Digest, LedgerError> {
        let length = end.saturating_sub(begin);
        if !length.is_power_of_two() {
            let middle = begin.saturating_add(split_u64(length));
            let nodes = [self.subtree(begin, middle)?, self.subtree(middle, end)?];
            return root_of(&nodes).ok_or_else(|| LedgerError::damaged("tile", "a subtree is empty"));
        }
        let height = length.trailing_zeros();
        let level = u8::try_from(height / 8).unwrap_or(u8::MAX);
        let first = nodes_at(level, begin);
        let count = usize::try_from(1_u64 << (height % 8)).unwrap_or(usize::MAX);
        let number = first / TILE_WIDTH;
        let at = usize::try_from(first % TILE_WIDTH).unwrap_or(usize::MAX);
        let hashes = self.tile(level, number)?;
        let nodes = hashes.get(at..at.saturating_add(count)).and_then(root_of);
        nodes.ok_or_else(|| LedgerError::damaged("tile", "a tile is too short"))
    }

    fn tile(&mut self, level: u8, number: u64) -> Result<&[Digest], LedgerError> {
        let shared = &*self.ledger.inner.shared;
        match self.read.entry((level, number)) {
            std::collections::hash_map::Entry::Occupied(found) => Ok(found.into_mut()),
            std::collections::hash_map::Entry::Vacant(place) => {
                let width = width_of(level, number, self.size);
                let root = &shared.options.directory;
                Ok(place.insert(read::tile(&*shared.vfs, root, level, number, width)?))
            }
        }
    }
}

/// Verifies a proof bundle with nothing else at hand. Without a key, the one in the bundle is believed: that shows that
/// the bundle is whole, but not whose it is.
///
/// # Errors
/// Why it does not verify, in one sentence.
pub fn verify_bundle(bytes: &[u8], key: Option<&VerifyingKey>) -> Result<Proved, String> {
    if bytes.len() > MAX_BUNDLE {
        return Err(format!("the bundle has {} bytes; the limit is {MAX_BUNDLE}", bytes.len()));
    }
    let bundle: Bundle =
        serde_json::from_slice(bytes).map_err(|e| format!("it is not a proof bundle: {e}"))?;
    if bundle.kind != TYPE || bundle.v != 1 {
        return Err("it is not a proof bundle of version 1".to_owned());
    }
    if bundle.does_not_prove != LIMITS || bundle.to_file() != bytes {
        return Err("it is not in the one form that a proof bundle has".to_owned());
    }
    let (origin, named) =
        parse_verifier_key(&bundle.public_key).ok_or("its public key is not a verifier key")?;
    if key.is_some_and(|key| *key != named) {
        return Err("it is signed by another key than the one to verify with".to_owned());
    }
    let checkpoint = Checkpoint::verify(bundle.checkpoint.as_bytes(), &origin, &named)
        .map_err(|e| format!("the checkpoint: {e}"))?;
    let mut proved =
        Proved { origin, size: checkpoint.size, request: bundle.request, intent: None, outcome: None };
    for entry in &bundle.entries {
        let place = |why: &str| format!("entry {}: {why}", entry.index);
        let facts = Facts::read(entry.entry.as_bytes()).map_err(|why| place(&why))?;
        let slot = match facts.subject {
            Subject::Opens(request) if request == bundle.request => &mut proved.intent,
            Subject::Ends(request) if request == bundle.request => &mut proved.outcome,
            _ => return Err(place("it is not an entry of the request")),
        };
        if slot.replace(entry.index).is_some() {
            return Err(place("there are two of its kind"));
        }
        let path: Option<Vec<Digest>> =
            entry.path.iter().map(|h| STANDARD.decode(h).ok().and_then(|h| h.try_into().ok())).collect();
        let path = path.ok_or_else(|| place("its path is not a list of hashes"))?;
        let leaf = leaf_hash(entry.entry.as_bytes());
        if !verify_inclusion(&leaf, entry.index, checkpoint.size, &path, &checkpoint.root) {
            return Err(place("its path does not lead to the signed root"));
        }
    }
    if bundle.entries.is_empty() {
        return Err("it proves no entry".to_owned());
    }
    Ok(proved)
}
