//! The queue's way out: which messages may leave, and what they look like when they do.

use std::collections::BTreeSet;
use std::ops::Range;

use stockade_domain::{Channel, EndReason, Role};
use stockade_egress::evidence::Cut;

use super::event::{LaneKey, Part};
use super::{AnswerFilter, Source, Waiting, endings};
use crate::json::{Edit, encode_string, splice};

impl AnswerFilter {
    /// Lets go what may go. A message never overtakes another of the same choice.
    pub(super) fn release(&mut self, out: &mut Vec<u8>) -> Result<(), Cut> {
        let mut blocked: BTreeSet<u64> = BTreeSet::new();
        let mut at = 0;
        while let Some(waiting) = self.queue.get(at) {
            let choices = &waiting.event.choices;
            let free = if choices.is_empty() { at == 0 } else { choices.is_disjoint(&blocked) };
            if free && self.is_ready(waiting) {
                let Some(waiting) = self.queue.remove(at) else { break };
                self.queued = self.queued.saturating_sub(waiting.event.data.len());
                self.emit(waiting, out)?;
            } else {
                if choices.is_empty() {
                    break;
                }
                blocked.extend(choices);
                if blocked.len() >= self.open.len() {
                    break;
                }
                at = at.saturating_add(1);
            }
        }
        Ok(())
    }

    fn is_ready(&self, waiting: &Waiting) -> bool {
        waiting.tools.iter().all(|t| self.tools.get(t).is_some_and(|call| call.decided))
            && waiting.sources.iter().all(|source| match source {
                Source::Lane(lane, piece) => self.lanes.get(*lane).is_some_and(|l| l.is_ready(piece.end)),
                Source::Fixed(_) => true,
            })
    }

    fn emit(&mut self, waiting: Waiting, out: &mut Vec<u8>) -> Result<(), Cut> {
        let Waiting { mut event, sources, .. } = waiting;
        let mut edits = Vec::new();
        self.envelope.left(&event);
        let mut touched: BTreeSet<u64> = BTreeSet::new();
        let mut sources = sources.into_iter();
        for part in std::mem::take(&mut event.parts) {
            match part {
                Part::Sealed { lane, raw } => {
                    if !self.passes_sealed || self.edited.contains(&block_of(event.unit, &lane)) {
                        edits.push(Edit { raw, with: b"\"\"".to_vec() });
                    }
                }
                Part::Atom { lane, text, raw } => match sources.next() {
                    Some(Source::Fixed(None)) => {}
                    Some(Source::Fixed(Some(first))) => edits.push(Edit { raw, with: encode_string(&first) }),
                    Some(Source::Lane(..)) | None => {
                        tracing::error!(place = %lane.place, bytes = text.len(), "an atom has no source");
                        return Err(self.malformed());
                    }
                },
                Part::Blank { raw, with } => edits.push(Edit { raw, with: with.as_bytes().to_vec() }),
                Part::Text { lane: key, channel, text, raw, .. } => {
                    let rendered = match sources.next() {
                        Some(Source::Fixed(edited)) => edited.unwrap_or_else(|| text.clone()),
                        Some(Source::Lane(lane, piece)) => self.render(lane, &piece, key.choice, channel)?,
                        None => return Err(self.malformed()),
                    };
                    if rendered != text {
                        touched.extend(key.choice);
                        if channel == Channel::Reasoning {
                            self.edited.insert(block_of(event.unit, &key));
                        }
                        edits.push(Edit { raw, with: encode_string(&rendered) });
                    }
                }
            }
        }
        for (choice, raw) in std::mem::take(&mut event.logprobs) {
            if touched.contains(&choice) {
                edits.retain(|e| e.raw.end <= raw.start || raw.end <= e.raw.start);
                edits.push(Edit { raw, with: b"null".to_vec() });
            }
        }
        let data = if edits.is_empty() {
            event.data.to_vec()
        } else {
            splice(&event.data, &mut edits).ok_or_else(|| self.malformed())?
        };
        if self.shape.is_stream {
            self.reader.write(out, &event.kind, &data);
        } else {
            out.extend_from_slice(&data);
        }
        Ok(())
    }

    /// A piece of a lane as it leaves, kept for the record if people are to read it.
    fn render(
        &mut self,
        lane: usize,
        piece: &Range<usize>,
        choice: Option<u64>,
        channel: Channel,
    ) -> Result<String, Cut> {
        let number = lane;
        let Some(lane) = self.lanes.get_mut(lane) else {
            return Err(endings::cut(
                self.shape,
                "upstream_malformed",
                EndReason::UpstreamFailed,
                &self.envelope,
                &[0],
            ));
        };
        let rendered = lane.render(piece, &mut self.redactor, &mut self.tally);
        if self.record && channel != Channel::Unlabelled && channel != Channel::Key {
            let path = match choice {
                Some(choice) => lane.path.replacen("/choices/*", &format!("/choices/{choice}"), 1),
                None => lane.path.clone(),
            };
            self.recording.add(channel, Role::Assistant, &path, rendered.pieces);
        }
        self.hearing.hear(number, &rendered.text);
        Ok(rendered.text)
    }
}

/// The block that a leaf stands in: what a seal holds together. Events say its number; in a whole body the place says it.
fn block_of(unit: Option<u64>, key: &LaneKey) -> String {
    match unit {
        Some(unit) => unit.to_string(),
        None => key.place.rsplit_once('/').map_or(String::new(), |(block, _)| block.to_owned()),
    }
}
