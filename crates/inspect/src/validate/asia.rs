//! Numbers of persons and firms in Asia, Africa and Oceania.

use super::card::luhn;
use super::digits::{date, digits, letters, number, short_date, sum, value, values, varied, verhoeff};

fn good(yes: bool) -> Option<i16> {
    yes.then_some(0)
}

/// India, Aadhaar (UIDAI): Verhoeff; the first digit is 2 to 9.
pub(super) fn in_aadhaar(text: &[u8]) -> Option<i16> {
    let all: [u8; 12] = digits(text)?;
    good(!matches!(all, [0 | 1, ..]) && verhoeff(&all))
}

/// India, GSTIN: state, PAN, a check character over base 36.
pub(super) fn in_gstin(text: &[u8]) -> Option<i16> {
    let all: [u8; 15] = letters(text)?;
    let (check, body) = all.split_last()?;
    let [s1, s2, ..] = all;
    let total: u32 = body
        .iter()
        .zip([1, 2].into_iter().cycle())
        .map(|(byte, weight)| {
            let product = value(*byte) * weight;
            product / 36 + product % 36
        })
        .sum();
    let state = number(&values::<2>(&[s1, s2])?);
    good(matches!(state, 1..=38 | 97 | 99) && (36 - total % 36) % 36 == value(*check))
}

/// China, resident identity number (GB 11643): province, date, ISO/IEC 7064 MOD 11-2.
pub(super) fn cn_resident(text: &[u8]) -> Option<i16> {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let (check, body) = text.split_last()?;
    let body: [u8; 17] = values(body)?;
    let [p1, p2, _, _, _, _, y1, y2, y3, y4, m1, m2, d1, d2, ..] = body;
    let province = matches!(number(&[p1, p2]), 11..=15 | 21..=23 | 31..=37 | 41..=46 | 50..=54 | 61..=65 | 71 | 81..=83 | 91);
    let born = date(number(&[y1, y2, y3, y4]), number(&[m1, m2]), number(&[d1, d2]));
    let rest = usize::try_from(sum(&body, &WEIGHTS) % 11).ok()?;
    good(province && born && b"10X98765432".get(rest) == Some(&check.to_ascii_uppercase()))
}

/// Japan, Individual Number (My Number): weights 6 to 2 and 7 to 2 from the left, modulo 11.
pub(super) fn jp_number(text: &[u8]) -> Option<i16> {
    let all: [u8; 12] = digits(text)?;
    let (check, body) = all.split_last()?;
    let rest = sum(body, &[6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11;
    good((if rest < 2 { 0 } else { 11 - rest }) == u32::from(*check))
}

/// Korea, resident registration number: date and century; the check digit, which ended in October 2020, counts up.
pub(super) fn kr_resident(text: &[u8]) -> Option<i16> {
    let all: [u8; 13] = digits(text)?;
    let [y1, y2, m1, m2, d1, d2, century, .., check] = all;
    let base = match century {
        1 | 2 | 5 | 6 => 1900,
        3 | 4 | 7 | 8 => 2000,
        9 | 0 => 1800,
        _ => return None,
    };
    let born = date(base + number(&[y1, y2]), number(&[m1, m2]), number(&[d1, d2]));
    let total = sum(&all, &[2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5]) % 11;
    born.then_some(if (11 - total) % 10 == u32::from(check) { 50 } else { -50 })
}

/// Korea, business registration number: weights 1 3 7 1 3 7 1 3 5, the tens of the last product added.
pub(super) fn kr_business(text: &[u8]) -> Option<i16> {
    let all: [u8; 10] = digits(text)?;
    let [.., ninth, check] = all;
    let total = sum(&all, &[1, 3, 7, 1, 3, 7, 1, 3, 5]) + u32::from(ninth) * 5 / 10;
    good((10 - total % 10) % 10 == u32::from(check))
}

/// Taiwan, identity number: the letter stands for two digits.
pub(super) fn tw_identity(text: &[u8]) -> Option<i16> {
    let all: [u8; 10] = letters(text)?;
    let (letter, rest) = all.split_first()?;
    let rest: [u8; 9] = values(rest)?;
    let at = b"ABCDEFGHJKLMNPQRSTUVXYWZIO".iter().position(|b| b == letter)?;
    let region = u32::try_from(at).ok()? + 10;
    let total = region / 10 + region % 10 * 9 + sum(&rest, &[8, 7, 6, 5, 4, 3, 2, 1, 1]);
    good(matches!(rest, [1 | 2 | 8 | 9, ..]) && varied(&rest) && total.is_multiple_of(10))
}

/// Singapore, NRIC and FIN: weights 2 7 6 5 4 3 2, a letter by the remainder by 11.
pub(super) fn sg_nric(text: &[u8]) -> Option<i16> {
    let all: [u8; 9] = letters(text)?;
    let (prefix, rest) = all.split_first()?;
    let (check, body) = rest.split_last()?;
    let body: [u8; 7] = values(body)?;
    let (offset, table) = match prefix {
        b'S' => (0, b"JZIHGFEDCBA"),
        b'T' => (4, b"JZIHGFEDCBA"),
        b'F' => (0, b"XWUTRQPNMLK"),
        b'G' => (4, b"XWUTRQPNMLK"),
        b'M' => (3, b"XWUTRQPNJLK"),
        _ => return None,
    };
    let rest = usize::try_from((offset + sum(&body, &[2, 7, 6, 5, 4, 3, 2])) % 11).ok()?;
    good(varied(&body) && table.get(rest) == Some(check))
}

/// Hong Kong, identity card: one or two letters, six digits, modulo 11, A for 10.
pub(super) fn hk_identity(text: &[u8]) -> Option<i16> {
    let plain: Vec<u8> =
        text.iter().filter(|b| b.is_ascii_alphanumeric()).map(u8::to_ascii_uppercase).collect();
    let (check, body) = plain.split_last()?;
    let blank = if body.len() == 7 { 36 * 9 } else { 0 };
    let first = u32::try_from(body.len()).ok()? + 1;
    let total: u32 = blank + body.iter().zip((2..=first).rev()).map(|(b, w)| value(*b) * w).sum::<u32>();
    good((11 - total % 11) % 11 == value(*check))
}

/// Thailand, citizen number: weights 13 to 2, modulo 11.
pub(super) fn th_citizen(text: &[u8]) -> Option<i16> {
    let all: [u8; 13] = digits(text)?;
    let (check, body) = all.split_last()?;
    let rest = sum(body, &[13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11;
    good(!matches!(all, [0 | 9, ..]) && (11 - rest) % 10 == u32::from(*check))
}

/// Malaysia, identity card: date and place of birth.
pub(super) fn my_identity(text: &[u8]) -> Option<i16> {
    let all: [u8; 12] = digits(text)?;
    let [y1, y2, m1, m2, d1, d2, p1, p2, ..] = all;
    let born = short_date(number(&[y1, y2]), number(&[m1, m2]), number(&[d1, d2]));
    let place = matches!(number(&[p1, p2]), 1..=16 | 21..=68 | 71 | 72 | 74..=79 | 82..=93 | 98 | 99);
    good(born && place)
}

/// Indonesia, NIK: province, date of birth, women's days 40 higher, serial.
pub(super) fn id_nik(text: &[u8]) -> Option<i16> {
    let all: [u8; 16] = digits(text)?;
    let [p1, p2, _, _, _, _, d1, d2, m1, m2, y1, y2, s1, s2, s3, s4] = all;
    let province = matches!(
        number(&[p1, p2]),
        11..=21 | 31..=36 | 51..=53 | 61..=65 | 71..=76 | 81 | 82 | 91..=97
    );
    let day = number(&[d1, d2]);
    let born = short_date(number(&[y1, y2]), number(&[m1, m2]), if day > 40 { day - 40 } else { day });
    good(province && born && number(&[s1, s2, s3, s4]) > 0)
}

/// Israel, identity number: nine digits, Luhn.
pub(super) fn il_identity(text: &[u8]) -> Option<i16> {
    good(luhn(&digits::<9>(text)?))
}

/// The United Arab Emirates, Emirates ID: 784, year of birth, Luhn.
pub(super) fn ae_identity(text: &[u8]) -> Option<i16> {
    let all: [u8; 15] = digits(text)?;
    let [_, _, _, y1, y2, y3, y4, ..] = all;
    good(all.starts_with(&[7, 8, 4]) && matches!(number(&[y1, y2, y3, y4]), 1900..=2099) && luhn(&all))
}

/// Saudi Arabia, national and residence number: begins with 1 or 2, Luhn.
pub(super) fn sa_identity(text: &[u8]) -> Option<i16> {
    let all: [u8; 10] = digits(text)?;
    good(matches!(all, [1 | 2, ..]) && luhn(&all))
}

/// Sri Lanka, old identity card: year, day of the year (women's 500 higher).
pub(super) fn lk_identity(text: &[u8]) -> Option<i16> {
    let body: [u8; 9] = values(text.get(..9)?)?;
    let [_, _, a, b, c, ..] = body;
    let day = number(&[a, b, c]);
    good(matches!(if day > 500 { day - 500 } else { day }, 1..=366))
}

/// Egypt, national number: century, date, governorate.
pub(super) fn eg_identity(text: &[u8]) -> Option<i16> {
    let all: [u8; 14] = digits(text)?;
    let [century, y1, y2, m1, m2, d1, d2, g1, g2, ..] = all;
    let base = match century {
        2 => 1900,
        3 => 2000,
        _ => return None,
    };
    let born = date(base + number(&[y1, y2]), number(&[m1, m2]), number(&[d1, d2]));
    good(born && matches!(number(&[g1, g2]), 1..=4 | 11..=19 | 21..=29 | 31..=35 | 88))
}

/// South Africa, identity number: date, citizenship, Luhn.
pub(super) fn za_identity(text: &[u8]) -> Option<i16> {
    let all: [u8; 13] = digits(text)?;
    let [y1, y2, m1, m2, d1, d2, _, _, _, _, citizen, ..] = all;
    let born = short_date(number(&[y1, y2]), number(&[m1, m2]), number(&[d1, d2]));
    good(born && citizen <= 2 && luhn(&all))
}

/// Australia, tax file number: weights 1 4 3 7 5 8 6 9 10, modulo 11.
pub(super) fn au_tfn(text: &[u8]) -> Option<i16> {
    let all: [u8; 9] = digits(text)?;
    good(sum(&all, &[1, 4, 3, 7, 5, 8, 6, 9, 10]).is_multiple_of(11))
}

/// Australia, business number: the first digit less one, modulo 89.
pub(super) fn au_abn(text: &[u8]) -> Option<i16> {
    let mut all: [u8; 11] = digits(text)?;
    let first = all.first_mut()?;
    *first = first.checked_sub(1)?;
    good(sum(&all, &[10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19]).is_multiple_of(89))
}

/// Australia, company number: weights 8 to 1, the complement by 10.
pub(super) fn au_acn(text: &[u8]) -> Option<i16> {
    let all: [u8; 9] = digits(text)?;
    let (check, body) = all.split_last()?;
    good((10 - sum(body, &[8, 7, 6, 5, 4, 3, 2, 1]) % 10) % 10 == u32::from(*check))
}

/// Australia, Medicare number: ten digits and perhaps that of the person; the ninth checks.
pub(super) fn au_medicare(text: &[u8]) -> Option<i16> {
    let all: [u8; 10] = match digits::<11>(text) {
        Some(all) => *all.first_chunk()?,
        None => digits(text)?,
    };
    let [first, .., check, issue] = all;
    let total = sum(&all, &[1, 3, 7, 9, 1, 3, 7, 9]) % 10;
    good(matches!(first, 2..=6) && issue != 0 && total == u32::from(check))
}

/// New Zealand, IRD number: two rounds of weights, modulo 11.
pub(super) fn nz_ird(text: &[u8]) -> Option<i16> {
    let all: [u8; 9] = match digits::<9>(text) {
        Some(all) => all,
        None => {
            let [a, b, c, d, e, f, g, h] = digits::<8>(text)?;
            [0, a, b, c, d, e, f, g, h]
        }
    };
    let (check, body) = all.split_last()?;
    let complement = |total: u32| if total.is_multiple_of(11) { 0 } else { 11 - total % 11 };
    let first = complement(sum(body, &[3, 2, 7, 6, 5, 4, 3, 2]));
    let expected = if first == 10 { complement(sum(body, &[7, 4, 3, 2, 5, 2, 7, 6])) } else { first };
    good(matches!(number(&all), 10_000_000..=150_000_000) && expected == u32::from(*check))
}
