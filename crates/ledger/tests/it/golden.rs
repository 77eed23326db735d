//! Directories that each version of the format wrote: every later version opens and verifies them.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use stockade_crypto::KeyRole;
use stockade_ledger::verify::verify_directory;
use stockade_ledger::{Options, PayloadState, RealVfs};

use crate::common::{admin, append_all, intent, keys, open, open_with, options, outcome, request};

const ENTRIES: u64 = 270;

/// The versions; the last one is what is written today.
const VERSIONS: [&str; 2] = ["v1", "v2"];

fn golden(version: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(version)
}

/// Writes the directory, with `STOCKADE_WRITE_GOLDEN` set; once committed it never changes.
fn write(directory: &Path) {
    let sized = Options { payload_segment_bytes: 64, ..options(directory) };
    let (ledger, _) = open_with(sized, Arc::new(RealVfs)).unwrap();
    append_all(&ledger, &[(intent(0), Some(b"first".as_slice())), (outcome(0), None), (intent(1), None)]);
    append_all(&ledger, &[(admin(3), Some(b"second".as_slice()))]);
    append_all(&ledger, &[(admin(4), Some(b"third".as_slice()))]);
    assert!(ledger.erase(3, "system").unwrap());
    append_all(&ledger, &(6..ENTRIES).map(|n| (admin(n), None)).collect::<Vec<_>>());
    ledger.close().unwrap();
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn a_directory_of_each_version_opens_and_verifies() {
    let today = golden(VERSIONS[1]);
    if std::env::var_os("STOCKADE_WRITE_GOLDEN").is_some() && !today.exists() {
        fs::create_dir_all(today.parent().unwrap()).unwrap();
        write(&today);
    }
    VERSIONS.into_iter().for_each(opens_and_verifies);
}

fn opens_and_verifies(version: &str) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger");
    copy(&golden(version), &path);
    let key = keys().signing_key(KeyRole::LedgerSigning, 1, b"stockade/test").unwrap().verifying_key();
    let report = verify_directory(&path, Some(&key));
    assert!(report.is_good() && report.leftovers.is_empty(), "{version}: {report:?}");
    assert_eq!((report.signed, report.payloads_intact, report.payloads_erased), (ENTRIES, 2, 1));
    let (ledger, recovery) = open(&path);
    assert_eq!((recovery.entries, recovery.open_intents), (ENTRIES, vec![request(1)]));
    assert_eq!(recovery.payload_problems, Vec::<String>::new(), "{version}");
    assert_eq!(ledger.entry(0).unwrap().unwrap().event(), Some(intent(0)));
    let payloads = [0, 3, 4].map(|index| ledger.payload(index).unwrap());
    let text = |text: &str| PayloadState::Text(text.as_bytes().to_vec());
    assert_eq!(payloads, [text("first"), PayloadState::Erased, text("third")]);
    assert!(ledger.erase(4, "system").unwrap());
    append_all(&ledger, &[(admin(ENTRIES + 1), Some(b"more".as_slice()))]);
    ledger.close().unwrap();
    let report = verify_directory(&path, Some(&key));
    assert!(report.is_good(), "{version}: {report:?}");
    assert_eq!((report.payloads_intact, report.payloads_erased), (2, 2));
    assert_eq!(fs::read(path.join("format")).unwrap(), b"stockade-ledger 2\n");
}
