//! Text that people do not see: tag characters, runs of variation selectors, characters of no width inside words,
//! overrides of the direction.
//!
//! Honest uses are left alone: joiners between emoji, zero-width non-joiners in Persian, soft hyphens, flags of
//! regions.

/// How many tag characters the flag of a region has at most (UTS 51 section 5.1).
const FLAG: u32 = 6;

/// How many variation selectors in a row are no longer a choice of form.
const SELECTORS: u32 = 3;

/// How many words with something of no width in them are no accident.
const BROKEN: u32 = 2;

#[derive(Debug, Default)]
pub(super) struct HiddenText {
    /// The last visible character is an ASCII letter or digit.
    after_letter: bool,
    /// Something of no width after a letter, which counts when a letter follows.
    inside: Option<(usize, usize)>,
    broken: u32,
    tags: u32,
    flag: bool,
    selectors: u32,
    run_start: usize,
}

/// Hidden text in original offsets, and how much of the rule's weight it deserves in thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) share: u64,
}

impl HiddenText {
    /// Sees one character; what it says is known with the first letter after it at the latest.
    pub(super) fn see(&mut self, c: char, start: usize, end: usize) -> Option<Found> {
        let found = |start, share| Some(Found { start, end, share });
        match u32::from(c) {
            0xe0020..=0xe007e => {
                if self.tags == 0 {
                    self.run_start = start;
                }
                self.tags = self.tags.saturating_add(1);
                if !self.flag || self.tags > FLAG { found(self.run_start, 1_000) } else { None }
            }
            0xfe00..=0xfe0f | 0xe0100..=0xe01ef => {
                if self.selectors == 0 {
                    self.run_start = start;
                }
                self.selectors = self.selectors.saturating_add(1);
                if self.selectors >= SELECTORS { found(self.run_start, 1_000) } else { None }
            }
            0x202d | 0x202e => found(start, 500),
            0x200b..=0x200f | 0x2060..=0x2064 | 0xfeff | 0x180e | 0x2066..=0x2069 => {
                if self.after_letter {
                    let from = self.inside.map_or(start, |(from, _)| from);
                    self.inside = Some((from, end));
                }
                None
            }
            0xe007f | 0xad | 0x0300..=0x036f => None,
            _ => self.visible(c.is_ascii_alphanumeric(), c == '\u{1f3f4}'),
        }
    }

    /// Sees a run of ASCII: only its ends matter.
    pub(super) fn see_ascii(&mut self, text: &[u8]) -> Option<Found> {
        let first = text.first()?.is_ascii_alphanumeric();
        let found = self.visible(first, false);
        if text.len() > 1 {
            self.after_letter = text.last()?.is_ascii_alphanumeric();
        }
        found
    }

    fn visible(&mut self, letter: bool, flag: bool) -> Option<Found> {
        self.tags = 0;
        self.selectors = 0;
        self.flag = flag;
        self.after_letter = letter;
        let (start, end) = self.inside.take().filter(|_| letter)?;
        self.broken = self.broken.saturating_add(1);
        (self.broken >= BROKEN).then_some(Found { start, end, share: 600 })
    }
}
