//! What stands in place of what was found, and of pseudonyms that are turned back.

use std::ops::Range;
use std::sync::Arc;

use super::{Lane, Rendered};
use crate::redact::{Piece, Redactor, Region, push_plain};
use crate::tally::Tally;

impl Lane {
    /// A piece with its replacements.
    pub(super) fn rewritten(
        &self,
        piece: &Range<usize>,
        redactor: &mut Redactor,
        tally: &mut Tally,
    ) -> Rendered {
        let mut out = String::new();
        let mut pieces = Vec::new();
        let mut at = piece.start;
        for (range, replacement) in self.changes(piece.end) {
            if range.end <= at {
                continue;
            }
            if range.start >= piece.end {
                break;
            }
            if range.start >= at {
                let before = self.text(at..range.start);
                out.push_str(before);
                push_plain(&mut pieces, before);
                let original = self.text(range.clone()).to_owned();
                match replacement {
                    Replacement::Region(region) => {
                        let (with, mark) = redactor.replace(&region, &original);
                        out.push_str(&with);
                        pieces.push(mark);
                    }
                    Replacement::Restored(with) => {
                        tally.restored();
                        out.push_str(&with);
                        pieces.push(Piece::Restored { text: original });
                    }
                }
            }
            at = range.end;
        }
        if at < piece.end {
            let rest = self.text(at..piece.end);
            out.push_str(rest);
            push_plain(&mut pieces, rest);
        }
        Rendered { text: out, pieces }
    }

    /// Replacements that begin before `end`, in order and apart from each other. A pseudonym that is itself a finding
    /// is restored; one inside a larger finding goes with it.
    fn changes(&self, end: usize) -> Vec<(Range<usize>, Replacement)> {
        let mut out: Vec<(Range<usize>, Replacement)> = Vec::new();
        let kept: Vec<&(Range<usize>, Arc<str>)> = self
            .restores
            .iter()
            .filter(|(place, _)| {
                place.start < end
                    && !self.regions.iter().any(|r| {
                        r.start < place.end
                            && place.start < r.end
                            && r.start <= place.start
                            && !within(r, place)
                    })
            })
            .collect();
        for (place, original) in &kept {
            out.push((place.clone(), Replacement::Restored(original.clone())));
        }
        for region in self.regions.iter().filter(|r| r.start < end) {
            if kept.iter().any(|(place, _)| within(region, place)) {
                continue;
            }
            let start = kept
                .iter()
                .filter(|(place, _)| place.start < region.start && region.start < place.end)
                .map(|(place, _)| place.end)
                .max()
                .unwrap_or(region.start);
            out.push((start..region.end, Replacement::Region(region.clone())));
        }
        out.sort_by_key(|(range, _)| range.start);
        out
    }
}

fn within(region: &Region, place: &Range<usize>) -> bool {
    place.start <= region.start && region.end <= place.end
}

enum Replacement {
    Region(Region),
    Restored(Arc<str>),
}
