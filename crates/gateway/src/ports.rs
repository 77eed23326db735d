//! What the gateway needs from elsewhere. It knows no store, no ledger and no file.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use stockade_authz::Model;
use stockade_domain::{Caller, EndUser, TokenFacts, WorkloadId};
use stockade_egress::Target;
use stockade_egress::evidence::Lease;

use crate::dialect::Dialect;
use crate::labels::fits;

pub use stockade_egress::evidence::{AuditError, AuditSink, AuditSlot, Durable, Payload, Unavailable};

/// A credential that was accepted.
#[derive(Debug)]
pub struct Grant {
    /// Who it belongs to; of end users only one that the credential itself speaks of.
    pub caller: Caller,
    /// For how long it is good.
    pub lease: Lease,
}

/// Why a credential was not accepted. The caller learns only that it was not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// Not the form of a key, or its checksum is wrong.
    #[error("the credential is malformed")]
    Malformed,
    /// No such key, or another secret.
    #[error("the credential is not known")]
    Unknown,
    /// The key has run out.
    #[error("the credential has expired")]
    Expired,
    /// The key was revoked.
    #[error("the credential was revoked")]
    Revoked,
}

/// Knows API keys. Called on the request path: answers from memory.
pub trait KeyDirectory: Send + Sync + 'static {
    /// Checks a presented key in constant time.
    ///
    /// # Errors
    /// [`AuthError`] says why not, for the record.
    fn authenticate(&self, presented: &str) -> Result<Grant, AuthError>;
}

/// A token as it was presented, with what may prove that whoever presents it holds the key that it is bound to.
#[derive(Debug, Clone)]
pub struct Presented<'a> {
    /// The token.
    pub token: &'a str,
    /// It came under the scheme `DPoP` and not `Bearer` (RFC 9449 section 7.1).
    pub is_dpop: bool,
    /// The proof in the field `DPoP`.
    pub proof: Option<&'a str>,
    /// The request's method.
    pub method: &'a str,
    /// The request's address without its query, in each form in which a client may have asked for it.
    pub addresses: Vec<String>,
    /// The client's certificate in DER, verified by TLS.
    pub certificate: Option<&'a [u8]>,
}

/// Why a token was not accepted. The caller learns no more than this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It is not good, or nobody here trusts its issuer.
    #[error("the token is not accepted")]
    Refused,
    /// It was good, and has run out.
    #[error("the token has expired")]
    Expired,
    /// The proof of possession is not good for this request, or was used before.
    #[error("the proof of possession is not good for this request")]
    Proof,
    /// The proof of possession must carry the nonce that the answer brings.
    #[error("the proof of possession lacks a nonce")]
    Nonce,
    /// It cannot be checked now.
    #[error("the issuer's keys cannot be had")]
    Unavailable,
}

/// A person whose token a workload passed.
#[derive(Debug)]
pub struct PassedUser {
    /// The person.
    pub user: EndUser,
    /// What else the token says.
    pub token: TokenFacts,
    /// The workload that the token was issued to, where that is a known one: the call passed through it.
    pub through: Option<WorkloadId>,
    /// For how long it is good.
    pub lease: Lease,
}

/// Knows identity providers and their tokens. May wait for a provider's keys.
pub trait TokenDirectory: Send + Sync + 'static {
    /// Whether a credential is a token, to be checked here, and no key.
    fn is_token(&self, presented: &str) -> bool;

    /// Whether an identifier has the form of those that tokens give to people: no workload may assert it.
    fn names(&self, person: &str) -> bool;

    /// The nonce that proofs of possession must carry now, where they must carry one.
    fn nonce(&self) -> Option<String>;

    /// Checks a token as the credential of a workload.
    fn authenticate<'a>(&'a self, presented: Presented<'a>) -> BoxFuture<'a, Result<Grant, TokenError>>;

    /// Takes a client's certificate (DER, verified by TLS) as the credential of a workload.
    ///
    /// # Errors
    /// [`TokenError`] when it stands for none.
    fn certificate(&self, certificate: &[u8]) -> Result<Grant, TokenError>;

    /// Checks the token of a person that a workload passes beside its own credential.
    fn person<'a>(&'a self, token: &'a str) -> BoxFuture<'a, Result<PassedUser, TokenError>>;
}

/// No identity provider is trusted: every credential is a key.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoIssuers;

impl TokenDirectory for NoIssuers {
    fn is_token(&self, _: &str) -> bool {
        false
    }

    fn names(&self, _: &str) -> bool {
        false
    }

    fn nonce(&self) -> Option<String> {
        None
    }

    fn authenticate<'a>(&'a self, _: Presented<'a>) -> BoxFuture<'a, Result<Grant, TokenError>> {
        Box::pin(std::future::ready(Err(TokenError::Refused)))
    }

    fn certificate(&self, _: &[u8]) -> Result<Grant, TokenError> {
        Err(TokenError::Refused)
    }

    fn person<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<PassedUser, TokenError>> {
        Box::pin(std::future::ready(Err(TokenError::Refused)))
    }
}

/// Knows which system prompts a workload has registered.
pub trait PromptRegistry: Send + Sync + 'static {
    /// Whether the prompt with this SHA-256 is registered for the workload.
    fn is_registered(&self, workload: WorkloadId, digest: &[u8; 32]) -> bool;
}

/// The models that exist, and where. What may be used is the policies' affair.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    /// Entries, in order; the first whose pattern fits serves a model.
    pub entries: Vec<CatalogEntry>,
    /// Routes over several upstreams; they come before the entries.
    pub routes: Vec<Route>,
}

/// Models that several upstreams serve.
#[derive(Debug, Clone)]
pub struct Route {
    /// Model names; `*` at the end stands for any rest.
    pub models: Vec<String>,
    /// The upstreams, with the share of requests that each is asked first for. One with a share of 0 is asked only when
    /// others fail.
    pub upstreams: Vec<(CatalogEntry, u32)>,
    /// How many of them are asked for one request, at most.
    pub attempts: usize,
}

/// One upstream with the models it serves.
#[derive(Debug, Clone)]
pub struct CatalogEntry {
    /// Model names; `*` at the end stands for any rest.
    pub models: Vec<String>,
    /// What policies see. The name is filled in with the one that was asked for.
    pub model: Model,
    /// Where it is.
    pub target: Arc<Target>,
    /// What it speaks.
    pub apis: Apis,
}

/// What an upstream speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Apis {
    /// OpenAI chat completions.
    pub chat: bool,
    /// OpenAI legacy completions.
    pub completions: bool,
    /// OpenAI embeddings.
    pub embeddings: bool,
    /// OpenAI responses.
    pub responses: bool,
    /// Anthropic messages.
    pub messages: bool,
    /// Ollama's own protocol. What it speaks of OpenAI's then stands below `/v1`.
    pub ollama: bool,
    /// Predictions of models that are not generative.
    pub predict: bool,
    /// Its chat calls the limit of an answer `max_completion_tokens`, as OpenAI does, and not `max_tokens`.
    pub completion_limit: bool,
    /// It is told who asks, in Azure's `user_security_context`.
    pub user_security_context: bool,
    /// Its models think within a budget of tokens, as Anthropic's did before they chose by themselves.
    pub thinks_in_budget: bool,
}

/// A model that was found.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// What policies see.
    pub model: Model,
    /// Where it is.
    pub target: Arc<Target>,
    /// What it speaks.
    pub apis: Apis,
}

impl Route {
    /// The place of the upstream that a number falls on.
    fn first(&self, draw: u64) -> usize {
        let total: u64 = self.upstreams.iter().map(|(_, share)| u64::from(*share)).sum();
        let mut left = draw.checked_rem(total).unwrap_or(0);
        let falls_on = self.upstreams.iter().position(|(_, share)| {
            let share = u64::from(*share);
            let is_here = left < share;
            left = left.saturating_sub(share);
            is_here
        });
        falls_on.unwrap_or(0)
    }
}

impl Apis {
    /// Nothing.
    pub const NONE: Self = Self {
        chat: false,
        completions: false,
        embeddings: false,
        responses: false,
        messages: false,
        ollama: false,
        predict: false,
        completion_limit: false,
        user_security_context: false,
        thinks_in_budget: false,
    };

    /// All that OpenAI offers.
    pub const OPENAI: Self =
        Self { chat: true, completions: true, embeddings: true, responses: true, ..Self::NONE };

    /// What Anthropic offers.
    pub const ANTHROPIC: Self = Self { messages: true, ..Self::NONE };

    /// What a server of models that are not generative offers.
    pub const PREDICT: Self = Self { predict: true, ..Self::NONE };

    /// What Ollama offers.
    pub const OLLAMA: Self =
        Self { ollama: true, chat: true, completions: true, embeddings: true, ..Self::NONE };

    pub(crate) fn speaks(self, dialect: Dialect) -> bool {
        match dialect {
            Dialect::Chat => self.chat,
            Dialect::Completions => self.completions,
            Dialect::Embeddings => self.embeddings,
            Dialect::Responses => self.responses,
            Dialect::Messages | Dialect::CountTokens => self.messages,
            Dialect::OllamaChat
            | Dialect::OllamaGenerate
            | Dialect::OllamaEmbed
            | Dialect::OllamaEmbedding => self.ollama,
            Dialect::Predict | Dialect::PredictAbout => self.predict,
        }
    }
}

impl Catalog {
    /// Who serves a model of this name, in the order in which they are asked: of a route the one that `draw` falls on and
    /// then the others, else the first entry. How many of a route's are asked for one request, [`Catalog::attempts`] says.
    #[must_use]
    pub fn resolve(&self, name: &str, draw: u64) -> Vec<Resolved> {
        let fits = |pattern: &String| fits(pattern, name);
        let resolved = |entry: &CatalogEntry| Resolved {
            model: Model { name: name.to_owned(), ..entry.model.clone() },
            target: Arc::clone(&entry.target),
            apis: entry.apis,
        };
        if let Some(route) = self.routes.iter().find(|route| route.models.iter().any(fits)) {
            let first = route.first(draw);
            let (before, after) = route.upstreams.split_at_checked(first).unwrap_or_default();
            let (chosen, after) = after.split_at_checked(1).unwrap_or_default();
            let ordered = chosen.iter().chain(before).chain(after);
            return ordered.map(|(entry, _)| resolved(entry)).collect();
        }
        self.entries.iter().find(|e| e.models.iter().any(fits)).map(resolved).into_iter().collect()
    }

    /// How many upstreams are asked for one request for a model, at most.
    #[must_use]
    pub fn attempts(&self, name: &str) -> usize {
        let fits = |pattern: &String| fits(pattern, name);
        self.routes.iter().find(|route| route.models.iter().any(fits)).map_or(1, |route| route.attempts)
    }

    /// Every model that is named without a wildcard, once.
    pub fn named(&self) -> impl Iterator<Item = &str> {
        let routed = self.routes.iter().flat_map(|route| &route.models);
        let all = routed.chain(self.entries.iter().flat_map(|entry| &entry.models));
        let mut seen = std::collections::HashSet::new();
        all.map(String::as_str).filter(move |model| !model.ends_with('*') && seen.insert(*model))
    }
}
