//! What is remembered of labelled conversations: that they are, and the lines of their answers. Keyed digests, labels and
//! times, and no text.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use stockade_domain::{Clock, Label, LabelOrder, Micros};

use super::rank;

/// So many conversations are remembered. When there is no room for another, a request that would need it is refused.
const CONVERSATIONS: usize = 262_144;

/// So many lines of answers are remembered. The oldest give way: the conversation itself is remembered beside them.
const LINES: usize = 524_288;

/// When there are too many lines, this share of them goes at one time, so that it happens seldom.
const GIVES_WAY: usize = 8;

/// A conversation or a line of an answer, by a keyed digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MarkId {
    /// A line of an answer, and no conversation.
    pub is_line: bool,
    /// The digest.
    pub digest: [u8; 16],
}

/// A mark as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedMark {
    /// What is marked.
    pub id: MarkId,
    /// The label and the time until which it is remembered; `None` when it is forgotten.
    pub mark: Option<(Label, Micros)>,
}

/// The marks of an installation.
pub struct Marks {
    state: Mutex<State>,
    clock: Arc<dyn Clock>,
}

#[derive(Default)]
struct State {
    conversations: HashMap<[u8; 16], (Label, Micros)>,
    lines: HashMap<[u8; 16], (Label, Micros)>,
    changed: BTreeSet<MarkId>,
}

/// There is no room to remember another conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Full;

impl Marks {
    /// None yet.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { state: Mutex::default(), clock }
    }

    /// Takes in what was saved. What has run out is forgotten.
    pub fn restore(&self, saved: impl IntoIterator<Item = SavedMark>) {
        let now = self.clock.now();
        let mut state = self.state.lock();
        for SavedMark { id, mark } in saved {
            match mark {
                Some((label, until)) if until > now => {
                    state.of(id.is_line).insert(id.digest, (label, until));
                }
                _ => {
                    state.changed.insert(id);
                }
            }
        }
    }

    /// What has changed since the last call, to be saved.
    #[must_use]
    pub fn take_changes(&self) -> Vec<SavedMark> {
        let mut state = self.state.lock();
        let changed = std::mem::take(&mut state.changed);
        let saved = changed
            .into_iter()
            .map(|id| SavedMark { id, mark: state.of(id.is_line).get(&id.digest).cloned() });
        saved.collect()
    }

    /// These could not be saved: they come again with the next call.
    pub fn put_back(&self, changes: Vec<SavedMark>) {
        self.state.lock().changed.extend(changes.into_iter().map(|change| change.id));
    }

    /// Forgets what has run out. Called now and then, off the request path.
    pub fn forget_past(&self) {
        self.state.lock().forget_past(self.clock.now());
    }

    /// How many conversations and lines of answers are remembered.
    #[must_use]
    pub fn len(&self) -> (usize, usize) {
        let state = self.state.lock();
        (state.conversations.len(), state.lines.len())
    }

    /// Whether nothing is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == (0, 0)
    }

    /// The label of something that is remembered.
    pub(crate) fn label(&self, id: MarkId) -> Option<Label> {
        let now = self.clock.now();
        let mut state = self.state.lock();
        state.of(id.is_line).get(&id.digest).filter(|(_, until)| *until > now).map(|(label, _)| label.clone())
    }

    /// Whether the conversation is remembered already, or there is room for it.
    pub(crate) fn has_room(&self, id: MarkId) -> Result<(), Full> {
        let mut state = self.state.lock();
        if state.conversations.len() >= CONVERSATIONS && !state.conversations.contains_key(&id.digest) {
            state.forget_past(self.clock.now());
        }
        let has = state.conversations.len() < CONVERSATIONS || state.conversations.contains_key(&id.digest);
        if has { Ok(()) } else { Err(Full) }
    }

    /// Remembers a label, or a higher one than before, for as long from now.
    pub(crate) fn raise(&self, ids: &[MarkId], label: &Label, order: &LabelOrder, remember: Duration) {
        if ids.is_empty() {
            return;
        }
        let now = self.clock.now();
        let until = now.as_i64().saturating_add(i64::try_from(remember.as_micros()).unwrap_or(i64::MAX));
        let until = Micros::from_i64(until);
        let mut state = self.state.lock();
        for id in ids {
            if id.is_line && state.lines.len() >= LINES && !state.lines.contains_key(&id.digest) {
                state.make_room();
            }
            let mark = state.of(id.is_line).entry(id.digest).or_insert_with(|| (label.clone(), until));
            if mark.1 <= now || rank(order, label) > rank(order, &mark.0) {
                mark.0 = label.clone();
            }
            mark.1 = mark.1.max(until);
            state.changed.insert(*id);
        }
    }
}

impl State {
    fn of(&mut self, is_line: bool) -> &mut HashMap<[u8; 16], (Label, Micros)> {
        if is_line { &mut self.lines } else { &mut self.conversations }
    }

    fn forget_past(&mut self, now: Micros) {
        let changed = &mut self.changed;
        for (is_line, marks) in [(false, &mut self.conversations), (true, &mut self.lines)] {
            marks.retain(|digest, (_, until)| {
                let stays = *until > now;
                if !stays {
                    changed.insert(MarkId { is_line, digest: *digest });
                }
                stays
            });
        }
    }

    /// The lines that are forgotten first go.
    fn make_room(&mut self) {
        let mut times: Vec<Micros> = self.lines.values().map(|(_, until)| *until).collect();
        let nth = times.len() / GIVES_WAY;
        if nth >= times.len() {
            return;
        }
        let (_, last, _) = times.select_nth_unstable(nth);
        let last = *last;
        let mut left = nth.saturating_add(1);
        let changed = &mut self.changed;
        self.lines.retain(|digest, (_, until)| {
            let goes = *until <= last && left > 0;
            if goes {
                left = left.saturating_sub(1);
                changed.insert(MarkId { is_line: true, digest: *digest });
            }
            !goes
        });
    }
}

impl std::fmt::Debug for Marks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (conversations, lines) = self.len();
        f.debug_struct("Marks").field("conversations", &conversations).field("lines", &lines).finish()
    }
}
