//! Payload segments, read in order beside the entries that speak of them.

use std::collections::VecDeque;
use std::path::Path;

use super::{Bad, bad};
use crate::entry::PayloadMark;
use crate::layout;
use crate::payload::{Cursor as Place, Flaw, Segment};
use crate::vfs::{OpenMode, Vfs};

/// The place up to which payloads have been checked.
pub(super) struct Cursor<'a> {
    vfs: &'a dyn Vfs,
    root: &'a Path,
    firsts: VecDeque<u64>,
    open: Option<(Segment, Place)>,
    /// Something was wrong: what follows is not looked at, as it would only repeat it.
    dead: bool,
}

/// What became of an entry's payload.
pub(super) enum Found {
    Intact,
    /// Not there, or without its salt.
    Gone,
    /// Wrong, and told.
    Bad,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(vfs: &'a dyn Vfs, root: &'a Path, problems: &mut Vec<Bad>) -> Self {
        let listed = vfs.list(&root.join(layout::PAYLOADS)).unwrap_or_else(|e| {
            problems.push(bad(None, layout::PAYLOADS, e.to_string()));
            Vec::new()
        });
        let mut firsts: Vec<u64> = listed.iter().filter_map(|e| layout::payloads_first(&e.name)).collect();
        firsts.sort_unstable();
        firsts.dedup();
        Self { vfs, root, firsts: firsts.into(), open: None, dead: false }
    }

    /// Checks the payload of an entry. Entries come in order.
    pub(super) fn next_for(&mut self, index: u64, mark: &PayloadMark, problems: &mut Vec<Bad>) -> Found {
        if self.dead {
            return Found::Bad;
        }
        match self.check(index, mark) {
            Ok(found) => found,
            Err(flaw) => {
                self.dead = true;
                problems.push(bad(Some(index), flaw.file, flaw.why));
                Found::Bad
            }
        }
    }

    fn check(&mut self, index: u64, mark: &PayloadMark) -> Result<Found, Flaw> {
        loop {
            self.advance(index)?;
            let Some((segment, at)) = self.open.as_mut() else { return Ok(Found::Gone) };
            let flaw = |why: &str| Flaw { file: segment.name(), why: why.to_owned() };
            let Some(place) = segment.peek(*at)? else {
                if !segment.ends_at(*at)? {
                    return Err(flaw("the segment goes on after its last record"));
                }
                self.open = None;
                continue;
            };
            if place.index > index {
                return Ok(Found::Gone);
            }
            if place.index < index {
                return Err(flaw("there is a record of another entry"));
            }
            segment.sealed_of(&place, mark)?;
            *at = place.next();
            return Ok(if place.is_erased() { Found::Gone } else { Found::Intact });
        }
    }

    /// Opens the next segment when there is none open and it can hold the entry's payload.
    fn advance(&mut self, index: u64) -> Result<(), Flaw> {
        let next = self.firsts.front().copied().filter(|first| self.open.is_none() && *first <= index);
        if let Some(first) = next {
            self.firsts.pop_front();
            let segment = Segment::open(self.vfs, self.root, first, OpenMode::Read)?;
            self.open = Some((segment, Segment::begin()));
        }
        Ok(())
    }

    /// The end of a log of `size` entries: what is left belongs to entries that never became durable, or to none.
    pub(super) fn finish(&mut self, size: u64, problems: &mut Vec<Bad>) {
        if self.dead {
            return;
        }
        if let Some((segment, at)) = &self.open {
            let rest = segment.peek(*at).and_then(|place| match place {
                Some(place) => Ok(place.index >= size),
                None => segment.ends_at(*at),
            });
            let flaw = match rest {
                Ok(true) => None,
                Ok(false) => Some((segment.name(), "there is more in it than entries speak of".to_owned())),
                Err(flaw) => Some((flaw.file, flaw.why)),
            };
            problems.extend(flaw.map(|(file, why)| bad(None, file, why)));
        }
        for first in self.firsts.iter().filter(|first| **first < size) {
            let file = format!("{}/{first:020}", layout::PAYLOADS);
            problems.push(bad(Some(*first), file, "no entry speaks of it"));
        }
    }
}
