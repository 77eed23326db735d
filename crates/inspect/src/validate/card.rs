//! Payment cards: ISO/IEC 7812-1 numbering, Luhn's check digit, and the ways in which people group the digits.

/// Least and most digits of a primary account number here. (ISO/IEC 7812-1 allows fewer; nobody issues them.)
const LEAST: usize = 13;
const MOST: usize = 19;

pub(super) fn check(text: &[u8]) -> Option<i16> {
    // Candidates are many in a hostile text: no allocation before the digits are good.
    let mut digits = [0; MOST];
    let mut count = 0_usize;
    for byte in text.iter().filter(|b| b.is_ascii_digit()) {
        *digits.get_mut(count)? = byte - b'0';
        count = count.saturating_add(1);
    }
    let digits = digits.get(..count).filter(|d| d.len() >= LEAST)?;
    let good = issued(digits) && varied(digits) && luhn(digits);
    if good { grouping(text) } else { None }
}

/// Luhn's formula over the digits, the check digit being the last (ISO/IEC 7812-1 annex B).
pub(crate) fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(at, digit)| match (at % 2, u32::from(*digit)) {
            (0, d) => d,
            (_, d) if d > 4 => d * 2 - 9,
            (_, d) => d * 2,
        })
        .sum();
    sum.is_multiple_of(10)
}

/// Whether an issuer of that prefix gives out numbers of that length.
fn issued(digits: &[u8]) -> bool {
    let prefix = |n: usize| digits.iter().take(n).fold(0_u32, |value, d| value * 10 + u32::from(*d));
    let length = digits.len();
    match prefix(4) {
        4000..=4999 => matches!(length, 13 | 16 | 18 | 19),
        5100..=5599 | 2221..=2720 => length == 16,
        3400..=3499 | 3700..=3799 => length == 15,
        3000..=3059 | 3095 | 3600..=3699 | 3800..=3999 => (14..=19).contains(&length),
        3528..=3589 | 6011 | 6200..=6299 | 6440..=6599 | 8100..=8171 => (16..=19).contains(&length),
        5000..=5099 | 5600..=5899 | 6000..=6999 => (13..=19).contains(&length),
        2200..=2204 | 9792 => (16..=19).contains(&length),
        _ => false,
    }
}

/// One digit over and over is a placeholder.
fn varied(digits: &[u8]) -> bool {
    digits.iter().any(|d| Some(d) != digits.first())
}

/// Digits stand together, or in groups as on a card, or one by one. Mixed groups are rows of other numbers.
fn grouping(text: &[u8]) -> Option<i16> {
    let mut separators = text.iter().filter(|b| !b.is_ascii_digit());
    let Some(separator) = separators.next() else { return Some(50) };
    if separators.any(|b| b != separator) {
        return None;
    }
    let groups: Vec<usize> = text.split(|b| b == separator).map(<[u8]>::len).collect();
    let (last, before) = groups.split_last()?;
    match groups.as_slice() {
        [4, 4, 4, 4] | [4, 6, 5] | [4, 6, 4] | [4, 4, 4, 4, 3] | [4, 4, 5] => Some(50),
        // One by one, or in even groups; pairs are hexadecimal or dates.
        _ if before.first() == Some(&2) => None,
        _ if before.iter().all(|g| Some(g) == before.first()) && Some(last) <= before.first() => Some(-200),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_test_numbers_of_all_schemes_and_refuses_near_misses() {
        for good in [
            "4111111111111111",
            "4222222222222",
            "5555 5555 5555 4444",
            "2223-0031-2200-3222",
            "3782 822463 10005",
            "3056 930902 5904",
            "6011000990139424",
            "3530111333300000",
            "6200000000000005",
            "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
            "411111 111111 1111",
        ] {
            assert!(check(good.as_bytes()).is_some(), "{good}");
        }
        for bad in ["4111111111111112", "4111 1111-1111 1111", "41 1111 11 111111 11", "0000000000000000"] {
            assert!(check(bad.as_bytes()).is_none(), "{bad}");
        }
    }
}
