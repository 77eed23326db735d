//! Numbers of devices, accounts, securities, vehicles, documents and places.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::card::luhn;
use super::digits::{digits, letters, mod_97, value, varied};
use super::europe::icao;
use super::keccak::keccak_256;

fn good(yes: bool) -> Option<i16> {
    yes.then_some(0)
}

/// An IPv4 address that belongs to somebody: not private, reserved, documentation or a broadcast (RFC 6890).
pub(super) fn ipv4(text: &[u8]) -> Option<i16> {
    let address: Ipv4Addr = std::str::from_utf8(text).ok()?.parse().ok()?;
    let [a, b, _, d] = address.octets();
    let reserved =
        a == 0 || a >= 224 || (a == 100 && (64..128).contains(&b)) || (a == 198 && matches!(b, 18 | 19));
    // Of private networks the addresses that many have are nobody's.
    let common = match address.octets() {
        [10, b, c, _] => b <= 20 || c <= 20,
        [172, 16..=31, c, d] | [192, 168, c, d] => c <= 20 || d <= 20,
        _ => false,
    };
    let special =
        common || address.is_loopback() || address.is_link_local() || address.is_documentation() || reserved;
    // Version numbers and resolvers that everybody uses.
    // Version numbers and object identifiers are made of small numbers.
    let tiny = address.octets().iter().all(|part| *part < 20) || (a < 3 && b < 40);
    let known = matches!(address.octets(), [8, 8, 8 | 4, 8 | 4] | [1, 1 | 0, 1 | 0, 1] | [9, 9, 9, 9]);
    good(!special && !tiny && !known && (d != 0 || a > 20))
}

/// A global IPv6 address (RFC 4291), written with at least three groups.
pub(super) fn ipv6(text: &[u8]) -> Option<i16> {
    let text = std::str::from_utf8(text).ok()?;
    let address: Ipv6Addr = text.parse().ok()?;
    let [first, second, ..] = address.segments();
    let global = (0x2000..0x4000).contains(&first)
        || (first > 0xff && text.bytes().filter(|b| *b == b':').count() == 7);
    let documentation = first == 0x2001 && second == 0xdb8;
    good(global && !documentation && text.bytes().filter(|b| *b == b':').count() > 1)
}

/// A MAC address (IEEE 802) that is not all zeros, all ones or a counting sequence.
pub(super) fn mac(text: &[u8]) -> Option<i16> {
    let all: [u8; 12] = letters(text)?;
    let mut separators = text.iter().filter(|b| !b.is_ascii_alphanumeric());
    let first = separators.next();
    let even = separators.all(|b| Some(b) == first);
    let dotted = first == Some(&b'.') && all.iter().filter(|b| b.is_ascii_alphabetic()).count() < 3;
    good(even && !dotted && varied(&all) && all != *b"001122334455" && all != *b"AABBCCDDEEFF")
}

/// An IMEI (3GPP TS 23.003): Luhn over fifteen digits.
pub(super) fn imei(text: &[u8]) -> Option<i16> {
    let all: [u8; 15] = digits(text)?;
    good(!all.starts_with(&[0, 0]) && luhn(&all))
}

/// A vehicle identification number (ISO 3779, 49 CFR 565): the ninth place checks in North America; elsewhere letters
/// and digits must both be there.
pub(super) fn vin(text: &[u8]) -> Option<i16> {
    const WEIGHTS: [u32; 17] = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];
    let all: [u8; 17] = letters(text)?;
    let worth = |byte: u8| match byte {
        b'0'..=b'9' => u32::from(byte - b'0'),
        b'A'..=b'H' => u32::from(byte - b'A') + 1,
        b'J'..=b'N' => u32::from(byte - b'J') + 1,
        b'P' => 7,
        b'R' => 9,
        b'S'..=b'Z' => u32::from(byte - b'S') + 2,
        _ => 0,
    };
    let total: u32 = all.iter().zip(WEIGHTS).map(|(byte, weight)| worth(*byte) * weight).sum();
    let check = all.get(8).copied()?;
    let expected = match total % 11 {
        10 => b'X',
        digit => b'0' + u8::try_from(digit).ok()?,
    };
    let serial = all.get(13..)?.iter().all(u8::is_ascii_digit);
    let mixed = all.iter().filter(|b| b.is_ascii_alphabetic()).count() >= 3;
    if expected == check && mixed && serial { Some(50) } else { None }
}

/// The same where a word says that it is one: the check is optional outside North America.
pub(super) fn vin_named(text: &[u8]) -> Option<i16> {
    let all: [u8; 17] = letters(text)?;
    let letters = all.iter().filter(|b| b.is_ascii_alphabetic()).count();
    good((2..=13).contains(&letters) && varied(&all))
}

/// LEI (ISO 17442): MOD 97-10 over twenty characters; letters and digits both.
pub(super) fn lei(text: &[u8]) -> Option<i16> {
    let all: [u8; 20] = letters(text)?;
    let mixed = all.iter().any(u8::is_ascii_alphabetic) && all.iter().any(u8::is_ascii_digit);
    good(mixed && mod_97(all) == 1)
}

/// ISIN (ISO 6166): a country, Luhn over the digits that the letters expand to.
pub(super) fn isin(text: &[u8]) -> Option<i16> {
    let all: [u8; 12] = letters(text)?;
    let mut expanded = Vec::with_capacity(24);
    for byte in all {
        let v = u8::try_from(value(byte)).ok()?;
        if v > 9 {
            expanded.push(v / 10);
        }
        expanded.push(v % 10);
    }
    good(country(all.get(..2)?) && all.iter().any(u8::is_ascii_digit) && luhn(&expanded))
}

/// BIC (ISO 9362): a country at the fifth place.
pub(super) fn bic(text: &[u8]) -> Option<i16> {
    good(country(text.get(4..6)?))
}

/// ISO 3166-1 alpha-2 codes and those that ISO 6166 adds.
fn country(code: &[u8]) -> bool {
    const CODES: &[u8] = b"ADAEAFAGAIALAMAOAQARASATAUAWAXAZBABBBDBEBFBGBHBIBJBLBMBNBOBQBRBSBTBVBWBYBZCACCCDCFCGCHCICKCLCMCN\
        COCRCUCVCWCXCYCZDEDJDKDMDODZECEEEGEHERESETEUFIFJFKFMFOFRGAGBGDGEGFGGGHGIGLGMGNGPGQGRGSGTGUGWGYHKHMHNHRHTHUIDIEILIM\
        INIOIQIRISITJEJMJOJPKEKGKHKIKMKNKPKRKWKYKZLALBLCLILKLRLSLTLULVLYMAMCMDMEMFMGMHMKMLMMMNMOMPMQMRMSMTMUMVMWMXMYMZNANC\
        NENFNGNINLNONPNRNUNZOMPAPEPFPGPHPKPLPMPNPRPSPTPWPYQARERORSRURWSASBSCSDSESGSHSISJSKSLSMSNSOSRSSSTSVSXSYSZTCTDTFTG\
        THTJTKTLTMTNTOTRTTTVTWTZUAUGUMUSUYUZVAVCVEVGVIVNVUWFWSXKXSYEYTZAZMZW";
    CODES.chunks_exact(2).any(|known| known == code)
}

/// A Bitcoin address: base58 with a double SHA-256 (version 0 or 5), or bech32 and bech32m (BIP 173, BIP 350).
pub(super) fn bitcoin(text: &[u8]) -> Option<i16> {
    if text.get(..3).is_some_and(|start| start.eq_ignore_ascii_case(b"bc1")) {
        return good(bech32(text));
    }
    let (payload, check) = base58(text)?.split_last_chunk::<4>().map(|(p, c)| (p.to_vec(), *c))?;
    let twice = stockade_crypto::sha256(stockade_crypto::sha256(&payload).as_ref());
    let sum: &[u8] = twice.as_ref();
    good(payload.len() == 21 && matches!(payload.first(), Some(0 | 5)) && sum.get(..4) == Some(&check))
}

/// Base58 as Bitcoin writes it, at most 64 characters.
fn base58(text: &[u8]) -> Option<Vec<u8>> {
    const ALPHABET: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    if text.len() > 64 {
        return None;
    }
    let mut out: Vec<u8> = Vec::with_capacity(48);
    for byte in text {
        let mut carry = u32::try_from(ALPHABET.iter().position(|known| known == byte)?).ok()?;
        for slot in &mut out {
            carry += u32::from(*slot) * 58;
            *slot = u8::try_from(carry & 0xff).ok()?;
            carry >>= 8;
        }
        while carry > 0 {
            out.push(u8::try_from(carry & 0xff).ok()?);
            carry >>= 8;
        }
    }
    out.extend(text.iter().take_while(|byte| **byte == b'1').map(|_| 0));
    out.reverse();
    Some(out)
}

/// The check of BIP 173 and BIP 350 for the prefix `bc`.
fn bech32(text: &[u8]) -> bool {
    const ALPHABET: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    const GENERATOR: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
    let step = |sum: u32, value: u32| {
        let top = sum >> 25;
        let next = ((sum & 0x1ff_ffff) << 5) ^ value;
        GENERATOR
            .iter()
            .enumerate()
            .fold(next, |sum, (at, word)| if top >> at & 1 == 1 { sum ^ word } else { sum })
    };
    let mut sum = [3, 3, 0, 2, 3].into_iter().fold(1, step);
    for byte in text.iter().skip(3) {
        let Some(at) = ALPHABET.iter().position(|known| *known == byte.to_ascii_lowercase()) else {
            return false;
        };
        sum = step(sum, u32::try_from(at).unwrap_or(0));
    }
    matches!(sum, 1 | 0x2bc8_30a3)
}

/// An Ethereum address: not a pattern. Where letters are of both cases, the cases are its check (EIP-55): a letter is a
/// capital when the digit of the digest at its place is 8 or more. In one case there is none.
pub(super) fn ethereum(text: &[u8]) -> Option<i16> {
    let body: &[u8; 40] = text.get(2..)?.try_into().ok()?;
    let mut counts = [0_u8; 256];
    for byte in body {
        *counts.get_mut(usize::from(byte.to_ascii_lowercase()))? += 1;
    }
    let kinds = counts.iter().filter(|count| **count > 0).count();
    let most = counts.iter().max().copied().unwrap_or(0);
    if kinds < 8 || most > 14 {
        return None;
    }
    if !(body.iter().any(u8::is_ascii_uppercase) && body.iter().any(u8::is_ascii_lowercase)) {
        return Some(0);
    }
    let digest = keccak_256(&body.to_ascii_lowercase())?;
    let digits = digest.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    let right = |(byte, digit): (&u8, u8)| byte.is_ascii_digit() || byte.is_ascii_uppercase() == (digit >= 8);
    body.iter().zip(digits).all(right).then_some(50)
}

/// Two lines of a machine-readable zone (ICAO 9303 parts 4 to 6): number, birth and expiry each have a check digit.
pub(super) fn mrz(text: &[u8]) -> Option<i16> {
    let line = text.rsplit(|b| b.is_ascii_whitespace()).find(|line| !line.is_empty())?;
    let checked = |from: usize, to: usize| {
        line.get(from..to).is_some_and(|part| {
            let filled: Vec<u8> = part.iter().map(|b| if *b == b'<' { b'0' } else { *b }).collect();
            icao(&filled)
        })
    };
    good(checked(0, 10) && checked(13, 20) && checked(21, 28))
}

/// Latitude and longitude in decimal degrees with four places at least.
pub(super) fn coordinates(text: &[u8]) -> Option<i16> {
    let text = std::str::from_utf8(text).ok()?;
    let mut parts = text
        .split(|c: char| c.is_ascii_whitespace() || matches!(c, ',' | ';'))
        .filter(|part| !part.is_empty())
        .map(|part| part.trim_end_matches(|c: char| !c.is_ascii_digit()).parse::<f64>().ok());
    let (latitude, longitude) = (parts.next()??, parts.next()??);
    good(
        latitude.abs() <= 90.0 && longitude.abs() <= 180.0 && (latitude.abs() > 1.0 || longitude.abs() > 1.0),
    )
}
