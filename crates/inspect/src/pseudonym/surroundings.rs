//! Whether a place of a text is part of an address.
//!
//! Whatever a client fetches or follows carries data to whoever runs the address: URLs in plain text, targets of Markdown
//! links and images, attributes of HTML, style sheets and scripts. In doubt it is one.

use super::tag::Tag;

/// The longest mark that is looked for: `</script>`.
const MARK: usize = 9;

/// What has been read so far. Looks at one byte after the other, so pieces do not matter.
#[derive(Debug, Clone, Default)]
pub(super) struct Surroundings {
    /// The last bytes, in lower case, newest last.
    recent: [u8; MARK],
    word: Word,
    /// The target of a link in Markdown.
    target: Target,
    tag: Tag,
    /// Within a style sheet, within a script.
    style: bool,
    script: bool,
}

/// What the word that is being read has been found to be.
#[derive(Debug, Clone, Default)]
struct Word {
    /// It has bytes.
    begun: bool,
    /// It began directly after `<`.
    in_angles: bool,
    /// It began within a tag.
    in_tag: bool,
    /// A full stop followed a letter or digit.
    dotted: bool,
    /// It could be a part of an address. Quotation marks and the like end it.
    path: bool,
    /// It is a URL to whoever makes links of plain text, and goes on up to white space (GFM section 6.9).
    url: bool,
}

/// Where in a link's target a text is (CommonMark sections 4.7 and 6.3).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Target {
    #[default]
    None,
    /// Within parentheses, with how many of them open; before the target itself when `fresh`.
    Link { open: usize, fresh: bool },
    /// Within parentheses and angle brackets.
    LinkInAngles { open: usize },
    /// After `]:`, before the target.
    Awaited,
    /// In the target of a definition.
    Definition,
    /// The same, in angle brackets.
    DefinitionInAngles,
}

impl Surroundings {
    /// Whether what comes next stands in an address.
    pub(super) fn in_address(&self) -> bool {
        self.word.path
            || self.word.url
            || self.target != Target::None
            || self.tag.is_within()
            || self.style
            || self.script
    }

    /// Takes in a byte of the canonical view. What only looks like ASCII separates nothing for those who read addresses: it can
    /// begin one, and not end it.
    pub(super) fn read(&mut self, byte: u8, is_ascii: bool) {
        let ends =
            |b: u8| b.is_ascii_whitespace() || matches!(b, b'"' | b'\'' | b'<' | b'>' | b')' | b'`' | b'|');
        let byte = if !is_ascii && ends(byte) { 0x80 } else { byte.to_ascii_lowercase() };
        let last = self.last();
        let escaped = last == b'\\' && self.recent.get(MARK.saturating_sub(2)) != Some(&b'\\');
        self.target = self.target.after(byte, last, escaped);
        let was_within = self.tag.is_within();
        self.tag.read(byte);
        self.recent.rotate_left(1);
        if let Some(newest) = self.recent.last_mut() {
            *newest = byte;
        }
        self.read_word(byte, last, was_within);
        if byte.is_ascii_whitespace() || matches!(byte, b'/' | b'>') {
            let opens =
                |name: &[u8]| self.recent.get(..MARK.saturating_sub(1)).is_some_and(|r| r.ends_with(name));
            self.style = (self.style || opens(b"<style")) && !opens(b"</style");
            self.script = (self.script || opens(b"<script")) && !opens(b"</script");
        }
    }

    fn last(&self) -> u8 {
        self.recent.last().copied().unwrap_or_default()
    }

    fn read_word(&mut self, byte: u8, last: u8, was_within: bool) {
        let tag_ends = self.word.in_tag && !self.tag.is_within();
        if byte.is_ascii_whitespace() || tag_ends || (byte == b'>' && self.word.in_angles) {
            self.word = Word::default();
            return;
        }
        if matches!(byte, b'"' | b'<' | b'>' | b'`' | b'|') && !self.word.url {
            self.word = Word::default();
            return;
        }
        let word = &mut self.word;
        if !word.begun {
            *word = Word { begun: true, in_angles: last == b'<', in_tag: was_within, ..Word::default() };
        }
        match byte {
            b'/' | b'\\' if word.dotted || matches!(last, b':' | b'/' | b'\\') => word.url = true,
            b'?' | b'#' if word.dotted => word.url = true,
            b'/' | b'?' | b'\\' | b'%' => word.path = true,
            b'.' => word.dotted |= last.is_ascii_alphanumeric() || last >= 0x80,
            _ => {}
        }
        let marks = [&b"www."[..], b"mailto:", b"data:", b"tel:"];
        word.url |= marks.iter().any(|mark| self.recent.ends_with(mark));
    }
}

impl Target {
    fn after(self, byte: u8, last: u8, escaped: bool) -> Self {
        let white = byte.is_ascii_whitespace();
        match (self, byte) {
            (Self::None, b'(') if last == b']' => Self::Link { open: 1, fresh: true },
            (Self::None | Self::Awaited | Self::Definition, b':') if last == b']' => Self::Awaited,
            (Self::Link { open, fresh: true }, b'<') => Self::LinkInAngles { open },
            (Self::Link { .. }, b'\n') => Self::None,
            (Self::Link { open, .. }, b'(') if !escaped => {
                Self::Link { open: open.saturating_add(1), fresh: false }
            }
            (Self::Link { open: 1, .. }, b')') if !escaped => Self::None,
            (Self::Link { open, .. }, b')') if !escaped => {
                Self::Link { open: open.saturating_sub(1), fresh: false }
            }
            (Self::Link { open, fresh }, _) => Self::Link { open, fresh: fresh && white },
            (Self::LinkInAngles { open }, b'>') if !escaped => Self::Link { open, fresh: false },
            (Self::LinkInAngles { .. } | Self::DefinitionInAngles, b'\n') => Self::None,
            (Self::Awaited, b'<') => Self::DefinitionInAngles,
            (Self::Awaited, _) if !white => Self::Definition,
            (Self::Definition, _) if white => Self::None,
            (Self::DefinitionInAngles, b'>') if !escaped => Self::None,
            _ => self,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_address(text: &str) -> bool {
        let mut surroundings = Surroundings::default();
        text.bytes().for_each(|byte| surroundings.read(byte, true));
        surroundings.in_address()
    }

    #[test]
    fn addresses_of_all_sorts() {
        for text in [
            "see https://x.example/?u=",
            "https://",
            "evil.example/",
            "evil.example/?e=\"",
            "mailto:",
            "MAILTO:",
            "www.evil.example?",
            "https://x.example/?a=\"b\",'c'<d>|`",
            "![x](",
            "[x](https://e.example/a(b)c?q=",
            "![x](<a\\>) ",
            "![x](a\\)\"",
            "[x]: ",
            "[x]:",
            "[x]: <a\\> ",
            "<a href=\"",
            "<img src=x alt=",
            "<a\n title='",
            "<style>@import \"https://x.example/ ",
            "<script>fetch(\"https://x.example/?\" + \"",
        ] {
            assert!(in_address(text), "{text}");
        }
        for text in [
            "write to ",
            "Alice <",
            "(",
            "[x](https://e.example) and ",
            "[x]: https://e.example/ \"",
            "a < b and ",
            "email=",
            "<b>",
            "https://x.example/ then ",
            "| ",
            "\"to\": \"",
            "{\"path\":\"/home/x\",\"to\":\"",
            "<a href=\"https://x.example/\">",
            "<https://x.example/>,",
            "<li>a/b</li><li>",
            "<style>p { color: red }</style> ",
            "I <3 you, ",
        ] {
            assert!(!in_address(text), "{text}");
        }
    }
}
