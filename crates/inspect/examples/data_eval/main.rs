//! Precision, recall and F1 of recognizers by type: on rows that are generated here, in 15 locales, and on labelled
//! sentences from `STOCKADE_TESTDATA` where that is set.
//! Run with `cargo xtask eval pii` or `eval secrets`; `--rows FILE` writes the generated rows for another tool, and
//! `--found FILE` scores what that tool found in them (a JSON line a row: a list of start and end in characters).

#![expect(clippy::print_stdout, reason = "a program that prints figures")]

mod numbers;
mod pii;
mod random;
mod secrets;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;

use stockade_domain::{Channel, Direction, FindingKind, Role, SpanRef};
use stockade_inspect::{Context, Engine};
use stockade_rulebook::Rulebook;

/// How many rows of each template are made.
const ROUNDS: usize = 40;

/// A text in which some stretches are to be found.
pub(crate) struct Row {
    pub(crate) text: String,
    /// Where the row comes from: a locale, or a sort of text.
    pub(crate) source: String,
    /// Type, first byte, one past the last.
    pub(crate) spans: Vec<(String, usize, usize)>,
}

/// A stretch that was found: the type as the tool calls it, first byte, one past the last.
type Found = (String, usize, usize);

#[derive(Default, Clone, Copy)]
struct Count {
    wanted: u32,
    found: u32,
    typed: u32,
    stray: u32,
}

type Error = Box<dyn std::error::Error>;

fn main() -> Result<(), Error> {
    let mut arguments = std::env::args().skip(1);
    let what = arguments.next().unwrap_or_default();
    let kind = match what.as_str() {
        "pii" => FindingKind::Pii,
        "secrets" => FindingKind::Secret,
        _ => return Err("say `pii` or `secrets`".into()),
    };
    let rows = if kind == FindingKind::Pii { pii::rows(ROUNDS) } else { secrets::rows(ROUNDS) };
    match (arguments.next().as_deref(), arguments.next()) {
        (None, _) => {}
        (Some("--rows"), Some(file)) => return write_rows(&rows, &file),
        (Some("--found"), Some(file)) => {
            return score("generated, the other tool", &rows, &read_found(&rows, &file)?, false);
        }
        _ => return Err("`--rows FILE` or `--found FILE`".into()),
    }
    let engine = Engine::new(&Rulebook::new(stockade_rules::FILES))?;
    let ours = |rows: &[Row]| -> Vec<Vec<Found>> {
        rows.iter().map(|row| examine(&engine, kind, &row.text)).collect()
    };
    score("generated", &rows, &ours(&rows), true)?;
    if kind == FindingKind::Pii {
        match labelled()? {
            Some(rows) => score("presidio_generated", &rows, &ours(&rows), false)?,
            None => println!("presidio_generated: not run: STOCKADE_TESTDATA is not set"),
        }
    }
    benign(&engine, kind)
}

fn examine(engine: &Engine, kind: FindingKind, text: &str) -> Vec<Found> {
    let cx = Context::new(Direction::Request, Channel::Content, Role::User);
    let report = engine.examine(SpanRef { channel: cx.channel, role: cx.role, path: "", text }, &cx);
    let of_kind = report.findings.iter().filter(|f| f.kind == kind);
    of_kind.map(|f| (f.ty.to_string(), f.start, f.end)).collect()
}

/// Prints the figures. A labelled stretch is found when findings cover half of it; of its type, when one of these is.
#[expect(clippy::unnecessary_wraps, reason = "one of several things that a run ends in")]
fn score(title: &str, rows: &[Row], found: &[Vec<Found>], by_source: bool) -> Result<(), Error> {
    let mut types: BTreeMap<&str, Count> = BTreeMap::new();
    let mut sources: BTreeMap<&str, Count> = BTreeMap::new();
    for (row, found) in rows.iter().zip(found) {
        let meets = |(_, s, e): &Found, start: usize, end: usize| {
            let both = (*e).min(end).saturating_sub((*s).max(start));
            both.saturating_mul(2) >= end.saturating_sub(start)
        };
        for (ty, start, end) in &row.spans {
            let hit = found.iter().any(|f| meets(f, *start, *end));
            let typed = found.iter().any(|f| f.0 == *ty && meets(f, *start, *end));
            for count in [types.entry(ty).or_default(), sources.entry(&row.source).or_default()] {
                count.wanted += 1;
                count.found += u32::from(hit);
                count.typed += u32::from(typed);
            }
        }
        for (ty, start, end) in found {
            if !row.spans.iter().any(|(_, s, e)| s < end && start < e) {
                types.entry(ty).or_default().stray += 1;
                sources.entry(&row.source).or_default().stray += 1;
            }
        }
    }
    println!("\n{title}: {} rows", rows.len());
    print("type", &types);
    if by_source {
        print("source", &sources);
    }
    Ok(())
}

fn print(name: &str, counts: &BTreeMap<&str, Count>) {
    println!(
        "{name:<26} {:>7} {:>7} {:>7} {:>7} {:>6} {:>6} {:>6}",
        "wanted", "found", "typed", "stray", "P", "R", "F1"
    );
    let mut total = Count::default();
    for (ty, count) in counts {
        line(ty, *count);
        total.wanted += count.wanted;
        total.found += count.found;
        total.typed += count.typed;
        total.stray += count.stray;
    }
    line("all", total);
}

fn line(name: &str, count: Count) {
    let ratio = |a: u32, b: u32| if b == 0 { 1.0 } else { f64::from(a) / f64::from(b) };
    let precision = ratio(count.found, count.found + count.stray);
    let recall = ratio(count.found, count.wanted);
    let f1 = if precision + recall > 0.0 { 2.0 * precision * recall / (precision + recall) } else { 0.0 };
    let Count { wanted, found, typed, stray } = count;
    println!(
        "{name:<26} {wanted:>7} {found:>7} {typed:>7} {stray:>7} {precision:>6.3} {recall:>6.3} {f1:>6.3}"
    );
}

/// Findings in texts that are not labelled: what they are must be looked at, so the types are shown.
fn benign(engine: &Engine, kind: FindingKind) -> Result<(), Error> {
    let Some(folder) = std::env::var_os("STOCKADE_TESTDATA").map(PathBuf::from) else { return Ok(()) };
    println!("\nfindings in texts without labels");
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder.join("text"))?.map(|e| e.map(|e| e.path())).collect::<Result<_, _>>()?;
    files.sort();
    for file in files {
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if name == "presidio_generated" {
            continue;
        }
        let (mut types, mut rows): (BTreeMap<String, u32>, u32) = (BTreeMap::new(), 0);
        for line in std::fs::read_to_string(&file)?.lines() {
            let row: serde_json::Value = serde_json::from_str(line)?;
            rows += 1;
            for (ty, _, _) in
                examine(engine, kind, row.get("text").and_then(|t| t.as_str()).unwrap_or_default())
            {
                *types.entry(ty).or_default() += 1;
            }
        }
        println!("{name:<26} {rows:>6} rows {types:?}");
    }
    Ok(())
}

/// The labelled sentences: labels count in characters.
fn labelled() -> Result<Option<Vec<Row>>, Error> {
    let Some(folder) = std::env::var_os("STOCKADE_TESTDATA").map(PathBuf::from) else { return Ok(None) };
    let types = BTreeMap::from([
        ("CREDIT_CARD", "card"),
        ("EMAIL_ADDRESS", "email"),
        ("IBAN_CODE", "iban"),
        ("IP_ADDRESS", "ip_address"),
        ("PHONE_NUMBER", "phone"),
        ("US_DRIVER_LICENSE", "driver_license"),
        ("US_SSN", "us_ssn"),
    ]);
    let mut rows = Vec::new();
    for line in std::fs::read_to_string(folder.join("text/presidio_generated.jsonl"))?.lines() {
        let value: serde_json::Value = serde_json::from_str(line)?;
        let text = value.get("text").and_then(|t| t.as_str()).unwrap_or_default().to_owned();
        let byte = |label: &serde_json::Value, key: &str| {
            let at = usize::try_from(label.get(key)?.as_u64()?).ok()?;
            Some(text.char_indices().nth(at).map_or(text.len(), |(byte, _)| byte))
        };
        let label = |label: &serde_json::Value| {
            let ty = label.get("t")?.as_str()?;
            let ours = types.get(ty).map_or_else(|| format!("({ty})"), |ours| (*ours).to_owned());
            Some((ours, byte(label, "s")?, byte(label, "e")?))
        };
        let labels = value.get("spans").and_then(|s| s.as_array()).map(Vec::as_slice).unwrap_or_default();
        rows.push(Row {
            spans: labels.iter().filter_map(label).collect(),
            source: "presidio".to_owned(),
            text,
        });
    }
    Ok(Some(rows))
}

fn write_rows(rows: &[Row], file: &str) -> Result<(), Error> {
    let mut out = std::io::BufWriter::new(std::fs::File::create(file)?);
    for row in rows {
        let line = serde_json::json!({ "text": row.text, "source": row.source });
        writeln!(out, "{line}")?;
    }
    Ok(())
}

fn read_found(rows: &[Row], file: &str) -> Result<Vec<Vec<Found>>, Error> {
    let text = std::fs::read_to_string(file)?;
    let mut all = Vec::new();
    for (row, line) in rows.iter().zip(text.lines()) {
        let spans: Vec<(String, usize, usize)> = serde_json::from_str(line)?;
        let byte = |at: usize| row.text.char_indices().nth(at).map_or(row.text.len(), |(byte, _)| byte);
        all.push(spans.into_iter().map(|(ty, start, end)| (ty, byte(start), byte(end))).collect());
    }
    Ok(all)
}
