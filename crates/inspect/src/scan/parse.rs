//! Patterns and classes as they are read.

use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, Hir, HirKind};

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
