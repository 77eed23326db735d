//! The answer's filter: an upstream's bytes in, bytes that may leave out.
//!
//! A stream and a whole body go the same way. Each message is read by the generic walker; each text in it flows through
//! a lane; the message waits in a queue until every piece that it brought may leave, and then goes out with its texts
//! edited and every other byte as it came. So messages keep their order, log probabilities stay with the text they
//! belong to, and `finish_reason` comes last.

mod endings;
mod event;
mod lane;
mod release;
mod sse;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::ops::Range;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use stockade_authz::{FindingCounts, InspectionContext};
use stockade_domain::{
    Channel, DecisionRecord, Direction, Effect, EndReason, FindingKind, Handling, Role, SpanRef, Usage,
};
use stockade_egress::evidence::{Cut, FilterStats, Held, ResponseFilter};
use stockade_inspect::leak::Guards;
use stockade_inspect::{Context, Engine};

use crate::json::Limits;
use crate::redact::{Recording, Redactor};
use crate::tally::Tally;
use endings::Envelope;
use event::{Event, LaneKey, Part, Shape};
use lane::{Lane, With};
use sse::{SseError, SseReader, write_event};

/// Bounds of an answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AnswerLimits {
    /// One event of a stream, in bytes.
    pub(crate) event: usize,
    /// A whole body, and everything that is held back of a stream.
    pub(crate) held: usize,
    /// Nesting of JSON.
    pub(crate) depth: usize,
}

/// Decides on a tool call: its name, and what inspection found in its arguments.
pub(crate) type ToolJudge = Arc<dyn Fn(&str, &InspectionContext) -> DecisionRecord + Send + Sync>;

/// What a filter is made from.
pub(crate) struct AnswerParts {
    pub(crate) stream: bool,
    pub(crate) engine: Engine,
    pub(crate) redactor: Redactor,
    /// Guards against leaks that every text of the answer goes through.
    pub(crate) guards: Guards,
    /// Whether hidden characters are taken out.
    pub(crate) strips: bool,
    /// Whether each text is held until it is complete, for detectors whose reach is the whole text.
    pub(crate) buffers: bool,
    pub(crate) judge: ToolJudge,
    pub(crate) limits: AnswerLimits,
    /// How many bytes of text the record may hold; 0 for none.
    pub(crate) record_limit: usize,
}

/// The filter.
pub(crate) struct AnswerFilter {
    shape: Shape,
    engine: Engine,
    redactor: Redactor,
    guards: Guards,
    strips: bool,
    buffers: bool,
    judge: ToolJudge,
    limits: AnswerLimits,
    reader: SseReader,
    whole: BytesMut,
    lanes: Vec<Lane>,
    by_key: HashMap<LaneKey, usize>,
    constants: HashMap<LaneKey, Constant>,
    atoms: HashSet<String>,
    /// The first atom that stood at each place; it stands there for good.
    first_atoms: HashMap<LaneKey, String>,
    queue: VecDeque<Waiting>,
    queued: usize,
    open: BTreeMap<u64, bool>,
    tools: BTreeMap<(u64, u64), ToolCall>,
    envelope: Envelope,
    tally: Tally,
    recording: Recording,
    record: bool,
    tool_decisions: Vec<DecisionRecord>,
    usage: Option<Usage>,
    done: bool,
}

/// A message that waits.
struct Waiting {
    event: Event,
    /// For each text part of the event, in order, where its text comes from.
    sources: Vec<Source>,
    /// Tool calls that it brought pieces of: it waits until they are decided.
    tools: BTreeSet<(u64, u64)>,
}

/// Where the text of a part comes from when it leaves.
enum Source {
    /// A place in a lane.
    Lane(usize, Range<usize>),
    /// It stands for itself; edited when something was found in it.
    Fixed(Option<String>),
}

/// A text outside the choices that comes with every message: after its second time it is no stream.
struct Constant {
    text: String,
    lane: usize,
    edited: Option<Option<String>>,
    /// What has left at this place, as far as something could still go on from it.
    left: String,
}

/// So much of what has left is remembered, in bytes: the longest match of a streamed recognizer.
const MAX_LEFT: usize = 4_096;

#[derive(Default)]
struct ToolCall {
    name: String,
    arguments: Option<usize>,
    decided: bool,
}

/// A tool's name is no longer than this many bytes.
const MAX_TOOL_NAME: usize = 256;

/// An answer has at most so many different texts: each costs a scanner.
const MAX_LANES: usize = 8_192;

/// So many different atoms are remembered as clean.
const MAX_ATOMS: usize = 1_024;

impl AnswerFilter {
    pub(crate) fn new(parts: AnswerParts) -> Self {
        Self {
            shape: if parts.stream { Shape::Chunk } else { Shape::Whole },
            engine: parts.engine,
            redactor: parts.redactor,
            guards: parts.guards,
            strips: parts.strips,
            buffers: parts.buffers && parts.stream,
            judge: parts.judge,
            limits: parts.limits,
            reader: SseReader::new(parts.limits.event),
            whole: BytesMut::new(),
            lanes: Vec::new(),
            by_key: HashMap::new(),
            constants: HashMap::new(),
            atoms: HashSet::new(),
            first_atoms: HashMap::new(),
            queue: VecDeque::new(),
            queued: 0,
            open: BTreeMap::new(),
            tools: BTreeMap::new(),
            envelope: Envelope::default(),
            tally: Tally::new(Direction::Response),
            recording: Recording::new(parts.record_limit),
            record: parts.record_limit > 0,
            tool_decisions: Vec::new(),
            usage: None,
            done: false,
        }
    }

    fn end(&self, code: &'static str, end: EndReason) -> Cut {
        let open: Vec<u64> = self.open.iter().filter(|(_, finished)| !**finished).map(|(c, _)| *c).collect();
        endings::cut(self.shape, code, end, &self.envelope, if open.is_empty() { &[0] } else { &open })
    }

    fn malformed(&self) -> Cut {
        self.end("upstream_malformed", EndReason::UpstreamFailed)
    }

    fn blocked(&self) -> Cut {
        self.end("answer_blocked", EndReason::Cut)
    }

    /// Takes one event's data.
    fn event(&mut self, data: Bytes, out: &mut Vec<u8>) -> Result<(), Cut> {
        if self.done {
            return Ok(());
        }
        if data.as_ref() == b"[DONE]" && self.shape == Shape::Chunk {
            self.finish_all(out)?;
            write_event(out, b"[DONE]");
            self.done = true;
            return Ok(());
        }
        let limits = Limits { depth: self.limits.depth, leaves: 1_000_000 };
        let event = event::read(data, self.shape, limits).map_err(|_| self.malformed())?;
        if !event.is_object || (self.shape == Shape::Whole && !event.has_choices && !event.is_error) {
            return Err(self.malformed());
        }
        if event.is_error {
            return Err(self.end("upstream_failed", EndReason::UpstreamFailed));
        }
        for choice in &event.choices {
            self.open.entry(*choice).or_insert(false);
        }
        let finished = event.finished.clone();
        let waiting = self.admit(event)?;
        self.remember(&waiting.event);
        self.queued = self.queued.saturating_add(waiting.event.data.len());
        self.queue.push_back(waiting);
        let held: usize = self.lanes.iter().map(Lane::held).sum();
        if self.queued.saturating_add(held) > self.limits.held.saturating_mul(2) {
            return Err(self.end("upstream_too_large", EndReason::UpstreamFailed));
        }
        for choice in finished {
            self.finish_choice(choice)?;
        }
        self.release(out)
    }

    /// Keeps what a made-up last event repeats: atoms in which nothing was found.
    fn remember(&mut self, event: &Event) {
        if self.envelope.id.is_none() {
            self.envelope.id.clone_from(&event.id);
            self.envelope.model.clone_from(&event.model);
            self.envelope.created = event.created;
        }
        if event.usage.is_some() {
            self.usage = event.usage;
        }
    }

    /// Sends each text of an event into its lane.
    fn admit(&mut self, event: Event) -> Result<Waiting, Cut> {
        let mut sources = Vec::new();
        let mut tools = BTreeSet::new();
        for part in &event.parts {
            match part {
                Part::Blank { .. } => {}
                Part::Atom { lane, text, .. } => {
                    self.atom(text)?;
                    sources.push(Source::Fixed(self.first_atom(lane, text)?));
                }
                Part::Text { lane: key, channel, text, .. } => {
                    if let (Some(choice), Some(tool)) = (key.choice, key.tool) {
                        tools.insert((choice, tool));
                    }
                    sources.push(self.text(key, *channel, text)?);
                }
            }
        }
        for call in &tools {
            self.tools.entry(*call).or_default();
        }
        Ok(Waiting { event, sources, tools })
    }

    /// An atom is looked at on its own; a finding inside one cannot be taken out, so it ends the answer.
    fn atom(&mut self, text: &str) -> Result<(), Cut> {
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
    fn first_atom(&mut self, key: &LaneKey, text: &str) -> Result<Option<String>, Cut> {
        if let Some(first) = self.first_atoms.get(key) {
            return Ok((first != text && !text.is_empty()).then(|| first.clone()));
        }
        if self.first_atoms.len() >= MAX_LANES {
            return Err(self.end("upstream_too_large", EndReason::UpstreamFailed));
        }
        // Some providers begin with an empty one.
        if !text.is_empty() && self.shape == Shape::Chunk {
            self.first_atoms.insert(key.clone(), text.to_owned());
        }
        Ok(None)
    }

    fn text(&mut self, key: &LaneKey, channel: Channel, text: &str) -> Result<Source, Cut> {
        if key.choice.is_none()
            && self.shape == Shape::Chunk
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
        let lane = self.lane(key, channel, left.as_deref())?;
        if let (Some(choice), Some(tool)) = (key.choice, key.tool) {
            let call = self.tools.entry((choice, tool)).or_default();
            match channel {
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
        let piece = found.push(text, &self.redactor);
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
    fn lane(&mut self, key: &LaneKey, channel: Channel, left: Option<&str>) -> Result<usize, Cut> {
        if let Some(lane) = self.by_key.get(key) {
            return Ok(*lane);
        }
        if self.lanes.len() >= MAX_LANES {
            return Err(self.end("upstream_too_large", EndReason::UpstreamFailed));
        }
        let path = key.place.trim_end_matches("#key").to_owned();
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
        };
        self.lanes.push(Lane::new(&self.engine, channel, path, with));
        if let (Some(lane), Some(left)) = (self.lanes.last_mut(), left) {
            lane.go_on_from(left, &self.redactor);
        }
        let lane = self.lanes.len().saturating_sub(1);
        self.by_key.insert(key.clone(), lane);
        Ok(lane)
    }

    /// The same text at the same place as in the message before it is no piece of a longer text. The first time it is
    /// held like a piece; from the second on it stands for itself, edited when something was found in it.
    fn constant(&mut self, key: &LaneKey, text: &str) -> Option<Option<String>> {
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
    fn finish_choice(&mut self, choice: u64) -> Result<(), Cut> {
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

    fn finish_lane(&mut self, lane: usize) -> Result<(), Cut> {
        if let Some(lane) = self.lanes.get_mut(lane) {
            lane.finish(&mut self.redactor, &mut self.tally);
            if lane.gives_away() {
                return Err(self.blocked());
            }
        }
        // What a detector could not read to the end may hold anything.
        if self.tally.is_incomplete() { Err(self.blocked()) } else { Ok(()) }
    }

    /// A tool call is one unit: name and complete arguments are decided together.
    fn decide(&mut self, at: (u64, u64)) -> Result<(), Cut> {
        let Some(call) = self.tools.get_mut(&at) else { return Ok(()) };
        if std::mem::replace(&mut call.decided, true) {
            return Ok(());
        }
        let (name, arguments) = (call.name.clone(), call.arguments);
        let mut context = InspectionContext::default();
        if let Some(lane) = arguments.and_then(|a| self.lanes.get(a)) {
            let path = lane.path.clone();
            let span =
                SpanRef { channel: Channel::ToolArgs, role: Role::Assistant, path: &path, text: lane.tail() };
            let report = self
                .engine
                .examine(span, &Context::new(Direction::Response, Channel::ToolArgs, Role::Assistant));
            context.incomplete = !report.incomplete.is_empty();
            let leaks = lane.findings().filter(|finding| finding.kind == FindingKind::Leak);
            for finding in report.findings.iter().chain(leaks) {
                let FindingCounts { pii, secret, injection, leak } = &mut context.findings;
                let counter = match finding.kind {
                    FindingKind::Pii => pii,
                    FindingKind::Secret => secret,
                    FindingKind::Injection => injection,
                    FindingKind::Leak => leak,
                };
                *counter = counter.saturating_add(1);
                if crate::request::is_signal(finding) {
                    context.signals.insert(finding.rule_id.as_ref().to_owned());
                }
            }
        }
        let decision = (self.judge)(&name, &context);
        let permitted = decision.effect == Effect::Permit;
        self.redactor.require(&decision.obligations);
        if self.tool_decisions.len() < 16 {
            self.tool_decisions.push(decision);
        }
        if permitted { Ok(()) } else { Err(self.blocked()) }
    }

    fn finish_all(&mut self, out: &mut Vec<u8>) -> Result<(), Cut> {
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

impl ResponseFilter for AnswerFilter {
    fn push(&mut self, piece: Bytes) -> Result<Held, Cut> {
        if self.shape == Shape::Whole {
            if self.whole.len().saturating_add(piece.len()) > self.limits.held {
                return Err(self.end("upstream_too_large", EndReason::UpstreamFailed));
            }
            self.whole.extend_from_slice(&piece);
            return Ok(Held::default());
        }
        let mut events = Vec::new();
        let read = self.reader.push(&piece, |event| events.push(event));
        let mut out = Vec::new();
        for event in events {
            self.event(event, &mut out)?;
        }
        match read {
            Ok(()) => Ok(Held { out: Bytes::from(out), done: self.done }),
            Err(_) if self.done => Ok(Held { out: Bytes::from(out), done: true }),
            Err(SseError::TooLarge) => Err(self.end("upstream_too_large", EndReason::UpstreamFailed)),
            Err(SseError::Utf8) => Err(self.malformed()),
        }
    }

    fn finish(&mut self) -> Result<Bytes, Cut> {
        let mut out = Vec::new();
        if self.shape == Shape::Whole {
            let body = self.whole.split().freeze();
            self.event(body, &mut out)?;
            self.finish_all(&mut out)?;
            return Ok(Bytes::from(out));
        }
        if self.done {
            return Ok(Bytes::new());
        }
        // No closing event: the answer is whole only if each choice said that it was.
        let complete = !self.open.is_empty() && self.open.values().all(|f| *f) && !self.reader.is_mid_event();
        if !complete {
            return Err(self.end("upstream_failed", EndReason::UpstreamFailed));
        }
        self.finish_all(&mut out)?;
        write_event(&mut out, b"[DONE]");
        self.done = true;
        Ok(Bytes::from(out))
    }

    fn cut(&mut self, code: &'static str, end: EndReason) -> Cut {
        self.end(code, end)
    }

    fn stats(&mut self) -> FilterStats {
        // An answer that ended early was still looked at as far as it came.
        for lane in &mut self.lanes {
            lane.finish(&mut self.redactor, &mut self.tally);
        }
        let tally = std::mem::replace(&mut self.tally, Tally::new(Direction::Response));
        let recording = std::mem::replace(&mut self.recording, Recording::new(0));
        FilterStats {
            inspection: Some(tally.into_record()),
            tool_decisions: std::mem::take(&mut self.tool_decisions),
            usage: self.usage,
            payload: self.record.then(|| recording.into_payload(serde_json::Value::Null)),
        }
    }
}
