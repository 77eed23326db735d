//! The rules of artifacts: which callables data needs, which act, and what each structural check is called.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Deserialize;
use stockade_domain::Severity;
use stockade_rulebook::{Header, RuleError, Rulebook, Status};

use super::pickle::words;

/// The folder below `rules/`.
const FOLDER: &str = "artifacts";

/// What the functions are called that Cython writes to rebuild objects of its classes.
const REBUILDS: &str = "__pyx_unpickle_";

/// The rules, ready to run. It does not depend on what is installed on the machine that scans.
#[derive(Debug, Clone)]
pub struct Policy {
    rules: HashMap<Arc<str>, Arc<Meta>>,
    /// Exact paths and, without their `.*`, prefixes.
    exact: HashMap<String, Entry>,
    prefixes: HashMap<String, Entry>,
    /// The rule that each path of the two maps is from.
    named: HashMap<(bool, String), Arc<str>>,
    /// Top-level modules of Python's standard library.
    stdlib: HashMap<String, ()>,
    /// Last words of functions that act, in whatever package.
    verbs: HashMap<String, ()>,
    verb_prefixes: Vec<String>,
}

/// Why the rules cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// A file cannot be read.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// A rule says something that this version does not know.
    #[error("{id}: {message}")]
    Body {
        /// The rule's id.
        id: String,
        /// What is wrong.
        message: String,
    },
}

/// What an issue takes from its rule.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Meta {
    pub(crate) id: Arc<str>,
    pub(crate) title: String,
    pub(crate) severity: Severity,
    /// What to do about it.
    pub(crate) fix: String,
    pub(crate) references: Arc<[String]>,
}

/// What a rule does, as it is written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Body {
    kind: Kind,
    /// Paths of callables: `module.name`, `package.*` (all below), `package.**.Class` (classes below).
    #[serde(default)]
    callables: Vec<String>,
    /// What the arguments must be, for `kind = "allowed"`.
    #[serde(default)]
    arguments: Contract,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    /// Data needs these; calling them with fitting arguments does nothing else.
    Allowed,
    /// Classes that may be made and filled.
    Constructible,
    /// They act.
    Denied,
    /// The modules of Python's standard library: a function there that no other rule knows acts.
    Stdlib,
    /// Last words of functions that act, in whatever package; `word_*` is a beginning.
    Verbs,
    /// A check of a format's structure, in code.
    Structure,
}

/// What the arguments of an allowed callable must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Contract {
    /// Anything.
    #[default]
    Any,
    /// A tensor that lies inside its storage.
    Tensor,
    /// Bytes that are an artifact themselves.
    NestedArtifact,
    /// The second argument names a text encoding.
    TextEncoding,
    /// A class or function that is itself allowed, and data.
    InnerCallable,
    /// An attribute of a class by a plain name.
    PlainAttribute,
    /// Names without `__`.
    PlainNames,
    /// A module and a name, which are imported.
    ImportByName,
    /// Of imported objects only those of its own package.
    OwnParts,
    /// The first argument is called: it must itself be allowed without conditions.
    CallsFirst,
    /// The name of a plain type.
    TypeName,
    /// Numbers, and words that name a choice.
    Words,
}

/// What the policy says about a callable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Tier {
    Allowed(Contract),
    Constructible,
    /// A function of a package whose classes are constructible: data may hold it, loading does not call it.
    Held,
    Denied(Arc<Meta>),
    Unknown,
}

#[derive(Debug, Clone)]
struct Entry {
    tier: Tier,
    classes_only: bool,
}

// === impl Policy ===

impl Policy {
    /// Reads the rules of artifacts from a rulebook.
    ///
    /// # Errors
    /// A file that is no rule, or a pattern that is none.
    pub fn load(book: &Rulebook) -> Result<Self, PolicyError> {
        let mut policy = Self {
            rules: HashMap::new(),
            exact: HashMap::new(),
            prefixes: HashMap::new(),
            named: HashMap::new(),
            stdlib: HashMap::new(),
            verbs: HashMap::new(),
            verb_prefixes: Vec::new(),
        };
        for rule in book.load::<Body>(FOLDER)? {
            if rule.header.status == Status::Removed {
                continue;
            }
            let meta = Arc::new(Meta::of(&rule.header));
            policy.rules.insert(Arc::clone(&meta.id), Arc::clone(&meta));
            policy.add(&rule.body, &meta)?;
        }
        Ok(policy)
    }

    /// Takes in one rule. Where two rules name the same path, the stricter one holds.
    fn add(&mut self, body: &Body, meta: &Arc<Meta>) -> Result<(), PolicyError> {
        let tier = match body.kind {
            Kind::Allowed => Tier::Allowed(body.arguments),
            Kind::Constructible => Tier::Constructible,
            Kind::Denied => Tier::Denied(Arc::clone(meta)),
            Kind::Stdlib => {
                self.stdlib.extend(body.callables.iter().map(|c| (c.clone(), ())));
                return Ok(());
            }
            Kind::Verbs => {
                for word in &body.callables {
                    match word.strip_suffix('*') {
                        Some(start) => self.verb_prefixes.push(start.to_owned()),
                        None => {
                            self.verbs.insert(word.clone(), ());
                        }
                    }
                }
                return Ok(());
            }
            Kind::Structure => return Ok(()),
        };
        for pattern in &body.callables {
            let bad = || PolicyError::Body {
                id: meta.id.to_string(),
                message: format!("`{pattern}` is no path of a callable"),
            };
            let (map, key, classes_only, exact) = if let Some(path) = pattern.strip_suffix(".**.Class") {
                (&mut self.prefixes, path, true, false)
            } else if let Some(path) = pattern.strip_suffix(".*") {
                (&mut self.prefixes, path, false, false)
            } else {
                (&mut self.exact, pattern.as_str(), false, true)
            };
            if key.is_empty() || key.contains('*') {
                return Err(bad());
            }
            let entry = Entry { tier: tier.clone(), classes_only };
            match map.get(key) {
                Some(old) if old.tier.strictness() >= entry.tier.strictness() => {}
                _ => {
                    map.insert(key.to_owned(), entry);
                    self.named.insert((exact, key.to_owned()), Arc::clone(&meta.id));
                }
            }
        }
        Ok(())
    }

    /// The id of the rule that decides about a callable, `module.name`; `None` when none does.
    #[must_use]
    pub fn explains(&self, path: &str) -> Option<String> {
        let (module, name) = path.rsplit_once('.')?;
        match self.tier(module, name) {
            Tier::Denied(meta) => Some(meta.id.to_string()),
            Tier::Unknown | Tier::Held => None,
            Tier::Allowed(_) | Tier::Constructible => {
                let path = format!("{}.{name}", words::canonical(module, name));
                if let Some(id) = self.named.get(&(true, path.clone())) {
                    return Some(id.to_string());
                }
                let mut rest = path.as_str();
                while let Some((before, _)) = rest.rsplit_once('.') {
                    if let Some(id) = self.named.get(&(false, before.to_owned())) {
                        return Some(id.to_string());
                    }
                    rest = before;
                }
                None
            }
        }
    }

    /// What an issue of this rule takes from it; `None` when the rule was taken out.
    pub(crate) fn meta(&self, id: &str) -> Option<&Arc<Meta>> {
        self.rules.get(id)
    }

    /// What is said of `module.name`. The longest pattern decides; then what holds for every name.
    pub(crate) fn tier(&self, module: &str, name: &str) -> Tier {
        let module = words::canonical(module, name);
        let path = format!("{module}.{name}");
        if let Some(entry) = self.exact.get(&path) {
            return entry.tier.clone();
        }
        let class = words::is_class(name);
        let by_prefix = self.longest(&path, class);
        if let Some(Tier::Denied(meta)) = &by_prefix {
            return Tier::Denied(Arc::clone(meta));
        }
        if words::walks(module, name, |word| self.stdlib.contains_key(word)) {
            return self.rule_tier(super::rule::WALK);
        }
        let acts = !class && self.is_verb(name);
        // A method of a class is not what the class was listed for.
        let method = name.contains('.') && !class;
        match by_prefix {
            Some(tier @ Tier::Allowed(_)) => return tier,
            Some(Tier::Constructible) if words::is_tooling(module) => {}
            Some(Tier::Constructible) if !class && !method && !acts && !name.starts_with(REBUILDS) => {
                return Tier::Held;
            }
            Some(tier) if !method && !acts => return tier,
            _ => {}
        }
        let top = module.split('.').next().unwrap_or_default();
        if self.stdlib.contains_key(top) {
            return if class { Tier::Unknown } else { self.rule_tier(super::rule::STDLIB) };
        }
        if acts {
            return self.rule_tier(super::rule::VERB);
        }
        let beside = !class && !method && !words::is_tooling(module);
        if beside && matches!(self.longest(&path, true), Some(Tier::Constructible)) {
            return Tier::Held;
        }
        Tier::Unknown
    }

    /// Whether a function of this name acts, whatever package it is from.
    pub(crate) fn is_verb(&self, name: &str) -> bool {
        let bare = name.rsplit('.').next().unwrap_or_default().trim_start_matches('_');
        self.verbs.contains_key(bare) || self.verb_prefixes.iter().any(|p| bare.starts_with(p.as_str()))
    }

    fn rule_tier(&self, id: &str) -> Tier {
        self.meta(id).map_or(Tier::Unknown, |meta| Tier::Denied(Arc::clone(meta)))
    }

    fn longest(&self, path: &str, class: bool) -> Option<Tier> {
        let mut rest = path;
        while let Some((before, _)) = rest.rsplit_once('.') {
            if let Some(entry) = self.prefixes.get(before)
                && (class || !entry.classes_only)
            {
                return Some(entry.tier.clone());
            }
            rest = before;
        }
        None
    }
}

// === impl Body ===

impl Body {
    /// Whether the rule is a check in code; its examples are files of the generated corpus, those of the others are
    /// callables.
    #[must_use]
    pub fn is_structure(&self) -> bool {
        self.kind == Kind::Structure
    }
}

// === impl Meta ===

impl Meta {
    fn of(header: &Header) -> Self {
        Self {
            id: header.id.as_str().into(),
            title: header.title.clone(),
            severity: header.severity,
            fix: header.fix.clone(),
            references: header.references.clone().into(),
        }
    }
}

// === impl Tier ===

impl Tier {
    fn strictness(&self) -> u8 {
        match self {
            Self::Unknown => 0,
            Self::Allowed(_) => 1,
            Self::Constructible | Self::Held => 2,
            Self::Denied(_) => 3,
        }
    }
}
