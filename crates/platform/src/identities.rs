//! Tokens of identity providers: which workload and which person they stand for, and the record of their issuers' keys.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use stockade_domain::{
    Caller, CertificateFacts, Clock, CredentialKind, EndUser, Micros, TokenFacts, UserProof,
};
use stockade_egress::SystemClient;
use stockade_egress::evidence::Lease;
use stockade_gateway::ports::{Grant, PassedUser, Presented, TokenDirectory, TokenError};
use stockade_identity::{
    Bound, ClientCertificate, IssuerOptions, IssuerStatus, KeysEvent, LoginClient, LoginOptions, Observer,
    Proven, Reason, Tally, Verified, Verifier, check_proof, looks_like_token,
};
use tokio::sync::watch;

use crate::audit::Journal;
use crate::keys::lease_ended;
use crate::roster::Roster;
use crate::seen::{Nonces, Seen};

/// So many thumbprints are named in one entry of the record, which is bounded.
const PRINTS: usize = 128;

/// The configured issuers, and what their tokens mean here.
pub struct Identities {
    verifier: ArcSwap<Verifier>,
    client: SystemClient,
    observer: Arc<dyn Observer>,
    roster: Arc<Roster>,
    clock: Arc<dyn Clock>,
    /// From a name in a client's certificate to a workload's name.
    certificates: BTreeMap<String, String>,
    certified: Tally,
    seen: Seen,
    /// Makes nonces of proofs, where those must carry one.
    nonces: Option<Nonces>,
    /// Certificates run out; they are not taken back while the server runs.
    never: watch::Sender<bool>,
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
        certificates: BTreeMap<String, String>,
        nonces: Option<Nonces>,
    ) -> Self {
        let observer = Arc::new(Recording(journal));
        Self {
            verifier: ArcSwap::default(),
            client,
            observer,
            roster,
            clock,
            certificates,
            certified: Tally::default(),
            seen: Seen::default(),
            nonces,
            never: watch::Sender::new(false),
        }
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

    /// Client certificates, by what became of them.
    #[must_use]
    pub fn certificates(&self) -> Vec<(&'static str, u64)> {
        self.certified.counts()
    }

    async fn grant(&self, presented: &Presented<'_>) -> Result<Grant, Reason> {
        let verified = self.verifier.load_full().verify(presented.token, self.clock.now()).await?;
        let tally = Arc::clone(&verified.tally);
        let granted =
            self.possession(&verified.identity.bound, presented).and_then(|()| self.workload_of(verified));
        match &granted {
            Ok(_) => tally.accept(),
            Err(reason) => tally.refuse(*reason),
        }
        granted
    }

    /// Whether whoever presents a token holds what it is bound to. A token that is bound to nothing needs no proof, and
    /// gets nothing from one (RFC 9449 section 7.1).
    fn possession(&self, bound: &Bound, presented: &Presented<'_>) -> Result<(), Reason> {
        let now = self.clock.now();
        let proof = match (presented.is_dpop, presented.proof) {
            (false, _) => None,
            (true, None) => return Err(Reason::Proof),
            (true, Some(proof)) => {
                let Presented { method, addresses, token, .. } = presented;
                Some(check_proof(&Proven { proof, method, addresses, token }, now)?)
            }
        };
        match (&bound.key, proof) {
            (None, None) => {}
            (Some(key), Some(proof)) if *key == proof.thumbprint => {
                if self.nonces.as_ref().is_some_and(|nonces| !nonces.take(proof.nonce.as_deref(), now)) {
                    return Err(Reason::Nonce);
                }
                self.seen.note(&proof, now)?;
            }
            _ => return Err(Reason::Bound),
        }
        let Some(wanted) = &bound.certificate else { return Ok(()) };
        let shown = presented.certificate.and_then(ClientCertificate::read);
        if shown.is_some_and(|shown| shown.thumbprint == *wanted) { Ok(()) } else { Err(Reason::Bound) }
    }

    /// The workload of a client's certificate. Names of several workloads in one are none.
    fn certified(&self, der: &[u8]) -> Result<Grant, Reason> {
        let certificate = ClientCertificate::read(der).ok_or(Reason::Malformed)?;
        let now = self.clock.now();
        if now < certificate.not_before {
            return Err(Reason::NotYet);
        }
        // TLS looked at the times when the connection began, perhaps long ago.
        if certificate.not_after <= now {
            return Err(Reason::Expired);
        }
        let mut known =
            certificate.names.iter().filter_map(|name| Some((name, self.certificates.get(name)?)));
        let (name, workload) = known.next().ok_or(Reason::NoWorkload)?;
        if known.any(|(_, other)| other != workload) {
            return Err(Reason::ClientConflict);
        }
        let workload = self.roster.known_workload(workload).ok_or(Reason::MissingWorkload)?;
        let facts = CertificateFacts { name: name.clone(), thumbprint: certificate.thumbprint.clone() };
        let expires = Some(certificate.not_after);
        let ended = lease_ended(self.never.subscribe(), expires, Arc::clone(&self.clock));
        let caller = Caller {
            workload,
            key: None,
            credential: CredentialKind::Certificate,
            token: None,
            certificate: Some(Arc::new(facts)),
            user: None,
            chain: Vec::new(),
        };
        Ok(Grant { caller, lease: Lease { expires, ended: ended.boxed() } })
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
            certificate: None,
            user,
            chain: Vec::new(),
        };
        Ok(Grant { caller, lease })
    }

    async fn passed(&self, token: &str) -> Result<PassedUser, Reason> {
        let verified = self.verifier.load_full().verify(token, self.clock.now()).await?;
        let tally = Arc::clone(&verified.tally);
        // Whoever passes a token does not hold the key of the person it was issued to.
        if verified.identity.bound != Bound::default() {
            tally.refuse(Reason::Bound);
            return Err(Reason::Bound);
        }
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
        bound: identity.bound != Bound::default(),
    };
    (token, user)
}

/// What the caller learns. Why, the operator sees in the metrics, by `stockade identity check`, and in a log that is
/// asked for: strangers must not be able to fill it.
fn told(reason: Reason) -> TokenError {
    tracing::debug!(reason = reason.as_str(), "a token was refused: {reason}");
    match reason {
        Reason::Expired => TokenError::Expired,
        Reason::Proof => TokenError::Proof,
        Reason::Nonce => TokenError::Nonce,
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

    fn nonce(&self) -> Option<String> {
        self.nonces.as_ref().map(|nonces| nonces.now(self.clock.now()))
    }

    fn authenticate<'a>(&'a self, presented: Presented<'a>) -> BoxFuture<'a, Result<Grant, TokenError>> {
        async move { self.grant(&presented).await.map_err(told) }.boxed()
    }

    fn certificate(&self, certificate: &[u8]) -> Result<Grant, TokenError> {
        let granted = self.certified(certificate);
        match &granted {
            Ok(_) => self.certified.accept(),
            Err(reason) => self.certified.refuse(*reason),
        }
        granted.map_err(told)
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
