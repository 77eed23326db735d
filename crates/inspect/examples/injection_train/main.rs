//! Makes texts, trains the model behind the score on them, and writes it to `src/score/injection.bin`.
//! Run with `cargo xtask train injection`. The same source gives the same bytes on every run.

#![expect(clippy::print_stdout, reason = "a program that prints figures")]

mod attacks;
mod benign;
mod languages;
mod random;

use std::collections::BTreeSet;
use std::path::Path;

use random::Random;
use stockade_inspect::Engine;
use stockade_rulebook::Rulebook;

/// Attacks and honest texts, of each.
const TEXTS: usize = 16_000;

/// One in so many texts is not in English.
const ENGLISH: usize = 2;

const EPOCHS: usize = 14;
const WEIGHTS: usize = 1 << 17;

/// The weight of an honest text: crying wolf is worse than missing one, for rules look too.
const HONEST: f32 = 2.5;

/// A text as the model sees it.
struct Sample {
    features: Vec<u32>,
    attack: bool,
    /// Its family, genre or language.
    group: String,
}

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
    let model = fit(&train, &mut random);
    println!("{} texts for training", train.len());
    tell("of families and genres that were trained on", &model, &test);
    tell("of families and genres that never were", &model, &unseen);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/score/injection.bin");
    std::fs::write(&path, model.bytes())?;
    println!("{}", path.display());
    Ok(())
}

struct Model {
    weights: Vec<i8>,
    scale: f32,
    bias: f32,
}

/// Logistic regression by AdaGrad with decay; features are divided by the root of their number.
fn fit(train: &[Sample], random: &mut Random) -> Model {
    let mut weights = vec![0.0_f32; WEIGHTS];
    let mut squares = vec![1e-4_f32; WEIGHTS];
    let mut bias = 0.0_f32;
    let mut order: Vec<usize> = (0..train.len()).collect();
    for epoch in 0..EPOCHS {
        random.shuffle(&mut order);
        let rate = 0.25 / (1.0 + epoch as f32 * 0.3);
        for sample in order.iter().filter_map(|at| train.get(*at)) {
            let norm = 1.0 / (sample.features.len().max(1) as f32).sqrt();
            let of = |at: &u32| weights.get(*at as usize).copied().unwrap_or(0.0);
            let logit = sample.features.iter().map(of).sum::<f32>() * norm + bias;
            let probability = 1.0 / (1.0 + (-logit).exp());
            let (wanted, importance) = if sample.attack { (1.0, 1.0) } else { (0.0, HONEST) };
            let error = (probability - wanted) * importance;
            bias -= rate * 0.02 * error;
            for at in &sample.features {
                let at = *at as usize;
                if let (Some(weight), Some(square)) = (weights.get_mut(at), squares.get_mut(at)) {
                    let gradient = error * norm + 2e-5 * *weight;
                    *square += gradient * gradient;
                    *weight -= rate * gradient / square.sqrt();
                }
            }
        }
    }
    let most = weights.iter().fold(0.0_f32, |most, w| most.max(w.abs())).max(1e-6);
    let scale = most / 127.0;
    let weights = weights.iter().map(|w| (w / scale).round() as i8).collect();
    Model { weights, scale, bias }
}

impl Model {
    fn logit(&self, features: &[u32]) -> f32 {
        let sum: i32 =
            features.iter().map(|at| i32::from(self.weights.get(*at as usize).copied().unwrap_or(0))).sum();
        sum as f32 * self.scale / (features.len().max(1) as f32).sqrt() + self.bias
    }

    fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(WEIGHTS + 8);
        out.extend(self.scale.to_le_bytes());
        out.extend(self.bias.to_le_bytes());
        out.extend(self.weights.iter().flat_map(|w| w.to_le_bytes()));
        out
    }
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
