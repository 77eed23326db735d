//! How many honest files the default policy would deny: each file of some folders is read whole, as what a tool gave back and
//! as what a user pastes, and what denies it is named.
//!
//! `cargo run --release -p stockade-inspect --example files_eval [--most N] [--half 0|1] [--list] FOLDER...` takes up to N
//! text files of up to 60 KB from each folder, in an order that their paths alone decide; `--half` keeps one half of them,
//! for those who change rules to look at and to confirm with. `STOCKADE_RULES` names rules that replace built-in ones.

#![expect(clippy::print_stdout, reason = "a program that prints figures")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use stockade_domain::{Channel, Direction, FindingKind, Role, SpanRef, Untrusted};
use stockade_inspect::{Context, Engine, Report};
use stockade_rulebook::Rulebook;

/// A finding from this confidence on makes the default policy block, in thousandths.
const BLOCKS: u16 = 500;

/// Sizes of files that are read, in bytes.
const SIZES: std::ops::RangeInclusive<u64> = 1..=60_000;

/// What is not read: other people's machines, and what no tool reads.
const SKIPPED: [&str; 4] = [".git", "__pycache__", "target", ".venv"];

/// How a file reaches the model.
const WAYS: [(&str, Channel, Role, &str); 2] = [
    ("tool result", Channel::ToolResult, Role::Tool, ""),
    ("user", Channel::Content, Role::User, "Explain this file:\n\n"),
];

struct Wanted {
    most: usize,
    half: Option<u64>,
    listed: bool,
    folders: Vec<PathBuf>,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let wanted = wanted()?;
    let mut rules = Rulebook::new(stockade_rules::FILES);
    if let Some(directory) = std::env::var_os("STOCKADE_RULES") {
        rules = rules.overlay(Path::new(&directory))?;
    }
    let engine = Engine::new(&rules)?;
    println!("{:<44}{:>12}{:>8}{:>9}{:>8}", "", "", "files", "denied", "");
    let mut causes: BTreeMap<(&str, String), usize> = BTreeMap::new();
    for folder in &wanted.folders {
        let mut files = Vec::new();
        collect(folder, &mut files);
        files.sort_by_key(|file| hash(file));
        files.retain(|file| wanted.half.is_none_or(|half| hash(file) >> 40 & 1 == half));
        let texts = files.iter().filter_map(|file| Some((file, std::fs::read_to_string(file).ok()?)));
        let texts: Vec<(&PathBuf, String)> = texts.take(wanted.most).collect();
        for (way, channel, role, before) in WAYS {
            let mut denied = 0_usize;
            for (file, text) in &texts {
                let text = format!("{before}{text}");
                let cx = Context::new(Direction::Request, channel, role);
                let report = engine.examine(SpanRef { channel, role, path: "", text: &text }, &cx);
                let reasons = reasons(&report, &text);
                denied += usize::from(!reasons.is_empty());
                if wanted.listed && !reasons.is_empty() {
                    println!("{way}: {}", file.display());
                }
                for (reason, place) in reasons {
                    if wanted.listed {
                        println!("    {reason} {}", Untrusted::new(&place).for_log());
                    }
                    *causes
                        .entry((way, reason.split(' ').next().unwrap_or_default().to_owned()))
                        .or_default() += 1;
                }
            }
            let share =
                100.0 * f64::from(u32::try_from(denied)?) / f64::from(u32::try_from(texts.len().max(1))?);
            let name = folder.display().to_string();
            println!("{name:<44}{way:>12}{:>8}{denied:>9}{share:>6.2} %", texts.len());
        }
    }
    for ((way, reason), count) in causes {
        println!("{way:>12} {reason:<32}{count:>6}");
    }
    Ok(())
}

fn wanted() -> Result<Wanted, Box<dyn std::error::Error>> {
    let mut wanted = Wanted { most: usize::MAX, half: None, listed: false, folders: Vec::new() };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--most" => wanted.most = arguments.next().ok_or("--most wants a number")?.parse()?,
            "--half" => wanted.half = Some(arguments.next().ok_or("--half wants 0 or 1")?.parse()?),
            "--list" => wanted.listed = true,
            _ => wanted.folders.push(PathBuf::from(argument)),
        }
    }
    if wanted.folders.is_empty() {
        return Err("name a folder".into());
    }
    Ok(wanted)
}

/// What makes the default policy deny a text: a rule with its weight, or a detector that could not finish; and where.
fn reasons(report: &Report, text: &str) -> Vec<(String, String)> {
    let heavy = report
        .findings
        .iter()
        .filter(|f| f.kind == FindingKind::Injection && f.confidence.thousandths() >= BLOCKS);
    let mut reasons: Vec<(String, String)> = heavy
        .map(|f| {
            let place = text.get(f.start..f.end).unwrap_or_default();
            (format!("{} {}", f.rule_id, f.confidence.thousandths()), place.chars().take(160).collect())
        })
        .collect();
    let incomplete = report.incomplete.iter();
    reasons.extend(incomplete.map(|i| (format!("{}:{}", i.detector, i.reason), String::new())));
    reasons
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let Ok(kind) = entry.file_type() else { continue };
        let name = entry.file_name();
        if kind.is_dir() && !SKIPPED.iter().any(|skipped| name == *skipped) {
            collect(&entry.path(), files);
        } else if kind.is_file() && entry.metadata().is_ok_and(|m| SIZES.contains(&m.len())) {
            files.push(entry.path());
        }
    }
}

fn hash(path: &Path) -> u64 {
    let hash = path.to_string_lossy().bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    (hash ^ (hash >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9)
}
