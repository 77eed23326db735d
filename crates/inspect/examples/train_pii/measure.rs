//! How often what is tagged is right.

use stockade_inspect::tagger::{Calibration, KINDS, Kind, Sentence, Tagger, tokens};

use crate::generate::Sample;

/// The share of what is tagged that must be a name of some kind, on held-out texts. Of a name that nobody knows, in a
/// sentence that nobody has seen, it is often open whether it is a person's or a company's.
const PRECISION: f64 = 0.90;

/// The threshold of a kind that reaches that share nowhere, in thousandths.
const FALLBACK: f64 = 650.0;

/// A stretch counts as right when more than half of it is labelled.
fn right(sample: &Sample, kind: Kind, start: usize, end: usize) -> bool {
    sample.spans.iter().any(|(of, span)| {
        let common = span.end.min(end).saturating_sub(span.start.max(start));
        *of == kind && common * 2 > end.saturating_sub(start)
    })
}

/// Confidences that mean something, and thresholds that keep the promised precision.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small numbers for a table")]
pub(crate) fn calibrate(tagger: &Tagger, samples: &[Sample]) -> [Calibration; KINDS] {
    let mut seen: [Vec<(f64, bool)>; KINDS] = Default::default();
    for sample in samples {
        let sentence = Sentence::new(tokens(&sample.text), tagger.gazetteer());
        for stretch in tagger.stretches(&sentence) {
            let place = sentence.tokens().get(stretch.first).zip(sentence.tokens().get(stretch.end - 1));
            let Some((first, last)) = place else { continue };
            let good = Kind::ALL.iter().any(|kind| right(sample, *kind, first.start, last.end));
            if let Some(seen) = seen.get_mut(stretch.kind.index()) {
                seen.push((f64::from(stretch.margin), good));
            }
        }
    }
    seen.map(|mut seen| {
        let (slope, intercept) = logistic(&seen);
        let sure = |margin: f64| 1_000.0 / (1.0 + (-(slope * margin + intercept)).exp());
        seen.sort_by(|a, b| b.0.total_cmp(&a.0));
        let (mut good, mut threshold) = (0_u32, FALLBACK);
        for (count, (margin, is_good)) in (1_u32..).zip(&seen) {
            good += u32::from(*is_good);
            // A few at the top say nothing about the rest.
            let enough = usize::try_from(count).unwrap_or(0) * 3 >= seen.len();
            if enough && f64::from(good) / f64::from(count) >= PRECISION {
                threshold = sure(*margin);
            }
        }
        Calibration {
            slope: (slope * 4_096.0).clamp(-32_000.0, 32_000.0) as i16,
            intercept: (intercept * 256.0).clamp(-32_000.0, 32_000.0) as i16,
            threshold: threshold.max(500.0) as u16,
        }
    })
}

/// Logistic regression of one variable, by gradient descent on the standardised variable.
fn logistic(seen: &[(f64, bool)]) -> (f64, f64) {
    let count = f64::from(u32::try_from(seen.len()).unwrap_or(u32::MAX)).max(1.0);
    let mean = seen.iter().map(|(x, _)| x).sum::<f64>() / count;
    let deviation = (seen.iter().map(|(x, _)| (x - mean).powi(2)).sum::<f64>() / count).sqrt().max(1.0);
    let (mut a, mut b) = (0.0, 0.0);
    for _ in 0..500 {
        let (mut slope, mut level) = (0.0, 0.0);
        for (x, good) in seen {
            let x = (x - mean) / deviation;
            let p = 1.0 / (1.0 + (-(a * x + b)).exp());
            let miss = f64::from(u8::from(*good)) - p;
            slope += miss * x;
            level += miss;
        }
        a += slope / count;
        b += level / count;
    }
    // More margin is never less sure.
    let a = a.max(0.2);
    (a / deviation, b - a * mean / deviation)
}

/// Prints precision and recall by kind.
pub(crate) fn report(tagger: &Tagger, samples: &[Sample]) {
    // Found, right, a name of some kind, wanted, hit.
    let mut counts = [[0_u32; 5]; KINDS];
    for sample in samples {
        let tagged = tagger.tag(&sample.text);
        for one in &tagged {
            if let Some([found, good, some, ..]) = counts.get_mut(one.kind.index()) {
                *found += 1;
                *good += u32::from(right(sample, one.kind, one.start, one.end));
                let of_some_kind = Kind::ALL.iter().any(|kind| right(sample, *kind, one.start, one.end));
                *some += u32::from(of_some_kind);
            }
        }
        for (kind, span) in &sample.spans {
            let hit =
                tagged.iter().any(|one| one.kind == *kind && one.start < span.end && span.start < one.end);
            if let Some([.., wanted, hits]) = counts.get_mut(kind.index()) {
                *wanted += 1;
                *hits += u32::from(hit);
            }
        }
    }
    for kind in Kind::ALL {
        let Some([found, good, some, wanted, hits]) = counts.get(kind.index()) else { continue };
        let share = |a: &u32, b: &u32| f64::from(*a) / f64::from((*b).max(1));
        println!(
            "{:<14} precision {:.3} (some kind {:.3}) of {found:>6}   recall {:.3} of {wanted:>6}",
            format!("{kind:?}"),
            share(good, found),
            share(some, found),
            share(hits, wanted)
        );
    }
}
