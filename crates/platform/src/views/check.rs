//! One request checked against the ledger on disk, step by step, for a person who wants to see it.

use stockade_crypto::{sha256, to_hex};
use stockade_domain::RequestId;
use stockade_ledger::{Bundle, Checkpoint, Ledger, LedgerError, PayloadState, verify_bundle};
use stockade_views::{Check, CheckResult, CheckStep, EntryKind, Verification, ViewError};

/// Checks a request's entries. Everything is derived again from the proof bundle, which is made from the files.
pub(super) fn verify(ledger: &Ledger, id: RequestId) -> Result<Verification, ViewError> {
    let bundle = match ledger.prove(id) {
        Ok(bundle) => bundle,
        Err(LedgerError::NotFound(_)) => return Err(ViewError::NotFound),
        Err(LedgerError::CheckpointTimeout { .. }) => return Err(ViewError::NotSigned),
        Err(LedgerError::Damaged { place, why }) => {
            let detail = format!("{place}: {why}");
            return Ok(Verification { steps: vec![step(Check::Leaf, None, CheckResult::Failed, detail)] });
        }
        Err(error) => return Err(super::unavailable(error)),
    };
    let places = ledger.find(id).map_err(super::unavailable)?;
    let kind = |index: u64| if Some(index) == places.intent { EntryKind::Intent } else { EntryKind::Outcome };
    let proved = verify_bundle(&bundle.to_file(), Some(&ledger.public_key()));
    let result = if proved.is_ok() { CheckResult::Passed } else { CheckResult::Failed };
    let mut steps = Vec::new();
    for entry in &bundle.entries {
        let leaf = leaf_hash(entry.entry.as_bytes());
        let named = Some(kind(entry.index));
        steps.push(step(
            Check::Leaf,
            named,
            result,
            format!("entry {}, leaf {}", entry.index, to_hex(&leaf)),
        ));
        let way = format!("{} hashes from the leaf to the root", entry.path.len());
        steps.push(step(Check::Inclusion, named, result, way));
        steps.push(commitment(ledger, entry.index, kind(entry.index)));
    }
    if places.outcome.is_none() {
        let detail = "the request is under way".to_owned();
        steps.push(step(Check::Leaf, Some(EntryKind::Outcome), CheckResult::Pending, detail));
    }
    steps.extend(checkpoint(ledger, &bundle));
    if let Err(why) = proved {
        steps.push(step(Check::Inclusion, None, CheckResult::Failed, why));
    }
    Ok(Verification { steps })
}

fn checkpoint(ledger: &Ledger, bundle: &Bundle) -> [CheckStep; 2] {
    let key = ledger.public_key();
    let verified = Checkpoint::verify(bundle.checkpoint.as_bytes(), &ledger.options().origin(), &key);
    let key = format!("Ed25519 key {}", to_hex(key.as_bytes()));
    match verified {
        Ok(point) => {
            let detail = format!("{}, {} entries, root {}", point.origin, point.size, to_hex(&point.root));
            [
                step(Check::Checkpoint, None, CheckResult::Passed, detail),
                step(Check::Signature, None, CheckResult::Passed, key),
            ]
        }
        Err(why) => [
            step(Check::Checkpoint, None, CheckResult::Failed, why.to_string()),
            step(Check::Signature, None, CheckResult::Failed, key),
        ],
    }
}

/// Reading a payload opens it under its salt and compares it with the commitment in the entry.
fn commitment(ledger: &Ledger, index: u64, kind: EntryKind) -> CheckStep {
    let (result, detail) = match ledger.payload(index) {
        Ok(PayloadState::Text(text)) => {
            (CheckResult::Passed, format!("{} bytes of recorded text", text.len()))
        }
        Ok(PayloadState::None) => (CheckResult::Passed, "no text was recorded".to_owned()),
        Ok(PayloadState::Erased) => {
            (CheckResult::Erased, "the text was erased, the entry remains".to_owned())
        }
        Err(error) => (CheckResult::Failed, error.to_string()),
    };
    step(Check::Commitment, Some(kind), result, detail)
}

/// RFC 6962 section 2.1: SHA-256 over a zero byte and the entry.
fn leaf_hash(entry: &[u8]) -> [u8; 32] {
    let mut bytes = Vec::with_capacity(entry.len().saturating_add(1));
    bytes.push(0);
    bytes.extend_from_slice(entry);
    sha256(&bytes)
}

fn step(check: Check, entry: Option<EntryKind>, result: CheckResult, detail: String) -> CheckStep {
    CheckStep { check, entry, result, detail }
}
