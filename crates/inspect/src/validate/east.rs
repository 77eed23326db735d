//! Numbers of persons and firms in eastern and south-eastern Europe, Turkey and the former Soviet Union.

use super::digits::{date, digits, number, short_date, sum};

fn good(yes: bool) -> Option<i16> {
    yes.then_some(0)
}

/// Poland, PESEL: date with the century in the month, weights 1 3 7 9.
pub(super) fn pl_pesel(text: &[u8]) -> Option<i16> {
    let all: [u8; 11] = digits(text)?;
    let [y1, y2, m1, m2, d1, d2, ..] = all;
    let (year, month) = (number(&[y1, y2]), number(&[m1, m2]));
    let (base, month) = match month {
        1..=12 => (1900, month),
        21..=32 => (2000, month - 20),
        81..=92 => (1800, month - 80),
        _ => return None,
    };
    let total = sum(&all, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]);
    good(date(base + year, month, number(&[d1, d2])) && total.is_multiple_of(10))
}

/// Poland, NIP: weights 6 5 7 2 3 4 5 6 7, modulo 11; no office begins with 0.
pub(super) fn pl_nip(text: &[u8]) -> Option<i16> {
    let all: [u8; 10] = digits(text)?;
    let (check, body) = all.split_last()?;
    let office = all.get(..3)?.iter().all(|d| *d != 0) || all.first() != Some(&0);
    good(office && sum(body, &[6, 5, 7, 2, 3, 4, 5, 6, 7]) % 11 == u32::from(*check))
}

/// Poland, REGON of 9 or 14 digits.
pub(super) fn pl_regon(text: &[u8]) -> Option<i16> {
    const NINE: [u32; 8] = [8, 9, 2, 3, 4, 5, 6, 7];
    const FOURTEEN: [u32; 13] = [2, 4, 8, 5, 0, 9, 7, 3, 6, 1, 2, 4, 8];
    let checks = |all: &[u8], weights: &[u32]| {
        all.split_last().is_some_and(|(check, body)| sum(body, weights) % 11 % 10 == u32::from(*check))
    };
    if let Some(all) = digits::<14>(text) {
        return good(checks(all.get(..9)?, &NINE) && checks(&all, &FOURTEEN));
    }
    good(checks(&digits::<9>(text)?, &NINE))
}

/// The Czech Republic and Slovakia, rodné číslo: date, women's months 50 higher, further 20 when numbers ran out.
pub(super) fn cz_birth(text: &[u8]) -> Option<i16> {
    let all: [u8; 10] = digits(text)?;
    let [y1, y2, m1, m2, d1, d2, ..] = all;
    let month = number(&[m1, m2]) % 50;
    let month = if month > 20 { month - 20 } else { month };
    let year = number(&[y1, y2]);
    let base = if year < 54 { 2000 } else { 1900 };
    let all_of_it = number(&all);
    let nine = all_of_it / 10;
    let divides = all_of_it.is_multiple_of(11) || (nine % 11 == 10 && all_of_it.is_multiple_of(10));
    good(date(base + year, month, number(&[d1, d2])) && divides)
}

/// Romania, CNP: sex and century, date, county, weights 279146358279, modulo 11.
pub(super) fn ro_cnp(text: &[u8]) -> Option<i16> {
    let all: [u8; 13] = digits(text)?;
    let [kind, y1, y2, m1, m2, d1, d2, j1, j2, .., check] = all;
    let base = match kind {
        1 | 2 => 1900,
        3 | 4 => 1800,
        5 | 6 => 2000,
        7..=9 => 1900,
        _ => return None,
    };
    let born = date(base + number(&[y1, y2]), number(&[m1, m2]), number(&[d1, d2]));
    let county = matches!(number(&[j1, j2]), 1..=48 | 51 | 52 | 70 | 80..=83 | 90..=99);
    let rest = sum(&all, &[2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9]) % 11;
    good(born && county && (if rest == 10 { 1 } else { rest }) == u32::from(check))
}

/// Bulgaria, EGN: births before 1900 have 20 added to the month, from 2000 on 40.
pub(super) fn bg_egn(text: &[u8]) -> Option<i16> {
    let all: [u8; 10] = digits(text)?;
    let [y1, y2, m1, m2, d1, d2, .., check] = all;
    let (year, month) = (number(&[y1, y2]), number(&[m1, m2]));
    let (base, month) = match month {
        1..=12 => (1900, month),
        41..=52 => (2000, month - 40),
        _ => return None,
    };
    let rest = sum(&all, &[2, 4, 8, 5, 10, 9, 7, 3, 6]) % 11 % 10;
    good(date(base + year, month, number(&[d1, d2])) && rest == u32::from(check))
}

/// Croatia, OIB: ISO/IEC 7064 MOD 11,10.
pub(super) fn hr_oib(text: &[u8]) -> Option<i16> {
    good(super::digits::mod_11_10(&digits::<11>(text)?))
}

/// JMBG of Serbia, Bosnia, Montenegro, North Macedonia, and EMŠO of Slovenia.
pub(super) fn jmbg(text: &[u8]) -> Option<i16> {
    let all: [u8; 13] = digits(text)?;
    let [d1, d2, m1, m2, y1, y2, y3, .., check] = all;
    let year = number(&[y1, y2, y3]);
    let year = if year > 800 { 1000 + year } else { 2000 + year };
    let rest = sum(&all, &[7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11;
    let expected = (11 - rest) % 11 % 10;
    good(date(year, number(&[m1, m2]), number(&[d1, d2])) && expected == u32::from(check))
}

/// Hungary, TAJ number: weights 3 and 7 in turn, modulo 10.
pub(super) fn hu_taj(text: &[u8]) -> Option<i16> {
    let all: [u8; 9] = digits(text)?;
    let (check, body) = all.split_last()?;
    good(sum(body, &[3, 7, 3, 7, 3, 7, 3, 7]) % 10 == u32::from(*check))
}

/// Turkey, identity number: two check digits (Nüfus ve Vatandaşlık İşleri).
pub(super) fn tr_identity(text: &[u8]) -> Option<i16> {
    let all: [u8; 11] = digits(text)?;
    let [a, b, c, d, e, f, g, h, i, j, k] = all.map(u32::from);
    let tenth = (7 * (a + c + e + g + i) + 9 * (b + d + f + h)) % 10;
    let last = (a + b + c + d + e + f + g + h + i + j) % 10;
    good(a != 0 && tenth == j && last == k)
}

/// Russia, SNILS: weights 9 to 1, modulo 101.
pub(super) fn ru_snils(text: &[u8]) -> Option<i16> {
    let all: [u8; 11] = digits(text)?;
    let (body, check) = all.split_at_checked(9)?;
    let total = sum(body, &[9, 8, 7, 6, 5, 4, 3, 2, 1]) % 101 % 100;
    good(number(body) > 1_001_998 && u64::from(total) == number(check))
}

/// Russia, INN of 10 or 12 digits.
pub(super) fn ru_inn(text: &[u8]) -> Option<i16> {
    let check = |all: &[u8], weights: &[u32], at: usize| {
        all.get(at).is_some_and(|d| sum(all, weights) % 11 % 10 == u32::from(*d))
    };
    if let Some(all) = digits::<12>(text) {
        let eleventh = check(&all, &[7, 2, 4, 10, 3, 5, 9, 4, 6, 8], 10);
        return good(eleventh && check(&all, &[3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8], 11));
    }
    good(check(&digits::<10>(text)?, &[2, 4, 10, 3, 5, 9, 4, 6, 8], 9))
}

/// Ukraine, RNOKPP: days since 1899-12-31, weights -1 5 7 9 4 6 10 5 7, modulo 11, modulo 10.
pub(super) fn ua_tax(text: &[u8]) -> Option<i16> {
    let all: [u8; 10] = digits(text)?;
    let (check, body) = all.split_last()?;
    // -1 is 10 modulo 11.
    good(sum(body, &[10, 5, 7, 9, 4, 6, 10, 5, 7]) % 11 % 10 == u32::from(*check))
}

/// Kazakhstan, IIN: date, century, two rounds of weights.
pub(super) fn kz_iin(text: &[u8]) -> Option<i16> {
    let all: [u8; 12] = digits(text)?;
    let [y1, y2, m1, m2, d1, d2, century, .., check] = all;
    let born = short_date(number(&[y1, y2]), number(&[m1, m2]), number(&[d1, d2]));
    let first = sum(&all, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]) % 11;
    let second = sum(&all, &[3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2]) % 11;
    let expected = if first == 10 { second } else { first };
    good(born && century <= 6 && expected == u32::from(check))
}
