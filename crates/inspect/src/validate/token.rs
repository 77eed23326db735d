//! What tells a credential from a word, a name, a hash that is none, and from a place kept for one.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind};

use super::secret::entropy;

/// What people write where a credential will be. In lower case.
const PLACES: &[&str] = &[
    "example",
    "your",
    "xxxx",
    "placeholder",
    "changeme",
    "change_me",
    "change-me",
    "redacted",
    "dummy",
    "sample",
    "insert",
    "replace",
    "todo",
    "foobar",
    "_here",
    "-here",
    "not_real",
    "notreal",
    "testtest",
    "secretsecret",
    "****",
    "....",
    "----",
    "____",
    "abcdefgh",
    "12345678",
    "qwertyui",
    "deadbeef",
    "null",
    "undefined",
];

/// What begins code or a reference rather than a value.
const REFERENCES: &[&str] = &[
    "$", "%", "{", "<", "[", "(", "process.", "os.", "env.", "getenv", "config", "settings", "secrets.",
    "vault:", "http:", "https:", "arn:", "file:", "self.", "this.", "none", "true", "false", "str", "string",
    "@", "#", "/", "./", "../", "*", "&", "~", "ref:", "op:", "aws:", "ssm:", "base64:", "var.", "local.",
    "data.",
];

/// The longest text that is looked at.
const MOST: usize = 512;

/// A token of a known form: accepted unless it is a place kept for one.
pub(super) fn token(text: &[u8]) -> Option<i16> {
    (!placeholder(text)).then_some(0)
}

/// The value behind `secret=` and its kin: mixed enough that nobody would say it, and no place kept for one.
pub(super) fn credential(text: &[u8]) -> Option<i16> {
    let text = text.get(..text.len().min(MOST)).unwrap_or_default();
    let least = match text.len() {
        0..=7 => return None,
        8..=11 => 2_250,
        12..=15 => 2_750,
        16..=23 => 3_000,
        _ => 3_300,
    };
    let hexadecimal = text.iter().all(|b| b.is_ascii_hexdigit() || *b == b'-');
    let least = if hexadecimal { least.min(2_900) } else { least };
    let random = kinds(text) >= 2 && text.iter().any(u8::is_ascii_digit) && entropy(text) >= least;
    (random && !wordy(text) && !reference(text) && !placeholder(text) && !number(text)).then_some(0)
}

/// A decimal number, with or without an exponent: `1.0003e-07`.
fn number(text: &[u8]) -> bool {
    let plain = text.iter().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-'));
    plain && std::str::from_utf8(text).is_ok_and(|text| text.parse::<f64>().is_ok())
}

/// The value behind a name that says little: letters of both cases and digits, and mixed as by chance.
pub(super) fn mixed(text: &[u8]) -> Option<i16> {
    let tests: [fn(&u8) -> bool; 3] = [u8::is_ascii_lowercase, u8::is_ascii_uppercase, u8::is_ascii_digit];
    let all = tests.iter().all(|test| text.iter().filter(|b| test(b)).count() >= 3);
    credential(text).filter(|_| all && entropy(text) >= 4_000)
}

/// The value behind `password:` and its kin: shorter, and people choose it.
pub(super) fn password(text: &[u8]) -> Option<i16> {
    let text = text.get(..text.len().min(MOST)).unwrap_or_default().trim_ascii_end();
    // What closes a sentence or an argument says nothing about the value.
    let end = text.iter().rposition(|b| {
        !matches!(
            b,
            b'.' | b',' | b';' | b':' | b')' | b']' | b'}' | b'"' | b'\'' | b'`' | b'>' | b'?' | b'(' | b'['
        )
    });
    let text = text.get(..=end?).unwrap_or_default();
    let symbols = text.iter().any(|b| b.is_ascii_punctuation() && !matches!(b, b'.' | b',' | b'-' | b'_'));
    let chosen = kinds(text) >= 2 && (text.iter().any(u8::is_ascii_digit) || symbols);
    let call = text.iter().any(|b| matches!(b, b'(' | b'['));
    (text.len() >= 6 && chosen && !call && !reference(text) && !placeholder(text)).then_some(0)
}

/// Key material in base64 or hexadecimal: many different characters.
pub(super) fn key(text: &[u8]) -> Option<i16> {
    let hexadecimal = text.iter().all(u8::is_ascii_hexdigit);
    let least = if hexadecimal { 2_900 } else { 3_600 };
    (!placeholder(text) && entropy(text) >= least && text.iter().any(u8::is_ascii_digit)).then_some(0)
}

/// The CRC-32 of what stands before the last six characters, as npm and GitHub write it; without it less sure.
pub(super) fn npm(text: &[u8]) -> Option<i16> {
    let (body, sum) = text.get(4..)?.split_last_chunk::<6>()?;
    let right = *sum == super::secret::base62(crc32fast::hash(body));
    (!placeholder(text)).then_some(if right { 50 } else { -50 })
}

/// Whether a text stands where a credential will be.
fn placeholder(text: &[u8]) -> bool {
    let text = text.get(..text.len().min(MOST)).unwrap_or_default();
    // One bit for each character of ASCII in lower case; those outside share one with NUL.
    let seen = text
        .iter()
        .fold(0_u128, |seen, byte| seen | 1 << if byte.is_ascii() { byte.to_ascii_lowercase() } else { 0 });
    let different = seen.count_ones();
    let few = different < 5 && text.len() >= 12 || different < 3;
    // Steps of a counting sequence or a repetition.
    let step = |pair: &&[u8]| match pair {
        [a, b] => a.to_ascii_lowercase().abs_diff(b.to_ascii_lowercase()) <= 1,
        _ => false,
    };
    let steps = text.windows(2).filter(step).count();
    let sequential = text.len() >= 8 && steps.saturating_mul(2) > text.len();
    few || sequential || PLACES_AUTOMATON.as_ref().is_none_or(|places| places.is_match(text))
}

/// All places at once: a hostile text has as many candidates as characters.
static PLACES_AUTOMATON: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    let kind = Some(AhoCorasickKind::DFA);
    AhoCorasick::builder().ascii_case_insensitive(true).kind(kind).prefilter(false).build(PLACES).ok()
});

/// Whether a text refers to a value instead of being one.
fn reference(text: &[u8]) -> bool {
    let begins =
        |start: &str| text.get(..start.len()).is_some_and(|t| t.eq_ignore_ascii_case(start.as_bytes()));
    REFERENCES.iter().any(|start| begins(start))
        || text.contains(&b'{')
        || dotted(text)
        || text.windows(2).any(|pair| matches!(pair, b"::" | b"->" | b"()" | b"[\""))
}

/// Whether a text is names joined by full stops, as in programs.
fn dotted(text: &[u8]) -> bool {
    let mut parts = text.split(|b| *b == b'.');
    let name = |part: &[u8]| {
        part.first().is_some_and(u8::is_ascii_alphabetic)
            && part.len() < 20
            && part.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_')
    };
    let word = |part: &[u8]| {
        let letters: Vec<u8> = part.iter().copied().filter(u8::is_ascii_alphabetic).collect();
        letters.len() >= 3 && spoken(&letters)
    };
    text.contains(&b'.') && parts.clone().all(name) && parts.any(word)
}

/// Whether a text is made of words: letters in runs that vowels share in, a digit at most at the end.
fn wordy(text: &[u8]) -> bool {
    let letters = text.iter().filter(|b| b.is_ascii_alphabetic()).count();
    let digits = text.iter().filter(|b| b.is_ascii_digit()).count();
    if digits.saturating_mul(6) > text.len() || letters == 0 || strewn(text) {
        return false;
    }
    let runs: Vec<&[u8]> = text.split(|b| !b.is_ascii_alphabetic()).filter(|run| !run.is_empty()).collect();
    let long = runs.iter().filter(|run| run.len() >= 3 && spoken(run)).map(|run| run.len()).sum::<usize>();
    long.saturating_mul(10) > letters.saturating_mul(7)
}

/// Whether digits stand among letters as chance strews them, and not behind words.
fn strewn(text: &[u8]) -> bool {
    let of_alphabet = text.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'='));
    let enters = text
        .windows(2)
        .filter(|pair| matches!(pair, [a, b] if a.is_ascii_digit() && b.is_ascii_alphabetic()));
    of_alphabet && text.len() >= 24 && enters.count() >= 3
}

/// Whether letters could be a word: vowels are a fair share, and case changes as in words or names of programs.
fn spoken(run: &[u8]) -> bool {
    let vowel = |b: &u8| matches!(b.to_ascii_lowercase(), b'a' | b'e' | b'i' | b'o' | b'u' | b'y');
    let vowels = run.iter().filter(|b| vowel(b)).count();
    let mut silent = 0_usize;
    let mut longest = 0_usize;
    for byte in run {
        silent = if vowel(byte) { 0 } else { silent.saturating_add(1) };
        longest = longest.max(silent);
    }
    let turns = run
        .windows(2)
        .filter(|pair| matches!(pair, [a, b] if a.is_ascii_lowercase() && b.is_ascii_uppercase()))
        .count();
    vowels.saturating_mul(5) >= run.len() && longest <= 4 && turns.saturating_mul(4) <= run.len()
}

/// How many of lower case, upper case, digits and other characters there are.
fn kinds(text: &[u8]) -> usize {
    let tests: [fn(&u8) -> bool; 4] =
        [u8::is_ascii_lowercase, u8::is_ascii_uppercase, u8::is_ascii_digit, |b| !b.is_ascii_alphanumeric()];
    tests.iter().filter(|test| text.iter().any(test)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_told_from_words_and_places() {
        for good in [
            "f3Kq9vTz1LpW8xYb",
            "9c1e4b7a20d84f6fb3a5e8d7c6140b92",
            "kJ8s-Qp2_xZ7w.Lm4",
            "IAyjyWy4AZj5OapMG7qSNUyp0mQhf1NYc6TdzSJu",
        ] {
            assert!(credential(good.as_bytes()).is_some(), "{good}");
        }
        for bad in [
            "YOUR_API_KEY_1",
            "xxxxxxxxxxxx1234",
            "my_secret_key_2",
            "process.env.KEY1",
            "${SECRET_2}",
            "aaaaaaaaaaaaaaa1",
            "abcdefghijklmnop1",
            "getPasswordFromUser1",
            "1234567890123456",
            "required",
            "customer_id_field1",
            "1.0003e-07",
            "1.250005371E-06",
        ] {
            assert!(credential(bad.as_bytes()).is_none(), "{bad}");
        }
        assert!(password(b"hunter2!").is_some() && password(b"Tr0ub4dor&3").is_some());
        assert!(password(b"required").is_none() && password(b"<password1>").is_none());
    }
}
