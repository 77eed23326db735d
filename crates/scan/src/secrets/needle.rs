//! What a pattern says about the texts that it matches.

use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, Hir, HirKind, Repetition};

pub(super) fn parse(pattern: &str) -> Result<Hir, Box<regex_syntax::Error>> {
    ParserBuilder::new().unicode(false).utf8(false).build().parse(pattern).map_err(Box::new)
}

/// Texts of which every match holds at least one, and whether in any case of letters.
pub(super) type Needles = Vec<(Vec<u8>, bool)>;

pub(super) fn shortest(needles: &Needles) -> usize {
    needles.iter().map(|(needle, _)| needle.len()).min().unwrap_or(0)
}

/// The most telling such texts of a pattern.
pub(super) fn needles(hir: &Hir) -> Option<Needles> {
    match hir.kind() {
        HirKind::Literal(literal) => Some(vec![(literal.0.to_vec(), false)]),
        HirKind::Capture(capture) => needles(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => needles(&repetition.sub),
        HirKind::Alternation(branches) => {
            let mut all = Vec::new();
            for branch in branches {
                all.extend(needles(branch)?);
            }
            Some(all)
        }
        HirKind::Concat(parts) => {
            let mut best: Option<Needles> = None;
            let mut consider = |way: Needles| {
                if best.as_ref().is_none_or(|known| shortest(known) < shortest(&way)) {
                    best = Some(way);
                }
            };
            let (mut run, mut any_case) = (Vec::new(), false);
            for part in parts {
                match part.kind() {
                    HirKind::Literal(literal) => {
                        run.extend_from_slice(&literal.0);
                        continue;
                    }
                    HirKind::Class(Class::Bytes(class)) => {
                        if let Some(letter) = letter(class) {
                            run.push(letter);
                            any_case = true;
                            continue;
                        }
                    }
                    _ => {
                        if let Some(way) = needles(part) {
                            consider(way);
                        }
                    }
                }
                if !run.is_empty() {
                    consider(vec![(std::mem::take(&mut run), any_case)]);
                    any_case = false;
                }
            }
            if !run.is_empty() {
                consider(vec![(run, any_case)]);
            }
            best
        }
        _ => None,
    }
}

/// The letter that a class stands for in both its cases.
fn letter(class: &regex_syntax::hir::ClassBytes) -> Option<u8> {
    let mut letters = class.iter().flat_map(|range| range.start()..=range.end());
    let (first, second, more) = (letters.next()?, letters.next()?, letters.next());
    (more.is_none() && first.eq_ignore_ascii_case(&second)).then(|| first.to_ascii_lowercase())
}

/// A pattern from its first literal on, repetitions at its end at their least: enough to see that it may match.
pub(super) fn from_letters(hir: &Hir) -> Hir {
    let HirKind::Concat(parts) = hir.kind() else { return hir.clone() };
    let wide = |part: &&Hir| !matches!(part.kind(), HirKind::Class(_) | HirKind::Repetition(_));
    let from = parts.iter().position(|part| wide(&part)).unwrap_or(0);
    let mut parts: Vec<Hir> = parts.iter().skip(from).cloned().collect();
    if let Some(last) = parts.last_mut()
        && let HirKind::Repetition(repetition) = last.kind()
    {
        let least = Repetition { max: Some(repetition.min), ..repetition.clone() };
        *last = Hir::repetition(least);
    }
    Hir::concat(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_tell_what_they_hold() {
        let of = |pattern: &str| needles(&parse(pattern).unwrap());
        assert_eq!(of("[a-z]{9}AZDO[a-z]"), Some(vec![(b"AZDO".to_vec(), false)]));
        assert_eq!(of("(?i:api_key)=x").unwrap()[0], (b"api_key=x".to_vec(), true));
        assert_eq!(of("(?:ghp|gho)_[a-z]{3}").map(|all| shortest(&all)), Some(3));
        assert_eq!(of("[0-9]{3}"), None);
    }
}
