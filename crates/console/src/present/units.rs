//! Numbers for reading.

use stockade_domain::Micros;

/// A count with separators, for example `12,040`.
pub(crate) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 finding`, `2 findings`: for nouns that take an `s`.
pub(crate) fn counted(n: u64, noun: &str) -> String {
    format!("{} {noun}{}", count(n), if n == 1 { "" } else { "s" })
}

/// A duration with three digits or so: `850 µs`, `4.1 ms`, `412 ms`, `1.24 s`, `2 min 5 s`.
pub(crate) fn duration(us: u64) -> String {
    match us {
        0..1_000 => format!("{us} µs"),
        1_000..100_000 => format!("{}.{} ms", us / 1_000, us / 100 % 10),
        100_000..1_000_000 => format!("{} ms", us / 1_000),
        1_000_000..60_000_000 => format!("{}.{:02} s", us / 1_000_000, us / 10_000 % 100),
        _ => format!("{} min {} s", us / 60_000_000, us / 1_000_000 % 60),
    }
}

/// A size in decimal units (IEC 80000-13 keeps `k` for a thousand): `312 B`, `4.1 kB`, `3.2 MB`.
pub(crate) fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{}.{} kB", bytes / 1_000, bytes / 100 % 10),
        _ => format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10),
    }
}

/// Money, which is counted in billionths of the unit of the prices: `0.25`, `0.000041`.
pub(crate) fn money(billionths: u64) -> String {
    let part = format!("{:09}", billionths % 1_000_000_000);
    let part = part.trim_end_matches('0');
    let shown = if part.len() < 2 { format!("{part:0<2}") } else { part.to_owned() };
    format!("{}.{shown}", count(billionths / 1_000_000_000))
}

/// The date and the time of day of a moment, UTC: `2026-11-20` and `12:00:01.123`.
pub(crate) fn date_and_clock(time: Micros) -> (String, String) {
    let text = time.to_string();
    let (date, clock) = text.split_once('T').unwrap_or((&text, ""));
    (date.to_owned(), clock.chars().take("12:00:01.123".len()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(
            [0, 1, 2].map(|n| counted(n, "entry part")),
            ["0 entry parts", "1 entry part", "2 entry parts"]
        );
        assert_eq!(
            [0, 999, 1_000, 99_999, 100_000, 1_240_000, 125_000_000].map(duration),
            ["0 µs", "999 µs", "1.0 ms", "99.9 ms", "100 ms", "1.24 s", "2 min 5 s"]
        );
        assert_eq!(
            [0, 41_000, 250_000_000, 1_234_000_000_000].map(money),
            ["0.00", "0.000041", "0.25", "1,234.00"]
        );
        assert_eq!([999, 4_100, 3_200_000].map(size), ["999 B", "4.1 kB", "3.2 MB"]);
        assert_eq!(
            date_and_clock(Micros::from_i64(1_795_176_000_000_001)),
            ("2026-11-20".to_owned(), "12:00:00.000".to_owned())
        );
    }
}
