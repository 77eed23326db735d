//! Tokens of identity providers: which workload and which person they stand for, and the record of their issuers' keys.

use std::sync::Arc;

use arc_swap::ArcSwap;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use stockade_domain::{Caller, Clock, CredentialKind, EndUser, Micros, TokenFacts, UserProof};
use stockade_egress::SystemClient;
use stockade_egress::evidence::Lease;
use stockade_gateway::ports::{Grant, PassedUser, TokenDirectory, TokenError};
use stockade_identity::{
    IssuerOptions, IssuerStatus, KeysEvent, LoginClient, LoginOptions, Observer, Reason, Verified, Verifier,
    looks_like_token,
};
use tokio::sync::watch;

use crate::audit::Journal;
use crate::keys::lease_ended;
use crate::roster::Roster;

/// So many thumbprints are named in one entry of the record, which is bounded.
const PRINTS: usize = 128;

/// The configured issuers, and what their tokens mean here.
pub struct Identities {
    verifier: ArcSwap<Verifier>,
    client: SystemClient,
    observer: Arc<dyn Observer>,
    roster: Arc<Roster>,
    clock: Arc<dyn Clock>,
}

/// Puts changes of keys into the ledger.
struct Recording(Arc<Journal>);

impl Identities {
    /// No issuers yet.
    #[must_use]
    pub fn new(
        client: SystemClient,
        roster: Arc<Roster>,
        journal: Arc<Journal>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let observer = Arc::new(Recording(journal));
        Self { verifier: ArcSwap::default(), client, observer, roster, clock }
    }

    /// Takes over the issuers of a configuration. What runs under one that is gone, or is not what it was, ends.
    pub fn replace(&self, issuers: Vec<IssuerOptions>) {
        let before = self.verifier.load_full();
        let now = Verifier::new(issuers, &self.client, &self.observer, &before);
        let now = Arc::new(now);
        self.verifier.store(Arc::clone(&now));
        before.end_others(&now);
    }

    /// Fetches the keys of every issuer that has none yet, so that the first request does not wait for them.
    pub async fn warm(&self) {
        self.verifier.load_full().warm().await;
    }

    /// A client for people who sign in to the console.
    #[must_use]
    pub fn login_client(&self, options: LoginOptions) -> LoginClient {
        LoginClient::new(options, self.client.clone(), &self.observer)
    }

    /// How it stands with every issuer.
    #[must_use]
    pub fn status(&self) -> Vec<IssuerStatus> {
        self.verifier.load().status()
    }

    /// Tokens of no known issuer, by why they were refused.
    #[must_use]
    pub fn strangers(&self) -> Vec<(&'static str, u64)> {
        self.verifier.load().strangers()
    }

    async fn grant(&self, token: &str) -> Result<Grant, Reason> {
        let verified = self.verifier.load_full().verify(token, self.clock.now()).await?;
        let tally = Arc::clone(&verified.tally);
        let granted = self.workload_of(verified);
        match &granted {
            Ok(_) => tally.accept(),
            Err(reason) => tally.refuse(*reason),
        }
        granted
    }

    fn workload_of(&self, verified: Verified) -> Result<Grant, Reason> {
        let name = verified.identity.workload.as_deref().ok_or(Reason::NoWorkload)?;
        let workload = self.roster.known_workload(name).ok_or(Reason::MissingWorkload)?;
        let lease = self.lease(&verified);
        let (token, user) = facts(verified, UserProof::Token);
        let caller = Caller {
            workload,
            key: None,
            credential: CredentialKind::Token,
            token: Some(Arc::new(token)),
            user,
            chain: Vec::new(),
        };
        Ok(Grant { caller, lease })
    }

    async fn passed(&self, token: &str) -> Result<PassedUser, Reason> {
        let verified = self.verifier.load_full().verify(token, self.clock.now()).await?;
        let tally = Arc::clone(&verified.tally);
        let through = verified.identity.workload.as_deref();
        let through = through.and_then(|name| self.roster.known_workload(name)).map(|workload| workload.id);
        let lease = self.lease(&verified);
        let (token, user) = facts(verified, UserProof::Passed);
        let Some(user) = user else {
            tally.refuse(Reason::NoPerson);
            return Err(Reason::NoPerson);
        };
        tally.accept();
        Ok(PassedUser { user, token, through, lease })
    }

    fn lease(&self, verified: &Verified) -> Lease {
        let expires: Micros = verified.identity.ends;
        let ended: watch::Receiver<bool> = verified.ended.clone();
        let ended = lease_ended(ended, Some(expires), Arc::clone(&self.clock));
        Lease { expires: Some(expires), ended: ended.boxed() }
    }
}

/// What a token says, in the words of records and policies.
fn facts(verified: Verified, proof: UserProof) -> (TokenFacts, Option<EndUser>) {
    let identity = verified.identity;
    let user = identity.person.map(|person| EndUser {
        id: person.id,
        proof,
        groups: person.groups,
        groups_known: person.groups_known,
    });
    let token = TokenFacts {
        issuer: verified.issuer,
        client: identity.client,
        roles: identity.roles,
        scopes: identity.scopes,
        signed_by: verified.signed_by,
        id: identity.id,
    };
    (token, user)
}

/// What the caller learns. Why, the operator sees in the metrics, by `stockade identity check`, and in a log that is
/// asked for: strangers must not be able to fill it.
fn told(reason: Reason) -> TokenError {
    tracing::debug!(reason = reason.as_str(), "a token was refused: {reason}");
    match reason {
        Reason::Expired => TokenError::Expired,
        Reason::KeysUnavailable => TokenError::Unavailable,
        _ => TokenError::Refused,
    }
}

impl TokenDirectory for Identities {
    fn is_token(&self, presented: &str) -> bool {
        looks_like_token(presented) && !self.verifier.load().is_empty()
    }

    fn names(&self, person: &str) -> bool {
        self.verifier.load().names(person)
    }

    fn authenticate<'a>(&'a self, token: &'a str) -> BoxFuture<'a, Result<Grant, TokenError>> {
        self.grant(token).map(|granted| granted.map_err(told)).boxed()
    }

    fn person<'a>(&'a self, token: &'a str) -> BoxFuture<'a, Result<PassedUser, TokenError>> {
        self.passed(token).map(|passed| passed.map_err(told)).boxed()
    }
}

impl Observer for Recording {
    fn keys(&self, issuer: &str, event: &KeysEvent) {
        match event {
            KeysEvent::Changed(prints) => {
                let named = prints.get(..prints.len().min(PRINTS)).unwrap_or_default();
                let detail = [
                    ("issuer", issuer.to_owned()),
                    ("keys", prints.len().to_string()),
                    ("thumbprints", named.join(" ")),
                ];
                if let Err(error) = self.0.admin("identity.keys", "system", detail) {
                    tracing::error!(issuer, %error, "a change of an issuer's keys could not be recorded");
                }
            }
            KeysEvent::Failed(error) => {
                tracing::warn!(issuer, %error, "the keys of an issuer could not be fetched");
            }
        }
    }
}

impl std::fmt::Debug for Identities {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Identities").field(&self.verifier.load()).finish()
    }
}
