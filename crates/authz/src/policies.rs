//! A set of policies that has been checked whole: it parses, every annotation is understood, ids are unique, and the
//! strict validator finds nothing to say. Only such a set can decide.

use std::collections::{BTreeMap, HashMap};

use cedar_policy::{ActionConstraint, EntityUid, Policy, PolicyId, Schema, ValidationMode, Validator};
use stockade_crypto::{Hasher, to_hex};
use stockade_domain::Action;

use crate::annotations::{self, Info, Kind, Source};
use crate::error::{PolicyError, PolicyErrors};
use crate::text;

/// The schema that policies are checked against: the text of `rules/cedar/stockade.cedarschema`.
pub const SCHEMA: &str = include_str!("../../../rules/cedar/stockade.cedarschema");

/// The name that errors of the schema itself are given under.
const SCHEMA_NAME: &str = "stockade.cedarschema";

/// A checked set of policies. Cheap to ask, costly to make; one is shared by all requests until it is replaced whole.
#[derive(Debug, Clone)]
pub struct PolicySet {
    /// Policies that grant and refuse.
    pub(crate) deciding: cedar_policy::PolicySet,
    /// Policies with `@floor`: they grant nothing, their obligations hold for every permit.
    pub(crate) floor: cedar_policy::PolicySet,
    /// Policies with `@mode("observe")`, of both kinds: they are evaluated and decide nothing.
    pub(crate) observed: cedar_policy::PolicySet,
    /// The same policies as they stand for one action each.
    pub(crate) by_action: Vec<(Action, ForAction)>,
    /// What each policy's annotations say.
    pub(crate) infos: HashMap<PolicyId, Info>,
    /// Names of the files, by [`Info::file`].
    pub(crate) files: Vec<String>,
    pub(crate) schema: Schema,
    hash: String,
}

/// What a policy is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope<'a> {
    /// Its id.
    pub id: &'a str,
    /// Its title.
    pub title: &'a str,
    /// Actions that it can apply to.
    pub actions: Vec<Action>,
    /// It is evaluated and recorded, and decides nothing.
    pub is_observed: bool,
}

/// The policies whose scope an action is in, with that part of the scope, which is then always true, left out. Cedar
/// would find the same policies one by one, at a microsecond each.
#[derive(Debug, Clone, Default)]
pub(crate) struct ForAction {
    pub(crate) deciding: cedar_policy::PolicySet,
    pub(crate) floor: cedar_policy::PolicySet,
    /// The same with the policies that are only observed, where there are any.
    pub(crate) trial: Option<Box<ForAction>>,
}

impl PolicySet {
    /// Loads policies from texts, given as name and content. The order of files does not matter.
    ///
    /// # Errors
    /// Every mistake that was found, with file and place. Besides Cedar's own errors: a policy without a unique `@id`,
    /// an unknown or misplaced annotation, an unknown obligation, a template, and a policy that can never apply.
    pub fn load(files: &[(&str, &str)]) -> Result<Self, PolicyErrors> {
        let mut files = files.to_vec();
        files.sort_unstable();
        let schema = load_schema()?;
        let mut errors = Vec::new();
        let mut loaded = BTreeMap::new();
        for (index, (name, content)) in files.iter().enumerate() {
            load_file(index, name, content, &mut loaded, &mut errors);
        }
        if !errors.is_empty() {
            return Err(PolicyErrors::new(errors));
        }

        let mut set = assemble(loaded, &files, schema)?;
        set.validate()?;
        set.by_action = set.specialise()?;
        Ok(set)
    }

    /// SHA-256 over the names and texts of the files, as lower-case hex. Every decision record names it.
    #[must_use]
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// How many policies there are, the floor included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.infos.len()
    }

    /// Whether there is no policy; such a set denies everything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.infos.is_empty()
    }

    /// `(id, title, why)` of every policy, sorted by id.
    #[must_use]
    pub fn describe(&self) -> Vec<(&str, &str, &str)> {
        let mut out: Vec<_> =
            self.infos.values().map(|i| (i.id.as_str(), i.title.as_str(), i.why.as_str())).collect();
        out.sort_unstable();
        out
    }

    fn validate(&self) -> Result<(), PolicyErrors> {
        let validator = Validator::new(self.schema.clone());
        let mut errors = Vec::new();
        for set in [&self.deciding, &self.floor, &self.observed] {
            let result = validator.validate(set, ValidationMode::Strict);
            for error in result.validation_errors() {
                errors.push(PolicyError::from_cedar(self.file_of(error.policy_id()), error));
            }
            // A warning says that a policy is not what it looks like (it can never apply, or its text deceives the eye).
            for warning in result.validation_warnings() {
                errors.push(PolicyError::from_cedar(self.file_of(warning.policy_id()), warning));
            }
        }
        if errors.is_empty() {
            return Ok(());
        }
        errors.sort_by(|a, b| {
            let place = |e: &PolicyError| e.span.as_ref().map_or(0, |s| s.start);
            (&a.file, place(a)).cmp(&(&b.file, place(b)))
        });
        Err(PolicyErrors::new(errors))
    }

    /// Every policy with the actions that it can apply to, and whether it is only observed; sorted by id.
    #[must_use]
    pub fn scopes(&self) -> Vec<Scope<'_>> {
        let applies = |id: &PolicyId, action: Action| {
            self.for_action(action).is_some_and(|for_action| {
                let trial = for_action.trial.as_deref().unwrap_or(for_action);
                trial.deciding.policy(id).or_else(|| trial.floor.policy(id)).is_some()
            })
        };
        let mut scopes: Vec<_> = self
            .infos
            .iter()
            .map(|(id, info)| Scope {
                id: &info.id,
                title: &info.title,
                actions: Action::ALL.into_iter().filter(|action| applies(id, *action)).collect(),
                is_observed: info.is_observed,
            })
            .collect();
        scopes.sort_unstable_by_key(|scope| scope.id);
        scopes
    }

    /// Ids of policies that ask for a part of the context by name, such as `addr`.
    #[must_use]
    pub fn that_read(&self, name: &str) -> Vec<&str> {
        let quoted = format!("\"{name}\"");
        let sets = [&self.deciding, &self.floor, &self.observed];
        let reads = |policy: &Policy| policy.to_json().is_ok_and(|json| json.to_string().contains(&quoted));
        let ids = sets.into_iter().flat_map(cedar_policy::PolicySet::policies).filter(|policy| reads(policy));
        ids.filter_map(|policy| Some(self.infos.get(policy.id())?.id.as_str())).collect()
    }

    /// The policies that can apply to an action.
    pub(crate) fn for_action(&self, action: Action) -> Option<&ForAction> {
        self.by_action.iter().find(|(known, _)| *known == action).map(|(_, policies)| policies)
    }

    /// The policies for each action.
    fn specialise(&self) -> Result<Vec<(Action, ForAction)>, PolicyErrors> {
        let for_action = |action: Action| {
            let deciding = specialise(&self.deciding, action)?;
            let floor = specialise(&self.floor, action)?;
            let observed = specialise(&self.observed, action)?;
            let trial = if observed.is_empty() {
                None
            } else {
                let mut trial = ForAction { deciding: deciding.clone(), floor: floor.clone(), trial: None };
                for policy in observed.policies() {
                    let info = self.infos.get(policy.id());
                    let is_floor = matches!(info, Some(Info { kind: Kind::Floor { .. }, .. }));
                    let set = if is_floor { &mut trial.floor } else { &mut trial.deciding };
                    set.add(policy.clone()).map_err(|error| error.to_string())?;
                }
                Some(Box::new(trial))
            };
            Ok((action, ForAction { deciding, floor, trial }))
        };
        let all: Result<Vec<_>, String> = Action::ALL.into_iter().map(for_action).collect();
        all.map_err(|error| PolicyErrors::new(vec![PolicyError::whole("", error)]))
    }

    fn file_of(&self, id: &PolicyId) -> &str {
        self.infos.get(id).and_then(|info| self.files.get(info.file)).map_or("", String::as_str)
    }
}

fn load_schema() -> Result<Schema, PolicyErrors> {
    let failed =
        |error: &dyn miette::Diagnostic| PolicyErrors::new(vec![PolicyError::from_cedar(SCHEMA_NAME, error)]);
    let (schema, mut warnings) = Schema::from_cedarschema_str(SCHEMA).map_err(|error| failed(&error))?;
    match warnings.next() {
        Some(warning) => Err(failed(&warning)),
        None => Ok(schema),
    }
}

/// Parses one file and adds its policies by id.
fn load_file(
    index: usize,
    name: &str,
    content: &str,
    loaded: &mut BTreeMap<String, (Policy, Info)>,
    errors: &mut Vec<PolicyError>,
) {
    let parsed: cedar_policy::PolicySet = match content.parse() {
        Ok(parsed) => parsed,
        Err(parse) => {
            let parse: cedar_policy::ParseErrors = parse;
            errors.extend(parse.iter().map(|error| PolicyError::from_cedar(name, error)));
            return;
        }
    };
    if parsed.num_of_templates() > 0 {
        errors.push(PolicyError::whole(name, "templates (`?principal`, `?resource`) are not supported"));
        return;
    }
    for (at, span) in text::policies(content).into_iter().enumerate() {
        // Cedar numbers the policies of a text in their order.
        let Some(policy) = parsed.policy(&PolicyId::new(format!("policy{at}"))) else {
            errors.push(PolicyError::at(name, span, "the policy could not be told from its neighbours"));
            continue;
        };
        let source = Source { file: index, name, text: content, span: span.clone() };
        let Some(info) = annotations::read(policy, &source, errors) else { continue };
        let place = text::annotation(content, &span, "id");
        let policy = policy.new_id(PolicyId::new(&info.id));
        let id = info.id.clone();
        if loaded.insert(id.clone(), (policy, info)).is_some() {
            let error = PolicyError::at(name, place, format!("another policy has the id `{id}` already"));
            errors.push(error.help("ids are unique across all files: records and tests refer to them"));
        }
    }
    let found = text::policies(content).len();
    if found != parsed.num_of_policies() {
        errors.push(PolicyError::whole(name, "the policies of the file could not be told apart"));
    }
}

fn assemble(
    loaded: BTreeMap<String, (Policy, Info)>,
    files: &[(&str, &str)],
    schema: Schema,
) -> Result<PolicySet, PolicyErrors> {
    let mut deciding = cedar_policy::PolicySet::new();
    let mut floor = cedar_policy::PolicySet::new();
    let mut observed = cedar_policy::PolicySet::new();
    let mut infos = HashMap::new();
    for (policy, info) in loaded.into_values() {
        let target = match info.kind {
            _ if info.is_observed => &mut observed,
            Kind::Floor { .. } => &mut floor,
            _ => &mut deciding,
        };
        let id = policy.id().clone();
        if let Err(error) = target.add(policy) {
            let file = files.get(info.file).map_or("", |(name, _)| name);
            return Err(PolicyErrors::new(vec![PolicyError::whole(file, error.to_string())]));
        }
        infos.insert(id, info);
    }
    let mut hasher = Hasher::new();
    for part in files.iter().flat_map(|(name, content)| [name, content]) {
        // Lengths go in too, so that no two different sets give the same bytes.
        hasher.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hasher.update(part.as_bytes());
    }
    let hash = to_hex(&hasher.finish());
    let files = files.iter().map(|(name, _)| (*name).to_owned()).collect();
    Ok(PolicySet { deciding, floor, observed, by_action: Vec::new(), infos, files, schema, hash })
}

/// The policies of a set that can apply to an action. The schema has no groups of actions, so a scope that does not name
/// the action itself is not about it.
fn specialise(set: &cedar_policy::PolicySet, action: Action) -> Result<cedar_policy::PolicySet, String> {
    let names = |uid: &EntityUid| AsRef::<str>::as_ref(uid.id()) == action.as_str();
    let mut out = cedar_policy::PolicySet::new();
    for policy in set.policies() {
        let applies = match policy.action_constraint() {
            ActionConstraint::Any => true,
            ActionConstraint::Eq(uid) => names(&uid),
            ActionConstraint::In(uids) => uids.iter().any(names),
        };
        if applies {
            let mut json = policy.to_json().map_err(|error| error.to_string())?;
            let scope = json.get_mut("action").ok_or("Cedar's JSON form of a policy has no action")?;
            *scope = serde_json::json!({ "op": "All" });
            let policy =
                Policy::from_json(Some(policy.id().clone()), json).map_err(|error| error.to_string())?;
            out.add(policy).map_err(|error| error.to_string())?;
        }
    }
    Ok(out)
}
