//! Identifiers: UUIDv7 (RFC 9562 section 5.7), shown as a prefix and 26 characters of Crockford base32.
//!
//! The text form sorts like the bytes, so ids sort by their time of creation everywhere they appear.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::time::Micros;

/// Crockford's alphabet: no `i`, `l`, `o`, `u`. Lower case, as ids are typed by people.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Why a text is not an identifier of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IdError {
    /// The text does not begin with the prefix of this kind of id.
    Prefix {
        /// The prefix that was wanted, with its underscore.
        expected: &'static str,
    },
    /// The part after the prefix is not 26 characters of Crockford base32 within 128 bits.
    Encoding,
}

impl fmt::Display for IdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Prefix { expected } => write!(f, "the id does not begin with `{expected}`"),
            Self::Encoding => f.write_str("the id is not 26 characters of Crockford base32"),
        }
    }
}

impl std::error::Error for IdError {}

fn uuid_v7(now: Micros, random: [u8; 10]) -> u128 {
    let millis = u128::try_from(now.as_i64().max(0) / 1_000).unwrap_or(0) & 0xffff_ffff_ffff;
    let mut tail = 0_u128;
    for byte in random {
        tail = (tail << 8) | u128::from(byte);
    }
    let rand_a = (tail >> 62) & 0x0fff;
    let rand_b = tail & 0x3fff_ffff_ffff_ffff;
    (millis << 80) | (0x7_u128 << 76) | (rand_a << 64) | (0b10_u128 << 62) | rand_b
}

fn encode(value: u128) -> [u8; 26] {
    let mut out = [b'0'; 26];
    let mut rest = value;
    for slot in out.iter_mut().rev() {
        let digit = usize::try_from(rest & 31).unwrap_or(0);
        *slot = ALPHABET.get(digit).copied().unwrap_or(b'0');
        rest >>= 5;
    }
    out
}

fn decode(text: &str) -> Option<u128> {
    if text.len() != 26 {
        return None;
    }
    let mut value = 0_u128;
    for (at, byte) in text.bytes().enumerate() {
        let digit = ALPHABET.iter().position(|c| *c == byte)?;
        if at == 0 && digit > 7 {
            return None;
        }
        value = (value << 5) | u128::try_from(digit).ok()?;
    }
    Some(value)
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u128);

        impl $name {
            /// The prefix of the text form, underscore included.
            pub const PREFIX: &'static str = $prefix;

            /// Makes an id from a time and ten random bytes; both are passed in, so that this crate has no IO.
            #[must_use]
            pub fn new(now: Micros, random: [u8; 10]) -> Self {
                Self(uuid_v7(now, random))
            }

            /// The 16 bytes of the UUID, most significant first.
            #[must_use]
            pub fn to_bytes(self) -> [u8; 16] {
                self.0.to_be_bytes()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($prefix)?;
                for byte in encode(self.0) {
                    fmt::Write::write_char(f, char::from(byte))?;
                }
                Ok(())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                let rest = text
                    .strip_prefix($prefix)
                    .ok_or(IdError::Prefix { expected: $prefix })?;
                decode(rest).map(Self).ok_or(IdError::Encoding)
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

id!(
    /// A workload: the application, agent or service that keys belong to.
    WorkloadId,
    "wl_"
);
id!(
    /// One request of a caller, from its first byte to its outcome.
    RequestId,
    "req_"
);
id!(
    /// An API key. The short id inside the key's text is another thing: see `stockade-platform`'s `keys` module.
    KeyId,
    "key_"
);
id!(
    /// A finding of a scan or an inspection that was stored.
    FindingId,
    "fnd_"
);
id!(
    /// An incident.
    IncidentId,
    "inc_"
);

/// The tenant. There is one, `default`, unless the operator configures others.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TenantId(String);

impl TenantId {
    /// A tenant by name.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for TenantId {
    fn default() -> Self {
        Self("default".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn is_a_version_7_uuid_of_the_rfc_variant() {
        let bytes = RequestId::new(Micros::from_i64(1_700_000_000_123_456), [0xff; 10]).to_bytes();
        assert_eq!(bytes[6] >> 4, 7);
        assert_eq!(bytes[8] >> 6, 0b10);
        let millis = bytes[..6].iter().fold(0_u64, |a, b| (a << 8) | u64::from(*b));
        assert_eq!(millis, 1_700_000_000_123);
    }

    #[test]
    fn refuses_other_prefixes_lengths_and_letters() {
        let good = RequestId::new(Micros::from_i64(1), [7; 10]).to_string();
        assert!(good.parse::<RequestId>().is_ok());
        assert!(good.parse::<WorkloadId>().is_err());
        for bad in ["req_", "req_8zzzzzzzzzzzzzzzzzzzzzzzzz", "req_0000000000000000000000000u", "req_é"] {
            assert!(bad.parse::<RequestId>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn text_round_trips_and_sorts_by_time(a in 0_i64..1 << 50, b in 0_i64..1 << 50, r: [u8; 10]) {
            let x = KeyId::new(Micros::from_i64(a), r);
            prop_assert_eq!(x.to_string().parse::<KeyId>().unwrap(), x);
            let y = KeyId::new(Micros::from_i64(b), r);
            if a / 1000 < b / 1000 { prop_assert!(x.to_string() < y.to_string()); }
        }
    }
}
