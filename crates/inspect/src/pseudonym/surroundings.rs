//! Whether a place of a text is part of an address.
//!
//! Whatever a client fetches or follows carries data to whoever runs the address: URLs in plain text, targets of Markdown
//! links and images, attributes of HTML. In doubt it is one.

/// What has been read so far. Looks at one byte after the other, so pieces do not matter.
#[derive(Debug, Clone, Default)]
pub(super) struct Surroundings {
    /// The last bytes of the word that is being read, in lower case, newest last.
    word: [u8; 8],
    /// The word has begun an address.
    address: bool,
    /// Within the parentheses of a link: how many are open.
    target: usize,
    /// After `]:`, the target of a reference comes.
    reference: bool,
    /// Within a tag, and whether its name is over.
    tag: Option<bool>,
    last: u8,
}

impl Surroundings {
    /// Whether what comes next stands in an address.
    pub(super) fn in_address(&self) -> bool {
        self.address || self.target > 0 || self.reference || self.tag == Some(true)
    }

    pub(super) fn read(&mut self, byte: u8) {
        let byte = byte.to_ascii_lowercase();
        let white = byte.is_ascii_whitespace();
        match (byte, self.target) {
            (b'(', 0) if self.last == b']' => self.target = 1,
            (b'(', 1..) => self.target = self.target.saturating_add(1),
            (b')', 1..) => self.target = self.target.saturating_sub(1),
            (b'\n', _) => self.target = 0,
            _ => {}
        }
        match (byte, self.tag) {
            (b'<', _) => self.tag = Some(false),
            (b'>', _) => self.tag = None,
            (_, Some(false)) if white || matches!(byte, b'=' | b'"' | b'\'') => {
                // `a < b` opens no tag.
                self.tag = (self.last != b'<').then_some(true);
            }
            _ => {}
        }
        if byte == b':' && self.last == b']' {
            self.reference = true;
        } else if self.reference && white && !self.last.is_ascii_whitespace() && self.last != b':' {
            self.reference = false;
        }
        if white || matches!(byte, b'"' | b'<' | b'>' | b'`' | b'|') {
            self.word = [0; 8];
            self.address = false;
        } else {
            self.word.rotate_left(1);
            if let Some(newest) = self.word.last_mut() {
                *newest = byte;
            }
            self.address |= matches!(byte, b'/' | b'?' | b'\\' | b'%')
                || [&b"www."[..], b"mailto:", b"data:", b"tel:"].iter().any(|mark| self.word.ends_with(mark));
        }
        self.last = byte;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_address(text: &str) -> bool {
        let mut surroundings = Surroundings::default();
        text.bytes().for_each(|byte| surroundings.read(byte));
        surroundings.in_address()
    }

    #[test]
    fn addresses_of_all_sorts() {
        for text in [
            "see https://x.example/?u=",
            "https://",
            "evil.example/",
            "mailto:",
            "MAILTO:",
            "www.evil.example?",
            "![x](",
            "[x](https://e.example/a(b)c?q=",
            "[x]: ",
            "[x]:",
            "<a href=\"",
            "<img src=x alt=",
            "<a\n title='",
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
        ] {
            assert!(!in_address(text), "{text}");
        }
    }
}
