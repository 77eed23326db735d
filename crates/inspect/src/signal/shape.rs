//! Shapes of whole texts: one word over and over, made-up turns of a conversation.

use super::word::WordHash;

/// From how many times in a row on a word is no emphasis.
const REPEATS: usize = 60;

/// From how many changes of speaker on a conversation is no short example.
const TURNS: usize = 10;

/// Names of speakers at the beginning of a line.
const ASKING: &[&str] = &["user", "human", "question", "q", "customer", "person", "h"];
const ANSWERING: &[&str] =
    &["assistant", "ai", "bot", "answer", "a", "model", "chatbot", "gpt", "chatgpt", "claude"];

#[derive(Debug, Default)]
pub(super) struct Shape {
    last: Option<WordHash>,
    repeats: usize,
    repeats_start: usize,
    /// The word before this place stands at the beginning of a line.
    line_start: bool,
    speaker: Option<bool>,
    turns: usize,
    turns_start: usize,
}

/// A stretch in original bytes.
pub(super) type Stretch = (usize, usize);

impl Shape {
    /// Sees a word; gives the stretch of a repetition each time that it has become longer by a fixed number of words.
    #[inline]
    pub(super) fn word(&mut self, word: WordHash, start: usize, end: usize) -> Option<Stretch> {
        if self.last == Some(word) {
            self.repeats = self.repeats.saturating_add(1);
            return self.repeats.is_multiple_of(REPEATS).then_some((self.repeats_start, end));
        }
        self.last = Some(word);
        self.repeats = 1;
        self.repeats_start = start;
        None
    }

    /// Sees the end of a line.
    pub(super) fn line(&mut self) {
        self.line_start = true;
    }

    /// Sees what follows a word: only a colon after the first word of a line tells who speaks. Gives the stretch of a
    /// conversation from a certain number of turns on.
    #[inline]
    pub(super) fn after_word(&mut self, mark: u8, start: usize, end: usize) -> Option<Stretch> {
        if !std::mem::take(&mut self.line_start) || mark != b':' {
            return None;
        }
        let word = self.last?;
        let is = |names: &[&str]| names.iter().any(|name| WordHash::of(name.bytes().map(u32::from)) == word);
        let speaker = if is(ASKING) {
            true
        } else if is(ANSWERING) {
            false
        } else {
            return None;
        };
        if self.speaker.replace(speaker) == Some(speaker) {
            return None;
        }
        if self.turns == 0 {
            self.turns_start = start;
        }
        self.turns = self.turns.saturating_add(1);
        (self.turns >= TURNS).then_some((self.turns_start, end))
    }
}
