//! A set of our own that was written before the rules were tuned to it: attacks that a person types, orders inside what a
//! tool gives back, and honest texts of the same kinds. Half of it is *sealed*: only its totals are ever printed.

use std::collections::BTreeMap;
use std::path::Path;

use stockade_domain::{Channel, Direction, FindingKind, Role, SpanRef, Untrusted};
use stockade_inspect::{Context, Engine};

use crate::{BLOCKS, percent};

/// In how many places each order and each honest sentence stands.
const PLACES: usize = 4;

/// What annotates at least, in thousandths: a finding of this weight is told to policy.
const ANNOTATES: u16 = 250;

/// A text of the set.
struct Case {
    /// Where it comes to a model from.
    way: &'static str,
    /// Family of the attack or genre of the honest text.
    family: String,
    language: String,
    channel: Channel,
    role: Role,
    text: String,
    attack: bool,
    sealed: bool,
}

#[derive(Clone, Copy, Default)]
struct Count {
    all: usize,
    blocked: usize,
    noted: usize,
}

/// Prints the figures; with `listed`, the open texts that came out wrong.
pub(crate) fn run(engine: &Engine, listed: bool) -> Result<(), Box<dyn std::error::Error>> {
    let cases = cases()?;
    let outcomes: Vec<(bool, bool)> = cases.iter().map(|case| examine(engine, case)).collect();
    println!("\nwritten by ourselves before tuning; of the sealed half only totals were ever looked at");
    println!("{:<38}{:>7}{:>10}{:>11}", "", "texts", "blocked", "annotated");
    for sealed in [false, true] {
        for attack in [true, false] {
            let half = if sealed { "sealed" } else { "open" };
            let kind = if attack { "attacks" } else { "honest" };
            table(&cases, &outcomes, half, kind, |case| {
                (case.sealed == sealed && case.attack == attack).then(|| case.way.to_owned())
            });
        }
    }
    table(&cases, &outcomes, "open", "family", |case| {
        (!case.sealed && case.attack && case.language == "en").then(|| case.family.clone())
    });
    table(&cases, &outcomes, "open", "language", |case| {
        (!case.sealed && case.attack).then(|| case.language.clone())
    });
    if listed {
        list(engine, &cases, &outcomes);
    }
    Ok(())
}

fn table(
    cases: &[Case],
    outcomes: &[(bool, bool)],
    half: &str,
    kind: &str,
    key: impl Fn(&Case) -> Option<String>,
) {
    let mut groups: BTreeMap<String, Count> = BTreeMap::new();
    let mut whole = Count::default();
    for (case, (blocks, notes)) in cases.iter().zip(outcomes) {
        let Some(key) = key(case) else { continue };
        for count in [groups.entry(key).or_default(), &mut whole] {
            count.all += 1;
            count.blocked += usize::from(*blocks);
            count.noted += usize::from(*notes);
        }
    }
    groups.insert(String::from("ALL"), whole);
    for (name, count) in groups {
        println!(
            "{:<38}{:>7}{:>10}{:>11}",
            format!("{half} {kind}: {name}"),
            count.all,
            percent(count.blocked, count.all),
            percent(count.noted, count.all)
        );
    }
}

fn examine(engine: &Engine, case: &Case) -> (bool, bool) {
    let cx = Context::new(Direction::Request, case.channel, case.role);
    let span = SpanRef { channel: case.channel, role: case.role, path: "", text: &case.text };
    let report = engine.examine(span, &cx);
    let most = report.findings.iter().filter(|f| f.kind == FindingKind::Injection);
    let most = most.map(|f| f.confidence.thousandths()).max().unwrap_or(0);
    (most >= BLOCKS, most >= ANNOTATES)
}

fn list(engine: &Engine, cases: &[Case], outcomes: &[(bool, bool)]) {
    for (case, (blocks, _)) in cases.iter().zip(outcomes) {
        if case.sealed || case.attack == *blocks {
            continue;
        }
        println!("{} {} {} {}", case.way, case.family, case.language, Untrusted::new(&case.text).for_log());
        let cx = Context::new(Direction::Request, case.channel, case.role);
        let span = SpanRef { channel: case.channel, role: case.role, path: "", text: &case.text };
        for finding in engine.examine(span, &cx).findings.iter().filter(|f| f.kind == FindingKind::Injection)
        {
            let place = case.text.get(finding.start..finding.end).unwrap_or_default();
            let place: String = place.chars().take(120).collect();
            let weight = finding.confidence.thousandths();
            println!("    {} {weight} {}", finding.rule_id, Untrusted::new(&place).for_log());
        }
    }
}

fn cases() -> Result<Vec<Case>, Box<dyn std::error::Error>> {
    let mut cases = Vec::new();
    let mut add = |way, family: &str, language: &str, (channel, role), text: String, attack, sealed| {
        let (family, language) = (family.to_owned(), language.to_owned());
        cases.push(Case { way, family, language, channel, role, text, attack, sealed });
    };
    let said = (Channel::Content, Role::User);
    let result = (Channel::ToolResult, Role::Tool);
    let definition = (Channel::ToolDefinition, Role::None);
    let carriers: Vec<(String, String)> =
        lines("carriers.txt")?.into_iter().map(|(form, _, text)| (form, text)).collect();
    for (file, attack) in [("direct.txt", true), ("talk.txt", false)] {
        for (family, language, text) in lines(file)? {
            let sealed = is_sealed(&text);
            add("typed", &family, &language, said, text, attack, sealed);
        }
    }
    for (file, attack) in [("indirect.txt", true), ("honest.txt", false)] {
        for (family, language, text) in lines(file)? {
            let sealed = is_sealed(&text);
            if family == "tooldesc" {
                add("tool definition", &family, &language, definition, text, attack, sealed);
                continue;
            }
            let first = usize::try_from(hash(&text) >> 32)? % carriers.len().max(1);
            let mut places = carriers.iter().cycle().skip(first).step_by(5);
            for place in 0..=PLACES {
                let Some((form, carrier)) = places.next() else { continue };
                let escaped = if form == "json" {
                    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
                } else {
                    text.clone()
                };
                let whole = carrier.replace("{}", &escaped);
                if place == PLACES {
                    let asked = format!("Summarise this for me:\n\n{whole}");
                    add("pasted", &family, &language, said, asked, attack, sealed);
                } else {
                    let structured = matches!(form.as_str(), "json" | "table" | "csv" | "log");
                    let way = if structured { "in tables, JSON, logs" } else { "in documents" };
                    add(way, &family, &language, result, whole, attack, sealed);
                }
            }
        }
    }
    for (genre, _, text) in lines("documents.txt")? {
        let sealed = is_sealed(&text);
        match genre.as_str() {
            "tooldesc" => add("tool definition", &genre, "en", definition, text, false, sealed),
            "json" | "log" | "table" => {
                add("in tables, JSON, logs", &genre, "en", result, text, false, sealed)
            }
            _ => add("in documents", &genre, "en", result, text, false, sealed),
        }
    }
    Ok(cases)
}

/// Family, language and text of a line; where a line has no family, its language stands for it.
type Row = (String, String, String);

fn lines(file: &str) -> Result<Vec<Row>, Box<dyn std::error::Error>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/blind").join(file);
    let text = std::fs::read_to_string(path)?;
    let mut out = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with("# ") && !line.is_empty()) {
        let (first, rest) = line.split_once('|').ok_or("a line has no `|`")?;
        let language = |code: &str| code.len() == 2 && code.bytes().all(|b| b.is_ascii_lowercase());
        let (family, language, text) = match rest.split_once('|') {
            Some((code, text)) if language(code) => (first, code, text),
            _ => (first, first, rest),
        };
        let text = text.replace("\\n", "\n");
        out.push((family.to_owned(), language.to_owned(), text));
    }
    Ok(out)
}

fn is_sealed(text: &str) -> bool {
    hash(text) >> 40 & 1 == 1
}

fn hash(text: &str) -> u64 {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    (hash ^ (hash >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9)
}
