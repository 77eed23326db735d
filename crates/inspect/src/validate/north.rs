//! Numbers of persons in northern Europe and the Baltic states.

use super::card::luhn;
use super::digits::{date, digits, number, short_date, sum, values};

fn good(yes: bool) -> Option<i16> {
    yes.then_some(0)
}

/// Sweden, personnummer (SFS 1991:481): Luhn over ten digits; a coordination number has 60 added to the day.
pub(super) fn se_person(text: &[u8]) -> Option<i16> {
    let plain: Vec<u8> = text.iter().filter(|b| b.is_ascii_digit()).map(|b| b - b'0').collect();
    let short: [u8; 10] = plain.get(plain.len().checked_sub(10)?..)?.try_into().ok()?;
    let [y1, y2, m1, m2, d1, d2, ..] = short;
    let day = number(&[d1, d2]);
    let day = if day > 60 { day - 60 } else { day };
    let (year, month) = (number(&[y1, y2]), number(&[m1, m2]));
    let born = match plain.len() {
        10 => short_date(year, month, day),
        12 => {
            let century = number(plain.get(..2)?);
            matches!(century, 18..=20) && date(century * 100 + year, month, day)
        }
        _ => false,
    };
    (born && luhn(&short) && super::digits::varied(&short)).then_some(0)
}

/// Finland, henkilötunnus: date, century sign, serial, a character by the remainder by 31.
pub(super) fn fi_hetu(text: &[u8]) -> Option<i16> {
    let front: [u8; 6] = values(text.get(..6)?)?;
    let sign = *text.get(6)?;
    let serial: [u8; 3] = values(text.get(7..10)?)?;
    let check = text.get(10)?.to_ascii_uppercase();
    let base = match sign.to_ascii_uppercase() {
        b'+' => 1800,
        b'-' | b'U'..=b'Y' => 1900,
        b'A'..=b'F' => 2000,
        _ => return None,
    };
    let [d1, d2, m1, m2, y1, y2] = front;
    let born = date(base + number(&[y1, y2]), number(&[m1, m2]), number(&[d1, d2]));
    let at = usize::try_from((number(&front) * 1000 + number(&serial)) % 31).ok()?;
    good(born && number(&serial) >= 2 && b"0123456789ABCDEFHJKLMNPRSTUVWXY".get(at) == Some(&check))
}

/// Denmark, CPR number: the date only; since 2007 the check by 11 does not hold for all. It raises the confidence.
pub(super) fn dk_cpr(text: &[u8]) -> Option<i16> {
    let all: [u8; 10] = digits(text)?;
    let [d1, d2, m1, m2, y1, y2, ..] = all;
    let born = short_date(number(&[y1, y2]), number(&[m1, m2]), number(&[d1, d2]));
    let checked = sum(&all, &[4, 3, 2, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11);
    born.then_some(if checked { 100 } else { 0 })
}

/// Norway, fødselsnummer: date, two check digits; D-numbers add 40 to the day, test numbers 40 or 80 to the month.
pub(super) fn no_birth(text: &[u8]) -> Option<i16> {
    let all: [u8; 11] = digits(text)?;
    let [d1, d2, m1, m2, y1, y2, _, _, _, k1, k2] = all;
    let day = number(&[d1, d2]);
    let day = if day > 40 { day - 40 } else { day };
    let month = number(&[m1, m2]) % 40;
    let first = (11 - sum(&all, &[3, 7, 6, 1, 8, 9, 4, 5, 2]) % 11) % 11;
    let second = (11 - sum(&all, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11) % 11;
    let born = short_date(number(&[y1, y2]), month, day);
    good(born && first == u32::from(k1) && second == u32::from(k2))
}

/// Estonia, isikukood, and Lithuania, asmens kodas: sex and century, date, two rounds of weights.
pub(super) fn baltic(text: &[u8]) -> Option<i16> {
    let all: [u8; 11] = digits(text)?;
    let [kind, y1, y2, m1, m2, d1, d2, .., check] = all;
    let base = match kind {
        1 | 2 => 1800,
        3 | 4 => 1900,
        5 | 6 => 2000,
        _ => return None,
    };
    let born = date(base + number(&[y1, y2]), number(&[m1, m2]), number(&[d1, d2]));
    let first = sum(&all, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 1]) % 11;
    let second = sum(&all, &[3, 4, 5, 6, 7, 8, 9, 1, 2, 3]) % 11;
    let expected = if first < 10 { first } else { second % 10 };
    good(born && expected == u32::from(check))
}

/// Latvia, personas kods: a date or the prefix 32, modulo 11.
pub(super) fn lv_person(text: &[u8]) -> Option<i16> {
    let all: [u8; 11] = digits(text)?;
    let [d1, d2, m1, m2, y1, y2, century, .., check] = all;
    if [d1, d2] == [3, 2] {
        return Some(-100);
    }
    let base = match century {
        0 => 1800,
        1 => 1900,
        2 => 2000,
        _ => return None,
    };
    let born = date(base + number(&[y1, y2]), number(&[m1, m2]), number(&[d1, d2]));
    let total = sum(&all, &[10, 5, 8, 4, 2, 1, 6, 3, 7, 9]);
    good(born && (1 + total) % 11 % 10 == u32::from(check))
}
