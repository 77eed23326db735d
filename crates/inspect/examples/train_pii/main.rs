//! Trains the tagger of names on texts that are made up, and writes the model and the lists.
//! Run with `cargo xtask train pii`. The same source gives the same bytes.

#![expect(clippy::print_stdout, reason = "a program that prints figures")]

mod generate;
mod learn;
mod measure;
mod pools;
mod random;

use std::path::Path;

use generate::{Generator, Sample};
use learn::Learner;
use pools::{Part, Pools};
use random::Random;
use stockade_inspect::tagger::{CLASSES, Gazetteer, Model, Tagger};

/// How many texts a round learns from, and how many rounds there are. Every round has texts of its own.
const TEXTS: usize = 70_000;
const ROUNDS: u64 = 6;

/// How many texts set the thresholds, and how many are reported on.
const HELD_OUT: usize = 8_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (model, gazetteer) = train(&[Part::Train]);
    let tagger = Tagger::new(model.clone(), gazetteer.clone());
    let calibration = measure::calibrate(&tagger, &make(&Pools::new(&[Part::Set]), HELD_OUT, 2));
    println!("held out: names and templates that were never trained on");
    let tagger = Tagger::new(model.calibrated(calibration), gazetteer);
    measure::report(&tagger, &make(&Pools::new(&[Part::Test]), HELD_OUT, 3));

    // What is shipped learns from all parts, with the thresholds of the one that did not.
    let all = [Part::Train, Part::Set, Part::Test];
    let (model, _) = train(&all);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tagger");
    std::fs::write(folder.join("pii.model"), model.calibrated(calibration).write())?;
    std::fs::write(folder.join("gazetteer.txt"), lists(&Pools::new(&all)))?;
    Ok(())
}

fn train(parts: &[Part]) -> (Model, Gazetteer) {
    let pools = Pools::new(parts);
    let gazetteer = gazetteer(&pools.classes());
    let mut learner = Learner::new();
    let mut random = Random::new(7);
    for round in 0..ROUNDS {
        let samples = make(&pools, TEXTS, 100 + round);
        let wrong: usize = samples.iter().map(|sample| learner.learn(sample, &gazetteer, &mut random)).sum();
        println!("round {}: {wrong} labels wrong", round + 1);
    }
    (learner.model(), gazetteer)
}

fn make(pools: &Pools, count: usize, seed: u64) -> Vec<Sample> {
    let mut generator = Generator { pools, random: Random::new(seed) };
    (0..count).map(|_| generator.sample()).collect()
}

fn gazetteer(lists: &[(&str, Vec<String>)]) -> Gazetteer {
    let mut gazetteer = Gazetteer::default();
    for (class, words) in lists {
        if let Some(bit) = CLASSES.iter().position(|known| known == class) {
            words.iter().for_each(|word| gazetteer.add(word, bit));
        }
    }
    gazetteer
}

/// The lists as the tagger reads them.
fn lists(pools: &Pools) -> String {
    let mut out = String::from("# Words by class, sorted. Made by `cargo xtask train pii`; do not edit.\n");
    for (class, words) in pools.classes() {
        for line in words.chunks(16) {
            out.push_str(&format!("{class} {}\n", line.join(" ")));
        }
    }
    out
}
