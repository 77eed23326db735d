//! Telephone numbers: ITU-T E.164 country codes and lengths, the North American plan, national forms by context.

use super::digits::varied;

/// Country calling codes with the least and most digits of a national number, as the ITU's national numbering plans
/// have them; those of one zone that are not listed are 6 to 12.
#[rustfmt::skip]
const PLANS: &[(u32, usize, usize)] = &[
    (1, 10, 10), (7, 10, 10), (20, 8, 10), (27, 9, 9), (30, 10, 10), (31, 9, 9), (32, 8, 9), (33, 9, 9),
    (34, 9, 9), (36, 8, 9), (39, 6, 11), (40, 9, 9), (41, 9, 9), (43, 7, 13), (44, 9, 10), (45, 8, 8),
    (46, 7, 10), (47, 8, 8), (48, 9, 9), (49, 6, 12), (51, 8, 9), (52, 10, 11), (53, 6, 8), (54, 10, 11),
    (55, 10, 11), (56, 9, 9), (57, 8, 10), (58, 10, 10), (60, 8, 10), (61, 9, 9), (62, 8, 12), (63, 8, 10),
    (64, 8, 10), (65, 8, 8), (66, 8, 9), (81, 9, 10), (82, 8, 10), (84, 9, 10), (86, 9, 11), (90, 10, 10),
    (91, 10, 10), (92, 9, 10), (93, 9, 9), (94, 9, 9), (95, 7, 10), (98, 10, 10), (212, 9, 9), (213, 8, 9),
    (216, 8, 8), (234, 8, 10), (254, 9, 10), (351, 9, 9), (352, 5, 11), (353, 7, 9), (354, 7, 9), (356, 8, 8),
    (357, 8, 8), (358, 6, 11), (359, 8, 9), (370, 8, 8), (371, 8, 8), (372, 7, 8), (380, 9, 9), (381, 8, 10),
    (385, 8, 9), (386, 8, 8), (420, 9, 9), (421, 9, 9), (852, 8, 8), (853, 8, 8), (886, 8, 9), (880, 8, 10),
    (966, 8, 9), (971, 8, 9), (972, 8, 9),
];

/// Three-digit codes begin with these two; others of the zones are one or two digits long.
const THREE: &[u32] =
    &[21, 22, 23, 24, 25, 26, 29, 35, 37, 38, 42, 50, 59, 67, 68, 69, 80, 85, 87, 88, 96, 97, 99];

/// The digits of a text, at most 24, without an allocation: a hostile text has many candidates.
struct Digits {
    all: [u8; 24],
    count: usize,
}

impl Digits {
    fn of(text: &[u8]) -> Option<Self> {
        let mut digits = Self { all: [0; 24], count: 0 };
        for byte in text {
            match byte {
                b'0'..=b'9' => {
                    *digits.all.get_mut(digits.count)? = byte - b'0';
                    digits.count = digits.count.saturating_add(1);
                }
                // An extension is no part of the number.
                b'x' | b'X' | b'e' | b'E' => break,
                _ => {}
            }
        }
        Some(digits)
    }

    fn get(&self) -> &[u8] {
        self.all.get(..self.count).unwrap_or_default()
    }
}

/// An international number: an assigned country code, a national number of a length that exists there.
pub(super) fn international(text: &[u8]) -> Option<i16> {
    let digits = Digits::of(text)?;
    let digits =
        if text.first() == Some(&b'+') { digits.get() } else { digits.get().strip_prefix(&[0, 0])? };
    let prefix = |n: usize| digits.iter().take(n).fold(0, |value: u32, d| value * 10 + u32::from(*d));
    let (code, length) = match prefix(2) {
        10..=19 => (1, 1),
        70..=79 => (7, 1),
        two if THREE.contains(&two) => (prefix(3), 3),
        two => (two, 2),
    };
    let mut national = digits.get(length..)?;
    // "(0)" is written for those who dial from within the country.
    if let Some(rest) = national.strip_prefix(&[0])
        && code != 39
        && text.windows(3).any(|w| w == b"(0)")
    {
        national = rest;
    }
    let (least, most) =
        PLANS.iter().find(|(known, _, _)| *known == code).map_or((6, 12), |(_, least, most)| (*least, *most));
    let fits = (least..=most).contains(&national.len()) && digits.len() <= 15;
    let parens = text.iter().filter(|b| **b == b'(').count() == text.iter().filter(|b| **b == b')').count();
    let broken =
        text.windows(2).any(|w| matches!(w, b"()" | b")(" | b"((" | b"))" | b"--" | b".." | b"//" | b"  "));
    (fits && parens && !broken && varied(national) && (code != 1 || american(national))).then_some(0)
}

/// Area code and exchange of the North American Numbering Plan.
fn american(national: &[u8]) -> bool {
    matches!(national, [2..=9, b, c, 2..=9, e, f, ..] if (*b, *c) != (1, 1) && (*e, *f) != (1, 1))
}

/// A number of the North American plan with or without the 1.
pub(super) fn nanp(text: &[u8]) -> Option<i16> {
    let digits = Digits::of(text)?;
    let digits = digits.get();
    let national = digits.strip_prefix(&[1]).unwrap_or(digits);
    let parens = text.contains(&b'(') == text.contains(&b')');
    (national.len() == 10 && parens && american(national) && varied(national)).then_some(0)
}

/// A national number that a word names: 7 to 13 digits, no date, brackets in pairs.
pub(super) fn national(text: &[u8]) -> Option<i16> {
    let digits = Digits::of(text)?;
    let digits = digits.get();
    let count = |wanted: u8| text.iter().filter(|b| **b == wanted).count();
    let parens = count(b'(') == count(b')') && count(b'(') < 2;
    let mut lengths = [0_usize; 7];
    let mut runs = text.split(|b| !b.is_ascii_digit()).map(<[u8]>::len).filter(|length| *length > 0);
    let mut found = 0_usize;
    for (slot, length) in lengths.iter_mut().zip(&mut runs) {
        *slot = length;
        found = found.saturating_add(1);
    }
    let groups = lengths.get(..found)?;
    let dotted = count(b'.') == 3 && groups.iter().all(|length| *length <= 3);
    let dated =
        matches!(groups, [4, 2, 2] | [2, 2, 4] | [1 | 2, 1 | 2, 4] | [4, 1 | 2, 1 | 2] | [4, 2, 2, ..]);
    let short = groups.iter().filter(|length| **length == 1).count() > 1 || groups.len() > 6;
    // Pairs that count up are a list.
    let counted = || {
        let mut last = [u32::MAX / 2; 2];
        let mut pairs = text.split(|b| !b.is_ascii_digit()).filter_map(two);
        found > 3
            && pairs.any(|pair| {
                let [a, b] = last;
                last = [b, pair];
                a + 1 == b && b + 1 == pair
            })
    };
    let abroad = digits.starts_with(&[0, 0]);
    let stamped = digits.len() == 10 && groups.len() == 1 && digits.starts_with(&[1]);
    ((7..=13).contains(&digits.len())
        && parens
        && !dotted
        && !dated
        && !short
        && !abroad
        && !stamped
        && varied(digits)
        && !counted())
    .then_some(0)
}

/// The value of two digits.
fn two(pair: &[u8]) -> Option<u32> {
    match pair {
        [a, b] => Some(u32::from(a - b'0') * 10 + u32::from(b - b'0')),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_are_kept() {
        for good in [
            "+1 (415) 867-5309",
            "+49 (0)30 901820",
            "+44 20 7946 0958",
            "0033 1 42 68 53 00",
            "+852 2810 2201",
        ] {
            assert!(international(good.as_bytes()).is_some(), "{good}");
        }
        for bad in ["+1 123 456 7890", "+33 1 42 68 53", "+999 12", "+49 (030 901820", "+1 415 111 5309"] {
            assert!(international(bad.as_bytes()).is_none(), "{bad}");
        }
        assert!(nanp(b"(415) 867-5309").is_some() && nanp(b"415-867-530").is_none());
        assert!(national(b"030 901820").is_some() && national(b"2024-05-01").is_none());
    }
}
