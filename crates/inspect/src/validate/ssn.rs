//! US social security numbers: what the SSA never gives out.

/// Numbers that were printed in advertisements and are in every test file.
const PRINTED: &[&[u8]] = &[b"078051120", b"219099999", b"123456789", b"457555462"];

pub(super) fn check(text: &[u8]) -> Option<i16> {
    let mut separators = text.iter().filter(|b| !b.is_ascii_digit());
    let first = separators.next();
    if separators.any(|b| Some(b) != first) {
        return None;
    }
    let digits: Vec<u8> = text.iter().copied().filter(u8::is_ascii_digit).collect();
    let (area, rest) = digits.split_at_checked(3)?;
    let (group, serial) = rest.split_at_checked(2)?;
    let never =
        area == b"000" || area == b"666" || area.starts_with(b"9") || group == b"00" || serial == b"0000";
    (!never && serial.len() == 4 && !PRINTED.contains(&digits.as_slice())).then_some(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn area_group_and_serial() {
        for good in ["536-22-8145", "536 22 8145", "001010001"] {
            assert!(check(good.as_bytes()).is_some(), "{good}");
        }
        for bad in [
            "000-22-8145",
            "666-22-8145",
            "900-22-8145",
            "536-00-8145",
            "536-22-0000",
            "536-22 8145",
            "078-05-1120",
        ] {
            assert!(check(bad.as_bytes()).is_none(), "{bad}");
        }
    }
}
