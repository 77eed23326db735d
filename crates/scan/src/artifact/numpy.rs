//! NumPy's arrays (NEP 1): a header that is a Python literal, then numbers, or a pickle when the elements are objects.

use super::pickle;
use super::read::{ReadAt, bytes_at};
use super::rule;
use super::scanner::{Place, Scan};

/// The longest header that is read, in bytes. NumPy itself stops at 10,000 unless told otherwise.
const MAX_HEADER: u64 = 1 << 20;

/// Literals in literals.
const MAX_DEPTH: u32 = 32;

/// A Python literal.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Literal {
    Text(String),
    Int(i128),
    Bool(bool),
    None,
    Tuple(Vec<Literal>),
    List(Vec<Literal>),
    Dict(Vec<(Literal, Literal)>),
}

struct Parser<'a> {
    rest: &'a [u8],
    depth: u32,
}

/// Analyses an array; the offset behind it.
pub(crate) fn analyse(scan: &mut Scan<'_>, source: &dyn ReadAt, place: &Place) -> u64 {
    let head = bytes_at(source, 0, 12);
    let (start, len) = match head.as_slice() {
        [_, _, _, _, _, _, 1, _, a, b, ..] => (10u64, u64::from(u16::from_le_bytes([*a, *b]))),
        [_, _, _, _, _, _, 2 | 3, _, a, b, c, d] => (12, u64::from(u32::from_le_bytes([*a, *b, *c, *d]))),
        _ => {
            scan.incomplete(place, "numpy", "a version that does not exist");
            return 0;
        }
    };
    let data = start.saturating_add(len);
    if len > MAX_HEADER || data > source.len() {
        scan.issue(
            rule::NUMPY,
            place,
            format!("a header of {len} bytes in a file of {}", source.len()),
            Some(8),
        );
        scan.incomplete(place, "numpy", "its header is too long");
        return 12;
    }
    let text = bytes_at(source, start, usize::try_from(len).unwrap_or(0));
    let header = Parser { rest: &text, depth: 0 }.whole();
    let Some(Literal::Dict(members)) = header else {
        scan.issue(rule::NUMPY, place, "the header is not a plain literal".to_owned(), Some(start));
        scan.incomplete(place, "numpy", "its header cannot be read");
        return data;
    };
    let get =
        |name: &str| members.iter().find(|(k, _)| matches!(k, Literal::Text(t) if t == name)).map(|(_, v)| v);
    let (Some(descr), Some(Literal::Tuple(shape))) = (get("descr"), get("shape")) else {
        scan.issue(rule::NUMPY, place, "the header has no type or no shape".to_owned(), Some(start));
        scan.incomplete(place, "numpy", "its header cannot be read");
        return data;
    };
    let mut elements = Some(1u64);
    for size in shape {
        let Literal::Int(size) = size else {
            elements = None;
            continue;
        };
        elements = elements.zip(u64::try_from(*size).ok()).and_then(|(a, b)| a.checked_mul(b));
    }
    if has_objects(descr) {
        return pickle::analyse(scan, source, place, data, pickle::Kind::Plain).end;
    }
    let Some(need) = elements.zip(item_size(descr)).and_then(|(n, size)| n.checked_mul(size)) else {
        scan.issue(rule::NUMPY, place, "the shape or the type is impossible".to_owned(), Some(start));
        scan.incomplete(place, "numpy", "its shape or type cannot be read");
        return data;
    };
    let end = data.saturating_add(need);
    if end > source.len() {
        let message =
            format!("the shape needs {need} bytes, and {} follow", source.len().saturating_sub(data));
        scan.issue(rule::NUMPY, place, message, Some(start));
    }
    end.min(source.len())
}

/// Whether elements, or fields of them, are Python objects.
fn has_objects(descr: &Literal) -> bool {
    match descr {
        Literal::Text(code) => code.trim_start_matches(['|', '<', '>', '=']).starts_with('O'),
        Literal::List(fields) | Literal::Tuple(fields) => fields.iter().any(|field| match field {
            Literal::Tuple(parts) => parts.get(1).is_some_and(has_objects),
            other => has_objects(other),
        }),
        Literal::Dict(_) => true,
        _ => false,
    }
}

fn item_size(descr: &Literal) -> Option<u64> {
    match descr {
        Literal::Text(code) => {
            let code = code.trim_start_matches(['|', '<', '>', '=']);
            let kind = code.chars().next()?;
            let digits: String = code.chars().skip(1).take_while(char::is_ascii_digit).collect();
            let number: u64 = if digits.is_empty() { 0 } else { digits.parse().ok()? };
            match kind {
                'U' => number.checked_mul(4),
                '?' => Some(1),
                'b' | 'i' | 'u' | 'f' | 'c' | 'S' | 'a' | 'V' | 'm' | 'M' => Some(number),
                _ => None,
            }
        }
        Literal::List(fields) => fields.iter().try_fold(0u64, |sum, field| {
            let Literal::Tuple(parts) = field else { return None };
            let size = item_size(parts.get(1)?)?;
            let count = match parts.get(2) {
                Some(Literal::Tuple(shape)) => shape.iter().try_fold(1u64, |n, s| match s {
                    Literal::Int(s) => n.checked_mul(u64::try_from(*s).ok()?),
                    _ => None,
                })?,
                _ => 1,
            };
            sum.checked_add(size.checked_mul(count)?)
        }),
        _ => None,
    }
}

// === impl Parser ===

impl Parser<'_> {
    fn whole(mut self) -> Option<Literal> {
        let value = self.value()?;
        self.blank();
        self.rest.is_empty().then_some(value)
    }

    fn blank(&mut self) {
        self.rest = self.rest.trim_ascii_start();
    }

    fn eat(&mut self, byte: u8) -> bool {
        self.blank();
        match self.rest.split_first() {
            Some((first, rest)) if *first == byte => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    fn value(&mut self) -> Option<Literal> {
        self.depth = self.depth.saturating_add(1);
        if self.depth > MAX_DEPTH {
            return None;
        }
        self.blank();
        let value = match *self.rest.first()? {
            b'{' => self.dict(),
            b'(' => self.sequence(b'(', b')').map(|(items, comma)| match <[Literal; 1]>::try_from(items) {
                Ok([one]) if !comma => one,
                Ok([one]) => Literal::Tuple(vec![one]),
                Err(items) => Literal::Tuple(items),
            }),
            b'[' => self.sequence(b'[', b']').map(|(items, _)| Literal::List(items)),
            quote @ (b'\'' | b'"') => self.string(quote),
            _ => self.word(),
        };
        self.depth = self.depth.saturating_sub(1);
        value
    }

    fn dict(&mut self) -> Option<Literal> {
        self.eat(b'{');
        let mut members = Vec::new();
        while !self.eat(b'}') {
            let key = self.value()?;
            if !self.eat(b':') {
                return None;
            }
            members.push((key, self.value()?));
            if !self.eat(b',') {
                return self.eat(b'}').then_some(Literal::Dict(members));
            }
        }
        Some(Literal::Dict(members))
    }

    fn sequence(&mut self, open: u8, close: u8) -> Option<(Vec<Literal>, bool)> {
        self.eat(open);
        let mut items = Vec::new();
        let mut comma = false;
        while !self.eat(close) {
            items.push(self.value()?);
            comma = self.eat(b',');
            if !comma {
                return self.eat(close).then_some((items, false));
            }
        }
        Some((items, comma))
    }

    fn string(&mut self, quote: u8) -> Option<Literal> {
        let rest = self.rest.get(1..)?;
        let end = memchr::memchr(quote, rest)?;
        let text = rest.get(..end)?;
        // Names of fields hold no escapes; a literal that does is not worth the risk.
        if text.contains(&b'\\') {
            return None;
        }
        self.rest = rest.get(end.saturating_add(1)..)?;
        Some(Literal::Text(String::from_utf8_lossy(text).into_owned()))
    }

    fn word(&mut self) -> Option<Literal> {
        let end =
            self.rest.iter().position(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'-' | b'+' | b'_')));
        let (word, rest) = self.rest.split_at_checked(end.unwrap_or(self.rest.len()))?;
        self.rest = rest;
        Some(match word {
            b"True" => Literal::Bool(true),
            b"False" => Literal::Bool(false),
            b"None" => Literal::None,
            // Python 2 wrote long integers with an `L`.
            digits => Literal::Int(std::str::from_utf8(digits).ok()?.trim_end_matches('L').parse().ok()?),
        })
    }
}
