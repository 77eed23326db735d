//! Signs that were found, and what they weigh together.

use std::cmp::Reverse;

/// The most signs that one text keeps; of more, the heaviest.
const MOST: usize = 64;

/// The weights between which a sign gains by others near it, in thousandths: lighter ones say too little, heavier ones
/// enough.
const BORNE_OUT: u16 = 250;
const ENOUGH: u16 = 500;

/// How far apart signs are that bear each other out, in bytes.
const NEAR: usize = 200;

/// How much of the weight of another sign counts, in hundredths: signs of different rules share words.
const SHARED: u64 = 80;

/// A sign in original offsets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hit {
    /// Number of its rule.
    pub(crate) rule: usize,
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// In thousandths.
    pub(crate) weight: u16,
    /// The quotation that it stands in, as long as that is open.
    pub(super) quotation: Option<usize>,
}

#[derive(Debug, Default)]
pub(super) struct Hits(Vec<Hit>);

impl Hits {
    /// Adds a sign. Signs of one rule that overlap are one: what they come to does not depend on their order.
    pub(super) fn add(&mut self, hit: Hit) {
        let mut hit = hit;
        while let Some(at) = self.0.iter().position(|known| {
            known.rule == hit.rule
                && known.quotation == hit.quotation
                && hit.start <= known.end
                && known.start <= hit.end
        }) {
            let known = self.0.swap_remove(at);
            hit.start = hit.start.min(known.start);
            hit.end = hit.end.max(known.end);
            hit.weight = hit.weight.max(known.weight);
        }
        self.0.push(hit);
        if self.0.len() > MOST {
            let order = |hit: &Hit| (hit.weight, Reverse((hit.start, hit.end, hit.rule)));
            let lightest = self.0.iter().enumerate().min_by_key(|(_, hit)| order(hit));
            if let Some((at, _)) = lightest {
                self.0.swap_remove(at);
            }
        }
    }

    /// A quotation has closed: what stands in it is spoken of, not said. It weighs half.
    pub(super) fn close_quotation(&mut self, quotation: usize) {
        for hit in self.0.iter_mut().filter(|hit| hit.quotation == Some(quotation)) {
            hit.weight /= 2;
            hit.quotation = None;
        }
    }

    /// All of them in order. Light signs of different rules that stand close together bear each other out.
    pub(super) fn into_vec(mut self) -> Vec<Hit> {
        let alone = self.0.clone();
        for hit in self.0.iter_mut().filter(|hit| (BORNE_OUT..ENOUGH).contains(&hit.weight)) {
            hit.weight = together(hit, &alone);
        }
        self.0.sort_unstable_by_key(|hit| (hit.start, hit.end, hit.rule));
        self.0
    }
}

/// What a sign weighs together with those of other rules that stand near it.
fn together(hit: &Hit, all: &[Hit]) -> u16 {
    let near = |other: &&Hit| {
        other.rule != hit.rule
            && other.weight >= BORNE_OUT
            && other.start <= hit.end.saturating_add(NEAR)
            && hit.start <= other.end.saturating_add(NEAR)
    };
    let mut heaviest: Vec<(usize, u16)> = Vec::new();
    for other in all.iter().filter(near) {
        match heaviest.iter_mut().find(|(rule, _)| *rule == other.rule) {
            Some((_, weight)) => *weight = (*weight).max(other.weight),
            None => heaviest.push((other.rule, other.weight)),
        }
    }
    // In an order of its own: what is rounded must not depend on which sign was seen first.
    heaviest.sort_unstable();
    let open = heaviest.iter().fold(u64::from(1_000_u16.saturating_sub(hit.weight)), |open, (_, weight)| {
        open * (100_000 - u64::from(*weight).min(1_000) * SHARED) / 100_000
    });
    u16::try_from(1_000_u64.saturating_sub(open)).unwrap_or(1_000)
}

/// What signs weigh together: the heaviest of each rule, taken as independent.
pub(crate) fn score(hits: &[Hit]) -> u16 {
    let mut heaviest: Vec<(usize, u16)> = Vec::new();
    for hit in hits {
        match heaviest.iter_mut().find(|(rule, _)| *rule == hit.rule) {
            Some((_, weight)) => *weight = (*weight).max(hit.weight),
            None => heaviest.push((hit.rule, hit.weight)),
        }
    }
    let none = heaviest
        .iter()
        .fold(1_000_000_u64, |rest, (_, weight)| rest * u64::from(1_000_u16.saturating_sub(*weight)) / 1_000);
    u16::try_from((1_000_000 - none) / 1_000).unwrap_or(1_000)
}
