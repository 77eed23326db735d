//! Credentials: check sums where the format has one, entropy where it has not.

/// The alphabet of base62 check sums.
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The least Shannon entropy of an AWS secret key, in thousandths of a bit a character. 40 random characters of 64
/// have about 4.7 bits; words joined by slashes have less than 4.
const AWS_ENTROPY: u32 = 3_900;

/// 40 characters that look drawn at random: all sorts of characters, so that hashes in hexadecimal are out.
pub(super) fn aws(text: &[u8]) -> Option<i16> {
    let some = |test: fn(&u8) -> bool| text.iter().any(test);
    let mixed = some(u8::is_ascii_uppercase) && some(u8::is_ascii_lowercase) && some(u8::is_ascii_digit);
    (mixed && entropy(text) >= AWS_ENTROPY).then_some(0)
}

/// The six last characters are a CRC-32 of the 30 before, as GitHub described it in 2021. The scheme is not normative, so
/// a token that fails it still counts.
pub(super) fn github(text: &[u8]) -> Option<i16> {
    let body = text.get(4..34).unwrap_or_default();
    let sum = text.get(34..).unwrap_or_default();
    Some(if sum == base62(crc32fast::hash(body)) { 100 } else { 0 })
}

/// The six last characters are a CRC-32 of all before them.
pub(super) fn stockade(text: &[u8]) -> Option<i16> {
    let (body, sum) = text.split_at_checked(text.len().saturating_sub(6)).unwrap_or_default();
    Some(if sum == base62(crc32fast::hash(body)) { 50 } else { 0 })
}

/// Six digits of base62, most significant first.
pub(super) fn base62(mut value: u32) -> [u8; 6] {
    let mut out = [b'0'; 6];
    for slot in out.iter_mut().rev() {
        let digit = usize::try_from(value % 62).unwrap_or(0);
        *slot = BASE62.get(digit).copied().unwrap_or(b'0');
        value /= 62;
    }
    out
}

/// Shannon entropy in thousandths of a bit a character.
pub(super) fn entropy(text: &[u8]) -> u32 {
    let mut counts = [0_u32; 256];
    for byte in text {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count += 1;
        }
    }
    let total = f64::from(u32::try_from(text.len()).unwrap_or(u32::MAX)).max(1.0);
    let bits: f64 = counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| {
            let share = f64::from(*count) / total;
            -share * share.log2()
        })
        .sum();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 8000")]
    let thousandths = (bits * 1_000.0) as u32;
    thousandths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_sums_raise_confidence() {
        let body = "0123456789abcdefghijABCDEFGHIJ";
        let sum = base62(crc32fast::hash(body.as_bytes()));
        let token = format!("ghp_{body}{}", std::str::from_utf8(&sum).unwrap());
        assert_eq!(github(token.as_bytes()), Some(100));
        assert_eq!(github(format!("ghp_{body}000000").as_bytes()), Some(0));
        assert_eq!(base62(61), *b"00000z");
        assert_eq!(base62(u32::MAX), *b"4gfFC3");
    }

    #[test]
    fn entropy_tells_random_from_words() {
        assert!(aws(b"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY").is_some());
        for not in ["356a192b7913b04c54574d18c28d46e6395428ab", "usr/share/doc/Package1/and/and/more/docs/"] {
            assert!(aws(not.as_bytes()).is_none(), "{not}");
        }
    }
}
