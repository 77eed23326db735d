//! Runs of base64 (RFC 4648 sections 4 and 5, also in lines as in MIME) and hexadecimal digits that decode to text.

use super::BUDGET;
use crate::run::{Set, alphanumeric_and, next_run};

/// The shortest run, in digits.
const SHORTEST: usize = 16;

/// The shortest line of a run of base64 that goes on in the next line, in digits.
const LINE: usize = 40;

/// How much of what a run decodes to must be printable, in hundredths.
const PRINTABLE: usize = 90;

/// The most digits of one run: what gives more than the budget.
const LONGEST: usize = BUDGET * 2;

/// How often a growing run is judged again, in digits.
const AGAIN: usize = 256;

/// Finds the runs of a text.
#[derive(Debug)]
pub(crate) struct Runs {
    base64: Growing,
    hex: Growing,
}

/// A decoded run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Run {
    /// What it says.
    pub(crate) text: String,
    /// First original byte.
    pub(crate) start: usize,
    /// One past the last.
    pub(crate) end: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Code {
    Base64,
    Hex,
}

/// A run that has not ended.
#[derive(Debug)]
struct Growing {
    code: Code,
    digits: Vec<u8>,
    /// Original offsets of the first digits, as long as the run could still begin later.
    places: Vec<usize>,
    start: usize,
    end: usize,
    /// Digits of this line.
    line: usize,
    /// The line has ended; whether the run has is seen with the next character.
    broken: bool,
    /// It decodes to text so far, beginning with the digit at this place.
    from: Option<usize>,
    /// How many digits it had when it was judged to be text last, and where they end.
    judged: (usize, usize),
    /// It gives more than may be decoded.
    over: bool,
}

// === impl Runs ===

impl Runs {
    pub(crate) fn new() -> Self {
        Self { base64: Growing::new(Code::Base64), hex: Growing::new(Code::Hex) }
    }

    /// Takes in a text that begins at an original offset.
    pub(crate) fn text(&mut self, text: &str, offset: usize, out: &mut Vec<Run>) {
        let bytes = text.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            if self.base64.is_idle() && self.hex.is_idle() {
                // What is no digit, and short runs that end here, say nothing.
                at = next_run(bytes, at, SHORTEST, &DIGITS).0;
            }
            let Some(byte) = bytes.get(at) else { break };
            let place = offset.saturating_add(at);
            at = at.saturating_add(1);
            self.byte(*byte, place, at.saturating_add(offset), out);
        }
    }

    /// Takes in a character that stands for the original bytes `start..end`.
    pub(crate) fn char(&mut self, c: char, start: usize, end: usize, out: &mut Vec<Run>) {
        self.byte(u8::try_from(c).ok().filter(u8::is_ascii).unwrap_or(0x80), start, end, out);
    }

    #[inline]
    fn byte(&mut self, byte: u8, start: usize, end: usize, out: &mut Vec<Run>) {
        let class = CLASS.get(usize::from(byte)).copied().unwrap_or(0);
        if class & BASE64 != 0 || !self.base64.is_idle() {
            self.base64.take(byte, class & BASE64 != 0, start, end, out);
        }
        if class & HEX != 0 || !self.hex.is_idle() {
            self.hex.take(byte, class & HEX != 0, start, end, out);
        }
    }

    /// Ends the text.
    pub(crate) fn finish(&mut self, out: &mut Vec<Run>) {
        self.base64.close(out);
        self.hex.close(out);
    }

    /// The first original byte that may belong to a run that says something.
    pub(crate) fn open(&self) -> Option<usize> {
        [&self.base64, &self.hex].into_iter().filter(|run| !run.is_idle()).map(|run| run.start).min()
    }

    /// Whether a run gives more than may be decoded.
    pub(crate) fn is_over(&self) -> bool {
        self.base64.over || self.hex.over
    }
}

/// Digits of base64 in either alphabet, which are those of hexadecimal, too.
const DIGITS: Set = alphanumeric_and(b"+/-_");

const BASE64: u8 = 1;
const HEX: u8 = 2;

/// Which codes a byte is a digit of.
const CLASS: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut byte = 0_u8;
    loop {
        let base64 = byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_');
        let class = (if base64 { BASE64 } else { 0 }) | (if byte.is_ascii_hexdigit() { HEX } else { 0 });
        #[expect(
            clippy::indexing_slicing,
            reason = "a byte is a place in a table of 256, and this runs at build time"
        )]
        {
            table[byte as usize] = class;
        }
        if byte == u8::MAX {
            return table;
        }
        byte = byte.saturating_add(1);
    }
}

// === impl Growing ===

impl Growing {
    fn new(code: Code) -> Self {
        Self {
            code,
            digits: Vec::new(),
            places: Vec::new(),
            start: 0,
            end: 0,
            line: 0,
            broken: false,
            from: None,
            judged: (0, 0),
            over: false,
        }
    }

    #[inline]
    fn is_idle(&self) -> bool {
        self.digits.is_empty() && !self.over
    }

    #[inline]
    fn take(&mut self, byte: u8, digit: bool, start: usize, end: usize, out: &mut Vec<Run>) {
        if self.over {
            return;
        }
        if digit {
            if self.digits.is_empty() {
                self.start = start;
            }
            self.broken = false;
            self.digits.push(byte);
            self.end = end;
            self.line = self.line.saturating_add(1);
            if self.from.is_none() {
                self.places.push(start);
                if self.digits.len() >= SHORTEST {
                    self.begin();
                }
            } else if self.digits.len() >= self.judged.0.saturating_add(AGAIN) {
                self.judge_again(out);
            }
            return;
        }
        // A line break inside a run of base64 that was long enough before it.
        if self.code == Code::Base64
            && matches!(byte, b'\n' | b'\r')
            && self.from.is_some()
            && (self.broken || self.line >= LINE)
        {
            self.broken = true;
            self.line = 0;
            return;
        }
        self.close(out);
    }

    /// Looks for a digit with which text begins; digits with which none does are let go.
    fn begin(&mut self) {
        let width = if self.code == Code::Base64 { 4 } else { 2 };
        for from in 0..width {
            if self.says_text(from, SHORTEST) {
                self.drop_first(from);
                self.from = Some(0);
                self.judged = (self.digits.len(), self.end);
                self.places = Vec::new();
                return;
            }
        }
        self.drop_first(width);
    }

    fn drop_first(&mut self, count: usize) {
        self.digits.drain(..count.min(self.digits.len()));
        self.places.drain(..count.min(self.places.len()));
        self.start = self.places.first().copied().unwrap_or(self.end);
    }

    /// Judges a run that has grown: one that no longer says text ends where it last did, and what follows may begin anew.
    fn judge_again(&mut self, out: &mut Vec<Run>) {
        if self.digits.len() > LONGEST {
            self.over = true;
            self.digits = Vec::new();
        } else if self.says_text(0, self.digits.len()) {
            self.judged = (self.digits.len(), self.end);
        } else {
            self.give_up(out);
        }
    }

    /// Gives what said text of a run that no longer does.
    fn give_up(&mut self, out: &mut Vec<Run>) {
        let (length, end) = self.judged;
        let bytes = self.decode(self.digits.get(..length).unwrap_or_default());
        self.give(bytes, end, out);
        self.reset();
    }

    fn give(&self, bytes: Vec<u8>, end: usize, out: &mut Vec<Run>) {
        let text = String::from_utf8_lossy(&narrow(bytes)).into_owned();
        out.push(Run { text, start: self.start, end });
    }

    fn reset(&mut self) {
        self.digits.clear();
        self.places.clear();
        self.from = None;
        self.line = 0;
        self.broken = false;
        self.judged = (0, 0);
    }

    /// Whether the digits from one on decode to text, as far as they are there.
    fn says_text(&self, from: usize, length: usize) -> bool {
        let digits = self.digits.get(from..length.min(self.digits.len())).unwrap_or_default();
        if !self.is_plausible(digits) {
            return false;
        }
        let bytes = self.decode(digits);
        bytes.len() >= SHORTEST / 2 - 1 && is_text(&bytes, true)
    }

    /// Whether the first bytes could begin a text. Turns away most of what is none, at little cost.
    fn is_plausible(&self, digits: &[u8]) -> bool {
        let bytes: [u8; 2] = match (self.code, digits) {
            (Code::Base64, [a, b, c, ..]) => {
                let value = six(*a) << 12 | six(*b) << 6 | six(*c);
                [low(value >> 10), low(value >> 2)]
            }
            (Code::Hex, [a, b, c, d, ..]) => [low(four(*a) << 4 | four(*b)), low(four(*c) << 4 | four(*d))],
            _ => return false,
        };
        let plain = |byte: u8| matches!(byte, b'\t' | b'\n' | b'\r' | 0x20..=0x7e);
        match bytes {
            [0xc2..=0xf4, second] => (0x80..=0xbf).contains(&second),
            [first, 0 | 0xc2..=0xf4] => plain(first),
            [first, second] => {
                plain(first)
                    && plain(second)
                    && match (self.code, digits) {
                        (Code::Base64, [_, _, c, d, ..]) => {
                            matches!(low(six(*c) << 6 | six(*d)), 0 | b'\t' | b'\n' | b'\r' | 0x20..=0x7e | 0xc2..=0xf4)
                        }
                        _ => true,
                    }
            }
        }
    }

    fn decode(&self, digits: &[u8]) -> Vec<u8> {
        match self.code {
            Code::Base64 => base64(digits),
            Code::Hex => hex(digits),
        }
    }

    /// Ends the run.
    fn close(&mut self, out: &mut Vec<Run>) {
        if self.over || self.digits.is_empty() {
            return;
        }
        if self.from.is_none() {
            return self.reset();
        }
        let bytes = self.decode(&self.digits);
        if is_text(&bytes, true) {
            self.give(bytes, self.end, out);
            self.reset();
        } else {
            self.give_up(out);
        }
    }
}

/// Decodes digits of either alphabet; what is left over at the end is dropped.
fn base64(digits: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(digits.len().saturating_mul(3) / 4);
    let (mut value, mut bits) = (0_u32, 0_u32);
    for digit in digits {
        value = (value << 6 | six(*digit)) & 0xff_ffff;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push(low(value >> bits));
        }
    }
    out
}

fn hex(digits: &[u8]) -> Vec<u8> {
    let pairs = digits.chunks_exact(2);
    pairs.filter_map(|pair| Some(low(four(*pair.first()?) << 4 | four(*pair.get(1)?)))).collect()
}

/// The value of a digit of base64.
fn six(digit: u8) -> u32 {
    u32::from(match digit {
        b'A'..=b'Z' => digit - b'A',
        b'a'..=b'z' => digit - b'a' + 26,
        b'0'..=b'9' => digit - b'0' + 52,
        b'+' | b'-' => 62,
        _ => 63,
    })
}

fn four(digit: u8) -> u32 {
    char::from(digit).to_digit(16).unwrap_or(0)
}

fn low(value: u32) -> u8 {
    u8::try_from(value & 0xff).unwrap_or(0)
}

/// Text in UTF-16 whose every other byte is zero, as shells on Windows take it, without the zeros.
fn narrow(bytes: Vec<u8>) -> Vec<u8> {
    let zeros = bytes.iter().skip(1).step_by(2).filter(|b| **b == 0).count();
    if bytes.len() >= 8 && zeros.saturating_mul(2) >= bytes.len().saturating_sub(1) {
        bytes.into_iter().step_by(2).collect()
    } else {
        bytes
    }
}

/// Whether bytes are UTF-8 and nearly all printable. With `cut`, the last character may be incomplete.
fn is_text(bytes: &[u8], cut: bool) -> bool {
    if let Some(first) = bytes.first()
        && bytes.len() >= 8
        && bytes.get(1) == Some(&0)
        && first.is_ascii_graphic()
    {
        let wide = bytes.chunks_exact(2).filter(|pair| pair.get(1) == Some(&0) && pair.first() != Some(&0));
        return wide.count().saturating_mul(200) >= bytes.len().saturating_sub(1).saturating_mul(PRINTABLE);
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) if cut && error.error_len().is_none() => {
            bytes.get(..error.valid_up_to()).and_then(|b| std::str::from_utf8(b).ok()).unwrap_or_default()
        }
        Err(_) => return false,
    };
    let (mut all, mut printable) = (0_usize, 0_usize);
    for c in text.chars() {
        all = all.saturating_add(1);
        printable = printable.saturating_add(usize::from(!c.is_control() || matches!(c, '\n' | '\r' | '\t')));
    }
    all > 0 && printable.saturating_mul(100) >= all.saturating_mul(PRINTABLE)
}
