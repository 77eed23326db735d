//! Addresses that carry data away: an image or link whose URL has a place to fill in, or a long value in its query. A
//! client that shows the image sends the request without asking anyone.

use memchr::memchr3_iter;

/// The longest address that is looked at, in bytes.
const LONGEST: usize = 2_048;

/// How many bytes before a sign tell what it begins: `href`.
const TAIL: usize = 4;

/// A value in a query from this length on can be data of the conversation.
const VALUE: usize = 24;

/// The longest word of such a value, in bytes.
const WORD: usize = 14;

#[derive(Debug, Default)]
pub(super) struct Address {
    /// The last bytes before this run, newest last.
    tail: [u8; TAIL],
    /// Where the last `[` stands, and whether an `!` stands before it.
    bracket: Option<(usize, bool)>,
    /// The last byte was the `]` of it.
    closed: bool,
    capture: Option<Capture>,
}

#[derive(Debug)]
struct Capture {
    start: usize,
    image: bool,
    address: Vec<u8>,
}

/// An address in original offsets, and how much of the rule's weight it deserves in thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) share: u64,
}

impl Address {
    /// Sees a character that is not ASCII.
    pub(super) fn other(&mut self) {
        self.closed = false;
        self.remember(&[0x80]);
        if let Some(capture) = &mut self.capture
            && capture.address.len() < LONGEST
        {
            capture.address.push(b'?');
        }
    }

    /// Sees a run of ASCII.
    pub(super) fn see(&mut self, text: &[u8], offset: usize) -> Vec<Found> {
        let mut found = Vec::new();
        let mut from = 0;
        while let Some(rest) = text.get(from..).filter(|rest| !rest.is_empty()) {
            let begin = offset.saturating_add(from);
            let used = match self.capture.take() {
                Some(capture) => self.read(capture, rest, begin, &mut found),
                None => self.seek(rest, begin),
            };
            from = from.saturating_add(used);
        }
        self.remember(text);
        found
    }

    fn remember(&mut self, text: &[u8]) {
        if let Some(last) = text.last_chunk() {
            self.tail = *last;
            return;
        }
        self.tail.rotate_left(text.len());
        self.tail.iter_mut().rev().zip(text.iter().rev()).for_each(|(slot, byte)| *slot = *byte);
    }

    /// Looks for the begin of an address; gives how many bytes it used.
    fn seek(&mut self, text: &[u8], offset: usize) -> usize {
        if std::mem::take(&mut self.closed) && text.first() == Some(&b'(') {
            let (start, image) = self.bracket.take().unwrap_or((offset, false));
            self.capture = Some(Capture { start, image, address: Vec::new() });
            return 1;
        }
        for at in memchr3_iter(b'[', b']', b'=', text) {
            let next = text.get(at.saturating_add(1));
            let place = offset.saturating_add(at);
            match text.get(at) {
                Some(b'[') => {
                    let image = self.ends_with(text.get(..at).unwrap_or_default(), b"!");
                    self.bracket = Some((if image { place.saturating_sub(1) } else { place }, image));
                }
                Some(b']') => match next {
                    Some(b'(') => {
                        let (start, image) = self.bracket.take().unwrap_or((place, false));
                        self.capture = Some(Capture { start, image, address: Vec::new() });
                        return at.saturating_add(2);
                    }
                    Some(_) => {}
                    None => self.closed = true,
                },
                _ => {
                    let before = text.get(..at).unwrap_or_default();
                    let image = self.ends_with(before, b"src");
                    if image || self.ends_with(before, b"href") {
                        self.capture = Some(Capture { start: place, image, address: Vec::new() });
                        return at.saturating_add(1);
                    }
                }
            }
        }
        text.len()
    }

    /// Reads on in an address; gives how many bytes it used.
    fn read(&mut self, mut capture: Capture, text: &[u8], offset: usize, found: &mut Vec<Found>) -> usize {
        for (at, byte) in text.iter().enumerate() {
            let quote = matches!(byte, b'"' | b'\'' | b'<');
            if quote && capture.address.is_empty() {
                continue;
            }
            if quote || matches!(byte, b')' | b'>' | b' ' | b'\n' | b'\r' | b'\t') {
                let end = offset.saturating_add(at);
                found.extend(judge(&capture).map(|share| Found { start: capture.start, end, share }));
                return at;
            }
            if capture.address.len() >= LONGEST {
                return at;
            }
            capture.address.push(*byte);
        }
        self.capture = Some(capture);
        text.len()
    }

    fn ends_with(&self, text: &[u8], wanted: &[u8]) -> bool {
        let mut back = text.iter().rev().chain(self.tail.iter().rev());
        wanted.iter().rev().all(|w| back.next().is_some_and(|b| b.eq_ignore_ascii_case(w)))
    }
}

/// Whether a value of a query can be data that is carried away: a long one that is neither another address, as badges and
/// proxies of images have it, nor words.
fn is_load(value: &str) -> bool {
    let starts = |what: &str| value.get(..what.len()).is_some_and(|start| start.eq_ignore_ascii_case(what));
    let is_address =
        ["http://", "https://", "http%3A", "https%3A", "data:image", "data%3Aimage"].into_iter().any(starts);
    let spaced = value.replace("%20", "+");
    let mut words = spaced.split(['+', '-', '_', '.']);
    let is_words = words.all(|word| word.len() <= WORD && word.bytes().all(|b| b.is_ascii_alphabetic()));
    value.len() >= VALUE && !is_address && !is_words
}

/// How much an address looks like one that carries data away, in thousandths.
fn judge(capture: &Capture) -> Option<u64> {
    let address = std::str::from_utf8(&capture.address).ok()?;
    let rest = address.strip_prefix("https://").or_else(|| address.strip_prefix("http://"))?;
    let (_, after_host) = rest.split_at_checked(rest.find(['/', '?'])?)?;
    let place = ["{", "<", "[", "%7B", "%5B", "%3C", "$", "_DATA", "_HERE", "INSERT"];
    let holds_place = place.iter().any(|mark| after_host.contains(mark));
    let values = after_host.split_once('?').map_or("", |(_, query)| query);
    let long = values.split('&').filter_map(|pair| pair.split_once('=')).any(|(_, value)| is_load(value));
    match (holds_place, long, capture.image) {
        (true, _, true) => Some(1_000),
        (true, _, false) => Some(700),
        (_, true, true) => Some(800),
        _ => None,
    }
}
