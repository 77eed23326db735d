//! How often what is tagged is right.

use stockade_inspect::tagger::{Calibration, Gazetteer, KINDS, Kind, Model, Sentence, Tagger, tokens};

use crate::generate::Sample;

/// Precision that a kind must have on held-out texts. Made-up texts are easier than real ones, so it is more than what
/// is promised.
const PRECISION: f64 = 0.92;

/// A stretch counts as right when it shares more than half of what both cover.
fn right(sample: &Sample, kind: Kind, start: usize, end: usize) -> bool {
    sample.spans.iter().any(|(of, span)| {
        let common = span.end.min(end).saturating_sub(span.start.max(start));
        let all = span.end.max(end).saturating_sub(span.start.min(start));
        *of == kind && common * 2 > all
    })
}

/// Confidences that mean something, and thresholds that keep the promised precision.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small numbers for a table")]
pub(crate) fn calibrate(model: &Model, gazetteer: &Gazetteer, samples: &[Sample]) -> [Calibration; KINDS] {
    let mut seen: [Vec<(f64, bool)>; KINDS] = Default::default();
    for sample in samples {
        let sentence = Sentence::new(tokens(&sample.text), gazetteer);
        for stretch in model.tag(&sentence) {
            let place = sentence.tokens().get(stretch.first).zip(sentence.tokens().get(stretch.end - 1));
            let Some((first, last)) = place else { continue };
            let good = right(sample, stretch.kind, first.start, last.end);
            if let Some(seen) = seen.get_mut(stretch.kind.index()) {
                seen.push((f64::from(stretch.margin), good));
            }
        }
    }
    seen.map(|mut seen| {
        let (slope, intercept) = logistic(&seen);
        let sure = |margin: f64| 1_000.0 / (1.0 + (-(slope * margin + intercept)).exp());
        seen.sort_by(|a, b| b.0.total_cmp(&a.0));
        let (mut good, mut threshold) = (0_u32, 990.0);
        for (count, (margin, is_good)) in (1_u32..).zip(&seen) {
            good += u32::from(*is_good);
            if f64::from(good) / f64::from(count) >= PRECISION {
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

/// Logistic regression of one variable, by Newton's method.
fn logistic(seen: &[(f64, bool)]) -> (f64, f64) {
    let (mut a, mut b) = (0.01, 0.0);
    for _ in 0..50 {
        let (mut ga, mut gb, mut haa, mut hab, mut hbb) = (0.0, 0.0, 1e-3, 0.0, 1e-3);
        for (x, good) in seen {
            let p = 1.0 / (1.0 + (-(a * x + b)).exp());
            let (d, w) = (f64::from(u8::from(*good)) - p, p * (1.0 - p));
            ga += d * x;
            gb += d;
            haa += w * x * x;
            hab += w * x;
            hbb += w;
        }
        let det = haa * hbb - hab * hab;
        if det.abs() < 1e-9 {
            break;
        }
        a += (ga * hbb - gb * hab) / det;
        b += (gb * haa - ga * hab) / det;
    }
    (a, b)
}

/// Prints precision and recall by kind.
pub(crate) fn report(tagger: &Tagger, samples: &[Sample]) {
    let mut counts = [[0_u32; 4]; KINDS];
    for sample in samples {
        let tagged = tagger.tag(&sample.text);
        for one in &tagged {
            if let Some([found, good, ..]) = counts.get_mut(one.kind.index()) {
                *found += 1;
                *good += u32::from(right(sample, one.kind, one.start, one.end));
            }
        }
        for (kind, span) in &sample.spans {
            let hit =
                tagged.iter().any(|one| one.kind == *kind && one.start < span.end && span.start < one.end);
            if let Some([_, _, wanted, hits]) = counts.get_mut(kind.index()) {
                *wanted += 1;
                *hits += u32::from(hit);
            }
        }
    }
    for kind in Kind::ALL {
        let Some([found, good, wanted, hits]) = counts.get(kind.index()) else { continue };
        let share = |a: &u32, b: &u32| f64::from(*a) / f64::from((*b).max(1));
        println!(
            "{:<14} precision {:.3} of {found:>6}   recall {:.3} of {wanted:>6}",
            format!("{kind:?}"),
            share(good, found),
            share(hits, wanted)
        );
    }
}
