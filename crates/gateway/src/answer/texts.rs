//! Texts: which lane each goes to, when a lane ends, and what comes with every message.

use std::collections::HashMap;
use std::ops::Range;

use stockade_domain::{Channel, EndReason};
use stockade_egress::evidence::Cut;

use super::event::LaneKey;
use super::lane::{Lane, Release, With};
use super::{AnswerFilter, MAX_LANES, Source};
use crate::label;

/// A text outside the choices that comes with every message: after its second time it is no stream.
pub(super) struct Constant {
    text: String,
    lane: usize,
    edited: Option<Option<String>>,
    /// What has left at this place, as far as something could still go on from it.
    left: String,
}

/// So much of what has left is remembered, in bytes: the longest match of a streamed recognizer.
const MAX_LEFT: usize = 4_096;

/// A tool's name is no longer than this many bytes.
const MAX_TOOL_NAME: usize = 256;

impl AnswerFilter {
    /// A text that is complete with what stands at the same place of the same event.
    pub(super) fn complete(
        &mut self,
        key: &LaneKey,
        channel: Channel,
        text: &str,
        lead: Option<&str>,
        whole: &mut HashMap<LaneKey, usize>,
    ) -> Result<(usize, Range<usize>), Cut> {
        let lane = match whole.get(key) {
            Some(lane) => *lane,
            None => self.new_lane(key, channel, lead.is_some(), None)?,
        };
        whole.insert(key.clone(), lane);
        let Some(found) = self.lanes.get_mut(lane) else { return Err(self.malformed()) };
        let piece = match lead {
            Some(lead) => found.push_value(lead, text, &self.redactor),
            None => found.push_part(text, &self.redactor),
        };
        Ok((lane, piece))
    }

    pub(super) fn text(
        &mut self,
        key: &LaneKey,
        channel: Channel,
        text: &str,
        lead: Option<&str>,
        begins: bool,
    ) -> Result<Source, Cut> {
        if key.choice.is_none()
            && self.shape.is_stream
            && let Some(edited) = self.constant(key, text)
        {
            return Ok(Source::Fixed(edited));
        }
        let left = self.constants.get(key).filter(|c| c.edited.is_some()).map(|c| c.left.clone());
        if left.is_some() {
            // It is no constant after all. What goes on from what has left is still looked at as one text.
            self.by_key.remove(key);
            self.constants.remove(key);
        }
        let lane = self.lane(key, channel, lead.is_some(), left.as_deref())?;
        if let Some(at) = key.call() {
            let call = self.tools.entry(at).or_default();
            match channel {
                Channel::ToolArgs if lead.is_some() => call.values = Some(lane),
                Channel::ToolArgs => call.arguments = Some(lane),
                Channel::ToolName => call.name.push_str(text),
                _ => {}
            }
            if call.name.len() > MAX_TOOL_NAME {
                return Err(self.malformed());
            }
        }
        let Some(found) = self.lanes.get_mut(lane) else { return Err(self.malformed()) };
        if found.is_finished() {
            // Text after the end of its choice: nobody asked for it, and its neighbourhood is gone.
            return Err(self.malformed());
        }
        let piece = match (begins, self.shape.is_stream) {
            _ if lead.is_some() => found.push_value(lead.unwrap_or_default(), text, &self.redactor),
            (true, false) => found.push_part(text, &self.redactor),
            (begins, _) => {
                if begins {
                    found.begin_part(&self.redactor);
                }
                found.push(text, &self.redactor)
            }
        };
        if found.gives_away() {
            return Err(self.blocked());
        }
        if key.choice.is_none() {
            self.constants.entry(key.clone()).or_insert_with(|| Constant {
                text: text.to_owned(),
                lane,
                edited: None,
                left: left.unwrap_or_default(),
            });
        }
        Ok(Source::Lane(lane, piece))
    }

    /// The lane of a key; a new one goes on from what has `left` at its place.
    fn lane(
        &mut self,
        key: &LaneKey,
        channel: Channel,
        is_object: bool,
        left: Option<&str>,
    ) -> Result<usize, Cut> {
        if let Some(lane) = self.by_key.get(key) {
            return Ok(*lane);
        }
        let lane = self.new_lane(key, channel, is_object, left)?;
        self.by_key.insert(key.clone(), lane);
        Ok(lane)
    }

    fn new_lane(
        &mut self,
        key: &LaneKey,
        channel: Channel,
        is_object: bool,
        left: Option<&str>,
    ) -> Result<usize, Cut> {
        let place = key.place.as_str();
        if self.lanes.len() >= MAX_LANES {
            return Err(self.end("upstream_too_large", EndReason::UpstreamFailed));
        }
        let path = place.trim_end_matches("#key").to_owned();
        let guards = if channel == Channel::ToolArgs {
            self.guards.without_links().watch()
        } else {
            self.guards.watch()
        };
        let with = With {
            restorer: self.redactor.pseudonyms().restorer(),
            guards,
            strips: self.strips,
            buffers: self.buffers,
            has_parts: self.shape.is_stream && self.shape.dialect.has_typed_events(),
        };
        let release = match channel {
            Channel::ToolArgs if is_object => Release::Held,
            // A name in two pieces was decided on as one, so it leaves as one: not every client joins them.
            Channel::ToolArgs | Channel::ToolName => Release::Whole,
            _ => Release::Flowing,
        };
        // What a field outside every table is called says what its value is.
        let named = (channel == Channel::Unlabelled && left.is_none() && !place.ends_with("#key"))
            .then(|| label::before(place, None));
        self.lanes.push(Lane::new(&self.engine, channel, release, path, with));
        if let (Some(lane), Some(left)) = (self.lanes.last_mut(), left.or(named.as_deref())) {
            lane.go_on_from(left, &self.redactor);
        }
        Ok(self.lanes.len().saturating_sub(1))
    }

    /// The same text at the same place as in the message before it is no piece of a longer text. The first time it is
    /// held like a piece; from the second on it stands for itself, edited when something was found in it.
    pub(super) fn constant(&mut self, key: &LaneKey, text: &str) -> Option<Option<String>> {
        let constant = self.constants.get_mut(key)?;
        if constant.text != text {
            return None;
        }
        let is_second = constant.edited.is_none();
        if is_second {
            let lane = self.lanes.get_mut(constant.lane)?;
            if !lane.holds_only(text) {
                return None;
            }
            lane.finish(&mut self.redactor, &mut self.tally);
            let regions = lane.own_regions(&self.redactor);
            constant.edited = Some((!regions.is_empty()).then(|| self.redactor.edit(text, &regions).0));
        }
        // The first time it left through its lane.
        constant.left.push_str(&text.repeat(if is_second { 2 } else { 1 }));
        let over = constant.left.ceil_char_boundary(constant.left.len().saturating_sub(MAX_LEFT));
        constant.left.drain(..over);
        constant.edited.clone()
    }

    /// Ends every lane of a choice and decides its tool calls.
    pub(super) fn finish_choice(&mut self, choice: u64) -> Result<(), Cut> {
        self.open.insert(choice, true);
        let calls: Vec<(u64, u64)> = self.tools.keys().filter(|(c, _)| *c == choice).copied().collect();
        for call in calls {
            self.decide(call)?;
        }
        let lanes: Vec<usize> =
            self.by_key.iter().filter(|(k, _)| k.choice == Some(choice)).map(|(_, lane)| *lane).collect();
        for lane in lanes {
            self.finish_lane(lane)?;
        }
        Ok(())
    }

    /// Ends what was said in a block or item, and decides it when it is a call.
    pub(super) fn finish_unit(&mut self, unit: u64) -> Result<(), Cut> {
        if self.tools.contains_key(&(0, unit)) {
            self.decide((0, unit))?;
        }
        self.finish_where(|key| key.unit == Some(unit))
    }

    /// Ends lanes; a text at the same place is another one from now on.
    fn finish_where(&mut self, ends: impl Fn(&LaneKey) -> bool) -> Result<(), Cut> {
        let ended: Vec<LaneKey> = self.by_key.keys().filter(|key| ends(key)).cloned().collect();
        for key in ended {
            if let Some(lane) = self.by_key.remove(&key) {
                self.finish_lane(lane)?;
            }
        }
        Ok(())
    }

    pub(super) fn finish_lane(&mut self, lane: usize) -> Result<(), Cut> {
        if let Some(lane) = self.lanes.get_mut(lane) {
            lane.finish(&mut self.redactor, &mut self.tally);
            if lane.gives_away() {
                return Err(self.blocked());
            }
        }
        // What a detector could not read to the end may hold anything.
        if self.tally.is_incomplete() { Err(self.blocked()) } else { Ok(()) }
    }

    pub(super) fn finish_all(&mut self, out: &mut Vec<u8>) -> Result<(), Cut> {
        let choices: Vec<u64> = self.open.keys().copied().collect();
        for choice in choices {
            self.finish_choice(choice)?;
        }
        for lane in 0..self.lanes.len() {
            self.finish_lane(lane)?;
        }
        self.release(out)
    }
}
