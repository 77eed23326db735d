//! Whether a place of a text is within a tag of HTML, behind its name.
//!
//! The states are those of the tokenizer (HTML Living Standard section 13.2.5). Any `<` may be the one that a client takes for
//! the beginning of a tag, also one inside of another tag, a comment or a script, so all readings are followed at the same
//! time: a set of states, with one more at each `<`. A place is within a tag when one of the readings says so.

/// The states that the readings of a text are in: a bit for each.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tag(u16);

/// Directly after `<`.
const OPEN: u16 = 1;
/// In the tag's name.
const NAME: u16 = 1 << 1;
/// Before the name of an attribute, or after a value in quotes.
const BEFORE: u16 = 1 << 2;
/// In the name of an attribute.
const ATTRIBUTE: u16 = 1 << 3;
/// After the name of an attribute.
const AFTER: u16 = 1 << 4;
/// After `=`.
const VALUE: u16 = 1 << 5;
/// In a value in quotation marks, which alone end it.
const DOUBLE: u16 = 1 << 6;
/// In a value in apostrophes, which alone end it.
const SINGLE: u16 = 1 << 7;
/// In a value without.
const UNQUOTED: u16 = 1 << 8;

/// All states, each once.
const STATES: [u16; 9] = [OPEN, NAME, BEFORE, ATTRIBUTE, AFTER, VALUE, DOUBLE, SINGLE, UNQUOTED];

impl Tag {
    /// Whether what comes next is behind a tag's name and before its end.
    pub(super) fn is_within(self) -> bool {
        self.0 & !(OPEN | NAME) != 0
    }

    pub(super) fn read(&mut self, byte: u8) {
        if self.0 != 0 {
            let in_it = |state: &&u16| self.0 & **state != 0;
            self.0 = STATES.iter().filter(in_it).fold(0, |all, state| all | next(*state, byte));
        }
        if byte == b'<' {
            self.0 |= OPEN;
        }
    }
}

/// The states after a byte. A form feed, which parts attributes, is not seen here: `=` begins a value in any case.
fn next(state: u16, byte: u8) -> u16 {
    let white = byte.is_ascii_whitespace();
    match (state, byte) {
        (DOUBLE, b'"') | (SINGLE, b'\'') => BEFORE,
        (DOUBLE | SINGLE, _) => state,
        (_, b'>') => 0,
        (OPEN, b'/' | b'!' | b'?') => NAME,
        (OPEN, _) if byte.is_ascii_alphabetic() => NAME,
        (OPEN, _) => 0,
        (NAME | ATTRIBUTE | AFTER, b'/') => BEFORE,
        (NAME | UNQUOTED, b'=') => state | VALUE,
        (NAME | UNQUOTED, _) if white => BEFORE,
        (NAME | UNQUOTED, _) => state,
        (BEFORE, b'/') => BEFORE,
        (BEFORE, _) if white => BEFORE,
        (ATTRIBUTE | AFTER, b'=') => VALUE,
        (ATTRIBUTE | AFTER, _) if white => AFTER,
        (VALUE, b'"') => DOUBLE,
        (VALUE, b'\'') => SINGLE,
        (VALUE, _) if white => VALUE,
        (VALUE, _) => UNQUOTED,
        _ => ATTRIBUTE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn within(text: &str) -> bool {
        let mut tag = Tag::default();
        text.bytes().for_each(|byte| tag.read(byte));
        tag.is_within()
    }

    #[test]
    fn follows_every_reading() {
        for text in [
            "<a ",
            "<a href",
            "<a href=\"x>",
            "<a href='\"> <b>",
            "<img/src=x",
            "<a b=c=\"d e=\"x>",
            "<img src=x<",
            "<textarea><img src=\"</textarea><img src=\"x>",
            "<imgsrc=\"x>",
            "<!-- <img src=\"x>",
        ] {
            assert!(within(text), "{text}");
        }
        for text in [
            "<",
            "<b",
            "<b>",
            "a < b",
            "<3 x",
            "</b>",
            "<a href=\"x\">",
            "<a href=x>",
            "<br/>",
            "<a b='>'>",
            "-> <- ",
        ] {
            assert!(!within(text), "{text}");
        }
    }
}
