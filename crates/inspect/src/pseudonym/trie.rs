//! Stand-ins by their characters, so that a text is compared with all of them at once.

/// A set of words, each with a number. In some, one space or hyphen may stand between any two characters.
#[derive(Debug, Clone)]
pub(super) struct Trie {
    nodes: Vec<Node>,
    spaced: bool,
}

#[derive(Debug, Clone, Default)]
struct Node {
    next: Vec<(u8, usize)>,
    word: Option<usize>,
}

/// What stands at a place of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Here {
    /// No word.
    Nothing,
    /// The text ends within what could be a word.
    Open,
    /// A word with its number, and one past its last byte.
    Word(usize, usize),
}

impl Trie {
    pub(super) fn new(spaced: bool) -> Self {
        Self { nodes: vec![Node::default()], spaced }
    }

    /// Adds a word in lower case, without the characters that may stand between.
    pub(super) fn insert(&mut self, word: &[u8], number: usize) {
        let mut at = 0;
        for byte in word {
            let fresh = self.nodes.len();
            let Some(node) = self.nodes.get_mut(at) else { return };
            at = match node.next.iter().find(|(b, _)| b == byte) {
                Some((_, next)) => *next,
                None => {
                    node.next.push((*byte, fresh));
                    self.nodes.push(Node::default());
                    fresh
                }
            };
        }
        if let Some(node) = self.nodes.get_mut(at) {
            node.word = Some(number);
        }
    }

    /// The number of a word.
    pub(super) fn get(&self, word: &[u8]) -> Option<usize> {
        match self.at(word, 0) {
            Here::Word(number, end) if end == word.len() => Some(number),
            _ => None,
        }
    }

    /// What stands at `start`. No word is the beginning of another: all of a type have one form and length.
    pub(super) fn at(&self, text: &[u8], start: usize) -> Here {
        let (mut at, mut place, mut between) = (0, start, false);
        loop {
            let Some(node) = self.nodes.get(at) else { return Here::Nothing };
            if let Some(number) = node.word {
                return Here::Word(number, place);
            }
            if node.next.is_empty() {
                return Here::Nothing;
            }
            let Some(byte) = text.get(place).map(u8::to_ascii_lowercase) else { return Here::Open };
            place = place.saturating_add(1);
            match node.next.iter().find(|(b, _)| *b == byte) {
                Some((_, next)) => (at, between) = (*next, false),
                None if self.spaced && at > 0 && !between && matches!(byte, b' ' | b'-') => between = true,
                None => return Here::Nothing,
            }
        }
    }
}
