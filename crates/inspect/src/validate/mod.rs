//! What shape alone cannot tell: check digits, number plans, entropy.
//!
//! A validator sees the canonical text of a match. It refuses, or accepts and moves the confidence.

mod card;
mod email;
mod iban;
mod jose;
mod secret;
mod ssn;

use crate::rule::Validator;

pub(crate) use card::luhn;
pub(crate) use iban::divides;

/// Whether the validator accepts, and by how many thousandths it changes the rule's confidence.
pub(crate) fn accepts(validator: Validator, text: &[u8]) -> Option<i16> {
    match validator {
        Validator::None => Some(0),
        Validator::Card => card::check(text),
        Validator::Iban => iban::check(text),
        Validator::Email => email::check(text),
        Validator::UsSsn => ssn::check(text),
        Validator::AwsSecret => secret::aws(text),
        Validator::GithubToken => Some(secret::github(text)),
        Validator::StockadeKey => Some(secret::stockade(text)),
        Validator::JoseHeader => jose::header(text),
    }
}
