//! Lines and columns of the places of a text.

use std::collections::BTreeMap;

use stockade_domain::Finding;

/// Line and column of every begin and end of findings, counted in one pass whatever their number.
pub(super) struct Lines(BTreeMap<usize, (usize, usize)>);

impl Lines {
    pub(super) fn new(text: &str, findings: &[Finding]) -> Self {
        let offsets = findings.iter().flat_map(|finding| [finding.start, finding.end]);
        let mut places: BTreeMap<usize, (usize, usize)> = offsets.map(|at| (at, (1, 1))).collect();
        let (mut at, mut line, mut column) = (0, 1_usize, 1_usize);
        for (offset, place) in &mut places {
            for c in text.get(at..*offset).unwrap_or_default().chars() {
                if c == '\n' {
                    (line, column) = (line.saturating_add(1), 1);
                } else {
                    column = column.saturating_add(1);
                }
            }
            at = *offset;
            *place = (line, column);
        }
        Self(places)
    }

    /// The line, and the column in characters, both from 1.
    pub(super) fn of(&self, offset: usize) -> (usize, usize) {
        self.0.get(&offset).copied().unwrap_or((1, 1))
    }
}
