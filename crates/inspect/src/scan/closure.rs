//! Transformations of a pattern before it is compiled.
//!
//! The prefix closure is what makes holding back exact: run backwards from the end of a window, an automaton of all
//! closures tells the first byte that could still begin a match.

use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, Hir, HirKind, Repetition};

/// Parses over bytes, without Unicode classes: the canonical view has one byte a character.
pub(super) fn parse(pattern: &str) -> Result<Hir, Box<regex_syntax::Error>> {
    ParserBuilder::new().unicode(false).utf8(false).build().parse(pattern).map_err(Box::new)
}

/// The characters of a class given by the inside of its brackets; none for the empty text.
pub(super) fn class(inside: &str) -> Result<[bool; 256], Box<regex_syntax::Error>> {
    let mut table = [false; 256];
    if inside.is_empty() {
        return Ok(table);
    }
    let hir = parse(&format!("[{inside}]"))?;
    let mut set = |from: u8, to: u8| {
        for byte in from..=to {
            if let Some(slot) = table.get_mut(usize::from(byte)) {
                *slot = true;
            }
        }
    };
    match hir.kind() {
        HirKind::Class(Class::Bytes(class)) => class.iter().for_each(|r| set(r.start(), r.end())),
        HirKind::Literal(literal) => literal.0.iter().for_each(|b| set(*b, *b)),
        _ => {}
    }
    Ok(table)
}

/// The language of all prefixes of words of `hir`, the whole words included. There are no look-arounds: the engine
/// refuses them.
///
/// `Pre(AB) = Pre(A) | A Pre(B)` and `Pre(A{m,n}) = A{0,n-1} Pre(A)`.
pub(super) fn prefixes(hir: &Hir) -> Hir {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Hir::empty(),
        HirKind::Literal(literal) => literal
            .0
            .iter()
            .rev()
            .fold(Hir::empty(), |rest, byte| optional(Hir::concat(vec![Hir::literal(vec![*byte]), rest]))),
        HirKind::Class(_) => optional(hir.clone()),
        HirKind::Capture(capture) => prefixes(&capture.sub),
        HirKind::Alternation(branches) => Hir::alternation(branches.iter().map(prefixes).collect()),
        HirKind::Concat(parts) => {
            let Some((last, before)) = parts.split_last() else { return Hir::empty() };
            before.iter().rev().fold(prefixes(last), |rest, part| {
                Hir::alternation(vec![prefixes(part), Hir::concat(vec![part.clone(), rest])])
            })
        }
        HirKind::Repetition(repetition) => {
            if repetition.max == Some(0) {
                return Hir::empty();
            }
            let whole = Repetition {
                min: 0,
                max: repetition.max.map(|n| n.saturating_sub(1)),
                greedy: true,
                sub: repetition.sub.clone(),
            };
            Hir::concat(vec![Hir::repetition(whole), prefixes(&repetition.sub)])
        }
    }
}

/// A smaller pattern whose unanchored matches end where those of `hir` end: of a repetition at the very beginning only
/// the least number is needed, since a suffix of a match is then a match. Keeps the forward automaton small.
pub(super) fn shorten_head(hir: &Hir) -> Hir {
    match hir.kind() {
        HirKind::Capture(capture) => shorten_head(&capture.sub),
        HirKind::Alternation(branches) => Hir::alternation(branches.iter().map(shorten_head).collect()),
        HirKind::Concat(parts) => match parts.split_first() {
            Some((first, rest)) => {
                Hir::concat(std::iter::once(shorten_head(first)).chain(rest.iter().cloned()).collect())
            }
            None => Hir::empty(),
        },
        HirKind::Repetition(repetition) if repetition.min > 0 => Hir::repetition(Repetition {
            min: repetition.min,
            max: Some(repetition.min),
            greedy: true,
            sub: repetition.sub.clone(),
        }),
        _ => hir.clone(),
    }
}

fn optional(hir: Hir) -> Hir {
    Hir::repetition(Repetition { min: 0, max: Some(1), greedy: true, sub: Box::new(hir) })
}
