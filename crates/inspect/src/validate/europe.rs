//! Numbers of persons and firms in western and southern Europe.

use super::card::luhn;
use super::digits::{
    cross, date, digits, letters, mod_11_10, mod_97, number, short_date, sum, value, values,
};

fn good(yes: bool) -> Option<i16> {
    yes.then_some(0)
}

/// Germany, tax identification number (section 139b AO): of the first ten digits one occurs twice or three times.
pub(super) fn de_tax(text: &[u8]) -> Option<i16> {
    let all: [u8; 11] = digits(text)?;
    let (_, body) = all.split_last()?;
    let mut counts = [0_u8; 10];
    for digit in body {
        *counts.get_mut(usize::from(*digit))? += 1;
    }
    let repeated = counts.iter().filter(|c| **c > 1).count();
    let most = counts.iter().max().copied().unwrap_or(0);
    good(all.first() != Some(&0) && repeated == 1 && most <= 3 && mod_11_10(&all))
}

/// Germany, pension insurance number (section 147 SGB VI): area, date of birth, letter, serial, check digit.
pub(super) fn de_pension(text: &[u8]) -> Option<i16> {
    const WEIGHTS: [u32; 12] = [2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1];
    let all: [u8; 12] = letters(text)?;
    let (front, rest) = all.split_at_checked(8)?;
    let (letter, tail) = rest.split_first()?;
    let front: [u8; 8] = values(front)?;
    let tail: [u8; 3] = values(tail)?;
    let [_, _, d1, d2, m1, m2, y1, y2] = front;
    // Days are counted on from 50 when numbers ran out.
    let day = number(&[d1, d2]);
    let day = if day > 50 { day - 50 } else { day };
    let letter = value(*letter).checked_sub(9)?;
    let [s1, s2, check] = tail;
    let written = front.iter().map(|d| u32::from(*d)).chain([letter / 10, letter % 10, s1.into(), s2.into()]);
    let total: u32 = written.zip(WEIGHTS).map(|(d, w)| cross(d * w)).sum();
    good(short_date(number(&[y1, y2]), number(&[m1, m2]), day) && total % 10 == u32::from(check))
}

/// Germany, health insurance number (section 290 SGB V): a letter, eight digits, Luhn with weights from the left.
pub(super) fn de_health(text: &[u8]) -> Option<i16> {
    let all: [u8; 10] = letters(text)?;
    let (letter, rest) = all.split_first()?;
    let rest: [u8; 9] = values(rest)?;
    let letter = value(*letter).checked_sub(9)?;
    let (check, body) = rest.split_last()?;
    let written = [letter / 10, letter % 10].into_iter().chain(body.iter().map(|d| u32::from(*d)));
    let total: u32 = written.zip([1, 2].into_iter().cycle()).map(|(d, w)| cross(d * w)).sum();
    good(total % 10 == u32::from(*check))
}

/// The 7-3-1 check of ICAO 9303 part 3, the last digit being the check digit.
pub(super) fn icao(text: &[u8]) -> bool {
    let Some((check, body)) = text.split_last() else { return false };
    let total: u32 = body.iter().zip([7, 3, 1].into_iter().cycle()).map(|(b, w)| value(*b) * w).sum();
    total % 10 == value(*check)
}

/// Germany, identity card and passport: nine characters and a check digit; one digit at least among them.
pub(super) fn de_identity(text: &[u8]) -> Option<i16> {
    let all: [u8; 10] = letters(text)?;
    good(icao(&all) && all.get(1..9)?.iter().any(u8::is_ascii_digit))
}

/// VAT numbers of the European Union by prefix, as in the annex of Council Directive 2006/112/EC article 215.
pub(super) fn eu_vat(text: &[u8]) -> Option<i16> {
    let plain: Vec<u8> =
        text.iter().filter(|b| b.is_ascii_alphanumeric()).map(u8::to_ascii_uppercase).collect();
    let (country, body) = plain.split_at_checked(2)?;
    match country {
        b"DE" => good(mod_11_10(&values::<9>(body)?)),
        b"AT" => {
            let all: [u8; 8] = values(body.strip_prefix(b"U")?)?;
            let (check, body) = all.split_last()?;
            let total: u32 =
                body.iter().zip([1, 2].into_iter().cycle()).map(|(d, w)| cross(u32::from(*d) * w)).sum();
            good((96_u32.checked_sub(total)?) % 10 == u32::from(*check))
        }
        b"BE" => {
            let all: [u8; 10] = values(body)?;
            let (body, check) = all.split_at_checked(8)?;
            good(matches!(all, [0 | 1, ..]) && 97 - number(body) % 97 == number(check))
        }
        b"FR" => {
            let (key, siren) = body.split_at_checked(2)?;
            let siren: [u8; 9] = values(siren)?;
            let key: [u8; 2] = values(key)?;
            good(luhn(&siren) && (12 + 3 * (number(&siren) % 97)) % 97 == number(&key))
        }
        b"IT" => it_vat(body),
        b"NL" => {
            let (number, tail) = body.split_at_checked(9)?;
            let bsn = nl_bsn(number).is_some();
            let new = mod_97(plain.iter().copied()) == 1;
            good(tail.first() == Some(&b'B') && values::<2>(tail.get(1..)?).is_some() && (bsn || new))
        }
        b"ES" => good(es_nif(body).or_else(|| es_cif(body)).is_some()),
        b"PL" => super::east::pl_nip(body),
        b"PT" => pt_nif(body),
        b"DK" => {
            let all: [u8; 8] = values(body)?;
            good(sum(&all, &[2, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11))
        }
        b"FI" => {
            let all: [u8; 8] = values(body)?;
            good(sum(&all, &[7, 9, 10, 5, 8, 4, 2, 1]).is_multiple_of(11))
        }
        b"SE" => {
            let all: [u8; 12] = values(body)?;
            let (body, tail) = all.split_at_checked(10)?;
            good(luhn(body) && tail == [0, 1])
        }
        b"EL" => gr_afm(body),
        b"HR" => good(mod_11_10(&values::<11>(body)?)),
        _ => None,
    }
}

/// France, social security number (NIR, INSEE): 13 places and the complement of their remainder by 97.
pub(super) fn fr_nir(text: &[u8]) -> Option<i16> {
    let all: [u8; 15] = letters(text)?;
    let (body, key) = all.split_at_checked(13)?;
    // Corsica has 2A and 2B where other departments have digits; they count as 19 and 18.
    let (mut plain, mut less) = ([0_u8; 13], 0_u64);
    for (at, (slot, byte)) in plain.iter_mut().zip(body).enumerate() {
        *slot = match (at, *byte) {
            (6, b'A') => {
                less = 1_000_000;
                0
            }
            (6, b'B') => {
                less = 2_000_000;
                0
            }
            (_, digit) => digit.is_ascii_digit().then(|| digit - b'0')?,
        };
    }
    let [sex, _, _, m1, m2, ..] = plain;
    let month = number(&[m1, m2]);
    let key: [u8; 2] = values(key)?;
    let sane = matches!(sex, 1 | 2 | 3 | 4 | 7 | 8) && matches!(month, 1..=12 | 20..=42 | 50..=99);
    good(sane && 97 - number(&plain).checked_sub(less)? % 97 == number(&key))
}

/// France, SIREN (9) and SIRET (14): Luhn; La Poste's branches have their own sum.
pub(super) fn fr_siren(text: &[u8]) -> Option<i16> {
    if let Some(all) = digits::<14>(text) {
        let post = all.starts_with(&[3, 5, 6, 0, 0, 0, 0, 0, 0]) && sum(&all, &[1; 14]).is_multiple_of(5);
        return good(luhn(&all) || post);
    }
    good(luhn(&digits::<9>(text)?))
}

/// Italy, codice fiscale (decree of 12 March 1974): odd places count by a table of their own.
pub(super) fn it_code(text: &[u8]) -> Option<i16> {
    const ODD: [u32; 36] = [
        1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12,
        14, 16, 10, 22, 25, 24, 23,
    ];
    let all: [u8; 16] = letters(text)?;
    let (check, body) = all.split_last()?;
    let total: u32 = body
        .iter()
        .enumerate()
        .map(|(at, byte)| {
            let v = value(*byte);
            let even = if v > 9 { v - 10 } else { v };
            if at % 2 == 0 {
                usize::try_from(v).ok().and_then(|v| ODD.get(v)).copied().unwrap_or(0)
            } else {
                even
            }
        })
        .sum();
    // Digits may be written as letters so that two persons do not share a code.
    let digit = |at: usize| {
        let byte = *all.get(at)?;
        if byte.is_ascii_digit() {
            return Some(u64::from(byte - b'0'));
        }
        b"LMNPQRSTUV".iter().position(|b| *b == byte).and_then(|d| u64::try_from(d).ok())
    };
    let day = digit(9)? * 10 + digit(10)?;
    good(matches!(day, 1..=31 | 41..=71) && total % 26 + 10 == value(*check))
}

/// Italy, partita IVA: eleven digits, Luhn.
pub(super) fn it_vat(text: &[u8]) -> Option<i16> {
    good(luhn(&digits::<11>(text)?))
}

/// Spain, NIF of persons and NIE of foreigners: the letter is the remainder by 23.
pub(super) fn es_nif(text: &[u8]) -> Option<i16> {
    let mut all: [u8; 9] = letters(text)?;
    if let Some(first) = all.first_mut() {
        *first = match *first {
            b'X' => b'0',
            b'Y' => b'1',
            b'Z' => b'2',
            other => other,
        };
    }
    let (check, body) = all.split_last()?;
    let body: [u8; 8] = values(body)?;
    let at = usize::try_from(number(&body) % 23).ok()?;
    good(b"TRWAGMYFPDXBNJZSQVHLCKE".get(at) == Some(check) && super::digits::varied(&body))
}

/// Spain, NIF of firms (once CIF): Luhn over seven digits, written as digit or letter.
pub(super) fn es_cif(text: &[u8]) -> Option<i16> {
    let all: [u8; 9] = letters(text)?;
    let (kind, rest) = all.split_first()?;
    let (check, body) = rest.split_last()?;
    let body: [u8; 7] = values(body)?;
    let total: u32 = body.iter().zip([2, 1].into_iter().cycle()).map(|(d, w)| cross(u32::from(*d) * w)).sum();
    let digit = usize::try_from((10 - total % 10) % 10).ok()?;
    let letter = b"JABCDEFGHI".get(digit);
    let written = b"0123456789".get(digit);
    good(match kind {
        b'A' | b'B' | b'E' | b'H' => written == Some(check),
        b'K' | b'P' | b'Q' | b'S' | b'N' | b'W' | b'R' => letter == Some(check),
        _ => written == Some(check) || letter == Some(check),
    })
}

/// Portugal, NIF: weights 9 to 2, modulo 11.
pub(super) fn pt_nif(text: &[u8]) -> Option<i16> {
    let all: [u8; 9] = digits(text)?;
    let rest = sum(&all, &[9, 8, 7, 6, 5, 4, 3, 2]) % 11;
    let check = if rest < 2 { 0 } else { 11 - rest };
    good(!matches!(all, [0 | 4, ..]) && all.last().is_some_and(|d| u32::from(*d) == check))
}

/// The Netherlands, BSN: the eleven test.
pub(super) fn nl_bsn(text: &[u8]) -> Option<i16> {
    let all: [u8; 9] = digits(text)?;
    let (check, body) = all.split_last()?;
    good(sum(body, &[9, 8, 7, 6, 5, 4, 3, 2]) % 11 == u32::from(*check))
}

/// Belgium, national register number: the complement of the remainder by 97, a 2 before it for births from 2000 on.
pub(super) fn be_register(text: &[u8]) -> Option<i16> {
    let all: [u8; 11] = digits(text)?;
    let (body, key) = all.split_at_checked(9)?;
    let [y1, y2, m1, m2, d1, d2, ..] = all;
    let (year, month, day) = (number(&[y1, y2]), number(&[m1, m2]), number(&[d1, d2]));
    // Month and day may be unknown; foreigners' months are 20 or 40 higher.
    let born = short_date(year, month % 20, day) || (month % 20 == 0 && day <= 31);
    let key = number(key);
    good(born && (97 - number(body) % 97 == key || 97 - (2_000_000_000 + number(body)) % 97 == key))
}

/// Switzerland, AHV number: EAN-13 with the country's prefix 756.
pub(super) fn ch_ahv(text: &[u8]) -> Option<i16> {
    let all: [u8; 13] = digits(text)?;
    let total = sum(&all, &[1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1]);
    good(all.starts_with(&[7, 5, 6]) && total.is_multiple_of(10))
}

/// Austria, social insurance number: the fourth digit checks the serial and the date of birth.
pub(super) fn at_insurance(text: &[u8]) -> Option<i16> {
    let all: [u8; 10] = digits(text)?;
    let [first, _, _, check, d1, d2, m1, m2, y1, y2] = all;
    let total = sum(&all, &[3, 7, 9, 0, 5, 8, 4, 2, 1, 6]) % 11;
    let month = number(&[m1, m2]);
    let born = matches!(month, 13..=15) || short_date(number(&[y1, y2]), month, number(&[d1, d2]));
    good(first != 0 && born && total == u32::from(check))
}

/// Greece, AFM: powers of two, modulo 11, modulo 10.
pub(super) fn gr_afm(text: &[u8]) -> Option<i16> {
    let all: [u8; 9] = digits(text)?;
    let (check, body) = all.split_last()?;
    good(sum(body, &[256, 128, 64, 32, 16, 8, 4, 2]) % 11 % 10 == u32::from(*check))
}

/// Ireland, PPS number: weights 8 to 2, a second letter counts nine times.
pub(super) fn ie_pps(text: &[u8]) -> Option<i16> {
    let plain: Vec<u8> =
        text.iter().filter(|b| b.is_ascii_alphanumeric()).map(u8::to_ascii_uppercase).collect();
    let (body, tail) = plain.split_at_checked(7)?;
    let body: [u8; 7] = values(body)?;
    let (check, second) = tail.split_first()?;
    let extra = match second {
        [] | [b'W'] => 0,
        [letter] => (value(*letter).checked_sub(9)?) * 9,
        _ => return None,
    };
    let rest = (sum(&body, &[8, 7, 6, 5, 4, 3, 2]) + extra) % 23;
    let letter = if rest == 0 { b'W' } else { b'A' + u8::try_from(rest - 1).ok()? };
    good(letter == *check)
}

/// Iceland, kennitala: date, weights 3 2 7 6 5 4 3 2, modulo 11, century.
pub(super) fn is_kennitala(text: &[u8]) -> Option<i16> {
    let all: [u8; 10] = digits(text)?;
    let [d1, d2, m1, m2, y1, y2, _, _, check, century] = all;
    let total = sum(&all, &[3, 2, 7, 6, 5, 4, 3, 2]) % 11;
    let base = match century {
        9 => 1900,
        0 => 2000,
        _ => return None,
    };
    let born = date(base + number(&[y1, y2]), number(&[m1, m2]), number(&[d1, d2]));
    good(born && (11 - total) % 11 == u32::from(check))
}

/// The United Kingdom, NHS number: weights 10 to 2, modulo 11.
pub(super) fn uk_nhs(text: &[u8]) -> Option<i16> {
    let all: [u8; 10] = digits(text)?;
    let (check, body) = all.split_last()?;
    good((11 - sum(body, &[10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11) % 11 == u32::from(*check))
}

/// The United Kingdom, unique taxpayer reference: the first digit checks the nine others.
pub(super) fn uk_utr(text: &[u8]) -> Option<i16> {
    let all: [u8; 10] = digits(text)?;
    let (check, body) = all.split_first()?;
    let rest = sum(body, &[6, 7, 8, 9, 10, 5, 4, 3, 2]) % 11;
    let at = usize::try_from(rest).ok()?;
    good([2, 1, 9, 8, 7, 6, 5, 4, 3, 2, 1].get(at) == Some(check))
}

/// The United Kingdom, national insurance number: prefixes that are never given out (HMRC NIM39110).
pub(super) fn uk_nino(text: &[u8]) -> Option<i16> {
    let prefix = text.get(..2)?.to_ascii_uppercase();
    good(!matches!(prefix.as_slice(), b"BG" | b"GB" | b"NK" | b"KN" | b"TN" | b"NT" | b"ZZ"))
}

/// The United Kingdom, driving licence: month, with 50 added for women, and day of birth.
pub(super) fn uk_licence(text: &[u8]) -> Option<i16> {
    let all: [u8; 16] = letters(text)?;
    let [_, _, _, _, _, _, m1, m2, d1, d2, ..] = all;
    let [m1, m2, d1, d2] = values::<4>(&[m1, m2, d1, d2])?;
    let month = number(&[m1, m2]);
    let month = if month > 50 { month - 50 } else { month };
    good(date(2000, month, number(&[d1, d2])))
}
