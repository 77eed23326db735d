//! What an operator can ask of an installation, whichever way the question comes.

use serde::Serialize;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use stockade_domain::{Label, WorkloadName};
use stockade_gateway::labels::LabelRules;
use stockade_gateway::limits::LimitSet;
use stockade_gateway::ports::Catalog;
use stockade_platform::{Platform, PlatformError};

use super::protocol::{LimitUse, Link, MadeKey, MadeToken, Refusal, Request, Revoked, Traffic};

/// Who is recorded: the socket and the lock are both for the owner of the data directory alone.
const ACTOR: &str = "cli";

/// Answers questions. Blocks.
pub(crate) struct Service {
    platform: Arc<Platform>,
    /// The server, where one runs.
    serving: Option<Serving>,
}

/// What only a running server knows.
pub(crate) struct Serving {
    /// The console's base URL.
    pub(crate) console: String,
    /// The gateway's base URL.
    pub(crate) gateway: String,
    /// What it serves.
    pub(crate) catalog: Arc<ArcSwap<Catalog>>,
    /// Limits of use.
    pub(crate) limits: Arc<ArcSwap<LimitSet>>,
    /// What is said of labels.
    pub(crate) labels: Arc<ArcSwap<LabelRules>>,
}

impl Service {
    pub(crate) fn new(platform: Arc<Platform>, serving: Option<Serving>) -> Self {
        Self { platform, serving }
    }

    /// Carries a request out.
    pub(crate) fn answer(&self, request: Request) -> Result<Value, Refusal> {
        let roster = &self.platform.roster;
        match request {
            Request::KeyCreate { workload, lifetime_s, note } => {
                let lifetime = lifetime_s.map(Duration::from_secs);
                let made = roster.create_key(&name(&workload)?, lifetime, &note, ACTOR)?;
                value(&MadeKey { text: made.text.reveal().to_owned(), info: made.info })
            }
            Request::KeyList => value(&roster.list_keys()?),
            Request::KeyRevoke { id } => value(&Revoked { now: roster.revoke_key(&id, ACTOR)? }),
            Request::WorkloadCreate { name: text, change } => {
                value(&roster.create_workload(&name(&text)?, &change, ACTOR)?)
            }
            Request::WorkloadSet { name: text, change } => {
                value(&roster.set_workload(&name(&text)?, &change, ACTOR)?)
            }
            Request::WorkloadList => value(&roster.list_workloads()?),
            Request::WorkloadShow { name: text } => value(&roster.workload(&name(&text)?)?),
            Request::PromptRegister { workload, text, note } => {
                value(&roster.register_prompt(&name(&workload)?, &text, &note, ACTOR)?)
            }
            Request::PromptList => value(&roster.list_prompts()?),
            Request::PromptRemove { workload, digest } => {
                value(&roster.remove_prompt(&name(&workload)?, &digest, ACTOR)?)
            }
            Request::LabelAdd { name, label, text } => {
                let label = self.label(&label)?;
                value(&self.platform.labels.add(&name, &label, &text, ACTOR)?)
            }
            Request::LabelList => value(&self.platform.labels.list()?),
            Request::LabelRemove { text } => value(&self.platform.labels.remove(&text, ACTOR)?),
            Request::LabelCheck { text } => value(&self.platform.labels.check(&text)?),
            Request::TokenCreate { scope, lifetime_s, note } => {
                let made =
                    self.platform.tokens.create(scope, Duration::from_secs(lifetime_s), &note, ACTOR)?;
                value(&MadeToken { text: made.text.reveal().to_owned(), info: made.info })
            }
            Request::TokenList => value(&self.platform.tokens.list()?),
            Request::TokenRevoke { id } => value(&Revoked { now: self.platform.tokens.revoke(&id, ACTOR)? }),
            Request::SignIn => match &self.serving {
                Some(Serving { console: base, .. }) => {
                    let token = self.platform.sessions.new_link(ACTOR)?;
                    value(&Link { url: format!("{base}/signin?token={token}") })
                }
                None => {
                    let message = "no server runs on this data directory: start `stockade up`";
                    Err(Refusal::new("not_serving", message))
                }
            },
            Request::Prove { request } => {
                let bundle = self.platform.journal.ledger().prove(request).map_err(PlatformError::from)?;
                value(&String::from_utf8_lossy(&bundle.to_file()))
            }
            Request::Traffic { workload } => value(&self.traffic(&workload)?),
            Request::Decided { below, since } => value(&self.platform.decided(below, since)?),
            Request::PolicyUse { since } => value(&self.platform.policy_use(since)?),
            Request::Limits => value(&self.limits()),
            Request::Backup { to } => value(&self.platform.backup(&to, ACTOR)?),
        }
    }
}

impl Service {
    /// A label that the server's configuration names. Without a server nobody knows its configuration, and a label that turns
    /// out to be unknown denies.
    fn label(&self, word: &str) -> Result<Label, Refusal> {
        let label = Label::new(word);
        let rules = self.serving.as_ref().map(|serving| serving.labels.load());
        match rules.filter(|rules| rules.order.rank(&label).is_err()) {
            None => Ok(label),
            Some(rules) => {
                let known: Vec<String> = rules.order.iter().map(|known| format!("`{known}`")).collect();
                let message = format!("`{word}` is not one of the labels, which are {}", known.join(", "));
                Err(Refusal::new("invalid", message))
            }
        }
    }

    /// Every use that is kept, and the limits that nobody has used.
    fn limits(&self) -> Vec<LimitUse> {
        let mut uses: Vec<LimitUse> =
            self.platform.usage.meters().levels().iter().map(LimitUse::of).collect();
        let set = self.serving.as_ref().map(|serving| serving.limits.load_full()).unwrap_or_default();
        if self.serving.is_some() {
            uses.retain(|used| set.rules.iter().any(|rule| *rule.name == *used.limit));
        }
        for level in set.untouched(|limit, measure| {
            uses.iter().any(|used| used.limit == limit && used.measure == measure.as_str())
        }) {
            uses.push(LimitUse::of(&level));
        }
        uses.sort_by(|a, b| (&a.limit, &a.measure, &a.subject).cmp(&(&b.limit, &b.measure, &b.subject)));
        uses
    }

    /// What goes through the gateway, and which models a workload asked it for.
    fn traffic(&self, workload: &str) -> Result<Traffic, Refusal> {
        let Some(serving) = &self.serving else {
            return Err(Refusal::new("not_serving", "no server runs on this data directory"));
        };
        let known = match workload.parse::<WorkloadName>() {
            Ok(name) => self.platform.roster.workload(&name).is_ok(),
            Err(_) => false,
        };
        let models = if known { self.platform.views.models_asked(workload)? } else { Vec::new() };
        let catalog = serving.catalog.load();
        let hosts = catalog.entries.iter().filter_map(|entry| entry.target.authority());
        let mut upstreams: Vec<String> = hosts.map(|(host, port)| format!("{host}:{port}")).collect();
        upstreams.sort();
        upstreams.dedup();
        Ok(Traffic { gateway: serving.gateway.clone(), known, models, upstreams })
    }
}

fn name(text: &str) -> Result<WorkloadName, Refusal> {
    text.parse().map_err(|error| Refusal::new("invalid", format!("{error}")))
}

fn value(answer: &impl Serialize) -> Result<Value, Refusal> {
    serde_json::to_value(answer).map_err(|error| Refusal::new("internal", error.to_string()))
}

impl From<PlatformError> for Refusal {
    fn from(error: PlatformError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}
