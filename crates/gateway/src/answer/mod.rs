//! The answer's filter: an upstream's bytes in, bytes that may leave out.
//!
//! A stream and a whole body go the same way. Each message is read by the generic walker; each text in it flows through
//! a lane; the message waits in a queue until every piece that it brought may leave, and then goes out with its texts
//! edited and every other byte as it came. So messages keep their order, log probabilities stay with the text they
//! belong to, and `finish_reason` comes last.

mod atoms;
mod calls;
mod count;
mod endings;
mod event;
mod frames;
mod honest;
mod lane;
mod numbers;
mod order;
mod parts;
mod release;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_dialects;
#[cfg(test)]
mod tests_ollama;
mod texts;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::ops::Range;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use stockade_authz::InspectionContext;
use stockade_domain::{Channel, DecisionRecord, Direction, EndReason, Obligation, Usage};
use stockade_egress::evidence::{Cut, FilterStats, Held, ResponseFilter};
use stockade_inspect::Engine;
use stockade_inspect::leak::Guards;

use crate::dialect::{Dialect, Framing};
use crate::flow::Pass;
use crate::json::Limits;
use crate::labels::Hearing;
use crate::limits::Hold;
use crate::redact::{Recording, Redactor};
use crate::sse::SseError;
use crate::tally::Tally;
use calls::ToolCall;
use endings::{Envelope, after};
use event::{Event, LaneKey, Part, Piece, Shape};
use frames::Frames;
use lane::Lane;
use order::{Order, Turn};
use texts::Constant;

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
    pub(crate) dialect: Dialect,
    pub(crate) stream: bool,
    pub(crate) engine: Engine,
    pub(crate) redactor: Redactor,
    /// Guards against leaks that every text of the answer goes through.
    pub(crate) guards: Guards,
    /// Whether hidden characters are taken out.
    pub(crate) strips: bool,
    /// Whether each text is held until it is complete, for detectors whose reach is the whole text.
    pub(crate) buffers: bool,
    /// Whether what a provider sealed may pass.
    pub(crate) passes_sealed: bool,
    /// Whether policy lets through what cannot be read.
    pub(crate) passes_opaque: bool,
    pub(crate) judge: ToolJudge,
    /// What remembers the answer, where its conversation is labelled.
    pub(crate) hearing: Hearing,
    /// What the answer may come to.
    pub(crate) hold: Hold,
    /// Its place at the upstream.
    pub(crate) pass: Pass,
    /// The client did not ask for the event that tells the usage.
    pub(crate) hides_usage: bool,
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
    passes_sealed: bool,
    judge: ToolJudge,
    hearing: Hearing,
    hold: Hold,
    /// Given back when the answer has ended.
    pass: Option<Pass>,
    hides_usage: bool,
    limits: AnswerLimits,
    reader: Frames,
    order: Order,
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
    /// Calls that were permitted, by digest of name and arguments.
    decided: HashMap<[u8; 32], Vec<Obligation>>,
    /// Blocks whose clear reasoning was edited: what seals it no longer fits.
    edited: HashSet<String>,
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

/// An answer has at most so many different texts: each costs a scanner.
const MAX_LANES: usize = 8_192;

impl AnswerFilter {
    pub(crate) fn new(parts: AnswerParts) -> Self {
        Self {
            shape: Shape {
                dialect: parts.dialect,
                is_stream: parts.stream,
                passes_opaque: parts.passes_opaque,
            },
            engine: parts.engine,
            redactor: parts.redactor,
            guards: parts.guards,
            strips: parts.strips,
            buffers: parts.buffers && parts.stream,
            passes_sealed: parts.passes_sealed,
            judge: parts.judge,
            hearing: parts.hearing,
            hold: parts.hold,
            pass: Some(parts.pass),
            hides_usage: parts.hides_usage,
            limits: parts.limits,
            reader: Frames::new(parts.dialect.framing(), parts.limits.event),
            order: Order::default(),
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
            decided: HashMap::new(),
            edited: HashSet::new(),
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
        let is_typed = self.shape.dialect.has_typed_events();
        let has_last = self.shape.dialect.has_last_message();
        if data.as_ref() == b"[DONE]" && self.shape.is_stream && !has_last {
            self.finish_all(out)?;
            self.reader.write(out, "", b"[DONE]");
            self.done = true;
            return Ok(());
        }
        if is_typed && self.shape.is_stream && matches!(data.as_ref(), b"{}" | b"[DONE]") {
            // Servers that imitate the dialect say so that they are alive, or that they have ended.
            return Ok(());
        }
        let limits = Limits { depth: self.limits.depth, leaves: 1_000_000 };
        let event = event::read(data, self.shape, limits).map_err(|_| self.malformed())?;
        let must_answer = has_last || !self.shape.is_stream;
        if !event.is_object || (must_answer && !event.is_answer && !event.is_error) {
            return Err(self.malformed());
        }
        if event.is_error {
            return Err(self.end("upstream_failed", EndReason::UpstreamFailed));
        }
        for choice in &event.choices {
            self.open.entry(*choice).or_insert(false);
        }
        if is_typed && self.shape.is_stream && event.kind == "ping" {
            // It says nothing but that the stream is alive: nothing held back is told by it.
            self.reader.write(out, "ping", b"{\"type\":\"ping\"}");
            return Ok(());
        }
        if event.has_stray_call {
            return Err(self.malformed());
        }
        if is_typed && self.shape.is_stream {
            match self.order.turn(self.shape.dialect, &event) {
                Turn::Take => {}
                Turn::Drop => return Ok(()),
                Turn::Break => return Err(self.malformed()),
            }
        }
        self.meter(&event)?;
        let (finished, is_last, ends_unit) = (event.finished.clone(), event.is_last, event.ends_unit());
        let waiting = self.admit(event)?;
        self.remember(&waiting.event);
        if self.hides_usage && waiting.event.choices.is_empty() && waiting.event.usage.is_some() {
            return Ok(());
        }
        self.queued = self.queued.saturating_add(waiting.event.data.len());
        self.queue.push_back(waiting);
        let held: usize = self.lanes.iter().map(Lane::held).sum();
        if self.queued.saturating_add(held) > self.limits.held.saturating_mul(2) {
            return Err(self.end("upstream_too_large", EndReason::UpstreamFailed));
        }
        if let Some(unit) = ends_unit {
            self.finish_unit(unit)?;
        }
        for choice in finished {
            self.finish_choice(choice)?;
        }
        if is_last {
            self.finish_all(out)?;
            self.done = true;
            return Ok(());
        }
        self.release(out)
    }

    /// Keeps what a made-up last event repeats: atoms in which nothing was found.
    fn remember(&mut self, event: &Event) {
        if self.envelope.id.is_none() && self.envelope.time.is_none() {
            self.envelope.id.clone_from(&event.id);
            self.envelope.model.clone_from(&event.model);
            self.envelope.created = event.created;
            self.envelope.time.clone_from(&event.time);
        }
        if event.sequence.is_some() {
            self.envelope.sequence = event.sequence;
        }
        if let Some(said) = event.usage {
            // Anthropic tells what went in at the start, and what came out at the end.
            let known = self.usage.get_or_insert_default();
            known.prompt_tokens = known.prompt_tokens.max(said.prompt_tokens);
            known.completion_tokens = known.completion_tokens.max(said.completion_tokens);
            known.cached_tokens = known.cached_tokens.max(said.cached_tokens);
            self.envelope.usage = self.usage;
        }
    }

    /// Sends each text of an event into its lane.
    fn admit(&mut self, event: Event) -> Result<Waiting, Cut> {
        let mut sources = Vec::new();
        let mut tools = BTreeSet::new();
        // Calls and texts that the event holds whole.
        let mut calls: BTreeMap<(u64, u64), ToolCall> = BTreeMap::new();
        let mut whole: HashMap<LaneKey, usize> = HashMap::new();
        let begins = event.kind == "response.output_item.added";
        for part in &event.parts {
            match part {
                Part::Blank { .. } | Part::Sealed { .. } => {}
                Part::Atom { lane, text, .. } => {
                    self.atom(text)?;
                    sources.push(Source::Fixed(self.first_atom(lane, text)?));
                }
                Part::Text { lane: key, channel, text, is: Piece::Whole, lead, .. } => {
                    let (lane, piece) = self.complete(key, *channel, text, lead.as_deref(), &mut whole)?;
                    sources.push(Source::Lane(lane, piece));
                    let Some(at) = key.call() else { continue };
                    if begins {
                        tools.insert(at);
                        continue;
                    }
                    let call = calls.entry(at).or_default();
                    match channel {
                        Channel::ToolArgs if lead.is_none() => call.arguments = Some(lane),
                        Channel::ToolArgs => call.values = Some(lane),
                        Channel::ToolName => text.clone_into(&mut call.name),
                        _ => {}
                    }
                }
                Part::Text { lane: key, channel, text, lead, begins, .. } => {
                    tools.extend(key.call());
                    sources.push(self.text(key, *channel, text, lead.as_deref(), *begins)?);
                }
            }
        }
        for (choice, unit, raw) in &event.arguments {
            let object = event.data.get(raw.clone()).and_then(|raw| std::str::from_utf8(raw).ok());
            let at = (*choice, *unit);
            let at_once = self.shape.dialect == Dialect::Responses || self.shape.dialect.calls_at_once();
            let is_repeated = self.shape.is_stream && at_once && !begins;
            let call = if is_repeated {
                calls.entry(at).or_default()
            } else {
                tools.insert(at);
                self.tools.entry(at).or_default()
            };
            object.unwrap_or_default().clone_into(&mut call.object);
        }
        for (at, mut call) in calls {
            if call.name.is_empty() {
                // Arguments once more: the call's name was said when it began.
                call.name = self.tools.get(&at).map(|begun| begun.name.clone()).unwrap_or_default();
            }
            self.decide_call(&call)?;
        }
        for lane in whole.into_values() {
            self.finish_lane(lane)?;
        }
        for call in &tools {
            self.tools.entry(*call).or_default();
        }
        Ok(Waiting { event, sources, tools })
    }
}

impl ResponseFilter for AnswerFilter {
    fn push(&mut self, piece: Bytes) -> Result<Held, Cut> {
        if !self.shape.is_stream {
            if self.whole.len().saturating_add(piece.len()) > self.limits.held {
                return Err(self.end("upstream_too_large", EndReason::UpstreamFailed));
            }
            self.whole.extend_from_slice(&piece);
            return Ok(Held::default());
        }
        let mut events = Vec::new();
        let read = self.reader.push(&piece, |event| {
            events.push(event);
            Ok::<_, SseError>(())
        });
        let mut out = Vec::new();
        let mut ended = events.into_iter().try_for_each(|event| self.event(event, &mut out));
        if ended.is_ok() && !self.done {
            ended = read.map_err(|error| match error {
                SseError::TooLarge => self.end("upstream_too_large", EndReason::UpstreamFailed),
                SseError::Utf8 => self.malformed(),
            });
        }
        match ended {
            Ok(()) => Ok(Held { out: Bytes::from(out), done: self.done }),
            Err(cut) => Err(after(out, cut)),
        }
    }

    fn finish(&mut self) -> Result<Bytes, Cut> {
        let mut out = Vec::new();
        if !self.shape.is_stream {
            let body = self.whole.split().freeze();
            self.event(body, &mut out)?;
            self.done = true;
            self.finish_all(&mut out)?;
            return Ok(Bytes::from(out));
        }
        if !self.done && self.reader.ends_line() {
            // The last line need not end in a break.
            out.extend_from_slice(&self.push(Bytes::from_static(b"\n"))?.out);
        }
        if self.done {
            return Ok(Bytes::from(out));
        }
        // No closing event: the answer is whole only if each choice said that it was.
        let complete = !self.shape.dialect.has_last_message()
            && !self.open.is_empty()
            && self.open.values().all(|f| *f)
            && !self.reader.is_mid_message();
        if !complete {
            return Err(self.end("upstream_failed", EndReason::UpstreamFailed));
        }
        if let Err(cut) = self.finish_all(&mut out) {
            return Err(after(out, cut));
        }
        self.reader.write(&mut out, "", b"[DONE]");
        self.done = true;
        Ok(Bytes::from(out))
    }

    fn cut(&mut self, code: &'static str, end: EndReason) -> Cut {
        self.end(code, end)
    }

    fn heartbeat(&self) -> Option<&'static [u8]> {
        match self.shape {
            Shape { is_stream: false, .. } => None,
            // A line that says nothing is not to be had.
            Shape { dialect, .. } if dialect.framing() == Framing::Lines => None,
            Shape { dialect: Dialect::Messages, .. } => Some(b"event: ping\ndata: {\"type\":\"ping\"}\n\n"),
            // A comment, which readers pass over.
            Shape { .. } => Some(b": still here\n\n"),
        }
    }

    fn stats(&mut self) -> FilterStats {
        self.counted();
        // An answer that ended early was still looked at as far as it came.
        for lane in &mut self.lanes {
            lane.finish(&mut self.redactor, &mut self.tally);
        }
        self.hearing.end(self.envelope.id.as_deref());
        let tally = std::mem::replace(&mut self.tally, Tally::new(Direction::Response));
        let recording = std::mem::replace(&mut self.recording, Recording::new(0));
        FilterStats {
            inspection: Some(tally.into_record()),
            tool_decisions: std::mem::take(&mut self.tool_decisions),
            usage: self.usage,
            charge: self.hold.settle(),
            payload: self.record.then(|| recording.into_payload(serde_json::Value::Null)),
        }
    }
}
