//! Tokens of identity providers. A signed token comes in (a JSON Web Token, RFC 7519, in compact form), and who it speaks
//! of goes out, or a reason why not.
//!
//! What is accepted is decided in three places, in this order: `token` (is it a token at all, read in one way only),
//! `jwk` and `keys` (is it signed, with a key that this issuer publishes, in a way that key is meant for), `claims` (is it
//! for us, now, and for whom). Nothing in a token chooses how the token is checked, except its `kid` among the keys of its
//! issuer (RFC 8725 sections 3.1, 3.5, 3.10).

mod algorithm;
mod certificate;
mod claims;
mod discovery;
mod dpop;
mod entra;
mod json;
mod jwk;
mod keys;
mod login;
mod options;
mod reason;
mod tally;
mod token;
mod verifier;

pub use algorithm::Algorithm;
pub use certificate::ClientCertificate;
pub use claims::{Bound, Identity, Person};
pub use dpop::{PROOF_AGE, Possession, Proven, check as check_proof};
pub use entra::{EntraCredential, EntraSecret, EntraTokens};
pub use jwk::{KeySet, SetError};
pub use keys::{FetchError, KeysEvent, KeysStatus, Observer, Published, fetch};
pub use login::{LoginClient, LoginFailure, LoginOptions, SignedInPerson, Started};
pub use options::{ClientRule, IssuerOptions};
pub use reason::Reason;
pub use tally::Tally;
pub use token::MAX_TOKEN;
pub use verifier::{IssuerStatus, Verified, Verifier, looks_like_token};
