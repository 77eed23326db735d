//! Serde into canonical bytes, with no tree in between and no allocation once the buffers have grown.
//!
//! Members are written in the order they come and put in order when their object ends; declared structs are mostly
//! in order already or nearly so.

use std::fmt::Display;
use std::ops::Range;

use serde::ser::{self, Serialize};

use super::{MAX_DEPTH, MAX_SAFE_INTEGER, compare_keys};

/// Why a value has no canonical form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct EncodeError(pub(crate) String);

/// Reusable buffers of the serializer.
#[derive(Debug, Default)]
pub(crate) struct Encoder {
    out: Vec<u8>,
    /// Raw keys of the objects that are open, one after the other.
    keys: String,
    /// Members of the objects that are open.
    members: Vec<Member>,
    scratch: Vec<u8>,
    depth: usize,
}

#[derive(Debug)]
struct Member {
    key: Range<usize>,
    /// `"key":value` in `out`, without a comma.
    text: Range<usize>,
}

/// An object that is being written.
pub(crate) struct Object<'a> {
    encoder: &'a mut Encoder,
    first_member: usize,
    keys_start: usize,
    /// Set for an enum's variant that is wrapped in an object of one member.
    wrapped: bool,
}

/// An array that is being written.
pub(crate) struct Array<'a> {
    encoder: &'a mut Encoder,
    any: bool,
    wrapped: bool,
}

type Done = Result<(), EncodeError>;

// === impl EncodeError ===

impl ser::Error for EncodeError {
    fn custom<T: Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

// === impl Encoder ===

impl Encoder {
    /// The canonical form of a value.
    pub(crate) fn encode<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<&[u8], EncodeError> {
        self.out.clear();
        self.keys.clear();
        self.members.clear();
        self.depth = 0;
        value.serialize(&mut *self)?;
        Ok(&self.out)
    }

    fn enter(&mut self) -> Done {
        self.depth = self.depth.saturating_add(1);
        if self.depth > MAX_DEPTH {
            return Err(EncodeError(format!("nested deeper than {MAX_DEPTH}")));
        }
        Ok(())
    }

    fn object(&mut self) -> Result<Object<'_>, EncodeError> {
        self.enter()?;
        self.out.push(b'{');
        Ok(Object {
            first_member: self.members.len(),
            keys_start: self.keys.len(),
            encoder: self,
            wrapped: false,
        })
    }

    fn array(&mut self) -> Result<Array<'_>, EncodeError> {
        self.enter()?;
        self.out.push(b'[');
        Ok(Array { encoder: self, any: false, wrapped: false })
    }

    fn wrap(&mut self, variant: &'static str) {
        self.out.push(b'{');
        self.string(variant);
        self.out.push(b':');
    }

    fn integer(&mut self, negative: bool, magnitude: u64) -> Done {
        if magnitude > MAX_SAFE_INTEGER {
            return Err(EncodeError("an integer is beyond 2^53 - 1".to_owned()));
        }
        if negative {
            self.out.push(b'-');
        }
        self.out.extend_from_slice(itoa::Buffer::new().format(magnitude).as_bytes());
        Ok(())
    }

    fn string(&mut self, text: &str) {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        self.out.push(b'"');
        let mut rest = text.as_bytes();
        while let Some(at) = rest.iter().position(|b| *b < 0x20 || *b == b'"' || *b == b'\\') {
            let (plain, tail) = rest.split_at(at);
            self.out.extend_from_slice(plain);
            let Some((byte, tail)) = tail.split_first() else { break };
            match byte {
                b'"' => self.out.extend_from_slice(b"\\\""),
                b'\\' => self.out.extend_from_slice(b"\\\\"),
                0x08 => self.out.extend_from_slice(b"\\b"),
                b'\t' => self.out.extend_from_slice(b"\\t"),
                b'\n' => self.out.extend_from_slice(b"\\n"),
                0x0c => self.out.extend_from_slice(b"\\f"),
                b'\r' => self.out.extend_from_slice(b"\\r"),
                _ => {
                    self.out.extend_from_slice(b"\\u00");
                    let digit = |n: u8| HEX.get(usize::from(n)).copied().unwrap_or(b'0');
                    self.out.extend_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
                }
            }
            rest = tail;
        }
        self.out.extend_from_slice(rest);
        self.out.push(b'"');
    }
}

// === impl Object ===

impl Object<'_> {
    fn member<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Done {
        let key_start = self.encoder.keys.len();
        self.encoder.keys.push_str(key);
        let key_range = key_start..self.encoder.keys.len();
        let start = self.encoder.out.len();
        self.encoder.string(key);
        self.encoder.out.push(b':');
        value.serialize(&mut *self.encoder)?;
        let text = start..self.encoder.out.len();
        self.encoder.members.push(Member { key: key_range, text });
        self.encoder.out.push(b',');
        Ok(())
    }

    fn close(self) -> Done {
        let Self { encoder, first_member, keys_start, wrapped } = self;
        let Encoder { out, keys, members, scratch, depth } = encoder;
        let key = |m: &Member| keys.get(m.key.clone()).unwrap_or_default();
        let ours = members.get_mut(first_member..).unwrap_or_default();
        let start = ours.first().map(|m| m.text.start);
        if !ours.is_sorted_by(|a, b| compare_keys(key(a), key(b)).is_lt()) {
            ours.sort_by(|a, b| compare_keys(key(a), key(b)));
            if ours.array_windows().any(|[a, b]| key(a) == key(b)) {
                return Err(EncodeError("an object has a key twice".to_owned()));
            }
            scratch.clear();
            for member in &*ours {
                scratch.extend_from_slice(out.get(member.text.clone()).unwrap_or_default());
                scratch.push(b',');
            }
            out.truncate(start.unwrap_or(out.len()));
            out.extend_from_slice(scratch);
        }
        if start.is_some() {
            out.pop();
        }
        out.push(b'}');
        if wrapped {
            out.push(b'}');
            *depth = depth.saturating_sub(1);
        }
        members.truncate(first_member);
        keys.truncate(keys_start);
        *depth = depth.saturating_sub(1);
        Ok(())
    }
}

impl ser::SerializeStruct for Object<'_> {
    type Ok = ();
    type Error = EncodeError;
    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Done {
        self.member(key, value)
    }
    fn end(self) -> Done {
        self.close()
    }
}

impl ser::SerializeStructVariant for Object<'_> {
    type Ok = ();
    type Error = EncodeError;
    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Done {
        self.member(key, value)
    }
    fn end(self) -> Done {
        self.close()
    }
}

impl ser::SerializeMap for Object<'_> {
    type Ok = ();
    type Error = EncodeError;
    fn serialize_key<T: Serialize + ?Sized>(&mut self, _key: &T) -> Done {
        Err(EncodeError("a map was written key by key".to_owned()))
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, _value: &T) -> Done {
        Err(EncodeError("a map was written key by key".to_owned()))
    }
    fn serialize_entry<K: Serialize + ?Sized, V: Serialize + ?Sized>(&mut self, key: &K, value: &V) -> Done {
        // Keys of the vocabulary are strings, ids and fieldless variants: each serialises to one JSON string.
        match serde_json::to_value(key) {
            Ok(serde_json::Value::String(key)) => self.member(&key, value),
            _ => Err(EncodeError("a map's key is not a string".to_owned())),
        }
    }
    fn end(self) -> Done {
        self.close()
    }
}

// === impl Array ===

impl Array<'_> {
    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
        if self.any {
            self.encoder.out.push(b',');
        }
        self.any = true;
        value.serialize(&mut *self.encoder)
    }

    fn close(self) -> Done {
        self.encoder.out.push(b']');
        if self.wrapped {
            self.encoder.out.push(b'}');
            self.encoder.depth = self.encoder.depth.saturating_sub(1);
        }
        self.encoder.depth = self.encoder.depth.saturating_sub(1);
        Ok(())
    }
}

macro_rules! array {
    ($($name:ident :: $method:ident),*) => {$(
        impl ser::$name for Array<'_> {
            type Ok = ();
            type Error = EncodeError;
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
                self.element(value)
            }
            fn end(self) -> Done {
                self.close()
            }
        }
    )*};
}

array!(
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field
);

// === Serializer ===

macro_rules! integers {
    ($($method:ident($ty:ty)),*) => {$(
        fn $method(self, value: $ty) -> Done {
            let value = i128::from(value);
            let magnitude = u64::try_from(value.unsigned_abs()).unwrap_or(u64::MAX);
            self.integer(value < 0, magnitude)
        }
    )*};
}

impl<'a> ser::Serializer for &'a mut Encoder {
    type Ok = ();
    type Error = EncodeError;
    type SerializeSeq = Array<'a>;
    type SerializeTuple = Array<'a>;
    type SerializeTupleStruct = Array<'a>;
    type SerializeTupleVariant = Array<'a>;
    type SerializeMap = Object<'a>;
    type SerializeStruct = Object<'a>;
    type SerializeStructVariant = Object<'a>;

    integers!(
        serialize_i8(i8),
        serialize_i16(i16),
        serialize_i32(i32),
        serialize_i64(i64),
        serialize_u8(u8),
        serialize_u16(u16),
        serialize_u32(u32),
        serialize_u64(u64)
    );

    fn serialize_bool(self, value: bool) -> Done {
        self.out.extend_from_slice(if value { b"true" } else { b"false" });
        Ok(())
    }
    fn serialize_f32(self, _: f32) -> Done {
        Err(EncodeError("a number is not an integer".to_owned()))
    }
    fn serialize_f64(self, _: f64) -> Done {
        Err(EncodeError("a number is not an integer".to_owned()))
    }
    fn serialize_char(self, value: char) -> Done {
        self.string(value.encode_utf8(&mut [0; 4]));
        Ok(())
    }
    fn serialize_str(self, value: &str) -> Done {
        self.string(value);
        Ok(())
    }
    fn serialize_bytes(self, _: &[u8]) -> Done {
        Err(EncodeError("bytes have no form in JSON".to_owned()))
    }
    fn serialize_none(self) -> Done {
        self.serialize_unit()
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Done {
        value.serialize(self)
    }
    fn serialize_unit(self) -> Done {
        self.out.extend_from_slice(b"null");
        Ok(())
    }
    fn serialize_unit_struct(self, _: &'static str) -> Done {
        self.serialize_unit()
    }
    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Done {
        self.serialize_str(variant)
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Done {
        value.serialize(self)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Done {
        self.enter()?;
        self.wrap(variant);
        value.serialize(&mut *self)?;
        self.out.push(b'}');
        self.depth = self.depth.saturating_sub(1);
        Ok(())
    }
    fn serialize_seq(self, _: Option<usize>) -> Result<Array<'a>, EncodeError> {
        self.array()
    }
    fn serialize_tuple(self, _: usize) -> Result<Array<'a>, EncodeError> {
        self.array()
    }
    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Array<'a>, EncodeError> {
        self.array()
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Array<'a>, EncodeError> {
        self.enter()?;
        self.wrap(variant);
        self.array().map(|array| Array { wrapped: true, ..array })
    }
    fn serialize_map(self, _: Option<usize>) -> Result<Object<'a>, EncodeError> {
        self.object()
    }
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Object<'a>, EncodeError> {
        self.object()
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Object<'a>, EncodeError> {
        self.enter()?;
        self.wrap(variant);
        self.object().map(|object| Object { wrapped: true, ..object })
    }
}
