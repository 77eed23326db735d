//! The same question as [`Engine::decide`], answered at length: every policy on its own, what it saw, and what it did.

use std::fmt;

use cedar_policy::{Decision, Policy, PolicyId};
use serde::Serialize;
use serde_json::Value;
use stockade_domain::{DecisionRecord, Effect, Obligation, Untrusted};

use crate::annotations::{Info, Kind};
use crate::engine::Engine;
use crate::query::Query;
use crate::request::Prepared;

/// A decision with everything that led to it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explanation {
    /// What [`Engine::decide`] says to the same question.
    pub decision: DecisionRecord,
    /// Permits that matched, whether or not a forbid outweighed them.
    pub permits: Vec<PolicyLine>,
    /// Forbids that matched.
    pub forbids: Vec<PolicyLine>,
    /// Policies of the floor that matched, each with its obligation; they count once something permits.
    pub floor: Vec<FloorLine>,
    /// Policies that matched and are only observed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub observed: Vec<PolicyLine>,
    /// Policies that could not be evaluated, with Cedar's message. One is enough to deny.
    pub errors: Vec<PolicyLine>,
    /// Why the question could not be put at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unaskable: Option<String>,
    /// The caller, workload and resource as policies saw them.
    pub entities: Value,
    /// The context as policies saw it.
    pub context: Value,
}

/// One policy that had something to say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PolicyLine {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Why it exists; of a failed policy, Cedar's message.
    pub why: String,
    /// File and line.
    pub place: String,
}

/// One obligation of the floor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FloorLine {
    /// The policy that asks for it.
    pub policy: PolicyLine,
    /// What has to be done.
    pub obligation: Obligation,
    /// The matching permits that waive it.
    pub waived_by: Vec<String>,
}

/// What one policy says to a question on its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Its condition holds.
    Matches,
    /// It does not.
    Silent,
    /// It could not be evaluated.
    Fails(String),
}

impl Engine {
    /// Explains what [`Engine::decide`] says to a question. It evaluates each policy on its own and takes its time
    /// (tens of microseconds each), so it is for people, not for the request path.
    #[must_use]
    pub fn explain(&self, query: &Query<'_>) -> Explanation {
        let mut out = Explanation {
            decision: self.decide(query),
            permits: Vec::new(),
            forbids: Vec::new(),
            floor: Vec::new(),
            observed: Vec::new(),
            errors: Vec::new(),
            unaskable: None,
            entities: Value::Null,
            context: Value::Null,
        };
        let prepared = match self.names.prepare(query, &self.cache) {
            Ok(prepared) => prepared,
            Err(why) => {
                out.unaskable = Some(why.to_string());
                return out;
            }
        };
        out.entities = prepared.entities.to_json_value().unwrap_or_default();
        out.context = prepared.request.context().and_then(|cx| cx.to_json_value().ok()).unwrap_or_default();
        let mut waivers: Vec<(&str, &Obligation)> = Vec::new();
        let mut floor = Vec::new();
        let mut infos: Vec<(&PolicyId, &Info)> = self.policies.infos.iter().collect();
        infos.sort_unstable_by_key(|(_, info)| (info.file, info.line));
        for (id, info) in infos {
            match self.verdict(id, &prepared) {
                Verdict::Silent => {}
                Verdict::Fails(message) if info.is_observed => {
                    out.observed.push(PolicyLine { why: message, ..self.line(info) });
                }
                Verdict::Fails(message) => out.errors.push(PolicyLine { why: message, ..self.line(info) }),
                Verdict::Matches if info.is_observed => out.observed.push(self.line(info)),
                Verdict::Matches => match &info.kind {
                    Kind::Permit { waives, .. } => {
                        waivers.extend(waives.iter().map(|w| (info.id.as_str(), w)));
                        out.permits.push(self.line(info));
                    }
                    Kind::Forbid { .. } => out.forbids.push(self.line(info)),
                    Kind::Floor { obligations } => floor.extend(obligations.iter().map(|o| (info, o))),
                },
            }
        }
        for (info, obligation) in floor {
            let by =
                waivers.iter().filter(|(_, waived)| *waived == obligation).map(|(id, _)| (*id).to_owned());
            let line = FloorLine {
                policy: self.line(info),
                obligation: obligation.clone(),
                waived_by: by.collect(),
            };
            out.floor.push(line);
        }
        out
    }

    /// What one policy says on its own. A policy that is not there is silent.
    pub(crate) fn verdict(&self, id: &PolicyId, prepared: &Prepared) -> Verdict {
        let sets = [&self.policies.deciding, &self.policies.floor, &self.policies.observed];
        let Some(policy) = sets.into_iter().find_map(|set| set.policy(id)) else {
            return Verdict::Silent;
        };
        let alone = match cedar_policy::PolicySet::from_policies([Policy::clone(policy)]) {
            Ok(alone) => alone,
            Err(error) => return Verdict::Fails(error.to_string()),
        };
        let response = self.authorizer.is_authorized(&prepared.request, &alone, &prepared.entities);
        let diagnostics = response.diagnostics();
        if let Some(error) = diagnostics.errors().next() {
            Verdict::Fails(error.to_string())
        } else if response.decision() == Decision::Allow || diagnostics.reason().next().is_some() {
            Verdict::Matches
        } else {
            Verdict::Silent
        }
    }

    fn line(&self, info: &Info) -> PolicyLine {
        let file = self.policies.files.get(info.file).map_or("", String::as_str);
        PolicyLine {
            id: info.id.clone(),
            title: info.title.clone(),
            why: info.why.clone(),
            place: format!("{file}:{}", info.line),
        }
    }
}

impl fmt::Display for Explanation {
    /// For people at a terminal. Texts of the request are escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let effect = match self.decision.effect {
            Effect::Permit => "permit",
            Effect::Deny => "deny",
        };
        writeln!(f, "{effect}{}", bracketed(&self.decision.reasons))?;
        if let Some(why) = &self.unaskable {
            writeln!(f, "  the question could not be put: {}", Untrusted::new(why).for_log())?;
        }
        for (heading, lines) in [
            ("forbidden by", &self.forbids),
            ("permitted by", &self.permits),
            ("only observed:", &self.observed),
            ("could not be evaluated", &self.errors),
        ] {
            for line in lines {
                writeln!(f, "  {heading} {line}")?;
            }
        }
        for line in &self.floor {
            write!(f, "  floor: {} by {}", line.obligation, line.policy.id)?;
            match line.waived_by.as_slice() {
                [] => writeln!(f)?,
                by => writeln!(f, ", waived by {}", by.join(", "))?,
            }
        }
        if self.decision.effect == Effect::Permit {
            let words: Vec<String> = self.decision.obligations.iter().map(ToString::to_string).collect();
            writeln!(
                f,
                "  obligations: {}",
                if words.is_empty() { "none".to_owned() } else { words.join(", ") }
            )?;
        }
        for (name, value) in [("entities", &self.entities), ("context", &self.context)] {
            let text = serde_json::to_string_pretty(value).map_err(|_| fmt::Error)?;
            writeln!(f, "{name}: {}", Untrusted::new(&text).for_terminal())?;
        }
        write!(f, "policy set {}", self.decision.policy_hash)
    }
}

impl fmt::Display for PolicyLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [title, why, place] = [&self.title, &self.why, &self.place].map(|t| Untrusted::new(t).for_log());
        write!(f, "{} ({place}): {title}", self.id)?;
        if !why.is_empty() {
            write!(f, "\n      {why}")?;
        }
        Ok(())
    }
}

fn bracketed(reasons: &[String]) -> String {
    if reasons.is_empty() { String::new() } else { format!(" ({})", reasons.join(", ")) }
}
