//! Atoms: identifiers and enum values. One that holds something cannot be mended, and one that changed would be a text.

use stockade_domain::{Channel, Direction, EndReason, Handling, Role, SpanRef};
use stockade_egress::evidence::Cut;
use stockade_inspect::Context;

use super::event::LaneKey;
use super::{AnswerFilter, MAX_LANES};

/// So many different atoms are remembered as clean.
const MAX_ATOMS: usize = 1_024;

impl AnswerFilter {
    /// An atom is looked at on its own; a finding inside one cannot be taken out, so it ends the answer.
    pub(super) fn atom(&mut self, text: &str) -> Result<(), Cut> {
        if self.atoms.contains(text) {
            return Ok(());
        }
        let context = Context::new(Direction::Response, Channel::Atom, Role::None);
        let span = SpanRef { channel: Channel::Atom, role: Role::None, path: "", text };
        let report = self.engine.examine(span, &context);
        self.tally.saw(Channel::Atom, text.len());
        self.tally.ran(&report.ran, &report.incomplete);
        let bad: Vec<_> = report
            .findings
            .iter()
            .filter(|f| self.redactor.handling(f) != Handling::Noted)
            .cloned()
            .collect();
        for finding in &bad {
            self.tally.found(Channel::Atom, "", finding, Handling::Blocked);
        }
        if !bad.is_empty() {
            return Err(self.blocked());
        }
        if self.atoms.len() < MAX_ATOMS {
            self.atoms.insert(text.to_owned());
        }
        Ok(())
    }

    /// What stands in place of an atom: the first that stood there. One that changed from event to event would be a text
    /// that nobody reads as one.
    pub(super) fn first_atom(&mut self, key: &LaneKey, text: &str) -> Result<Option<String>, Cut> {
        if let Some(first) = self.first_atoms.get(key) {
            return Ok((first != text && !text.is_empty()).then(|| first.clone()));
        }
        if self.first_atoms.len() >= MAX_LANES {
            return Err(self.end("upstream_too_large", EndReason::UpstreamFailed));
        }
        // Some providers begin with an empty one.
        if !text.is_empty() && self.shape.is_stream {
            self.first_atoms.insert(key.clone(), text.to_owned());
        }
        Ok(None)
    }
}
