//! Numbers of persons and firms in the Americas.

use super::card::luhn;
use super::digits::{date, digits, letters, number, short_date, sum, value, values, varied};

fn good(yes: bool) -> Option<i16> {
    yes.then_some(0)
}

/// United States, ITIN: begins with 9, the group in the ranges that the IRS gives out.
pub(super) fn us_itin(text: &[u8]) -> Option<i16> {
    let all: [u8; 9] = digits(text)?;
    let [first, _, _, g1, g2, ..] = all;
    good(first == 9 && matches!(number(&[g1, g2]), 50..=65 | 70..=88 | 90..=92 | 94..=99))
}

/// United States, NPI: Luhn over the number behind the prefix 80840 (45 CFR 162.406).
pub(super) fn us_npi(text: &[u8]) -> Option<i16> {
    let all: [u8; 10] = digits(text)?;
    let with_prefix: Vec<u8> = [8, 0, 8, 4, 0].into_iter().chain(all).collect();
    good(matches!(all, [1 | 2, ..]) && luhn(&with_prefix))
}

/// United States, DEA registration: odd places, twice the even ones, modulo 10.
pub(super) fn us_dea(text: &[u8]) -> Option<i16> {
    let all: [u8; 7] = values(text.get(2..)?)?;
    let total = sum(&all, &[1, 2, 1, 2, 1, 2]) % 10;
    good(varied(&all) && all.last().is_some_and(|d| u32::from(*d) == total))
}

/// United States, ABA routing number: weights 3 7 1, Federal Reserve prefixes.
pub(super) fn us_routing(text: &[u8]) -> Option<i16> {
    let all: [u8; 9] = digits(text)?;
    let [a, b, ..] = all;
    let prefix = matches!(number(&[a, b]), 0..=12 | 21..=32 | 61..=72 | 80);
    good(prefix && sum(&all, &[3, 7, 1, 3, 7, 1, 3, 7, 1]).is_multiple_of(10))
}

/// Canada, social insurance number: Luhn; 8 is never the first digit.
pub(super) fn ca_sin(text: &[u8]) -> Option<i16> {
    let all: [u8; 9] = digits(text)?;
    good(!matches!(all, [0 | 8, ..]) && luhn(&all))
}

/// Canada, Ontario health number: ten digits, Luhn.
pub(super) fn ca_ontario(text: &[u8]) -> Option<i16> {
    let all: [u8; 10] = digits(text)?;
    good(!matches!(all, [0, ..]) && luhn(&all))
}

/// Brazil, CPF: weights 10 to 2 and 11 to 2, modulo 11.
pub(super) fn br_cpf(text: &[u8]) -> Option<i16> {
    let all: [u8; 11] = digits(text)?;
    let [.., k1, k2] = all;
    let check = |total: u32| if total % 11 < 2 { 0 } else { 11 - total % 11 };
    let first = check(sum(&all, &[10, 9, 8, 7, 6, 5, 4, 3, 2]));
    let second = check(sum(&all, &[11, 10, 9, 8, 7, 6, 5, 4, 3, 2]));
    good(first == u32::from(k1) && second == u32::from(k2))
}

/// Brazil, CNPJ, with letters from 2026 on: values are ASCII less 48.
pub(super) fn br_cnpj(text: &[u8]) -> Option<i16> {
    let all: [u8; 14] = letters(text)?;
    let plain = all.map(|byte| byte - b'0');
    let [.., k1, k2] = plain;
    let check = |total: u32| if total % 11 < 2 { 0 } else { 11 - total % 11 };
    let first = check(sum(&plain, &[5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2]));
    let second = check(sum(&plain, &[6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2]));
    good(varied(&plain) && first == u32::from(k1) && second == u32::from(k2))
}

/// Mexico, CURP: date, sex, state, a check digit by weights 18 to 2 over an alphabet with Ñ.
pub(super) fn mx_curp(text: &[u8]) -> Option<i16> {
    let all: [u8; 18] = letters(text)?;
    let [_, _, _, _, y1, y2, m1, m2, d1, d2, ..] = all;
    let [y1, y2, m1, m2, d1, d2] = values::<6>(&[y1, y2, m1, m2, d1, d2])?;
    let (check, body) = all.split_last()?;
    // Letters after N come one later, because Ñ stands between.
    let worth = |byte: u8| value(byte) + u32::from(byte > b'N');
    let total: u32 = body.iter().zip((2..=18).rev()).map(|(byte, weight)| worth(*byte) * weight).sum();
    let born = short_date(number(&[y1, y2]), number(&[m1, m2]), number(&[d1, d2]));
    good(born && (10 - total % 10) % 10 == value(*check))
}

/// Mexico, RFC of persons and firms: date, and the check character over an alphabet with & and Ñ.
pub(super) fn mx_rfc(text: &[u8]) -> Option<i16> {
    let plain: Vec<u8> = text
        .iter()
        .filter(|b| b.is_ascii_alphanumeric() || **b == b'&')
        .map(u8::to_ascii_uppercase)
        .collect();
    let (check, body) = plain.split_last()?;
    let digits: [u8; 6] = values(plain.get(plain.len().checked_sub(9)?..plain.len().checked_sub(3)?)?)?;
    let [y1, y2, m1, m2, d1, d2] = digits;
    let worth = |byte: u8| match byte {
        b'&' => 24,
        byte if byte > b'N' => value(byte) + 1,
        byte => value(byte),
    };
    // Firms have three letters: a blank, which is worth 37, stands before them.
    let blank = if body.len() == 11 { 37 * 13 } else { 0 };
    let first = u32::try_from(body.len()).ok()? + 1;
    let total: u32 = blank + body.iter().zip((2..=first).rev()).map(|(b, w)| worth(*b) * w).sum::<u32>();
    let expected = match (11 - total % 11) % 11 {
        10 => b'A',
        digit => b'0' + u8::try_from(digit).ok()?,
    };
    let born = short_date(number(&[y1, y2]), number(&[m1, m2]), number(&[d1, d2]));
    born.then_some(if expected == *check { 50 } else { -150 })
}

/// Argentina, CUIT and CUIL: kinds, weights 5 4 3 2 7 6 5 4 3 2, modulo 11.
pub(super) fn ar_cuit(text: &[u8]) -> Option<i16> {
    let all: [u8; 11] = digits(text)?;
    let [a, b, .., check] = all;
    let kind = matches!(number(&[a, b]), 20 | 23..=27 | 30 | 33 | 34 | 50 | 51 | 55);
    let rest = (11 - sum(&all, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11) % 11;
    good(kind && rest.min(9) == u32::from(check))
}

/// Chile, RUT: weights 2 to 7 from the right, modulo 11, K for 10.
pub(super) fn cl_rut(text: &[u8]) -> Option<i16> {
    let plain: Vec<u8> =
        text.iter().filter(|b| b.is_ascii_alphanumeric()).map(u8::to_ascii_uppercase).collect();
    let (check, body) = plain.split_last()?;
    let total: u32 =
        body.iter().rev().zip([2, 3, 4, 5, 6, 7].into_iter().cycle()).map(|(b, w)| value(*b) * w).sum();
    let expected = match (11 - total % 11) % 11 {
        10 => b'K',
        digit => b'0' + u8::try_from(digit).ok()?,
    };
    good(varied(body) && expected == *check)
}

/// Colombia, NIT: primes as weights, modulo 11.
pub(super) fn co_nit(text: &[u8]) -> Option<i16> {
    let all: [u8; 10] = digits(text)?;
    let (check, body) = all.split_last()?;
    let rest = sum(body, &[41, 37, 29, 23, 19, 17, 13, 7, 3]) % 11;
    good((if rest < 2 { rest } else { 11 - rest }) == u32::from(*check))
}

/// Ecuador, cédula: province, Luhn.
pub(super) fn ec_identity(text: &[u8]) -> Option<i16> {
    let all: [u8; 10] = digits(text)?;
    let [p1, p2, third, ..] = all;
    good(matches!(number(&[p1, p2]), 1..=24 | 30) && third < 6 && luhn(&all))
}

/// Uruguay, cédula: weights 2 9 8 7 6 3 4, modulo 10.
pub(super) fn uy_identity(text: &[u8]) -> Option<i16> {
    let all: [u8; 8] = digits(text)?;
    good(sum(&all, &[2, 9, 8, 7, 6, 3, 4, 1]).is_multiple_of(10))
}

/// Venezuela, RIF: kind, weights 3 2 7 6 5 4 3 2, modulo 11.
pub(super) fn ve_rif(text: &[u8]) -> Option<i16> {
    let all: [u8; 10] = letters(text)?;
    let (kind, rest) = all.split_first()?;
    let rest: [u8; 9] = values(rest)?;
    let kind = match kind {
        b'V' => 4,
        b'E' => 8,
        b'J' => 12,
        b'P' => 16,
        b'G' => 20,
        _ => return None,
    };
    let total = kind + sum(&rest, &[3, 2, 7, 6, 5, 4, 3, 2]);
    let expected = 11 - total % 11;
    good(
        varied(&rest)
            && rest.last().is_some_and(|d| u32::from(*d) == if expected > 9 { 0 } else { expected }),
    )
}

/// Peru, RUC: kinds, weights 5 4 3 2 7 6 5 4 3 2, modulo 11.
pub(super) fn pe_ruc(text: &[u8]) -> Option<i16> {
    let all: [u8; 11] = digits(text)?;
    let [a, b, .., check] = all;
    let rest = sum(&all, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11;
    good(matches!(number(&[a, b]), 10 | 15 | 16 | 17 | 20) && (11 - rest) % 10 == u32::from(check))
}

/// Dominican Republic, cédula: eleven digits, Luhn.
pub(super) fn do_identity(text: &[u8]) -> Option<i16> {
    good(luhn(&digits::<11>(text)?))
}

/// A date written with digits, in any order, year with four: somebody's birth when the context says so.
pub(super) fn birth_date(text: &[u8]) -> Option<i16> {
    let parts: Vec<u64> = text
        .split(|b| !b.is_ascii_digit())
        .filter(|part| !part.is_empty())
        .map(|part| number(&part.iter().map(|b| b - b'0').collect::<Vec<_>>()))
        .collect();
    let full = |year: u64| if year < 100 { [1900 + year, 2000 + year] } else { [year, year] };
    let fits =
        |year: u64, a: u64, b: u64| full(year).iter().any(|year| date(*year, a, b) || date(*year, b, a));
    match parts.as_slice() {
        [a, b, c] => good(if *a > 99 { fits(*a, *b, *c) } else { fits(*c, *a, *b) }),
        // The month is a word.
        [a, b] => good(if *a > 99 { fits(*a, 1, *b) } else { fits(*b, 1, *a) }),
        _ => None,
    }
}
