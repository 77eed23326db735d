//! How well the inventory recognises the labelled corpus: precision and recall by entity, for each half. `--names` lists
//! what was missed and what was too much in the tuned half; the frozen half shows figures only.

#![expect(clippy::print_stdout, reason = "a program that prints figures")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use stockade_rulebook::Rulebook;
use stockade_scan::{Kind, Options, Report, Scanner, Scope};

#[derive(Deserialize)]
struct Labels {
    assets: Vec<Labelled>,
    findings: Vec<Expected>,
}

#[derive(Deserialize)]
struct Labelled {
    kind: Kind,
    name: String,
    path: String,
}

#[derive(Deserialize)]
struct Expected {
    rule: String,
    path: String,
}

/// True, false and missed.
#[derive(Default, Clone, Copy)]
struct Score {
    hit: usize,
    extra: usize,
    missed: usize,
}

type Entity = (Kind, String);

fn main() -> Result<()> {
    let names = std::env::args().any(|argument| argument == "--names");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/scan-corpus");
    let scanner = Scanner::new(&Rulebook::new(stockade_rules::FILES))?;
    for half in ["tuned", "frozen"] {
        evaluate(&scanner, &root.join(half), half, names && half == "tuned")?;
    }
    Ok(())
}

fn evaluate(scanner: &Scanner, folder: &Path, half: &str, names: bool) -> Result<()> {
    let mut by_kind: BTreeMap<Kind, Score> = BTreeMap::new();
    let mut findings = Score::default();
    let mut repositories = 0_usize;
    let begun = Instant::now();
    for repository in sorted(folder)? {
        repositories = repositories.saturating_add(1);
        let labels: Labels = serde_json::from_str(&std::fs::read_to_string(repository.join("labels.json"))?)?;
        let name = repository.file_name().unwrap_or_default();
        let copy = tempfile::tempdir()?;
        let tree = copy.path().join(name);
        copy_tree(&repository.join("tree"), &tree)?;
        let report = scanner.scan(&tree, &Options::default())?;
        score_assets(&labels, &report, &mut by_kind, names.then(|| name.to_string_lossy().into_owned()));
        score_findings(&labels, &report, &mut findings, names);
    }
    ensure!(repositories > 0, "no repository below {}", folder.display());
    println!("{half}: {repositories} repositories, {:.2} s", begun.elapsed().as_secs_f64());
    println!(
        "  {:<18} {:>5} {:>6} {:>7} {:>10} {:>7}",
        "KIND", "TRUE", "FALSE", "MISSED", "PRECISION", "RECALL"
    );
    let mut all = Score::default();
    for (kind, score) in &by_kind {
        print_row(kind.as_str(), *score);
        all.hit = all.hit.saturating_add(score.hit);
        all.extra = all.extra.saturating_add(score.extra);
        all.missed = all.missed.saturating_add(score.missed);
    }
    print_row("all entities", all);
    print_row("findings", findings);
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "counts of a small corpus")]
fn print_row(what: &str, score: Score) {
    let share = |of: usize, more: usize| of as f64 / (of.saturating_add(more)).max(1) as f64;
    println!(
        "  {what:<18} {:>5} {:>6} {:>7} {:>10.3} {:>7.3}",
        score.hit,
        score.extra,
        score.missed,
        share(score.hit, score.extra),
        share(score.hit, score.missed)
    );
}

fn score_assets(
    labels: &Labels,
    report: &Report,
    by_kind: &mut BTreeMap<Kind, Score>,
    names: Option<String>,
) {
    let wanted: BTreeMap<Entity, &str> =
        labels.assets.iter().map(|one| ((one.kind, one.name.clone()), one.path.as_str())).collect();
    let mut found: BTreeSet<Entity> = BTreeSet::new();
    for asset in report.assets.iter().filter(|asset| asset.scope == Scope::Product) {
        let entity = (asset.kind, asset.name.clone());
        // An entity counts where it is, not anywhere.
        let right = wanted.get(&entity).is_some_and(|path| asset.occurrences.iter().any(|o| o.path == *path));
        let score = by_kind.entry(asset.kind).or_default();
        if right {
            score.hit = score.hit.saturating_add(1);
            found.insert(entity);
        } else {
            score.extra = score.extra.saturating_add(1);
            if let Some(name) = &names {
                let place =
                    asset.occurrences.first().map(|o| format!("{}:{}", o.path, o.line)).unwrap_or_default();
                println!("  {name}: too much: {} {} at {place}", asset.kind.as_str(), asset.name);
            }
        }
    }
    for entity in wanted.keys().filter(|entity| !found.contains(entity)) {
        let score = by_kind.entry(entity.0).or_default();
        score.missed = score.missed.saturating_add(1);
        if let Some(name) = &names {
            println!("  {name}: missed: {} {}", entity.0.as_str(), entity.1);
        }
    }
}

fn score_findings(labels: &Labels, report: &Report, score: &mut Score, names: bool) {
    let wanted: BTreeSet<(&str, &str)> =
        labels.findings.iter().map(|one| (one.rule.as_str(), one.path.as_str())).collect();
    let found: BTreeSet<(&str, &str)> = report
        .findings
        .iter()
        .filter(|finding| finding.scope == Scope::Product)
        .map(|finding| (finding.rule_id.as_str(), finding.path.as_str()))
        .collect();
    score.hit = score.hit.saturating_add(wanted.intersection(&found).count());
    score.extra = score.extra.saturating_add(found.difference(&wanted).count());
    score.missed = score.missed.saturating_add(wanted.difference(&found).count());
    if names {
        found.difference(&wanted).for_each(|(rule, path)| println!("  finding too much: {rule} {path}"));
        wanted.difference(&found).for_each(|(rule, path)| println!("  finding missed: {rule} {path}"));
    }
}

fn sorted(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
    let mut all: Vec<PathBuf> =
        entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    all.sort();
    Ok(all)
}

/// Copies a tree; synthetic credentials are put in on the way.
fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for path in sorted(from)? {
        let target = to.join(path.file_name().unwrap_or_default());
        if path.is_dir() {
            copy_tree(&path, &target)?;
        } else {
            std::fs::write(target, with_secrets(&std::fs::read_to_string(&path)?))?;
        }
    }
    Ok(())
}

/// `{{secret:RULE}}` as a credential of the right form that belongs to nobody.
fn with_secrets(text: &str) -> String {
    text.replace("{{secret:aws-access-key}}", &format!("AKIA{}", "Q3EGS5TVLNW7YJXC"))
        .replace("{{secret:github-token}}", &format!("ghp_{}", "0123456789abcdefghijABCDEFGHIJ012345"))
}
