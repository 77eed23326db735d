//! Stand-ins: of the value's form, and invalid by construction.

use stockade_crypto::MacKey;
use stockade_domain::WorkloadId;

use crate::validate::{divides, luhn};
use crate::view::{Fold, fold};

/// Crockford's base32 in lower case: nothing in it is read as something else.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Characters that tell one person from another: 40 bits.
const PERSON: usize = 8;

/// Makes stand-ins under one key.
#[derive(Debug, Clone)]
pub struct Pseudonymiser {
    key: MacKey,
}

/// The same bytes for the same inputs, as many as are asked for.
struct Stream<'a> {
    key: &'a MacKey,
    seed: [u8; 32],
    block: u64,
    rest: std::vec::IntoIter<u8>,
}

impl Pseudonymiser {
    /// With a key of role [`KeyRole::Pseudonym`](stockade_crypto::KeyRole::Pseudonym).
    #[must_use]
    pub fn new(key: MacKey) -> Self {
        Self { key }
    }

    /// The stand-in for a value of a type; `None` for a type that has none (secrets, and what a user's rules add).
    ///
    /// An e-mail address gets one at `example.com` (RFC 2606), a card a number of no issuer that fails Luhn's check, a
    /// social security number one of an area that is never given out (900 to 999, outside the groups of ITINs), an IBAN
    /// the check digits 00, which ISO/IEC 7064
    /// cannot yield. Spaces and hyphens stay where they are.
    #[must_use]
    pub fn pseudonym(&self, scope: &[u8], workload: &WorkloadId, ty: &str, value: &str) -> Option<String> {
        self.attempt(scope, workload, ty, value, 0)
    }

    /// The same, another one for each attempt: two values of a request must not share a stand-in.
    pub(super) fn attempt(
        &self,
        scope: &[u8],
        workload: &WorkloadId,
        ty: &str,
        value: &str,
        attempt: u32,
    ) -> Option<String> {
        let plain = canonical(value);
        let normal = normalise(ty, value);
        let parts: [&[u8]; 5] =
            [&workload.to_bytes(), scope, ty.as_bytes(), normal.as_bytes(), &attempt.to_be_bytes()];
        let seed = self.key.mac_parts(&parts);
        let mut stream = Stream { key: &self.key, seed, block: 0, rest: Vec::new().into_iter() };
        match ty {
            "email" => Some(email(&mut stream)),
            "card" => Some(card(&plain, &mut stream)),
            "us_ssn" => Some(ssn(&plain, &mut stream)),
            "iban" => Some(iban(&plain, &mut stream)),
            _ => None,
        }
    }
}

/// Whether values of a type have stand-ins.
#[must_use]
pub fn has_stand_in(ty: &str) -> bool {
    matches!(ty, "email" | "card" | "us_ssn" | "iban")
}

/// What two spellings of one value have in common.
pub(super) fn normalise(ty: &str, value: &str) -> String {
    let mut plain = canonical(value);
    plain.make_ascii_lowercase();
    if ty != "email" {
        plain.retain(|c| c.is_ascii_alphanumeric());
    }
    plain
}

/// The canonical view of a value. What has no ASCII form stays as it is: it tells values apart.
fn canonical(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for c in value.chars() {
        match fold(c) {
            Fold::Ascii { bytes, len } => {
                out.extend(bytes.iter().take(usize::from(len)).map(|b| char::from(*b)));
            }
            Fold::Other => out.push(c),
            Fold::Drop => {}
        }
    }
    out
}

fn email(stream: &mut Stream<'_>) -> String {
    let person: String = stream.by_ref().take(PERSON).map(letter).collect();
    format!("person-{person}@example.com")
}

/// Numbers from 9999 on belong to no issuer: the major industry identifier 9 is for national use (ISO/IEC 7812-1), and
/// no country has 999.
fn card(value: &str, stream: &mut Stream<'_>) -> String {
    let count = value.bytes().filter(u8::is_ascii_digit).count();
    let mut digits: Vec<u8> = std::iter::repeat_n(9, 4).chain(stream.map(|b| b % 10)).take(count).collect();
    if luhn(&digits)
        && let Some(last) = digits.last_mut()
    {
        *last = (*last + 1) % 10;
    }
    fill(value, &digits)
}

fn ssn(value: &str, stream: &mut Stream<'_>) -> String {
    let mut digits = vec![9];
    digits.extend(stream.by_ref().take(2).map(|b| b % 10));
    digits.push(1 + stream.next().unwrap_or(0) % 4);
    digits.extend(stream.take(5).map(|b| b % 10));
    fill(value, &digits)
}

fn iban(value: &str, stream: &mut Stream<'_>) -> String {
    let mut seen = 0_usize;
    let mut one = |c: char| {
        if !c.is_ascii_alphanumeric() {
            return c;
        }
        seen = seen.saturating_add(1);
        match (seen, c) {
            (1 | 2, _) => c.to_ascii_uppercase(),
            (3 | 4, _) => '0',
            (_, '0'..='9') => char::from(b'0' + stream.next().unwrap_or(0) % 10),
            _ => char::from(b'A' + stream.next().unwrap_or(0) % 26),
        }
    };
    let mut fake: String = value.chars().map(&mut one).collect();
    // Whoever only divides takes 00 for 97: then the number itself must be wrong, too.
    if divides(&fake)
        && let Some(last) = fake.pop()
    {
        fake.push(match last {
            '9' => '0',
            'Z' => 'A',
            'A'..='Y' => 'Z',
            _ => '9',
        });
    }
    fake
}

/// The value with its digits replaced one by one.
fn fill(value: &str, digits: &[u8]) -> String {
    let mut digits = digits.iter();
    let replace = |c: char| match c {
        '0'..='9' => digits.next().map_or(c, |digit| char::from(b'0' + digit)),
        _ => c,
    };
    value.chars().map(replace).collect()
}

fn letter(byte: u8) -> char {
    ALPHABET.get(usize::from(byte % 32)).map_or('0', |b| char::from(*b))
}

impl Iterator for Stream<'_> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        if self.rest.len() == 0 {
            self.rest = self.key.mac_parts(&[&self.seed, &self.block.to_be_bytes()]).to_vec().into_iter();
            self.block = self.block.wrapping_add(1);
        }
        self.rest.next()
    }
}

#[cfg(test)]
mod tests {
    use stockade_domain::Micros;

    use super::*;
    use crate::rule::Validator;
    use crate::validate::accepts;

    fn workload(n: u8) -> WorkloadId {
        WorkloadId::new(Micros::from_i64(1), [n; 10])
    }

    fn one(scope: &[u8], n: u8, ty: &str, value: &str) -> Option<String> {
        Pseudonymiser::new(MacKey::new(&[7; 32])).pseudonym(scope, &workload(n), ty, value)
    }

    #[test]
    fn keeps_the_form_and_is_never_valid() {
        for (ty, value, validator, form) in [
            ("card", "4111 1111 1111 1111", Validator::Card, "9999 dddd dddd dddd"),
            ("card", "378282246310005", Validator::Card, "9999ddddddddddd"),
            ("us_ssn", "536-22-8145", Validator::UsSsn, "9dd-dd-dddd"),
            ("iban", "DE89 3704 0044 0532 0130 00", Validator::Iban, "DE00 dddd dddd dddd dddd dd"),
            ("iban", "GB29NWBK60161331926819", Validator::Iban, "GB00aaaadddddddddddddd"),
        ] {
            for n in 0..50 {
                let fake = one(b"scope", n, ty, value).unwrap();
                let fits = fake.chars().zip(form.chars()).all(|(c, f)| match f {
                    'd' => c.is_ascii_digit(),
                    'a' => c.is_ascii_uppercase(),
                    _ => c == f,
                });
                assert!(fits && fake.len() == form.len(), "{fake} {form}");
                assert!(accepts(validator, value.as_bytes()).is_some());
                assert!(accepts(validator, fake.as_bytes()).is_none(), "{fake}");
            }
        }
        let email = one(b"", 1, "email", "alice@corp.example").unwrap();
        assert!(
            email.starts_with("person-") && email.ends_with("@example.com") && email.len() == 27,
            "{email}"
        );
        assert_eq!(one(b"", 1, "jwt", "eyJ"), None);
    }

    #[test]
    fn depends_on_workload_scope_and_value_but_not_on_spelling() {
        let base = one(b"a", 1, "email", "alice@corp.example");
        assert_eq!(base, one(b"a", 1, "email", "ALICE@corp.exam\u{200b}ple"));
        assert_ne!(base, one(b"b", 1, "email", "alice@corp.example"));
        assert_ne!(base, one(b"a", 2, "email", "alice@corp.example"));
        assert_ne!(base, one(b"a", 1, "email", "alicf@corp.example"));
        let spaced = one(b"a", 1, "card", "4111 1111 1111 1111").unwrap();
        assert_eq!(spaced.replace(' ', "-"), one(b"a", 1, "card", "4111-1111-1111-1111").unwrap());
    }
}
