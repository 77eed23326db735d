//! The reading of a text for what it says: signs of attacks, and what is found once it is decoded.

use std::sync::Arc;

use crate::decode::{BUDGET, DEPTH, Run, Runs, Stretch, readings};
use crate::engine::Inner;
use crate::fingerprint::PrintReader;
use crate::scan::Span;
use crate::scanner::Scanner;
use crate::signal::{Hit, Source, Tracker, is_code};

/// What a sign weighs in one name of a program for the name to be a disguise, in thousandths.
const SAID: u16 = 850;

/// How much of a passage is in disguise where all of it is, but for what stands between words; and how much of a sign that is
/// one because of it; in hundredths.
const ALL: usize = 60;
const HALF: usize = 50;

/// What a sign weighs that decides alone, in thousandths.
const DECIDES: u16 = 500;

/// What second readings of a text may come to: so many times what has been read, and so many bytes. Of a text itself that is
/// all of them; of what was decoded, some: an honest text has few clues in one second reading, let alone for several more.
/// What is left out counts as incomplete.
const VIEWED: [(usize, usize); 2] = [(8, 16 * 1024), (2, 2 * 1024)];

/// Reads one text, in its last reading: escapes are resolved.
pub(crate) struct Reader {
    tracker: Tracker,
    runs: Runs,
    prints: PrintReader,
    stretch: Stretch,
    /// How often this text was decoded.
    depth: u8,
    data: bool,
    /// Bytes read, and bytes of second readings of them.
    read: usize,
    viewed: usize,
    /// Bytes that decoding may still give.
    budget: usize,
    over: bool,
    /// The second opinion on what was decoded.
    opinion: u16,
    done: Vec<Run>,
    found: Vec<Span>,
}

/// What an examination of something decoded gives.
pub(crate) struct Decoded {
    pub(crate) spans: Vec<Span>,
    pub(crate) hits: Vec<Hit>,
    pub(crate) opinion: u16,
    pub(crate) budget: usize,
    pub(crate) over: bool,
}

impl Reader {
    pub(crate) fn new(data: bool, source: Source, depth: u8, budget: usize) -> Self {
        Self {
            tracker: Tracker::new(data, source),
            runs: Runs::new(),
            prints: PrintReader::default(),
            stretch: Stretch::default(),
            depth,
            data,
            read: 0,
            viewed: 0,
            budget: budget.min(BUDGET),
            over: false,
            opinion: 0,
            done: Vec::new(),
            found: Vec::new(),
        }
    }

    /// Takes in a text as it stands, which begins at an original offset.
    pub(crate) fn text(&mut self, engine: &Arc<Inner>, text: &str, start: usize) {
        if engine.lexicon.is_empty() {
            // Without rules for words only what is encoded matters.
            if let Some(prints) = &engine.prints {
                self.prints.text(prints, text, start);
            }
            if self.depth < DEPTH {
                self.runs.text(text, start, &mut self.done);
                self.decode(engine);
            }
            return;
        }
        let (mut rest, mut start) = (text, start);
        while !rest.is_empty() {
            let taken = self.stretch.fill(rest);
            let (part, after) = rest.split_at_checked(taken).unwrap_or((rest, ""));
            let end = start.saturating_add(part.len());
            self.read = self.read.saturating_add(part.len());
            self.tracker.push(&engine.lexicon, part, start);
            if let Some(prints) = &engine.prints {
                self.prints.text(prints, part, start);
            }
            if self.depth < DEPTH {
                self.runs.text(part, start, &mut self.done);
                self.decode(engine);
            }
            if !after.is_empty() || self.stretch.is_full() {
                self.end_stretch(engine);
            }
            (rest, start) = (after, end);
        }
    }

    /// Takes in a character that stands for the original bytes `start..end`.
    pub(crate) fn char(&mut self, engine: &Arc<Inner>, c: char, start: usize, end: usize) {
        let words = !engine.lexicon.is_empty();
        if words {
            self.read = self.read.saturating_add(c.len_utf8());
            self.stretch.fill(c.encode_utf8(&mut [0; 4]));
            self.tracker.push_char(&engine.lexicon, c, start, end);
        }
        if let Some(prints) = &engine.prints {
            self.prints.char(prints, c, start, end);
        }
        if self.depth < DEPTH {
            self.runs.char(c, start, end, &mut self.done);
            self.decode(engine);
        }
        if words && self.stretch.is_full() {
            self.end_stretch(engine);
        }
    }

    /// Ends the text.
    pub(crate) fn end(&mut self, engine: &Arc<Inner>, end: usize) {
        if !engine.lexicon.is_empty() {
            self.tracker.end(&engine.lexicon, end);
        }
        if let Some(prints) = &engine.prints {
            self.prints.finish(prints);
        }
        if self.depth < DEPTH {
            self.runs.finish(&mut self.done);
            self.decode(engine);
        }
        self.end_stretch(engine);
    }

    /// What recognizers found in what was decoded since the last call, in original offsets.
    pub(crate) fn found(&mut self) -> impl Iterator<Item = Span> + '_ {
        self.found.drain(..).chain(self.prints.found())
    }

    /// The first original byte that may belong to something encoded, or to a value that is known by its digest.
    pub(crate) fn open(&self) -> Option<usize> {
        [self.runs.open(), self.prints.open()].into_iter().flatten().min()
    }

    /// Where something begins that is more than may be decoded: withheld for good.
    pub(crate) fn sealed(&self) -> Option<usize> {
        if self.runs.is_over() { self.runs.open() } else { None }
    }

    /// Whether there was more to decode than may be.
    pub(crate) fn is_over(&self) -> bool {
        self.over || self.runs.is_over()
    }

    pub(crate) fn budget(&self) -> usize {
        self.budget
    }

    /// The signs, and how much the words of the text or of something decoded look like those of attacks.
    pub(crate) fn into_signs(self) -> (Vec<Hit>, u16) {
        let (hits, opinion) = self.tracker.finish();
        (hits, opinion.max(self.opinion))
    }

    fn decode(&mut self, engine: &Arc<Inner>) {
        for run in std::mem::take(&mut self.done) {
            if run.text.len() > self.budget {
                self.over = true;
                self.budget = 0;
                continue;
            }
            self.budget = self.budget.saturating_sub(run.text.len());
            let decoded = Scanner::decoded(engine, &run.text, self.data, self.depth, self.budget);
            self.budget = decoded.budget;
            self.over |= decoded.over;
            self.opinion = self.opinion.max(decoded.opinion);
            let whole = |span: Span| Span { start: run.start, end: run.end, ..span };
            self.found.extend(decoded.spans.into_iter().map(whole));
            for hit in decoded.hits {
                self.tracker.decoded(&engine.lexicon, hit, run.start, run.end);
            }
        }
    }

    fn end_stretch(&mut self, engine: &Arc<Inner>) {
        let clues = self.tracker.take_clues();
        if self.depth < DEPTH && self.stretch.is_fresh() {
            let (times, more) = VIEWED.get(usize::from(self.depth)).copied().unwrap_or_default();
            let most = self.read.saturating_mul(times).saturating_add(more);
            let readings = readings(clues.disguises(), self.stretch.text(), &engine.lexicon);
            // The text itself has no words where it holds their letters apart.
            let source = !readings.is_empty() && is_code(self.stretch.text());
            'readings: for (reading, start, end) in readings {
                for part in reading.parts(&engine.lexicon) {
                    let text = reading.text.get(part.clone()).unwrap_or_default();
                    self.viewed = self.viewed.saturating_add(text.len());
                    if self.viewed > most {
                        self.over = true;
                        break 'readings;
                    }
                    let decoded = Scanner::view(engine, text, self.data, self.depth, self.budget);
                    self.budget = decoded.budget;
                    self.over |= decoded.over;
                    let place = |at: usize| at.saturating_add(part.start);
                    let new = |hit: &Hit| reading.is_new(place(hit.start), place(hit.end));
                    let loose = reading.is_loose();
                    let code = source && is_code(text) && !reading.is_mostly_new(part.start, part.end, ALL);
                    for mut hit in decoded.hits.into_iter().filter(new) {
                        let (from, to) = (place(hit.start), place(hit.end));
                        if loose && code && !(reading.is_one_word(from, to) && hit.weight >= SAID) {
                            // Names in code are words without spaces as a rule: there such a reading can only annotate.
                            hit.weight /= 2;
                            self.tracker.read_anew(hit, start, end);
                        } else if loose && hit.weight < DECIDES && !reading.is_mostly_new(from, to, HALF) {
                            // A name among words.
                            self.tracker.read_anew(hit, start, end);
                        } else {
                            self.tracker.decoded(&engine.lexicon, hit, start, end);
                        }
                    }
                }
            }
        }
        self.stretch.next();
    }
}
