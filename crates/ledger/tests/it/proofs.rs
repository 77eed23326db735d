//! Proof bundles: they verify alone, under every shape of tree, and no bit of them is idle.

use std::path::Path;
use std::process::Command;

use stockade_ledger::{Bundle, LedgerError, verify_bundle};

use crate::common::{admin, append_all, intent, open, outcome, request};

/// What the second verifier says of a bundle; `None` when there is no Python on this machine.
fn second(bundle: &[u8]) -> Option<bool> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bundle).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/ledger/run.py");
    let output = Command::new("python3").arg(script).arg("--proof").arg(file.path()).output();
    output.map_or_else(
        |_| {
            eprintln!("skipped: the second verifier (python3 is not installed)");
            None
        },
        |output| Some(output.status.success()),
    )
}

#[test]
fn proofs_hold_in_trees_of_many_sizes() {
    let directory = tempfile::tempdir().unwrap();
    let (ledger, _) = open(&directory.path().join("ledger"));
    append_all(&ledger, &[(intent(1), None)]);
    for (n, more) in [0_u64, 1, 2, 5, 200, 46, 1, 1, 255, 256, 3_000].into_iter().enumerate() {
        append_all(&ledger, &(0..more).map(|at| (admin(at), None)).collect::<Vec<_>>());
        let n = n as u64 + 100;
        append_all(&ledger, &[(intent(n), None), (outcome(n), None)]);
        for proved in [1, n] {
            let bundle = ledger.prove(request(proved)).unwrap();
            let shown = verify_bundle(&bundle.to_file(), Some(&ledger.public_key())).unwrap();
            assert_eq!(shown.outcome.is_some(), proved == n);
        }
    }
    assert!(matches!(ledger.prove(request(77)), Err(LedgerError::NotFound(_))));
}

#[test]
fn every_bit_of_a_proof_counts() {
    let directory = tempfile::tempdir().unwrap();
    let (ledger, _) = open(&directory.path().join("ledger"));
    append_all(&ledger, &(0..300).map(|n| (admin(n), None)).collect::<Vec<_>>());
    append_all(&ledger, &[(intent(1), None), (outcome(1), None)]);
    let good = ledger.prove(request(1)).unwrap().to_file();
    let key = ledger.public_key();
    assert!(verify_bundle(&good, Some(&key)).is_ok());
    assert_ne!(second(&good), Some(false));
    for bit in 0..good.len() * 8 {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        assert!(verify_bundle(&bad, Some(&key)).is_err(), "bit {bit}");
    }
    let mut other: Bundle = serde_json::from_slice(&good).unwrap();
    other.entries.swap(0, 1);
    let swapped_paths = {
        let mut other = other.clone();
        let paths: Vec<_> = other.entries.iter().map(|entry| entry.path.clone()).collect();
        other.entries.iter_mut().zip(paths.into_iter().rev()).for_each(|(entry, path)| entry.path = path);
        other.to_file()
    };
    assert!(verify_bundle(&swapped_paths, Some(&key)).is_err());
    assert_ne!(second(&swapped_paths), Some(true));
    other.entries.clear();
    assert!(verify_bundle(&other.to_file(), Some(&key)).is_err());
    assert_ne!(second(&other.to_file()), Some(true));
}
