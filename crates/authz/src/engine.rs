//! The decision.

use std::collections::BTreeSet;

use cedar_policy::{AuthorizationError, Authorizer, Decision, Entities, PolicyId, Request, Response};
use stockade_domain::{DecisionRecord, Effect, Obligation, Trial};

use crate::annotations::{Info, Kind};
use crate::cache::Cache;
use crate::error::EngineError;
use crate::policies::{ForAction, PolicySet};
use crate::query::Query;
use crate::request::{Names, Prepared, Unaskable};

/// Reason codes that do not come from a policy's `@reason`. They are stable: records, metrics and errors carry them.
pub mod reason {
    /// No policy permitted it.
    pub const DEFAULT_DENY: &str = "default_deny";
    /// A policy could not be evaluated; what it would have said is unknown.
    pub const POLICY_ERROR: &str = stockade_domain::DecisionRecord::POLICY_ERROR;
    /// A label is not one of the configured ones.
    pub const UNKNOWN_LABEL: &str = "unknown_label";
    /// The action does not go with that kind of resource.
    pub const RESOURCE_MISMATCH: &str = "resource_mismatch";
    /// Put before an obligation of the floor that a policy waived: `waived:redact:secret`.
    pub const WAIVED: &str = "waived:";
}

/// Decides by one policy set. Replaced whole when policies change.
#[derive(Debug)]
pub struct Engine {
    pub(crate) policies: PolicySet,
    pub(crate) names: Names,
    pub(crate) authorizer: Authorizer,
    pub(crate) cache: Cache,
}

impl Engine {
    /// An engine for a checked policy set.
    ///
    /// # Errors
    /// [`EngineError`] when the schema's names cannot be parsed, which no policy text can cause.
    pub fn new(policies: PolicySet) -> Result<Self, EngineError> {
        Ok(Self { policies, names: Names::new()?, authorizer: Authorizer::new(), cache: Cache::default() })
    }

    /// The policies that it decides by.
    #[must_use]
    pub fn policies(&self) -> &PolicySet {
        &self.policies
    }

    /// Decides. Pure: the same question gets the same answer. Everything that goes wrong denies.
    ///
    /// `policies` of the record names what decided: the forbids of a denial; of a permit the permits and then the
    /// policies of the floor that matched. `reasons` holds stable codes: of a denial why, of a permit what was waived.
    #[must_use]
    pub fn decide(&self, query: &Query<'_>) -> DecisionRecord {
        let Prepared { request, entities } = match self.names.prepare(query, &self.cache) {
            Ok(prepared) => prepared,
            Err(unaskable) => return self.deny(Vec::new(), BTreeSet::from([unaskable.code().to_owned()])),
        };
        let Some(policies) = self.policies.for_action(query.action) else {
            return self.deny(Vec::new(), BTreeSet::from([reason::DEFAULT_DENY.to_owned()]));
        };
        let mut decision = self.judge(policies, &request, &entities);
        if let Some(trial) = &policies.trial {
            decision.trial = self.trial(trial, &request, &entities);
        }
        decision
    }

    /// What would be decided if the policies that are only observed were in force; none where they have no say.
    fn trial(&self, policies: &ForAction, request: &Request, entities: &Entities) -> Option<Box<Trial>> {
        let would = self.judge(policies, request, entities);
        let is_observed =
            |id: &String| self.policies.infos.get(&PolicyId::new(id)).is_some_and(|i| i.is_observed);
        let observed: Vec<String> = would.policies.into_iter().filter(is_observed).collect();
        (!observed.is_empty()).then(|| {
            Box::new(Trial {
                policies: observed,
                effect: would.effect,
                reasons: would.reasons,
                obligations: would.obligations,
            })
        })
    }

    fn judge(&self, policies: &ForAction, request: &Request, entities: &Entities) -> DecisionRecord {
        let response = self.authorizer.is_authorized(request, &policies.deciding, entities);
        if let Some(denial) = self.errors(&response) {
            return denial;
        }
        match response.decision() {
            Decision::Deny => {
                let forbids = ids(response.diagnostics().reason());
                let mut reasons: BTreeSet<_> = forbids.iter().map(|id| self.forbid_reason(id)).collect();
                if reasons.is_empty() {
                    reasons.insert(reason::DEFAULT_DENY.to_owned());
                }
                self.deny(forbids, reasons)
            }
            Decision::Allow => self.permit(&response, policies, request, entities),
        }
    }

    fn permit(
        &self,
        response: &Response,
        policies: &ForAction,
        request: &Request,
        entities: &Entities,
    ) -> DecisionRecord {
        let floor = self.authorizer.is_authorized(request, &policies.floor, entities);
        if let Some(denial) = self.errors(&floor) {
            return denial;
        }
        let mut obligations = BTreeSet::new();
        let mut waivers = BTreeSet::new();
        for id in response.diagnostics().reason() {
            // A policy that permits but is not in the table has obligations that nobody read.
            let Some(Info { kind: Kind::Permit { obligations: own, waives }, .. }) =
                self.policies.infos.get(id)
            else {
                return self.deny(ids([id]), BTreeSet::from([reason::POLICY_ERROR.to_owned()]));
            };
            obligations.extend(own.iter().cloned());
            waivers.extend(waives.iter());
        }
        let mut reasons = BTreeSet::new();
        for id in floor.diagnostics().reason() {
            let Some(Info { kind: Kind::Floor { obligations: own }, .. }) = self.policies.infos.get(id)
            else {
                return self.deny(ids([id]), BTreeSet::from([reason::POLICY_ERROR.to_owned()]));
            };
            for obligation in own {
                if waivers.contains(obligation) {
                    reasons.insert(waived(obligation));
                } else {
                    obligations.insert(obligation.clone());
                }
            }
        }
        let mut policies = ids(response.diagnostics().reason());
        policies.extend(ids(floor.diagnostics().reason()));
        DecisionRecord {
            effect: Effect::Permit,
            policies,
            policy_hash: self.policies.hash().to_owned(),
            reasons: reasons.into_iter().collect(),
            obligations: obligations.into_iter().collect(),
            asked: None,
            trial: None,
        }
    }

    /// Cedar leaves out a policy that fails and goes on, so a `forbid` could vanish: any failure denies.
    fn errors(&self, response: &Response) -> Option<DecisionRecord> {
        let mut failed = response
            .diagnostics()
            .errors()
            .map(|error| match error {
                AuthorizationError::PolicyEvaluationError(error) => error.policy_id(),
            })
            .peekable();
        failed.peek()?;
        Some(self.deny(ids(failed), BTreeSet::from([reason::POLICY_ERROR.to_owned()])))
    }

    fn forbid_reason(&self, id: &str) -> String {
        match self.policies.infos.get(&PolicyId::new(id)) {
            Some(Info { kind: Kind::Forbid { reason }, .. }) => reason.clone(),
            _ => reason::POLICY_ERROR.to_owned(),
        }
    }

    fn deny(&self, policies: Vec<String>, reasons: BTreeSet<String>) -> DecisionRecord {
        DecisionRecord {
            effect: Effect::Deny,
            policies,
            policy_hash: self.policies.hash().to_owned(),
            reasons: reasons.into_iter().collect(),
            obligations: Vec::new(),
            asked: None,
            trial: None,
        }
    }
}

impl Unaskable {
    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Self::Label(_) => reason::UNKNOWN_LABEL,
            Self::Mismatch => reason::RESOURCE_MISMATCH,
            Self::Cedar(_) => reason::POLICY_ERROR,
        }
    }
}

/// The code that records a waiver of an obligation.
pub(crate) fn waived(obligation: &Obligation) -> String {
    format!("{}{obligation}", reason::WAIVED)
}

fn ids<'a>(ids: impl IntoIterator<Item = &'a PolicyId>) -> Vec<String> {
    let sorted: BTreeSet<String> = ids.into_iter().map(|id| AsRef::<str>::as_ref(id).to_owned()).collect();
    sorted.into_iter().collect()
}
