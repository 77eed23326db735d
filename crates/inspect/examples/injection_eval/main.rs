//! How well attempts to steer a model are recognised: recall by source, false positives by source and language, what
//! blocks, and what disguises do; before that, the set of our own. Public sets need `STOCKADE_TESTDATA`.
//! Run with `cargo xtask eval injection`. `STOCKADE_RULES` names a directory of rules that replace built-in ones.

#![expect(clippy::print_stdout, reason = "a program that prints figures")]

mod blind;
mod data;
mod disguise;

use std::collections::BTreeMap;

use data::{Row, rows};
use disguise::{DISGUISES, Disguise};
use stockade_domain::{Channel, Direction, FindingKind, Role, SpanRef};
use stockade_inspect::{Context, Engine};
use stockade_rulebook::Rulebook;

/// A finding from this confidence on makes the default policy block, in thousandths.
const BLOCKS: u16 = 500;

/// How many attacks go through all disguises.
const DISGUISED: usize = 300;

/// Sources whose benign rows make the pool from which thresholds come.
const POOL: [&str; 5] = ["xstest", "purple_frr_en", "hh_harmless_human", "prompts_chat_cc0", "self_instruct"];

/// What one text gave.
#[derive(Clone, Copy)]
struct Outcome {
    score: u16,
    blocks: bool,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let listed = std::env::args().nth(1);
    let mut rules = Rulebook::new(stockade_rules::FILES);
    if let Some(directory) = std::env::var_os("STOCKADE_RULES") {
        rules = rules.overlay(std::path::Path::new(&directory))?;
    }
    let engine = Engine::new(&rules)?;
    if matches!(listed.as_deref(), None | Some("blind" | "blind-list")) {
        blind::run(&engine, listed.as_deref() == Some("blind-list"))?;
    }
    if matches!(listed.as_deref(), Some("blind" | "blind-list")) {
        return Ok(());
    }
    let Some(rows) = rows()? else {
        println!("not run: STOCKADE_TESTDATA is not set");
        return Ok(());
    };
    let outcomes: Vec<Outcome> = rows.iter().map(|row| examine(&engine, &row.text)).collect();
    let mut pool: Vec<u16> = rows
        .iter()
        .zip(&outcomes)
        .filter(|(row, _)| !row.attack && POOL.contains(&row.source.as_str()))
        .map(|(_, outcome)| outcome.score)
        .collect();
    pool.sort_unstable();
    let (one, tenth) = (threshold(&pool, 100), threshold(&pool, 1_000));
    println!("pool: {} benign texts; 1 % of them score {one} and more, 0.1 % {tenth} and more", pool.len());
    println!(
        "\n{:<24}{:>7}{:>9}{:>13}{:>13}{:>8}",
        "attacks", "texts", "blocked", "at 1 % FPR", "at 0.1 % FPR", "AUC"
    );
    for (source, outcomes) in by(&rows, &outcomes, |row| row.attack.then(|| row.source.clone())) {
        let scores: Vec<u16> = outcomes.iter().map(|o| o.score).collect();
        println!(
            "{source:<24}{:>7}{:>9}{:>13}{:>13}{:>8.3}",
            outcomes.len(),
            share(&outcomes, |o| o.blocks),
            share(&outcomes, |o| o.score >= one),
            share(&outcomes, |o| o.score >= tenth),
            auc(&scores, &pool)
        );
    }
    println!("\n{:<24}{:>7}{:>9}{:>13}{:>13}", "benign", "texts", "blocked", "score >= 500", "at 1 % FPR");
    for (source, outcomes) in by(&rows, &outcomes, |row| (!row.attack).then(|| row.source.clone())) {
        print_benign(&source, &outcomes, one);
    }
    println!();
    for (language, outcomes) in by(&rows, &outcomes, |row| row.language.clone().filter(|_| !row.attack)) {
        print_benign(&language, &outcomes, one);
    }
    disguises(&engine, &rows, &outcomes);
    if let Some(listed) = listed {
        list(&engine, &rows, &outcomes, &listed);
    }
    Ok(())
}

fn print_benign(name: &str, outcomes: &[Outcome], one: u16) {
    println!(
        "{name:<24}{:>7}{:>9}{:>13}{:>13}",
        outcomes.len(),
        share(outcomes, |o| o.blocks),
        share(outcomes, |o| o.score >= 500),
        share(outcomes, |o| o.score >= one)
    );
}

fn examine(engine: &Engine, text: &str) -> Outcome {
    let cx = Context::new(Direction::Request, Channel::Content, Role::User);
    let report = engine.examine(SpanRef { channel: cx.channel, role: cx.role, path: "", text }, &cx);
    let heavy = |f: &stockade_domain::Finding| {
        f.kind == FindingKind::Injection && f.confidence.thousandths() >= BLOCKS
    };
    Outcome { score: report.score, blocks: report.findings.iter().any(heavy) }
}

/// Outcomes by what a function makes of their rows.
fn by(
    rows: &[Row],
    outcomes: &[Outcome],
    key: impl Fn(&Row) -> Option<String>,
) -> BTreeMap<String, Vec<Outcome>> {
    let mut groups: BTreeMap<String, Vec<Outcome>> = BTreeMap::new();
    for (row, outcome) in rows.iter().zip(outcomes) {
        if let Some(key) = key(row) {
            groups.entry(key).or_default().push(*outcome);
        }
    }
    groups
}

fn share(outcomes: &[Outcome], counts: impl Fn(&Outcome) -> bool) -> String {
    percent(outcomes.iter().filter(|o| counts(o)).count(), outcomes.len())
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn percent(part: usize, all: usize) -> String {
    format!("{:.1} %", 100.0 * part as f64 / all.max(1) as f64)
}

/// The least score that at most one of `one_in` of a sorted pool reaches.
fn threshold(pool: &[u16], one_in: usize) -> u16 {
    let allowed = pool.len() / one_in;
    let at = pool.len().saturating_sub(allowed.saturating_add(1));
    pool.get(at).copied().unwrap_or(0).saturating_add(1)
}

/// The chance that an attack scores higher than a benign text; a tie is half a chance. The pool is sorted.
#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn auc(attacks: &[u16], pool: &[u16]) -> f64 {
    let wins: f64 = attacks
        .iter()
        .map(|score| {
            let below = pool.partition_point(|p| p < score);
            let same = pool.partition_point(|p| p <= score) - below;
            below as f64 + same as f64 / 2.0
        })
        .sum();
    wins / (attacks.len().max(1) as f64 * pool.len().max(1) as f64)
}

/// Attacks in ASCII that block as they are, in every disguise, and in pairs of disguises.
fn disguises(engine: &Engine, rows: &[Row], outcomes: &[Outcome]) {
    let clear: Vec<&Row> = rows
        .iter()
        .zip(outcomes)
        .filter(|(row, outcome)| {
            row.attack && outcome.blocks && row.text.is_ascii() && row.text.len() <= 4_000
        })
        .map(|(row, _)| row)
        .collect();
    let step = (clear.len() / DISGUISED).max(1);
    let sample: Vec<&str> = clear.iter().step_by(step).map(|row| row.text.as_str()).collect();
    println!("\nof {} attacks that block in clear, in disguise:", sample.len());
    let tell = |name: String, disguise: &dyn Fn(&str) -> String| {
        let found: Vec<Outcome> = sample.iter().map(|text| examine(engine, &disguise(text))).collect();
        println!("{name:<32}{:>9} blocked", share(&found, |o| o.blocks));
    };
    for Disguise { name, write, .. } in DISGUISES {
        tell((*name).to_owned(), write);
    }
    for outer in DISGUISES.iter().filter(|d| d.outer) {
        for inner in DISGUISES.iter().filter(|d| d.name != outer.name && !d.outer) {
            tell(format!("{} of {}", outer.name, inner.name), &|text| (outer.write)(&(inner.write)(text)));
        }
    }
}

/// Texts of a source that came out wrong.
fn list(engine: &Engine, rows: &[Row], outcomes: &[Outcome], source: &str) {
    let cx = Context::new(Direction::Request, Channel::Content, Role::User);
    for (row, outcome) in rows.iter().zip(outcomes) {
        if row.source != source || outcome.blocks == row.attack {
            continue;
        }
        let shown: String = row.text.chars().take(400).collect();
        println!("{} {}", outcome.score, stockade_domain::Untrusted::new(&shown).for_log());
        let span = SpanRef { channel: cx.channel, role: cx.role, path: "", text: &row.text };
        for finding in engine.examine(span, &cx).findings.iter().filter(|f| f.kind == FindingKind::Injection)
        {
            let place = row.text.get(finding.start..finding.end).unwrap_or_default();
            let place: String = place.chars().take(200).collect();
            let weight = finding.confidence.thousandths();
            println!(
                "    {} {weight} {}",
                finding.rule_id,
                stockade_domain::Untrusted::new(&place).for_log()
            );
        }
    }
}
