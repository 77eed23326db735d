//! From a text to who calls: the steps in their order, over all issuers.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;
use stockade_domain::Micros;
use stockade_egress::SystemClient;
use tokio::sync::watch;

use crate::claims::{self, Identity};
use crate::json::Object;
use crate::jwk::Wanted;
use crate::keys::{Keys, KeysStatus, Observer};
use crate::options::IssuerOptions;
use crate::reason::Reason;
use crate::tally::Tally;
use crate::token::Token;

/// All issuers. Replaced whole when the configuration changes.
#[derive(Default)]
pub struct Verifier {
    /// By `iss`.
    issuers: HashMap<String, Arc<Issuer>>,
    strangers: Arc<Tally>,
}

struct Issuer {
    options: Arc<IssuerOptions>,
    keys: Arc<Keys>,
    tally: Arc<Tally>,
    /// Becomes `true` when the issuer is not trusted any more, or not as before.
    ended: watch::Sender<bool>,
}

/// A token that was checked.
#[derive(Debug)]
pub struct Verified {
    /// Who it speaks of.
    pub identity: Identity,
    /// The issuer's name in the configuration.
    pub issuer: String,
    /// Thumbprint of the key that it is signed with (RFC 7638).
    pub signed_by: String,
    /// Becomes `true` when the issuer is not trusted any more.
    pub ended: watch::Receiver<bool>,
    /// Where to count what becomes of it.
    pub tally: Arc<Tally>,
    /// All that it says, for the checks of a login.
    pub(crate) claims: Object,
}

/// How it stands with one issuer.
#[derive(Debug, Clone)]
pub struct IssuerStatus {
    /// Its name.
    pub name: String,
    /// Its `iss`.
    pub issuer: String,
    /// Its keys.
    pub keys: KeysStatus,
    /// Its tokens, by what became of them.
    pub tokens: Vec<(&'static str, u64)>,
}

/// Whether a credential has the form of a token, so that it is no API key: the header is a JSON object, which in
/// base64url begins with `eyJ`, and dots part it.
#[must_use]
pub fn looks_like_token(credential: &str) -> bool {
    credential.starts_with("eyJ") && credential.contains('.')
}

impl Verifier {
    /// Issuers as they are configured. What was the same before keeps its keys, and what runs under it runs on.
    #[must_use]
    pub fn new(
        options: Vec<IssuerOptions>,
        client: &SystemClient,
        observer: &Arc<dyn Observer>,
        before: &Self,
    ) -> Self {
        let issuers = options.into_iter().map(|options| {
            let issuer = match before.issuers.get(&options.issuer) {
                Some(same) if *same.options == options => Arc::clone(same),
                _ => Arc::new(Issuer::new(options, client.clone(), Arc::clone(observer))),
            };
            (issuer.options.issuer.clone(), issuer)
        });
        Self { issuers: issuers.collect(), strangers: Arc::clone(&before.strangers) }
    }

    /// Ends what runs under issuers that are not in `now`, or not as they were.
    pub fn end_others(&self, now: &Self) {
        for (iss, issuer) in &self.issuers {
            if now.issuers.get(iss).is_none_or(|kept| !Arc::ptr_eq(kept, issuer)) {
                issuer.ended.send_replace(true);
            }
        }
    }

    /// Fetches the keys of every issuer that has none yet.
    pub async fn warm(&self) {
        for issuer in self.issuers.values().filter(|issuer| issuer.keys.status().age.is_none()) {
            issuer.keys.warm().await;
        }
    }

    /// Whether there is an issuer at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.issuers.is_empty()
    }

    /// Whether an identifier has the form of those that an issuer's tokens give to people.
    #[must_use]
    pub fn names(&self, person: &str) -> bool {
        let Some((name, _)) = person.split_once(':') else { return false };
        self.issuers.values().any(|issuer| issuer.options.name == name)
    }

    /// How it stands with every issuer, by name.
    #[must_use]
    pub fn status(&self) -> Vec<IssuerStatus> {
        let of = |issuer: &Arc<Issuer>| IssuerStatus {
            name: issuer.options.name.clone(),
            issuer: issuer.options.issuer.clone(),
            keys: issuer.keys.status(),
            tokens: issuer.tally.counts(),
        };
        let mut all: Vec<_> = self.issuers.values().map(of).collect();
        all.sort_unstable_by(|a, b| (&a.name, &a.issuer).cmp(&(&b.name, &b.issuer)));
        all
    }

    /// Tokens of no known issuer, by why they were refused.
    #[must_use]
    pub fn strangers(&self) -> Vec<(&'static str, u64)> {
        self.strangers.counts()
    }

    /// Checks a token.
    ///
    /// # Errors
    /// [`Reason`], counted.
    pub async fn verify(&self, text: &str, now: Micros) -> Result<Verified, Reason> {
        let count = |reason| {
            self.strangers.refuse(reason);
            reason
        };
        let token = Token::parse(text).map_err(count)?;
        let iss = token.claims.get("iss").and_then(Value::as_str).ok_or(Reason::Claim).map_err(count)?;
        // Keys are asked of this issuer and no other, whatever `kid` it shares with them.
        let issuer = self.issuers.get(iss).ok_or(Reason::UnknownIssuer).map_err(count)?;
        issuer.verify(&token, now).await.inspect_err(|reason| issuer.tally.refuse(*reason))
    }
}

impl Issuer {
    fn new(options: IssuerOptions, client: SystemClient, observer: Arc<dyn Observer>) -> Self {
        let options = Arc::new(options);
        let keys = Keys::new(Arc::clone(&options), client, observer);
        Self { options, keys, tally: Arc::default(), ended: watch::Sender::new(false) }
    }

    async fn verify(&self, token: &Token<'_>, now: Micros) -> Result<Verified, Reason> {
        let options = &self.options;
        if !options.algorithms.contains(&token.algorithm) {
            return Err(Reason::Algorithm);
        }
        if !self.takes_type(token.typ.as_deref()) {
            return Err(Reason::Type);
        }
        // What the claims come to is told only after the signature; that they are worth a fetch is used before.
        let read = claims::read(&token.claims, options, now);
        let wanted = Wanted {
            kid: token.kid.as_deref(),
            algorithm: token.algorithm,
            issuer: &options.issuer,
            tenant: claims::tenant(&token.claims),
        };
        let key = self.keys.find(&wanted, read.is_ok()).await?;
        if !token.algorithm.verifies(&key.public, token.signed.as_bytes(), &token.signature) {
            return Err(Reason::Signature);
        }
        Ok(Verified {
            identity: read?,
            issuer: options.name.clone(),
            signed_by: key.thumbprint,
            ended: self.ended.subscribe(),
            tally: Arc::clone(&self.tally),
            claims: token.claims.clone(),
        })
    }

    /// Explicit typing (RFC 8725 section 3.11): a media type, whose `application/` may be left out (RFC 7515 section
    /// 4.1.9).
    fn takes_type(&self, typ: Option<&str>) -> bool {
        let typ = typ.unwrap_or("JWT");
        let bare = match typ.split_at_checked("application/".len()) {
            Some((prefix, rest)) if prefix.eq_ignore_ascii_case("application/") => rest,
            _ => typ,
        };
        self.options.types.iter().any(|known| known.eq_ignore_ascii_case(bare))
    }
}

impl std::fmt::Debug for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Verifier({} issuers)", self.issuers.len())
    }
}
