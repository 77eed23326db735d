//! Values with units: `32 MiB`, `20s`.

use std::fmt;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ByteCount(pub(crate) usize);

/// A length of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span(pub(crate) Duration);

/// Money, in billionths of the unit that prices are in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Money(pub(crate) u64);

/// So many make one.
const BILLION: u64 = 1_000_000_000;

/// More than a billion of a unit is a slip of the pen.
const MOST_MONEY: u64 = 1_000_000_000;

const SIZES: &[(&str, usize)] = &[("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];
const TIMES: &[(&str, u64)] = &[("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

#[derive(Deserialize)]
#[serde(untagged)]
enum Raw {
    Number(u64),
    Text(String),
}

/// A number and a unit, with or without a blank between.
fn split(text: &str) -> Option<(u64, &str)> {
    let at = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(at)?;
    Some((number.parse().ok()?, unit.trim()))
}

impl ByteCount {
    fn read(raw: &Raw) -> Option<Self> {
        let (number, factor) = match raw {
            Raw::Number(n) => (*n, 1),
            Raw::Text(text) => {
                let (number, unit) = split(text)?;
                (number, SIZES.iter().find(|(name, _)| *name == unit)?.1)
            }
        };
        usize::try_from(number).ok()?.checked_mul(factor).map(Self)
    }
}

impl Money {
    /// Reads `12`, `12.5`, `0.000000001`.
    fn parse(text: &str) -> Option<Self> {
        let (whole, part) = text.split_once('.').unwrap_or((text, ""));
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || !digits(whole) || !digits(part) || part.len() > 9 {
            return None;
        }
        let whole: u64 = whole.parse().ok().filter(|whole| *whole <= MOST_MONEY)?;
        let part: u64 = format!("{part:0<9}").parse().ok()?;
        Some(Self(whole.checked_mul(BILLION)?.checked_add(part)?))
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Sum {
            Whole(u64),
            Decimal(f64),
            Text(String),
        }
        let what = "an amount of money such as `12.50`";
        let text = match Sum::deserialize(d).map_err(|_| serde::de::Error::custom(what))? {
            Sum::Whole(n) => n.to_string(),
            // The shortest text that reads as the same number: what was written.
            Sum::Decimal(n) => format!("{n}"),
            Sum::Text(text) => text,
        };
        Self::parse(&text).ok_or_else(|| {
            serde::de::Error::custom(format!(
                "`{text}` is not {what}, of at most nine digits after the point"
            ))
        })
    }
}

impl Span {
    pub(crate) const fn seconds(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    /// Reads `90s`, `15m`, `7d`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (number, unit) = split(text)?;
        let factor = TIMES.iter().find(|(name, _)| *name == unit)?.1;
        number.checked_mul(factor).map(|ms| Self(Duration::from_millis(ms)))
    }
}

impl fmt::Display for ByteCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, factor) =
            SIZES.iter().find(|(_, size)| self.0 > 0 && self.0.is_multiple_of(*size)).unwrap_or(&("B", 1));
        write!(f, "{} {unit}", self.0 / factor)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{}.{:09}", self.0 / BILLION, self.0 % BILLION);
        f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX);
        let fits = |(_, factor): &&(&str, u64)| ms > 0 && ms.is_multiple_of(*factor);
        let (unit, factor) = TIMES.iter().rev().find(fits).unwrap_or(&("ms", 1));
        write!(f, "{}{unit}", ms / factor)
    }
}

macro_rules! as_text {
    ($type:ident, $read:expr, $what:literal) => {
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let raw = Raw::deserialize(d).map_err(|_| serde::de::Error::custom($what))?;
                let shown = match &raw {
                    Raw::Number(n) => n.to_string(),
                    Raw::Text(t) => t.clone(),
                };
                $read(&raw).ok_or_else(|| serde::de::Error::custom(format!("`{shown}` is not {}", $what)))
            }
        }
    };
}

as_text!(ByteCount, ByteCount::read, "a size such as `32 MiB`");
as_text!(
    Span,
    |raw: &Raw| match raw {
        Raw::Number(_) => None,
        Raw::Text(text) => Span::parse(text),
    },
    "a time such as `20s`, `15m` or `24h`"
);

impl JsonSchema for ByteCount {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ByteCount".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A number of bytes, with or without a unit: `32 MiB`.",
            "anyOf": [
                {"type": "integer", "minimum": 0},
                {"type": "string", "pattern": "^[0-9]+ *(B|KiB|MiB|GiB)$"},
            ],
        })
    }
}

impl JsonSchema for Money {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Money".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "An amount of money, in a unit of your choice: `12.50`.",
            "anyOf": [
                {"type": "number", "minimum": 0},
                {"type": "string", "pattern": "^[0-9]+([.][0-9]{1,9})?$"},
            ],
        })
    }
}

impl JsonSchema for Span {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Span".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A length of time with its unit: `20s`, `15m`, `24h`.",
            "type": "string",
            "pattern": "^[0-9]+ *(ms|s|m|h|d)$",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_kept_to_the_billionth() {
        for (text, billionths) in [("0.15", 150_000_000), ("12", 12_000_000_000), ("0.000000001", 1)] {
            let money = Money::parse(text).unwrap();
            assert_eq!((money.0, money.to_string().as_str()), (billionths, text));
        }
        for bad in ["", "-1", "1e3", ".5", "0.0000000001", "99999999999", "1,5"] {
            assert!(Money::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn units_round_trip() {
        for (text, ms) in [("20s", 20_000), ("15m", 900_000), ("1d", 86_400_000), ("250ms", 250)] {
            let span = Span::parse(text).unwrap();
            assert_eq!((span.0.as_millis(), span.to_string().as_str()), (ms, text));
        }
        assert_eq!(ByteCount::read(&Raw::Text("32MiB".to_owned())), Some(ByteCount(32 << 20)));
        assert_eq!(ByteCount(32 << 10).to_string(), "32 KiB");
        for bad in ["", "5", "s", "5 parsecs", "99999999999999999999s"] {
            assert!(Span::parse(bad).is_none(), "{bad}");
        }
    }
}
