//! Who calls: the credential of a workload, and the person behind it where there is one.

use futures_util::FutureExt as _;
use http::{HeaderMap, header};
use stockade_domain::{CredentialKind, EndUser};
use stockade_egress::evidence::{Authenticated, Lease, Ticket};

use super::{Call, Step};
use crate::error::Refusal;
use crate::ports::{Grant, PassedUser, Presented, TokenError};

/// Where a workload says whom it acts for ...
const USER: &str = "x-stockade-user";

/// ... and where it passes that person's token.
const USER_TOKEN: &str = "x-stockade-user-token";

/// Where a proof of possession stands (RFC 9449 section 4.1).
pub(super) const PROOF: &str = "dpop";

/// What stands in the place of a key where the client's certificate is the credential: SDKs want something there.
const NO_KEY: &str = "mtls";

/// A credential as the caller sent it.
struct Shown<'a> {
    text: &'a str,
    /// Under the scheme `DPoP`.
    is_dpop: bool,
}

/// Several credentials that differ, or one that cannot be read.
struct Unclear;

/// What the caller is told.
const fn code(error: TokenError) -> &'static str {
    match error {
        TokenError::Refused => "invalid_token",
        TokenError::Expired => "token_expired",
        TokenError::Proof => "invalid_dpop_proof",
        TokenError::Nonce => "use_dpop_nonce",
        TokenError::Unavailable => "identity_unavailable",
    }
}

impl Call<'_> {
    /// The credential, and the end user. Whether a workload may speak for a person, policy says.
    pub(super) async fn authenticate(&self, ticket: Ticket) -> Step<Authenticated> {
        let mut grant = match self.grant().await {
            Ok(grant) => grant,
            Err(code) => {
                ticket.reject(code);
                return Err(Refusal::new(code));
            }
        };
        self.client.known();
        let user = self.name_user(&mut grant).await;
        let record = self.record_of(&grant.caller);
        let authenticated = ticket.authenticate(grant.caller, record, grant.lease);
        match user {
            Ok(()) => Ok(authenticated),
            Err(refusal) => Err(self.refuse(authenticated.into_ticket(), refusal)),
        }
    }

    async fn grant(&self) -> Result<Grant, &'static str> {
        let parts = &self.gateway.parts;
        let certificate = self.client.certificate.as_deref();
        let credential = credential(&self.head.headers).map_err(|Unclear| "invalid_api_key")?;
        match (credential, certificate) {
            (None, None) => Err("invalid_api_key"),
            (None, Some(certificate)) => parts.tokens.certificate(certificate).map_err(code),
            (Some(shown), Some(certificate)) if shown.text == NO_KEY => {
                parts.tokens.certificate(certificate).map_err(code)
            }
            (Some(shown), _) if parts.tokens.is_token(shown.text) => {
                let presented = self.presented(&shown)?;
                parts.tokens.authenticate(presented).await.map_err(code)
            }
            (Some(shown), _) if shown.is_dpop => Err("invalid_token"),
            (Some(key), _) => parts.keys.authenticate(key.text).map_err(|_| "invalid_api_key"),
        }
    }

    /// The token with what may prove possession.
    fn presented<'c>(&'c self, shown: &Shown<'c>) -> Result<Presented<'c>, &'static str> {
        let Self { head, client, .. } = self;
        let mut proofs = head.headers.get_all(PROOF).iter();
        let proof = match (proofs.next().map(|proof| proof.to_str()), proofs.next()) {
            (None, _) => None,
            (Some(Ok(proof)), None) => Some(proof),
            _ => return Err("invalid_dpop_proof"),
        };
        let host = head.headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let host = host.or_else(|| head.uri.authority().map(|host| host.as_str())).unwrap_or_default();
        // Without TLS here there may be TLS before us, on this machine.
        let schemes: &[&str] = if client.secure { &["https"] } else { &["http", "https"] };
        let address = |scheme: &&str| format!("{scheme}://{host}{}", head.uri.path());
        Ok(Presented {
            token: shown.text,
            is_dpop: shown.is_dpop,
            proof,
            method: head.method.as_str(),
            addresses: schemes.iter().map(address).collect(),
            certificate: client.certificate.as_deref(),
        })
    }

    /// The person that the workload names or whose token it passes.
    async fn name_user(&self, grant: &mut Grant) -> Result<(), Refusal> {
        let tokens = &self.gateway.parts.tokens;
        let headers = &self.head.headers;
        let wrong = |message: &str| Err(Refusal::new("invalid_request").with_message(message));
        let (asserted, passed) = (asserted_user(headers)?, passed_token(headers)?);
        if (asserted.is_some() || passed.is_some()) && grant.caller.user.is_some() {
            return wrong(
                "the token that is the credential says who the user is: no other can be named beside it",
            );
        }
        match (asserted, passed) {
            (None, None) => Ok(()),
            (Some(_), Some(_)) => {
                wrong("`x-stockade-user` and `x-stockade-user-token` say the same thing: send one of them")
            }
            (Some(id), None) if tokens.names(&id) => {
                wrong("`x-stockade-user` begins like the users of an issuer, who come with a token only")
            }
            (Some(id), None) => {
                grant.caller.user = Some(EndUser::asserted(id));
                Ok(())
            }
            (None, Some(_)) if grant.caller.credential == CredentialKind::Token => {
                wrong("`x-stockade-user-token` goes beside a key of the workload, not beside another token")
            }
            (None, Some(token)) => match tokens.person(token).await {
                Ok(passed) => {
                    pass(grant, passed);
                    Ok(())
                }
                Err(TokenError::Unavailable) => Err(Refusal::new("identity_unavailable")),
                Err(_) => Err(Refusal::new("invalid_user_token")),
            },
        }
    }
}

/// The workload now acts for that person, for as long as both credentials are good.
fn pass(grant: &mut Grant, passed: PassedUser) {
    let caller = &mut grant.caller;
    caller.chain.extend(passed.through.filter(|through| *through != caller.workload.id));
    caller.user = Some(passed.user);
    caller.token = Some(std::sync::Arc::new(passed.token));
    let own =
        std::mem::replace(&mut grant.lease, Lease { expires: None, ended: std::future::pending().boxed() });
    let expires = match (own.expires, passed.lease.expires) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    };
    let (own, passed) = (own.ended, passed.lease.ended);
    let ended = async move {
        tokio::select! {
            end = own => end,
            end = passed => end,
        }
    };
    grant.lease = Lease { expires, ended: ended.boxed() };
}

/// The token that the workload passes: one field.
fn passed_token(headers: &HeaderMap) -> Result<Option<&str>, Refusal> {
    let mut values = headers.get_all(USER_TOKEN).iter();
    match (values.next().map(|value| value.to_str()), values.next()) {
        (None, _) => Ok(None),
        (Some(Ok(token)), None) => Ok(Some(token.trim())),
        _ => Err(Refusal::new("invalid_request").with_message("`x-stockade-user-token` is one token")),
    }
}

/// The end user that the workload asserts: one field, of visible ASCII, at most 256 bytes.
fn asserted_user(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let mut values = headers.get_all(USER).iter();
    match (values.next().map(|v| v.to_str()), values.next()) {
        (None, _) => Ok(None),
        (Some(Ok(id)), None) if (1..=256).contains(&id.len()) => Ok(Some(id.to_owned())),
        _ => Err(Refusal::new("invalid_request")
            .with_message("`x-stockade-user` is one field of at most 256 visible ASCII characters")),
    }
}

/// The credential, wherever the caller's SDK puts it: `Authorization: Bearer` or `DPoP`, Anthropic's `x-api-key` or
/// Azure's `api-key`. Two that differ are none: it would not be clear who asks.
fn credential(headers: &HeaderMap) -> Result<Option<Shown<'_>>, Unclear> {
    let mut found: Option<Shown<'_>> = None;
    for name in [header::AUTHORIZATION.as_str(), "x-api-key", "api-key"] {
        for value in headers.get_all(name) {
            let value = value.to_str().map_err(|_| Unclear)?;
            let is_authorization = name == header::AUTHORIZATION.as_str();
            let shown = if is_authorization {
                authorization(value).ok_or(Unclear)?
            } else {
                Shown { text: value.trim(), is_dpop: false }
            };
            match &found {
                None => found = Some(shown),
                Some(known) if !is_authorization && known.text == shown.text => {}
                Some(_) => return Err(Unclear),
            }
        }
    }
    Ok(found)
}

fn authorization(value: &str) -> Option<Shown<'_>> {
    let (scheme, text) = value.split_once(' ')?;
    let is_dpop = scheme.eq_ignore_ascii_case("dpop");
    (is_dpop || scheme.eq_ignore_ascii_case("bearer")).then(|| Shown { text: text.trim(), is_dpop })
}
