//! Transformations of a pattern before it is compiled.
//!
//! The prefix closure is what makes holding back exact: run backwards from the end of a window, an automaton of all
//! closures tells the first byte that could still begin a match.

use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, ClassBytes, ClassBytesRange, Hir, HirKind, Repetition};

use crate::view::EDGE;

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
    // A negated class does not mean the edge of the text.
    if let Some(edge) = table.get_mut(usize::from(EDGE)) {
        *edge = false;
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

/// A pattern for the forward automaton, which only says where matches end: its unanchored matches, of which one may
/// begin with the character before, end wherever those of `hir` with an allowed left neighbour end, and seldom elsewhere.
///
/// Of a repetition at the very beginning only the least number is needed, since a suffix of a match is then a match.
/// Any other pattern begins with its left neighbour. Both keep the sets of states few that random text leads to.
pub(super) fn for_ends(hir: &Hir, left: &[bool; 256]) -> Hir {
    if let Some(shorter) = shorten(hir) {
        return shorter;
    }
    let allowed = (0..=u8::MAX).filter(|b| !left.get(usize::from(*b)).copied().unwrap_or(false));
    if left.iter().any(|forbidden| *forbidden) {
        let class = ClassBytes::new(allowed.map(|b| ClassBytesRange::new(b, b)));
        return Hir::concat(vec![Hir::class(Class::Bytes(class)), hir.clone()]);
    }
    hir.clone()
}

fn shorten(hir: &Hir) -> Option<Hir> {
    match hir.kind() {
        HirKind::Capture(capture) => shorten(&capture.sub),
        HirKind::Concat(parts) => {
            let (first, rest) = parts.split_first()?;
            Some(Hir::concat(std::iter::once(shorten(first)?).chain(rest.iter().cloned()).collect()))
        }
        HirKind::Repetition(repetition) if repetition.min > 0 && repetition.max != Some(repetition.min) => {
            Some(Hir::repetition(Repetition { max: Some(repetition.min), ..repetition.clone() }))
        }
        _ => None,
    }
}

fn optional(hir: Hir) -> Hir {
    Hir::repetition(Repetition { min: 0, max: Some(1), greedy: true, sub: Box::new(hir) })
}
