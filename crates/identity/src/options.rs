//! What an operator says of an issuer.

use std::collections::BTreeMap;
use std::time::Duration;

use stockade_egress::SystemTarget;

use crate::algorithm::Algorithm;

/// An issuer whose tokens are accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuerOptions {
    /// Its name in records and policies: letters, digits, `-`, `_` and `.`, so that a colon after it ends it.
    pub name: String,
    /// Its `iss`, compared letter for letter, and the base of its description.
    pub issuer: String,
    /// Where its keys are; found in its description when absent.
    pub jwks_uri: Option<SystemTarget>,
    /// Who we are: one of these must be in `aud`.
    pub audiences: Vec<String>,
    /// What it may sign with.
    pub algorithms: Vec<Algorithm>,
    /// What `typ` may say, without regard to case and to `application/` before it; a token without one counts as `JWT`.
    pub types: Vec<String>,
    /// Which workload a token belongs to.
    pub client: ClientRule,
    /// The claim that identifies a person; absent where this issuer's tokens never speak of people.
    pub user_claim: Option<String>,
    /// The claim with a person's groups.
    pub groups_claim: Option<String>,
    /// The claim with roles.
    pub roles_claim: Option<String>,
    /// Scopes that a token needs, all of them.
    pub required_scopes: Vec<String>,
    /// How far two clocks may be apart.
    pub clock_skew: Duration,
    /// The longest time since a token was issued.
    pub max_age: Duration,
    /// Keys older than this are fetched again.
    pub refresh: Duration,
    /// Keys older than this are not used any more, even when there are no newer ones to be had.
    pub stale: Duration,
    /// The tenant, where the issuer is Microsoft Entra ID.
    pub entra_tenant: Option<String>,
}

/// From the program that a token was issued to, to a workload's name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClientRule {
    /// The claim that names the program. When absent: `azp`, `client_id` and `appid`, which must agree.
    pub claim: Option<String>,
    /// By name of the program.
    pub workloads: BTreeMap<String, String>,
    /// For every other.
    pub otherwise: Option<String>,
}
