//! From a [`Query`] to Cedar's principal, action, resource, context and entities.

use std::collections::{HashMap, HashSet};

use cedar_policy::{
    Context, Entities, Entity, EntityId, EntityTypeName, EntityUid, Request, RestrictedExpression as Expr,
};
use stockade_domain::{
    Action, CredentialKind, EndUser, Label, LabelOrder, UnknownLabel, UserProof, Workload,
};

use crate::cache::Cache;
use crate::error::EngineError;
use crate::query::{InspectionContext, Model, Query, Resource, listed};

/// Cedar's type names, parsed once.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    action: EntityTypeName,
    audience: EntityTypeName,
    caller: EntityTypeName,
    credential: EntityTypeName,
    exposure: EntityTypeName,
    gateway: EntityTypeName,
    model: EntityTypeName,
    tool: EntityTypeName,
    upstream: EntityTypeName,
    group: EntityTypeName,
    user: EntityTypeName,
    user_proof: EntityTypeName,
    workload: EntityTypeName,
}

/// A question in Cedar's terms.
pub(crate) struct Prepared {
    pub(crate) request: Request,
    pub(crate) entities: Entities,
}

/// Why a question cannot be put. Each of these denies.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unaskable {
    #[error(transparent)]
    Label(#[from] UnknownLabel),
    #[error("the action does not go with that kind of resource")]
    Mismatch,
    #[error("{0}")]
    Cedar(String),
}

impl Names {
    pub(crate) fn new() -> Result<Self, EngineError> {
        let name = |name: &str| {
            format!("Stockade::{name}")
                .parse::<EntityTypeName>()
                .map_err(|error| EngineError(error.to_string()))
        };
        Ok(Self {
            action: name("Action")?,
            audience: name("Audience")?,
            caller: name("Caller")?,
            credential: name("Credential")?,
            exposure: name("Exposure")?,
            gateway: name("Gateway")?,
            model: name("Model")?,
            tool: name("Tool")?,
            upstream: name("Upstream")?,
            group: name("Group")?,
            user: name("User")?,
            user_proof: name("UserProof")?,
            workload: name("Workload")?,
        })
    }

    pub(crate) fn prepare(&self, query: &Query<'_>, cache: &Cache) -> Result<Prepared, Unaskable> {
        let mut entities = Vec::with_capacity(4);
        let principal = self.caller(query, cache, &mut entities)?;
        let (resource, context) = match (query.action, query.resource) {
            (
                Action::Connect | Action::ListModels | Action::ReadResult | Action::Export,
                Resource::Gateway,
            ) => (uid(&self.gateway, "gateway"), headers(query.context, cache)),
            (Action::Invoke | Action::Embed | Action::Predict, Resource::Model(model)) => {
                (self.model(query, model, cache, &mut entities)?, inspected(query, model, cache)?)
            }
            (Action::CallTool, Resource::Tool { name, model, label_max }) => {
                let model_uid = self.model(query, model, cache, &mut entities)?;
                let tool = self.tool(query, name, label_max, model_uid, &mut entities)?;
                (tool, inspected(query, model, cache)?)
            }
            _ => return Err(Unaskable::Mismatch),
        };
        let action = uid(&self.action, query.action.as_str());
        let context = Context::from_pairs(context).map_err(cedar)?;
        let request = Request::new(principal, action, resource, context, None).map_err(cedar)?;
        let entities = Entities::from_entities(entities, None).map_err(cedar)?;
        Ok(Prepared { request, entities })
    }

    fn caller(
        &self,
        query: &Query<'_>,
        cache: &Cache,
        entities: &mut Vec<Entity>,
    ) -> Result<EntityUid, Unaskable> {
        let caller = query.caller;
        let order = query.label_order;
        let workload = cache.workload(&caller.workload, order, || self.workload(&caller.workload, order))?;
        let workload_uid = workload.uid();
        entities.push(workload);
        let credential = match caller.credential {
            CredentialKind::ApiKey => "api_key",
            CredentialKind::Token => "token",
            CredentialKind::Certificate => "certificate",
        };
        let token = caller.token.as_deref();
        let words =
            |list: Option<&Vec<String>>| Expr::new_set(list.into_iter().flatten().map(|word| text(word)));
        let chain = caller.chain.iter().map(|id| entity(uid(&self.workload, &id.to_string())));
        let mut attributes = HashMap::from([
            pair("workload", entity(workload_uid.clone())),
            pair("credential", entity(uid(&self.credential, credential))),
            pair("chain", Expr::new_set(chain)),
            pair("groups_known", Expr::new_bool(caller.user.as_ref().is_none_or(|user| user.groups_known))),
            pair("roles", words(token.map(|token| &token.roles))),
            pair("scopes", words(token.map(|token| &token.scopes))),
            pair("bound", Expr::new_bool(token.is_some_and(|token| token.bound))),
        ]);
        if let Some(token) = token {
            attributes.extend([pair("issuer", text(&token.issuer))]);
            attributes.extend(token.client.iter().map(|client| pair("client", text(client))));
        }
        if let Some(certificate) = &caller.certificate {
            attributes.extend([pair("certificate", text(&certificate.name))]);
        }
        if let Some(user) = &caller.user {
            attributes.extend([
                pair("user", entity(self.user(user, entities)?)),
                pair("user_proof", entity(uid(&self.user_proof, proof(user.proof)))),
            ]);
        }
        // What a key's id is to a key, issuer and program are to a token.
        let id = match (&caller.key, token) {
            (Some(key), _) => key.to_string(),
            (None, Some(token)) => {
                format!("{}:{}", token.issuer, token.client.as_deref().unwrap_or_default())
            }
            (None, None) => caller.certificate.as_ref().map(|own| own.name.clone()).unwrap_or_default(),
        };
        let id = uid(&self.caller, &id);
        entities.push(Entity::new(id.clone(), attributes, HashSet::from([workload_uid])).map_err(cedar)?);
        Ok(id)
    }

    fn user(&self, user: &EndUser, entities: &mut Vec<Entity>) -> Result<EntityUid, Unaskable> {
        let id = uid(&self.user, &user.id);
        if !user.groups.is_empty() {
            let parents = user.groups.iter().map(|group| uid(&self.group, group)).collect();
            entities.push(Entity::new(id.clone(), HashMap::new(), parents).map_err(cedar)?);
        }
        Ok(id)
    }

    fn workload(&self, workload: &Workload, order: &LabelOrder) -> Result<Entity, Unaskable> {
        let attributes = HashMap::from([
            pair("name", text(workload.name.as_str())),
            pair("tenant", text(workload.tenant.as_str())),
            pair("owner", text(&workload.owner)),
            pair("audience", entity(uid(&self.audience, workload.audience.as_str()))),
            pair("exposure", entity(uid(&self.exposure, workload.exposure.as_str()))),
            pair("label", label(&workload.label, order)?),
            pair("traits", Expr::new_set(workload.traits.iter().map(|word| text(word)))),
        ]);
        let id = uid(&self.workload, &workload.id.to_string());
        Entity::new(id, attributes, HashSet::new()).map_err(cedar)
    }

    fn model(
        &self,
        query: &Query<'_>,
        model: &Model,
        cache: &Cache,
        entities: &mut Vec<Entity>,
    ) -> Result<EntityUid, Unaskable> {
        let workload = &query.caller.workload;
        let made = cache.model(workload, query.label_order, model, || {
            let mut attributes = HashMap::from([
                pair("name", text(&model.name)),
                pair("upstream", entity(uid(&self.upstream, &model.upstream))),
                pair("sandbox", Expr::new_bool(model.sandbox)),
                pair("label_max", label(&model.label_max, query.label_order)?),
            ]);
            attributes.extend(model.region.iter().map(|region| pair("region", text(region))));
            let parents = self.lists(query, model.listed(&workload.models));
            Entity::new(uid(&self.model, &model.name), attributes, parents).map_err(cedar)
        })?;
        let id = made.uid();
        entities.push(made);
        Ok(id)
    }

    fn tool(
        &self,
        query: &Query<'_>,
        name: &str,
        label_max: &Label,
        model: EntityUid,
        entities: &mut Vec<Entity>,
    ) -> Result<EntityUid, Unaskable> {
        let id = uid(&self.tool, name);
        let attributes = HashMap::from([
            pair("name", text(name)),
            pair("model", entity(model)),
            pair("label_max", label(label_max, query.label_order)?),
        ]);
        let parents = self.lists(query, listed(&query.caller.workload.tools, name));
        entities.push(Entity::new(id.clone(), attributes, parents).map_err(cedar)?);
        Ok(id)
    }

    /// The caller's workload as a parent, when it lists the thing.
    fn lists(&self, query: &Query<'_>, listed: bool) -> HashSet<EntityUid> {
        listed.then(|| uid(&self.workload, &query.caller.workload.id.to_string())).into_iter().collect()
    }
}

const fn proof(proof: UserProof) -> &'static str {
    match proof {
        UserProof::Asserted => "asserted",
        UserProof::Token => "token",
        UserProof::Passed => "passed",
    }
}

fn headers(context: &InspectionContext, cache: &Cache) -> Vec<(String, Expr)> {
    let mut pairs = Vec::with_capacity(20);
    pairs.push(pair("now", cache.second(context.now)));
    if let Some(addr) = context.addr {
        pairs.push(pair("addr", cache.address(addr)));
    }
    pairs
}

fn inspected(query: &Query<'_>, model: &Model, cache: &Cache) -> Result<Vec<(String, Expr)>, Unaskable> {
    let cx = query.context;
    let strings =
        |words: &std::collections::BTreeSet<String>| Expr::new_set(words.iter().map(|word| text(word)));
    let findings = [
        pair("pii", long(cx.findings.pii)),
        pair("secret", long(cx.findings.secret)),
        pair("injection", long(cx.findings.injection)),
        pair("leak", long(cx.findings.leak)),
    ];
    let mut pairs = headers(cx, cache);
    pairs.extend([
        pair("label", label(&cx.label, query.label_order)?),
        pair("label_from", strings(&cx.label_from)),
        pair("signals", strings(&cx.signals)),
        pair("system_signals", strings(&cx.system_signals)),
        pair("course", strings(&cx.course)),
        pair("registered_system", Expr::new_bool(cx.registered_system)),
        pair("findings", Expr::new_record(findings).map_err(cedar)?),
        pair("atom_findings", long(cx.atom_findings)),
        pair("opaque", Expr::new_bool(cx.opaque)),
        pair("reference", Expr::new_bool(cx.reference)),
        pair("sealed", Expr::new_bool(cx.sealed)),
        pair("incomplete", Expr::new_bool(cx.incomplete)),
        pair("tools", long(cx.tools)),
        pair("tokens", long(cx.tokens)),
        pair("stream", Expr::new_bool(cx.stream)),
        pair("observe", Expr::new_bool(model.observed())),
    ]);
    Ok(pairs)
}

/// A label as policies see it; one that the configuration does not name cannot be asked about.
fn label(label: &Label, order: &LabelOrder) -> Result<Expr, Unaskable> {
    let rank = order.rank(label)?;
    let reached = usize::try_from(rank).map_or(0, |rank| rank.saturating_add(1));
    let reaches = order.iter().take(reached).map(|lower| text(lower.as_str()));
    Expr::new_record([
        pair("rank", Expr::new_long(rank)),
        pair("name", text(label.as_str())),
        pair("reaches", Expr::new_set(reaches)),
    ])
    .map_err(cedar)
}

fn uid(name: &EntityTypeName, id: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(name.clone(), EntityId::new(id))
}

fn pair(name: &str, value: Expr) -> (String, Expr) {
    (name.to_owned(), value)
}

fn text(value: &str) -> Expr {
    Expr::new_string(value.to_owned())
}

fn entity(value: EntityUid) -> Expr {
    Expr::new_entity_uid(value)
}

/// Counts beyond Cedar's 64-bit integers stay at the highest.
fn long(value: u64) -> Expr {
    Expr::new_long(i64::try_from(value).unwrap_or(i64::MAX))
}

fn cedar(error: impl std::fmt::Display) -> Unaskable {
    Unaskable::Cedar(error.to_string())
}
