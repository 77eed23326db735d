//! IBAN: ISO 13616 lengths by country, and the check by ISO/IEC 7064 MOD 97-10.

/// Length by country, from the SWIFT IBAN registry.
#[rustfmt::skip]
const LENGTHS: &[(&[u8; 2], usize)] = &[
    (b"AD", 24), (b"AE", 23), (b"AL", 28), (b"AT", 20), (b"AZ", 28), (b"BA", 20), (b"BE", 16), (b"BG", 22),
    (b"BH", 22), (b"BI", 27), (b"BR", 29), (b"BY", 28), (b"CH", 21), (b"CR", 22), (b"CY", 28), (b"CZ", 24),
    (b"DE", 22), (b"DJ", 27), (b"DK", 18), (b"DO", 28), (b"EE", 20), (b"EG", 29), (b"ES", 24), (b"FI", 18),
    (b"FK", 18), (b"FO", 18), (b"FR", 27), (b"GB", 22), (b"GE", 22), (b"GI", 23), (b"GL", 18), (b"GR", 27),
    (b"GT", 28), (b"HN", 28), (b"HR", 21), (b"HU", 28), (b"IE", 22), (b"IL", 23), (b"IQ", 23), (b"IS", 26),
    (b"IT", 27), (b"JO", 30), (b"KW", 30), (b"KZ", 20), (b"LB", 28), (b"LC", 32), (b"LI", 21), (b"LT", 20),
    (b"LU", 20), (b"LV", 21), (b"LY", 25), (b"MC", 27), (b"MD", 24), (b"ME", 22), (b"MK", 19), (b"MN", 20),
    (b"MR", 27), (b"MT", 31), (b"MU", 30), (b"NI", 28), (b"NL", 18), (b"NO", 15), (b"OM", 23), (b"PK", 24),
    (b"PL", 28), (b"PS", 29), (b"PT", 25), (b"QA", 29), (b"RO", 24), (b"RS", 22), (b"RU", 33), (b"SA", 24),
    (b"SC", 31), (b"SD", 18), (b"SE", 24), (b"SI", 19), (b"SK", 24), (b"SM", 27), (b"SO", 23), (b"ST", 25),
    (b"SV", 28), (b"TL", 23), (b"TN", 24), (b"TR", 26), (b"UA", 29), (b"VA", 22), (b"VG", 24), (b"XK", 20),
    (b"YE", 30),
];

pub(super) fn check(text: &[u8]) -> Option<i16> {
    // Candidates are many in a hostile text: the country and the length refuse most.
    let country: &[u8; 2] = text.first_chunk()?;
    let at =
        LENGTHS.binary_search_by_key(&country.to_ascii_uppercase().as_slice(), |(known, _)| known.as_slice());
    let (_, length) = LENGTHS.get(at.ok()?)?;
    // A sum of bytes, which the pattern keeps below 256.
    let count = text.iter().fold(0_u8, |sum, b| sum.wrapping_add(u8::from(b.is_ascii_alphanumeric())));
    if usize::from(count) != *length {
        return None;
    }
    let plain: Vec<u8> =
        text.iter().filter(|b| b.is_ascii_alphanumeric()).map(u8::to_ascii_uppercase).collect();
    // Check digits are 98 less a remainder of 0 to 96 (ISO/IEC 7064 section 7).
    let possible = !matches!(plain.get(2..4)?, b"00" | b"01" | b"99");
    (possible && remainder(&plain)? == 1).then_some(0)
}

/// Whether the number passes the division, whatever its check digits.
pub(crate) fn divides(text: &str) -> bool {
    let plain: Vec<u8> = text.bytes().filter(u8::is_ascii_alphanumeric).collect();
    remainder(&plain) == Some(1)
}

/// The number modulo 97 with the first four characters moved to the end and letters read as 10 to 35.
fn remainder(plain: &[u8]) -> Option<u32> {
    let (first, rest) = plain.split_at_checked(4)?;
    rest.iter().chain(first).try_fold(0_u32, |value, byte| {
        let digit = char::from(*byte).to_digit(36)?;
        Some((value * if digit > 9 { 100 } else { 10 } + digit) % 97)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_examples_of_the_registry_and_refuses_one_wrong_digit() {
        for good in [
            "NO9386011117947",
            "MT84MALT011000012345MTLCAST001S",
            "CH93 0076 2011 6238 5295 7",
            "be68539007547034",
        ] {
            assert!(check(good.as_bytes()).is_some(), "{good}");
            let bad = good.replacen('8', "9", 1).replacen("93", "39", 1);
            assert!(check(bad.as_bytes()).is_none(), "{bad}");
        }
    }

    #[test]
    fn the_table_is_sorted_and_within_the_pattern() {
        assert!(LENGTHS.is_sorted());
        assert!(LENGTHS.iter().all(|(_, length)| (15..=34).contains(length)));
    }
}
