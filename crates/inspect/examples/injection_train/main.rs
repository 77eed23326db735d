//! Makes texts, trains the model behind the score on them, and writes it to `src/score/injection.bin`.
//! Run with `cargo xtask train injection`. The same source gives the same bytes on every run.

#![expect(clippy::print_stdout, reason = "a program that prints figures")]

mod attacks;
mod benign;
mod languages;
mod model;
mod orders;
mod orders_words;
mod random;

use std::collections::BTreeSet;
use std::path::Path;

use model::{Model, Sample, Shape, fit};
use random::Random;
use stockade_inspect::Engine;
use stockade_rulebook::Rulebook;

/// Attacks and honest texts, of each.
const TEXTS: usize = 16_000;

/// What the model of attacks learns: crying wolf is worse than missing one, for rules look too.
const SHAPE: Shape = Shape { weights: 1 << 17, epochs: 14, honest: 2.5 };

/// The same of the model of orders.
const ORDERS: Shape = Shape { weights: 1 << 16, epochs: 12, honest: 2.0 };

/// Segments of each kind for the model of orders.
const SEGMENTS: usize = 30_000;

/// One in so many texts is not in English.
const ENGLISH: usize = 2;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let engine = Engine::new(&Rulebook::new(stockade_rules::FILES))?;
    let languages = languages::languages()?;
    let mut random = Random::new(20_261_120);
    let mut seen = BTreeSet::new();
    let (mut train, mut test, mut unseen) = (Vec::new(), Vec::new(), Vec::new());
    for attack in [true, false] {
        let mut count = 0_usize;
        let mut tries = 0_usize;
        while count < TEXTS && tries < TEXTS * 40 {
            tries += 1;
            let (group, text, held_out) = if random.one_in(ENGLISH) {
                let Some(language) = languages.get(random.below(languages.len())) else { continue };
                let text = if attack { language.attack(&mut random) } else { language.honest(&mut random) };
                (language.code.clone(), text, false)
            } else if attack {
                let family = attacks::FAMILIES.get(random.below(attacks::FAMILIES.len())).copied();
                let family = family.unwrap_or(attacks::Family::Override);
                (format!("{family:?}"), attacks::attack(family, &mut random), family == attacks::HELD_OUT)
            } else {
                let genre = benign::GENRES.get(random.below(benign::GENRES.len())).copied();
                let genre = genre.unwrap_or(benign::Genre::Chat);
                (format!("{genre:?}"), benign::text(genre, &mut random), genre == benign::HELD_OUT)
            };
            if !seen.insert(text.clone()) {
                continue;
            }
            count += 1;
            let sample = Sample { features: engine.score_features(&text), attack, group };
            if held_out {
                unseen.push(sample);
            } else if random.one_in(10) {
                test.push(sample);
            } else {
                train.push(sample);
            }
        }
        println!("{count} {} texts, all different", if attack { "attack" } else { "honest" });
    }
    random.shuffle(&mut train);
    let model = fit(&train, &SHAPE, &mut random);
    println!("{} texts for training", train.len());
    tell("of families and genres that were trained on", &model, &test);
    tell("of families and genres that never were", &model, &unseen);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/score/injection.bin");
    std::fs::write(&path, model.bytes())?;
    println!("{}", path.display());
    orders(&engine, &mut Random::new(20_261_129))
}

/// Makes segments, trains the model of orders, and writes it.
fn orders(engine: &Engine, random: &mut Random) -> Result<(), Box<dyn std::error::Error>> {
    let (mut train, mut test, mut unseen) = (Vec::new(), Vec::new(), Vec::new());
    for attack in [true, false] {
        for _ in 0..SEGMENTS {
            let (group, text, held_out) = if random.one_in(ENGLISH) {
                let (code, text) = orders::tongue(attack, random);
                (code.to_owned(), text, false)
            } else if attack {
                let task = orders::TASKS.get(random.below(orders::TASKS.len())).copied();
                let task = task.unwrap_or(orders::Task::Write);
                (format!("{task:?}"), orders::order(task, random), task == orders::HELD_OUT)
            } else {
                let cell = orders::CELLS.get(random.below(orders::CELLS.len())).copied();
                let cell = cell.unwrap_or(orders::Cell::Name);
                (format!("{cell:?}"), orders::cell(cell, random), cell == orders::HELD_OUT_CELL)
            };
            for features in engine.order_features(&text) {
                let sample = Sample { features, attack, group: group.clone() };
                if held_out {
                    unseen.push(sample);
                } else if random.one_in(10) {
                    test.push(sample);
                } else {
                    train.push(sample);
                }
            }
        }
    }
    random.shuffle(&mut train);
    let model = fit(&train, &ORDERS, random);
    println!("\norders among data: {} segments for training", train.len());
    tell("of tasks and cells that were trained on", &model, &test);
    tell("of tasks and cells that never were", &model, &unseen);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/score/orders.bin");
    std::fs::write(&path, model.bytes())?;
    println!("{}", path.display());
    Ok(())
}

/// How many attacks, and how many honest texts, come out above even odds, by group.
fn tell(what: &str, model: &Model, samples: &[Sample]) {
    println!("\nabove even odds, {what}:");
    let mut groups: std::collections::BTreeMap<(bool, &str), (usize, usize)> =
        std::collections::BTreeMap::new();
    for sample in samples {
        let group = if sample.group.len() == 2 { "other languages" } else { &sample.group };
        let count = groups.entry((sample.attack, group)).or_default();
        count.0 += usize::from(model.logit(&sample.features) > 0.0);
        count.1 += 1;
    }
    for ((attack, group), (above, all)) in groups {
        let kind = if attack { "attacks" } else { "honest" };
        println!(
            "{kind:<8} {group:<16} {above:>6} of {all:>6}  {:>6.2} %",
            100.0 * above as f32 / all as f32
        );
    }
}
