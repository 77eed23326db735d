//! Taking out what nobody sees, and breaking the tokens by which a chat template tells who speaks.

use std::borrow::Cow;

/// Removes hidden characters from a text that may come in pieces. What is removed does not depend on the pieces.
///
/// Gone are Unicode tags, controls of the bidirectional algorithm, fillers and spaces without width, soft hyphens, and
/// variation selectors that no script uses or that follow nothing they could vary. Joiners stay between letters outside
/// ASCII, which Persian, Indic scripts and emoji need (Unicode Technical Standard 51; Unicode Standard, section 23.2).
#[derive(Debug, Clone, Copy, Default)]
pub struct Stripper {
    before: Option<char>,
}

impl Stripper {
    /// The next piece without hidden characters.
    pub fn push<'t>(&mut self, piece: &'t str) -> Cow<'t, str> {
        if piece.is_ascii() {
            self.before = piece.chars().next_back().or(self.before);
            return Cow::Borrowed(piece);
        }
        let mut out = String::with_capacity(piece.len());
        for c in piece.chars() {
            if self.keeps(c) {
                out.push(c);
                self.before = Some(c);
            }
        }
        if out.len() == piece.len() { Cow::Borrowed(piece) } else { Cow::Owned(out) }
    }

    fn keeps(&self, c: char) -> bool {
        let varies = |c: char| !c.is_alphabetic() || !c.is_ascii();
        match u32::from(c) {
            // Soft hyphen, grapheme joiner, fillers, deprecated format characters, byte order mark, annotations.
            0xad
            | 0x034f
            | 0x115f..=0x1160
            | 0x17b4..=0x17b5
            | 0x180e
            | 0x200b
            | 0x2060..=0x2064
            | 0x206a..=0x206f
            | 0x3164
            | 0xfeff
            | 0xffa0
            | 0xfff9..=0xfffb
            | 0x1d173..=0x1d17a => false,
            // Controls of the bidirectional algorithm.
            0x061c | 0x200e..=0x200f | 0x202a..=0x202e | 0x2066..=0x2069 => false,
            // Tags, and the variation selectors beyond the sixteenth.
            0xe0000..=0xe01ef => false,
            // Joiners.
            0x200c..=0x200d => {
                self.before.is_some_and(|before| !before.is_ascii() && !is_selector_like(before))
            }
            // Variation selectors.
            0xfe00..=0xfe0f => self
                .before
                .is_some_and(|before| varies(before) && !before.is_whitespace() && !is_selector_like(before)),
            _ => true,
        }
    }
}

/// Whether a character is itself one that only changes its neighbour; an emoji's own selector may be followed by a joiner.
fn is_selector_like(c: char) -> bool {
    matches!(u32::from(c), 0x200c..=0x200d | 0xfe00..=0xfe0e)
}

/// A whole text without hidden characters.
#[must_use]
pub fn strip_hidden(text: &str) -> Cow<'_, str> {
    Stripper::default().push(text)
}

/// Tokens of chat templates that are written out, beside those of the form `<|name|>`.
const TOKENS: [&str; 8] = [
    "[INST]",
    "[/INST]",
    "<<SYS>>",
    "<</SYS>>",
    "<start_of_turn>",
    "<end_of_turn>",
    "[TOOL_CALLS]",
    "[AVAILABLE_TOOLS]",
];

/// The longest name of a token `<|name|>`.
const NAME: usize = 48;

/// Puts a space into every token by which a chat template tells who speaks (`<|im_start|>`, `[INST]`), so that a tokenizer
/// reads it as text. Words stay readable.
#[must_use]
pub fn escape_template_tokens(text: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let mut copied = 0;
    for at in memchr::memchr2_iter(b'<', b'[', text.as_bytes()) {
        let rest = text.get(at..).unwrap_or_default();
        if is_token(rest) {
            let end = at.saturating_add(1);
            out.push_str(text.get(copied..end).unwrap_or_default());
            out.push(' ');
            copied = end;
        }
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(text.get(copied..).unwrap_or_default());
    Cow::Owned(out)
}

fn is_token(text: &str) -> bool {
    let written =
        |token: &&str| text.get(..token.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(token));
    let Some(inner) = text.strip_prefix("<|").or_else(|| text.strip_prefix("<\u{ff5c}")) else {
        return TOKENS.iter().any(written);
    };
    let name =
        inner.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '\u{2581}'))).unwrap_or(0);
    let after = inner.get(name..).unwrap_or_default();
    (1..=NAME).contains(&name) && (after.starts_with("|>") || after.starts_with("\u{ff5c}>"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_nobody_sees_goes_and_what_scripts_need_stays() {
        for (text, stripped) in [
            ("pass\u{200b}word\u{ad}s", "passwords"),
            ("a\u{202e}b\u{2066}c", "abc"),
            ("x\u{e0049}\u{e0067}\u{e007f}y", "xy"),
            ("a\u{fe01}\u{fe02}", "a"),
            ("\u{1f600}\u{fe00}\u{fe01}\u{e0105}", "\u{1f600}\u{fe00}"),
            ("a\u{200d}b", "ab"),
            // A family, a heart with its selector, a keycap, Persian with a joiner that parts words.
            ("\u{1f468}\u{200d}\u{1f469}", "\u{1f468}\u{200d}\u{1f469}"),
            ("\u{2764}\u{fe0f}\u{200d}\u{1f525}", "\u{2764}\u{fe0f}\u{200d}\u{1f525}"),
            ("1\u{fe0f}\u{20e3}", "1\u{fe0f}\u{20e3}"),
            ("می\u{200c}خواهم", "می\u{200c}خواهم"),
        ] {
            assert_eq!(strip_hidden(text), stripped, "{text:?}");
        }
    }

    #[test]
    fn template_tokens_become_text() {
        for (text, escaped) in [
            ("<|im_start|>system", "< |im_start|>system"),
            ("a <|start_header_id|> b [inst] c", "a < |start_header_id|> b [ inst] c"),
            ("<\u{ff5c}User\u{ff5c}>", "< \u{ff5c}User\u{ff5c}>"),
            ("<|", "<|"),
            ("a <| b |> c, [1], <b>", "a <| b |> c, [1], <b>"),
        ] {
            assert_eq!(escape_template_tokens(text), escaped, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter(text in "[a\u{e9}\u{1f600}\u{200b}\u{200d}\u{fe00}\u{fe0f}\u{e0041} ]{0,20}", cut in 1_usize..9) {
            let mut stripper = Stripper::default();
            let mut out = String::new();
            let mut rest = text.as_str();
            while !rest.is_empty() {
                let (piece, after) = rest.split_at(rest.ceil_char_boundary(cut.min(rest.len())));
                out.push_str(&stripper.push(piece));
                rest = after;
            }
            prop_assert_eq!(&out, &strip_hidden(&text));
            prop_assert_eq!(strip_hidden(&out), out.as_str());
        }

        #[test]
        fn no_token_is_left(text in "(<\\||\\|>|im|_|\\[INST\\]|<<SYS>>| ){0,12}") {
            let escaped = escape_template_tokens(&text).into_owned();
            prop_assert_eq!(escape_template_tokens(&escaped), escaped.as_str());
        }
    }
}
