//! JSON read in one way only: no name twice in an object, at any depth, and no deeper than a token's claims ever are.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::reason::Reason;

/// How deep arrays and objects may be nested. Claims of known providers have three levels.
const MAX_DEPTH: usize = 16;

/// What an error says so that it can be told from others: `serde` has no place for a kind.
const DUPLICATE: &str = "duplicate name";

/// A JSON object.
pub(crate) type Object = Map<String, Value>;

/// Reads an object, with nothing after it.
pub(crate) fn object(text: &[u8]) -> Result<Object, Reason> {
    let mut reader = serde_json::Deserializer::from_slice(text);
    let wrong = |error: serde_json::Error| {
        if error.to_string().starts_with(DUPLICATE) { Reason::DuplicateName } else { Reason::Malformed }
    };
    let value = Strict { left: MAX_DEPTH }.deserialize(&mut reader).map_err(wrong)?;
    reader.end().map_err(wrong)?;
    match value {
        Value::Object(object) => Ok(object),
        _ => Err(Reason::Malformed),
    }
}

#[derive(Clone, Copy)]
struct Strict {
    left: usize,
}

impl Strict {
    fn inside<E: serde::de::Error>(self) -> Result<Self, E> {
        self.left.checked_sub(1).map(|left| Self { left }).ok_or_else(|| E::custom("nested too deep"))
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("no finite number"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let inside = self.inside()?;
        let mut out = Vec::new();
        while let Some(item) = items.next_element_seed(inside)? {
            out.push(item);
        }
        Ok(Value::Array(out))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let inside = self.inside()?;
        let mut out = Map::new();
        while let Some(name) = fields.next_key::<String>()? {
            let value = fields.next_value_seed(inside)?;
            if out.insert(name, value).is_some() {
                return Err(A::Error::custom(DUPLICATE));
            }
        }
        Ok(Value::Object(out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_reading() {
        assert!(object(br#"{"a":[{"b":1.5}],"c":null}"#).is_ok());
        assert_eq!(object(br#"{"a":1,"a":1}"#), Err(Reason::DuplicateName));
        assert_eq!(object(br#"{"a":[{"b":1,"\u0062":2}]}"#), Err(Reason::DuplicateName));
        for bad in ["[]", "\"x\"", "{} {}", "{}x", "", "{\"a\":1,}", "{'a':1}", "\u{feff}{}", "{\"a\":1e999}"]
        {
            assert_eq!(object(bad.as_bytes()), Err(Reason::Malformed), "{bad}");
        }
        let deep = |n: usize| format!("{{\"a\":{}{}}}", "[".repeat(n), "]".repeat(n));
        assert!(object(deep(15).as_bytes()).is_ok());
        assert_eq!(object(deep(16).as_bytes()), Err(Reason::Malformed));
        assert_eq!(object(deep(8_000).as_bytes()), Err(Reason::Malformed));
        assert_eq!(object(b"{\"a\":\"\xff\"}"), Err(Reason::Malformed));
    }
}
