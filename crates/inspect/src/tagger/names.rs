//! The tagger as a detector: its rules, and how a text that comes in pieces is read.

use serde::Deserialize;

use super::place::can_be;
use super::{KINDS, Kind, Tagged, Tagger};
use crate::engine::EngineError;
use crate::scan::Span;

/// A text is tagged in parts of at most this many bytes: context beyond a few words does not count.
const PART: usize = 4_096;

/// What stands in the `[recognizer]` table of a rule under `names`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Named {
    /// What the tagger calls it.
    pub(crate) tag: Kind,
    /// The word of `redact:<type>`.
    #[serde(rename = "type")]
    pub(crate) ty: String,
}

/// The tagger with the rule of each kind.
#[derive(Debug)]
pub(crate) struct Names {
    tagger: Tagger,
    rules: [Option<usize>; KINDS],
}

/// Reads one text. Parts are cut by what stands in the text, never by how it came in, so that a stream and a whole text
/// have the same findings.
#[derive(Debug, Default)]
pub(crate) struct NameReader {
    /// What is not tagged yet.
    text: String,
    /// Where that begins in the text.
    begin: usize,
    found: Vec<Span>,
}

impl Names {
    pub(crate) fn new(rules: &[(Kind, usize)]) -> Result<Self, EngineError> {
        let broken = |what: &str| EngineError::Rule { id: "names".to_owned(), what: what.to_owned() };
        let mut of = [None; KINDS];
        for (kind, rule) in rules {
            if let Some(slot) = of.get_mut(kind.index())
                && slot.replace(*rule).is_some()
            {
                return Err(broken("two rules have the same tag"));
            }
        }
        let tagger = Tagger::built_in().ok_or_else(|| broken("the embedded model is damaged"))?;
        Ok(Self { tagger, rules: of })
    }

    fn spans(&self, text: &str, begin: usize, found: &mut Vec<Span>) {
        let span = |one: &Tagged| {
            let rule = self.rules.get(one.kind.index()).copied().flatten()?;
            let (start, end) = (begin.saturating_add(one.start), begin.saturating_add(one.end));
            Some(Span { start, end, rule, confidence: one.confidence })
        };
        found.extend(self.tagger.tag(text).iter().filter(|one| can_be(text, one)).filter_map(span));
    }
}

impl NameReader {
    /// Takes in a piece.
    pub(crate) fn push(&mut self, names: &Names, piece: &str) {
        self.text.push_str(piece);
        let mut done = 0;
        while let Some(part) = self.text.get(done..).and_then(first_part) {
            names.spans(part, self.begin, &mut self.found);
            self.begin = self.begin.saturating_add(part.len());
            done = done.saturating_add(part.len());
        }
        self.text.drain(..done);
    }

    /// What was found, the rest of the text included.
    pub(crate) fn finish(&mut self, names: &Names) -> Vec<Span> {
        names.spans(&self.text, self.begin, &mut self.found);
        std::mem::take(&mut self.found)
    }
}

/// The first part of a text that is long enough to have one: to the last end of a line in its second half, else to the
/// last white space there, else as it comes.
fn first_part(text: &str) -> Option<&str> {
    if text.len() < PART {
        return None;
    }
    let most = text.get(..text.floor_char_boundary(PART))?;
    let half = most.floor_char_boundary(PART / 2);
    let later = most.get(half..)?;
    let cut = later
        .rfind('\n')
        .or_else(|| later.rfind(' '))
        .map_or(most.len(), |at| half.saturating_add(at).saturating_add(1));
    most.get(..cut)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn pieces_do_not_matter(
            words in prop::collection::vec("Anna|Kowalska|lives|in|Berlin|Siemens AG|\n|x{900}|é{700}", 0..200),
            cut in 1_usize..3_000,
        ) {
            let kinds: Vec<_> = (0..).zip(Kind::ALL).map(|(at, kind)| (kind, at)).collect();
            let names = Names::new(&kinds).unwrap();
            let text = words.join(" ");
            let mut whole = NameReader::default();
            whole.push(&names, &text);
            let mut pieces = NameReader::default();
            let mut rest = text.as_str();
            while !rest.is_empty() {
                let (piece, after) = rest.split_at(rest.ceil_char_boundary(cut.min(rest.len())));
                pieces.push(&names, piece);
                prop_assert!(pieces.text.len() < PART);
                rest = after;
            }
            prop_assert_eq!(whole.finish(&names), pieces.finish(&names));
        }
    }
}
