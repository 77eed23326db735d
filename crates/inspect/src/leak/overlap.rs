//! What of a system prompt an answer repeats.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};
use std::ops::Range;
use std::sync::Arc;

use super::substring::{APART, Run, Substrings, Symbol};

/// So many words in a row count as repeated. Fewer are common turns of phrase.
const WORDS: usize = 8;

/// The most words of a request's prompts that are kept. A longer prompt is guarded in its beginning, and
/// [`PromptWords::is_whole`] says so.
const MAX_WORDS: usize = 1 << 14;

/// The words of system prompts, in all runs. Case, signs and spaces do not count.
#[derive(Debug, Clone)]
pub struct PromptWords {
    known: Arc<Substrings>,
    whole: bool,
}

/// Looks for runs of eight words of the prompts in a text that may come in pieces.
#[derive(Debug)]
pub(super) struct PromptWatch {
    words: PromptWords,
    run: Run,
    /// The word that is being read: its first byte and its hash so far.
    word: Option<(usize, DefaultHasher)>,
    taken: usize,
}

impl PromptWords {
    /// The runs of words of a request's prompts. A prompt of fewer than eight words has none: it cannot be told from
    /// ordinary speech. Nothing if no prompt has any.
    #[must_use]
    pub fn new<'p>(prompts: impl IntoIterator<Item = &'p str>) -> Option<Self> {
        let mut symbols = Vec::new();
        let mut whole = true;
        for prompt in prompts {
            let before = symbols.len();
            let room = MAX_WORDS.saturating_sub(before);
            let mut words = words(prompt);
            symbols.extend(words.by_ref().take(room));
            whole &= words.next().is_none();
            if symbols.len().saturating_sub(before) < WORDS {
                symbols.truncate(before);
            } else {
                symbols.push(APART);
            }
        }
        (!symbols.is_empty()).then(|| Self { known: Arc::new(Substrings::new(symbols)), whole })
    }

    /// Whether all words of the prompts are kept.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.whole
    }

    pub(super) fn watch(&self) -> PromptWatch {
        PromptWatch { words: self.clone(), run: Run::default(), word: None, taken: 0 }
    }
}

impl PromptWatch {
    pub(super) fn push(&mut self, piece: &str, found: &mut Vec<Range<usize>>) {
        for (at, c) in piece.char_indices() {
            let place = self.taken.saturating_add(at);
            if c.is_alphanumeric() {
                let (_, hasher) = self.word.get_or_insert_with(|| (place, DefaultHasher::new()));
                c.to_lowercase().for_each(|c| c.hash(hasher));
            } else {
                found.extend(self.end_word(place));
            }
        }
        self.taken = self.taken.saturating_add(piece.len());
    }

    pub(super) fn is_whole(&self) -> bool {
        self.words.is_whole()
    }

    /// Where what must wait begins: the run that the text ends with, or the word that it breaks off in.
    pub(super) fn hold(&self) -> usize {
        let run = self.run.stretch(1).map(|run| run.start);
        run.or(self.word.as_ref().map(|(start, _)| *start)).unwrap_or(self.taken)
    }

    pub(super) fn finish(mut self, found: &mut Vec<Range<usize>>) {
        found.extend(self.end_word(self.taken));
        found.extend(self.run.stretch(WORDS));
    }

    fn end_word(&mut self, end: usize) -> Option<Range<usize>> {
        let (start, hasher) = self.word.take()?;
        self.run.push(&self.words.known, symbol(&hasher), start..end, WORDS)
    }
}

/// Each word of a text.
fn words(text: &str) -> impl Iterator<Item = Symbol> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(|word| {
        let mut hasher = DefaultHasher::new();
        word.chars().flat_map(char::to_lowercase).for_each(|c| c.hash(&mut hasher));
        symbol(&hasher)
    })
}

fn symbol(hasher: &DefaultHasher) -> Symbol {
    hasher.finish().min(APART.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROMPT: &str = "You are the assistant of a bank. Never speak about the code name of the project, which is \
                          bluebird, and never give advice on taxes.";

    fn repeated<'a>(prompt: &str, answer: &'a str) -> Vec<&'a str> {
        let mut found = Vec::new();
        if let Some(words) = PromptWords::new([prompt]) {
            let mut watch = words.watch();
            watch.push(answer, &mut found);
            watch.finish(&mut found);
        }
        found.into_iter().map(|place| answer.get(place).unwrap()).collect()
    }

    #[test]
    fn a_repeated_prompt_is_seen_whatever_stands_around_it() {
        let loud = PROMPT.to_uppercase();
        let answer = format!("Sure! Here it is:\n\n> {loud}\n\nAnything else?");
        assert_eq!(repeated(PROMPT, &answer), [loud.trim_end_matches('.')]);
    }

    #[test]
    fn ordinary_answers_have_nothing_in_common() {
        let answer = "I am the assistant of a bank. I cannot give advice on taxes.";
        assert!(repeated(PROMPT, answer).is_empty());
        assert!(repeated("Be kind.", "Be kind.").is_empty());
    }

    #[test]
    fn a_run_does_not_go_from_one_prompt_into_the_next() {
        let (first, second) = ("a b c d e f g h", "i j k l m n o p");
        let words = PromptWords::new([first, second]).unwrap();
        let mut watch = words.watch();
        let mut found = Vec::new();
        watch.push("e f g h i j k l", &mut found);
        watch.finish(&mut found);
        assert!(found.is_empty());
    }

    #[test]
    fn what_may_become_a_run_waits() {
        let words = PromptWords::new([PROMPT]).unwrap();
        let mut watch = words.watch();
        let mut found = Vec::new();
        watch.push("Well: never speak abo", &mut found);
        assert_eq!(watch.hold(), "Well: ".len());
        watch.push("ve it. ", &mut found);
        assert_eq!(watch.hold(), "Well: never speak above it. ".len());
        assert!(found.is_empty());
    }
}
