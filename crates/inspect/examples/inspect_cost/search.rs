//! A search for the text that costs most for its length: short motifs, repeated, changed at random, kept when they cost
//! more. What it finds is measured, not guessed.

use std::hint::black_box;
use std::time::{Duration, Instant};

use stockade_domain::SpanRef;
use stockade_inspect::{Context, Engine};

use super::texts::Random;

/// Bytes of a text that is tried.
const SIZE: usize = 12 * 1024;

/// The longest motif, in parts.
const PARTS: usize = 14;

/// Changes of one motif without gain after which another is begun.
const PATIENCE: usize = 60;

/// A motif and what it costs.
#[derive(Debug, Clone)]
pub(crate) struct Find {
    pub(crate) motif: String,
    /// Every repetition has other digits.
    pub(crate) varied: bool,
    /// Nanoseconds a byte.
    pub(crate) cost: f64,
}

/// Climbs for some time and gives the worst motifs, the worst first.
pub(crate) fn worst(engine: &Engine, cx: &Context, time: Duration, seed: u64) -> Vec<Find> {
    let fragments = fragments();
    let mut random = Random::new(seed);
    let begun = Instant::now();
    let mut finds: Vec<Find> = Vec::new();
    while begun.elapsed() < time {
        let mut parts: Vec<String> =
            (0..random.below(4).saturating_add(1)).map(|_| part(&mut random, &fragments)).collect();
        let mut varied = random.below(2) == 0;
        let mut best = cost(engine, cx, &parts.concat(), varied, f64::MAX);
        let mut idle = 0_usize;
        while idle < PATIENCE && begun.elapsed() < time {
            let mut next = parts.clone();
            let other = if random.below(12) == 0 { !varied } else { varied };
            change(&mut next, &mut random, &fragments);
            let costs = cost(engine, cx, &next.concat(), other, best);
            if costs > best * 1.01 {
                (parts, varied, best, idle) = (next, other, costs, 0);
            } else {
                idle = idle.saturating_add(1);
            }
        }
        // Measured once more: an interruption is no find.
        let motif = parts.concat();
        let costs = cost(engine, cx, &motif, varied, 0.0);
        finds.push(Find { motif, varied, cost: costs });
        finds.sort_by(|a, b| b.cost.total_cmp(&a.cost));
        finds.truncate(8);
    }
    finds
}

/// The text that a motif stands for.
pub(crate) fn text(motif: &str, varied: bool, size: usize) -> String {
    let mut random = Random::new(7);
    let mut text = String::with_capacity(size.saturating_add(motif.len()));
    while text.len() < size && !motif.is_empty() {
        if varied {
            let digit =
                |c: char| if c.is_ascii_digit() { char::from(b'0' + random.below(10) as u8) } else { c };
            text.extend(motif.chars().map(digit));
        } else {
            text.push_str(motif);
        }
    }
    text.truncate(text.floor_char_boundary(size));
    text
}

/// Nanoseconds a byte: the least of several runs, of as many as it takes to see that it is no more than `known`.
fn cost(engine: &Engine, cx: &Context, motif: &str, varied: bool, known: f64) -> f64 {
    let text = text(motif, varied, SIZE);
    if text.is_empty() {
        return 0.0;
    }
    let span = SpanRef { channel: cx.channel, role: cx.role, path: "", text: &text };
    let mut least = f64::MAX;
    for run in 0..6 {
        let start = Instant::now();
        black_box(engine.examine(span, cx));
        let took = start.elapsed().as_nanos() as f64 / text.len() as f64;
        least = least.min(took);
        // The first run builds what the others find ready.
        if run > 0 && least < known {
            break;
        }
    }
    least
}

fn change(parts: &mut Vec<String>, random: &mut Random, fragments: &[String]) {
    let at = random.below(parts.len());
    match random.below(8) {
        0 | 1 if parts.len() < PARTS => parts.insert(at, part(random, fragments)),
        2 if parts.len() > 1 => drop(parts.remove(at)),
        3 if parts.len() < PARTS => {
            let twin = parts.get(at).cloned().unwrap_or_default();
            parts.insert(at, twin);
        }
        4 => parts.rotate_left(1),
        5 => {
            if let Some(slot) = parts.get_mut(at) {
                let keep = slot.floor_char_boundary(random.below(slot.len().saturating_add(1)));
                slot.truncate(keep.max(slot.chars().next().map_or(0, char::len_utf8)));
            }
        }
        _ => {
            if let Some(slot) = parts.get_mut(at) {
                *slot = part(random, fragments);
            }
        }
    }
}

fn part(random: &mut Random, fragments: &[String]) -> String {
    match random.below(3) {
        0 => {
            let printable = char::from(b' '.saturating_add(random.below(95) as u8));
            printable.to_string().repeat(random.below(3).saturating_add(1))
        }
        1 => random
            .pick(&["0", "1", "4", "44", "4111", " ", "-", ".", "/", ":", "=", "@", "\"", "\n", "A", "a"])
            .map_or_else(String::new, |part| (*part).to_owned()),
        _ => random.pick(fragments).cloned().unwrap_or_default(),
    }
}

/// Words and pieces of all that the rules look for: their examples, cut at spaces, and the words of their lists.
fn fragments() -> Vec<String> {
    let mut out = std::collections::BTreeSet::new();
    let mut add = |text: &str| {
        for word in text.split_whitespace() {
            out.insert(word.chars().take(24).collect::<String>());
        }
    };
    for (path, file) in stockade_rules::FILES {
        let ours = ["recognizers/", "signals/"].iter().any(|folder| path.starts_with(folder));
        let Some(rule) = file.parse::<toml::Table>().ok().filter(|_| ours) else { continue };
        strings(&toml::Value::Table(rule), "", &mut add);
    }
    out.extend(["\u{200b}", "é", "密", r"\u0034", "%34", "&#52;", "...", "eyJ"].map(str::to_owned));
    out.into_iter().collect()
}

fn strings(value: &toml::Value, key: &str, add: &mut impl FnMut(&str)) {
    match value {
        toml::Value::String(text) if matches!(key, "match" | "no_match" | "words" | "text" | "opener") => {
            add(text)
        }
        toml::Value::Array(all) => all.iter().for_each(|value| strings(value, key, add)),
        toml::Value::Table(table) => table.iter().for_each(|(key, value)| strings(value, key, add)),
        _ => {}
    }
}
