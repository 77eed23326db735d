//! A whole answer, collected from its events.

use super::{Event, Kind};
use crate::translate::Malformed;

/// What a block takes beside its text, in bytes, so that many empty ones are bounded too. It is what an item of Responses
/// takes, the largest form.
const BLOCK_COST: usize = 2_048;

#[derive(Debug)]
pub(super) struct Collected {
    pub(super) blocks: Vec<(Kind, String)>,
    budget: Budget,
}

/// What may still be held, in bytes.
#[derive(Debug)]
pub(super) struct Budget(usize);

// === impl Collected ===

impl Collected {
    pub(super) fn new(cap: usize) -> Self {
        Self { blocks: Vec::new(), budget: Budget(cap) }
    }

    pub(super) fn take(&mut self, event: Event) -> Result<(), Malformed> {
        match event {
            Event::Open(kind) => {
                self.budget.block()?;
                self.blocks.push((kind, String::new()));
            }
            Event::Piece(piece) => {
                self.budget.text(&piece)?;
                if let Some((_, text)) = self.blocks.last_mut() {
                    text.push_str(&piece);
                }
            }
            Event::Failed(_) => return Err(Malformed::Failed),
            Event::Start | Event::Close | Event::End(..) => {}
        }
        Ok(())
    }

    /// All text of one kind, or nothing where there is no block of it.
    pub(super) fn joined(&self, kind: &Kind) -> Option<String> {
        let texts: Vec<&str> =
            self.blocks.iter().filter(|(k, _)| k == kind).map(|(_, text)| text.as_str()).collect();
        (!texts.is_empty()).then(|| texts.concat())
    }
}

// === impl Budget ===

impl Budget {
    pub(super) fn new(cap: usize) -> Self {
        Self(cap)
    }

    pub(super) fn block(&mut self) -> Result<(), Malformed> {
        self.spend(BLOCK_COST)
    }

    pub(super) fn text(&mut self, text: &str) -> Result<(), Malformed> {
        self.spend(text.len())
    }

    fn spend(&mut self, bytes: usize) -> Result<(), Malformed> {
        self.0 = self.0.checked_sub(bytes).ok_or(Malformed::TooLarge)?;
        Ok(())
    }
}
