//! Precision and recall of the names tagger on labelled sentences, and what it costs. The sentences need
//! `STOCKADE_TESTDATA`; without it that part says "not run".
//! Run with `cargo run --release -p stockade-inspect --example names_eval [KIND-TO-LIST]`.

#![expect(clippy::print_stdout, reason = "a program that prints figures")]
#![expect(clippy::indexing_slicing, clippy::string_slice, reason = "a program for people")]

use std::path::{Path, PathBuf};
use std::time::Instant;

use stockade_domain::Untrusted;
use stockade_inspect::tagger::{Kind, Tagged, Tagger};

/// A labelled place of a text.
struct Labelled {
    kind: Option<Kind>,
    start: usize,
    end: usize,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let tagger = Tagger::built_in().ok_or("the embedded model is damaged")?;
    cost(&tagger);
    let Some(folder) = std::env::var_os("STOCKADE_TESTDATA").map(PathBuf::from) else {
        println!("sentences: not run: STOCKADE_TESTDATA is not set");
        return Ok(());
    };
    let listed = std::env::args().nth(1);
    labelled(&tagger, &folder.join("text/presidio_generated.jsonl"), listed.as_deref())?;
    for file in ["xstest", "hh_harmless_human", "self_instruct", "purple_frr_en", "prompts_book_multilang"] {
        benign(&tagger, &folder.join(format!("text/{file}.jsonl")), file, listed.as_deref())?;
    }
    Ok(())
}

fn cost(tagger: &Tagger) {
    let prose = "The quick brown fox jumps over the lazy dog, said Alice Johnson, who had 12 apples and lived in \
                 Berlin. Please summarise the attached report for the team of Siemens AG by Friday; it should be \
                 short, friendly and clear. ";
    let text = &prose.repeat(2_048 / prose.len() + 1)[..2_048];
    let mut times: Vec<_> = (0..500)
        .map(|_| {
            let start = Instant::now();
            std::hint::black_box(tagger.tag(text));
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    println!("2 KB of prose: {:.1?} (median of {})", times[times.len() / 2], times.len());
    let start = Instant::now();
    std::hint::black_box(Tagger::built_in());
    println!("start-up: {:.1?}", start.elapsed());
}

/// The kinds of the labels of the file.
fn kind_of(label: &str) -> Option<Kind> {
    Some(match label {
        "PERSON" => Kind::Person,
        "LOCATION" => Kind::Place,
        "ORGANIZATION" => Kind::Organisation,
        "ADDRESS" => Kind::Address,
        _ => return None,
    })
}

fn labelled(tagger: &Tagger, path: &Path, listed: Option<&str>) -> Result<(), Box<dyn std::error::Error>> {
    // By kind: found, right, right or another name, labelled, covered, covered by any kind.
    let mut counts = [[0_u32; 6]; 6];
    for line in std::fs::read_to_string(path)?.lines() {
        let row: serde_json::Value = serde_json::from_str(line)?;
        let text = row.get("text").and_then(|text| text.as_str()).unwrap_or_default();
        let offsets: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
        let byte = |label: &serde_json::Value, key: &str| {
            let at = usize::try_from(label.get(key)?.as_u64()?).ok()?;
            offsets.get(at).copied()
        };
        let labels: Vec<Labelled> = row
            .get("spans")
            .and_then(|spans| spans.as_array())
            .into_iter()
            .flatten()
            .filter_map(|label| {
                let kind = kind_of(label.get("t")?.as_str()?);
                Some(Labelled { kind, start: byte(label, "s")?, end: byte(label, "e")? })
            })
            .collect();
        let tagged = tagger.tag(text);
        let meets = |one: &Tagged, label: &Labelled| one.start < label.end && label.start < one.end;
        for one in &tagged {
            let [found, right, any, ..] = &mut counts[one.kind.index()];
            *found += 1;
            *right += u32::from(labels.iter().any(|label| label.kind == Some(one.kind) && meets(one, label)));
            let good = labels.iter().any(|label| meets(one, label));
            *any += u32::from(good);
            if listed == Some(&*format!("{:?}", one.kind)) && !good {
                println!("  stray  {} <{}> in {}", one.confidence, &text[one.start..one.end], short(text));
            }
        }
        for label in &labels {
            let Some(kind) = label.kind else { continue };
            let [_, _, _, wanted, covered, any] = &mut counts[kind.index()];
            *wanted += 1;
            let hit = tagged.iter().any(|one| one.kind == kind && meets(one, label));
            *covered += u32::from(hit);
            let hit = tagged.iter().any(|one| meets(one, label));
            *any += u32::from(hit);
            if listed == Some(&*format!("{kind:?}")) && !hit {
                println!("  missed <{}> in {}", &text[label.start..label.end], short(text));
            }
        }
    }
    println!("presidio_generated          precision  (any name)     recall  (any kind)    labelled");
    for kind in Kind::ALL {
        let [found, right, any, wanted, covered, covered_any] = counts[kind.index()];
        let share = |a: u32, b: u32| f64::from(a) / f64::from(b.max(1));
        println!(
            "  {:<24}     {:>5.3}       {:>5.3}      {:>5.3}       {:>5.3}       {wanted:>5}  ({found} found)",
            format!("{kind:?}"),
            share(right, found),
            share(any, found),
            share(covered, wanted),
            share(covered_any, wanted),
        );
    }
    Ok(())
}

fn benign(
    tagger: &Tagger,
    path: &Path,
    name: &str,
    listed: Option<&str>,
) -> Result<(), Box<dyn std::error::Error>> {
    let mut counts = [0_u32; 6];
    let (mut texts, mut with) = (0_u32, 0_u32);
    for line in std::fs::read_to_string(path)?.lines() {
        let row: serde_json::Value = serde_json::from_str(line)?;
        let text = row.get("text").and_then(|text| text.as_str()).unwrap_or_default();
        let tagged = tagger.tag(text);
        texts += 1;
        with += u32::from(!tagged.is_empty());
        for one in &tagged {
            counts[one.kind.index()] += 1;
            if listed == Some(name) {
                println!(
                    "  {:?} {} <{}>",
                    one.kind,
                    one.confidence,
                    Untrusted::new(&text[one.start..one.end]).for_log()
                );
            }
        }
    }
    let all: Vec<String> =
        Kind::ALL.iter().map(|kind| format!("{kind:?} {}", counts[kind.index()])).collect();
    println!("{name:<24} {with} of {texts} texts with a finding; {}", all.join(", "));
    Ok(())
}

fn short(text: &str) -> String {
    let shown: String = text.chars().take(140).collect();
    Untrusted::new(&shown).for_log()
}
