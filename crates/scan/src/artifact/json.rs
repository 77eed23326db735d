//! JSON that keeps what readers disagree about: members with the same name.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};

/// A JSON value. Objects keep their order and their duplicates.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    /// An integer that fits.
    Int(i128),
    /// Any other number.
    Number,
    String(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

struct Reader;

/// Reads one value; nesting is bounded (128). The encodings are those that Python's `json.loads` tells apart.
pub(crate) fn parse(bytes: &[u8]) -> Result<Json, serde_json::Error> {
    serde_json::from_slice(&decoded(bytes))
}

/// JSON as UTF-8, from UTF-8, UTF-16 or UTF-32, told apart by a byte order mark or by where the zeros are (RFC 4627,
/// section 3). What cannot be decoded stays as it is, which is no JSON.
pub(crate) fn decoded(bytes: &[u8]) -> Cow<'_, [u8]> {
    let (width, little, from) = match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => return Cow::Borrowed(rest),
        [0xff, 0xfe, 0, 0, ..] => (4, true, 4),
        [0, 0, 0xfe, 0xff, ..] => (4, false, 4),
        [0xff, 0xfe, ..] => (2, true, 2),
        [0xfe, 0xff, ..] => (2, false, 2),
        [0, 0, 0, 1..=255, ..] => (4, false, 0),
        [1..=255, 0, 0, 0, ..] => (4, true, 0),
        [0, 1..=255, ..] => (2, false, 0),
        [1..=255, 0, ..] => (2, true, 0),
        _ => return Cow::Borrowed(bytes),
    };
    let units = bytes.get(from..).unwrap_or_default().chunks_exact(width).map(|unit| {
        let value = |all: u32, byte: &u8| all << 8 | u32::from(*byte);
        if little { unit.iter().rev().fold(0, value) } else { unit.iter().fold(0, value) }
    });
    let text: String = if width == 4 {
        units.map(|unit| char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
    } else {
        let units = units.map(|unit| u16::try_from(unit).unwrap_or_default());
        char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
    };
    Cow::Owned(text.into_bytes())
}

// === impl Json ===

impl Json {
    /// The member of an object; the last one, as most readers take.
    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        self.members().iter().rev().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    pub(crate) fn members(&self) -> &[(String, Self)] {
        match self {
            Self::Object(members) => members,
            _ => &[],
        }
    }

    pub(crate) fn items(&self) -> &[Self] {
        match self {
            Self::Array(items) => items,
            _ => &[],
        }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn unsigned(&self) -> Option<u64> {
        match self {
            Self::Int(n) => u64::try_from(*n).ok(),
            _ => None,
        }
    }

    /// A name that an object has twice, anywhere below.
    pub(crate) fn duplicate(&self) -> Option<&str> {
        match self {
            Self::Object(members) => {
                let mut names: Vec<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
                names.sort_unstable();
                let twice = names.windows(2).find(|pair| pair.first() == pair.last());
                twice
                    .and_then(|pair| pair.first().copied())
                    .or_else(|| members.iter().find_map(|(_, v)| v.duplicate()))
            }
            Self::Array(items) => items.iter().find_map(Self::duplicate),
            _ => None,
        }
    }

    /// Calls `with` for each member of each object below, with its name.
    pub(crate) fn walk<'a>(&'a self, with: &mut dyn FnMut(&'a str, &'a Self)) {
        match self {
            Self::Object(members) => {
                for (name, value) in members {
                    with(name, value);
                    value.walk(with);
                }
            }
            Self::Array(items) => items.iter().for_each(|item| item.walk(with)),
            _ => {}
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

impl<'de> Visitor<'de> for Reader {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Int(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Int(value.into()))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Json, E> {
        Ok(Json::Number)
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(Json::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Json, E> {
        Ok(Json::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let mut array = Vec::new();
        while let Some(item) = items.next_element()? {
            array.push(item);
        }
        Ok(Json::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Json, A::Error> {
        let mut object = Vec::new();
        while let Some(member) = members.next_entry()? {
            object.push(member);
        }
        Ok(Json::Object(object))
    }
}
