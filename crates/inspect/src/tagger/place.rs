//! Where names can be. The tagger knows sentences, forms and records; in source code, listings and encoded data it takes
//! words of the language for people and columns of digits for addresses. What it finds counts where its line reads as
//! something that people write, or where it stands in a quotation, a comment or a field of a line that does not.

use std::ops::Range;

use super::{Kind, Tagged};

/// Lines are looked at so far on either side, in bytes.
const AROUND: usize = 400;

/// Letters and digits without a break are a token of a program from this length on; the longest words of languages that
/// build them are shorter.
const LONG_TOKEN: usize = 32;

/// A run of digits in an address is a house number or a postal code, which have at most six; a longer one is another number.
const LONGEST_NUMBER: usize = 6;

/// The longest word of letters and digits in an address, in bytes.
const LONGEST_MIXED: usize = 7;

/// The fewest bytes in hexadecimal, one after the other, that make a listing of them.
const DUMPED: usize = 3;

/// Of a hundred characters, so many marks of a programming language make a line one of code.
const MARKS_OF_CODE: usize = 9;

/// Marks that sentences, forms and tables have few of.
const MARKS: &str = "{}[]()<>=_$^~";

/// Words that lines of programs begin with, where they end in a colon.
const OPENERS: [&str; 12] =
    ["if", "elif", "else", "for", "while", "def", "class", "with", "try", "except", "case", "async"];

/// Pairs of marks that only programs have.
const OPERATORS: [&str; 12] = ["=>", "->", "::", "&&", "||", "==", "!=", "+=", "();", "){", ") {", "/>"];

/// What was tagged, judged by where it stands.
pub(super) fn can_be(text: &str, tagged: &Tagged) -> bool {
    let Some(said) = text.get(tagged.start..tagged.end) else { return true };
    if !is_written(said, tagged.kind) || is_inside_token(text, tagged.start..tagged.end) {
        return false;
    }
    let line = line_around(text, tagged.start..tagged.end);
    let Some(whole) = text.get(line.clone()) else { return true };
    if is_dump(whole) {
        return false;
    }
    let before = text.get(line.start..tagged.start).unwrap_or_default();
    let after = text.get(tagged.end..line.end).unwrap_or_default();
    if is_set_apart(before, after) {
        return true;
    }
    if is_code(whole) {
        return false;
    }
    // One word in small letters is known by a list alone: that is enough in a sentence and in a field, not in a command.
    let word = said.chars().all(char::is_lowercase);
    !word || is_field(before) || is_sentence(whole)
}

/// Whether a text is written as names and addresses are.
fn is_written(said: &str, kind: Kind) -> bool {
    let address = kind == Kind::Address;
    let birth = kind == Kind::Birth;
    // The sign with which mails quote each line is none of the text's own.
    let signs = said.replace("\n>", "\n");
    let unopened = signs.contains(')') && !signs.contains('(');
    if unopened
        || signs.contains(['_', '=', '{', '}', '<', '>', '$', '|', '\\', '~', '^', '\t'])
        || signs.contains("&&")
    {
        return false;
    }
    said.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).all(|word| {
        let digits = word.chars().filter(char::is_ascii_digit).count();
        let letters = word.chars().count().saturating_sub(digits);
        if digits > 0 && letters > 0 && !birth {
            // `12b`, `1st`, `SW1A`, `Block42`, and nothing that is much longer.
            return address && word.len() <= LONGEST_MIXED;
        }
        if digits > 0 {
            return digits <= LONGEST_NUMBER || birth;
        }
        !is_camel(word)
    })
}

/// Whether a word is an identifier in camel case: it begins small and goes on large.
fn is_camel(word: &str) -> bool {
    word.starts_with(char::is_lowercase) && word.chars().any(char::is_uppercase)
}

/// Whether it is a part of a longer token, such as base64, an identifier or a path.
fn is_inside_token(text: &str, found: Range<usize>) -> bool {
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '+' | '/' | '=' | '$');
    let before = text.get(..found.start).unwrap_or_default();
    let after = text.get(found.end..).unwrap_or_default();
    let left: String = before.chars().rev().take(LONG_TOKEN).take_while(|c| inner(*c)).collect();
    let right: String = after.chars().take(LONG_TOKEN).take_while(|c| inner(*c)).collect();
    let first_word =
        text.get(found.clone()).and_then(|said| said.split_whitespace().next()).unwrap_or_default();
    let token = left.len().saturating_add(first_word.len()).saturating_add(right.len());
    let mixed =
        left.chars().chain(right.chars()).any(|c| c.is_ascii_digit() || matches!(c, '+' | '=' | '_' | '$'));
    let joined = |side: &str| side.starts_with(['_', '$']) || side.ends_with(['_', '$']);
    (token >= LONG_TOKEN && mixed) || joined(&left) || right.starts_with(['_', '$'])
}

fn line_around(text: &str, found: Range<usize>) -> Range<usize> {
    let from = text.floor_char_boundary(found.start.saturating_sub(AROUND));
    let to = text.ceil_char_boundary(found.end.saturating_add(AROUND).min(text.len()));
    let start = text.get(from..found.start).and_then(|before| before.rfind('\n'));
    let end = text.get(found.end..to).and_then(|after| after.find('\n'));
    start.map_or(from, |at| from.saturating_add(at).saturating_add(1))
        ..end.map_or(to, |at| found.end.saturating_add(at))
}

/// Whether a line lists bytes or digests in hexadecimal.
fn is_dump(line: &str) -> bool {
    let hex = |word: &str| word.len() >= 2 && word.bytes().all(|b| b.is_ascii_hexdigit());
    let mut row = 0_usize;
    for word in line.split_whitespace() {
        let word = word.trim_matches(['[', ']', '(', ')', ',', ':', ';']);
        let bare = word.strip_prefix("0x").unwrap_or(word);
        if !hex(bare) {
            row = 0;
            continue;
        }
        let mixed = bare.bytes().any(|b| b.is_ascii_digit()) && bare.bytes().any(|b| b.is_ascii_alphabetic());
        if mixed && (bare.len() >= LONG_TOKEN || bare.len() < word.len()) {
            return true;
        }
        row = row.saturating_add(1);
        if row > DUMPED && line.split_whitespace().filter(|w| w.len() == 2 && hex(w)).count() > DUMPED {
            return true;
        }
    }
    false
}

/// Whether a place is marked off from the code around it: quoted, between tags, or in a comment.
fn is_set_apart(before: &str, after: &str) -> bool {
    let quoted = |quote: char| before.matches(quote).count() % 2 == 1 && after.contains(quote);
    let tagged = before.rfind('>').is_some_and(|at| before.rfind('<').is_some_and(|open| open < at))
        && after.find('<').is_some_and(|at| after.find('>').is_none_or(|close| at < close));
    let begun = before.trim_start();
    let commented =
        ["//", "#", "--", "/*", "* ", ";;", "<!--", "%"].iter().any(|mark| begun.starts_with(mark))
            || before.contains(" // ")
            || before.contains(" # ")
            || before.contains("/* ");
    quoted('"') || quoted('\'') || quoted('`') || tagged || commented
}

/// Whether a line is one of a program.
fn is_code(line: &str) -> bool {
    let line = line.trim();
    let ends = [";", "{", "}", "};", ");", "),", "]);", "=>"].iter().any(|end| line.ends_with(end));
    let marks = line.chars().filter(|c| MARKS.contains(*c)).count();
    let all = line.chars().filter(|c| !c.is_whitespace()).count();
    let dense = marks.saturating_mul(100) > all.saturating_mul(MARKS_OF_CODE) && marks > 2;
    let opens = line.ends_with(':')
        && line.split(|c: char| !c.is_alphabetic()).next().is_some_and(|word| OPENERS.contains(&word));
    dense || opens || (ends && marks > 1) || OPERATORS.iter().any(|operator| line.contains(operator))
}

/// Whether what follows is the value of a field.
fn is_field(before: &str) -> bool {
    before.trim_end().ends_with([':', '='])
}

/// Whether a line reads as a sentence: some words, and hardly anything else.
fn is_sentence(line: &str) -> bool {
    let tokens = line.split_whitespace();
    let (mut words, mut others) = (0_usize, 0_usize);
    for token in tokens {
        let bare = token.trim_matches(|c: char| !c.is_alphanumeric());
        let plain = bare.chars().all(|c| c.is_alphabetic() || matches!(c, '\'' | '’' | '-' | '.'));
        if plain && !bare.is_empty() && !is_camel(bare) {
            words = words.saturating_add(1);
        } else {
            others = others.saturating_add(1);
        }
    }
    words >= 4 && others.saturating_mul(3) <= words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stays(text: &str, said: &str, kind: Kind) -> bool {
        let start = text.find(said).unwrap();
        can_be(text, &Tagged { kind, start, end: start + said.len(), confidence: 900 })
    }

    #[test]
    fn what_people_write_keeps_its_names() {
        for (text, said, kind) in [
            ("My name is Anna Müller and I live in Berlin.", "Anna Müller", Kind::Person),
            ("i talked to anna schmidt about the contract", "anna schmidt", Kind::Person),
            ("Name: Anna Müller", "Anna Müller", Kind::Person),
            ("name: anna", "anna", Kind::Person),
            ("{\"customer\": {\"name\": \"Anna Müller\", \"id\": 7}}", "Anna Müller", Kind::Person),
            ("Anna Müller;Kiel;24103;ok", "Anna Müller", Kind::Person),
            ("| Anna Müller | Kiel | 24103 |", "Anna Müller", Kind::Person),
            ("<td class=\"x\">Anna Müller</td>", "Anna Müller", Kind::Person),
            ("// written by Anna Müller in spring", "Anna Müller", Kind::Person),
            ("let author = \"Anna Müller\";", "Anna Müller", Kind::Person),
            ("He lives at Hauptstraße 5b, 10115 Berlin.", "Hauptstraße 5b, 10115 Berlin", Kind::Address),
            ("221B Baker Street, London NW1 6XE", "221B Baker Street, London NW1 6XE", Kind::Address),
            ("We met Ronald McDonald and Sinéad O'Connor.", "Ronald McDonald", Kind::Person),
            ("2026-02-03 10:11 Mrs Anna Müller called from Berlin", "Anna Müller", Kind::Person),
            ("born on 1985-03-12", "1985-03-12", Kind::Birth),
        ] {
            assert!(stays(text, said, kind), "{text}");
        }
    }

    #[test]
    fn programs_and_listings_have_none() {
        for (text, said, kind) in [
            ("ping 192.168.3.20", "ping", Kind::Person),
            ("    elif mark in rows:", "elif", Kind::Person),
            ("x=e.toLowerCase().trim()", "toLowerCase", Kind::Organisation),
            ("if(spaceBefore&&r&&n)return", "spaceBefore&&r&&n", Kind::Organisation),
            ("  4011a0:\te7 9a d6 7a\tmov    0xc045", "e7 9a d6 7a\tmov", Kind::Address),
            ("00000010  12 7a 44 Main 16 2f 33 ab cd", "44 Main 16", Kind::Address),
            ("snowflake=175928847299117063", "snowflake", Kind::Organisation),
            ("md5 9e107d9d372bb6826bd81d3542a419d6", "md5 9e107d9d372bb6826bd81d3542a419d6", Kind::Address),
            ("2023-164269, Kundennummer 74464652", "2023-164269, Kundennummer 74464652", Kind::Address),
            ("key dGhpcyBpcyBMaWx5IGFuZCBNYXJr0123Zm9vYmFy", "Lily", Kind::Person),
            ("fn Frank(mark: &str) -> Hope {", "Hope", Kind::Person),
            ("MY_FRANK_NAME=1", "FRANK", Kind::Person),
            ("x.swap(a, Frank)", "a, Frank)", Kind::Person),
        ] {
            let said = if text.contains(said) { said } else { "BMaWx5IGFuZCBN" };
            assert!(!stays(text, said, kind), "{text}");
        }
    }
}
