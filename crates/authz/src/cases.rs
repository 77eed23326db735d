//! Policy tests: requests with what should be decided, as a TOML file. The same file without expectations is what
//! `policy explain` reads.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use stockade_domain::{
    Action, Audience, Caller, CredentialKind, DecisionRecord, Effect, EndUser, Exposure, KeyId, Label,
    LabelOrder, Micros, Obligation, TenantId, TokenFacts, UserProof, Workload, WorkloadId, WorkloadName,
};

use crate::engine::Engine;
use crate::error::{PolicyError, PolicyErrors};
use crate::explain::Explanation;
use crate::query::{InspectionContext, Model, Query, Resource};

/// A file of cases. Workloads and models are written once and named by the cases.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseFile {
    /// The order of labels, lowest first; the built-in order when it is left out.
    #[serde(default)]
    labels: Vec<Label>,
    #[serde(default)]
    workloads: BTreeMap<WorkloadName, WorkloadFacts>,
    #[serde(default)]
    models: BTreeMap<String, Model>,
    /// The cases, in order.
    #[serde(rename = "case", default)]
    pub cases: Vec<Case>,
}

/// One request.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// What the case shows.
    pub name: String,
    workload: WorkloadName,
    #[serde(default)]
    user: Option<String>,
    /// How it is known who the user is.
    #[serde(default = "asserted")]
    user_proof: UserProof,
    /// Groups of the user, as policies name them.
    #[serde(default)]
    groups: Vec<String>,
    #[serde(default = "known")]
    groups_known: bool,
    /// The token that is the credential, or that the workload passed.
    #[serde(default)]
    token: Option<TokenCase>,
    action: Action,
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    tool: Option<String>,
    /// The highest label of a conversation in which the tool may be called; the highest of all when it is left out.
    #[serde(default)]
    tool_label_max: Option<Label>,
    #[serde(default)]
    context: InspectionContext,
    /// What should be decided; absent where a file is only to be explained.
    #[serde(default)]
    pub expect: Option<Expectation>,
}

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenCase {
    issuer: String,
    #[serde(default)]
    client: Option<String>,
    #[serde(default)]
    roles: Vec<String>,
    #[serde(default)]
    scopes: Vec<String>,
    #[serde(default)]
    bound: bool,
}

/// What should be decided. What is left out is not compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// Permit or deny.
    pub effect: Effect,
    /// The reason codes, all of them.
    #[serde(default)]
    pub reasons: Option<Vec<String>>,
    /// The policies that decide, all of them.
    #[serde(default)]
    pub policies: Option<Vec<String>>,
    /// The obligations, all of them.
    #[serde(default)]
    pub obligations: Option<Vec<Obligation>>,
}

/// How a case went.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CaseResult {
    /// The case's name.
    pub name: String,
    /// What was decided.
    pub decision: DecisionRecord,
    /// What was not as expected, one line each; empty when the case passes.
    pub differences: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct WorkloadFacts {
    #[serde(default = "employees")]
    audience: Audience,
    #[serde(default = "internal")]
    exposure: Exposure,
    #[serde(default)]
    owner: String,
    #[serde(default)]
    label: Label,
    #[serde(default)]
    models: Vec<String>,
    #[serde(default)]
    tools: Vec<String>,
    #[serde(default)]
    traits: Vec<String>,
}

fn employees() -> Audience {
    Audience::Employees
}

fn asserted() -> UserProof {
    UserProof::Asserted
}

fn known() -> bool {
    true
}

fn internal() -> Exposure {
    Exposure::Internal
}

impl CaseFile {
    /// Reads a case file.
    ///
    /// # Errors
    /// TOML errors, unknown keys, two cases of one name, and names of workloads or models that the file does not have.
    pub fn parse(name: &str, text: &str) -> Result<Self, PolicyErrors> {
        let mut file: Self = toml::from_str(text).map_err(|error| {
            let span = error.span();
            let message = error.message().to_owned();
            PolicyErrors::new(vec![PolicyError { file: name.to_owned(), span, message, help: None }])
        })?;
        for (model_name, model) in &mut file.models {
            model.name.clone_from(model_name);
        }
        let mut errors = Vec::new();
        for (at, case) in file.cases.iter().enumerate() {
            let mut fail =
                |what: String| errors.push(PolicyError::whole(name, format!("case `{}`: {what}", case.name)));
            if file.cases.iter().take(at).any(|earlier| earlier.name == case.name) {
                fail("another case has this name".to_owned());
            }
            if !file.workloads.contains_key(&case.workload) {
                fail(format!("there is no `[workloads.{}]`", case.workload));
            }
            if let Some(model) = case.model.as_ref().filter(|model| !file.models.contains_key(*model)) {
                fail(format!("there is no `[models.{model}]`"));
            }
            if case.tool.is_some() && case.model.is_none() {
                fail("a tool is called by a model: name one".to_owned());
            }
        }
        if errors.is_empty() { Ok(file) } else { Err(PolicyErrors::new(errors)) }
    }

    /// Decides every case that expects something.
    #[must_use]
    pub fn run(&self, engine: &Engine) -> Vec<CaseResult> {
        let tested = self.cases.iter().filter_map(|case| Some((case, case.expect.as_ref()?)));
        let results = tested.filter_map(|(case, expect)| {
            let decision = self.ask(case, |query| engine.decide(query))?;
            Some(CaseResult { name: case.name.clone(), differences: expect.compare(&decision), decision })
        });
        results.collect()
    }

    /// Explains one case; `None` when the case is not of this file.
    #[must_use]
    pub fn explain(&self, case: &Case, engine: &Engine) -> Option<Explanation> {
        self.ask(case, |query| engine.explain(query))
    }

    fn ask<T>(&self, case: &Case, answer: impl FnOnce(&Query<'_>) -> T) -> Option<T> {
        let caller = self.workloads.get(&case.workload)?.caller(case);
        let model = match &case.model {
            Some(name) => Some(self.models.get(name)?),
            None => None,
        };
        let label_order = &LabelOrder::new(self.labels.clone());
        let highest = label_order.highest();
        let resource = match (model, &case.tool) {
            (Some(model), Some(name)) => {
                Resource::Tool { name, model, label_max: case.tool_label_max.as_ref().unwrap_or(&highest) }
            }
            (Some(model), None) => Resource::Model(model),
            (None, _) => Resource::Gateway,
        };
        Some(answer(&Query {
            caller: &caller,
            action: case.action,
            resource,
            context: &case.context,
            label_order,
        }))
    }
}

impl WorkloadFacts {
    fn caller(&self, case: &Case) -> Caller {
        let nil = Micros::from_i64(0);
        // A token beside a key is the one that was passed for the user.
        let is_token = case.token.is_some() && case.user_proof != UserProof::Passed;
        Caller {
            workload: Arc::new(Workload {
                id: WorkloadId::new(nil, [0; 10]),
                tenant: TenantId::default(),
                name: case.workload.clone(),
                audience: self.audience,
                exposure: self.exposure,
                owner: self.owner.clone(),
                label: self.label.clone(),
                models: self.models.clone(),
                tools: self.tools.clone(),
                traits: self.traits.clone(),
            }),
            key: if is_token { None } else { Some(KeyId::new(nil, [0; 10])) },
            credential: if is_token { CredentialKind::Token } else { CredentialKind::ApiKey },
            token: case.token.as_ref().map(TokenCase::facts),
            certificate: None,
            user: case.user.clone().map(|id| EndUser {
                id,
                proof: case.user_proof,
                groups: case.groups.clone(),
                groups_known: case.groups_known,
            }),
            chain: Vec::new(),
        }
    }
}

impl TokenCase {
    fn facts(&self) -> Arc<TokenFacts> {
        Arc::new(TokenFacts {
            issuer: self.issuer.clone(),
            client: self.client.clone(),
            roles: self.roles.clone(),
            scopes: self.scopes.clone(),
            signed_by: String::new(),
            id: None,
            bound: self.bound,
        })
    }
}

impl Expectation {
    fn compare(&self, decision: &DecisionRecord) -> Vec<String> {
        let mut out = Vec::new();
        if self.effect != decision.effect {
            out.push(format!("expected {:?}, decided {:?}", self.effect, decision.effect).to_lowercase());
        }
        differ("reasons", self.reasons.as_deref(), &decision.reasons, &mut out);
        differ("policies", self.policies.as_deref(), &decision.policies, &mut out);
        differ("obligations", self.obligations.as_deref(), &decision.obligations, &mut out);
        out
    }
}

fn differ<T: Ord + ToString>(what: &str, expected: Option<&[T]>, decided: &[T], out: &mut Vec<String>) {
    let Some(expected) = expected else { return };
    let words = |list: &[T]| {
        let mut words: Vec<String> = list.iter().map(ToString::to_string).collect();
        words.sort_unstable();
        words
    };
    let (expected, decided) = (words(expected), words(decided));
    if expected != decided {
        out.push(format!("expected {what} [{}], decided [{}]", expected.join(", "), decided.join(", ")));
    }
}
