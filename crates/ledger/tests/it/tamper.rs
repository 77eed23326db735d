//! Tampering: every bit of a small log, and many seeded flips, cuts, swaps and removals in a larger one. Both verifiers,
//! this crate's and the one in Python, must find all of it and name the same entry.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use stockade_ledger::testing::{Seeded, SimVfs};
use stockade_ledger::verify::{verify, verify_directory};
use stockade_ledger::{Options, RealVfs, export_directory};

use crate::common::{admin, append_all, intent, open_with, options, outcome};

type Files = BTreeMap<String, Vec<u8>>;

/// One change to a directory.
#[derive(Debug, Clone)]
enum Mutation {
    Flip(String, usize),
    Cut(String, usize, usize),
    Swap(String, [usize; 4]),
    Remove(String),
    Exchange(String, String),
}

/// A closed log of `entries` entries with payloads of which some are erased and some expired, and requests left open.
fn build(directory: &Path, entries: u64) {
    let small = Options { payload_segment_bytes: 300, ..options(directory) };
    let (ledger, _) = open_with(small, Arc::new(RealVfs)).unwrap();
    let mut n = 0;
    let mut erased = false;
    while ledger.size() < entries - 4 {
        let event = match n % 5 {
            0 => intent(n),
            1 if n % 3 != 0 => outcome(n - 1),
            _ => admin(n),
        };
        let payload = (n % 4 == 2).then(|| format!("what somebody wrote, number {n}"));
        let at = ledger.size();
        append_all(&ledger, &[(event, payload.as_ref().map(String::as_bytes))]);
        if n == entries / 3 {
            let now = stockade_domain::Micros::from_i64(1_795_176_000_000_000 + 60_000_000);
            assert!(ledger.erase(2, "system").unwrap());
            assert!(ledger.erase_payloads_before(now).unwrap() > 0);
        } else if payload.is_some() && n > entries / 2 && !erased {
            erased = ledger.erase(at, "system").unwrap();
            assert!(erased && !ledger.erase(at, "system").unwrap());
        }
        n += 1;
    }
    while ledger.size() < entries {
        append_all(&ledger, &[(admin(n), None)]);
        n += 1;
    }
    ledger.close().unwrap();
}

fn read_files(directory: &Path) -> Files {
    let disk = SimVfs::load(directory).unwrap();
    let relative = |path: PathBuf| path.strip_prefix("/").unwrap().to_str().unwrap().to_owned();
    disk.files().into_iter().map(|(path, bytes)| (relative(path), bytes)).collect()
}

impl Mutation {
    fn line(&self) -> String {
        match self {
            Self::Flip(file, bit) => format!("flip {file} {bit}"),
            Self::Cut(file, begin, end) => format!("cut {file} {begin} {end}"),
            Self::Swap(file, [a, b, c, d]) => format!("swap {file} {a} {b} {c} {d}"),
            Self::Remove(file) => format!("remove {file}"),
            Self::Exchange(file, other) => format!("exchange {file} {other}"),
        }
    }

    /// The changed files; `None` for one that is removed.
    fn apply(&self, files: &Files) -> Vec<(String, Option<Vec<u8>>)> {
        match self {
            Self::Flip(file, bit) => {
                let mut bytes = files[file].clone();
                bytes[bit / 8] ^= 1 << (bit % 8);
                vec![(file.clone(), Some(bytes))]
            }
            Self::Cut(file, begin, end) => {
                let bytes = &files[file];
                vec![(file.clone(), Some([&bytes[..*begin], &bytes[*end..]].concat()))]
            }
            Self::Swap(file, [a, b, c, d]) => {
                let x = &files[file];
                let swapped = [&x[..*a], &x[*c..*d], &x[*b..*c], &x[*a..*b], &x[*d..]].concat();
                vec![(file.clone(), Some(swapped))]
            }
            Self::Remove(file) => vec![(file.clone(), None)],
            Self::Exchange(file, other) => {
                vec![(file.clone(), Some(files[other].clone())), (other.clone(), Some(files[file].clone()))]
            }
        }
    }

    fn changes_something(&self, files: &Files) -> bool {
        self.apply(files).iter().any(|(file, bytes)| bytes.as_ref() != Some(&files[file]))
    }
}

/// What this crate's verifier says of each mutation, as the Python one would print it: the index, or `-`.
fn verdicts(files: &Files, directory: &Path, mutations: &[Mutation]) -> Vec<String> {
    let portion = mutations.len().div_ceil(2).max(1);
    std::thread::scope(|scope| {
        let lanes: Vec<_> = mutations
            .chunks(portion)
            .map(|mutations| {
                scope.spawn(move || {
                    let disk = SimVfs::load(directory).unwrap();
                    mutations.iter().map(|mutation| verdict(&disk, files, mutation)).collect::<Vec<_>>()
                })
            })
            .collect();
        lanes.into_iter().flat_map(|lane| lane.join().unwrap()).collect()
    })
}

fn verdict(disk: &SimVfs, files: &Files, mutation: &Mutation) -> String {
    let at = |file: &str| Path::new("/").join(file);
    let changed = mutation.apply(files);
    for (file, bytes) in &changed {
        match bytes {
            Some(bytes) => disk.put(&at(file), bytes),
            None => disk.take(&at(file)),
        }
    }
    let report = verify(disk, Path::new("/"), None, 1);
    for (file, _) in &changed {
        disk.put(&at(file), &files[file]);
    }
    match report.first_bad() {
        None => "ok".to_owned(),
        Some(bad) => format!("bad {}", bad.index.map_or("-".to_owned(), |index| index.to_string())),
    }
}

/// What the Python verifier says; `None` when there is no Python on this machine.
fn second_verdicts(directory: &Path, mutations: &[Mutation]) -> Option<Vec<String>> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/ledger/run.py");
    let spawned = Command::new("python3")
        .arg(script)
        .arg("--batch")
        .arg(directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut child) = spawned else {
        eprintln!("skipped: the second verifier (python3 is not installed)");
        return None;
    };
    let mut input = child.stdin.take().unwrap();
    let lines = mutations.iter().fold(String::new(), |mut text, mutation| {
        writeln!(text, "{}", mutation.line()).unwrap();
        text
    });
    let feeder = std::thread::spawn(move || input.write_all(lines.as_bytes()).unwrap());
    let output = child.wait_with_output().unwrap();
    feeder.join().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    Some(text.lines().map(|line| line.splitn(3, ' ').take(2).collect::<Vec<_>>().join(" ")).collect())
}

fn campaign(directory: &Path, files: &Files, mutations: &[Mutation]) {
    let (first, second) = std::thread::scope(|scope| {
        let second = scope.spawn(|| second_verdicts(directory, mutations));
        let started = std::time::Instant::now();
        let first = verdicts(files, directory, mutations);
        let took = started.elapsed();
        let second = second.join().unwrap();
        eprintln!(
            "{} mutations: {took:?} here, {:?} with the second verifier",
            mutations.len(),
            started.elapsed()
        );
        (first, second)
    });
    assert_eq!(first.len(), mutations.len());
    for (mutation, verdict) in mutations.iter().zip(&first) {
        assert!(verdict.starts_with("bad"), "not found: {}", mutation.line());
    }
    let Some(second) = second else { return };
    assert_eq!(second.len(), mutations.len());
    for ((mutation, first), second) in mutations.iter().zip(&first).zip(&second) {
        assert!(second.starts_with("bad"), "not found by the second verifier: {}", mutation.line());
        assert_eq!(first, second, "the verifiers name different entries: {}", mutation.line());
    }
}

#[test]
fn every_bit_of_a_small_log_counts() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger");
    build(&path, 32);
    let report = verify_directory(&path, None);
    assert!(report.is_good() && report.leftovers.is_empty(), "{report:?}");
    assert_eq!(report.signed, 32);
    assert!(report.payloads_erased > 0 && report.payloads_intact > 0);
    let files = read_files(&path);
    let bits = |(file, bytes): (&String, &Vec<u8>)| {
        let file = file.clone();
        (0..bytes.len() * 8).map(move |bit| Mutation::Flip(file.clone(), bit))
    };
    let mutations: Vec<_> = files.iter().flat_map(bits).collect();
    campaign(&path, &files, &mutations);
}

/// As a crash leaves it: with room at the end of the files that were written to.
#[test]
fn every_bit_of_the_room_of_a_log_in_use_counts() {
    let directory = tempfile::tempdir().unwrap();
    let (path, crashed) = (directory.path().join("ledger"), directory.path().join("crashed"));
    // No checkpoint but the one that is asked for comes while the files are read.
    let seldom = Options { checkpoint_interval: std::time::Duration::from_secs(3_600), ..options(&path) };
    let (ledger, _) = open_with(seldom, Arc::new(RealVfs)).unwrap();
    append_all(&ledger, &(0..20).map(|n| (admin(n), Some(b"text".as_slice()))).collect::<Vec<_>>());
    ledger.sign_now().unwrap();
    append_all(&ledger, &(20..30).map(|n| (admin(n), Some(b"text".as_slice()))).collect::<Vec<_>>());
    for (file, bytes) in read_files(&path) {
        let target = crashed.join(file);
        std::fs::create_dir_all(target.parent().unwrap()).unwrap();
        std::fs::write(target, bytes).unwrap();
    }
    let report = verify_directory(&crashed, None);
    assert!(report.is_good() && report.payloads_intact == 30, "{report:?}");
    let files = read_files(&crashed);
    let mut random = Seeded::new(7);
    let mut mutations = Vec::new();
    for (file, bytes) in
        files.iter().filter(|(name, _)| name.starts_with("frames") || name.starts_with("pay"))
    {
        let used = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1;
        assert!(bytes.len() - used > 100_000, "{file} has no room");
        let room = (bytes.len() - used) as u64 * 8;
        let some = (0..60).map(|_| used * 8 + random.below(room) as usize);
        mutations.extend(
            [used * 8, bytes.len() * 8 - 1].into_iter().chain(some).map(|b| Mutation::Flip(file.clone(), b)),
        );
    }
    campaign(&crashed, &files, &mutations);
    drop(ledger);
}

/// Where the entries of a bundle or the frames of a segment begin and end.
fn spans(file: &str, bytes: &[u8]) -> Vec<(usize, usize)> {
    let mut at = if file.starts_with("frames") { 32 } else { 0 };
    let mut spans = Vec::new();
    while at < bytes.len() {
        let length = match file {
            _ if file.starts_with("frames") => {
                24 + u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize
            }
            _ => 2 + u16::from_be_bytes([bytes[at], bytes[at + 1]]) as usize,
        };
        spans.push((at, at + length));
        at += length;
    }
    spans
}

fn random_mutation(random: &mut Seeded, files: &Files) -> Mutation {
    let names: Vec<&String> = files.keys().collect();
    let mut pick = |names: &[&String]| names[random.below(names.len() as u64) as usize].clone();
    let file = pick(&names);
    let other = pick(&names);
    let with_entries: Vec<&String> =
        names.iter().copied().filter(|n| n.starts_with("tile/entries") || n.starts_with("frames")).collect();
    let entries = pick(&with_entries);
    let length = files[&file].len();
    let mut below = |n: usize| random.below(n as u64) as usize;
    match below(6) {
        0 => Mutation::Remove(file),
        1 => Mutation::Exchange(file, other),
        2 => {
            let begin = below(length);
            Mutation::Cut(file, begin, begin + 1 + below(length - begin))
        }
        3 => {
            let (a, b) = (below(length), below(length));
            let size = 1 + below(40).min(a.abs_diff(b)).min(length - a.max(b));
            let (a, b) = (a.min(b), a.max(b));
            let size = size.min(b - a).min(length - b);
            Mutation::Swap(file, [a, a + size, b, b + size])
        }
        4 => {
            let spans = spans(&entries, &files[&entries]);
            let (a, b) = (below(spans.len()), below(spans.len()));
            let ((a0, a1), (b0, b1)) = (spans[a.min(b)], spans[a.max(b)]);
            match a == b {
                true => Mutation::Cut(entries, a0, a1),
                false => Mutation::Swap(entries, [a0, a1, b0, b1]),
            }
        }
        _ => {
            let bit = below(length * 8);
            Mutation::Flip(file, bit)
        }
    }
}

#[test]
fn flips_cuts_swaps_and_removals_are_found() {
    let count = std::env::var("STOCKADE_MUTATIONS").ok().and_then(|n| n.parse().ok()).unwrap_or(20_000);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger");
    build(&path, 1_000);
    let report = verify_directory(&path, None);
    assert!(report.is_good() && report.leftovers.is_empty(), "{report:?}");
    let files = read_files(&path);
    assert!(files.contains_key("open-intents"), "frames were not trimmed: {:?}", files.keys());
    let exported = export_directory(Arc::new(RealVfs), &path, 0).unwrap().map(Result::unwrap);
    assert_eq!(exported.map(|entry| entry.index).collect::<Vec<_>>(), (0..1_000).collect::<Vec<_>>());
    let mut random = Seeded::new(20);
    let mutations: Vec<_> = std::iter::repeat_with(|| random_mutation(&mut random, &files))
        .filter(|mutation| mutation.changes_something(&files))
        .take(count)
        .collect();
    campaign(&path, &files, &mutations);
}
