//! Adversarial suffixes: tokens that an optimiser strung together until a model gave in. They are words, pieces of words and
//! marks of code in an order that neither prose nor code has: brackets that close what was never opened, of several
//! kinds, marks grown together with letters.
//!
//! Code balances its brackets across lines and prose has few, so what counts is how many are wrong within a short
//! stretch, how many sorts of marks there are, and that there are words between them.

/// The stretch that is looked at, in bytes.
const STRETCH: usize = 160;

/// The deepest nesting that is followed; brackets beyond it are not judged.
const DEEPEST: usize = 64;

/// Brackets in a stretch that close nothing from which on it is no accident: smileys and `a)` are one kind.
const WRONG: usize = 2;

/// Sorts of marks in a stretch from which on they are no punctuation.
const SORTS: u32 = 6;

/// Words in a stretch between which the marks stand.
const WORDS: usize = 4;

/// A mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mark {
    sort: u32,
    /// It is a bracket that closes nothing.
    wrong: bool,
    glued: bool,
    place: usize,
}

/// What the marks of a stretch come to.
#[derive(Debug, Default)]
struct Sum {
    /// By sort: how many there are, and how many brackets that close nothing.
    sorts: [(u8, u8); SORTED.len()],
    glued: usize,
}

/// How many words a stretch has at most: a power of two.
const MOST: usize = (STRETCH / 2).next_power_of_two();

#[derive(Debug)]
pub(super) struct Suffix {
    /// Open brackets, innermost last.
    open: Vec<u8>,
    /// Marks of the last stretch, oldest first, and what they come to.
    seen: std::collections::VecDeque<Mark>,
    sum: Sum,
    /// Where words end, in a ring; `words` counts all since the first mark.
    ends: [usize; MOST],
    words: usize,
    /// Where the last word ends.
    word_end: usize,
    /// The stretch was told already up to here.
    told: usize,
    /// Where the last quotation mark stands, and an opening bracket behind one.
    quote: Option<usize>,
    spoken: Option<usize>,
}

/// Marks that say something: those of code, not of sentences.
const SORTED: &[u8] = b"()[]{}<>\\/|=+*^~#@$%&_;!:\"";

impl Sum {
    /// Adds a mark, or takes it away.
    fn take(&mut self, mark: &Mark, more: bool) {
        let sort = usize::try_from(mark.sort).ok().and_then(|sort| self.sorts.get_mut(sort));
        let Some((count, wrong)) = sort else { return };
        let (one, glued) = (u8::from(mark.wrong), usize::from(mark.glued));
        if more {
            (*count, *wrong) = (count.saturating_add(1), wrong.saturating_add(one));
            self.glued = self.glued.saturating_add(glued);
        } else {
            (*count, *wrong) = (count.saturating_sub(1), wrong.saturating_sub(one));
            self.glued = self.glued.saturating_sub(glued);
        }
    }
}

impl Default for Suffix {
    fn default() -> Self {
        Self {
            open: Vec::new(),
            seen: std::collections::VecDeque::new(),
            sum: Sum::default(),
            ends: [0; MOST],
            words: 0,
            word_end: 0,
            told: 0,
            quote: None,
            spoken: None,
        }
    }
}

impl Suffix {
    /// Sees the end of a word.
    #[inline]
    pub(super) fn word(&mut self, end: usize) {
        self.word_end = end;
        if let Some(slot) = self.ends.get_mut(self.words % MOST) {
            *slot = end;
        }
        self.words = self.words.wrapping_add(usize::from(!self.seen.is_empty()));
    }

    /// Sees a mark; gives the stretch where it is one that an optimiser wrote.
    #[inline]
    pub(super) fn mark(&mut self, byte: u8, place: usize) -> Option<(usize, usize)> {
        // `"["` is a bracket that is spoken of: it neither opens nor closes anything.
        let mark = matches!(byte, b'"' | b'\'' | b'`');
        let follows = |at: usize| at.saturating_add(1) == place;
        let quoted = self.quote.is_some_and(follows);
        if self.spoken.take().is_some_and(|at| mark && follows(at)) {
            self.open.pop();
        }
        self.quote = mark.then_some(place);
        let sort = u32::try_from(SORTED.iter().position(|mark| *mark == byte)?).unwrap_or(0);
        let glued = self.word_end == place && place > 0;
        let wrong = match byte {
            b'(' | b'[' | b'{' => {
                if self.open.len() < DEEPEST {
                    self.open.push(byte);
                    self.spoken = quoted.then_some(place);
                }
                false
            }
            _ if quoted && self.open.last().is_none_or(|open| !closes(*open, byte)) => false,
            b')' => self.close(b'('),
            b']' => self.close(b'['),
            b'}' => self.close(b'{'),
            _ => false,
        };
        self.push(Mark { sort, wrong, glued, place });
        if wrong && place >= self.told { self.judge(place) } else { None }
    }

    /// Whether a closing bracket closes nothing.
    fn close(&mut self, opener: u8) -> bool {
        if self.open.len() >= DEEPEST {
            self.open.clear();
            return false;
        }
        if self.open.last() == Some(&opener) {
            self.open.pop();
            return false;
        }
        true
    }

    fn push(&mut self, mark: Mark) {
        while let Some(seen) =
            self.seen.front().filter(|seen| mark.place.saturating_sub(seen.place) > STRETCH)
        {
            self.sum.take(seen, false);
            self.seen.pop_front();
        }
        if self.seen.len() < STRETCH {
            self.sum.take(&mark, true);
            self.seen.push_back(mark);
        }
    }

    fn judge(&mut self, place: usize) -> Option<(usize, usize)> {
        let (mut sorts, mut wrongs, mut kinds) = (0_u32, 0_usize, 0_u32);
        for (count, wrong) in &self.sum.sorts {
            sorts += u32::from(*count > 0);
            kinds += u32::from(*wrong > 0);
            wrongs += usize::from(*wrong);
        }
        if wrongs < WRONG || kinds < 2 || sorts < SORTS || self.sum.glued < WRONG {
            return None;
        }
        let ends = (1..=self.words.min(MOST)).filter_map(|back| self.ends.get((self.words - back) % MOST));
        let (mut words, mut start) = (0_usize, self.seen.front().map_or(place, |mark| mark.place));
        for end in ends.take_while(|end| place.saturating_sub(**end) <= STRETCH) {
            words = words.saturating_add(1);
            start = start.min(*end);
        }
        if words < WORDS {
            return None;
        }
        self.told = place.saturating_add(STRETCH / 2);
        Some((start, place.saturating_add(1)))
    }
}

fn closes(open: u8, mark: u8) -> bool {
    matches!((open, mark), (b'(', b')') | (b'[', b']') | (b'{', b'}'))
}
