//! Digits and letters as numbers, and the sums that check digits are made of.

/// The digits of a text, whatever stands between them: exactly `N`, not all the same.
pub(super) fn digits<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let mut out = [0; N];
    let mut slots = out.iter_mut();
    for byte in text.iter().filter(|b| b.is_ascii_digit()) {
        *slots.next()? = byte - b'0';
    }
    (slots.next().is_none() && varied(&out)).then_some(out)
}

/// Letters and digits of a text, in upper case: exactly `N`.
pub(super) fn letters<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let mut out = [0; N];
    let mut slots = out.iter_mut();
    for byte in text.iter().filter(|b| b.is_ascii_alphanumeric()) {
        *slots.next()? = byte.to_ascii_uppercase();
    }
    slots.next().is_none().then_some(out)
}

/// The values of ASCII digits; none when something else is among them.
pub(super) fn values<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let mut out = [0; N];
    if text.len() != N {
        return None;
    }
    for (slot, byte) in out.iter_mut().zip(text) {
        *slot = byte.is_ascii_digit().then(|| byte - b'0')?;
    }
    Some(out)
}

/// One digit over and over is a placeholder.
pub(super) fn varied(digits: &[u8]) -> bool {
    digits.iter().any(|d| Some(d) != digits.first())
}

/// The sum of digits by weights; what has no weight does not count.
pub(super) fn sum(digits: &[u8], weights: &[u32]) -> u32 {
    digits.iter().zip(weights).map(|(d, w)| u32::from(*d) * w).sum()
}

/// The number that at most 18 digits write.
pub(super) fn number(digits: &[u8]) -> u64 {
    digits.iter().fold(0, |value: u64, d| value.wrapping_mul(10).wrapping_add(u64::from(*d)))
}

/// 0 to 9 as they are, A to Z as 10 to 35.
pub(super) fn value(byte: u8) -> u32 {
    char::from(byte).to_digit(36).unwrap_or(0)
}

/// Whether a date exists: years 1850 to 2099.
pub(super) fn date(year: u64, month: u64, day: u64) -> bool {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let last = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return false,
    };
    (1850..2100).contains(&year) && (1..=last).contains(&day)
}

/// Two digits of a year, two of a month, two of a day, of which the century is not known.
pub(super) fn short_date(year: u64, month: u64, day: u64) -> bool {
    date(1900 + year, month, day) || date(2000 + year, month, day)
}

/// ISO/IEC 7064 MOD 11,10 over all digits, the check digit being the last.
pub(super) fn mod_11_10(digits: &[u8]) -> bool {
    let Some((check, body)) = digits.split_last() else { return false };
    let product = body.iter().fold(10_u32, |product, digit| {
        let sum = (u32::from(*digit) + product) % 10;
        (if sum == 0 { 10 } else { sum }) * 2 % 11
    });
    (11 - product) % 10 == u32::from(*check)
}

/// ISO/IEC 7064 MOD 97-10 over digits and letters: the remainder.
pub(super) fn mod_97(text: impl IntoIterator<Item = u8>) -> u32 {
    text.into_iter().fold(0, |rest, byte| {
        let digit = value(byte);
        (rest * if digit > 9 { 100 } else { 10 } + digit) % 97
    })
}

/// Verhoeff's check over all digits, the check digit being the last (J. Verhoeff, 1969).
pub(super) fn verhoeff(digits: &[u8]) -> bool {
    const PERMUTE: [[u8; 10]; 8] = [
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
        [1, 5, 7, 6, 2, 8, 3, 0, 9, 4],
        [5, 8, 0, 3, 7, 9, 6, 1, 4, 2],
        [8, 9, 1, 6, 0, 4, 3, 5, 2, 7],
        [9, 4, 5, 3, 1, 2, 6, 8, 7, 0],
        [4, 2, 8, 6, 5, 7, 3, 9, 0, 1],
        [2, 7, 9, 3, 8, 0, 6, 4, 1, 5],
        [7, 0, 4, 6, 9, 1, 3, 2, 5, 8],
    ];
    // The dihedral group of order 10: rotations 0 to 4, reflections 5 to 9.
    let multiply = |a: u8, b: u8| match (a < 5, b < 5) {
        (true, true) => (a + b) % 5,
        (true, false) => (a + b - 5) % 5 + 5,
        (false, true) => (a + 5 - b) % 5 + 5,
        (false, false) => (a + 5 - b) % 5,
    };
    let permuted = |at: usize, digit: u8| {
        PERMUTE.get(at % 8).and_then(|row| row.get(usize::from(digit))).copied().unwrap_or(0)
    };
    digits.iter().rev().enumerate().fold(0, |c, (at, digit)| multiply(c, permuted(at, *digit))) == 0
}

/// The product sum by which Luhn's formula adds digits of doubled numbers.
pub(super) fn cross(value: u32) -> u32 {
    value / 10 + value % 10
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_agree_with_published_examples() {
        assert!(verhoeff(&[2, 3, 6, 3]) && !verhoeff(&[2, 3, 6, 4]) && verhoeff(&[1, 2, 3, 4, 5, 1]));
        assert!(mod_11_10(&[0, 7, 9, 4, 5]) && !mod_11_10(&[0, 7, 9, 4, 6]));
        assert!(date(2000, 2, 29) && !date(1900, 2, 29) && !date(2001, 13, 1) && !date(2001, 4, 31));
        assert_eq!(digits::<3>(b"1-2 3"), Some([1, 2, 3]));
        assert_eq!(digits::<3>(b"111"), None);
        assert_eq!(digits::<3>(b"1234"), None);
    }
}
