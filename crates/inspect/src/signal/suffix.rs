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

/// What the last bytes were, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    /// A mark of the sort with this number, and whether it is a bracket that closes nothing.
    Mark {
        sort: u32,
        wrong: bool,
        glued: bool,
    },
    Word,
}

#[derive(Debug, Default)]
pub(super) struct Suffix {
    /// Open brackets, innermost last.
    open: Vec<u8>,
    /// Marks and words of the last stretch with their places, oldest first.
    seen: std::collections::VecDeque<(Seen, usize)>,
    /// Where the last word ends.
    word_end: usize,
    /// The stretch was told already up to here.
    told: usize,
}

/// Marks that say something: those of code, not of sentences.
const SORTED: &[u8] = b"()[]{}<>\\/|=+*^~#@$%&_;!:\"";

impl Suffix {
    /// Sees the end of a word.
    #[inline]
    pub(super) fn word(&mut self, end: usize) {
        self.word_end = end;
        if !self.seen.is_empty() {
            self.push(Seen::Word, end);
        }
    }

    /// Sees a mark; gives the stretch where it is one that an optimiser wrote.
    #[inline]
    pub(super) fn mark(&mut self, byte: u8, place: usize) -> Option<(usize, usize)> {
        let sort = u32::try_from(SORTED.iter().position(|mark| *mark == byte)?).unwrap_or(0);
        let glued = self.word_end == place && place > 0;
        let wrong = match byte {
            b'(' | b'[' | b'{' => {
                if self.open.len() < DEEPEST {
                    self.open.push(byte);
                }
                false
            }
            b')' => self.close(b'('),
            b']' => self.close(b'['),
            b'}' => self.close(b'{'),
            _ => false,
        };
        self.push(Seen::Mark { sort, wrong, glued }, place);
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

    fn push(&mut self, seen: Seen, place: usize) {
        while self.seen.front().is_some_and(|(_, at)| place.saturating_sub(*at) > STRETCH) {
            self.seen.pop_front();
        }
        if self.seen.len() < STRETCH {
            self.seen.push_back((seen, place));
        }
    }

    fn judge(&mut self, place: usize) -> Option<(usize, usize)> {
        let (mut sorts, mut kinds, mut wrongs, mut words, mut glueds) =
            (0_u32, 0_u32, 0_usize, 0_usize, 0_usize);
        for (seen, _) in &self.seen {
            match seen {
                Seen::Word => words = words.saturating_add(1),
                Seen::Mark { sort, wrong, glued } => {
                    sorts |= 1 << sort;
                    if *wrong {
                        wrongs = wrongs.saturating_add(1);
                        kinds |= 1 << sort;
                    }
                    glueds = glueds.saturating_add(usize::from(*glued));
                }
            }
        }
        let odd = wrongs >= WRONG && kinds.count_ones() >= 2 && sorts.count_ones() >= SORTS;
        if !odd || words < WORDS || glueds < WRONG {
            return None;
        }
        let start = self.seen.front().map_or(place, |(_, at)| *at);
        self.told = place.saturating_add(STRETCH / 2);
        Some((start, place.saturating_add(1)))
    }
}
