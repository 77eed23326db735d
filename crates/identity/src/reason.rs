//! Why a token is not accepted. The words are stable: metrics carry them, `stockade identity check` explains by them. A
//! caller never sees them.

/// Why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Reason {
    /// Longer than [`crate::MAX_TOKEN`].
    #[error("the token is longer than a token can be")]
    TooLong,
    /// Not three parts of base64url with JSON objects in the first two, written in the one canonical way.
    #[error(
        "it is not a signed token in compact form (RFC 7515 section 7.1), or a part of it is not canonical"
    )]
    Malformed,
    /// A name stands twice in one object.
    #[error("a name stands twice in one object; readers disagree on which one counts")]
    DuplicateName,
    /// The header asks for something that is not understood: `crit`, `b64`, `zip`, `enc`, `cty`.
    #[error("its header asks for something that is not understood (`crit`, `b64`, `zip`, `enc` or `cty`)")]
    Header,
    /// The token's type is another one, such as a DPoP proof or a logout token.
    #[error("its `typ` is not one that this issuer's access tokens have")]
    Type,
    /// `none`, a symmetric algorithm, or one that the configuration does not list.
    #[error("its `alg` is not one of the issuer's `algorithms`")]
    Algorithm,
    /// No issuer of this name is configured.
    #[error("its `iss` is not a configured issuer, letter for letter")]
    UnknownIssuer,
    /// The issuer's keys could not be had, or are too old.
    #[error("the issuer's keys cannot be had")]
    KeysUnavailable,
    /// The issuer has no key of this `kid` for this `alg`.
    #[error("the issuer publishes no key with its `kid` that is meant for its `alg`")]
    UnknownKey,
    /// The signature is not that key's.
    #[error("the signature does not verify")]
    Signature,
    /// A claim that is needed is missing or has another type.
    #[error("a claim that is needed is missing or has another type")]
    Claim,
    /// It is for somebody else.
    #[error("its `aud` names none of the issuer's `audiences`")]
    Audience,
    /// It has run out.
    #[error("it has expired")]
    Expired,
    /// It is not good yet: `nbf` or `iat` lie in the future.
    #[error("it is not valid yet: `nbf` or `iat` lie in the future by this machine's clock")]
    NotYet,
    /// It was issued longer ago than `max_age`.
    #[error("it was issued longer ago than `max_age`")]
    TooOld,
    /// It is another kind of token: a security event or logout token (RFC 8417).
    #[error("it is a security event, not an access token")]
    Event,
    /// It is bound to a key whose possession was not proved (RFC 7800, `cnf`).
    #[error("it is bound to a key (`cnf`), and whoever presents it has not proved to hold that key")]
    Bound,
    /// The proof of possession is not good for this request and token, or was used before (RFC 9449).
    #[error("its DPoP proof is not good for this request, or was used before")]
    Proof,
    /// The proof carries no nonce of ours, or an old one (RFC 9449 section 9).
    #[error("its DPoP proof carries no nonce of this gateway, or an old one")]
    Nonce,
    /// Its claims contradict each other about the program that it was issued to.
    #[error("its claims disagree on which client it was issued to")]
    ClientConflict,
    /// No workload is configured for its client.
    #[error("no workload is configured for its client")]
    NoWorkload,
    /// The workload that is configured for its client does not exist.
    #[error("the workload that is configured for its client does not exist")]
    MissingWorkload,
    /// A scope that is required is missing.
    #[error("it lacks a scope of `required_scopes`")]
    Scope,
    /// The tenant is another one (Entra).
    #[error("its `tid` is not the tenant of its issuer")]
    Tenant,
    /// It speaks of no person, where a person's token is needed.
    #[error("it speaks of no person")]
    NoPerson,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 25] = [
        Self::TooLong,
        Self::Malformed,
        Self::DuplicateName,
        Self::Header,
        Self::Type,
        Self::Algorithm,
        Self::UnknownIssuer,
        Self::KeysUnavailable,
        Self::UnknownKey,
        Self::Signature,
        Self::Claim,
        Self::Audience,
        Self::Expired,
        Self::NotYet,
        Self::TooOld,
        Self::Event,
        Self::Bound,
        Self::Proof,
        Self::Nonce,
        Self::ClientConflict,
        Self::NoWorkload,
        Self::MissingWorkload,
        Self::Scope,
        Self::Tenant,
        Self::NoPerson,
    ];

    /// The stable word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TooLong => "too_long",
            Self::Malformed => "malformed",
            Self::DuplicateName => "duplicate_name",
            Self::Header => "header",
            Self::Type => "type",
            Self::Algorithm => "algorithm",
            Self::UnknownIssuer => "unknown_issuer",
            Self::KeysUnavailable => "keys_unavailable",
            Self::UnknownKey => "unknown_key",
            Self::Signature => "signature",
            Self::Claim => "claim",
            Self::Audience => "audience",
            Self::Expired => "expired",
            Self::NotYet => "not_yet",
            Self::TooOld => "too_old",
            Self::Event => "event",
            Self::Bound => "bound",
            Self::Proof => "proof",
            Self::Nonce => "nonce",
            Self::ClientConflict => "client_conflict",
            Self::NoWorkload => "no_workload",
            Self::MissingWorkload => "missing_workload",
            Self::Scope => "scope",
            Self::Tenant => "tenant",
            Self::NoPerson => "no_person",
        }
    }
}
