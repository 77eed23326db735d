//! The values that are planted: one for each recognizer, valid in form, random, and nobody's.

use std::fmt::Write as _;

use anyhow::Result;
use serde::de::IgnoredAny;
use serde_json::Value;
use stockade_domain::{Channel, Direction, Role, SpanRef};
use stockade_inspect::{Context, Engine};
use stockade_rulebook::Rulebook;

/// How many bytes of a secret in a row count as leaked.
pub(crate) const FRAGMENT: usize = 8;

/// Stands for the text in a message that is being put together.
pub(crate) const HOLE: &str = "@hole@";

/// A planted value.
#[derive(Debug, Clone)]
pub(crate) struct Planted {
    /// The recognizer that it is for.
    pub(crate) name: String,
    /// The value, with what must stand before it for the recognizer to care.
    pub(crate) text: String,
    /// The part of it that nobody could guess; only this counts as leaked.
    pub(crate) secret: String,
}

/// SplitMix64 (Steele, Lea and Flood 2014): the run is repeated by its seed.
#[derive(Debug)]
pub(crate) struct Seeded(u64);

const DIGITS: &str = "0123456789";
const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";
const BASE32: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const BASE62: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const BASE64: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const BASE64_URL: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

impl Seeded {
    /// From a seed.
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    fn text(&mut self, alphabet: &str, length: usize) -> String {
        let count = alphabet.len() as u64;
        (0..length)
            .filter_map(|_| usize::try_from(self.below(count)).ok().and_then(|at| alphabet.chars().nth(at)))
            .collect()
    }
}

/// One value for each recognizer. `key` is a real key of the server under test, whose checksum only it can make.
pub(crate) fn planted(random: &mut Seeded, key: &str) -> Vec<Planted> {
    let part = |name: &str, secret: String, text: String| Planted { name: name.to_owned(), secret, text };
    let whole = |name, text: String| part(name, text.clone(), text);
    let email = format!("{}@{}.co.uk", random.text(LOWER, 11), random.text(LOWER, 12));
    let ssn =
        format!("{}-{:02}-{:04}", 100 + random.below(500), 1 + random.below(98), 1 + random.below(9998));
    let aws = format!("AKIA{}", random.text(BASE32, 16));
    let aws_secret = loop {
        let text = random.text(BASE64, 40);
        if text.contains('+') && text.contains('/') && text.contains(|c: char| c.is_ascii_digit()) {
            break text;
        }
    };
    let token = random.text(BASE62, 30);
    let github = format!("ghp_{token}{}", checksum(&token));
    // {"alg":"HS256","typ":"JWT"}, then claims and a signature that nobody made.
    let claims = format!("eyJzdWIiOi{}", random.text(BASE64_URL, 30));
    let signature = random.text(BASE64_URL, 43);
    let jwt = format!("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.{claims}.{signature}");
    let lines = format!("{}\n{}", random.text(BASE64, 64), random.text(BASE64, 40));
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{lines}\n-----END PRIVATE KEY-----");
    vec![
        whole("email", email),
        whole("card", card(random)),
        whole("iban", iban(random)),
        whole("us-ssn", ssn),
        part("jwt", format!("{claims}.{signature}"), jwt),
        whole("aws-access-key", aws),
        part("aws-secret-key", aws_secret.clone(), format!("aws_secret_access_key {aws_secret}")),
        part("github-token", token, github),
        part("private-key", lines, pem),
        part("stockade-key", key.chars().skip(15).collect(), key.to_owned()),
    ]
}

/// A value for each other built-in recognizer, from its own examples: one that is found between these texts, long enough
/// to be told from others, and replaced by a mark. Also how many recognizers have no such example.
pub(crate) fn of_rules(before: &str, after: &str, known: &[Planted]) -> Result<(Vec<Planted>, usize)> {
    let book = Rulebook::new(stockade_rules::FILES);
    let engine = Engine::new(&book)?;
    let rules = book.load::<IgnoredAny>("recognizers")?;
    let cx = Context::new(Direction::Response, Channel::Content, Role::Assistant);
    let mut planted = Vec::new();
    let mut without = 0;
    for header in rules.iter().map(|rule| &rule.header).filter(|h| known.iter().all(|p| p.name != h.id)) {
        let value = header.examples.matching.iter().find_map(|example| {
            let example = stockade_inspect::expand_example(example);
            let text = format!("{before}{example}{after}");
            let span = SpanRef { channel: cx.channel, role: cx.role, path: "", text: &text };
            let report = engine.examine(span, &cx);
            let found = report.findings.iter().find(|f| f.rule_id.as_ref() == header.id)?;
            // What the mark says too, is no secret: `rubygems_` of `[redacted:rubygems_key]`.
            let value = text.get(found.start..found.end)?;
            let said = (FRAGMENT..=value.len())
                .rev()
                .find(|n| value.get(..*n).is_some_and(|v| found.ty.contains(v)));
            let secret = value.get(said.unwrap_or(0)..)?.to_owned();
            let inside = found.start >= before.len() && found.end <= text.len().saturating_sub(after.len());
            (inside && secret.len() >= FRAGMENT).then_some(Planted {
                name: header.id.clone(),
                secret,
                text: example,
            })
        });
        match value {
            Some(value) => planted.push(value),
            None => without += 1,
        }
    }
    Ok((planted, without))
}

/// Text that looks like each of them and is none.
pub(crate) const INNOCENT: &str = "card 4111 1111 1111 1112, foo@bar, AKIA and eyJ, ghx_0123456789, 12-345-6789, \
    XX00 1234 5678, -----BEGIN CERTIFICATE-----, \"quoted\\n\" </b> 👩‍👩‍👧 done";

/// 16 digits of a Visa card: a random account and its check digit (ISO/IEC 7812-1, annex B).
fn card(random: &mut Seeded) -> String {
    let body = format!("4{}", random.text(DIGITS, 14));
    let sum: u32 = body
        .chars()
        .rev()
        .filter_map(|c| c.to_digit(10))
        .enumerate()
        .map(|(place, digit)| if place % 2 == 0 { digit * 2 / 10 + digit * 2 % 10 } else { digit })
        .sum();
    format!("{body}{}", (10 - sum % 10) % 10)
}

/// A German account with its check digits (ISO 13616-1, clause 6).
fn iban(random: &mut Seeded) -> String {
    let account = random.text(DIGITS, 18);
    // `DE` is 13 and 14, the check digits count as zero.
    let rest =
        format!("{account}131400").chars().filter_map(|c| c.to_digit(10)).fold(0, |r, d| (r * 10 + d) % 97);
    format!("DE{:02}{account}", 98 - rest)
}

/// GitHub's checksum: CRC-32 of the random part in base 62, six characters.
fn checksum(token: &str) -> String {
    let mut rest = crc32fast::hash(token.as_bytes());
    let mut digits = String::new();
    for _ in 0..6 {
        let digit = BASE62.chars().nth((rest % 62) as usize).unwrap_or('0');
        digits.insert(0, digit);
        rest /= 62;
    }
    digits
}

/// Every character as a JSON escape (RFC 8259, section 7).
pub(crate) fn escaped(text: &str) -> String {
    text.encode_utf16().fold(String::new(), |mut out, unit| {
        let _ = write!(out, "\\u{unit:04x}");
        out
    })
}

/// The inside of a JSON string, as any writer would spell it.
pub(crate) fn quoted(text: &str) -> String {
    let quoted = Value::String(text.to_owned()).to_string();
    quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default().to_owned()
}

/// Adds the fields of one JSON object to another.
pub(crate) fn merge(into: &mut Value, from: &Value) {
    if let (Some(into), Some(from)) = (into.as_object_mut(), from.as_object()) {
        into.extend(from.iter().map(|(key, value)| (key.clone(), value.clone())));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_digits_are_right() {
        let mut random = Seeded::new(7);
        for _ in 0..100 {
            let card = card(&mut random);
            let sum: u32 = card
                .chars()
                .rev()
                .enumerate()
                .map(|(i, c)| (c.to_digit(10).unwrap(), i))
                .map(|(d, i)| if i % 2 == 1 { d * 2 / 10 + d * 2 % 10 } else { d })
                .sum();
            assert_eq!(sum % 10, 0, "{card}");
            let iban = iban(&mut random);
            let (head, account) = iban.split_at(4);
            let moved = format!("{account}1314{}", head.trim_start_matches("DE"));
            assert_eq!(moved.chars().fold(0, |r, c| (r * 10 + c.to_digit(10).unwrap()) % 97), 1, "{iban}");
        }
    }

    #[test]
    fn escapes_cover_every_character() {
        assert_eq!(escaped("a🙂"), "\\u0061\\ud83d\\ude42");
    }
}
