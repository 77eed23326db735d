//! Payment cards: ISO/IEC 7812-1 numbering, Luhn's check digit, and the ways in which people group the digits.

/// Least and most digits of a primary account number here. (ISO/IEC 7812-1 allows fewer; nobody issues them.)
const LEAST: usize = 13;
const MOST: usize = 19;

pub(super) fn check(text: &[u8]) -> Option<i16> {
    // Candidates are many in a hostile text: what refuses most comes first, and nothing is allocated.
    if !possible(text) {
        return None;
    }
    let mut digits = [0; MOST];
    let mut count = 0_usize;
    for byte in text.iter().filter(|b| b.is_ascii_digit()) {
        *digits.get_mut(count)? = byte - b'0';
        count = count.saturating_add(1);
    }
    let digits = digits.get(..count).filter(|d| d.len() >= LEAST)?;
    let good = may_end(ends(text).0, text.len()) && varied(digits);
    if good { grouping(text) } else { None }
}

/// Whether the separators could be those of a card, by the first two.
fn possible(text: &[u8]) -> bool {
    let Some(group) = text.iter().position(|b| !b.is_ascii_digit()) else { return true };
    let separator = text.get(group);
    let rest = text.get(group.saturating_add(1)..).unwrap_or_default();
    let next = rest.iter().position(|b| !b.is_ascii_digit());
    // Pairs are never good; of single digits the next is one, too.
    group != 2
        && next.is_none_or(|at| rest.get(at) == separator)
        && (group != 1 || next.is_none_or(|at| at == 1))
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

/// Of a text that begins with digits, spaces and hyphens: after how many bytes, as bits, a number ends that has an issuer
/// and passes the check, and whether the end of the text cuts it off. One walk for all lengths, which a row of digits asks
/// for at each of its places.
pub(crate) fn ends(text: &[u8]) -> (u64, bool) {
    /// What a digit counts for in every other place.
    const DOUBLED: [u8; 10] = [0, 2, 4, 6, 8, 1, 3, 5, 7, 9];
    let (mut good, mut issued, mut prefix) = (0_u64, 0_u32, 0_u32);
    let mut count = 0_usize;
    // Of the digits so far: the sum when the next is the last of them, and when it is the last but one.
    let (mut last, mut other) = (0_u32, 0_u32);
    for (at, byte) in text.iter().enumerate().take(64) {
        let Some(doubled) = DOUBLED.get(usize::from(byte.wrapping_sub(b'0'))) else {
            if matches!(byte, b' ' | b'-') {
                continue;
            }
            return (good, false);
        };
        let digit = u32::from(byte - b'0');
        (last, other) = (other + digit, last + u32::from(*doubled));
        count += 1;
        if count <= 4 {
            prefix = prefix * 10 + digit;
            if count == 4 {
                issued = issuer(prefix);
                if issued == 0 {
                    return (0, false);
                }
            }
        } else if issued >> count & 1 == 1 && last.is_multiple_of(10) {
            good |= 2_u64.checked_shl(u32::try_from(at).unwrap_or(0)).unwrap_or(0);
        }
        if count == MOST {
            return (good, false);
        }
    }
    (good, text.len() < 64)
}

/// Whether a number of so many bytes is among those that [`ends`] found.
pub(crate) const fn may_end(ends: u64, length: usize) -> bool {
    length >= 64 || ends >> length & 1 == 1
}

/// The lengths of numbers that an issuer of that prefix of four digits gives out, as bits.
const fn issuer(prefix: u32) -> u32 {
    /// From so many digits on, up to nineteen.
    const fn from(least: u32) -> u32 {
        (1 << (MOST + 1)) - (1 << least)
    }
    match prefix {
        4000..=4999 => 1 << 13 | 1 << 16 | 1 << 18 | 1 << 19,
        5100..=5599 | 2221..=2720 => 1 << 16,
        3400..=3499 | 3700..=3799 => 1 << 15,
        3000..=3059 | 3095 | 3600..=3699 | 3800..=3999 => from(14),
        3528..=3589 | 6011 | 6200..=6299 | 6440..=6599 | 8100..=8171 | 2200..=2204 | 9792 => from(16),
        5000..=5099 | 5600..=5899 | 6000..=6999 => from(13),
        _ => 0,
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
    let mut lengths = [0_usize; MOST];
    let mut count = 0_usize;
    for group in text.split(|b| b == separator) {
        *lengths.get_mut(count)? = group.len();
        count = count.saturating_add(1);
    }
    let groups = lengths.get(..count)?;
    let (last, before) = groups.split_last()?;
    match groups {
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
    fn one_walk_says_what_each_length_says() {
        let mut seed = 7_u64;
        for round in 0..2_000 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let digits = format!("{}{:019}", [4, 5, 6, 3, 2][usize::try_from(seed % 5).unwrap()], seed >> 1);
            let between = ["", " ", "-"][round % 3];
            let text = digits.chars().map(|c| format!("{c}{between}")).collect::<String>();
            let (all, _) = ends(text.as_bytes());
            for length in LEAST..=MOST {
                let end = length + (length - 1) * between.len();
                let digits: Vec<u8> = digits.bytes().take(length).map(|b| b - b'0').collect();
                let prefix = digits.iter().take(4).fold(0, |value, d| value * 10 + u32::from(*d));
                let expected = luhn(&digits) && issuer(prefix) >> length & 1 == 1;
                assert_eq!(may_end(all, end), expected, "{text} {length}");
            }
        }
    }

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
