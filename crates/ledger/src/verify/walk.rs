//! What runs along all entries in order: requests and their ends, payloads and their erasures.

use std::path::Path;

use super::payloads::{Cursor, Found};
use super::{Bad, bad};
use crate::entry::{Facts, Subject};
use crate::layout;
use crate::read;
use crate::requests::{OpenIntents, Requests};
use crate::tiles::TILE_WIDTH;
use crate::vfs::{Vfs, read_file};

pub(super) struct Walk<'a> {
    vfs: &'a dyn Vfs,
    root: &'a Path,
    pub(super) requests: Requests,
    /// The list of open intents, until it has been compared.
    pub(super) snapshot: Option<OpenIntents>,
    compared: bool,
    payloads: Cursor<'a>,
    /// Runs of entries whose payload is gone: first and last of each.
    gone: Vec<(u64, u64)>,
    last_was_gone: bool,
    /// Ranges of entries whose payloads are said to be gone.
    announced: Vec<(u64, u64)>,
    pub(super) intact: u64,
    pub(super) erased: u64,
    pub(super) bad: Vec<Bad>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(vfs: &'a dyn Vfs, root: &'a Path) -> Self {
        let mut problems = Vec::new();
        let snapshot = match read_file(vfs, &root.join(layout::OPEN_INTENTS), layout::SMALL_FILE) {
            Ok(None) => None,
            Ok(Some(bytes)) => {
                let read = OpenIntents::decode(&bytes);
                if read.is_none() {
                    problems.push(bad(
                        None,
                        layout::OPEN_INTENTS,
                        "it does not have the form of such a list",
                    ));
                }
                read
            }
            Err(e) => {
                problems.push(bad(None, layout::OPEN_INTENTS, e.to_string()));
                None
            }
        };
        Self {
            vfs,
            root,
            requests: Requests::default(),
            compared: snapshot.is_none(),
            snapshot,
            payloads: Cursor::new(vfs, root, &mut problems),
            gone: Vec::new(),
            last_was_gone: false,
            announced: Vec::new(),
            intact: 0,
            erased: 0,
            bad: problems,
        }
    }

    /// Takes note of an entry. Entries come in order; those without a subject and a payload may be left out.
    pub(super) fn entry(&mut self, index: u64, facts: &Facts) {
        self.compare_snapshot(index);
        self.requests.note(facts.subject, index);
        match facts.subject {
            Subject::Erases(of) if of < index => self.announced.push((of, of)),
            Subject::Expires(first, last) if last < index => self.announced.push((first, last)),
            Subject::Erases(_) | Subject::Expires(..) => {
                self.bad.push(bad(Some(index), "entry", "it announces the erasure of what comes after it"));
            }
            _ => (),
        }
        let Some(mark) = &facts.payload else { return };
        match self.payloads.next_for(index, mark, &mut self.bad) {
            Found::Intact => {
                self.intact = self.intact.saturating_add(1);
                self.last_was_gone = false;
            }
            Found::Gone => {
                self.erased = self.erased.saturating_add(1);
                match self.gone.last_mut() {
                    Some(run) if self.last_was_gone => run.1 = index,
                    _ => self.gone.push((index, index)),
                }
                self.last_was_gone = true;
            }
            Found::Bad => self.last_was_gone = false,
        }
    }

    /// Compares the list of open intents once the walk has come to the size that it speaks of.
    fn compare_snapshot(&mut self, index: u64) {
        if self.compared || self.snapshot.as_ref().is_none_or(|s| s.size > index) {
            return;
        }
        self.compared = true;
        if self.snapshot.as_ref().is_some_and(|s| s.intents != self.requests.open()) {
            self.bad.push(bad(None, layout::OPEN_INTENTS, "it does not list the requests that were open"));
        }
    }

    /// The end of a log of `size` entries.
    pub(super) fn finish(&mut self, size: u64, signed: u64, in_use: bool) {
        if self.snapshot.as_ref().is_some_and(|s| s.size > size) {
            self.bad.push(bad(None, layout::OPEN_INTENTS, "it speaks of more entries than there are"));
        }
        self.compare_snapshot(size);
        if !in_use {
            self.payloads.finish(size, &mut self.bad);
        }
        self.announced.sort_unstable();
        let mut covered: Vec<(u64, u64)> = Vec::new();
        for (first, last) in self.announced.drain(..) {
            match covered.last_mut() {
                Some(range) if first <= range.1.saturating_add(1) => range.1 = range.1.max(last),
                _ => covered.push((first, last)),
            }
        }
        for (first, last) in std::mem::take(&mut self.gone) {
            let range = covered.partition_point(|range| range.0 <= first).checked_sub(1);
            let until = range.and_then(|at| covered.get(at)).map(|range| range.1).filter(|end| *end >= first);
            match until {
                Some(until) if until >= last => (),
                Some(until) => {
                    let index = self.next_with_payload(until.saturating_add(1), last, signed);
                    self.bad.push(bad(Some(index), layout::PAYLOADS, GONE));
                }
                None => self.bad.push(bad(Some(first), layout::PAYLOADS, GONE)),
            }
        }
    }
}

impl Walk<'_> {
    /// The first entry with a payload from `from` on; a run of entries without theirs goes on to `last`.
    fn next_with_payload(&self, from: u64, last: u64, signed: u64) -> u64 {
        let mut index = from;
        while index < last && index < signed {
            let number = index / TILE_WIDTH;
            let entries = read::bundle(self.vfs, self.root, number, signed, index..last).unwrap_or_default();
            let has_payload = |entry: &[u8]| Facts::read(entry).is_ok_and(|facts| facts.payload.is_some());
            if let Some((found, _)) = entries.iter().find(|(_, entry)| has_payload(entry)) {
                return *found;
            }
            index = number.saturating_add(1).saturating_mul(TILE_WIDTH);
        }
        last
    }
}

const GONE: &str = "its payload is gone without an entry that announces it";
