//! Who calls: a workload, optionally an end user behind it, and the chain of delegation between them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::id::{KeyId, WorkloadId};
use crate::workload::Workload;

/// How the caller proved who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CredentialKind {
    /// A Stockade API key.
    ApiKey,
    /// A token that a configured issuer signed (OpenID Connect, RFC 9068).
    Token,
    /// A client certificate (mutual TLS).
    Certificate,
}

/// How it is known which person a workload acts for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UserProof {
    /// The workload says so. It is believed only where policy trusts the workload to assert users.
    Asserted,
    /// The person's own token was the credential.
    Token,
    /// The workload passed the person's token beside its own credential.
    Passed,
}

/// A person behind a workload.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EndUser {
    /// The workload's own identifier of the person; for one who is known by a token, the issuer's name, a colon and the
    /// issuer's identifier of the person.
    pub id: String,
    /// How it is known.
    pub proof: UserProof,
    /// Groups that the issuer says the person is in, each after the issuer's name and a colon.
    pub groups: Vec<String>,
    /// `false` where the issuer says that there are groups and not which. Nothing may then follow from their absence.
    pub groups_known: bool,
}

/// What a token says beside the person it is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TokenFacts {
    /// The issuer's name in the configuration.
    pub issuer: String,
    /// The program that the token was issued to.
    pub client: Option<String>,
    /// Roles, each after the issuer's name and a colon.
    pub roles: Vec<String>,
    /// What the token was issued for (RFC 6749 section 3.3).
    pub scopes: Vec<String>,
    /// The key that it is signed with, by its thumbprint (RFC 7638).
    pub signed_by: String,
    /// The token's own identifier (RFC 7519 section 4.1.7).
    pub id: Option<String>,
    /// It is bound to a key or certificate, and whoever presented it proved to hold that (RFC 7800).
    pub bound: bool,
}

/// A client certificate, as records and policies know it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CertificateFacts {
    /// The name in it that stands for the workload: a URI, or `dns:` and a DNS name.
    pub name: String,
    /// Its thumbprint (RFC 8705 section 3.1, `x5t#S256`).
    pub thumbprint: String,
}

/// An authenticated caller.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The workload that the credential belongs to.
    pub workload: Arc<Workload>,
    /// The key that was used, if it was a key.
    pub key: Option<KeyId>,
    /// How it authenticated.
    pub credential: CredentialKind,
    /// The token that was used, as the credential or for the person.
    pub token: Option<Arc<TokenFacts>>,
    /// The client certificate, where it is the credential.
    pub certificate: Option<Arc<CertificateFacts>>,
    /// The person it acts for, when it says so and is trusted to.
    pub user: Option<EndUser>,
    /// Other workloads that the call passed through, nearest first.
    pub chain: Vec<WorkloadId>,
}

/// A caller as the ledger keeps it: ids, and of a person only a keyed pseudonym.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallerRecord {
    /// The workload's id.
    pub workload: WorkloadId,
    /// The key's id, if it was a key.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub key: Option<KeyId>,
    /// How it authenticated.
    pub credential: CredentialKind,
    /// The token that was used.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub token: Option<TokenRecord>,
    /// The client certificate, where it was the credential.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub certificate: Option<CertificateFacts>,
    /// Keyed pseudonym of the end user (HMAC-SHA-256, lower-case hex, first 32 characters).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub user: Option<String>,
    /// How it is known who the end user is. Entries older than this word mean `asserted`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub user_proof: Option<UserProof>,
    /// The chain of delegation, nearest first.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub chain: Vec<WorkloadId>,
}

/// A token as the ledger keeps it: who signed it with which key, and for which program; never what it says of a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenRecord {
    /// The issuer's name in the configuration.
    pub issuer: String,
    /// The program that the token was issued to.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub client: Option<String>,
    /// Thumbprint of the key that it is signed with (RFC 7638, SHA-256, base64url).
    pub signed_by: String,
    /// Keyed pseudonym of the token's own identifier, made like those of end users.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub id: Option<String>,
}

impl EndUser {
    /// A person as a workload asserts it.
    #[must_use]
    pub fn asserted(id: impl Into<String>) -> Self {
        Self { id: id.into(), proof: UserProof::Asserted, groups: Vec::new(), groups_known: true }
    }
}

impl Caller {
    /// The record of this caller; `pseudonym` maps an end user's id, and a token's, to its keyed pseudonym.
    #[must_use]
    pub fn record(&self, pseudonym: impl Fn(&str) -> String) -> CallerRecord {
        CallerRecord {
            workload: self.workload.id,
            key: self.key,
            credential: self.credential,
            token: self.token.as_ref().map(|token| TokenRecord {
                issuer: token.issuer.clone(),
                client: token.client.clone(),
                signed_by: token.signed_by.clone(),
                id: token.id.as_deref().map(&pseudonym),
            }),
            certificate: self.certificate.as_deref().cloned(),
            user: self.user.as_ref().map(|u| pseudonym(&u.id)),
            user_proof: self.user.as_ref().map(|u| u.proof),
            chain: self.chain.clone(),
        }
    }
}
