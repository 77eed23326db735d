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
use stockade_inspect::tagger::{CLASSES, Gazetteer, Tagger};

/// How many texts are learned from, and how often.
const TEXTS: usize = 60_000;
const ROUNDS: usize = 6;

/// How many texts set the thresholds, and how many are reported on.
const HELD_OUT: usize = 8_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let pools = Pools::new(Part::Train);
    let lists = pools.classes(Part::Train);
    let gazetteer = gazetteer(&lists);
    let samples = make(&pools, Part::Train, TEXTS, 1);
    let mut learner = Learner::new();
    let mut random = Random::new(7);
    for round in 1..=ROUNDS {
        let wrong: usize = samples.iter().map(|sample| learner.learn(sample, &gazetteer, &mut random)).sum();
        println!("round {round}: {wrong} labels wrong");
    }
    let model = learner.model();
    let set = make(&Pools::new(Part::Set), Part::Set, HELD_OUT, 2);
    let calibration = measure::calibrate(&model, &gazetteer, &set);
    let model = model.calibrated(calibration);
    let tagger = Tagger::new(model.clone(), gazetteer);
    println!("held out: names and templates that were never trained on");
    measure::report(&tagger, &make(&Pools::new(Part::Test), Part::Test, HELD_OUT, 3));

    // What is shipped knows the names of all parts.
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tagger");
    std::fs::write(folder.join("pii.model"), model.write())?;
    std::fs::write(folder.join("gazetteer.txt"), all_lists())?;
    Ok(())
}

fn make(pools: &Pools, part: Part, count: usize, seed: u64) -> Vec<Sample> {
    let mut generator = Generator { pools, part, random: Random::new(seed) };
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

/// The lists of all parts as the tagger reads them.
fn all_lists() -> String {
    let mut out = String::from("# Words by class, sorted. Made by `cargo xtask train pii`; do not edit.\n");
    let parts = [Part::Train, Part::Set, Part::Test].map(|part| Pools::new(part).classes(part));
    for class in CLASSES {
        let mut words: Vec<&String> =
            parts.iter().flatten().filter(|(name, _)| *name == class).flat_map(|(_, words)| words).collect();
        words.sort_unstable();
        words.dedup();
        for line in words.chunks(16) {
            let line: Vec<&str> = line.iter().map(|word| word.as_str()).collect();
            out.push_str(&format!("{class} {}\n", line.join(" ")));
        }
    }
    out
}
