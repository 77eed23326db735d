//! A document in what a person says: `summarise this`, and then a mail, a page, a ticket. From there on the words are not
//! the person's own, and weigh what they weigh in data.

use super::word::WordHash;

/// How far after the words that announce it a text begins, in half words.
const SOON: u64 = 40;

/// First words of lines that a mail or calendar entry has, with a colon after them.
const FIELDS: &[&str] = &["subject", "betreff", "objet", "asunto", "oggetto", "assunto", "dtstart", "sent"];

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Pasted {
    announced: Option<u64>,
    /// The last mark, and where it stands.
    last: (u8, usize),
    begun: bool,
}

impl Pasted {
    /// Words that announce a text of somebody else stand here.
    pub(super) fn announced(&mut self, position: u64) {
        self.announced = Some(position);
    }

    pub(super) const fn has_begun(&self) -> bool {
        self.begun
    }

    /// Sees what is neither letter nor digit, after a word.
    #[inline]
    pub(super) fn mark(&mut self, byte: u8, place: usize, position: u64, word: WordHash) {
        if self.begun || !matches!(byte, b'\n' | b':' | b'>' | b'"') {
            return;
        }
        let (last, at) = std::mem::replace(&mut self.last, (byte, place));
        let soon = || self.announced.is_some_and(|at| position.saturating_sub(at) <= SOON);
        self.begun = match byte {
            // An empty line, or a line that ends with a colon.
            b'\n' => matches!(last, b'\n' | b':') && at.saturating_add(2) >= place && soon(),
            b':' => {
                last == b'\n' && FIELDS.iter().any(|field| WordHash::of(field.bytes().map(u32::from)) == word)
            }
            _ => false,
        };
    }
}
