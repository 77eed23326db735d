//! How much of a system prompt an answer repeats.

use std::collections::HashSet;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};
use std::ops::Range;

/// So many words in a row count as repeated. Fewer are common turns of phrase.
const WORDS: usize = 8;

/// The most words of a prompt that are kept.
const MAX_WORDS: usize = 1 << 16;

/// Every run of eight words of a text (Broder, "On the resemblance and containment of documents", 1997). Case, signs and
/// spaces do not count.
#[derive(Debug, Clone)]
pub struct Shingles(HashSet<u64>);

/// What an answer has in common with a prompt.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Overlap {
    /// Stretches of the answer that stand in the prompt, in bytes, in order.
    pub spans: Vec<Range<usize>>,
    /// The share of the prompt's runs of words that the answer repeats, from 0 to 1.
    pub share: f64,
}

impl Shingles {
    /// The runs of words of a prompt. A prompt of fewer than eight words has none: it cannot be told from ordinary speech.
    #[must_use]
    pub fn new(prompt: &str) -> Self {
        Self(runs(prompt).take(MAX_WORDS).map(|(run, _)| run).collect())
    }

    /// What an answer repeats.
    #[must_use]
    pub fn overlap(&self, answer: &str) -> Overlap {
        let mut repeated = HashSet::new();
        let mut spans: Vec<Range<usize>> = Vec::new();
        for (run, span) in runs(answer).filter(|(run, _)| self.0.contains(run)) {
            repeated.insert(run);
            match spans.last_mut() {
                Some(last) if span.start <= last.end => last.end = last.end.max(span.end),
                _ => spans.push(span),
            }
        }
        let count = |number: usize| f64::from(u32::try_from(number).unwrap_or(u32::MAX));
        let share = if self.0.is_empty() { 0.0 } else { count(repeated.len()) / count(self.0.len()) };
        Overlap { spans, share }
    }
}

/// Each run of words, as a hash, with its place.
fn runs(text: &str) -> impl Iterator<Item = (u64, Range<usize>)> {
    let mut last: [(u64, Range<usize>); WORDS] = Default::default();
    let mut seen = 0_usize;
    words(text).filter_map(move |(word, span)| {
        last.rotate_left(1);
        if let Some(newest) = last.last_mut() {
            *newest = (word, span.clone());
        }
        seen = seen.saturating_add(1);
        let mut hasher = DefaultHasher::new();
        last.iter().for_each(|(word, _)| word.hash(&mut hasher));
        let start = last.first().map_or(span.start, |(_, first)| first.start);
        (seen >= WORDS).then(|| (hasher.finish(), start..span.end))
    })
}

/// Each word, as a hash of its small letters, with its place.
fn words(text: &str) -> impl Iterator<Item = (u64, Range<usize>)> {
    let mut chars = text.char_indices().peekable();
    std::iter::from_fn(move || {
        let (start, first) = chars.by_ref().find(|(_, c)| c.is_alphanumeric())?;
        let mut hasher = DefaultHasher::new();
        let mut end = start.saturating_add(first.len_utf8());
        first.to_lowercase().for_each(|c| c.hash(&mut hasher));
        while let Some((at, c)) = chars.next_if(|(_, c)| c.is_alphanumeric()) {
            c.to_lowercase().for_each(|c| c.hash(&mut hasher));
            end = at.saturating_add(c.len_utf8());
        }
        Some((hasher.finish(), start..end))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PROMPT: &str = "You are the assistant of a bank. Never speak about the code name of the project, which is \
                          bluebird, and never give advice on taxes.";

    #[test]
    fn a_repeated_prompt_is_seen_whatever_stands_around_it() {
        let answer = format!("Sure! Here it is:\n\n> {}\n\nAnything else?", PROMPT.to_uppercase());
        let overlap = Shingles::new(PROMPT).overlap(&answer);
        assert!((overlap.share - 1.0).abs() < 1e-9);
        assert!(
            matches!(overlap.spans.as_slice(), [span] if answer.get(span.clone()).unwrap().starts_with("YOU ARE"))
        );
    }

    #[test]
    fn ordinary_answers_have_nothing_in_common() {
        let overlap =
            Shingles::new(PROMPT).overlap("I am the assistant of a bank. I cannot give advice on taxes.");
        assert_eq!(overlap, Overlap::default());
        assert!(Shingles::new("Be kind.").overlap("Be kind.").spans.is_empty());
    }

    proptest! {
        #[test]
        fn places_are_of_the_text(answer in "(you |are |the |assistant |of |a |bank |é|[.,] ){0,60}") {
            let overlap = Shingles::new(PROMPT).overlap(&answer);
            prop_assert!(overlap.spans.iter().all(|span| answer.get(span.clone()).is_some()));
            prop_assert!((0.0..=1.0).contains(&overlap.share));
        }
    }
}
