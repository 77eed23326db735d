//! The answer of a labelled conversation: its lines are remembered, so that they bring the label along wherever they come
//! again; and a registered paragraph in an answer labels the conversation.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::Guard;
use parking_lot::Mutex;
use stockade_domain::Label;
use stockade_inspect::excerpt::{ExcerptReader, Excerpts, LineReader};

use super::{Conversation, HighWater, Labels, MarkId, Text};

/// So many lines wait for a label that the conversation does not have yet.
const WAITING: usize = 4_096;

/// Hears what leaves.
pub(crate) struct Hearing {
    labels: Labels,
    text: Text,
    conversation: Conversation,
    registered: Arc<Excerpts<Label>>,
    remember: Duration,
    lanes: HashMap<usize, (LineReader, ExcerptReader)>,
    waiting: Vec<MarkId>,
    known: Arc<Mutex<HighWater>>,
}

impl Hearing {
    pub(crate) fn new(
        labels: &Labels,
        text: Text,
        conversation: Conversation,
        known: Arc<Mutex<HighWater>>,
    ) -> Self {
        Self {
            registered: Guard::into_inner(labels.registered.load()),
            remember: labels.rules.load().remember,
            labels: labels.clone(),
            text,
            conversation,
            lanes: HashMap::new(),
            waiting: Vec::new(),
            known,
        }
    }

    fn is_idle(&self) -> bool {
        self.registered.is_empty() && !self.known.lock().is_raised()
    }

    /// A piece of a text leaves.
    pub(crate) fn hear(&mut self, lane: usize, piece: &str) {
        if self.is_idle() {
            return;
        }
        let (lines, excerpts) = self.lanes.entry(lane).or_default();
        let (text, waiting) = (&self.text, &mut self.waiting);
        lines.push(&text.key().excerpts, piece, |line| {
            waiting.extend(text.line(line).filter(|_| waiting.len() < WAITING));
        });
        if !self.registered.is_empty() {
            excerpts.push(&self.registered, piece);
            raise(&self.known, &self.registered, excerpts);
        }
        self.keep();
    }

    /// A text that is decided on before it leaves, as a call's arguments are.
    pub(crate) fn read(&mut self, whole: &str) {
        if self.registered.is_empty() {
            return;
        }
        let mut reader = ExcerptReader::default();
        reader.push(&self.registered, whole);
        reader.finish(&self.registered);
        raise(&self.known, &self.registered, &reader);
    }

    /// The answer has ended; its provider calls it by this name.
    pub(crate) fn end(&mut self, id: Option<&str>) {
        if self.is_idle() {
            return;
        }
        let (text, waiting) = (&self.text, &mut self.waiting);
        for (mut lines, mut excerpts) in std::mem::take(&mut self.lanes).into_values() {
            lines.finish(&text.key().excerpts, |line| {
                waiting.extend(text.line(line).filter(|_| waiting.len() < WAITING));
            });
            if !self.registered.is_empty() {
                excerpts.finish(&self.registered);
                raise(&self.known, &self.registered, &excerpts);
            }
        }
        waiting.extend(id.map(|id| text.answer(id)));
        self.keep();
    }

    fn keep(&mut self) {
        let known = self.known.lock();
        if known.is_raised() {
            let mut ids = std::mem::take(&mut self.waiting);
            ids.extend(
                self.conversation.0.filter(|id| self.labels.marks.label(*id).as_ref() != Some(&known.label)),
            );
            self.labels.marks.raise(&ids, &known.label, &known.order, self.remember);
        }
    }
}

fn raise(known: &Mutex<HighWater>, registered: &Excerpts<Label>, reader: &ExcerptReader) {
    if reader.found().is_empty() {
        return;
    }
    let mut known = known.lock();
    let found = reader.found().iter().filter_map(|place| registered.meaning(*place));
    found.for_each(|label| known.raise(label, "registered"));
}
