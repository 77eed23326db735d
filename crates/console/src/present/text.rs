//! Text from outside, in runs: what a reader sees, and the characters that a reader would not see.
//!
//! The template escapes markup; this takes care of what escaping does not: bidi controls that turn a line round,
//! zero-width characters and tags that hide an instruction, control characters.

use stockade_domain::Untrusted;
use stockade_views::{Mark, PayloadView, SpanView};

use super::words;

/// How much text of one direction is put on a page, in bytes. More belongs in an export.
const MAX_SHOWN: usize = 256 * 1024;
/// How many spans of one direction are put on a page.
const MAX_SPANS: usize = 500;
/// How long a single line may be, in characters: a model's name, a path.
const MAX_LINE: usize = 400;
/// How many hidden characters in a row are named one by one.
const MAX_NAMED: usize = 32;

/// A run of characters.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Run {
    /// They show as themselves.
    Plain(String),
    /// They would not be seen; their code points, for example `U+202E`.
    Hidden(String),
}

/// The text of one direction.
pub(crate) enum TextView {
    Nothing,
    Erased,
    Spans { spans: Vec<SpanText>, cut: bool },
}

/// A span on the page.
pub(crate) struct SpanText {
    pub(crate) channel: &'static str,
    pub(crate) role: &'static str,
    pub(crate) path: String,
    pub(crate) pieces: Vec<PieceText>,
}

/// A piece on the page. `mark` is the key that the style sheet knows; empty where nothing was done.
pub(crate) struct PieceText {
    pub(crate) mark: &'static str,
    pub(crate) what: String,
    pub(crate) runs: Vec<Run>,
}

/// One line from outside, hidden characters and line breaks escaped; a long one ends in `…`.
pub(crate) fn line(text: &str) -> String {
    match text.char_indices().nth(MAX_LINE).and_then(|(end, _)| text.get(..end)) {
        Some(begin) => format!("{}…", Untrusted::new(begin).for_log()),
        None => Untrusted::new(text).for_log(),
    }
}

/// Text from outside in runs; line breaks and tabs stay.
pub(crate) fn runs(text: &str) -> Vec<Run> {
    let mut out = Vec::new();
    let mut plain = String::new();
    let mut hidden = Vec::new();
    for c in text.chars() {
        if Untrusted::hides(c) && !matches!(c, '\n' | '\t') {
            take_plain(&mut plain, &mut out);
            hidden.push(c);
        } else {
            take_hidden(&mut hidden, &mut out);
            plain.push(c);
        }
    }
    take_plain(&mut plain, &mut out);
    take_hidden(&mut hidden, &mut out);
    out
}

fn take_plain(plain: &mut String, out: &mut Vec<Run>) {
    if !plain.is_empty() {
        out.push(Run::Plain(std::mem::take(plain)));
    }
}

fn take_hidden(hidden: &mut Vec<char>, out: &mut Vec<Run>) {
    if hidden.is_empty() {
        return;
    }
    let mut names: Vec<String> =
        hidden.iter().take(MAX_NAMED).map(|c| format!("U+{:04X}", u32::from(*c))).collect();
    if hidden.len() > MAX_NAMED {
        names.push(format!("and {} more", hidden.len() - MAX_NAMED));
    }
    out.push(Run::Hidden(names.join(" ")));
    hidden.clear();
}

// === impl TextView ===

impl TextView {
    pub(crate) fn new(payload: PayloadView) -> Self {
        match payload {
            // A person who is signed in sees texts; without one there is nothing to show.
            PayloadView::None | PayloadView::Withheld => Self::Nothing,
            PayloadView::Erased => Self::Erased,
            PayloadView::Recorded { spans, cut } => {
                let mut room = MAX_SHOWN;
                let all = spans.len();
                let shown: Vec<_> = spans
                    .into_iter()
                    .take(MAX_SPANS)
                    .map_while(|span| (room > 0).then(|| SpanText::new(span, &mut room)))
                    .collect();
                let cut = cut || room == 0 || shown.len() < all;
                Self::Spans { spans: shown, cut }
            }
        }
    }
}

// === impl SpanText ===

impl SpanText {
    fn new(span: SpanView, room: &mut usize) -> Self {
        let pieces = span.pieces.into_iter().map_while(|piece| {
            if *room == 0 {
                return None;
            }
            let end = piece.text.floor_char_boundary(*room);
            let text = piece.text.get(..end).unwrap_or_default();
            *room = if end < piece.text.len() { 0 } else { *room - end };
            let (mark, what) = match piece.mark {
                Mark::Plain => ("", String::new()),
                Mark::Redacted(what) => ("redacted", line(&what)),
                Mark::Pseudonym(what) => ("pseudonym", line(&what)),
                Mark::Restored => ("restored", String::new()),
            };
            Some(PieceText { mark, what, runs: runs(text) })
        });
        Self {
            channel: span.channel.as_str(),
            role: words::role(span.role),
            pieces: pieces.collect(),
            path: line(&span.path),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use stockade_domain::{Channel, Role};
    use stockade_views::Piece;

    fn plain(text: &str) -> Run {
        Run::Plain(text.to_owned())
    }

    fn recorded(texts: &[&str]) -> PayloadView {
        let pieces = texts.iter().map(|t| Piece { text: (*t).to_owned(), mark: Mark::Plain }).collect();
        let span = SpanView { channel: Channel::Content, role: Role::User, path: "/a".to_owned(), pieces };
        PayloadView::Recorded { spans: vec![span], cut: false }
    }

    #[test]
    fn hidden_characters_are_named() {
        assert_eq!(
            runs("a\u{202e}\u{200b}b\n\tc\u{0}"),
            [
                plain("a"),
                Run::Hidden("U+202E U+200B".to_owned()),
                plain("b\n\tc"),
                Run::Hidden("U+0000".to_owned())
            ]
        );
    }

    #[test]
    fn a_line_has_an_end() {
        assert_eq!(line("a\nb\u{202e}"), "a\\u{a}b\\u{202e}");
        assert_eq!(line(&"é".repeat(400)).chars().count(), 400);
        assert_eq!(line(&"é".repeat(100_000)).chars().count(), 401);
    }

    #[test]
    fn a_flood_of_tags_is_counted() {
        let flood: String = std::iter::repeat_n('\u{e0041}', 1_000).collect();
        let [Run::Hidden(named)] = &runs(&flood)[..] else { panic!("one run") };
        assert!(named.ends_with("and 968 more"), "{named}");
    }

    #[test]
    fn a_page_shows_a_bounded_text_and_says_so() {
        let long = "é".repeat(MAX_SHOWN);
        for (texts, cut) in [(&["x", "y"][..], false), (&[&long, "unseen"], true)] {
            let TextView::Spans { spans, cut: said } = TextView::new(recorded(texts)) else { panic!() };
            let shown: usize = spans[0]
                .pieces
                .iter()
                .flat_map(|p| &p.runs)
                .map(|r| match r {
                    Run::Plain(text) | Run::Hidden(text) => text.len(),
                })
                .sum();
            assert!(shown <= MAX_SHOWN);
            assert_eq!(said, cut);
        }
    }

    proptest! {
        #[test]
        fn nothing_hidden_stays(text in "\\PC*|[\\x00-\\x20\\u{200b}-\\u{2069}a-c]*") {
            for run in runs(&text) {
                if let Run::Plain(text) = run {
                    prop_assert!(text.chars().all(|c| !Untrusted::hides(c) || matches!(c, '\n' | '\t')));
                }
            }
        }
    }
}
